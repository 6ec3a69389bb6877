# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluations on the test set during the training, until the target accuracy is reached.

A thread of the chief copies the parameters and evaluates the copy by a graph of its own, on one processor. No worker waits for it.
A pause would not do: an asynchronous worker would train on while the chief pauses. Another process would have to import TensorFlow
once more. An evaluation belongs to the moment of the copy, so its own duration is no part of the time to accuracy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from trainer import model
from trainer.context import Context
from trainer.data import PIXEL_MAX

# Test examples in one call: a call of all of them would hold the processor for tens of milliseconds.
SLICE = 1000
# Limits of the pause between two looks at the global step.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.005, 0.2
# Copies of parameters that wait for their evaluation; of more the oldest are dropped.
MOST_COPIES = 32

Arrays = dict[str, np.ndarray]


class _Placeholders:
    """Makes a placeholder for each parameter, under its name in the network."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def weights(self, name: str, shape: list[int], _stddev: float) -> Any:
        made = tf.placeholder(tf.float32, shape, name=name)
        self.by_name[made.op.name] = made
        return made

    def zeros(self, name: str, size: int) -> Any:
        return self.weights(name, [size], 0.0)


class TestSet:
    """The accuracy of given parameters on the test set."""

    __test__ = False  # no class of tests

    def __init__(self, context: Context) -> None:
        config, dataset = context.config, context.dataset
        self._images, self._classes = dataset.test
        self._made = _Placeholders()
        with tf.Graph().as_default() as graph:
            self._in = tf.placeholder(tf.uint8, [None, self._images.shape[1]])
            kind = model.NETWORKS[config.model]
            network = kind(self._made, shape=dataset.shape, classes=dataset.classes, hidden_units=config.hidden_units)
            logits = network.logits(tf.cast(self._in, tf.float32) / PIXEL_MAX, model.Unobserved())
            self._found = tf.argmax(logits, 1)
        # A negative number of threads means the caller's own.
        threads = tf.ConfigProto(inter_op_parallelism_threads=-1, intra_op_parallelism_threads=1)
        threads.device_count["GPU"] = 0
        self._session = tf.Session(target="", graph=graph, config=threads)

    def accuracy(self, parameters: Arrays, meanwhile: Callable[[], None] = lambda: None) -> float:
        """`parameters` are arrays by their names in the network; `meanwhile` is called between the slices."""
        given = {self._made.by_name[name]: value for name, value in parameters.items()}
        right = 0
        for start in range(0, len(self._classes), SLICE):
            part = slice(start, start + SLICE)
            found = self._session.run(self._found, {**given, self._in: self._images[part]})
            right += int(np.count_nonzero(found == self._classes[part]))
            meanwhile()
        return right / len(self._classes)


class Copy(NamedTuple):
    """The parameters after so many global steps, and when they were copied, on the chief's clock."""

    step: int
    at: float
    parameters: Arrays


class Evaluator:
    """Evaluates every `eval_every` global steps. `reached` tells that an evaluation was at or above the target.

    An evaluation may take longer than `eval_every` steps. The newest copy is therefore evaluated first. Once it reaches the target, the
    training ends, and the copies that were passed over before it are evaluated afterwards, so that the first one is found.
    """

    def __init__(
        self,
        context: Context,
        *,
        step: Callable[[], int],
        parameters: Callable[[], Arrays],
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        """`step` and `parameters` return the current ones; `stop` ends the training of all workers. All run in the thread."""
        self._context = context
        self._step, self._parameters, self._stop = step, parameters, stop
        self._test_set = TestSet(context)
        # The first call of a graph takes longer, so it belongs before the start line.
        self._test_set.accuracy(parameters())
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="evaluation", daemon=True)
        self._error: Exception | None = None
        # Not evaluated yet, in the order of their steps.
        self._copies: list[Copy] = []
        self._due = context.config.eval_every
        self._look_at = 0.0
        self.reached = False

    def start(self) -> None:
        """Begin, at the start line."""
        self._thread.start()

    def finish(self) -> None:
        """End at the last step, and evaluate the copies that are left; raise the error of a failed evaluation."""
        self._ended.set()
        self._thread.join()
        if self._error:
            raise self._error
        for copy in self._copies:
            if self._reaches(copy, lambda: None):
                return

    def _work(self) -> None:
        try:
            self._evaluate_until_reached()
        except Exception as error:
            self._error = error

    def _evaluate_until_reached(self) -> None:
        while not self._ended.is_set():
            self._copy_if_due()
            if not self._copies:
                self._ended.wait(max(0.0, self._look_at - self._context.clock.mono()))
                continue
            *passed_over, newest = self._copies
            self._copies = []
            began, processor = self._context.clock.mono(), time.thread_time()
            self.reached = self._reaches(newest, self._copy_if_due)
            seconds = self._context.clock.mono() - began
            self._context.progress.evaluated(seconds, cpu_seconds=time.thread_time() - processor)
            if self.reached:
                self._copies = passed_over
                self._stop()
                return

    def _copy_if_due(self) -> None:
        """Look at the global step from time to time, and copy the parameters every `eval_every` steps."""
        config, clock = self._context.config, self._context.clock.mono
        if clock() < self._look_at:
            return
        step = self._step()
        # The evaluation after the last step is not ours.
        if self._due <= step < config.train_steps:
            self._due = (step // config.eval_every + 1) * config.eval_every
            parameters = self._parameters()
            self._copies = [*self._copies, Copy(step, clock(), parameters)][-MOST_COPIES:]
        self._look_at = clock() + self._pause(self._due - step, step)

    def _reaches(self, copy: Copy, meanwhile: Callable[[], None]) -> bool:
        began = self._context.clock.mono()
        accuracy = self._test_set.accuracy(copy.parameters, meanwhile)
        self._context.evaluated(copy.step, accuracy, at=copy.at, seconds=self._context.clock.mono() - began)
        return accuracy >= (self._context.config.target_accuracy or 1.0)

    def _pause(self, steps: int, step: int) -> float:
        """Until so many further steps are made, at the speed so far."""
        passed = self._context.clock.mono() - self._context.progress.started
        wanted = steps * passed / step if step else LONGEST_SECONDS / 10
        return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, wanted))
