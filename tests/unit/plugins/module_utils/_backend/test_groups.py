# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending runs: by their launcher when it lives, by signals when it does not."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backend import groups, launcher
from ansible_collections.tfscale.study.plugins.module_utils._backend.groups import Group, groups_under, kill_marked
from ansible_collections.tfscale.study.plugins.module_utils._common.process import start_time

from tests.fixtures import states

GONE = 4_194_300


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process like a replica's: the leader of a group of its own, with the mark of its run."""
    process = subprocess.Popen(
        ["sleep", "300"], start_new_session=True, env={"TFSCALE_RUN_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    )
    yield process
    process.kill()
    process.wait()


def state_with(run_dir: Path, process: subprocess.Popen[bytes], **changes: Any) -> dict[str, Any]:
    state = states.running(run_dir, ps=0, workers=2)
    state["replicas"][0] |= {"pid": process.pid, "pid_start": start_time(process.pid)}
    return {**state, **changes}


def test_living_names_replicas_whose_process_is_theirs(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    states.write(tmp_path, state_with(tmp_path, sleeper))
    assert [one["index"] for one in Group(tmp_path).living()] == [0]


def test_living_knows_a_pid_that_is_somebody_elses(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    state = state_with(tmp_path, sleeper)
    state["replicas"][0]["pid_start"] += 1
    states.write(tmp_path, state)
    assert Group(tmp_path).living() == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}'])
def test_living_is_empty_without_a_state_of_ours(tmp_path: Path, content: str) -> None:
    states.write(tmp_path, content)
    assert Group(tmp_path).living() == []


def test_remove_asks_the_service(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    states.write(tmp_path, state_with(tmp_path, sleeper, service="/run/one.sock"))
    asked = []

    def ask(path: Path, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        asked.append((str(path), request))
        sleeper.terminate()
        sleeper.wait()
        return {"ok": True}

    monkeypatch.setattr(launcher, "ask", ask)
    assert Group(tmp_path).remove() is True
    assert asked == [("/run/one.sock", {"op": "remove", "run_dir": str(tmp_path)})]


def test_remove_ends_a_launcher_in_the_foreground(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher named by the state is this very test, so its signal is caught here."""
    states.write(tmp_path, state_with(tmp_path, sleeper))
    monkeypatch.setattr(groups, "kill_marked", lambda _run_dir: [])
    sent, really_kill = [], os.kill

    def kill(pid: int, number: int) -> None:
        sent.append((pid, number))
        really_kill(sleeper.pid, signal.SIGKILL)
        sleeper.wait()

    monkeypatch.setattr("os.kill", kill)
    assert Group(tmp_path).remove() is True
    assert sent == [(os.getpid(), signal.SIGTERM)]


def test_remove_kills_what_a_dead_launcher_left(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    states.write(tmp_path, state_with(tmp_path, sleeper, launcher_pid=GONE))
    assert Group(tmp_path).remove() is True
    assert sleeper.wait() == -signal.SIGKILL
    assert Group(tmp_path).remove() is False


def test_remove_gives_up_on_a_process_that_cannot_be_killed(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    states.write(tmp_path, state_with(tmp_path, sleeper, launcher_pid=GONE))
    monkeypatch.setattr("os.killpg", lambda *_arguments: None)
    monkeypatch.setattr(groups, "kill_marked", lambda _run_dir: [])
    now = [0.0]
    group = Group(tmp_path, clock=lambda: now[0], sleep=lambda _seconds: now.__setitem__(0, now[0] + 1))
    assert group.remove() is True
    assert now[0] == pytest.approx(groups.REMOVE_SECONDS, abs=1)


def test_kill_marked_takes_only_the_run_it_is_given(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    assert kill_marked(tmp_path / "other") == []
    assert kill_marked(tmp_path.parent) == []
    assert kill_marked(tmp_path) == [sleeper.pid]
    assert sleeper.wait() == -signal.SIGKILL


def test_groups_under_finds_every_run_below(tmp_path: Path) -> None:
    for name in ("study/logs/a-1/attempt-1", "study/logs/b-1/attempt-1", "study/logs/b-1/attempt-2"):
        states.write(tmp_path / name, states.running(tmp_path / name))
    assert len(list(groups_under(tmp_path))) == 3
    assert [group.run_dir.name for group in groups_under(tmp_path / "study/logs/a-1/attempt-1")] == ["attempt-1"]
    assert list(groups_under(tmp_path / "nothing")) == []
