# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The append-only store of records, one JSON document a line. PRIVATE, can break at any time.

A record is written with one write and synced, so a crash leaves at most a torn last line. A reader skips it, and it is set
aside before the next write. What is no ledger of ours is left as it is.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..._common import files
from ..._common.errors import LedgerError
from ..._common.format import counted, plain, readable
from . import sealed
from .record import key_of

try:
    from orjson import loads
except ImportError:
    loads = json.loads  # type: ignore[assignment]

NAME = "ledger.jsonl"
# Every record that we write begins so; what breaks off within it is a torn record of ours.
OPENING = b'{"schema":'
# At the end of a file for `recent`: some hundred records.
RECENT_BYTES = 1 << 20


class Ledger(Protocol):
    """The records of one study, wherever they are kept."""

    warnings: Sequence[str]
    """What was wrong with those that were read last."""

    def records(self) -> Iterator[dict[str, Any]]:
        """All records in their order, one for each attempt; none where nothing was recorded."""

    def find(self, run_id: str, attempt: int) -> dict[str, Any] | None:
        """The record of one attempt."""

    def recent(self) -> list[dict[str, Any]]:
        """Some hundred of the last records at the most, in their order, however large the ledger is."""

    def append(self, record: Mapping[str, Any]) -> str | None:
        """Add one record for good; the answer is a warning."""

    def repair(self) -> str | None:
        """Set aside what a crash left; the answer is a warning that says what it was."""


