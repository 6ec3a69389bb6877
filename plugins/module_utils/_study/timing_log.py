# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what replicas print (docs/timing-log.md). Never raises on what a log holds. PRIVATE, can break at any time."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ansible_collections.tfscale.study.plugins.module_utils._study.inputs import InputError

PREFIX = b":::TFSCALE "
# Longer lines are skipped; ours have 200 bytes, and a program may print 100 MB without an end of line.
MAX_LINE_BYTES = 64 * 1024
MAX_STEP = 2**63
GROUPS = ("time", "step", "accuracy", "loss")

# Listing 5.8 of the thesis, its words joined by spaces or underscores, behind whatever the logger puts before it.
_THESIS_STEP = re.compile(
    rb"(\d+\.\d+):[ _]Worker[ _](\d+):[ _]training[ _]step[ _](\d+)[ _]done[ _]\(global[ _]step:[ _](\d+)\)"
)
_THESIS_ELAPSED = re.compile(rb"Training[ _]elapsed[ _]time:[ _](\d+(?:\.\d+)?)[ _]s")
_THESIS_ACCURACY = re.compile(rb"Accuracy[ _]at[ _]local_step[ _](\d+):[ _](\d+(?:\.\d+)?)")
_FILE = re.compile(r"(ps|worker)-(\d+)\.log")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a replica told. `wall` in seconds since the epoch, `mono` in seconds of its machine's clock."""

    event: str
    replica: str
    index: int
    wall: float | None
    mono: float | None
    fields: dict[str, Any]


# What one line is: an event, a sentence about what is wrong with it, or nothing of interest.
Reading = Event | str | None


@dataclass(frozen=True)
class LogFormat:
    """How to read a line."""

    name: str
    read: Callable[[bytes, str, int], Reading]

    @classmethod
    def of(cls, text: str) -> LogFormat:
        """`tfscale`, `thesis`, or a regular expression with the groups time, step, accuracy, loss."""
        if text == "tfscale":
            return cls(text, _read_tfscale)
        if text == "thesis":
            return cls(text, _read_thesis)
        return cls("regular expression", _reader_of(text))


def _reader_of(text: str) -> Callable[[bytes, str, int], Reading]:
    advice = f"give tfscale, thesis, or a regular expression with some of the named groups {', '.join(GROUPS)}"
    try:
        pattern = re.compile(text.encode())
    except (re.error, AttributeError) as error:
        raise InputError(f"training_log_format is {text!r}: {error}; {advice}") from error
    unknown = set(pattern.groupindex) - set(GROUPS)
    if unknown or not {"step", "accuracy"} & set(pattern.groupindex):
        raise InputError(f"training_log_format is {text!r}: it needs the group step or accuracy; {advice}")

    def read(line: bytes, replica: str, index: int) -> Reading:
        match = pattern.search(line)
        return _event_of(match.groupdict(), replica, index) if match else None

    return read


def _event_of(groups: dict[str, bytes | None], replica: str, index: int) -> Reading:
    try:
        numbers = {name: float(value) for name, value in groups.items() if value is not None}
    except ValueError:
        return f"{replica} {index} printed something that is not a number"
    step = numbers.get("step", 0.0)
    if not 0 <= step < MAX_STEP or not math.isfinite(numbers.get("time", 0.0)):
        return f"{replica} {index} printed a step or a time out of range"
    fields = {name: numbers[name] for name in ("accuracy", "loss") if name in numbers}
    if "step" in numbers:
        fields["global_step"] = int(step)
    return Event("progress" if "step" in numbers else "eval", replica, index, numbers.get("time"), None, fields)


def _read_tfscale(line: bytes, _replica: str, _index: int) -> Reading:
    start = line.find(PREFIX)
    if start < 0:
        return None
    try:
        fields = json.loads(line[start + len(PREFIX) :])
    except (ValueError, RecursionError):
        return "a line of the timing log is torn"
    if not isinstance(fields, dict) or fields.pop("v", None) != 1:
        return "a line of the timing log has another version than 1"
    event, replica, index = fields.pop("event", None), fields.pop("replica", None), fields.pop("index", None)
    wall, mono = fields.pop("wall", None), fields.pop("mono", None)
    step = fields.get("global_step", 0)
    known = type(event) is str and type(replica) is str and type(index) is int
    if not known or type(step) is not int or not 0 <= step < MAX_STEP or not (_is_time(wall) and _is_time(mono)):
        return "a line of the timing log has fields of another kind"
    return Event(event, replica, index, wall, mono, fields)


def _is_time(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and -math.inf < value < math.inf)


def _read_thesis(line: bytes, replica: str, index: int) -> Reading:
    match = _THESIS_STEP.search(line)
    if match:
        step = int(match[4][:20])
        if step >= MAX_STEP:
            return f"{replica} {index} printed a step out of range"
        return Event("progress", replica, int(match[2][:9]), float(match[1]), None, {"global_step": step})
    match = _THESIS_ELAPSED.search(line)
    if match:
        return Event("elapsed", replica, index, None, None, {"seconds": float(match[1])})
    match = _THESIS_ACCURACY.search(line)
    return Event("eval", replica, index, None, None, {"accuracy": float(match[2])}) if match else None


def lines_of(file: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a log in bounded memory; None stands for one that is too long."""
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES)
        yield None


def read(
    lines: Iterable[bytes | None], log_format: LogFormat, *, replica: str = "worker", index: int = 0
) -> Iterator[Event | str]:
    """Events and sentences about bad lines, in their order; lines of another kind are passed over."""
    for line in lines:
        reading = f"a line is longer than {MAX_LINE_BYTES} bytes" if line is None else None
        if line is not None:
            reading = log_format.read(line, replica, index)  # type: ignore[assignment]
        if reading is not None:
            yield reading


def parse(lines: Iterable[bytes | None], log_format: LogFormat) -> tuple[list[Event], list[str]]:
    """All events and all errors at once, for short logs."""
    readings = list(read(lines, log_format))
    return [r for r in readings if isinstance(r, Event)], [r for r in readings if isinstance(r, str)]


def replica_of(path: Path) -> tuple[str, int]:
    match = _FILE.fullmatch(path.name)
    return (match[1], int(match[2])) if match else ("worker", 0)


class Follower:
    """The newest event of a log that grows; each look reads only what is new."""

    _TOLD = frozenset({"start_line", "progress", "target_reached"})

    def __init__(self, path: Path | str, log_format: LogFormat) -> None:
        self._path, self._format = Path(path), log_format
        self._replica, self._index = replica_of(self._path)
        self._offset = 0

    def poll(self) -> Event | None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                return self._newest(file)
        except OSError:
            return None

    def _newest(self, file: BinaryIO) -> Event | None:
        newest = None
        for line in lines_of(file):
            if line is not None and not line.endswith(b"\n"):
                return newest  # half a line: its end is not written yet
            self._offset = file.tell()
            reading = self._format.read(line, self._replica, self._index) if line is not None else None
            if isinstance(reading, Event) and reading.event in self._TOLD:
                newest = reading
        return newest
