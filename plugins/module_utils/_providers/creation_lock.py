# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark beside a thing that takes a while to make, so that half of it is known as such later. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .._common import files
from .._common.errors import BackendError

PAUSE_SECONDS = 0.5


class Making:
    """Held by one maker at a time, and by the programs it calls: those may outlive a maker that is killed.

    The file says of which thing it is a mark, so that a file of that name which is none of ours is known as such.
    """

    def __init__(
        self,
        path: str | Path,
        thing: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = Path(path)
        self.lock = -1
        # Of one length: one takes the place of the other at once.
        self._held, self._half = (f"tfscale.study, {thing}: {state}\n".encode() for state in ("held", "half"))
        self._clock = clock
        self._sleep = sleep

    @property
    def is_half(self) -> bool:
        """Whether a maker began and did not come to an end."""
        return self._read() == self._half

    def check(self) -> None:
        """Raise BackendError for what is none of our marks."""
        if os.path.lexists(self.path) and self._read() not in (self._held, self._half):
            raise BackendError(
                f"{self.path} is needed as a mark, but it is not ours for this cluster: give another cluster_kubeconfig,"
                " or delete it if it is yours"
            )

    @contextlib.contextmanager
    def hold(self, *, seconds: float) -> Iterator[None]:
        self.lock = self._acquire(self._clock() + seconds)
        try:
            yield
        finally:
            if not self.is_half:
                self.path.unlink(missing_ok=True)
            os.close(self.lock)
            self.lock = -1

    def begin(self) -> None:
        os.pwrite(self.lock, self._half, 0)
        os.fsync(self.lock)

    def end(self) -> None:
        os.pwrite(self.lock, self._held, 0)

    def _read(self) -> bytes:
        if not self._is_file():
            return b""
        with self.path.open("rb") as file:
            return file.read(len(self._held) + 1)

    def _is_file(self) -> bool:
        return self.path.is_file() and not self.path.is_symlink()

    def _acquire(self, end: float) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            self._make()
            is_late = self._clock() >= end
            # Another maker may not have written its mark yet.
            if self._read() or not self._is_file() or is_late:
                self.check()
            with contextlib.suppress(FileNotFoundError):
                lock = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW)
                if self._is_taken(lock, is_late=is_late):
                    return lock
                os.close(lock)
            self._sleep(PAUSE_SECONDS)

    def _make(self) -> None:
        with contextlib.suppress(FileExistsError):
            files.create(self.path, self._held)

    def _is_taken(self, lock: int, *, is_late: bool) -> bool:
        if not files.try_lock(lock):
            if is_late:
                os.close(lock)
                raise BackendError(
                    f"{self.path} is held by another controller that creates the same cluster: wait for it, or stop it"
                )
            return False
        # Who held it before us may have removed the file under our hands.
        is_this = os.path.exists(self.path) and os.path.samestat(os.fstat(lock), os.stat(self.path))
        return is_this and self._read() in (self._held, self._half)
