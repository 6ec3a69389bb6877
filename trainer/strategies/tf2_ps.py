# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asynchronous training by TensorFlow 2's ParameterServerStrategy and ClusterCoordinator.

The workers only run servers. The coordinator gives steps to idle workers; it runs in worker 0's process, beside that worker's
server. The other workers wait at the same start line as in the other strategies, and then for the end of the training.
"""

from __future__ import annotations

import math
import socket
from collections import deque
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from trainer import cluster
from trainer.config import Config
from trainer.context import Context
from trainer.data import Batches
from trainer.evaluation import Evaluator
from trainer.event_log import check_finite
from trainer.progress_reporter import ProgressReporter
from trainer.ps_counters import PsCounters
from trainer.sharded_parameters import BETA1, BETA2
from trainer.strategies import parameter_server, tf2_common
from trainer.time_breakdown import TimeBreakdown

# Scheduled calls per worker, so that none is ever idle.
AHEAD = 8


class Coordinator:
    """Creates the parameters on the ps, in equal shards, and schedules the steps on the workers."""

    def __init__(self, context: Context) -> None:
        config, dataset = context.config, context.dataset
        self._context = context
        self._evaluator: Evaluator | None = None
        self._vector = tf2_common.Vector(context)
        self._batches = Batches(dataset.train_examples, config.batch_size, seed=config.seed)
        ps = len(config.ps_hosts)
        self._vector.layout.check(ps)
        strategy = tf.distribute.ParameterServerStrategy(
            tf.distribute.cluster_resolver.SimpleClusterResolver(
                tf.train.ClusterSpec({**cluster.spec(config).as_dict(), "chief": [_own_address(config)]}),
                task_type="chief",
                task_id=0,
                rpc_layer="grpc",
            ),
            variable_partitioner=tf.distribute.experimental.partitioners.FixedShardsPartitioner(ps),
        )
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
        nothing = np.zeros_like(self._vector.start)
        powers = [np.full(ps, beta, np.float32) for beta in (BETA1, BETA2)]
        values = [self._vector.start, nothing, nothing, *powers, np.zeros((len(config.worker_hosts), 2), np.int64)]
        with strategy.scope():
            # One shard per ps: TensorFlow places the shards of a variable in turn.
            self._parameters, *rest = (tf.Variable(value, trainable=False) for value in values)
        self._slots, self._powers, self._counts = rest[:2], rest[2:4], rest[4]
        self._data = self._on_every_worker()
        self._steps = tf.function(self._run_steps, reduce_retracing=False)
        self._rehearse(list(zip((self._parameters, *self._slots, *self._powers, self._counts), values, strict=True)))

    def _rehearse(self, begin: list[tuple[Any, np.ndarray]]) -> None:
        """Build the graphs by calls and undo their effect: TensorFlow has no public way to build them without a call."""
        for rounds in tf2_common.lengths(self._context.config):
            order = tf.zeros([rounds, self._context.config.batch_size], tf.int32)
            self._coordinator.schedule(self._steps, args=(self._data, order))
        self._coordinator.join()
        for variable, value in begin:
            variable.assign(value)

    def _on_every_worker(self) -> Any:
        """Put all examples into each worker's memory, as the only element of a dataset."""
        images, classes = map(tf.constant, self._context.dataset.train)
        whole = self._coordinator.create_per_worker_dataset(
            lambda: tf.data.Dataset.from_tensors((images, classes)).repeat()
        )
        return iter(whole)

    @property
    def bytes_per_ps(self) -> list[int]:
        totals = [0] * len(self._context.config.ps_hosts)
        for variable in (self._parameters, *self._slots, *self._powers, self._counts):
            for shard in shards(variable):
                place = tf.DeviceSpec.from_string(shard.device).task
                totals[place or 0] += shard.shape.num_elements() * shard.dtype.size
        return totals

    @property
    def step_bytes_per_ps(self) -> list[int]:
        return cluster.step_bytes_per_ps(shards(self._parameters), self._context.config)

    def _run_steps(self, data: Any, order: Any) -> tuple[Any, Any]:
        """Make one step per row of `order`, on a worker. Each step starts from the ps' parameters after the previous."""
        images, classes = next(data)
        parameters = shards(self._parameters)
        sizes = [shard.shape.num_elements() for shard in parameters]
        computing = []
        for indices in tf.unstack(order):
            batch = tf.gather(images, indices), tf.gather(classes, indices)
            flat = tf.concat([shard.read_value() for shard in parameters], 0)
            (loss, gradient), seconds = tf2_common.timed(lambda pulled: self._vector.gradient(pulled, *batch), flat)  # noqa: B023
            computing.append(seconds)
            for number, part in enumerate(tf.split(gradient, sizes)):
                slots, powers = ([shards(one)[number] for one in kept] for kept in (self._slots, self._powers))
                tf2_common.apply_adam(parameters[number], slots, powers, self._context.config.learning_rate, part)
        self._count(order.shape[0], tf.add_n(computing))
        return tf.add_n([tf.reduce_sum(shard.read_value()[:, 0]) for shard in shards(self._counts)]), loss

    def _count(self, steps: int, seconds: Any) -> None:
        """Add this worker's steps and computing time to the counts."""
        me = tf.distribute.coordinator.experimental_get_current_worker_index()
        done = tf.stack([tf.constant(steps, tf.int64), tf.cast(1e6 * seconds, tf.int64)])
        whole = tf.one_hot(me, len(self._context.config.worker_hosts), dtype=tf.int64)[:, tf.newaxis] * done
        kept = shards(self._counts)
        for shard, part in zip(kept, tf.split(whole, [shard.shape[0] for shard in kept]), strict=True):
            shard.assign_add(part)

    def evaluator(self) -> Evaluator | None:
        """With a target accuracy; the training then ends once it is reached."""
        if self._context.config.target_accuracy:
            self._evaluator = Evaluator(
                self._context,
                step=lambda: int(self.counts[:, 0].sum()),
                parameters=lambda: self._vector.layout.by_name(self._flat()),
            )
        return self._evaluator

    def train(self) -> int:
        config = self._context.config
        target = config.train_steps or math.inf
        report = ProgressReporter(self._context)
        report.begin()
        window = max(AHEAD * len(config.worker_hosts), 2 * config.telemetry_every // config.rounds)
        waiting: deque[tuple[int, Any]] = deque()
        given = 0
        while given < target or waiting:
            if self._evaluator and self._evaluator.reached:
                target = min(target, given)
            if given < target:
                rounds = int(min(config.rounds, target - given))
                given += rounds
                order = tf.constant(self._batches.take(rounds))
                waiting.append((given, self._coordinator.schedule(self._steps, args=(self._data, order))))
            if len(waiting) > window or given >= target:
                number, result = waiting.popleft()
                # Other workers may still run earlier calls; then the step is too low and the next result counts, too.
                if number >= min(report.due, target):
                    self._tell(report, *result.fetch())
        self._coordinator.join()
        report.close()
        return int(self.counts[:, 0].sum())

    def _tell(self, report: ProgressReporter, step: int, loss: float) -> None:
        mean = float(loss) / self._context.config.batch_size
        check_finite(mean, int(step))
        self._context.progress.local_steps = int(self.counts[0, 0])
        if step >= report.due:
            report(int(step), mean)

    @property
    def counts(self) -> np.ndarray:
        """Return one row per worker: its steps and its microseconds of computing."""
        return np.concatenate([shard.numpy() for shard in shards(self._counts)])

    def _flat(self) -> np.ndarray:
        return np.concatenate([shard.numpy() for shard in shards(self._parameters)])

    def finish(self) -> None:
        tf2_common.finish(self._context, self._vector, self._flat())


def _own_address(config: Config) -> str:
    """Return the coordinator's address on worker 0's host. Only the coordinator connects, so any free port will do."""
    host, _colon, _port = config.worker_hosts[0].rpartition(":")
    with socket.socket() as listener:
        listener.bind(("", 0))
        return f"{host}:{listener.getsockname()[1]}"


class Done(NamedTuple):
    """One worker's result: its steps, its microseconds of computing, and the microseconds of the whole training."""

    local_steps: int
    computed: int
    took: int
    global_step: int

    def enter(self, context: Context, breakdown: TimeBreakdown) -> None:
        """Record the result in this worker's own summary."""
        context.progress.local_steps = self.local_steps
        breakdown.took(self.took / 1e6, compute=self.computed / 1e6)
        context.progress.seconds = breakdown.split()


def shards(variable: Any) -> list[Any]:
    """Return the shards of a variable; with a single ps TensorFlow makes a plain variable."""
    return list(getattr(variable, "variables", [variable]))


class Farewell:
    """Queues on ps 0. Through them the chief sends each other worker its result, after which the worker may exit."""

    def __init__(self, workers: int) -> None:
        self._queues = []
        self._told = tf1.placeholder(tf.int64, [4])
        with tf1.device("/job:ps/task:0/cpu:0"):
            for number in range(workers):
                name = f"tfscale_farewell_{number}"
                self._queues.append(tf1.FIFOQueue(1, [tf.int64], shapes=[(4,)], shared_name=name, name=name))
            self._tell = [queue.enqueue(self._told) for queue in self._queues]
            self._hear = [queue.dequeue() for queue in self._queues]

    def tell(self, session: Any, worker: int, done: Done) -> None:
        session.run(self._tell[worker], {self._told: done})

    def hear(self, session: Any, worker: int) -> Done:
        return Done(*map(int, session.run(self._hear[worker])))


def train(context: Context) -> None:
    config = context.config
    if config.job_name == "ps":
        parameter_server.serve(context)
        return
    tf2_common.configure(config)
    server = cluster.start_server(config)
    with tf1.Graph().as_default():
        line, farewell = cluster.StartLine(config, tf1.constant(0)), Farewell(len(config.worker_hosts))
        counters = PsCounters(config)
        session = tf1.Session(server.target, config=cluster.session_config(config))
    context.log.event("session_ready")
    if config.is_chief:
        _coordinate(context, line, farewell, counters, session)
    else:
        _serve(context, line, farewell, session)
    # The server lives as long as this object.
    del server


def _serve(context: Context, line: cluster.StartLine, farewell: Farewell, session: Any) -> None:
    arrived = context.clock.mono()
    step = line.meet(session, lambda: None, lambda: None)
    breakdown = TimeBreakdown(context.clock.mono, context.usage.throttled)
    context.start(step, waited=context.clock.mono() - arrived)
    done = farewell.hear(session, context.config.task_index)
    done.enter(context, breakdown)
    context.target_reached(done.global_step)


def _coordinate(
    context: Context, line: cluster.StartLine, farewell: Farewell, counters: PsCounters, session: Any
) -> None:
    arrived = context.clock.mono()
    # The coordinator connects to all servers, so they must be ready.
    line.await_others(session)
    waited = context.clock.mono() - arrived
    coordinator = Coordinator(context)
    context.progress.bytes_per_ps = coordinator.bytes_per_ps
    context.progress.step_bytes_per_ps = coordinator.step_bytes_per_ps
    evaluator = coordinator.evaluator()
    counters.begin(session)
    breakdown = TimeBreakdown(context.clock.mono, context.usage.throttled)
    context.start(line.give_leave(session), waited=waited)
    began = context.clock.mono()
    if evaluator:
        evaluator.start()
    context.target_reached(coordinator.train(), by_accuracy=bool(evaluator and evaluator.reached))
    if evaluator:
        evaluator.finish()
    took = round(1e6 * (context.clock.mono() - began))
    context.progress.ps = counters.used(session)
    counts = coordinator.counts
    done = [Done(int(steps), int(computed), took, context.progress.global_step) for steps, computed in counts]
    done[0].enter(context, breakdown)
    coordinator.finish()
    for worker, one in enumerate(done[1:], start=1):
        farewell.tell(session, worker, one)
