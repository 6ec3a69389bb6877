# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import process_group

from tests.fixtures.modules import run


def test_main_in_check_mode_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = {"run_dir": str(tmp_path / "run"), "python": "/usr/bin/python3", "source_dir": "/opt/study"}
    result = run(process_group.main, capsys, ps=1, workers=2, **place, _ansible_check_mode=True)
    assert result["changed"] is True
    documented = yaml.safe_load(process_group.RETURN)
    assert set(documented) == set(result) - {"changed", "diff", "invocation"}
    assert set(documented["group"]["contains"]) == set(result["group"])
    assert not (tmp_path / "run").exists()


def test_main_absent_finds_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(process_group.main, capsys, run_dir=str(tmp_path), state="absent")
    assert (result["changed"], result["msg"]) == (False, f"No replica runs for {tmp_path}.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: run_dir"),
        ({"run_dir": "/r", "ps": 1}, "state is present but all of the following are missing: workers, source_dir"),
        ({"run_dir": "/r", "ps": 1, "workers": "two", "source_dir": "/s"}, "argument 'workers' is of type"),
        ({"run_dir": "/r", "ps": 1, "workers": 0, "source_dir": "/s"}, "workers is 0: give a whole number from 1"),
        ({"run_dir": "/r", "state": "gone"}, "value of state must be one of: present, absent, got: gone"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(process_group.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
