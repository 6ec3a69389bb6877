# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters of a pod whose program does not print them: a loop of the shell that does, and what its lines say.

The loop is put before a command that is a line for the shell, so every image that can run the command can run the loop. The shell
then becomes the program: it keeps the process, the signals and the exit code of the container. PRIVATE, can break at any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..._common.fields import finite

# A look each second, later each twentieth of the time so far: some hundred lines a day. The counters of cgroups of version 1 lie in
# folders. stderr, because a container runtime cuts each stream into lines of its own; the line ends what the program may have begun.
LOOP = r"""(
cd /sys/fs/cgroup || exit
words() { text=; for file; do while read -r line; do text="$text$line "; done <"$file"; done; } 2>/dev/null
while read -r name value; do [ "$name" = Cpus_allowed_list: ] && allowed=$value; done </proc/self/status
read -r began rest </proc/uptime
date=$(date +%s)
waited=0
counters='"cpu":"%s","limit":"%s","memory":"%s","processors":"%s","allowed":"%s"}\n'
while :; do
  read -r uptime rest </proc/uptime
  read -r processors </proc/stat
  words cpu.stat cpu/cpu.stat cpuacct/cpuacct.usage; cpu=$text
  words cpu.max cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us; limit=$text
  for file in memory.stat memory/memory.stat; do { read -r first; read -r second; } <"$file"; done 2>/dev/null
  printf '\n:::TFSCALE {"v":1,"event":"usage","replica":"%s","index":%d,"wall":%d,"began":%s,"uptime":%s,'"$counters" \
    "$JOB_NAME" "$TASK_INDEX" "$date" "$began" "$uptime" "$cpu" "$limit" "$first $second" "$processors" "$allowed" >&2 || exit
  sleep $((1 + waited / 20)) || exit
  waited=$((waited + 1 + waited / 20))
done
) &
exec "$0" "$@"
"""
# More are the lines of no such loop.
MOST = 1000
_TICKS = 100.0
_IDLE = (3, 4)
_STEAL = 7
_STATES = 8
_NUMBER = re.compile(r"\d{1,18}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the counters since the start of the container. Seconds, bytes and processors; None where the kernel does not tell."""

    # Time of day, to the second only, but equally wrong at each look of a pod.
    wall: float
    # Between the chief's first line with a step and the one at the target.
    is_training: bool
    cpu_seconds: float | None
    throttled_seconds: float | None
    cpu_limit: float | None
    rss_bytes: int | None
    allowed_cpus: str
    # Of all processors of the node together: busy seconds, those that a hypervisor took, all.
    busy: float | None
    steal: float | None
    whole: float | None

    @classmethod
    def of(cls, said: Mapping[str, Any], *, is_training: bool) -> Sample | None:
        """The fields of a line; None where it has no time."""
        wall, began, uptime = (finite(said.get(name)) for name in ("wall", "began", "uptime"))
        if not wall or began is None or uptime is None:
            return None
        cpu_seconds, throttled_seconds = _cpu(_words(said, "cpu"))
        busy, steal, whole = _processors(_words(said, "processors"))
        return cls(
            wall=wall + uptime - began,
            is_training=is_training,
            cpu_seconds=cpu_seconds,
            throttled_seconds=throttled_seconds,
            cpu_limit=_limit(_words(said, "limit")),
            rss_bytes=_rss(_words(said, "memory")),
            allowed_cpus=str(said.get("allowed") or ""),
            busy=busy,
            steal=steal,
            whole=whole,
        )


def _words(said: Mapping[str, Any], name: str) -> list[str]:
    text = said.get(name)
    return text.split() if isinstance(text, str) else []


def _whole(word: str | None) -> int | None:
    return int(word) if word is not None and _NUMBER.fullmatch(word) else None


def _named(words: Sequence[str]) -> dict[str, int]:
    """Of pairs of a name and a number."""
    return {name: number for name, word in pairwise(words) if (number := _whole(word)) is not None}


def _cpu(words: Sequence[str]) -> tuple[float | None, float | None]:
    """Seconds used and throttled. A cgroup of version 1 has the used nanoseconds in a file of one number, the last."""
    named = _named(words)
    if "throttled_usec" in named:
        used = named.get("usage_usec")
        return None if used is None else used / 1e6, named["throttled_usec"] / 1e6
    if "throttled_time" in named:
        used = _whole(words[-1]) if len(words) % 2 else None
        return None if used is None else used / 1e9, named["throttled_time"] / 1e9
    # The group of a whole machine is never throttled: no counters of a pod.
    return None, None


def _limit(words: Sequence[str]) -> float | None:
    """A quota and its period; a quota of `max` or -1 is none."""
    quota, period = (_whole(word) for word in words) if len(words) == 2 else (None, None)
    return quota / period if quota and period else None


def _rss(words: Sequence[str]) -> int | None:
    named = _named(words)
    return named.get("anon", named.get("rss"))


def _processors(words: Sequence[str]) -> tuple[float | None, float | None, float | None]:
    """Busy, stolen and all seconds in a line of /proc/stat; the guests' time is part of the users'."""
    ticks = [number for word in words[1 : 1 + _STATES] if (number := _whole(word)) is not None]
    if len(ticks) < _STATES:
        return None, None, None
    whole, idle, steal = sum(ticks), sum(ticks[state] for state in _IDLE), ticks[_STEAL]
    return (whole - idle - steal) / _TICKS, steal / _TICKS, whole / _TICKS
