# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas as processes of this machine, as their launcher's state.json tells. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._backend import launcher
from ansible_collections.tfscale.study.plugins.module_utils._backend.base import Observation, ReplicaState
from ansible_collections.tfscale.study.plugins.module_utils._study.lock import start_time

STATE = "state.json"
REMOVE_SECONDS = 10.0
LOOK_SECONDS = 0.01
_REPLICA_FIELDS = tuple(field.name for field in fields(ReplicaState))


class ProcessBackend:
    """The run whose state.json lies in this folder."""

    def __init__(
        self,
        run_dir: str | Path,
        *,
        started: Callable[[int], int | None] = start_time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.run_dir = Path(os.path.abspath(run_dir))
        self._started = started
        self._clock = clock
        self._sleep = sleep
        self._stamp: tuple[int, int] | None = None
        self._state: dict[str, Any] | None = None

    def observe(self) -> Observation | None:
        state = self._read()
        if state is not None and state["ended_wall"] is None and not self._launcher_lives(state):
            # Its last word may have come between the two looks.
            state = self._read()
        return self._observation(state) if state else None

    def log_of(self, replica: str, index: int) -> Path:
        return self.run_dir / f"{replica}-{index}.log"

    def living(self) -> list[ReplicaState]:
        """Replicas whose processes are there, whatever became of their launcher."""
        return [_replica(one) for one in self._living(self._read())]

    def remove(self) -> bool:
        state = self._read()
        living = self._living(state)
        if state is not None and living:
            self._end(state, living)
        stray = bool(_kill_strays(self.run_dir))
        self._await_end(state)
        return bool(living) or stray

    def _read(self) -> dict[str, Any] | None:
        path = self.run_dir / STATE
        try:
            about = path.stat()
            stamp = (about.st_ino, about.st_mtime_ns)
            if stamp != self._stamp:
                self._state, self._stamp = json.loads(path.read_bytes()), stamp
        except (OSError, ValueError):
            self._state, self._stamp = None, None
        return self._state

    def _launcher_lives(self, state: Mapping[str, Any]) -> bool:
        start: int = state["launcher_start"]
        return self._started(state["launcher_pid"]) == start

    def _living(self, state: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        replicas = state["replicas"] if state else []
        return [one for one in replicas if one["ended_wall"] is None and self._started(one["pid"]) == one["pid_start"]]

    def _observation(self, state: Mapping[str, Any]) -> Observation:
        replicas = {(one["replica"], one["index"]): _replica(one) for one in state["replicas"]}
        first = state["first_failure"]
        lost = state["ended_wall"] is None and not self._launcher_lives(state)
        return Observation(
            replicas=tuple(replicas.values()),
            started_wall=state["started_wall"],
            ended_wall=state["ended_wall"],
            first_failure=replicas[first["replica"], first["index"]] if first else None,
            lost=f"the launcher (process {state['launcher_pid']}) was killed" if lost else "",
            # A launcher starts no replica twice.
            evidence={"host": host_shares(state), "restarts": 0},
        )

    def _end(self, state: Mapping[str, Any], living: list[dict[str, Any]]) -> None:
        """Leave it to the launcher, which ends its replicas in order; without one they are killed."""
        if self._launcher_lives(state):
            socket = launcher.socket_of(state["launcher_pid"])
            if socket is None:
                os.kill(state["launcher_pid"], signal.SIGTERM)
            else:
                launcher.ask(socket, {"op": "remove", "run_dir": str(self.run_dir)}, timeout=REMOVE_SECONDS)
            return
        for one in living:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one["pid"], signal.SIGKILL)

    def _await_end(self, state: Mapping[str, Any] | None) -> None:
        end = self._clock() + REMOVE_SECONDS
        while self._living(state) and self._clock() < end:
            self._sleep(LOOK_SECONDS)


def runs_under(folder: str | Path) -> Iterator[ProcessBackend]:
    """The run of this folder, or every run of the folders below it."""
    if Path(folder, STATE).is_file():
        yield ProcessBackend(folder)
        return
    for parent, folders, files in os.walk(folder):
        if STATE in files:
            folders.clear()
            yield ProcessBackend(parent)


def host_shares(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the machine did beside the run, as shares of all its processor time; None where it cannot be told."""
    start, end = state["host"]["start"], state["host"]["end"]
    shares: dict[str, Any] = {"steal_share": None, "foreign_share": None, "cpus": os.cpu_count()}
    if not start or not end:
        return shares
    total, busy, steal = (end[f"{kind}_seconds"] - start[f"{kind}_seconds"] for kind in ("total", "busy", "steal"))
    if total > 0:
        own = sum(one["cpu_seconds"] for one in state["replicas"])
        shares["steal_share"] = round(_share(steal / total), 4)
        shares["foreign_share"] = round(_share((busy - own) / total), 4)
    return shares


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


def _replica(one: Mapping[str, Any]) -> ReplicaState:
    return ReplicaState(**{name: one[name] for name in _REPLICA_FIELDS})


def _kill_strays(run_dir: Path) -> list[int]:
    """Kill what a user's program has started and a killed launcher could not end."""
    mark = f"TFSCALE_RUN_DIR={run_dir}".encode()
    killed = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            environment = Path("/proc", name, "environ").read_bytes().split(b"\0")
            if mark in environment:
                os.kill(int(name), signal.SIGKILL)
                killed.append(int(name))
    return killed
