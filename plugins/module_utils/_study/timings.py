# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the logs of a run to its timings, in flat memory. PRIVATE, can break at any time.

`train_seconds` is the chief's time from the start line to the moment it sees the target step. Formats without a start
line are timed from the first to the last step that any worker printed, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._study.timing_log import (
    Event,
    LogFormat,
    lines_of,
    read,
    replica_of,
)

# The share of the steps that counts as warm-up and is left out of `steady_steps_per_second`.
WARM_UP = 0.1
# A log may hold millions of bad lines; the first ones tell enough.
MAX_NOTES = 20
# Clocks are read in one thread and written in another: this much disorder is none.
CLOCK_TOLERANCE_SECONDS = 0.1


class _Replica:
    """What is kept of one replica's log: the first, the last and the marks between."""

    def __init__(self, replica: str, index: int, *, warm_step: float) -> None:
        self.name = f"{replica} {index}"
        self.is_chief = replica == "worker" and index == 0
        self.marks: dict[str, Event] = {}
        self.first: Event | None = None
        self.last: Event | None = None
        self.warm: Event | None = None
        self.fields: dict[str, Any] = {}
        self.back_seconds = 0.0
        self._warm_step = warm_step
        self._clock: float | None = None

    def take(self, event: Event) -> None:
        self._watch_clock(event.wall if event.mono is None else event.mono)
        if event.event == "progress":
            self.first = self.first or event
            self.last = event
            if self.warm is None and event.fields.get("global_step", 0) >= self._warm_step:
                self.warm = event
        elif event.event in ("summary", "eval", "elapsed", "error"):
            self.fields.update(event.fields)
        self.marks.setdefault(event.event, event)
        for name in ("loss", "accuracy"):
            if name in event.fields:
                self.fields[name] = event.fields[name]

    def _watch_clock(self, now: float | None) -> None:
        if now is None:
            return
        if self._clock is not None:
            self.back_seconds = max(self.back_seconds, self._clock - now)
        self._clock = now

    @property
    def step(self) -> int:
        return max(
            (e.fields.get("global_step", 0) for e in (self.last, self.marks.get("target_reached")) if e), default=0
        )


def _between(start: Event | None, end: Event | None) -> float | None:
    if start is None or end is None:
        return None
    if start.mono is not None and end.mono is not None:
        return end.mono - start.mono
    return end.wall - start.wall if start.wall is not None and end.wall is not None else None


def _logs(log_dir: Path) -> Iterator[Path]:
    return iter(sorted(log_dir.glob("*-*.log"), key=replica_of))


def _read_all(log_dir: Path, log_format: LogFormat, warm_step: float) -> tuple[list[_Replica], list[str]]:
    replicas, notes = [], []
    for path in _logs(log_dir):
        name, index = replica_of(path)
        replica, skipped = _Replica(name, index, warm_step=warm_step), 0
        try:
            with path.open("rb") as file:
                for reading in read(lines_of(file), log_format, replica=name, index=index):
                    if isinstance(reading, Event):
                        replica.take(reading)
                    else:
                        skipped, sentence = skipped + 1, reading
        except OSError as error:
            notes.append(f"{path.name} cannot be read: {error.strerror}")
        if skipped:
            notes.append(f"{path.name}: {sentence} ({skipped} skipped)")
        if replica.back_seconds > CLOCK_TOLERANCE_SECONDS:
            notes.append(f"{path.name}: the clock went back by {replica.back_seconds:.1f} s")
        replicas.append(replica)
    return replicas, notes[:MAX_NOTES]


def timings_of(
    log_dir: Path | str,
    log_format: LogFormat,
    *,
    train_steps: int,
    started_wall: float | None = None,
    ended_wall: float | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """(timings, notes). A figure that the logs do not give is absent. Units are in the names."""
    replicas, notes = _read_all(Path(log_dir), log_format, WARM_UP * train_steps)
    workers = [replica for replica in replicas if replica.name.startswith("worker")]
    timings: dict[str, Any] = {}
    if workers:
        timings |= _span(workers, notes, train_steps, started_wall, ended_wall)
        timings |= _phases(workers[0], started_wall) | _usage(replicas)
        timings["global_steps"] = max(worker.step for worker in workers)
        timings["start_lines"] = sum("start_line" in worker.marks for worker in workers)
    if started_wall is not None and ended_wall is not None:
        timings["total_seconds"] = ended_wall - started_wall
    return {key: value for key, value in timings.items() if value is not None}, notes


def _span(
    workers: list[_Replica], notes: list[str], train_steps: int, started: float | None, ended: float | None
) -> dict[str, Any]:
    chief = workers[0]
    start, end = chief.marks.get("start_line"), chief.marks.get("target_reached")
    seconds, steps = _between(start, end), end.fields.get("global_step", 0) if end else 0
    if start is None:
        seconds, steps, end = _span_without_marks(workers, notes, started, ended)
    steady = _steady(chief, end)
    return {
        "train_seconds": seconds if seconds and seconds > 0 else None,
        "steps_per_second": steps / seconds if seconds and seconds > 0 and steps else None,
        "steady_steps_per_second": steady,
        "start_global_step": start.fields.get("global_step") if start else None,
        "loss": chief.fields.get("loss"),
        "accuracy": chief.fields.get("accuracy"),
    }


def _span_without_marks(
    workers: list[_Replica], notes: list[str], started: float | None, ended: float | None
) -> tuple[float | None, int, Event | None]:
    steps = max(worker.step for worker in workers)
    elapsed = workers[0].fields.get("seconds")
    if elapsed is not None:
        return elapsed, steps, workers[0].last
    first = min((w.first for w in workers if w.first and w.first.wall is not None), key=_wall, default=None)
    last = max((w.last for w in workers if w.last and w.last.wall is not None), key=_wall, default=None)
    if first is not None and last is not None and first is not last:
        notes.append("the log has no start line: train_seconds is the time from the first to the last step printed")
        return _between(first, last), steps - first.fields.get("global_step", 0), last
    if started is not None and ended is not None:
        notes.append("the log has no times: train_seconds is the whole run's, start-up included")
        return ended - started, steps, None
    return None, steps, None


def _wall(event: Event) -> float:
    return event.wall or 0.0


def _steady(chief: _Replica, end: Event | None) -> float | None:
    seconds = _between(chief.warm, end)
    if chief.warm is None or end is None or not seconds or seconds <= 0:
        return None
    steps = end.fields.get("global_step", 0) - chief.warm.fields.get("global_step", 0)
    return float(steps) / seconds if steps > 0 else None


def _phases(chief: _Replica, started: float | None) -> dict[str, Any]:
    def since(event: str) -> float | None:
        mark = chief.marks.get(event)
        return mark.wall - started if mark and mark.wall is not None and started is not None else None

    return {
        "imported_seconds": since("imported"),
        "session_seconds": since("session_ready"),
        "startup_seconds": since("start_line"),
    }


def _usage(replicas: list[_Replica]) -> dict[str, Any]:
    def all_of(name: str) -> list[float]:
        values = (replica.fields.get(name) for replica in replicas)
        return [value for value in values if isinstance(value, int | float)]

    return {
        "rss_peak_bytes": max(all_of("rss_peak_bytes"), default=None),
        "wait_seconds": max(all_of("wait_seconds"), default=None),
        "throttled_seconds": sum(all_of("throttled_seconds")) if all_of("throttled_seconds") else None,
    }
