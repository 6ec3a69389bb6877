# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger and the lock that a step's parameters choose. PRIVATE, can break at any time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .._common.errors import BackendError, InputError, LedgerError, StepError
from .._study.records import ledger
from .._study.records.ledger import FileLedger, Ledger
from .._study.records.lock import Lock, StudyLock
from .._study.records.record import Record, records_of
from .._study.records.selection import selector
from .api import ApiError, connect
from .lease import LeaseLock
from .ledger import ClusterLedger
from .options import AUTH_ARG_SPEC, NAMESPACE_ARG_SPEC

# Documented by the fragment `ledger`.
LEDGER_ARG_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    **NAMESPACE_ARG_SPEC,
    "ledger": {"type": "str", "choices": ["files", "cluster"], "default": "files"},
}
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
RENEW_SECONDS = 20.0


def open_ledger(params: Mapping[str, Any]) -> tuple[Ledger, Lock | None]:
    """The study is that of study_dir's last part; it has a lock for whom owner_pid names."""
    folder, owner = Path(params["study_dir"]), params.get("owner_pid")
    if params["ledger"] == "files":
        return FileLedger(folder / ledger.NAME), None if owner is None else StudyLock(
            folder, owner, part=params.get("part") or ""
        )
    namespace = check_namespace(params["namespace"])
    try:
        api = connect(params)
    except BackendError as error:
        raise LedgerError(str(error)) from error
    book = ClusterLedger(api, namespace, folder.name)
    return book, None if owner is None else LeaseLock(api, namespace, folder.name, owner)


def read(params: Mapping[str, Any]) -> tuple[list[Record], dict[str, list[str]]]:
    """The records that `select` keeps, all without it; and for a step's result what was wrong with them."""
    keep = selector("report_select", params.get("select") or "")
    book = open_ledger(params)[0]
    # An expression looks for values in dictionaries.
    records = records_of(keep(book.records()))
    return records, {"warnings": list(book.warnings)} if book.warnings else {}


def recorded(params: Mapping[str, Any], *, check_mode: bool) -> tuple[list[Record], dict[str, list[str]]]:
    """As `read`, of a study that has been measured; in check mode the sweep before made no folder either."""
    folder = Path(params["study_dir"])
    if params["ledger"] == "files" and not check_mode and not (folder / ledger.NAME).is_file():
        lacking = "has no ledger" if folder.is_dir() else "is not a folder"
        raise StepError(f"study_dir is {str(folder)!r}, which {lacking}: run the sweep of this study first.")
    try:
        return read(params)
    except (InputError, LedgerError) as error:
        raise StepError(str(error)) from error


def check_namespace(name: str) -> str:
    if not NAMESPACE.match(name):
        raise LedgerError(
            f"cluster_namespace is {name!r}: give a name of at most 63 lower-case letters, digits and dashes"
        )
    return name


def keeper(params: Mapping[str, Any], *, clock: Callable[[], float] = time.monotonic) -> Callable[[], None]:
    """What a long step calls as often as it likes: it renews a lock in the cluster every 20 s.

    A server that is away for a while is no reason to end; that the study is not ours any more is one (LedgerError).
    """
    return renewer(open_ledger(params)[1] if params["ledger"] == "cluster" else None, clock=clock)


def renewer(lock: Lock | None, *, clock: Callable[[], float]) -> Callable[[], None]:
    due, was_held = clock(), False

    def keep() -> None:
        nonlocal due, was_held
        now = clock()
        if lock is None or now < due:
            return
        due = now + RENEW_SECONDS
        try:
            is_held = lock.renew() is not None
            if was_held and not is_held:
                raise LedgerError(
                    f"study {lock.study} is not held by this controller any more: its Lease was deleted, or lapsed while the cluster did"
                    " not answer; run the playbook again, which resumes the study"
                )
            was_held = is_held
        except LedgerError as error:
            if not (isinstance(error.__cause__, ApiError) and error.__cause__.is_transient):
                raise

    return keep
