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
from ansible_collections.tfscale.study.plugins.modules import study_record

from tests.fixtures import runs
from tests.fixtures.modules import run


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    planned = runs.planned_run(tmp_path)
    runs.write_logs(Path(planned["log_dir"]))
    return {"study_dir": str(tmp_path), "run": planned, "wait": runs.ended()}


def test_main_records_and_returns_what_is_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: dict[str, Any]
) -> None:
    result = run(study_record.main, capsys, **arguments)
    assert (result["changed"], result["verdict"]) == (True, "valid")
    assert json.loads((tmp_path / "ledger.jsonl").read_text()) == result["record"]
    documented = yaml.safe_load(study_record.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    assert documented["msg"]["sample"].startswith("valid: 2000 steps in ")
    assert run(study_record.main, capsys, **arguments)["changed"] is False


def test_main_in_check_mode_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: dict[str, Any]
) -> None:
    assert run(study_record.main, capsys, **arguments, _ansible_check_mode=True)["verdict"] == "valid"
    assert not (tmp_path / "ledger.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"run": {}}, "run has no run_id: give one of the runs that sweep_plan_info returns"),
        ({"log_format": "("}, "training_log_format is '(', which is no regular expression"),
        ({"max_steal_share": "much"}, "max_steal_share"),
        ({"study_dir": "/dev/null"}, "the ledger /dev/null/ledger.jsonl cannot be"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], change: dict[str, Any], sentence: str
) -> None:
    result = run(study_record.main, capsys, **{**arguments, **change})
    assert result["failed"] is True
    assert sentence in result["msg"]
