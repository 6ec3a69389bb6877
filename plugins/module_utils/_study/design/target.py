# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target accuracy needs of the other variables. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    of: str = "training_",
) -> None:
    """Raise InputError where a target accuracy (None: there is none) cannot be reached or told.

    `steps` and `eval_every` are global steps, `name` is the variable with the steps, and `of` begins the names of the
    others; a program of the user's own has no `eval_every`.
    """
    if target is None:
        return
    if steps == 0:
        raise InputError(
            f"{of}target_accuracy is {target:g}, but {name} is 0, which trains without end: give the number of steps after"
            " which a run that does not reach it ends"
        )
    if eval_every is not None and eval_every > steps:
        raise InputError(f"{of}eval_every is {eval_every}, but {name} is {steps}: give at most that")
    if "accuracy" not in LogFormat.of(log_format).groups:
        raise InputError(
            f"{of}target_accuracy is {target:g}, but training_log_format {shown(log_format)} finds no evaluation: give it"
            " the named group accuracy, or no target"
        )


def check_variant(spec: Mapping[str, Any]) -> None:
    """Of a cell; what all cells share was checked before, so the variant's own values are the cause."""
    check_target(
        spec.get("target_accuracy"),
        steps=spec["train_steps"],
        eval_every=spec.get("eval_every"),
        log_format=spec.get("log_format", "tfscale"),
        of=f"sweep_variants.{spec.get('variant')}.",
    )
