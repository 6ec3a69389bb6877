# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop as the thesis published it (Listings 5.3 to 5.8), with all its costs: the baseline for `fast`.

Every step feeds a batch, summarises variables, activations and input images, and writes a line. Every tenth local step runs the
whole test set instead of a batch. The parameters are reference variables, placed on the ps in turn.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from trainer import model
from trainer.context import Context
from trainer.data import Batches, load_floats
from trainer.event_log import EventFiles, NonFiniteLossError, check_finite
from trainer.fetch import Split
from trainer.time_breakdown import INPUT, TELEMETRY, TimeBreakdown
from trainer.training_loop import LastStep, Minimiser, step_after

TEST_EVERY = 10
SUMMARISED_IMAGES = 10


class Summaries:
    """The summaries of Listing 5.3."""

    def variable(self, variable: Any) -> None:
        with tf.name_scope("summaries"):
            mean = tf.reduce_mean(variable)
            tf.summary.scalar("mean", mean)
            with tf.name_scope("stddev"):
                stddev = tf.sqrt(tf.reduce_mean(tf.square(variable - mean)))
            tf.summary.scalar("stddev", stddev)
            tf.summary.scalar("max", tf.reduce_max(variable))
            tf.summary.scalar("min", tf.reduce_min(variable))
            tf.summary.histogram("histogram", variable)

    def activations(self, name: str, tensor: Any) -> None:
        tf.summary.histogram(name, tensor)


