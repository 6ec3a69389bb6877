# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending runs: by their launcher when it lives, by signals when it does not, and never anybody else's process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.processes import launcher_client as launcher
from ansible_collections.tfscale.study.plugins.module_utils._backends.processes import reaper as groups
from ansible_collections.tfscale.study.plugins.module_utils._backends.processes.reaper import Group, groups_under
from ansible_collections.tfscale.study.plugins.module_utils._common.process import (
    LAUNCHER_MARK,
    RUN_MARK,
    identity,
    start_time,
)

from tests.fixtures import states
from tests.fixtures.processes import GONE, needs_root, sleepers

Spawn = Callable[..., int]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    with sleepers() as start:
        yield start


@pytest.fixture
def replica(spawn: Spawn, tmp_path: Path) -> int:
    """A process like a replica's: the leader of a group of its own, with the mark of its run."""
    return spawn({RUN_MARK: str(tmp_path)})


def state_with(run_dir: Path, pid: int, **changes: Any) -> dict[str, Any]:
    """A run of which this process is the first replica, and whose launcher is dead."""
    state = states.running(run_dir, ps=0, workers=2)
    state["replicas"][0] |= {"pid": pid, "pid_start": start_time(pid) or 1}
    return {**state, "launcher_pid": GONE, "launcher_start": 1, **changes}


def launched(pid: int) -> dict[str, Any]:
    return {"launcher_pid": pid, "launcher_start": start_time(pid)}


def hasty(run_dir: Path) -> Group:
    """Waits a tenth as long for a launcher that cannot answer."""
    return Group(run_dir, clock=lambda: 10.0 * time.monotonic())


def lives(pid: int) -> bool:
    return start_time(pid) is not None


def test_living_names_replicas_whose_process_is_theirs(tmp_path: Path, replica: int) -> None:
    states.write(tmp_path, state_with(tmp_path, replica))
    assert [one["index"] for one in Group(tmp_path).living()] == [0]


def test_living_knows_a_replica_that_was_only_forked_by_its_launcher(tmp_path: Path, spawn: Spawn) -> None:
    forked = spawn({LAUNCHER_MARK: f"{GONE}:1"})
    states.write(tmp_path, state_with(tmp_path, forked))
    assert [one["pid"] for one in Group(tmp_path).living()] == [forked]


def test_living_knows_a_run_by_any_path_to_it(tmp_path: Path, spawn: Spawn) -> None:
    (tmp_path / "link").symlink_to("run")
    states.write(tmp_path / "run", state_with(tmp_path / "run", spawn({RUN_MARK: str(tmp_path / "run")})))
    assert len(Group(tmp_path / "link").living()) == 1


def test_living_knows_a_pid_that_is_somebody_elses(tmp_path: Path, replica: int) -> None:
    state = state_with(tmp_path, replica)
    state["replicas"][0]["pid_start"] += 1
    states.write(tmp_path, state)
    assert Group(tmp_path).living() == []


@needs_root
@pytest.mark.parametrize("kind", ["unmarked", "another run's", "another user's", "in a container", "ourselves", "init"])
def test_remove_believes_no_state_about_a_foreign_process(tmp_path: Path, spawn: Spawn, kind: str) -> None:
    """On 3450913 the number and the start time of a process were enough to kill its whole group."""
    marks = {RUN_MARK: str(tmp_path), LAUNCHER_MARK: f"{GONE}:1"}
    makers: dict[str, Callable[[], int]] = {
        "unmarked": lambda: spawn({}),
        "another run's": lambda: spawn({RUN_MARK: f"{tmp_path}-2", LAUNCHER_MARK: f"{GONE}:2"}),
        "another user's": lambda: spawn(marks, user=65534),
        "in a container": lambda: spawn(marks, container=True),
        "ourselves": os.getpid,
        "init": lambda: 1,
    }
    twin = makers[kind]()
    states.write(tmp_path, state_with(tmp_path, twin))
    assert Group(tmp_path).living() == []
    assert Group(tmp_path).remove() is False
    assert lives(twin)


def test_remove_believes_no_state_of_another_folder(tmp_path: Path, spawn: Spawn) -> None:
    """A backup of a run's folder ended the run itself."""
    original, copy = tmp_path / "run", tmp_path / "backup"
    twin = spawn({RUN_MARK: str(original), LAUNCHER_MARK: f"{GONE}:1"})
    states.write(copy, state_with(original, twin))
    assert Group(copy).remove() is False
    assert lives(twin)


PIDS: list[Any] = [None, "1", -1, True, 1.5]
REPLICAS: list[Any] = [None, {}, "ps", [None], [[]], [{}], [7]]


@pytest.mark.parametrize(
    "change",
    [
        *({"launcher_pid": pid} for pid in PIDS),
        *({"replicas": replicas} for replicas in REPLICAS),
        {"first_failure": {"replica": "worker", "index": 7}},
        {"first_failure": "worker"},
        {"service": None},
        {"host": None},
        {"host": {"start": {"busy_seconds": "1"}}},
        {"ended_wall": "now"},
    ],
)
def test_a_malformed_state_names_no_process(tmp_path: Path, replica: int, change: dict[str, Any]) -> None:
    states.write(tmp_path, state_with(tmp_path, replica, **change))
    assert Group(tmp_path).living() == []


@pytest.mark.parametrize("field", ["pid", "pid_start", "ended_wall", "index"])
@pytest.mark.parametrize("wrong", [..., -1, True, {}, "self"])
def test_a_malformed_replica_names_no_process(tmp_path: Path, replica: int, field: str, wrong: Any) -> None:
    state = state_with(tmp_path, replica)
    if wrong is ...:
        del state["replicas"][0][field]
    else:
        state["replicas"][0][field] = wrong
    states.write(tmp_path, state)
    assert Group(tmp_path).living() == []


