# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps inside the controller: where they run, what they are given and what becomes of their result."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.plugin_utils import step_action
from ansible_collections.tfscale.study.plugins.plugin_utils.step_action import StepAction

SPEC = {
    "study_dir": {"type": "path", "required": True},
    "steps": {"type": "int", "default": 0},
    "workers": {"type": "int"},
    "quiet": {"type": "bool", "default": False},
    "owner_pid": {"type": "int"},
}
CONTROLLER = 4711


class Step:
    """Stands in for a module of `_steps` and keeps what it was called with."""

    ARGUMENT_SPEC: Any = SPEC
    REQUIRED_IF: Any = (("quiet", True, ("workers",)),)

    def __init__(self, execute: Callable[..., dict[str, Any]] | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self._execute = execute or (lambda _say: {"changed": True, "msg": "done"})

    def execute(self, params: dict[str, Any], context: Context) -> dict[str, Any]:
        self.calls.append({"params": params, "check_mode": context.check_mode})
        return self._execute(context.say)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(step_action, "Display", lambda: SimpleNamespace(display=lines.append))
    monkeypatch.setattr(os, "getppid", lambda: CONTROLLER)
    return lines


def action(
    step: Any, *, transport: str = "local", become: Any = None, check_mode: bool = False, **arguments: Any
) -> StepAction:
    class Action(StepAction):
        def _execute_module(self, **given: Any) -> dict[str, Any]:
            return {"by": "module", **given}

    Action.step = step
    task = SimpleNamespace(args=arguments, check_mode=check_mode, async_val=0, environment=None)
    connection = SimpleNamespace(transport=transport, become=become, _shell=SimpleNamespace(tmpdir=None))
    made = Action(task, connection, None, None, None, None)
    made._load_name = "tfscale.study.some_step"
    return made


def run(step: Any, **given: Any) -> dict[str, Any]:
    return action(step, **given).run(task_vars={"inventory_hostname": "local"})


def test_run_calls_the_step_with_complete_and_converted_parameters(said: list[str]) -> None:
    step = Step()
    assert run(step, study_dir="~", steps="20", quiet="no") == {"changed": True, "msg": "done"}
    assert step.calls == [
        {
            "params": {
                "study_dir": os.path.expanduser("~"),
                "steps": 20,
                "workers": None,
                "quiet": False,
                "owner_pid": CONTROLLER,
            },
            "check_mode": False,
        }
    ]


@pytest.mark.parametrize("trouble", [None, StepError("no"), ValueError("a defect")])
def test_run_leaves_no_key_on_the_disk(
    said: list[str], monkeypatch: pytest.MonkeyPatch, trouble: Exception | None
) -> None:
    forgotten: list[bool] = []
    monkeypatch.setattr(kubernetes_api, "forget", lambda: forgotten.append(True))

    def execute(_say: Callable[[str], None]) -> dict[str, Any]:
        if trouble:
            raise trouble
        return {}

    with contextlib.suppress(ValueError):
        run(Step(execute), study_dir="/s")
    assert forgotten == [True]


def test_run_hands_check_mode_on(said: list[str]) -> None:
    step = Step()
    run(step, study_dir="/s", check_mode=True)
    assert step.calls[0]["check_mode"] is True


def test_run_keeps_an_owner_that_was_given(said: list[str]) -> None:
    step = Step()
    run(step, study_dir="/s", owner_pid=12)
    assert step.calls[0]["params"]["owner_pid"] == 12


def test_run_gives_no_owner_to_a_step_that_has_none(said: list[str]) -> None:
    step = Step()
    step.ARGUMENT_SPEC, step.REQUIRED_IF = {"study_dir": {"type": "path"}}, ()
    run(step, study_dir="/s")
    assert step.calls[0]["params"] == {"study_dir": "/s"}


def test_run_takes_a_step_without_conditions(said: list[str]) -> None:
    step = SimpleNamespace(ARGUMENT_SPEC={}, execute=lambda _params, _context: {"changed": False})
    assert run(step) == {"changed": False}


def test_run_says_lines_at_once_and_with_the_host(said: list[str]) -> None:
    def execute(say: Callable[[str], None]) -> dict[str, Any]:
        say("run 1/2   step 10")
        assert said == ["[local] run 1/2   step 10"]
        say("run 1/2   valid")
        return {}

    run(Step(execute), study_dir="/s")
    assert said == ["[local] run 1/2   step 10", "[local] run 1/2   valid"]


def test_run_fails_with_the_sentence_and_the_result_of_the_step(said: list[str]) -> None:
    def execute(_say: Callable[[str], None]) -> dict[str, Any]:
        raise StepError("worker 1 was killed", outcome="failed", changed=False)

    assert run(Step(execute), study_dir="/s") == {
        "failed": True,
        "msg": "worker 1 was killed",
        "outcome": "failed",
        "changed": False,
    }


def test_run_lets_a_defect_of_ours_be_seen(said: list[str]) -> None:
    def execute(_say: Callable[[str], None]) -> dict[str, Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Step(execute), study_dir="/s")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: study_dir"),
        ({"study_dir": "/s", "steps": "soon"}, "'steps' is of type str and we were unable to convert to int"),
        ({"study_dir": "/s", "speed": 1}, "Unsupported parameters for (tfscale.study.some_step) module: speed"),
        ({"study_dir": "/s", "quiet": True}, "quiet is True but all of the following are missing: workers"),
    ],
)
def test_run_refuses_wrong_parameters_in_a_sentence(said: list[str], arguments: dict[str, Any], sentence: str) -> None:
    step = Step()
    result = run(step, **arguments)
    assert (result["failed"], step.calls) == (True, [])
    assert sentence in result["msg"]
    assert "class" not in result["msg"]


@pytest.mark.parametrize(
    "where", [{"transport": "ssh"}, {"transport": "local", "become": object()}], ids=["remote", "another user"]
)
def test_run_leaves_it_to_the_module_elsewhere(said: list[str], where: dict[str, Any]) -> None:
    step = Step()
    variables = {"inventory_hostname": "remote"}
    result = action(step, study_dir="/s", **where).run(task_vars=variables)
    assert result == {"by": "module", "task_vars": variables}
    assert step.calls == []


def test_controller_pid_is_still_the_controller_s_when_it_has_been_killed(tmp_path: Path) -> None:
    told = tmp_path / "told"

    def work() -> None:
        while os.getppid() == controller:
            time.sleep(0.01)
        told.with_suffix(".half").write_text(str(step_action.controller_pid()))
        told.with_suffix(".half").rename(told)

    if (forked := os.fork()) == 0:
        controller = os.getpid()
        multiprocessing.get_context("fork").Process(target=work).start()
        os._exit(0)
    os.waitpid(forked, 0)
    deadline = time.monotonic() + 60
    while not told.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert int(told.read_text()) == forked
