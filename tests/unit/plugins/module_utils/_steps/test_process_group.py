# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and removing the replicas of a run, with a launcher that only remembers what it was asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError, StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import process_group
from ansible_collections.tfscale.study.plugins.module_utils._steps.process_group import execute
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

from tests.fixtures import states

Calls = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    """How launchers were made and what they were asked to start."""
    made: Calls = []

    class Remembering:
        def __init__(self, **identity: Any) -> None:
            self._identity = identity

        def start(self, request: dict[str, Any]) -> dict[str, Any]:
            made.append((self._identity, request))
            return states.running(tmp_path, ps=request["ps"], workers=request["workers"])

    monkeypatch.setattr(process_group, "Launcher", Remembering)
    return made


class Removable:
    """A run as `absent` sees it."""

    run_dir = Path("/nowhere")

    def __init__(self, living: list[dict[str, Any]], *, strays: bool = False) -> None:
        self._living = living
        self._strays = strays
        self.removed = False

    def living(self) -> list[dict[str, Any]]:
        return self._living

    def remove(self) -> bool:
        self.removed = True
        return bool(self._living) or self._strays


def run(*, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    validator = ArgumentSpecValidator(process_group.ARGUMENT_SPEC, required_if=process_group.REQUIRED_IF)
    checked = validator.validate(arguments)
    assert checked.error_messages == []
    return execute(checked.validated_parameters, Context(check_mode=check_mode))


def start(run_dir: Path, **arguments: Any) -> dict[str, Any]:
    given = {"ps": 1, "workers": 2, "python": "/usr/bin/python3", "source_dir": "/opt/study", "owner_pid": 42}
    return run(run_dir=str(run_dir), **{**given, **arguments})


def test_execute_present_starts_what_is_asked_for(tmp_path: Path, calls: Calls) -> None:
    result = start(
        tmp_path,
        trainer_args={"train_steps": 10},
        env={"A": 1, "B": True},
        environment={"RANK": "{index}"},
        chief=True,
        arrivals=True,
        threads=1,
        cpus=2,
        port_range="23000-23100",
        network="host",
    )
    assert calls == [
        (
            {"python": "/usr/bin/python3", "source_dir": "/opt/study", "owner_pid": 42},
            {
                "run_dir": str(tmp_path),
                "ps": 1,
                "workers": 2,
                "argv": ["--train_steps=10"],
                "command": False,
                "env": {"A": "1", "B": "true"},
                "environment": {"RANK": "{index}"},
                "chief": True,
                "arrivals": True,
                "threads": 1,
                "cpus": 2,
                "port_range": "23000-23100",
                "network": "host",
                "cwd": os.getcwd(),
            },
        )
    ]
    assert result["changed"] is True
    assert result["group"]["replicas"] == ["ps 0", "worker 0", "worker 1"]
    assert len(result["group"]["pids"]) == len(result["group"]["hosts"]) == 3
    assert result["diff"] == {
        "before": {},
        "after": {"run_dir": str(tmp_path), "running": ["ps 0", "worker 0", "worker 1"]},
    }
    assert result["msg"] == f"1 ps and 2 workers were started for {tmp_path}."
    assert "warnings" not in result


def test_execute_present_warns_of_open_ports_in_the_same_words_for_every_run(
    tmp_path: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"kind": "host", "refused": "Operation not permitted"}
    running = states.running
    monkeypatch.setattr(states, "running", lambda *given, **size: {**running(*given, **size), "network": refused})
    first, second = (start(tmp_path / name)["warnings"] for name in ("one", "two"))
    assert first == second
    assert "(Operation not permitted)" in first[0]
    assert "training_network" in first[0]


def test_execute_present_starts_a_program_of_ones_own_without_tensorflow(tmp_path: Path, calls: Calls) -> None:
    start(tmp_path, command=["sh", "-c", "true"], python=None)
    ((identity, request),) = calls
    assert identity["python"] == sys.executable
    assert (request["command"], request["argv"]) == (True, ["sh", "-c", "true"])


def test_execute_present_in_check_mode_starts_nothing(tmp_path: Path, calls: Calls) -> None:
    result = start(tmp_path, check_mode=True)
    assert calls == []
    assert result["changed"] is True
    assert result["group"] == {
        "run_dir": str(tmp_path),
        "replicas": ["ps 0", "worker 0", "worker 1"],
        "hosts": [],
        "pids": [],
    }


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_present_leaves_a_running_group_alone(
    tmp_path: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    living = states.running(tmp_path)["replicas"]
    monkeypatch.setattr(process_group, "Group", lambda _run_dir: Removable(living))
    result = start(tmp_path, check_mode=check_mode)
    assert (calls, result["changed"]) == ([], False)
    assert result["msg"].endswith("are running already.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"ps": -1}, "ps is -1: give a whole number from 0."),
        ({"workers": 0}, "workers is 0: give a whole number from 1."),
        ({"threads": -1}, "threads is -1: give a whole number from 0."),
        ({"cpus": -2}, "cpus is -2: give a whole number from 0."),
        ({"python": None}, "python is not given: give a Python with TensorFlow, or a program of your own as command."),
        ({"command": ["x"], "trainer_args": {"a": 1}}, "command and trainer_args are both given: give flags"),
    ],
)
def test_execute_present_refuses_bad_input(
    tmp_path: Path, calls: Calls, arguments: dict[str, Any], sentence: str
) -> None:
    for check_mode in (False, True):
        with pytest.raises(StepError) as caught:
            start(tmp_path, check_mode=check_mode, **arguments)
        assert str(caught.value).startswith(sentence)
    assert calls == []


@pytest.mark.parametrize("error", [BackendError("no port is free"), PermissionError(13, "Permission denied")])
def test_execute_present_tells_what_the_launcher_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Refusing:
        def __init__(self, **_identity: Any) -> None:
            raise error

    monkeypatch.setattr(process_group, "Launcher", Refusing)
    with pytest.raises(StepError, match=r"no port is free\.$|cannot be reached: .*Permission denied\.$"):
        start(tmp_path)


@pytest.mark.parametrize(
    ("living", "strays", "check_mode", "changed"),
    [
        (True, False, False, True),
        (True, False, True, True),
        (False, True, False, True),
        (False, False, False, False),
        (False, False, True, False),
    ],
)
def test_execute_absent_tells_whether_anything_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, living: bool, strays: bool, check_mode: bool, changed: bool
) -> None:
    groups = [Removable(states.running(tmp_path)["replicas"] if living else [], strays=strays), Removable([])]
    monkeypatch.setattr(process_group, "groups_under", lambda _folder: iter(groups))
    result = run(run_dir=str(tmp_path), state="absent", check_mode=check_mode)
    assert result["changed"] is changed
    assert [group.removed for group in groups] == [not check_mode] * 2
    assert result["diff"]["after"] == {}
    assert ("No replica runs" in result["msg"]) is not changed


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_absent_leaves_a_study_that_another_controller_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    theirs, free = Removable([]), Removable([])
    theirs.run_dir = tmp_path / "mnist" / "logs" / "r-1"
    monkeypatch.setattr(process_group, "groups_under", lambda _folder: iter([free, theirs]))
    StudyLock(tmp_path / "mnist", os.getppid()).acquire()
    given: dict[str, Any] = {"run_dir": str(tmp_path), "state": "absent", "check_mode": check_mode}
    with pytest.raises(StepError) as caught:
        run(**given)
    told = (
        f"run_dir {tmp_path} is left as it is, because others work with it: study {tmp_path}/mnist is held by process"
    )
    assert str(caught.value).startswith(f"{told} {os.getppid()} on host ")
    assert (theirs.removed, free.removed) == (False, False)
    run(**given, owner_pid=os.getppid())
    run(**given, end_held=True)
    assert theirs.removed is not check_mode


def test_execute_absent_needs_no_more_than_the_folder(tmp_path: Path) -> None:
    assert run(run_dir=str(tmp_path / "nothing"), state="absent")["changed"] is False
