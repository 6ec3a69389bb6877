# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same training without what slows it down.

Nothing is fed: the examples lie in the worker's own memory as bytes, a queue beside them holds the order, and a step is
one prepared call that returns the global step and the loss. Summaries leave every `telemetry_every` steps only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from trainer import cluster, model
from trainer.data import PIXEL_MAX, Batches
from trainer.job import Job
from trainer.strategies import Minimiser, step_after
from trainer.telemetry import EventFiles, check_finite
from trainer.timing import SpeedMeter

# Batches whose order is handed over in one go.
ORDER_BLOCK = 500


class Fast:
    """See the module's text."""

    balanced = True

    def __init__(self, job: Job, minimise: Minimiser) -> None:
        config, dataset = job.config, job.dataset
        self._job = job
        self._batches = Batches(dataset.train_examples, config.batch_size, seed=config.worker_seed)
        self.global_step = tf.train.get_or_create_global_step()
        make = model.Parameters(seed=config.seed, use_resource=True)
        self._network = model.NETWORKS[config.model](
            make, shape=dataset.shape, classes=dataset.classes, hidden_units=config.hidden_units
        )
        with tf.device(cluster.worker_device(config)):
            images, labels = self._next_batch()
        # Equal to the thesis' clipped logarithm of the softmax wherever that is not clipped; summed over the batch like it.
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=self._logits(images))
        loss = tf.reduce_sum(losses)
        train_step = minimise(tf.train.AdamOptimizer(config.learning_rate), loss, self.global_step)
        self._step = step_after(train_step, self.global_step), loss
        self._build_test()

    def _next_batch(self) -> tuple[Any, Any]:
        """Local variables and a queue on this worker; every run of what is returned takes the next batch."""
        batch_size, (images, labels) = self._job.config.batch_size, self._job.dataset.train
        self._images_in = tf.placeholder(tf.uint8, images.shape)
        self._labels_in = tf.placeholder(tf.uint8, labels.shape)
        kept = [
            tf.Variable(
                value, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], use_resource=True, name=name
            )
            for value, name in ((self._images_in, "examples"), (self._labels_in, "classes"))
        ]
        self._fill = [variable.initializer for variable in kept]
        order = tf.FIFOQueue(-1, [tf.int32], shapes=[(batch_size,)], name="order")
        self._order_in = tf.placeholder(tf.int32, [None, batch_size])
        self._hand_over = order.enqueue_many([self._order_in])
        indices = order.dequeue()
        batch, classes = (tf.gather(variable, indices) for variable in kept)
        return self._scaled(batch), tf.cast(classes, tf.int32)

    @staticmethod
    def _scaled(images: Any) -> Any:
        return tf.cast(images, tf.float32) / PIXEL_MAX

    def _logits(self, images: Any) -> Any:
        return self._network.logits(images, model.Unobserved())

    def _build_test(self) -> None:
        images, _labels = self._job.dataset.test
        self._test_images = tf.placeholder(tf.uint8, [None, images.shape[1]])
        self._test_labels = tf.placeholder(tf.uint8, [None])
        self._accuracy = model.hits(self._logits(self._scaled(self._test_images)), self._test_labels)

    def initialise(self, session: Any) -> None:
        images, labels = self._job.dataset.train
        session.run(self._fill, {self._images_in: images, self._labels_in: labels})
        self._supply(session)

        self._report = _Reporter(self._job)

    def _supply(self, session: Any) -> None:
        session.run(self._hand_over, {self._order_in: self._batches.take(ORDER_BLOCK)})

    def train(self, session: Any) -> int:
        config, progress = self._job.config, self._job.progress
        step_once = session.make_callable(self._step)
        report = self._report
        report.begin()
        while True:
            global_step, loss = step_once()
            progress.local_steps += 1
            if global_step >= report.due:
                report(int(global_step), float(loss) / config.batch_size)
            if global_step >= config.train_steps > 0:
                check_finite(loss, global_step)
                return int(global_step)
            if progress.local_steps % ORDER_BLOCK == 0:
                self._supply(session)

    def close(self) -> None:
        self._report.close()

    def accuracy(self, session: Any) -> float:
        images, labels = self._job.dataset.test
        return float(session.run(self._accuracy, {self._test_images: images, self._test_labels: labels}))


class _Reporter:
    """Tells about progress whenever the global step has passed the next multiple of `telemetry_every`."""

    def __init__(self, job: Job) -> None:
        config = job.config
        self._job = job
        self._every = config.telemetry_every
        self.due = self._every
        self._speed = SpeedMeter(job.clock.mono)
        self._scalars = EventFiles(Path(config.log_dir) / f"worker-{config.task_index}" if config.log_dir else None)

    def begin(self) -> None:
        self._speed.look(0)

    def __call__(self, global_step: int, loss: float) -> None:
        check_finite(loss, global_step)
        self.due = (global_step // self._every + 1) * self._every
        self._job.log.event(
            "progress", global_step=global_step, local_step=self._job.progress.local_steps, loss=round(loss, 6)
        )
        self._scalars.write_scalars(global_step, loss=loss, steps_per_second=self._speed.look(global_step))

    def close(self) -> None:
        self._scalars.close()
