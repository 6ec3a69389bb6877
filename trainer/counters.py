# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's counters of a process, of its cgroup and of its processors, and the use between two looks at them.

A worker reads the files itself. The chief reads those of each ps through TensorFlow (trainer.ps_counters), as lines without
the names of their files. Therefore each line is recognised by its form.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROCESS_FILES = ("/proc/self/stat", "/proc/self/status", "/proc/stat")
# Of a cgroup; the first shows that the folder is one. Version 1 has the last two in place of the second.
CGROUP_FILES = ("cpu.stat", "cpu.max", "cpu.cfs_period_us", "cpu.cfs_quota_us")
CGROUPS, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

_PROCESS = re.compile(r"\d+ \(.*\) [A-Za-z] ")
_LIMIT = re.compile(r"(max|\d+) (\d+)")
# Positions in /proc/self/stat after the command's closing bracket, and in a line of /proc/stat after the processor's name.
_UTIME, _STIME = 11, 12
_USER, _NICE, _SYSTEM, _IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = range(8)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(kw_only=True)
class Counters:
    """One look. None and empty values are not known."""

    # Processor time of the process, and of its whole container in a cgroup of version 2.
    cpu_seconds: float | None = None
    rss_peak_bytes: int | None = None
    # Time held back by the cgroup's CPU quota.
    throttled_seconds: float | None = None
    # The quota in processors, and the cgroup's folder: processes in one folder share its quota.
    cpu_limit: float | None = None
    cgroup: str = ""
    # The processors that the process may use, as the kernel writes them: 0-3,8.
    allowed_cpus: str = ""
    # Busy and stolen seconds of each processor of the machine.
    cpus: dict[int, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Counters:
        """Read lines of the files above in any order; lines of any other form are ignored."""
        found, numbers = cls(), list[int]()
        for line in lines:
            words = line.split()
            if _PROCESS.match(line):
                times = line.rpartition(")")[2].split()
                found.cpu_seconds = (int(times[_UTIME]) + int(times[_STIME])) / _TICKS
            elif limit := _LIMIT.fullmatch(line.strip()):
                found.cpu_limit = None if limit[1] == "max" else int(limit[1]) / int(limit[2])
            elif len(words) == 1 and words[0].lstrip("-").isdigit():
                numbers.append(int(words[0]))
            elif len(words) > 1:
                with contextlib.suppress(ValueError):
                    found._take(words[0], words[1:])
        # Version 1 has two files of one number each, the period before the quota; a quota of -1 is none.
        if len(numbers) > 1 and min(numbers[-2:]) > 0:
            found.cpu_limit = numbers[-1] / numbers[-2]
        return found

    def _take(self, name: str, values: list[str]) -> None:
        match name:
            case "VmHWM:":
                self.rss_peak_bytes = 1024 * int(values[0])
            case "Cpus_allowed_list:":
                self.allowed_cpus = values[0]
            case "throttled_usec":
                self.throttled_seconds = int(values[0]) / 1e6
            case "throttled_time":
                self.throttled_seconds = int(values[0]) / 1e9
            case _ if name.startswith("cpu") and name[3:].isdigit():
                ticks = [int(value) / _TICKS for value in values]
                busy = sum(ticks[kind] for kind in (_USER, _NICE, _SYSTEM, _IRQ, _SOFTIRQ))
                self.cpus[int(name[3:])] = busy, ticks[_STEAL]

    def used_since(self, before: Counters) -> dict[str, Any]:
        """Return the use since an earlier look, for a summary: seconds, bytes, processors by their numbers."""
        kept = [number for number in processors(self.allowed_cpus) if number in self.cpus and number in before.cpus]
        return {
            "cpu_seconds": _difference(self.cpu_seconds, before.cpu_seconds),
            "throttled_seconds": _difference(self.throttled_seconds, before.throttled_seconds),
            "cpu_limit": self.cpu_limit,
            "cgroup": self.cgroup,
            "rss_peak_bytes": self.rss_peak_bytes,
            "allowed_cpus": self.allowed_cpus,
            "busy": {str(number): _difference(self.cpus[number][0], before.cpus[number][0]) for number in kept},
            "steal": {str(number): _difference(self.cpus[number][1], before.cpus[number][1]) for number in kept},
        }


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else round(max(0.0, after - before), 6)


def processors(listed: str) -> list[int]:
    """Return the numbers in a list of the kernel, such as 0-3,8."""
    found: list[int] = []
    for part in filter(None, listed.split(",")):
        first, _dash, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def lines_of(files: Iterable[str | Path]) -> Iterator[str]:
    """Yield the lines of those files that can be read."""
    for file in files:
        try:
            yield from Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue


def cgroup_folders(membership: Iterable[str], root: Path = CGROUPS) -> Iterator[Path]:
    """Yield the folders in which the cgroup of a process may be, the likeliest first; `membership` are its lines in /proc."""
    for line in membership:
        _number, controllers, path = line.split(":", 2)
        if not controllers:
            yield root / path.lstrip("/")
        elif "cpu" in controllers.split(","):
            # In a container the path is the host's, but the mount shows only the container's own cgroup.
            yield root / controllers / path.lstrip("/")
            yield root / "cpu" / path.lstrip("/")
            yield root / "cpu"
    yield root
