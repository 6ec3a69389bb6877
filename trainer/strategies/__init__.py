# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How gradients become parameters. One module a strategy; each offers `train(job)`, which returns when the job is done."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from trainer.job import Job

# (optimizer, loss, global_step) -> tensor of the global step, read after this worker's gradient has gone in.
Minimiser = Callable[[Any, Any, Any], Any]


def load(name: str) -> Callable[[Job], None]:
    """Import a strategy; TensorFlow comes with it."""
    train: Callable[[Job], None] = import_module(f"trainer.strategies.{name}").train
    return train
