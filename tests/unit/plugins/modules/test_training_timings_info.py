# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import training_timings_info

from tests.fixtures.modules import run
from tests.fixtures.runs import write_logs


def test_main_tells_the_figures_and_returns_what_is_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(training_timings_info.main, capsys, log_dir=str(write_logs(tmp_path)), train_steps=2000)
    assert result["changed"] is False
    assert result["timings"]["train_seconds"] == 4.0
    documented = yaml.safe_load(training_timings_info.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    assert set(documented["timings"]["contains"]) == set(result["timings"])


def test_main_in_check_mode_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_logs(tmp_path)
    checked = run(training_timings_info.main, capsys, log_dir=str(tmp_path), train_steps=2000, _ansible_check_mode=True)
    assert (
        checked["timings"]
        == run(training_timings_info.main, capsys, log_dir=str(tmp_path), train_steps=2000)["timings"]
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: log_dir"),
        ({"log_dir": "/no/such/folder"}, "log_dir is '/no/such/folder', which holds no log"),
        ({"log_dir": "/no", "train_steps": "many"}, "train_steps"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(training_timings_info.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
