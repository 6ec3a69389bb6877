# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what replicas print, in flat memory. See docs/timing-log.md. PRIVATE, can break at any time.

Nothing that stands in a log raises: what cannot be read is told in `errors`, and what is no line of ours is ignored.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ..._common.format import readable
from .arrivals import timed_lines, times_of
from .evaluations import Evaluations
from .events import BrokenLineError, Event, Reader
from .formats import USAGE, LogFormat, read_tfscale
from .lines import CHUNK, LONGEST_LINE, Lines, lines_of
from .named_formats import Named
from .recognised import Recognised, Recogniser, recognise_file
from .replica_log import CHIEF, ReplicaLog, RunLog

# Enough to see what is wrong; a log of rubbish has as many errors as lines.
MOST_ERRORS = 20


class Errors:
    """The first errors in full, the others as a number."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._more = 0

    def add(self, text: str) -> None:
        if len(self._kept) < MOST_ERRORS:
            self._kept.append(text)
        else:
            self._more += 1

    def texts(self) -> list[str]:
        return [*self._kept, f"and {self._more} more like these"] if self._more else list(self._kept)


def _events(lines: Iterable[bytes | None], source: Lines, read: Reader, errors: Errors, where: str) -> Iterator[Event]:
    for count, line in enumerate(lines, start=1):
        try:
            event = None
            if line is not None and len(line) <= LONGEST_LINE:
                event = read_tfscale(line) if line.startswith(USAGE) else read(line)
        except BrokenLineError as error:
            errors.add(f"{where} line {count - source.redraws} {error}")
            continue
        if event is not None:
            if event.trouble:
                errors.add(f"{where} line {count - source.redraws} {event.trouble}")
            yield event
        elif line is None or len(line) > LONGEST_LINE:
            errors.add(
                f"{where} line {count - source.redraws} is longer than {LONGEST_LINE // 1024} KiB and was skipped"
            )


def parse(lines: Iterable[bytes], fmt: LogFormat) -> tuple[list[Event], list[str]]:
    """All events of the lines, and what could not be read."""
    source, errors = Lines(), Errors()
    shown = chain.from_iterable(source.feed(line.removesuffix(b"\n") + b"\n") for line in lines)
    return list(_events(shown, source, fmt.reader(), errors, "the log's")), errors.texts()


REPLICA_LOG = re.compile(r"(ps|worker)-([0-9]{1,6})\.log\Z")


def replica_logs(log_dir: str | Path) -> list[tuple[str, int, Path]]:
    """The logs of a run in the order ps 0, ps 1, ..., worker 0, ..."""
    try:
        names = os.listdir(log_dir)
    except OSError:
        return []
    found = [(match[1], int(match[2]), Path(log_dir, match[0])) for name in names if (match := REPLICA_LOG.match(name))]
    return sorted(found)


def read_run(
    log_dir: str | Path,
    fmt: LogFormat,
    train_steps: int,
    started_wall: float | None = None,
    ended_wall: float | None = None,
    target_accuracy: float | None = None,
) -> RunLog:
    """Everything that the logs of a run tell. Evaluations are read where there is a target accuracy."""
    errors = Errors()
    recognised = Recognised(fmt)
    if fmt.is_recognised:
        recognised = recognise_file(Path(log_dir, "worker-0.log"))
        fmt = recognised.format
    logs: dict[tuple[str, int], ReplicaLog] = {}
    for replica, index, path in replica_logs(log_dir):
        log = logs[replica, index] = ReplicaLog(train_steps=train_steps, fmt=fmt)
        if target_accuracy is not None and (replica, index) == CHIEF:
            log.evaluations = Evaluations(target_accuracy)
        try:
            with path.open("rb", buffering=0) as file:
                source, read = Lines(), fmt.reader()
                lines = (
                    timed_lines(file, source, read, times_of(path))
                    if isinstance(read, Named)
                    else lines_of(file, source)
                )
                for event in _events(lines, source, read, errors, path.name):
                    log.take(event)
        except OSError as error:
            errors.add(f"{path.name} cannot be read: {error.strerror}")
    run = RunLog(
        logs=logs,
        fmt=fmt,
        train_steps=train_steps,
        started_wall=started_wall,
        ended_wall=ended_wall,
        target_accuracy=target_accuracy,
        recognised=recognised,
    )
    if run.chief.events == 0:
        run.first_line = _first_line(Path(log_dir, "worker-0.log"))
    # Behind any number of bad lines: what is wrong with the figures themselves must not be cut off.
    run.errors = [*errors.texts(), *run.notes()]
    return run


def _first_line(path: Path) -> str:
    """The first that says something."""
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
        shown = (
            readable(line.decode("utf-8", "replace"), 120)
            for line in lines_of(file)
            if line and not line.startswith(USAGE)
        )
        return next(filter(None, shown), "")
    return ""


def timings_of(
    log_dir: str | Path, fmt: LogFormat, train_steps: int, started_wall: float | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The figures of a run, None where a log does not tell, and what could not be read."""
    run = read_run(log_dir, fmt, train_steps, started_wall)
    return run.timings(), run.errors


class Follower:
    """Looks at a growing log from time to time, at the price of its newest lines only."""

    SHOWN = frozenset({"progress", "eval", "start_line"})

    def __init__(self, path: str | Path, fmt: LogFormat) -> None:
        self._path = Path(path)
        self._read: Reader | None = None if fmt.is_recognised else fmt.reader()
        self._recogniser = Recogniser()
        self._read_to = 0
        self._lines = Lines()

    def poll(self) -> Event | None:
        """The newest event since the last look; None when nothing new stands there."""
        read = self._read or self._recognised()
        if read is None:
            return None
        newest = None
        for event in _events(self._lines.feed(self._news()), self._lines, read, Errors(), self._path.name):
            if event.event in self.SHOWN:
                newest = event
        return newest

    def _recognised(self) -> Reader | None:
        """As soon as one format fits; it is read from the log's beginning."""
        if not self._recogniser.has_seen_enough:
            for line in self._lines.feed(self._news()):
                self._recogniser.take(line)
            found = self._recogniser.found.format
            if not found.is_recognised:
                self._read = found.reader()
                self._read_to, self._lines = 0, Lines()
        return self._read

    def _news(self) -> bytes:
        try:
            with self._path.open("rb", buffering=0) as file:
                size = file.seek(0, os.SEEK_END)
                if size < self._read_to:
                    self._read_to, self._lines = 0, Lines()
                if size - self._read_to > CHUNK:
                    self._read_to, self._lines = size - CHUNK, Lines(skipping=True)
                file.seek(self._read_to)
                new = file.read(CHUNK)
        except OSError:
            return b""
        self._read_to += len(new)
        return new
