# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Synchronous training without ps: TensorFlow's MultiWorkerMirroredStrategy.

Every worker holds all parameters. In each step a ring all-reduce averages the workers' gradients, so that one global step
takes one batch of every worker, as with `sync_ps`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.context import Context
from trainer.data import Batches
from trainer.evaluation import Evaluator
from trainer.event_log import check_finite
from trainer.progress_reporter import ProgressReporter
from trainer.sharded_parameters import BETA1, BETA2
from trainer.strategies import tf2_common
from trainer.time_breakdown import INPUT, TELEMETRY, TimeBreakdown


class Mirrored:
    """One worker's parameters and training loop."""

    def __init__(self, context: Context) -> None:
        config, dataset = context.config, context.dataset
        self._context = context
        self._ask_at = config.eval_every
        # TensorFlow requires the setup of collectives before it creates any other object.
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy(
            cluster_resolver=tf.distribute.cluster_resolver.SimpleClusterResolver(
                tf.train.ClusterSpec({"worker": list(config.worker_hosts)}),
                task_type="worker",
                task_id=config.task_index,
                rpc_layer="grpc",
            ),
            communication_options=tf.distribute.experimental.CommunicationOptions(
                implementation=tf.distribute.experimental.CommunicationImplementation.RING
            ),
        )
        self._vector = tf2_common.Vector(context)
        self._batches = Batches(dataset.train_examples, config.batch_size, seed=config.worker_seed)
        self._data = tuple(map(tf.constant, dataset.train))
        with self._strategy.scope():
            # TensorFlow copies the chief's initial values to all workers.
            self._parameters = tf.Variable(self._vector.start)
            self._slots = [tf.Variable(np.zeros_like(self._vector.start), trainable=False) for _slot in range(2)]
            self._powers = [tf.Variable([beta], dtype=tf.float32, trainable=False) for beta in (BETA1, BETA2)]
        self._steps = tf.function(self._run_steps, reduce_retracing=False)
        self._agreed = tf.function(self._run_agreement)
        self._evaluator: Evaluator | None = None
        if config.target_accuracy:
            self._agreed.get_concrete_function(tf.TensorSpec([], tf.float32))
        for rounds in tf2_common.lengths(config):
            self._steps.get_concrete_function(tf.TensorSpec([rounds, config.batch_size], tf.int32))

    def meet(self) -> None:
        """Return when all workers have called this."""
        self._strategy.reduce(tf.distribute.ReduceOp.SUM, tf.constant(0.0), axis=None)

    def train(self) -> int:
        config, progress = self._context.config, self._context.progress
        target = config.train_steps or math.inf
        report = ProgressReporter(self._context)
        breakdown = TimeBreakdown(self._context.clock.mono, self._context.usage.throttled)
        report.begin()
        while progress.local_steps < target and not self._is_reached():
            rounds = int(min(config.rounds, target - progress.local_steps))
            with breakdown.on(INPUT):
                order = tf.constant(self._batches.take(rounds))
            began = self._context.clock.mono()
            loss, waited = (float(value) for value in self._steps(order))
            seconds = self._context.clock.mono() - began
            breakdown.took(seconds, compute=seconds - waited)
            progress.local_steps += rounds
            with breakdown.on(TELEMETRY):
                self._look(report, loss / config.batch_size, is_last=progress.local_steps == target)
        report.close()
        progress.seconds = breakdown.split()
        return progress.local_steps

    def _is_reached(self) -> bool:
        """Whether the chief has reached the target. All workers have to end after the same step, so they ask together."""
        config, step = self._context.config, self._context.progress.local_steps
        if not config.target_accuracy or step < self._ask_at:
            return False
        self._ask_at = (step // config.eval_every + 1) * config.eval_every
        reached = tf.constant(float(self._evaluator is not None and self._evaluator.reached))
        return bool(self._agreed(reached) > 0)

    def _run_agreement(self, reached: Any) -> Any:
        return self._strategy.run(_sum_of_all, args=(reached,))

    def evaluator(self) -> Evaluator | None:
        """Of the chief, with a target accuracy; the training then ends once it is reached."""
        config = self._context.config
        if config.is_chief and config.target_accuracy:
            self._evaluator = Evaluator(
                self._context,
                step=lambda: self._context.progress.local_steps,
                parameters=lambda: self._vector.layout.by_name(self._parameters.numpy()),
            )
        return self._evaluator

    def _look(self, report: ProgressReporter, loss: float, *, is_last: bool) -> None:
        step = self._context.progress.local_steps
        if step >= report.due:
            report(step, loss)
        elif is_last:
            check_finite(loss, step)

    def _run_steps(self, order: Any) -> Any:
        """Make one step per row of `order`; return the last loss and the total waiting time."""
        return self._strategy.run(self._replica_steps, args=(order,))

    def _replica_steps(self, order: Any) -> tuple[Any, Any]:
        images, classes = self._data
        waits = []
        for indices in tf.unstack(order):
            batch = tf.gather(images, indices), tf.gather(classes, indices)
            loss, gradient = self._vector.gradient(self._parameters.read_value(), *batch)
            mean, waited = tf2_common.timed(_mean_of_all, gradient)
            waits.append(waited)
            tf2_common.apply_adam(self._parameters, self._slots, self._powers, self._context.config.learning_rate, mean)
        return loss, tf.add_n(waits)

    def finish(self) -> None:
        if self._context.config.is_chief:
            tf2_common.finish(self._context, self._vector, self._parameters.numpy())


def _mean_of_all(gradient: Any) -> Any:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, gradient)


def _sum_of_all(value: Any) -> Any:
    # A reduction needs a device, which an argument does not have.
    with tf.device("/cpu:0"):
        value = tf.identity(value)
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def train(context: Context) -> None:
    tf2_common.configure(context.config)
    worker = Mirrored(context)
    evaluator = worker.evaluator()
    context.log.event("session_ready")
    arrived = context.clock.mono()
    worker.meet()
    context.start(0, waited=context.clock.mono() - arrived)
    if evaluator:
        evaluator.start()
    context.target_reached(worker.train(), by_accuracy=bool(evaluator and evaluator.reached))
    if evaluator:
        evaluator.finish()
    worker.finish()
    # A worker that exits early breaks the collectives of the others.
    worker.meet()
