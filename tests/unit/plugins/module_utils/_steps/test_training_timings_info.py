# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of logs to figures and a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_timings_info

from tests.fixtures.runs import write_log, write_logs


def read(folder: Path, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    said: list[str] = []
    given = {"log_dir": str(folder), "log_format": "tfscale", "train_steps": 2000, **params}
    result = training_timings_info.execute(given, Context(check_mode=check_mode, say=said.append))
    assert said == []
    return result


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_tells_the_figures(tmp_path: Path, check_mode: bool) -> None:
    result = read(write_logs(tmp_path), check_mode=check_mode)
    assert result["changed"] is False
    assert result["errors"] == []
    assert result["timings"]["train_seconds"] == 4.0
    assert result["timings"]["steps_per_second"] == 500.0
    assert result["timings"]["startup_seconds"] is None
    assert result["msg"] == f"the logs in {tmp_path} tell of 4 s of training"


def test_execute_rubbish_is_told_and_fails_nothing(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [b"\x00\xff:::TFSCALE {", b":::TFSCALE []"])
    result = read(tmp_path)
    assert result["timings"]["train_seconds"] is None
    assert result["msg"] == f"the logs in {tmp_path} tell no training time"
    assert result["errors"][:2] == [
        "worker-0.log line 1 is half a line or no JSON",
        "worker-0.log line 2 has no event",
    ]


def test_execute_reads_with_a_users_expression(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [b"t=10 step 0", b"t=14 step 2000"])
    result = read(tmp_path, log_format=r"t=(?P<time>\d+) step (?P<step>\d+)")
    assert result["timings"]["train_seconds"] == 4.0


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"train_steps": -1}, "train_steps is -1: give a whole number from 0"),
        ({"log_format": "("}, "training_log_format is '(', which is no regular expression"),
        ({"log_format": "(?P<when>x)"}, "training_log_format is '(?P<when>x)', whose group 'when' is not known"),
    ],
)
def test_execute_bad_input_gets_a_sentence(tmp_path: Path, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StepError) as caught:
        read(write_logs(tmp_path), **params)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("name", ["", "none", "worker-0.log"])
def test_execute_folder_without_logs_gets_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "worker-x.log").write_text("")
    with pytest.raises(StepError, match=r"which holds no log such as worker-0\.log"):
        read(tmp_path / name)
