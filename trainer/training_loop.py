# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface between strategies and presets: a strategy drives a training loop, and a preset is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

# (optimizer, loss, global_step) -> the operation that applies this worker's gradient. A strategy gives it to the loop.
Minimiser = Callable[[Any, Any, Any], Any]


class TrainingLoop(Protocol):
    """One worker's training. The constructor builds the graph; the methods run it in a session."""

    global_step: Any

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


def step_after(train_step: Any, global_step: Any) -> Any:
    """Read the global step on its own device, and only once the worker's gradient has been applied."""
    import tensorflow.compat.v1 as tf

    with tf.control_dependencies([train_step]), tf.device(global_step.device):
        return tf.identity(global_step, name="global_step_after")
