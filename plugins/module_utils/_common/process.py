# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes of this machine are ours, and the end of those. PRIVATE, can break at any time.

trainer/procfs.py decides the same for the launcher, which knows nothing of Ansible; a contract test holds the two together.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

# Where a process of a run says which run and which launcher it belongs to: in the environment it was executed with.
RUN_MARK, LAUNCHER_MARK = "TFSCALE_RUN_DIR", "TFSCALE_LAUNCHER"
# Where they stand in /proc/<pid>/stat, counted behind the command's closing bracket (the command may hold brackets).
_STATE, _START = 0, 19
# A process may fork while it is being looked for; its child is found by the next look.
_KILL_ROUNDS = 5


def start_time(pid: int) -> int | None:
    """Clock ticks since boot: with the pid it names a process for good. None for a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE] in ("Z", "X") else int(fields[_START])


def process_space() -> str:
    """Where a process number means what it means here: cloned machines share a name, containers a machine."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return f"{boot[:8]}-{os.stat('/proc/self/ns/pid').st_ino}"


def identity(pid: int) -> str:
    """As the launcher's mark has it."""
    return f"{pid}:{start_time(pid)}"


def environment(pid: int) -> dict[str, str]:
    """What the program was executed with; empty where that is nobody's business but its owner's."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (part.decode(errors="surrogateescape").partition("=") for part in raw.split(b"\0"))
    return {name: value for name, _equals, value in pairs if name}


def is_ours(pid: int) -> bool:
    """Another process of the same user in the same numbering of pids: a container's is none of our business."""
    if pid <= 1 or pid == os.getpid():
        return False
    try:
        same_user = os.stat(f"/proc/{pid}").st_uid == os.geteuid()
        return same_user and os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid")
    except OSError:
        return False


def carries(pid: int, marks: Mapping[str, str]) -> bool:
    """Whether it is ours and says itself that it belongs to this run or this launcher."""
    if not is_ours(pid):
        return False
    found = environment(pid)
    return any(found.get(name) == value for name, value in marks.items())


def kill_carriers(marks: Mapping[str, str]) -> list[int]:
    """Kill every process of ours that carries one of the marks, until a look finds no new one."""
    killed: list[int] = []
    for _round in range(_KILL_ROUNDS):
        started = {pid: start_time(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
        found = [pid for pid in started if pid not in killed and carries(pid, marks)]
        for pid in found:
            # A number that was given to somebody else since the look is left alone.
            if started[pid] == start_time(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        killed += found
        if not found:
            break
    return killed