def encode(record: Mapping[str, Any]) -> bytes:
    """One line of strict JSON; a number that is none (ValueError) never reaches a ledger."""
    ordered = {"schema": record["schema"], **record}
    return json.dumps(ordered, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"


def _loads(line: bytes) -> Any:
    """What orjson refuses, such as NaN or half of an emoji, is left to Python's own parser, which takes three times as long."""
    try:
        return loads(line)
    except ValueError:
        return json.loads(line)


def decode(line: bytes) -> dict[str, Any] | None:
    """None for what is no record. Only what tells a ledger from another file is looked at: a study may have 100,000.

    Older versions have kept what a log said as it was said; whatever is not readable stands behind a backslash in our JSON.
    """
    try:
        record = _loads(line)
        if b"\\" in line or b"\x7f" in line or not line.isascii():
            record = plain(record)
    except (ValueError, RecursionError):
        return None
    ours = isinstance(record, dict) and "schema" in record and "run_id" in record and "verdict" in record
    return record if ours else None


class FileLedger:
    """A ledger in a file of the study's folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.warnings: Sequence[str] = ()

    def records(self) -> Iterator[dict[str, Any]]:
        """The last word on each attempt, as in `find`; a merge, by hand or by git, leaves several. No file is an empty ledger."""
        found: dict[Any, dict[str, Any]] = {}
        again: list[tuple[Any, bool]] = []
        with self._telling("read"), contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                document = decode(line)
                if document is not None:
                    # Sealed first: one of an older version and its copy of this version are one attempt.
                    record = sealed.record(document)
                    attempt = key_of(record["run_id"], record.get("attempt")) or number
                    if attempt in found:
                        again.append((attempt, found[attempt] != record))
                    found[attempt] = record
                elif line.endswith(b"\n") or not _is_torn(line):
                    raise self._foreign(number)
        self.warnings = self._told_twice(again)
        yield from found.values()

    def _told_twice(self, again: Sequence[tuple[Any, bool]]) -> list[str]:
        if not again:
            return []
        told = (
            f"{self.path} has {counted(len(again), 'record')} of attempts that it has already: the last of each counts"
        )
        others = [f"run {readable(run)}, attempt {readable(attempt)}" for (run, attempt), differs in again if differs]
        return [f"{told}; {len(others)} of them differ from the one before, such as {others[0]}" if others else told]

    def find(self, run_id: str, attempt: int) -> dict[str, Any] | None:
        """The record of one attempt; lines that do not name its run are not decoded."""
        wanted, found = json.dumps(run_id).encode("ascii"), None
        with self._telling("read"), contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            for line in file:
                record = decode(line) if wanted in line else None
                if record is not None and key_of(record["run_id"], record.get("attempt")) == (run_id, attempt):
                    found = record
        return found and sealed.record(found)

    def recent(self) -> list[dict[str, Any]]:
        """Those of the last mebibyte; what is no record is left to `records`."""
        with self._telling("read"), contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - RECENT_BYTES)
            file.seek(begin)
            lines = file.read(RECENT_BYTES).splitlines()[1 if begin else 0 :]
            return [record for line in lines if (record := decode(line)) is not None]
        return []

    def append(self, record: Mapping[str, Any]) -> str | None:
        """Add one record for good; the answer is the warning of `repair`."""
        line = encode(record)
        with self._telling("written"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with files.locked(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND) as descriptor:
                warning = self._repair(descriptor)
                _write(descriptor, line)
        return warning

    def repair(self) -> str | None:
        """Set a torn last line aside; the warning says what was cut, None when nothing was torn."""
        with (
            self._telling("repaired"),
            contextlib.suppress(FileNotFoundError),
            files.locked(self.path, os.O_RDWR | os.O_APPEND) as descriptor,
        ):
            return self._repair(descriptor)
        return None

    def _repair(self, descriptor: int) -> str | None:
        size = os.fstat(descriptor).st_size
        start, tail = _tail(descriptor, size)
        if start > 0:
            self._check_first_line(descriptor)
        if not tail:
            return None
        if decode(tail) is not None:
            _write(descriptor, b"\n")
            return None
        if not _is_torn(tail):
            raise self._foreign(os.pread(descriptor, start, 0).count(b"\n") + 1)
        aside = self._set_aside(tail)
        os.ftruncate(descriptor, start)
        os.fsync(descriptor)
        return f"{self.path} ended in half a record ({len(tail)} bytes), as after a crash: moved to {aside.name}"

    def _set_aside(self, tail: bytes) -> Path:
        """Beside what was set aside before."""
        for number in itertools.count(1):
            aside = self.path.with_name(f"{self.path.name}.torn" + (f"-{number}" if number > 1 else ""))
            with contextlib.suppress(FileExistsError):
                files.create(aside, tail)
                return aside
        raise AssertionError

    def _check_first_line(self, descriptor: int) -> None:
        """Nothing is ever added to a file that somebody else has begun."""
        with open(os.dup(descriptor), "rb") as file:
            file.seek(0)
            if decode(file.readline()) is None:
                raise self._foreign(1)

    @contextlib.contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = files.why(error, self.path.parent)
            raise LedgerError(f"the ledger {self.path} cannot be {what}: {reason}") from error

    def _foreign(self, number: int) -> LedgerError:
        return LedgerError(
            f"{self.path} is not a ledger of ours: line {number} is not a record;"
            " move it away or choose another sweep_study"
        )


def _write(descriptor: int, data: bytes) -> None:
    """All of it or nothing: a full disk leaves the ledger as it was."""
    before = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, data)
        os.fsync(descriptor)
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(descriptor, before)
        raise


def _is_torn(tail: bytes) -> bool:
    """The beginning of a record, or zeros where a file system had made room for one."""
    return tail.startswith(OPENING) or OPENING.startswith(tail) or not tail.strip(b"\0")


def _tail(descriptor: int, size: int) -> tuple[int, bytes]:
    """What stands behind the last end of a line, and where it begins."""
    tail, start = b"", size
    while start > 0:
        step = min(start, 1 << 16)
        block = os.pread(descriptor, step, start - step)
        cut = block.rfind(b"\n")
        if cut >= 0:
            return start - step + cut + 1, block[cut + 1 :] + tail
        tail, start = block + tail, start - step
    return start, tail
