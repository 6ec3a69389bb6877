# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times at which a log grew, for programs whose lines tell no time: one line of size and time for each look.

The kernel tells of each write (inotify), so nothing stands between the program and its log.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

# At most so many looks take place in a second; a line of a burst is that much late.
LOOK_SECONDS = 0.005
IN_NONBLOCK, IN_CLOEXEC, IN_MODIFY = os.O_NONBLOCK, os.O_CLOEXEC, 0x2

_libc = ctypes.CDLL(None, use_errno=True)


class Arrivals:
    """Watches one log, and writes to the open file `times`. Without inotify, of which a user has a limited number, no times are kept."""

    def __init__(self, log: Path, times: int, *, wall: Callable[[], float] = time.time) -> None:
        self._log, self._wall = log, wall
        self._size = 0
        self._file = open(times, "w", encoding="ascii", buffering=1)  # noqa: SIM115 - it lasts as long as the run
        self.descriptor = _libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self.descriptor >= 0:
            _libc.inotify_add_watch(self.descriptor, os.fsencode(log), IN_MODIFY)

    def look(self) -> None:
        with contextlib.suppress(OSError):
            os.read(self.descriptor, 4096)
            size = self._log.stat().st_size
            if size > self._size:
                self._size = size
                self._file.write(f"{size} {self._wall():.6f}\n")
            time.sleep(LOOK_SECONDS)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
            os.close(self.descriptor)
