# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replica does when it is told to stop, or when it must begin anew.

As process 1 of a container it would not even hear SIGTERM, and a handler of Python's waits until a call of TensorFlow returns. So
the signal only writes into a pipe, and a thread of its own reads there.
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
# Where a process tells the one that it becomes how often it has lost a ps since its last step.
LOSSES = "TFSCALE_PS_LOSSES"


def at_once() -> None:
    """Until there is something to save, and a `Watch` to do so; process 1 of a container has no other way to be told."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(TERMINATED))


def losses(steps: int) -> int:
    """Count the present loss, too; `steps` are those that this process has made."""
    return 1 if steps else int(os.environ.get(LOSSES, "0")) + 1


def begin_anew(losses: int) -> NoReturn:
    """Become a new process of the same command under the same number, so that no container restarts."""
    os.environ[LOSSES] = str(losses)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class Watch(threading.Thread):
    """Calls `act` every so many seconds, and `last` once when the process is to end, which it then does.

    To be made by the main thread.
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
    """Until somebody ends the process."""
    threading.Event().wait()
