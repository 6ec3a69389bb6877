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

from ansible_collections.tfscale.study.plugins.module_utils._backend import launcher
from ansible_collections.tfscale.study.plugins.module_utils._backend.processes import STATE, launcher_lives, read_state
from ansible_collections.tfscale.study.plugins.module_utils._common.process import start_time

REMOVE_SECONDS = 10.0
LOOK_SECONDS = 0.01


class Group:
    """The processes of the run whose state.json lies in this folder."""

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

    def living(self) -> list[dict[str, Any]]:
        """Replicas whose processes are there, whatever became of their launcher."""
        return self._living(self._state())

    def remove(self) -> bool:
        """End all of it and return when nothing is left; whether there was anything."""
        state = self._state()
        living = self._living(state)
        if living:
            self._end(state, living)
        strays = kill_marked(self.run_dir)
        end = self._clock() + REMOVE_SECONDS
        while self._living(state) and self._clock() < end:
            self._sleep(LOOK_SECONDS)
        return bool(living or strays)

    def _state(self) -> Mapping[str, Any]:
        """Empty when no run was started here, or by no launcher of ours."""
        try:
            return read_state(self.run_dir / STATE)
        except (OSError, ValueError):
            return {}

    def _living(self, state: Mapping[str, Any]) -> list[dict[str, Any]]:
        replicas = state.get("replicas", [])
        return [one for one in replicas if one["ended_wall"] is None and self._started(one["pid"]) == one["pid_start"]]

    def _end(self, state: Mapping[str, Any], living: list[dict[str, Any]]) -> None:
        """Leave it to the launcher, which ends its replicas in order; without one they are killed."""
        if not launcher_lives(state, started=self._started):
            for one in living:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(one["pid"], signal.SIGKILL)
        elif state["service"]:
            request = {"op": "remove", "run_dir": str(self.run_dir)}
            launcher.ask(Path(state["service"]), request, timeout=REMOVE_SECONDS)
        else:
            os.kill(state["launcher_pid"], signal.SIGTERM)


def groups_under(folder: str | Path) -> Iterator[Group]:
    """The run of this folder, or every run of the folders below it."""
    for parent, folders, files in os.walk(os.path.abspath(folder)):
        if STATE in files:
            folders.clear()
            yield Group(parent)


def kill_marked(run_dir: Path) -> list[int]:
    """Kill what a program of the run has started and nobody else has ended."""
    mark = f"TFSCALE_RUN_DIR={run_dir}".encode()
    killed = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if mark in Path("/proc", name, "environ").read_bytes().split(b"\0"):
                os.kill(int(name), signal.SIGKILL)
                killed.append(int(name))
    return killed
