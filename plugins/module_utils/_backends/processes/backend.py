# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas as processes of this machine, as their launcher's state.json tells. PRIVATE, can break at any time."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..._common.errors import BackendError
from ..._common.process import start_time
from ..base import Observation, ReplicaState

STATE = "state.json"
VERSION = 1
_REPLICA_FIELDS = tuple(field.name for field in fields(ReplicaState))
_NUMBER: tuple[type, ...] = (int, float)
_NONE = type(None)
_RUN: Mapping[str, tuple[type, ...]] = {
    "run_dir": (str,),
    "launcher_pid": (int,),
    "launcher_start": (int,),
    "service": (str,),
    "started_wall": _NUMBER,
    "ended_wall": (*_NUMBER, _NONE),
    "first_failure": (dict, _NONE),
    "replicas": (list,),
    "host": (dict,),
}
_REPLICA: Mapping[str, tuple[type, ...]] = {
    "replica": (str,),
    "index": (int,),
    "state": (str,),
    "host": (str,),
    "log": (str,),
    "pid": (int,),
    "pid_start": (int,),
    "exit_code": (int, _NONE),
    "signal": (int, _NONE),
    "cpu_seconds": _NUMBER,
    "rss_peak_bytes": (int,),
    "started_wall": _NUMBER,
    "ended_wall": (*_NUMBER, _NONE),
}
_HOST = dict.fromkeys(("busy_seconds", "steal_seconds", "total_seconds"), _NUMBER)
_NATURAL = ("launcher_pid", "index", "pid")


class ProcessBackend:
    """The run of one folder; looking again costs next to nothing while its launcher has nothing new to tell."""

    def __init__(self, run_dir: str | Path, *, started: Callable[[int], int | None] = start_time) -> None:
        self._run_dir = Path(run_dir)
        self._started = started
        self._stamp: tuple[int, int] | None = None
        self._state: Mapping[str, Any] = {}

    def observe(self) -> Observation:
        state = self._read()
        lost = not launcher_lives(state, started=self._started)
        if lost:
            # Its last word may have come between the two looks.
            state = self._read()
        return _observation(state, lost=lost and state["ended_wall"] is None)

    def log_of(self, replica: str, index: int) -> Path:
        return self._run_dir / f"{replica}-{index}.log"

    def finish(self, seen: Observation) -> Observation:
        """The logs are files already."""
        return seen

    def _read(self) -> Mapping[str, Any]:
        path = self._run_dir / STATE
        try:
            about = path.stat()
            # The launcher replaces the file, so each version has an inode and a time of its own.
            stamp = (about.st_ino, about.st_mtime_ns)
            if stamp != self._stamp:
                self._state, self._stamp = read_state(self._run_dir), stamp
        except FileNotFoundError as error:
            raise BackendError(
                f"run_dir is {str(self._run_dir)!r}, where no run was started: start one with process_group"
            ) from error
        except (OSError, ValueError) as error:
            raise BackendError(f"{path} cannot be read: {error}") from error
        return self._state


def read_state(run_dir: Path) -> Mapping[str, Any]:
    """What a launcher of ours has written about this very folder; ValueError where it is anything else."""
    path = run_dir / STATE
    # Neither a pipe, which would keep us waiting, nor a link to another run's.
    if path.is_symlink() or not path.is_file():
        raise ValueError("it is not a file")
    try:
        state = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise ValueError(f"it is not the state of a launcher of version {VERSION}")
    _check(state)
    if state["run_dir"] != os.path.realpath(run_dir):
        raise ValueError(f"it tells of the run in {state['run_dir']}, which was moved or copied")
    return state


def _check(state: Mapping[str, Any]) -> None:
    """A launcher's numbers are used as numbers: of processes above all."""
    _check_facts("", state, _RUN)
    for index, one in enumerate(state["replicas"]):
        _check_facts(f"replicas.{index}.", one, _REPLICA)
    names = [(one["replica"], one["index"]) for one in state["replicas"]]
    first = state["first_failure"]
    if first is not None and (first.get("replica"), first.get("index")) not in names:
        raise ValueError(f"first_failure is {first}, which is none of its replicas")
    _check_facts("host.", state["host"], {"start": (dict,), "end": (dict, _NONE)})
    for name in ("start", "end"):
        if state["host"][name]:
            _check_facts(f"host.{name}.", state["host"][name], _HOST)


def _check_facts(place: str, facts: Any, kinds: Mapping[str, tuple[type, ...]]) -> None:
    if not isinstance(facts, dict):
        raise ValueError(f"{place.rstrip('.')} is {facts!r:.80}, which no launcher writes")
    for name, allowed in kinds.items():
        if name not in facts:
            raise ValueError(f"{place}{name} is missing")
        value = facts[name]
        # True is a number to Python; a pid below 0 is a whole group's.
        if type(value) not in allowed or (name in _NATURAL and value < 0) or value in (math.inf, -math.inf):
            raise ValueError(f"{place}{name} is {value!r:.80}, which no launcher writes")


def launcher_lives(state: Mapping[str, Any], *, started: Callable[[int], int | None]) -> bool:
    """A pid alone may by now be somebody else's."""
    start = started(state["launcher_pid"])
    return start is not None and start == state["launcher_start"]


def _observation(state: Mapping[str, Any], *, lost: bool) -> Observation:
    replicas = {
        (one["replica"], one["index"]): ReplicaState(**{name: one[name] for name in _REPLICA_FIELDS if name in one})
        for one in state["replicas"]
    }
    first = state["first_failure"]
    return Observation(
        replicas=tuple(replicas.values()),
        started_wall=state["started_wall"],
        ended_wall=state["ended_wall"],
        first_failure=replicas[first["replica"], first["index"]] if first else None,
        lost=f"the launcher (process {state['launcher_pid']}) was killed" if lost else "",
        ends_with_chief=bool(state.get("chief")),
        # A launcher starts no replica twice.
        evidence={
            "host": host_shares(state),
            "restarts": 0,
            "network": state.get("network", {}).get("kind", "host"),
            "calibration": state.get("calibration") or None,
        },
    )


def host_shares(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the machine did beside the run, as shares of all its processor time; None where it is not known."""
    start, end = state["host"]["start"], state["host"]["end"]
    shares: dict[str, Any] = {"steal_share": None, "foreign_share": None, "cpus": os.cpu_count()}
    if not start or not end:
        return shares
    total, busy, steal = (end[f"{kind}_seconds"] - start[f"{kind}_seconds"] for kind in ("total", "busy", "steal"))
    if total > 0:
        own = sum(one["cpu_seconds"] for one in state["replicas"])
        shares |= {"steal_share": _share(steal / total), "foreign_share": _share((busy - own) / total)}
    return shares


def _share(value: float) -> float:
    """The kernel counts in ticks of 10 ms: in a short run the replicas may seem to have used more than all."""
    return round(min(1.0, max(0.0, value)), 4)
