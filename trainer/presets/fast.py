# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same training, about ten times as fast as the thesis' loop (docs/performance.md).

- No step feeds data: the examples lie in the worker's memory as bytes, and a queue holds their order.
- The parameters are one vector with one shard per ps, so that a step moves one tensor from and one to each ps.
- One prepared call makes several rounds of pull, gradient and push, which share the fixed cost of a call. Each round pulls
  after the previous push, so its gradient is no staler than with one round per call.
- Summaries are written every `telemetry_every` steps, and the test set runs once: in the thesis' loop both take 76 % of
  the time.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow.compat.v1 as tf

from trainer import cluster, model
from trainer.context import Context
from trainer.data import PIXEL_MAX, Batches
from trainer.event_log import check_finite
from trainer.progress_reporter import ProgressReporter
from trainer.sharded_parameters import Shards
from trainer.subgraph import Subgraph
from trainer.time_breakdown import INPUT, TELEMETRY, TimeBreakdown
from trainer.training_loop import LastStep, Minimiser, step_after

# Batches whose order one call puts into the queue.
ORDER_BLOCK = 500


class Fast:
    """The training loop of the preset `fast`."""

    def __init__(self, context: Context, minimise: Minimiser) -> None:
        config, dataset = context.config, context.dataset
        self._context = context
        self._batches = Batches(dataset.train_examples, config.batch_size, seed=config.worker_seed)
        self._ordered = 0
        with tf.device("/job:ps/task:0/cpu:0"):
            self.global_step = tf.train.get_or_create_global_step()
        self.last_step = LastStep(config, self.global_step) if config.target_accuracy else None
        self.shards = Shards(self._network, seed=config.seed, ps_count=len(config.ps_hosts))
        with tf.device(cluster.host_device(config)):
            self._build_data()
        with tf.device(cluster.worker_device(config)):
            if config.strategy == "async_ps":
                self.shards.add_adam(config.learning_rate)
                self._calls = self._build_calls(config.rounds)
            else:
                loss = tf.reduce_sum(self._losses(self.shards.pull()[0], *self._next(1)[0]))
                train_step = minimise(tf.train.AdamOptimizer(config.learning_rate), loss, self.global_step)
                self._calls = {1: (step_after(train_step, self.global_step, self.last_step), loss)}
            self._build_test()

    @property
    def twins(self) -> list[tuple[Any, Any]]:
        return self.shards.twins

    def _network(self, make: model.Maker) -> model.Network:
        config, dataset = self._context.config, self._context.dataset
        kind = model.NETWORKS[config.model]
        return kind(make, shape=dataset.shape, classes=dataset.classes, hidden_units=config.hidden_units)

    def _build_calls(self, rounds: int) -> dict[int, tuple[Any, Any]]:
        """Map the number of steps in a call to its global step and last loss. Each step pulls after the previous push."""
        begin = self.shards.begin()
        (batch,) = self._next(1)
        one_round = Subgraph(self._round, [*begin, *batch])
        calls = {1: self._end(*one_round.made)}
        if rounds > 1:
            done = begin
            for batch in self._next(rounds):
                *done, losses = one_round.copy([*done, *batch])
            calls[rounds] = self._end(*done, losses)
        return calls

    def _round(self, *given: Any) -> list[Any]:
        *after, images, labels = given
        flat, powers = self.shards.pull(after)
        losses = self._losses(flat, images, labels)
        # tf.gradients adds the losses up, so this is the gradient of their sum.
        (gradient,) = tf.gradients(losses, flat)
        done = self.shards.push(gradient, powers)
        with tf.device(self.global_step.device), tf.control_dependencies([done[0]]):
            counted = self.global_step.assign_add(1, read_value=False)
            with tf.control_dependencies([counted]):
                done[0] = tf.constant(0)
        return [*done, losses]

    def _end(self, *made: Any) -> tuple[Any, Any]:
        *done, losses = made
        with tf.control_dependencies(done), tf.device(self.global_step.device):
            global_step = tf.identity(self.global_step.read_value())
            if self.last_step:
                global_step = self.last_step.seen(global_step)
        return global_step, tf.reduce_sum(losses)

    def _losses(self, flat: Any, images: Any, labels: Any) -> Any:
        """Return one loss per example. It equals the thesis' logarithm of the softmax wherever that is not clipped."""
        logits = self.shards.layout.network(flat).logits(images, model.Unobserved())
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    def _build_data(self) -> None:
        """Create local variables and a queue on this worker."""
        images, labels = self._context.dataset.train
        self._images_in = tf.placeholder(tf.uint8, images.shape)
        self._labels_in = tf.placeholder(tf.uint8, labels.shape)
        self._kept = [
            tf.Variable(
                value, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], use_resource=True, name=name
            )
            for value, name in ((self._images_in, "examples"), (self._labels_in, "classes"))
        ]
        self._fill = [variable.initializer for variable in self._kept]
        batch_size = self._context.config.batch_size
        self._order = tf.FIFOQueue(-1, [tf.int32], shapes=[(batch_size,)], name="order")
        self._order_in = tf.placeholder(tf.int32, [None, batch_size])
        self._hand_over = self._order.enqueue_many([self._order_in])

    def _next(self, rounds: int) -> list[tuple[Any, Any]]:
        """Return that many batches; every run of the returned tensors takes the next ones."""
        with tf.device(cluster.host_device(self._context.config)):
            indices = tf.reshape(self._order.dequeue_many(rounds), [rounds * self._context.config.batch_size])
            images, classes = (tf.gather(variable, indices) for variable in self._kept)
        parts = tf.split(self._scaled(images), rounds), tf.split(tf.cast(classes, tf.int32), rounds)
        return list(zip(*parts, strict=True))

    @staticmethod
    def _scaled(images: Any) -> Any:
        return tf.cast(images, tf.float32) / PIXEL_MAX

    def _build_test(self) -> None:
        images, _labels = self._context.dataset.test
        self._test_images = tf.placeholder(tf.uint8, [None, images.shape[1]])
        self._test_labels = tf.placeholder(tf.uint8, [None])
        network = self.shards.layout.network(self.shards.pull()[0])
        logits = network.logits(self._scaled(self._test_images), model.Unobserved())
        self._accuracy = model.hits(logits, self._test_labels)

    def initialise(self, session: Any) -> None:
        images, labels = self._context.dataset.train
        session.run(self._fill, {self._images_in: images, self._labels_in: labels})
        self._supply(session)

        self._report = ProgressReporter(self._context)

    def _supply(self, session: Any) -> None:
        session.run(self._hand_over, {self._order_in: self._batches.take(ORDER_BLOCK)})
        self._ordered += ORDER_BLOCK

    def train(self, session: Any) -> int:
        config, progress = self._context.config, self._context.progress
        breakdown = TimeBreakdown(self._context.clock.mono, self._context.usage.throttled)
        calls = {rounds: session.make_callable(fetches, accept_options=True) for rounds, fetches in self._calls.items()}
        most = max(calls)
        # Near the end a call makes one step: all workers together exceed the last step by no more than this.
        last_call = config.train_steps - most * len(config.worker_hosts) if config.train_steps else math.inf
        report, global_step = self._report, 0
        report.begin()
        while True:
            rounds = most if global_step <= last_call else 1
            while self._ordered < rounds:
                with breakdown.on(INPUT):
                    self._supply(session)
            seen, loss = breakdown.call(calls[rounds], steps=rounds)
            global_step = abs(seen)
            self._ordered -= rounds
            progress.local_steps += rounds
            if global_step >= report.due:
                with breakdown.on(TELEMETRY):
                    report(int(global_step), float(loss) / config.batch_size)
            if seen < 0 or global_step >= config.train_steps > 0:
                check_finite(loss, global_step)
                progress.seconds = breakdown.split()
                return int(global_step)

    def close(self) -> None:
        self._report.close()

    def parameters(self, session: Any) -> dict[str, Any]:
        return self.shards.by_name(session)

    def accuracy(self, session: Any) -> float:
        images, labels = self._context.dataset.test
        return float(session.run(self._accuracy, {self._test_images: images, self._test_labels: labels}))
