# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the logs of pods into files: the chief's as it grows, all of them before they are removed.

PRIVATE, can break at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Any

from ..._common import files
from ..._common.errors import BackendError
from ..._common.files import NO_ROOM
from ..._common.format import counted
from ..._kubernetes.api import Api, ApiError, blocks_of
from ..._study.logs.formats import USAGE
from .pod_status import FINAL, PodStatus

LOOK_SECONDS = 0.1
# How long a stream that ended may be ahead of the news that its container did.
NEWS_SECONDS = 2.0
SILENCE_SECONDS = 3600.0
# One log at a time would wait for every node in turn.
THREADS = 8
ANSWER_SECONDS = 10.0
SAVE_SECONDS = 60.0
# After a connection that broke; a server that restarts is back in 20 s.
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
# Says in the folder of an attempt whose logs lie there.
MARK = "pods.json"
_WRITTEN = re.compile(r"\.?(ps|worker)-[0-9]+(\.restarted)?\.log")


def claim(folder: Path, whose: Mapping[str, Any]) -> None:
    """Before a log is written: those that lie there are of an earlier wait for this very attempt, or the folder is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    mark, owner = folder / MARK, {"version": 1, **whose}
    logs = sorted(
        (entry for entry in os.scandir(folder) if _WRITTEN.fullmatch(entry.name)), key=lambda entry: entry.name
    )
    if not os.path.lexists(mark) and not logs:
        files.create(mark, json.dumps(owner).encode())
    elif _told(mark) != owner:
        strange = mark.name if os.path.lexists(mark) else logs[0].name
        raise BackendError(
            f"{folder} (run_dir) holds {strange}, which is not of this run: move it elsewhere, or name a new directory"
        )
    for entry in logs:
        if not entry.is_file(follow_symlinks=False):
            raise BackendError(f"{folder} (run_dir) holds {entry.name}, which is no plain file: move it elsewhere")


def _told(mark: Path) -> Any:
    """None where it is not ours."""
    try:
        return json.loads(mark.read_bytes()) if stat.S_ISREG(mark.lstat().st_mode) else None
    except (FileNotFoundError, ValueError, RecursionError):
        return None


class PodLogs:
    """The logs of one namespace's pods."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    def append(self, status: PodStatus, file: Path, *, follow: bool, previous: bool, read_seconds: float) -> None:
        """Whatever the log has beyond the file's size, until it ends or the connection breaks."""
        query: dict[str, Any] = {"container": status.container}
        query |= {"follow": "true"} if follow else {}
        query |= {"previous": "true"} if previous else {}
        path = f"/api/v1/namespaces/{self._namespace}/pods/{status.name}/log"
        with file.open("ab", buffering=0) as out:
            skip = out.tell()
            with self._api.open(path, read_seconds=read_seconds, **query) as response:
                for block in _beyond(blocks_of(response, self._api.host), skip):
                    _write(out, block)


def _write(out: FileIO, block: bytes) -> None:
    """A disk that gets full takes a part of it without a word."""
    left = memoryview(block)
    while left:
        left = left[out.write(left) :]


def _beyond(blocks: Iterator[bytes], skip: int) -> Iterator[bytes]:
    for block in blocks:
        rest = block[skip:]
        skip -= len(block) - len(rest)
        if rest:
            yield rest


