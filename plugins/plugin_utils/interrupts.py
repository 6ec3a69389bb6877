# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Ctrl-C ends a playbook, whenever it comes, and so does an output that nobody reads. PRIVATE, can break at any time.

Ansible raises KeyboardInterrupt from its handler, wherever its main thread is. Python drops what is raised in a hook of os.fork(), and
what is raised a moment later leaves a worker behind that nobody knows. A worker that has not set its own handlers yet runs those
of its parent. A worker that dies while it holds the lock of the results' queue leaves its parent waiting for that lock. And the thread
that takes the results ends in silence when it cannot write (strategy/__init__.py, results_thread_main), as in `... | head`: the main
thread then waits for ever.
"""

from __future__ import annotations

import _thread
import contextlib
import multiprocessing
import multiprocessing.process
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.plugins.strategy import results_thread_main

INTERRUPTED = 99  # Ansible's own code for it
RETRY_SECONDS = 0.01
WORKER_SECONDS = 0.5
PATIENCE_SECONDS = 2.5
CAUSES: dict[int, str] = {
    signal.SIGINT: "Ctrl-C",
    signal.SIGPIPE: "a closed pipe, because nobody reads the output any more",
}
ADVICE = "every finished run is recorded, and the same command goes on with the rest"


class Interrupted(SystemExit):
    """Ends the playbook as KeyboardInterrupt would, without Ansible's own line about it."""


class Guard:
    def __init__(self, ansible: Callable[[int, FrameType | None], None]) -> None:
        self._ansible = ansible
        self._controller = os.getpid()
        self._heard = False
        self._dropped, sys.unraisablehook = sys.unraisablehook, self._on_dropped
        self._failed, threading.excepthook = threading.excepthook, self._on_failed
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.on_signal)
        # A terminal that is closed; not under nohup. Workers have left its session and would not hear of it.
        if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            signal.signal(signal.SIGHUP, self.on_signal)
        signal.signal(signal.SIGPIPE, self._on_pipe)

    def _on_pipe(self, number: int, frame: FrameType | None) -> None:
        """Also comes of a connection or of a worker's pipe, whose writers hear of it by themselves."""
        if os.getpid() == self._controller and _is_unread():
            self.on_signal(number, frame)

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._controller:
            _end_worker()
        self._expect_dead_workers()
        if _starts_worker(frame):
            self._again(number)
            return
        if not self._heard:
            self._heard = True
            _after(PATIENCE_SECONDS, self._end)
            _say(number)
        try:
            self._ansible(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM, frame)
        except ValueError:  # a worker is closed and not yet replaced
            self._again(number)
        except KeyboardInterrupt:
            raise Interrupted(INTERRUPTED) from None

    def _expect_dead_workers(self) -> None:
        """The press ends workers as well; Ansible's main loop, which may come by once more, takes one that is gone for an error."""
        controller = getattr(self._ansible, "__self__", None)
        if controller is not None:
            controller.has_dead_workers = lambda: False

    def _again(self, number: int) -> None:
        # Ansible's handler takes itself away when it is called.
        signal.signal(number, self.on_signal)
        _after(RETRY_SECONDS, lambda: os.kill(self._controller, number))

    def _on_dropped(self, dropped: Any) -> None:
        """Come again with what was raised in a destructor, or in another place that no exception leaves."""
        if isinstance(dropped.exc_value, Interrupted):
            self._again(signal.SIGINT)
        else:
            self._dropped(dropped)

    def _on_failed(self, raised: threading.ExceptHookArgs) -> None:
        """The thread of the results still reads when Ansible closes its queue, and may find None where a descriptor was."""
        ended = raised.thread is not None and results_thread_main.__name__ in raised.thread.name
        if not (self._heard and ended):
            self._failed(raised)

    def _end(self) -> NoReturn:
        """Whatever still holds the main thread does so for ever."""
        for worker in multiprocessing.active_children():
            worker.terminate()
        os._exit(INTERRUPTED)


def guard() -> None:
    """Called where any plugin of ours is loaded, so that it works under any callback; does nothing outside of a controller."""
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler) and isinstance(getattr(handler, "__self__", None), TaskQueueManager):
        Guard(handler)


def _starts_worker(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not multiprocessing.process.BaseProcess.start.__code__:
        frame = frame.f_back
    return frame is not None


def _is_unread() -> bool:
    """Whether the output or the errors go to a pipe that nobody reads any more."""
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, 0)
    return any(event & select.POLLERR for _descriptor, event in poll.poll(0))


def _end_worker() -> NoReturn:
    """Not at once: to a controller that has yet to hear of the signal, a worker that is gone is an error."""
    time.sleep(WORKER_SECONDS)
    os._exit(1)


def _after(seconds: float, call: Callable[[], object]) -> None:
    """A bare thread: a handler may not take the locks of `threading`, which the main thread may hold."""

    def wait() -> None:
        time.sleep(seconds)
        call()

    _thread.start_new_thread(wait, ())


def _say(number: int) -> None:
    """Past Python's buffers, which a handler may not enter twice; the terminal may be gone."""
    cause = CAUSES.get(number) or signal.Signals(number).name
    with contextlib.suppress(OSError):
        start = "\n" if os.isatty(2) else ""
        os.write(2, f"{start}Stopped by {cause}: {ADVICE}.\n".encode())
