# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes are ours: real ones of every kind, and the launcher's own judgement of the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common import process
from ansible_collections.tfscale.study.plugins.module_utils._common.process import (
    LAUNCHER_MARK,
    RUN_MARK,
    carries,
    identity,
    is_ours,
    kill_carriers,
    process_space,
    start_time,
)

from tests.fixtures.processes import GONE, needs_root, sleepers
from trainer import procfs

Spawn = Callable[..., int]
KINDS = ["another user's", "in a container", "a zombie", "gone", "ourselves", "init", "nobody", "a group's number"]


@pytest.fixture
def sleeper() -> Iterator[Spawn]:
    with sleepers() as start:
        yield start


@pytest.fixture
def pid_of(sleeper: Spawn) -> Iterator[Callable[[str, str], int]]:
    """A process of a kind that is never ours, marked as if it were."""
    dead = subprocess.Popen(["true"])
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)

    def find(kind: str, mark: str) -> int:
        if kind == "another user's":
            return sleeper({RUN_MARK: mark}, user=65534)
        if kind == "in a container":
            return sleeper({RUN_MARK: mark}, container=True)
        numbers = {"a zombie": dead.pid, "gone": GONE, "ourselves": os.getpid(), "init": 1, "nobody": 0}
        return numbers.get(kind, -os.getpgrp())

    yield find
    dead.wait()


def test_start_time_tells_this_process_from_its_successor() -> None:
    mine = start_time(os.getpid())
    assert mine is not None
    assert mine == start_time(os.getpid())
    assert mine == int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert identity(os.getpid()) == f"{os.getpid()}:{mine}"


def test_start_time_of_a_process_that_ended_is_none() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    # A zombie does nothing any more.
    assert start_time(child.pid) is None
    child.wait()
    assert start_time(child.pid) is None


def test_process_space_is_this_boot_and_this_container() -> None:
    assert process_space() == process_space()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9]+", process_space())


def test_carries_knows_a_process_by_either_mark(sleeper: Spawn, tmp_path: Path) -> None:
    pid = sleeper({RUN_MARK: str(tmp_path), LAUNCHER_MARK: "7:1"})
    assert carries(pid, {RUN_MARK: str(tmp_path), LAUNCHER_MARK: "8:1"})
    assert carries(pid, {RUN_MARK: "/else", LAUNCHER_MARK: "7:1"})


@pytest.mark.parametrize("run", ["/else", "", "{folder}/", "{folder}-2"])
def test_carries_takes_no_other_mark_for_its_own(sleeper: Spawn, tmp_path: Path, run: str) -> None:
    pid = sleeper({RUN_MARK: str(tmp_path)})
    assert is_ours(pid)
    assert not carries(pid, {RUN_MARK: run.format(folder=tmp_path)})
    assert not carries(pid, {})


@needs_root
@pytest.mark.parametrize("kind", KINDS)
def test_carries_is_never_true_of_what_is_not_ours(pid_of: Any, tmp_path: Path, kind: str) -> None:
    assert not carries(pid_of(kind, str(tmp_path)), {RUN_MARK: str(tmp_path)})


def test_kill_carriers_takes_only_what_it_is_asked_for(sleeper: Spawn, tmp_path: Path) -> None:
    ours, other, unmarked = sleeper({RUN_MARK: str(tmp_path)}), sleeper({RUN_MARK: "/else"}), sleeper({})
    assert kill_carriers({RUN_MARK: str(tmp_path / "other")}) == []
    assert kill_carriers({RUN_MARK: str(tmp_path.parent)}) == []
    assert kill_carriers({RUN_MARK: str(tmp_path)}) == [ours]
    # A signal is sent at once, but the process ends when it next gets a processor.
    os.waitid(os.P_PID, ours, os.WEXITED | os.WNOWAIT)
    assert (start_time(ours), start_time(other) is None, start_time(unmarked) is None) == (None, False, False)


@needs_root
def test_kill_carriers_crosses_no_border(pid_of: Any, tmp_path: Path) -> None:
    """On 3450913 `kill_marked` killed all three."""
    twins = [pid_of(kind, str(tmp_path)) for kind in ("another user's", "in a container")]
    assert kill_carriers({RUN_MARK: str(tmp_path)}) == []
    assert None not in map(start_time, twins)


def test_kill_carriers_spares_a_number_that_was_given_to_somebody_else(
    sleeper: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = sleeper({RUN_MARK: str(tmp_path)})
    looks: dict[int, int] = {}

    def next_start(asked: int) -> int:
        looks[asked] = looks.get(asked, 0) + 1
        return looks[asked]

    monkeypatch.setattr(process, "start_time", next_start)
    kill_carriers({RUN_MARK: str(tmp_path)})
    assert start_time(pid) is not None


@needs_root
@pytest.mark.parametrize("kind", [*KINDS, "ours"])
def test_the_launcher_decides_the_same(pid_of: Any, sleeper: Spawn, tmp_path: Path, kind: str) -> None:
    pid = sleeper({RUN_MARK: str(tmp_path)}) if kind == "ours" else pid_of(kind, str(tmp_path))
    assert is_ours(pid) is procfs.is_ours(pid)
    assert carries(pid, {RUN_MARK: str(tmp_path)}) is (kind == "ours")
    assert process.environment(pid) == procfs.environment(pid)
    assert (start_time(pid), identity(pid)) == (procfs.start_time(pid), procfs.identity(pid))
    assert (RUN_MARK, LAUNCHER_MARK) == (procfs.RUN_MARK, procfs.LAUNCHER_MARK)


def test_the_launcher_spares_the_same(sleeper: Spawn, tmp_path: Path) -> None:
    ours, other = sleeper({RUN_MARK: str(tmp_path)}), sleeper({RUN_MARK: "/else"})
    assert procfs.kill_where(lambda environment: environment.get(RUN_MARK) == str(tmp_path)) == [ours]
    assert start_time(other) is not None
    os.kill(other, signal.SIGKILL)
