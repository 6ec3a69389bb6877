# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategies of distribution, one per module. Each has `train(context)`, which returns at the end of the replica."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from trainer.context import Context


def load(name: str) -> Callable[[Context], None]:
    """Import a strategy; TensorFlow comes with it."""
    train: Callable[[Context], None] = import_module(f"trainer.strategies.{name}").train
    return train