class ProgramOutput:
    """Tells whether a program has said something since the last look; the lines of its pod's sampler are none of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_to = 0
        # How the line begins that has not ended.
        self._rest = b""

    def has_grown(self) -> bool:
        try:
            with self._file.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self._read_to:
                    self._read_to, self._rest = 0, b""
                file.seek(self._read_to)
                news = file.read()
        except OSError:
            return False
        self._read_to += len(news)
        *lines, rest = (self._rest + news).split(b"\n")
        self._rest = rest[: len(USAGE)]
        return bool(news) and any(not USAGE.startswith(line[: len(USAGE)]) for line in (*lines, rest))


class ChiefLog:
    """Follows one log into its file, in a thread of its own, and goes on where a broken connection left it."""

    def __init__(
        self,
        logs: PodLogs,
        file: Path,
        look: Callable[[], PodStatus | None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._logs = logs
        self._file = file
        self._look = look
        self._clock = clock
        self._sleep = sleep
        self._stopped = threading.Event()
        self._is_unbroken = True
        self._has_reached_end = False

    @property
    def is_complete(self) -> bool:
        """Whether every line of the first container is in the file."""
        return self._has_reached_end and self._is_unbroken and self._is_final(self._look())

    def run(self) -> None:
        # A wait that is made again begins again. The log is ours: the folder was claimed.
        with contextlib.suppress(OSError):
            self._file.write_bytes(b"")
        while not self._stopped.is_set():
            status = self._look()
            if status is None or not status.has_started:
                self._sleep(LOOK_SECONDS)
                continue
            try:
                self._follow(status)
                self._has_reached_end = True
            except (ApiError, OSError):
                self._is_unbroken = False
            # A stream that ends is ahead of the news that its container did, or its server went away.
            if self._has_ended(NEWS_SECONDS):
                return
            self._is_unbroken = False

    def stop(self) -> None:
        self._stopped.set()

    def _follow(self, status: PodStatus) -> None:
        ended = status.replica.state in FINAL
        self._logs.append(
            status,
            self._file,
            follow=not ended,
            previous=status.restart_count > 0,
            read_seconds=ANSWER_SECONDS if ended else SILENCE_SECONDS,
        )

    def _has_ended(self, patience: float) -> bool:
        end = self._clock() + patience
        while not self._stopped.is_set():
            if self._is_final(self._look()):
                return True
            if self._clock() >= end:
                return False
            self._sleep(LOOK_SECONDS)
        return False

    @staticmethod
    def _is_final(status: PodStatus | None) -> bool:
        return status is not None and status.replica.state in FINAL


def save(
    logs: PodLogs,
    statuses: Sequence[PodStatus],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Every log into its file, whole; a note names the logs that could not be read.

    A full disk is none of the run's faults, and without its logs it would be judged as one that has failed.
    """
    end = clock() + SAVE_SECONDS
    started = [status for status in statuses if status.has_started]
    failed: dict[str, str] = {}
    no_room: list[OSError] = []

    def one(status: PodStatus) -> None:
        name = f"{status.replica.replica} {status.replica.index}"
        failed[name] = f"there was no time left after {SAVE_SECONDS:g} s"
        for pause in PAUSES:
            if clock() >= end:
                return
            try:
                _save(logs, status)
            except (ApiError, OSError) as error:
                failed[name] = str(error)
                if isinstance(error, OSError) and error.errno in NO_ROOM:
                    no_room.append(error)
                if not isinstance(error, ApiError) or not error.is_transient:
                    return
                sleep(pause)
            else:
                del failed[name]
                return

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        list(pool.map(one, started))
    if no_room:
        raise no_room[0]
    return _notes(failed)


def _save(logs: PodLogs, status: PodStatus) -> None:
    file = Path(status.replica.log)
    if status.restart_count and _fetch_previous(logs, status, file):
        if status.replica.restarts:
            with contextlib.suppress(ApiError):
                _fetch(logs, status, file.with_suffix(".restarted.log"), previous=False)
        return
    _fetch(logs, status, file, previous=False)
    if status.restarts_always and status.replica.state in FINAL:
        # It may have been started again while we asked, and what we got was the new container's.
        _fetch_previous(logs, status, file)


def _fetch_previous(logs: PodLogs, status: PodStatus, file: Path) -> bool:
    """Whether there is one: the server answers 400 as long as there is none."""
    try:
        _fetch(logs, status, file, previous=True)
    except ApiError as error:
        if error.status != 400:
            raise
        return False
    return True


def _fetch(logs: PodLogs, status: PodStatus, file: Path, *, previous: bool) -> None:
    draft = file.with_name(f".{file.name}")
    draft.unlink(missing_ok=True)
    try:
        logs.append(status, draft, follow=False, previous=previous, read_seconds=ANSWER_SECONDS)
        # A log that its node has rotated is shorter than what was followed.
        if not file.exists() or draft.stat().st_size >= file.stat().st_size:
            os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _notes(failed: Mapping[str, str]) -> list[str]:
    if not failed:
        return []
    name, why = next(iter(failed.items()))
    whose = f"the log of {name}" if len(failed) == 1 else f"{counted(len(failed), 'log')}, the first that of {name},"
    return [f"{whose} could not be saved: {why}"]
