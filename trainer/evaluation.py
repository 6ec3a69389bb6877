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
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from trainer import model
from trainer.context import Context
from trainer.data import PIXEL_MAX

# Test examples in one call: a call of all of them would hold the processor for tens of milliseconds.
SLICE = 1000
# Limits of the pause between two looks at the global step.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.005, 0.2

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

    def accuracy(self, parameters: Arrays) -> float:
        """`parameters` are arrays by their names in the network."""
        given = {self._made.by_name[name]: value for name, value in parameters.items()}
        right = 0
        for start in range(0, len(self._classes), SLICE):
            part = slice(start, start + SLICE)
            found = self._session.run(self._found, {**given, self._in: self._images[part]})
            right += int(np.count_nonzero(found == self._classes[part]))
        return right / len(self._classes)


class Evaluator:
    """Evaluates every `eval_every` global steps. `reached` tells that an evaluation was at or above the target."""

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
        self.reached = False

    def start(self) -> None:
        """Begin, at the start line."""
        self._thread.start()

    def finish(self) -> None:
        """Return at the end of the evaluation that is going on; raise the error of a failed one."""
        self._ended.set()
        self._thread.join()
        if self._error:
            raise self._error

    def _work(self) -> None:
        try:
            self._evaluate_until_reached()
        except Exception as error:
            self._error = error

    def _evaluate_until_reached(self) -> None:
        config = self._context.config
        due = config.eval_every
        while not self._ended.is_set():
            step = self._step()
            if step >= config.train_steps:
                return  # the evaluation after the last step does it
            if step >= due:
                # Steps made meanwhile are not made up for.
                due = (step // config.eval_every + 1) * config.eval_every
                self.reached = self._evaluate(step) >= (config.target_accuracy or 1.0)
            if self.reached:
                self._stop()
                return
            self._ended.wait(self._pause(due - step, step))

    def _evaluate(self, step: int) -> float:
        context, processor = self._context, time.thread_time()
        parameters, began = self._parameters(), context.clock.mono()
        accuracy = self._test_set.accuracy(parameters)
        seconds = context.clock.mono() - began
        context.progress.evaluated(seconds, cpu_seconds=time.thread_time() - processor)
        context.evaluated(step, accuracy, at=began, seconds=seconds)
        return accuracy

    def _pause(self, steps: int, step: int) -> float:
        """Until so many further steps are made, at the speed so far."""
        passed = self._context.clock.mono() - self._context.progress.started
        wanted = steps * passed / step if step else LONGEST_SECONDS / 10
        return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, wanted))
