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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


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

    def __init__(
        self, *, cgroup_root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
    ) -> None:
        self._cgroup = cgroup_root, membership
        self._throttled_before = throttled_seconds(*self._cgroup)

    def throttled(self) -> float:
        """Return the seconds of throttling by the cgroup's CPU quota since this object was created."""
        return max(0.0, throttled_seconds(*self._cgroup) - self._throttled_before)

    def figures(self) -> dict[str, float | int]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 6),
            "rss_peak_bytes": used.ru_maxrss * 1024,
            "throttled_seconds": round(self.throttled(), 6),
        }


def throttled_seconds(root: Path, membership: Path) -> float:
    """Return the seconds of throttling by the cgroup's CPU quota; 0 if the kernel counts none."""
    for file in _stat_files(root, membership):
        try:
            pairs = (line.split() for line in file.read_text(encoding="ascii").splitlines())
            stat = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
        except (OSError, ValueError):
            continue
        if "throttled_usec" in stat:  # version 2
            return stat["throttled_usec"] / 1e6
        if "throttled_time" in stat:  # version 1, nanoseconds
            return stat["throttled_time"] / 1e9
    return 0.0


def _stat_files(root: Path, membership: Path) -> Iterator[Path]:
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if not controllers:
            yield root / path.lstrip("/") / "cpu.stat"
        elif "cpu" in controllers.split(","):
            # In a container the path is the host's, but the mount shows only the container's own cgroup.
            yield root / controllers / path.lstrip("/") / "cpu.stat"
            yield root / "cpu" / path.lstrip("/") / "cpu.stat"
            yield root / "cpu" / "cpu.stat"
    yield root / "cpu.stat"
