# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about processes and the machine from /proc, and the killing of processes whose launcher has died."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

# Positions in /proc/<pid>/stat after the command's closing bracket: the command may contain spaces and brackets.
_STATE, _START = 0, 19
_USER, _NICE, _SYSTEM, _IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = range(8)
# Environment variables that name the run and the launcher of a process.
RUN_MARK, LAUNCHER_MARK = "TFSCALE_RUN_DIR", "TFSCALE_LAUNCHER"
# A process may fork during a scan; the next scan finds its child.
_REAP_ROUNDS = 5


def start_time(pid: int) -> int | None:
    """Return the start in clock ticks since boot, or None for an ended process or a zombie. With the pid it is unique."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE] in ("Z", "X") else int(fields[_START])


def environment(pid: int) -> dict[str, str]:
    """Return the environment at the last exec; a forked child shows its parent's."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (part.decode(errors="surrogateescape").partition("=") for part in raw.split(b"\0"))
    return {name: value for name, _equals, value in pairs if name}


def is_ours(pid: int) -> bool:
    """Whether it is another process of the same user in the same pid namespace, so not in a container."""
    if pid <= 1 or pid == os.getpid():
        return False
    try:
        same_user = os.stat(f"/proc/{pid}").st_uid == os.geteuid()
        return same_user and os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid")
    except OSError:
        return False


def identity(pid: int) -> str:
    return f"{pid}:{start_time(pid)}"


def is_alive(who: str) -> bool:
    """Whether the process with this `identity` is alive."""
    pid, _colon, start = who.partition(":")
    return pid.isdigit() and start.isdigit() and start_time(int(pid)) == int(start)


def kill_where(condition: Callable[[Mapping[str, str]], bool]) -> list[int]:
    """Kill every process of this user whose environment meets the condition, until a scan finds no new one."""
    killed: list[int] = []
    for _round in range(_REAP_ROUNDS):
        started = {pid: start_time(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
        found = [pid for pid in started if pid not in killed and is_ours(pid) and condition(environment(pid))]
        for pid in found:
            # Since the scan the kernel may have given the number to another process.
            if started[pid] == start_time(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        killed += found
        if not found:
            break
    return killed


def reap_orphans() -> list[int]:
    """Kill the processes that carry the mark of a dead launcher."""

    def is_orphan(environment: Mapping[str, str]) -> bool:
        launcher = environment.get(LAUNCHER_MARK)
        return launcher is not None and not is_alive(launcher)

    return kill_where(is_orphan)


def host_cpu(wall: float) -> dict[str, float]:
    """Return the CPU seconds of the whole machine since boot."""
    with open("/proc/stat", encoding="ascii") as stat:
        ticks = [int(value) for value in stat.readline().split()[1:9]]
    seconds = [value / os.sysconf("SC_CLK_TCK") for value in ticks]
    busy = sum(seconds[kind] for kind in (_USER, _NICE, _SYSTEM, _IRQ, _SOFTIRQ))
    return {"wall": wall, "busy_seconds": busy, "steal_seconds": seconds[_STEAL], "total_seconds": sum(seconds)}
