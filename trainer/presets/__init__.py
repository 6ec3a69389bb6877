# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two training loops for the same training: `thesis` as published, and `fast`."""

from __future__ import annotations

from collections.abc import Callable

from trainer.context import Context
from trainer.training_loop import Minimiser, TrainingLoop


def load(name: str) -> Callable[[Context, Minimiser], TrainingLoop]:
    """Import a preset; TensorFlow comes with it."""
    if name == "thesis":
        from trainer.presets.thesis import Thesis

        return Thesis
    from trainer.presets.fast import Fast

    return Fast