@pytest.mark.parametrize("pid", [0, -1, 1])
def test_remove_never_signals_a_group_or_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: int) -> None:
    """On 3450913 a replica with pid 0 and no start time was the caller's own group."""
    state = states.running(tmp_path, ps=0, workers=1)
    for start in (None, start_time(pid)):
        state["replicas"][0] |= {"pid": pid, "pid_start": start}
        states.write(tmp_path, {**state, "launcher_pid": pid, "launcher_start": start})
        for call in ("os.kill", "os.killpg"):
            monkeypatch.setattr(call, lambda *arguments: pytest.fail(f"signalled {arguments}"))
        assert Group(tmp_path).remove() is False


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', "[" * 100_000, "\0"])
def test_living_is_empty_without_a_state_of_ours(tmp_path: Path, content: str) -> None:
    states.write(tmp_path, content)
    assert Group(tmp_path).living() == []


def test_living_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "state.json")
    assert Group(tmp_path).living() == []


def test_remove_asks_the_service_of_a_launcher_that_says_so_itself(
    tmp_path: Path, spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = spawn({}, launcher=True)
    replica = spawn({LAUNCHER_MARK: identity(service)})
    states.write(tmp_path, state_with(tmp_path, replica, service="/run/one.sock", **launched(service)))
    asked = []

    def ask(path: Path, request: dict[str, Any], *, timeout: float, pid: int | None) -> dict[str, Any]:
        asked.append((str(path), request, pid))
        os.kill(replica, signal.SIGKILL)
        return {"ok": True}

    monkeypatch.setattr(launcher, "ask", ask)
    assert Group(tmp_path).remove() is True
    assert asked == [("/run/one.sock", {"op": "remove", "run_dir": str(tmp_path)}, service)]


def test_remove_ends_a_launcher_in_the_foreground(tmp_path: Path, spawn: Spawn) -> None:
    foreground = spawn({}, launcher=True)
    states.write(tmp_path, state_with(tmp_path, spawn({RUN_MARK: str(tmp_path)}), **launched(foreground)))
    assert hasty(tmp_path).remove() is True
    ended = os.waitid(os.P_PID, foreground, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert ended.si_status == signal.SIGTERM


@pytest.mark.parametrize("service", ["", "/run/one.sock"])
def test_remove_leaves_a_process_alone_that_is_no_launcher(
    tmp_path: Path, spawn: Spawn, replica: int, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """Its number and start time stand in the state, but it does not say that it is a launcher."""
    twin = spawn({})
    monkeypatch.setattr(launcher, "ask", lambda *_arguments, **_options: pytest.fail("was asked"))
    states.write(tmp_path, state_with(tmp_path, replica, service=service, **launched(twin)))
    assert hasty(tmp_path).remove() is True
    assert (lives(twin), lives(replica)) == (True, False)


def test_remove_kills_what_a_dead_launcher_left(tmp_path: Path, spawn: Spawn, replica: int) -> None:
    forked = spawn({LAUNCHER_MARK: f"{GONE}:1"})
    states.write(tmp_path, state_with(tmp_path, replica))
    assert hasty(tmp_path).remove() is True
    assert (lives(replica), lives(forked)) == (False, False)
    assert Group(tmp_path).remove() is False


@pytest.mark.parametrize("kind", ["a replica", "a stray", "a stray of a dead launcher"])
def test_remove_gives_up_on_a_process_that_cannot_be_killed(
    tmp_path: Path, spawn: Spawn, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Until then it waits: a process ends some time after it was killed."""
    pid = spawn({LAUNCHER_MARK: f"{GONE}:1"} if "launcher" in kind else {RUN_MARK: str(tmp_path)})
    replica = spawn({RUN_MARK: str(tmp_path)}) if "launcher" in kind else pid
    state = states.ended(states.running(tmp_path)) if kind == "a stray" else state_with(tmp_path, replica)
    states.write(tmp_path, state)

    def kill(marks: dict[str, str]) -> list[int]:
        if replica != pid and LAUNCHER_MARK in marks:
            os.kill(replica, signal.SIGKILL)
            return [pid]
        return [pid] if kind == "a stray" else []

    monkeypatch.setattr(groups, "kill_carriers", kill)
    now = [0.0]
    group = Group(tmp_path, clock=lambda: now[0], sleep=lambda _seconds: now.__setitem__(0, now[0] + 1))
    assert group.remove() is True
    assert now[0] == pytest.approx(groups.REMOVE_SECONDS, abs=1)


def test_remove_takes_what_a_program_left_after_the_end_of_its_run(tmp_path: Path, spawn: Spawn, replica: int) -> None:
    other = spawn({RUN_MARK: str(tmp_path / "other")})
    states.write(tmp_path, states.ended(states.running(tmp_path)))
    assert Group(tmp_path).remove() is True
    assert (lives(replica), lives(other)) == (False, True)


def test_groups_under_finds_every_run_below(tmp_path: Path) -> None:
    for name in ("study/logs/a-1/attempt-1", "study/logs/b-1/attempt-1", "study/logs/b-1/attempt-2"):
        states.write(tmp_path / name, states.running(tmp_path / name))
    assert len(list(groups_under(tmp_path))) == 3
    assert [group.run_dir.name for group in groups_under(tmp_path / "study/logs/a-1/attempt-1")] == ["attempt-1"]
    assert list(groups_under(tmp_path / "nothing")) == []
