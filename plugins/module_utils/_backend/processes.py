# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs whose replicas are processes of this machine, as their launcher describes them in state.json.

PRIVATE, can break at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._backend.base import BackendError, ReplicaState, Snapshot
from ansible_collections.tfscale.study.plugins.module_utils._study.lock import start_time

VERSION = 1
_FIELDS = tuple(field.name for field in fields(ReplicaState))


class ProcessesBackend:
    """One run directory; looking at it again costs next to nothing while its launcher has nothing new to tell."""

    def __init__(self, run_dir: str, *, start_time: Callable[[int], int | None] = start_time) -> None:
        self._path = Path(run_dir) / "state.json"
        self._start_time = start_time
        self._seen: tuple[int, int] | None = None
        self._state: dict[str, Any] = {}

    def observe(self) -> Snapshot:
        state = self._read()
        alive = self._is_alive(state)
        if not alive:
            # It may have written its last word between our reading and its end.
            state = self._read()
        try:
            return _snapshot(state, alive=alive)
        except (KeyError, TypeError) as error:
            raise BackendError(f"{self._path} is not what a launcher writes: {error!r}") from error

    def _read(self) -> dict[str, Any]:
        try:
            status = os.stat(self._path)
            # The launcher replaces the file, so each version has an inode and a time of its own.
            version = (status.st_ino, status.st_mtime_ns)
            if version != self._seen:
                self._state = _checked(json.loads(self._path.read_bytes()))
                self._seen = version
        except FileNotFoundError as error:
            run_dir = str(self._path.parent)
            raise BackendError(
                f"run_dir is {run_dir!r}, where no run was started: start it with process_group first"
            ) from error
        except (OSError, ValueError) as error:
            raise BackendError(f"{self._path} cannot be read: {error}") from error
        return self._state

    def _is_alive(self, state: Mapping[str, Any]) -> bool:
        """Whether the launcher lives; a pid alone may by now belong to somebody else."""
        started = self._start_time(int(state["launcher_pid"]))
        return started is not None and started == state["launcher_start"]


def _checked(state: Any) -> dict[str, Any]:
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise ValueError(f"it has no state of version {VERSION}")
    missing = {"launcher_pid", "launcher_start"} - state.keys()
    if missing:
        raise ValueError(f"it has no {min(missing)}")
    return state


def _snapshot(state: Mapping[str, Any], *, alive: bool) -> Snapshot:
    replicas = tuple(ReplicaState(**{name: one[name] for name in _FIELDS}) for one in state["replicas"])
    failure = state["first_failure"]
    named = {(one.replica, one.index): one for one in replicas}
    return Snapshot(
        replicas=replicas,
        started_wall=state["started_wall"],
        ended_wall=state["ended_wall"],
        first_failure=failure and named[failure["replica"], failure["index"]],
        alive=alive,
        host=_host(state["host"], own_seconds=sum(one.cpu_seconds for one in replicas)),
    )


def _host(marks: Mapping[str, Any], *, own_seconds: float) -> dict[str, float | None]:
    """What others took of the machine while the run lasted; without an end nobody knows."""
    shares: dict[str, float | None] = {"steal_share": None, "foreign_share": None, "cpus": os.cpu_count()}
    start, end = marks["start"], marks["end"]
    if not start or not end:
        return shares
    busy, steal, total = (end[key] - start[key] for key in ("busy_seconds", "steal_seconds", "total_seconds"))
    if total <= 0:
        return shares
    return {**shares, "steal_share": max(0.0, steal) / total, "foreign_share": max(0.0, busy - own_seconds) / total}
