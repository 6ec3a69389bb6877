# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One press of Ctrl-C ends a playbook at its worst moments; tests/benchmarks/interrupts.py presses at random as well."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.playbook import Playbook
from tests.fixtures.terminal import Terminal, forked_at

FILES = "tests/integration/files"
ADVICE = "the same command goes on with the rest"
CLUSTERS = ",".join(f"cluster{number}" for number in range(8)) + ","
OVER_SECONDS = 5.0


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Any]:
    opened = []

    def start(name: str, *, inventory: str = CLUSTERS, env: dict[str, str] | None = None, **variables: Any) -> Terminal:
        variables |= {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "folder": str(tmp_path),
        }
        playbook = Playbook(tmp_path, variables, inventory, env or {})
        opened.append(Terminal.of(playbook, f"../{FILES}/{name}"))
        return opened[0]

    yield start
    opened[0].close()


def assert_over(terminal: Terminal, since: float, code: int = 99) -> None:
    assert not terminal.read(OVER_SECONDS - (time.monotonic() - since)), terminal.text
    assert terminal.code == code, terminal.text
    assert "Traceback" not in terminal.text
    assert "Exception ignored" not in terminal.text
    assert terminal.text.count(ADVICE) == 1, terminal.text
    assert terminal.left_after(since + OVER_SECONDS - time.monotonic()) == {}


HOOKS = ("before", "after_in_parent", "after_in_child")


@pytest.mark.parametrize(
    ("hook", "callback"),
    [
        *((hook, "tfscale.study.story") for hook in HOOKS),
        ("before", "ansible.builtin.default"),
        *(pytest.param(hook, "ansible.builtin.default", marks=pytest.mark.full) for hook in HOOKS[1:]),
    ],
)
def test_a_press_in_a_hook_of_fork_is_heard(terminal: Any, tmp_path: Path, hook: str, callback: str) -> None:
    moment = tmp_path / "moment"
    one = terminal("interrupts", env={"ANSIBLE_STDOUT_CALLBACK": callback, **forked_at(hook, 12, moment)})
    assert one.read_until(moment.exists, 60), one.text
    since = time.monotonic()
    one.press()
    assert_over(one, since)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGTERM)])
def test_a_signal_in_a_hook_of_fork_leaves_no_worker(terminal: Any, tmp_path: Path, number: int, code: int) -> None:
    """To the one process, so that nobody else ends the worker that is just being born."""
    moment = tmp_path / "moment"
    one = terminal("interrupts", env=forked_at("after_in_parent", 12, moment))
    assert one.read_until(moment.exists, 60), one.text
    since = time.monotonic()
    os.kill(one.pid, number)
    assert_over(one, since, code)


def test_a_worker_that_dies_with_the_lock_of_the_results_does_not_stop_its_controller(
    terminal: Any, tmp_path: Path
) -> None:
    one = terminal("interrupts", hold=True)
    assert one.read_until((tmp_path / "moment").exists, 60), one.text
    since = time.monotonic()
    one.press()
    assert_over(one, since)


def test_a_sweep_whose_output_nobody_reads_ends(playbook: Playbook, living: Any) -> None:
    """As in `make sweep | head`: Ansible's own thread of the results would end in silence, and its main loop wait for ever."""
    given = {"sweep_series": [{"ps": [1], "workers": [1]}], "sweep_repeats": 1}
    controller = playbook.start("sweep", **given)
    try:
        assert controller.stdout
        assert "study tiny" in controller.stdout.readline()
        controller.stdout.close()
        assert controller.wait(60) == -signal.SIGTERM
    finally:
        controller.kill()
    end = time.monotonic() + 30
    while living(playbook.results) and time.monotonic() < end:
        time.sleep(0.05)
    assert living(playbook.results) == []
    done = playbook.run("sweep", **given)
    assert done.returncode == 0, done.stdout + done.stderr
