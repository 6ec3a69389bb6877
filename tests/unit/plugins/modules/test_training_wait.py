# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.tfscale.study.plugins.module_utils._steps.training_wait import ARGUMENT_SPEC
from ansible_collections.tfscale.study.plugins.modules import training_wait

from tests.fixtures import states


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        training_wait.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def documented(result: dict[str, Any], described: dict[str, Any]) -> None:
    """Every key is described, with what is inside it."""
    assert set(described) == set(result)
    for key, value in result.items():
        inside = value[0] if isinstance(value, list) and value else value
        if "contains" in described[key] and inside is not None:
            documented(inside, described[key]["contains"])


def without_noise(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in ("changed", "invocation", "failed")}


def test_main_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states.write(tmp_path, states.succeeded(tmp_path))
    result = run(capsys, run_dir=str(tmp_path))
    assert (result["outcome"], result["changed"]) == ("succeeded", False)
    documented(without_noise(result), yaml.safe_load(training_wait.RETURN))


def test_main_of_a_failed_run_fails_with_the_complete_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    states.write(tmp_path, states.ended(states.failing(tmp_path, "worker", 1, signal=9)))
    result = run(capsys, run_dir=str(tmp_path))
    assert result["failed"] is True
    assert result["msg"].startswith("worker 1 was killed by signal 9")
    documented(without_noise(result), yaml.safe_load(training_wait.RETURN))


def test_main_at_the_deadline_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states.write(tmp_path, states.running(tmp_path))
    result = run(capsys, run_dir=str(tmp_path), deadline=0.000001)
    assert (result["failed"], result["outcome"]) == (True, "deadline")


def test_main_in_check_mode_waits_for_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, run_dir=str(tmp_path), _ansible_check_mode=True)
    assert result["changed"] is False
    assert "failed" not in result


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: run_dir"),
        ({"run_dir": "/no/such/folder"}, "run_dir is '/no/such/folder', where no run was started"),
        ({"run_dir": "/no/such/folder", "backend": "boats"}, "boats"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]


def test_documentation_has_the_options_of_the_step() -> None:
    options = yaml.safe_load(training_wait.DOCUMENTATION)["options"]
    described = {name: {key: option[key] for key in option if key != "description"} for name, option in options.items()}
    assert described == ARGUMENT_SPEC
