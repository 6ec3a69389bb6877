# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the records of a study from a cluster into a folder. PRIVATE, can break at any time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._common.format import counted
from .._kubernetes.open_ledger import open_ledger
from .._kubernetes.options import AUTH_ARG_SPEC
from .._study.records import ledger, lock
from .._study.records.ledger import FileLedger
from .._study.records.record import key_of
from .._study.records.selection import selector

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    "namespace": {"type": "str", "default": "tfscale"},
    "select": {"type": "str", "default": ""},
}
# What a study whose records are in a cluster leaves in its folder.
OF_STUDIES = {"logs", lock.NAME}


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    folder = Path(params["study_dir"])
    try:
        _check_ours(folder)
        keep = selector("report_select", params["select"])
        found = keep(open_ledger({**params, "ledger": "cluster"})[0].records())
        book = FileLedger(folder / ledger.NAME)
        # Several clusters may write at once; each has records of its own.
        known = {_key(record) for record in book.records()}
        missing = {_key(record): record for record in found if _key(record) not in known}
        for record in [] if context.check_mode else missing.values():
            book.append(record)
    except (InputError, LedgerError) as error:
        raise StepError(str(error)) from error
    verb = "would be copied" if context.check_mode else "copied"
    what = f"{counted(len(found), 'record')} of study {folder.name} in namespace {params['namespace']}"
    return {
        "changed": bool(missing),
        "records": {"found": len(found), "copied": len(missing)},
        "msg": f"Of {what}, {len(missing)} {verb} to {book.path}.",
        **({"warnings": list(book.warnings)} if book.warnings else {}),
    }


def _check_ours(folder: Path) -> None:
    """A first record comes only into a folder in which nobody but a study has left anything."""
    foreign = sorted(set(os.listdir(folder)) - OF_STUDIES) if folder.is_dir() else []
    if foreign and not (folder / ledger.NAME).exists():
        raise StepError(
            f"study_dir is {str(folder)!r}, which has {foreign[0]} but no ledger: give a study's folder, or a new one."
        )


def _key(record: Mapping[str, Any]) -> tuple[str, int] | None:
    return key_of(record["run_id"], record.get("attempt"))
