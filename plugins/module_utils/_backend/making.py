# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark beside a thing that takes a while to make, so that half of it is known as such later. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ansible_collections.tfscale.study.plugins.module_utils._backend.base import BackendError

PAUSE_SECONDS = 0.5
MARK = b"being made\n"


class Making:
    """Held by one maker at a time, and by the programs it calls: those may outlive a maker that is killed."""

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = Path(path)
        self.lock = -1
        self._clock = clock
        self._sleep = sleep

    @property
    def is_half(self) -> bool:
        """Whether a maker began and did not come to an end."""
        return self.path.exists() and self.path.read_bytes() == MARK

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
        os.pwrite(self.lock, MARK, 0)
        os.fsync(self.lock)

    def end(self) -> None:
        os.ftruncate(self.lock, 0)

    def _acquire(self, end: float) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            lock = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Who held it before us may have removed the file under our hands.
                if os.path.exists(self.path) and os.path.samestat(os.fstat(lock), os.stat(self.path)):
                    return lock
            except BlockingIOError:
                if self._clock() >= end:
                    os.close(lock)
                    raise BackendError(
                        f"{self.path} is held by another controller that makes the same cluster: wait for it, or stop it"
                    ) from None
                self._sleep(PAUSE_SECONDS)
            os.close(lock)
