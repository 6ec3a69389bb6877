# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that renews a study's Lease as long as its controller lives. PRIVATE, can break at any time.

Nothing in a playbook could: between two tasks of ours an image is built for half an hour, nodes come and go, or all hosts wait for
the slowest one.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from .._common.errors import LedgerError
from .._common.process import start_time
from . import api as kubernetes_api
from .api import ApiError
from .open_ledger import RENEW_SECONDS, open_ledger

LOOK_SECONDS = 1.0
# Above every descriptor that a process has.
MOST_DESCRIPTORS = 1 << 20


def start(params: Mapping[str, Any]) -> int:
    """For the owner of these parameters' lock; the process ends by itself."""
    owner = params["owner_pid"]
    born = start_time(owner)
    if pid := os.fork():
        return pid
    try:
        _detach()
        beat(lambda: _renew(params), lambda: start_time(owner) == born)
    finally:
        # Whatever happens here, the work of the process that this was a copy of goes on there.
        os._exit(0)


def beat(
    renew: Callable[[], Any],
    lives: Callable[[], bool],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Until the owner is gone, has let go, or has lost the lock; the step that needs it next says so."""
    due = clock()
    while lives():
        if clock() >= due:
            due = clock() + RENEW_SECONDS
            try:
                if renew() is None:
                    return
            except LedgerError as error:
                # A server that is away or refuses may come to its senses while the Lease lasts.
                if not isinstance(error.__cause__, ApiError):
                    return
        sleep(LOOK_SECONDS)


def _renew(params: Mapping[str, Any]) -> Any:
    """Connected anew each time: credentials change, and no file with a key lies about meanwhile."""
    try:
        _book, lock = open_ledger(params)
        return lock and lock.renew()
    finally:
        kubernetes_api.forget()


def _detach() -> None:
    """From the terminal, the pipes and the keys of the process that this is a copy of."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    os.closerange(3, MOST_DESCRIPTORS)
    kubernetes_api.disown()
