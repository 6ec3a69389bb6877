# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks, speed, and the resources that a run uses.

The clock of a run starts at the start line, when every replica is connected and initialised and no worker has trained.
It stops when the chief sees the target step. So the import of TensorFlow, the building of graphs and the final evaluation do
not count as training. Durations come from the monotonic clock; the wall clock only aligns the replicas' logs.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.counters import CGROUP_FILES, CGROUPS, MEMBERSHIP, PROCESS_FILES, Counters, cgroup_folders, lines_of


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Both clocks in one object, so that a test replaces them together."""

    wall: Callable[[], float] = time.time
    mono: Callable[[], float] = time.monotonic


class SpeedMeter:
    """Global steps per second between two calls of `look`; the first call returns None."""

    def __init__(self, mono: Callable[[], float]) -> None:
        self._mono = mono
        self._mark: tuple[float, int] | None = None

    def look(self, global_step: int) -> float | None:
        now, mark = self._mono(), self._mark
        self._mark = (now, global_step)
        if mark is None or now <= mark[0]:
            return None
        return (global_step - mark[1]) / (now - mark[0])


class Usage:
    """The resources that this process has used."""

    def __init__(self, *, cgroup_root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> None:
        self._cgroup = cgroup_root, membership
        self._throttled_before = throttled_seconds(*self._cgroup)
        self._began: tuple[float, Counters] | None = None
        self._trained: dict[str, Any] = {}

    def throttled(self) -> float:
        """Return the seconds of throttling by the cgroup's CPU quota since this object was created."""
        return max(0.0, throttled_seconds(*self._cgroup) - self._throttled_before)

    def begin(self) -> None:
        """Begin the training: `trained` counts from here."""
        self._began = time.monotonic(), self._look()

    def end(self) -> None:
        """End the training at this worker's last step."""
        if self._began is not None:
            now, (began, before) = time.monotonic(), self._began
            self._trained = {"seconds": round(now - began, 6), **self._look().used_since(before)}

    @property
    def trained(self) -> dict[str, Any]:
        """The use between `begin` and `end` (trainer.counters), and the seconds between; empty if there was no training."""
        return self._trained

    def _look(self) -> Counters:
        root, membership = self._cgroup
        folders = cgroup_folders(lines_of([membership]), root)
        folder = next((one for one in folders if (one / CGROUP_FILES[0]).is_file()), root)
        counters = Counters.of(lines_of([*PROCESS_FILES, *(folder / name for name in CGROUP_FILES)]))
        counters.cgroup = str(folder)
        # /proc counts in ticks of 10 ms.
        counters.cpu_seconds = time.process_time()
        return counters

    def figures(self) -> dict[str, float | int]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 6),
            "rss_peak_bytes": used.ru_maxrss * 1024,
            "throttled_seconds": round(self.throttled(), 6),
        }


def throttled_seconds(root: Path, membership: Path) -> float:
    """Return the seconds of throttling by the cgroup's CPU quota; 0 if the kernel counts none."""
    folders = cgroup_folders(lines_of([membership]), root)
    looks = (Counters.of(lines_of([folder / "cpu.stat"])) for folder in folders)
    return next((look.throttled_seconds for look in looks if look.throttled_seconds is not None), 0.0)
