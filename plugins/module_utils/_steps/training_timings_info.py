# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the timings of a run out of its logs. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.format import duration
from .._study.logs.formats import LogFormat
from .._study.logs.reader import replica_logs, timings_of

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "log_dir": {"type": "path", "required": True},
    "log_format": {"type": "str", "default": "tfscale"},
    "train_steps": {"type": "int", "default": 0},
}


def execute(params: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    folder, steps = params["log_dir"], params["train_steps"]
    if steps < 0:
        raise StepError(f"train_steps is {steps}: give a whole number from 0")
    if not replica_logs(folder):
        raise StepError(f"log_dir is {folder!r}, which holds no log such as worker-0.log: give the folder of a run")
    try:
        timings, errors = timings_of(folder, LogFormat.of(params["log_format"]), steps)
    except InputError as error:
        raise StepError(str(error)) from error
    seconds = timings["train_seconds"]
    told = "tell no training time" if seconds is None else f"tell of {duration(seconds)} of training"
    return {"changed": False, "timings": timings, "errors": errors, "msg": f"the logs in {folder} {told}"}
