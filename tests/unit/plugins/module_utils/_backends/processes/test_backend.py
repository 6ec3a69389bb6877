# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what a launcher says about its run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.processes.backend import ProcessBackend
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError

from tests.fixtures import states


def backend(run_dir: Path, state: Any, **arguments: Any) -> ProcessBackend:
    states.write(run_dir, state)
    return ProcessBackend(str(run_dir), **arguments)


def test_observe_of_a_run_in_progress(tmp_path: Path) -> None:
    seen = backend(tmp_path, states.running(tmp_path)).observe()
    assert [(one.replica, one.index, one.state) for one in seen.replicas] == [
        ("ps", 0, "running"),
        ("worker", 0, "running"),
        ("worker", 1, "running"),
    ]
    assert (seen.lost, seen.started_wall, seen.ended_wall) == ("", states.STARTED, None)
    assert (seen.first_failure, seen.evidence["restarts"]) == (None, 0)
    assert seen.replicas[2].log == str(tmp_path / "worker-1.log")


def test_observe_names_the_first_failure(tmp_path: Path) -> None:
    failure = backend(tmp_path, states.failing(tmp_path, "worker", 1, signal=9)).observe().first_failure
    assert failure is not None
    assert (failure.ending, failure.log) == ("worker 1 was killed by signal 9", str(tmp_path / "worker-1.log"))


def test_observe_tells_why_a_run_was_given_up(tmp_path: Path) -> None:
    facts = {"fate": "was given up", "reason": "the disk of /run (run_dir) is full"}
    failure = backend(tmp_path, states.failing(tmp_path, "worker", 0, **facts)).observe().first_failure
    assert failure is not None
    assert (failure.ending, failure.reason) == ("worker 0 was given up", "the disk of /run (run_dir) is full")


def test_observe_sees_every_new_state(tmp_path: Path) -> None:
    looked = backend(tmp_path, states.running(tmp_path))
    assert looked.observe().ended_wall is None
    states.write(tmp_path, states.succeeded(tmp_path))
    assert looked.observe().ended_wall == states.STARTED + 5.0


def test_observe_reads_the_file_once_as_long_as_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = backend(tmp_path, states.running(tmp_path))
    looked.observe()
    monkeypatch.setattr(Path, "read_bytes", lambda _path: pytest.fail("was read again"))
    looked.observe()


def test_observe_tells_where_the_replicas_met(tmp_path: Path) -> None:
    """A launcher of before 0.4 says nothing of it and knows the machine's network alone."""
    assert backend(tmp_path, states.running(tmp_path)).observe().evidence["network"] == "loopback"
    old = {key: value for key, value in states.running(tmp_path).items() if key != "network"}
    assert backend(tmp_path, old).observe().evidence["network"] == "host"


def test_observe_tells_the_kernel_that_the_launcher_ran(tmp_path: Path) -> None:
    state = states.running(tmp_path)
    assert backend(tmp_path, state).observe().evidence["calibration"] == state["calibration"]
    del state["calibration"]
    assert backend(tmp_path, state).observe().evidence["calibration"] is None


@pytest.mark.parametrize(
    ("found", "lost"),
    [(1234, ""), (1235, "the launcher (process 77) was killed"), (None, "the launcher (process 77) was killed")],
    ids=["lives", "pid of somebody else", "gone"],
)
def test_observe_tells_whether_the_launcher_lives(tmp_path: Path, found: int | None, lost: str) -> None:
    state = {**states.running(tmp_path), "launcher_pid": 77, "launcher_start": 1234}
    asked: list[int] = []

    def start_time(pid: int) -> int | None:
        asked.append(pid)
        return found

    assert backend(tmp_path, state, started=start_time).observe().lost == lost
    assert set(asked) == {77}


