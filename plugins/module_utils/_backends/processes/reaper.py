# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends the processes of runs, with their launcher's help or without it. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..._common.process import LAUNCHER_MARK, RUN_MARK, carries, kill_carriers, start_time
from . import launcher_client
from .backend import STATE, read_state

REMOVE_SECONDS = 10.0
# Of these, what a launcher has to end its replicas itself.
ORDERLY_SECONDS = 5.0
LOOK_SECONDS = 0.01


class Group:
    """The processes of the run whose state.json lies in this folder. A number in it is nobody's until its process says the same."""

    def __init__(
        self,
        run_dir: str | Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # As its launcher names it.
        self.run_dir = Path(os.path.realpath(run_dir))
        self._clock = clock
        self._sleep = sleep

    def living(self) -> list[dict[str, Any]]:
        """Replicas whose processes are there, whatever became of their launcher."""
        return self._living(self._state())

    def remove(self) -> bool:
        """End all of it and return when nothing is left; whether there was anything."""
        state = self._state()
        living = self._living(state)
        of_run = {RUN_MARK: str(self.run_dir)}
        killed = self._end(state) if living else []
        # Replicas that are killed before their launcher has ended them look to it like a failure of the run.
        began = self._clock()
        self._wait(lambda: not self._living(state), began + ORDERLY_SECONDS)
        strays = kill_carriers(of_run)
        marks = of_run | ({LAUNCHER_MARK: _launcher(state)} if living else {})
        # A process ends some time after it was killed.
        self._wait(
            lambda: not self._living(state) and not any(carries(pid, marks) for pid in killed + strays),
            began + REMOVE_SECONDS,
        )
        return bool(living or strays)

    def _wait(self, is_over: Callable[[], bool], end: float) -> None:
        while not is_over() and self._clock() < end:
            self._sleep(LOOK_SECONDS)

    def _state(self) -> Mapping[str, Any]:
        """Empty when no run was started here, or by no launcher of ours."""
        try:
            return read_state(self.run_dir)
        except (OSError, ValueError):
            return {}

    def _living(self, state: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            one
            for one in state.get("replicas", [])
            if one["ended_wall"] is None
            and start_time(one["pid"]) == one["pid_start"]
            and carries(one["pid"], {RUN_MARK: str(self.run_dir), LAUNCHER_MARK: _launcher(state)})
        ]

    def _end(self, state: Mapping[str, Any]) -> list[int]:
        """Leave it to the launcher, which ends its replicas in order; without one kill them, and return their numbers."""
        pid, service = state["launcher_pid"], state["service"]
        if start_time(pid) != state["launcher_start"] or not carries(pid, {LAUNCHER_MARK: _launcher(state)}):
            return kill_carriers({LAUNCHER_MARK: _launcher(state)})
        if service:
            launcher_client.ask(
                Path(service), {"op": "remove", "run_dir": str(self.run_dir)}, timeout=REMOVE_SECONDS, pid=pid
            )
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        return []


def _launcher(state: Mapping[str, Any]) -> str:
    return f"{state['launcher_pid']}:{state['launcher_start']}"


def groups_under(folder: str | Path) -> Iterator[Group]:
    """The run of this folder, or every run of the folders below it."""
    for parent, folders, files in os.walk(os.path.abspath(folder)):
        if STATE in files:
            folders.clear()
            yield Group(parent)