class Thesis:
    """The training loop of the preset `thesis`."""

    twins = ()

    def __init__(self, context: Context, minimise: Minimiser) -> None:
        config, dataset = context.config, context.dataset
        self._context = context
        self._batches = Batches(dataset.train_examples, config.batch_size, seed=config.worker_seed)
        self.global_step = tf.Variable(0, name="global_step", trainable=False, use_resource=False)
        self.last_step = LastStep(config, self.global_step) if config.target_accuracy else None
        self._build_inputs()
        self._build_network()
        # Kept, because a thread of its own, which evaluates, has another graph as its default.
        self._variables = tf.trainable_variables()
        with tf.name_scope("train"):
            self._train_step = minimise(tf.train.AdamOptimizer(config.learning_rate), self._loss, self.global_step)
        # In sync_ps a worker that reads the step before its push may miss the last one and wait for a token without end.
        early = config.strategy == "async_ps"
        self._step_seen = (
            self._step_so_far() if early else step_after(self._train_step, self.global_step, self.last_step)
        )
        self._summary_op = tf.summary.merge_all()

    def _step_so_far(self) -> Any:
        if self.last_step is None:
            return self.global_step
        with tf.device(self.global_step.device):
            return self.last_step.seen(tf.identity(self.global_step))

    def _build_inputs(self) -> None:
        dataset = self._context.dataset
        with tf.name_scope("input"):
            self._x = tf.placeholder(tf.float32, [None, dataset.train[0].shape[1]], name="x-input")
            self._y = tf.placeholder(tf.float32, [None, dataset.classes], name="y-input")
        if dataset.shape[2] in (1, 3, 4):  # TensorBoard shows only images with these numbers of channels
            with tf.name_scope("input_reshape"):
                tf.summary.image("input", tf.reshape(self._x, [-1, *dataset.shape]), SUMMARISED_IMAGES)

    def _build_network(self) -> None:
        """Build Listings 5.5 and 5.6; the loss is the clipped logarithm, summed over the batch."""
        config, dataset = self._context.config, self._context.dataset
        make = model.Parameters(seed=config.seed, use_resource=False)
        network = model.NETWORKS[config.model](
            make, shape=dataset.shape, classes=dataset.classes, hidden_units=config.hidden_units
        )
        logits = network.logits(self._x, Summaries())
        with tf.name_scope("softmax_layer/"):
            y = tf.nn.softmax(logits, name="y")
        with tf.name_scope("cross_entropy"):
            self._loss = -tf.reduce_sum(self._y * tf.log(tf.clip_by_value(y, 1e-10, 1.0)))
        tf.summary.scalar("cross_entropy", self._loss)
        with tf.name_scope("accuracy"):
            self._accuracy = model.hits(y, tf.argmax(self._y, 1))
        tf.summary.scalar("accuracy", self._accuracy)

    def initialise(self, session: Any) -> None:
        is_chief = self._context.config.is_chief
        self._say("Initializing_session..." if is_chief else "Waiting_for_session_to_be_initialized...")
        self._train, self._test = load_floats(self._context.config.data)
        self._train_writer, self._test_writer = (self._writer(session, name) for name in ("train", "test"))

    def _writer(self, session: Any, name: str) -> EventFiles:
        config = self._context.config
        folder = Path(config.log_dir) / f"worker-{config.task_index}" / name if config.log_dir else None
        return EventFiles(folder, graph=session.graph)

    def _say(self, words: str) -> None:
        self._context.log.text(f"Worker_{self._context.config.task_index}:_{words}")

    def _feed(self, split: Split) -> dict[Any, Any]:
        return {self._x: split[0], self._y: split[1]}

    def train(self, session: Any) -> int:
        """Run Listing 5.8. Its local step also counts tests; the events count only training steps."""
        self._say("Session_initialization_complete.")
        config, began = self._context.config, self._context.clock.mono()
        breakdown = TimeBreakdown(self._context.clock.mono, self._context.usage.throttled)
        local_step = step = 0
        is_last = False
        while True:
            with _non_finite(step):
                if local_step % TEST_EVERY == 0:
                    with breakdown.on(TELEMETRY):
                        self._test_once(session, local_step)
                else:
                    seen = self._train_once(session, local_step, breakdown)
                    step, is_last = abs(seen), seen < 0
            local_step += 1
            if is_last or step >= config.train_steps > 0:
                break
        self._context.log.text(f"Training elapsed time: {self._context.clock.mono() - began:f} s")
        self._context.progress.seconds = breakdown.split()
        return step

    def _test_once(self, session: Any, local_step: int) -> None:
        accuracy, summary = session.run([self._accuracy, self._summary_op], feed_dict=self._feed(self._test))
        self._test_writer.write(summary, local_step)
        self._context.log.text(f"Accuracy at local_step {local_step + 1}: {accuracy}")

    def _train_once(self, session: Any, local_step: int, breakdown: TimeBreakdown) -> int:
        """Return the global step; negative if it is the last one."""
        context, (images, labels) = self._context, self._train
        with breakdown.on(INPUT):
            indices = self._batches.take(1)[0]
            feed = self._feed((images[indices], labels[indices]))
        fetches = [self._train_step, self._summary_op, self._step_seen, self._loss]
        _done, summary, seen, loss = breakdown.call(
            lambda options, metadata: session.run(fetches, feed, options, metadata)
        )
        step = abs(seen)
        context.progress.local_steps += 1
        with breakdown.on(TELEMETRY):
            self._train_writer.write(summary, step)
            done = f"training_step_{local_step + 1}_done_(global_step: {step})"
            context.log.text(f"{context.clock.wall():f}: Worker {context.config.task_index}: {done}")
            check_finite(float(loss), int(step))
            mean = round(float(loss) / context.config.batch_size, 6)
            context.log.event("progress", global_step=int(step), local_step=context.progress.local_steps, loss=mean)
        return int(seen)

    def close(self) -> None:
        self._train_writer.close()
        self._test_writer.close()

    def parameters(self, session: Any) -> dict[str, Any]:
        values = session.run(self._variables)
        return {variable.op.name: value for variable, value in zip(self._variables, values, strict=True)}

    def accuracy(self, session: Any) -> float:
        return float(session.run(self._accuracy, feed_dict=self._feed(self._test)))


@contextlib.contextmanager
def _non_finite(step: int) -> Iterator[None]:
    """Report a NaN or infinite loss: a histogram raises an error for it before the loop sees the loss."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if "in summary histogram" not in error.message:
            raise
        raise NonFiniteLossError(math.nan, step) from error
