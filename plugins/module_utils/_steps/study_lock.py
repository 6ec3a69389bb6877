# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a study for one controller, or lets it go. PRIVATE, can break at any time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._steps.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._study.ledger import FileLedger, LedgerError
from ansible_collections.tfscale.study.plugins.module_utils._study.lock import StudyLock

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "study_dir": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "owner_pid": {"type": "int"},
}


def execute(params: Mapping[str, Any], *, check_mode: bool, say: Callable[[str], None]) -> dict[str, Any]:
    study_dir, owner = os.path.abspath(params["study_dir"]), params["owner_pid"] or os.getppid()
    lock = StudyLock(study_dir, owner)
    try:
        if params["state"] == "absent":
            return _released(lock, study_dir, check_mode=check_mode)
        held, changed = lock.acquire(check_mode=check_mode)
        # Whoever holds the study may put its ledger in order, and nobody else.
        warning = None if check_mode else FileLedger(os.path.join(study_dir, "ledger.jsonl")).repair()
    except LedgerError as error:
        raise StepError(str(error)) from error
    if warning:
        say(f"warning: {warning}")
    return {"changed": changed, "lock": held, "msg": f"the study {study_dir} is held by process {held['pid']}"}


def _released(lock: StudyLock, study_dir: str, *, check_mode: bool) -> dict[str, Any]:
    was, changed = lock.release(check_mode=check_mode)
    stays = None if changed else was
    told = "is free" if stays is None else f"stays with process {stays['pid']} on {stays['host']}"
    return {"changed": changed, "lock": was, "msg": f"the study {study_dir} {told}"}
