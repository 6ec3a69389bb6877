# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard alone; tests/integration/test_interrupts.py has it in ansible-playbook."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.plugin_utils import interrupts

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[float, Callable[[], object]]]]:
    """Keep the process' handlers, and collect what is to be done later."""
    called: list[tuple[float, Callable[[], object]]] = []
    monkeypatch.setattr(interrupts, "_after", lambda seconds, call: called.append((seconds, call)))
    kept = {number: signal.getsignal(number) for number in NUMBERS}
    hooks = sys.unraisablehook, threading.excepthook
    yield called
    sys.unraisablehook, threading.excepthook = hooks
    for number, handler in kept.items():
        signal.signal(number, handler)


def raising(error: type[BaseException]) -> Callable[[int, Any], None]:
    def ansible(number: int, _frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise error

    return ansible


def test_guard_leaves_a_process_alone_that_is_no_controller(later: Any) -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupts.guard()
    assert signal.getsignal(signal.SIGINT) is before


def test_press_ends_as_ansible_does_with_one_line(later: Any, capfd: pytest.CaptureFixture[str]) -> None:
    guard = interrupts.Guard(raising(KeyboardInterrupt))
    for _press in range(2):
        with pytest.raises(interrupts.Interrupted) as ended:
            guard.on_signal(signal.SIGINT, None)
        assert ended.value.code == 99
    assert [seconds for seconds, _call in later] == [interrupts.PATIENCE_SECONDS]
    assert capfd.readouterr().err.count("Stopped by Ctrl-C") == 1


@pytest.mark.parametrize(("unread", "heard"), [(True, [signal.SIGTERM]), (False, [])])
def test_only_a_pipe_of_the_output_ends_a_playbook(
    later: Any, monkeypatch: pytest.MonkeyPatch, unread: bool, heard: list[int]
) -> None:
    """A connection that the other side has closed is no reason: whoever writes to it sees the error."""
    told: list[int] = []
    interrupts.Guard(lambda number, _frame: told.append(number))
    monkeypatch.setattr(interrupts, "_is_unread", lambda: unread)
    here, there = socket.socketpair()
    there.close()
    with here, pytest.raises(BrokenPipeError):
        here.send(b"x")
    assert told == heard


def fail(name: str) -> None:
    """In a thread of this name, as multiprocessing does whose connection is closed under it."""

    def read() -> None:
        os.read(None, 1)  # type: ignore[arg-type]

    thread = threading.Thread(target=read, name=name)
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    ("is_heard", "name", "is_told"),
    [
        (True, "Thread-1 (results_thread_main)", False),
        (True, "Thread-2 (another)", True),
        (False, "Thread-1 (results_thread_main)", True),
    ],
)
def test_thread_of_the_results_ends_in_silence_after_a_press(
    later: Any, capfd: pytest.CaptureFixture[str], is_heard: bool, name: str, is_told: bool
) -> None:
    """Ansible closes its queue under it: `NoneType object cannot be interpreted as an integer`, once in some hundred presses."""
    told: list[Any] = []
    threading.excepthook = told.append
    guard = interrupts.Guard(raising(KeyboardInterrupt))
    if is_heard:
        with pytest.raises(interrupts.Interrupted):
            guard.on_signal(signal.SIGINT, None)
    fail(name)
    assert bool(told) == is_told


@pytest.mark.parametrize("starts_worker", [True, False])
def test_workers_that_end_are_no_error_after_a_press(
    later: Any, monkeypatch: pytest.MonkeyPatch, starts_worker: bool
) -> None:
    """Ansible ended with code 1 and `A worker was found in a dead state` where its loop came by before the press did again."""

    class Controller:
        def on_signal(self, _number: int, _frame: Any) -> None:
            raise ValueError

        def has_dead_workers(self) -> bool:
            return True

    controller = Controller()
    guard = interrupts.Guard(controller.on_signal)
    assert controller.has_dead_workers()
    monkeypatch.setattr(interrupts, "_starts_worker", lambda _frame: starts_worker)
    guard.on_signal(signal.SIGINT, None)
    assert not controller.has_dead_workers()


def test_press_comes_again_after_a_worker_was_closed(later: Any) -> None:
    guard = interrupts.Guard(raising(ValueError))
    guard.on_signal(signal.SIGINT, None)
    assert [seconds for seconds, _call in later] == [interrupts.PATIENCE_SECONDS, interrupts.RETRY_SECONDS]
    assert signal.getsignal(signal.SIGINT) == guard.on_signal


def test_press_comes_again_after_python_has_dropped_it(later: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    guard = interrupts.Guard(raising(KeyboardInterrupt))

    class Dying:
        def __del__(self) -> None:
            guard.on_signal(signal.SIGINT, None)

    Dying()
    assert signal.getsignal(signal.SIGINT) == guard.on_signal
    later[-1][1]()
    assert sent == [(os.getpid(), signal.SIGINT)]


def test_what_else_is_dropped_goes_where_it_went(later: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    interrupts.Guard(raising(KeyboardInterrupt))
    dropped = SimpleNamespace(exc_value=OSError())
    sys.unraisablehook(dropped)
    assert (seen, later) == ([dropped], [])


@pytest.mark.parametrize(("number", "given"), [(signal.SIGTERM, 15), (signal.SIGHUP, 15)])
def test_other_signals_reach_ansible_as_the_one_it_knows(later: Any, number: int, given: int) -> None:
    heard = []
    interrupts.Guard(lambda number, _frame: heard.append(number)).on_signal(number, None)
    assert heard == [given]


def test_a_closed_terminal_is_no_matter_under_nohup(later: Any) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.Guard(raising(KeyboardInterrupt))
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
