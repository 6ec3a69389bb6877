# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import training_wait

from tests.fixtures import states
from tests.fixtures.modules import run


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_main_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str], outcome: str) -> None:
    failed = states.ended(states.failing(tmp_path, exit_code=7))
    states.write(tmp_path, states.succeeded(tmp_path) if outcome == "succeeded" else failed)
    result = run(training_wait.main, capsys, run_dir=str(tmp_path))
    assert (result["outcome"], result.get("failed", False)) == (outcome, outcome == "failed")
    documented = yaml.safe_load(training_wait.RETURN)
    assert set(documented) == set(result) - {"changed", "failed", "invocation"}
    assert set(documented["replicas"]["contains"]) == set(result["replicas"][0])
    assert set(documented["evidence"]["contains"]["host"]["contains"]) == set(result["evidence"]["host"])
    if outcome == "failed":
        assert set(documented["failed_replica"]["contains"]) == set(result["failed_replica"])


def test_main_in_check_mode_waits_for_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(training_wait.main, capsys, run_dir=str(tmp_path), _ansible_check_mode=True)
    assert (result["changed"], result["msg"]) == (False, f"The end of the run in {tmp_path} would be waited for.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: run_dir"),
        ({"run_dir": "/no/such/run"}, "run_dir is '/no/such/run', where no run was started"),
        ({"run_dir": "/r", "deadline": "soon"}, "argument 'deadline' is of type"),
        ({"run_dir": "/r", "deadline": -1}, "training_deadline is -1.0: give a number from 0"),
        ({"run_dir": "/r", "log_format": "("}, "training_log_format is '('"),
        ({"run_dir": "/r", "stall_seconds": -1}, "stall_seconds is -1.0: give a number from 0"),
        (
            {"run_dir": "/r", "backend": "job", "run_id": "x"},
            "backend is job but all of the following are missing: attempt",
        ),
        (
            {"run_dir": "/r", "backend": "magic"},
            "value of backend must be one of: processes, job, statefulset, jobset, trainjob, got: magic",
        ),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(training_wait.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
