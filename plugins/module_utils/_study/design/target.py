# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target accuracy needs of the other variables. PRIVATE, can break at any time."""

from __future__ import annotations

from ..._common.errors import InputError
from ..._common.format import shown
from ..logs.formats import LogFormat


def check_target(
    target: float | None,
    *,
    steps: int,
    eval_every: int | None = None,
    log_format: str = "tfscale",
    name: str = "training_steps",
) -> None:
    """Raise InputError where a target accuracy (None: there is none) cannot be reached or told.

    `steps` and `eval_every` are global steps, `name` is the variable with the steps; a program of the user's own has no `eval_every`.
    """
    if target is None:
        return
    if steps == 0:
        raise InputError(
            f"training_target_accuracy is {target:g}, but {name} is 0, which trains without end: give the number of steps after"
            " which a run that does not reach it ends"
        )
    if eval_every is not None and eval_every > steps:
        raise InputError(f"training_eval_every is {eval_every}, but {name} is {steps}: give at most that")
    if "accuracy" not in LogFormat.of(log_format).groups:
        raise InputError(
            f"training_target_accuracy is {target:g}, but training_log_format {shown(log_format)} finds no evaluation: give it"
            " the named group accuracy, or no target"
        )
