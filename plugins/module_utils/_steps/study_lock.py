# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a study for one controller. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .._common.context import Context
from .._common.errors import LedgerError, StepError
from .._kubernetes import lease_keeper
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, open_ledger
from .._kubernetes.options import OWNER_ARG_SPEC
from .._study.records.ledger import Ledger
from .._study.records.lock import Lock

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    **OWNER_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "part": {"type": "str", "default": ""},
}


def _hold(lock: Lock, book: Ledger, *, check_mode: bool) -> dict[str, Any]:
    """Only who holds the study may touch its ledger, so this is where a torn one is repaired."""
    held, changed = lock.acquire(check_mode=check_mode)
    warning = None if check_mode else book.repair()
    told = f"Study {lock.study} is held by process {held['pid']} on host {held['host']}."
    return {"changed": changed, "lock": held, "msg": told} | ({"warnings": [warning]} if warning else {})


def _release(lock: Lock, _book: Ledger, *, check_mode: bool) -> dict[str, Any]:
    held, changed = lock.release(check_mode=check_mode)
    told = f"Study {lock.study} is released." if changed else f"Study {lock.study} was not held by this controller."
    return {"changed": changed, "lock": held, "msg": told}


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    owner = params["owner_pid"]
    if owner is None or owner < 1:
        raise StepError(f"owner_pid is {owner}: give the process that holds the study, such as ansible-playbook's")
    act = _hold if params["state"] == "present" else _release
    try:
        book, lock = open_ledger(params)
        # It has an owner.
        result = act(cast(Lock, lock), book, check_mode=context.check_mode)
    except LedgerError as error:
        raise StepError(str(error)) from error
    if act is _hold and result["changed"] and not context.check_mode and params["ledger"] == "cluster":
        lease_keeper.start(params)
    return result
