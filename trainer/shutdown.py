# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shutdown and restart of a replica.

The kernel ignores SIGTERM for process 1 of a container unless a handler is installed, and Python runs its handlers only after a
call of TensorFlow returns. Therefore the signal writes into a pipe, and a separate thread reads it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

TERMINATED = 128 + signal.SIGTERM
# This variable passes the number of lost ps since the last step on to the restarted process.
LOSSES = "TFSCALE_PS_LOSSES"


def exit_on_sigterm() -> None:
    """Exit on SIGTERM without saving, until a `Watch` replaces this handler."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(TERMINATED))


def losses(steps: int) -> int:
    """Return the number of lost ps since the last step, this one included; `steps` is how many this process has made."""
    return 1 if steps else int(os.environ.get(LOSSES, "0")) + 1


def restart(losses: int) -> NoReturn:
    """Restart the same command under the same process number, so that the container does not restart."""
    os.environ[LOSSES] = str(losses)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class Watch(threading.Thread):
    """Calls `act` every `every` seconds. On SIGTERM it calls `last` and ends the process.

    Only the main thread can create it, because only that may install signal handlers.
    """

    def __init__(
        self, *, every: float = 3600.0, act: Callable[[], None] = lambda: None, last: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(name="shutdown", daemon=True)
        self._every = every
        self._act = act
        self._last = last
        self._heard, written = os.pipe()
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda _number, _frame: None)

    def run(self) -> None:
        while not select.select([self._heard], [], [], self._every)[0]:
            self._act()
        try:
            self._last()
        finally:
            sys.stdout.flush()
            os._exit(TERMINATED)


def sleep() -> None:
    """Sleep until a signal ends the process."""
    threading.Event().wait()
