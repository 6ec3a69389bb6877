# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the timings of a run out of its logs. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._steps.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._study.inputs import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.timing_log import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.timings import timings_of

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "log_dir": {"type": "path", "required": True},
    "log_format": {"type": "str", "default": "tfscale"},
    "train_steps": {"type": "int", "default": 0},
}


def execute(
    params: Mapping[str, Any],
    *,
    check_mode: bool,  # noqa: ARG001 - reading changes nothing
    say: Callable[[str], None],  # noqa: ARG001 - all steps are called alike; this one has nothing to tell on its way
) -> dict[str, Any]:
    folder = Path(params["log_dir"])
    if not any(folder.glob("*-*.log")):
        raise StepError(
            f"log_dir is {str(folder)!r}, which holds no log such as worker-0.log: give the folder of a run"
        )
    try:
        log_format = LogFormat.of(params["log_format"])
    except InputError as error:
        raise StepError(str(error)) from error
    timings, notes = timings_of(folder, log_format, train_steps=params["train_steps"])
    seconds = timings.get("train_seconds")
    told = f"trained for {seconds:.1f} s" if seconds else "do not tell how long it trained"
    return {"changed": False, "timings": timings, "errors": notes, "msg": f"The logs in {folder} {told}."}
