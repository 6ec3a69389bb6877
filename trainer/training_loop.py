# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface between strategies and presets: a strategy drives a training loop, and a preset is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from trainer.config import Config

# (optimizer, loss, global_step) -> the operation that applies this worker's gradient. A strategy gives it to the loop.
Minimiser = Callable[[Any, Any, Any], Any]


class TrainingLoop(Protocol):
    """One worker's training. The constructor builds the graph; the methods run it in a session."""

    global_step: Any
    # Only with a target accuracy.
    last_step: LastStep | None

    @property
    def twins(self) -> Sequence[tuple[Any, Any]]:
        """Variables that a checkpoint leaves out, each with the variable whose value it has."""

    def initialise(self, session: Any) -> None:
        """Prepare this worker's own state."""

    def train(self, session: Any) -> int:
        """Train until the target; return the global step at that moment."""

    def close(self) -> None:
        """Write the events that are still buffered."""

    def parameters(self, session: Any) -> dict[str, Any]:
        """Return the current parameters by their names in the network, as arrays."""

    def accuracy(self, session: Any) -> float:
        """Return the accuracy of the current parameters on the whole test set."""


def step_after(train_step: Any, global_step: Any, last_step: LastStep | None = None) -> Any:
    """Read the global step on its own device, and only once the worker's gradient has been applied."""
    import tensorflow.compat.v1 as tf

    with tf.control_dependencies([train_step]), tf.device(global_step.device):
        step = tf.identity(global_step, name="global_step_after")
        return last_step.seen(step) if last_step else step


class LastStep:
    """The global step at which all workers end: a variable beside the global step, lowered once the target is reached.

    The ps compares both, and tells a worker by the sign of the step: a further tensor for that would cost every step.
    """

    # In synchronous training all workers have to end after the same step, so it is one that none has begun.
    AHEAD = 2

    def __init__(self, config: Config, global_step: Any) -> None:
        import tensorflow.compat.v1 as tf

        with tf.device(global_step.device):
            # In no collection: a checkpoint does not hold it.
            self._variable = tf.Variable(
                tf.constant(config.train_steps, global_step.dtype.base_dtype),
                trainable=False,
                collections=[],
                use_resource=True,
                name="last_step",
            )
            self.initializer = self._variable.initializer
            soon = tf.minimum(self._variable.read_value(), tf.identity(global_step) + self.AHEAD)
            self._lower = self._variable.assign(soon, read_value=False)

    def seen(self, step: Any) -> Any:
        """Return the step for a worker, negative if it is the last one; on the current device."""
        import tensorflow.compat.v1 as tf

        return tf.where(step >= self._variable.read_value(), -step, step)

    def lower(self, session: Any) -> None:
        """End the training of all workers."""
        session.run(self._lower)
