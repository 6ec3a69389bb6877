# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How gradients become parameters. One module a strategy; each offers `train(context)`, which returns when the replica is done."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from trainer.context import Context

# (optimizer, loss, global_step) -> the operation that has this worker's gradient go in.
Minimiser = Callable[[Any, Any, Any], Any]


def load(name: str) -> Callable[[Context], None]:
    """Import a strategy; TensorFlow comes with it."""
    train: Callable[[Context], None] = import_module(f"trainer.strategies.{name}").train
    return train


def step_after(train_step: Any, global_step: Any) -> Any:
    """Read the global step where it lies, and only once the worker's gradient has gone in."""
    import tensorflow.compat.v1 as tf

    with tf.control_dependencies([train_step]), tf.device(global_step.device):
        return tf.identity(global_step, name="global_step_after")
