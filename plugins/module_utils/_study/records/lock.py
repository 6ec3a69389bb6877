# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps two controllers off one study. PRIVATE, can break at any time.

The lock is a file that names its owner. The owner is a process (ansible-playbook), not an open file, because every step of a
playbook is a process of its own; so the lock of an owner that is seen to be dead is taken over. One that cannot be seen, on another
host or in another container, keeps it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from ..._common import files
from ..._common.errors import LedgerError
from ..._common.format import readable
from ..._common.process import process_space, start_time

NAME = "ledger.lock"


class Lock(Protocol):
    """The lock of one study, as one owner sees it, wherever it is kept."""

    # The study as sentences name it.
    study: str

    def acquire(self, *, check_mode: bool = False) -> tuple[dict[str, Any], bool]:
        """The lock and whether it is new; raises LedgerError when somebody else holds it."""

    def release(self, *, check_mode: bool = False) -> tuple[dict[str, Any] | None, bool]:
        """The lock that was, and whether it was ours to remove. Somebody else's stays."""

    def check(self) -> dict[str, Any] | None:
        """Our own lock, None when nobody holds it; raises LedgerError when somebody else does."""

    def renew(self) -> dict[str, Any] | None:
        """As `check`, and say that the owner lives where nobody can see it."""


class StudyLock:
    """The lock of one study in a file of its folder.

    One owner may run it on several clusters at once: each is a `part`, and the lock goes with the last of them.
    """

    def __init__(
        self,
        study_dir: str | Path,
        owner_pid: int,
        *,
        part: str = "",
        host: str | None = None,
        space: str | None = None,
        now: Callable[[], float] = time.time,
        started: Callable[[int], int | None] = start_time,
    ) -> None:
        self.path = Path(study_dir, NAME)
        self.study = str(self.path.parent)
        self._pid = owner_pid
        self._part = part
        self._host = host or socket.gethostname()
        self._space = space or process_space()
        self._now = now
        self._started = started

    def acquire(self, *, check_mode: bool = False) -> tuple[dict[str, Any], bool]:
        if check_mode:
            held = self.check()
            return (self._mine(), True) if held is None else (held, self._part not in held["parts"])
        with self._alone():
            found = self._read()
            held = self._judged(found)
            if held is not None and self._part in held["parts"]:
                return held, False
            lock = self._mine() if held is None else {**held, "parts": sorted([*held["parts"], self._part])}
            (self._save if found else self._create)(lock)
            return lock, True

    def release(self, *, check_mode: bool = False) -> tuple[dict[str, Any] | None, bool]:
        if not self.path.exists():
            return None, False
        with self._alone():
            lock = self.holder()
            if lock is None or not self._is_mine(lock):
                return lock, False
            others = [part for part in lock["parts"] if part != self._part]
            if not check_mode and others:
                self._save({**lock, "parts": others})
            elif not check_mode:
                self.path.unlink(missing_ok=True)
            return lock, True

    def check(self) -> dict[str, Any] | None:
        return self._judged(self._read())

    def renew(self) -> dict[str, Any] | None:
        """A process of this host is seen without a word of it."""
        return self.check()

    def holder(self) -> dict[str, Any] | None:
        """Who holds the study; None when nobody does or the owner is dead."""
        lock = self._read()
        return None if lock is None or self._is_dead(lock) else lock

    def _judged(self, lock: dict[str, Any] | None) -> dict[str, Any] | None:
        if lock is None or self._is_dead(lock):
            return None
        if self._is_mine(lock):
            return lock
        held = (
            f"study {self.path.parent} is held by process {lock['pid']} on host {lock['host']}"
            f" since {moment(lock['since'])}; wait for it"
        )
        if self._is_here(lock):
            raise LedgerError(f"{held}, or stop it")
        where = (
            " in another container" if lock["host"] == self._host and _boot(lock["space"]) == _boot(self._space) else ""
        )
        raise LedgerError(f"{held}{where}, or delete {self.path} if that controller is gone")

    def _mine(self) -> dict[str, Any]:
        start = self._started(self._pid)
        since = round(self._now(), 6)
        owner = {"pid": self._pid, "start_time": start, "host": self._host, "space": self._space}
        return {**owner, "since": since, "parts": [self._part]}

    def _is_mine(self, lock: dict[str, Any]) -> bool:
        return bool(self._is_here(lock) and lock["pid"] == self._pid)

    def _is_here(self, lock: dict[str, Any]) -> bool:
        """Whether its owner is among the processes that are seen from here, dead or alive."""
        if lock["host"] != self._host:
            return False
        # Version 0.3 recorded no more than the host, of which there may be several containers: only a living owner is proof.
        return bool(lock["space"] == self._space if lock["space"] else self._lives(lock))

    def _is_dead(self, lock: dict[str, Any]) -> bool:
        if self._is_here(lock):
            return not self._lives(lock)
        # A disk of this machine: whoever wrote on it before this machine was started is gone.
        return bool(lock["space"]) and _boot(lock["space"]) != _boot(self._space) and files.is_local(self.path.parent)

    def _lives(self, lock: dict[str, Any]) -> bool:
        return bool(self._started(lock["pid"]) == lock["start_time"])

    def _read(self) -> dict[str, Any] | None:
        try:
            lock = json.loads(self.path.read_bytes())
            pid, since, parts = int(lock["pid"]), float(lock["since"]), list(map(str, lock.get("parts", [""])))
            return {
                "pid": pid,
                "start_time": lock["start_time"],
                "host": readable(lock["host"]),
                "space": readable(lock.get("space", "")),
                "since": since,
                "parts": parts,
            }
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
            raise LedgerError(f"{self.path} is not a lock of ours; delete it if no sweep runs") from error
        except OSError as error:
            raise LedgerError(f"{self.path} cannot be read: {error.strerror}; give its permissions") from error

    def _save(self, lock: dict[str, Any]) -> None:
        files.replace(self.path, json.dumps(lock).encode())

    def _create(self, lock: dict[str, Any]) -> None:
        """Where nobody held the study a moment ago."""
        try:
            files.create(self.path, json.dumps(lock).encode())
        except FileExistsError as error:
            self.check()
            raise LedgerError(f"study {self.path.parent} is being taken by another controller; try again") from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Locks the folder, so that nobody else takes the study between our look and our write.

        Machines that share a folder through NFS do not see this lock; `create` excludes them.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with files.locked(self.path.parent, os.O_RDONLY | os.O_DIRECTORY):
                yield
        except OSError as error:
            reason = files.why(error, self.path.parent)
            raise LedgerError(f"sweep_results_dir: {self.path.parent} cannot be written: {reason}") from error


def _boot(space: str) -> str:
    return space.partition("-")[0]


def moment(wall: float) -> str:
    """A lock may be older than a day, and its host in another time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall))