def test_observe_takes_the_last_word_of_a_launcher_that_ended_meanwhile(tmp_path: Path) -> None:
    def start_time(_pid: int) -> None:
        states.write(tmp_path, states.succeeded(tmp_path))

    seen = backend(tmp_path, states.running(tmp_path), started=start_time).observe()
    assert (seen.lost, seen.ended_wall) == ("", states.STARTED + 5.0)


def test_observe_tells_what_others_took_of_the_machine(tmp_path: Path) -> None:
    shares = backend(tmp_path, states.succeeded(tmp_path)).observe().evidence["host"]
    assert shares == {
        "steal_share": 0.1,
        "foreign_share": 0.2,
        "cpus": os.cpu_count(),
    }


@pytest.mark.parametrize(
    ("marks", "steal", "foreign"),
    [
        pytest.param({"start": states.host(0.0), "end": None}, None, None, id="not over"),
        pytest.param({"start": {}, "end": states.host(0.0)}, None, None, id="never begun"),
        pytest.param({"start": states.host(0.0), "end": states.host(0.0)}, None, None, id="no time passed"),
        pytest.param(
            {"start": states.host(0.0), "end": states.host(1.0, busy=1001.0, steal=9.0, total=9010.0)},
            0.0,
            0.0,
            id="rounding and a clock of the host that ran back",
        ),
    ],
)
def test_observe_knows_no_share_or_a_sound_one(
    tmp_path: Path, marks: dict[str, Any], steal: float | None, foreign: float | None
) -> None:
    shares = backend(tmp_path, {**states.succeeded(tmp_path), "host": marks}).observe().evidence["host"]
    assert (shares["steal_share"], shares["foreign_share"]) == (steal, foreign)


def test_observe_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        BackendError, match=r"run_dir is '.*none', where no run was started: start one with process_group"
    ):
        ProcessBackend(str(tmp_path / "none")).observe()


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ("{", "cannot be read: Expecting"),
        ("\0\0", "cannot be read: Expecting"),
        ([], "cannot be read: it is not the state of a launcher of version 1"),
        ({"version": 2}, "cannot be read: it is not the state of a launcher of version 1"),
    ],
)
def test_observe_of_somebody_elses_file_names_it(tmp_path: Path, state: Any, problem: str) -> None:
    with pytest.raises(BackendError, match=f"state.json {problem}"):
        backend(tmp_path, state).observe()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"launcher_pid": "7"}, "launcher_pid is '7'"),
        ({"launcher_start": None}, "launcher_start is None"),
        ({"ended_wall": "now"}, "ended_wall is 'now'"),
        ({"started_wall": float("inf")}, "started_wall is inf"),
        ({"replicas": {}}, "replicas is {}"),
        ({"replicas": ["ps"]}, "replicas.0 is 'ps'"),
        ({"replicas": [{}]}, "replicas.0.replica is missing"),
        ({"first_failure": {"replica": "ps", "index": 9}}, "first_failure is {'replica': 'ps', 'index': 9}"),
        ({"host": {"start": {}}}, "host.end is missing"),
        ({"host": {"start": {"busy_seconds": 1}, "end": None}}, "host.start.steal_seconds is missing"),
        ({"host": {"start": 5, "end": None}}, "host.start is 5"),
        ({"run_dir": "/elsewhere"}, "it tells of the run in /elsewhere, which was moved or copied"),
    ],
)
def test_observe_of_a_malformed_state_names_what_is_wrong(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(BackendError, match=f"state.json cannot be read: {re.escape(problem)}"):
        backend(tmp_path, {**states.running(tmp_path), **change}).observe()


def test_observe_of_a_folder_in_the_place_of_the_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with pytest.raises(BackendError, match=r"state.json cannot be read: it is not a file"):
        ProcessBackend(str(tmp_path)).observe()


def test_log_of_is_where_the_launcher_writes_it(tmp_path: Path) -> None:
    looked = backend(tmp_path, states.running(tmp_path))
    assert {str(looked.log_of(one.replica, one.index)) for one in looked.observe().replicas} == {
        one.log for one in looked.observe().replicas
    }
