# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import study_report

from tests.fixtures import ledgers
from tests.fixtures.modules import run


def test_main_writes_the_report_and_returns_what_is_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers.write(tmp_path, ledgers.study(ledgers.space(workers=[1, 2])))
    result = run(study_report.main, capsys, study_dir=str(tmp_path))
    assert result["changed"] is True
    assert (tmp_path / "report.html").is_file()
    documented = yaml.safe_load(study_report.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    assert set(documented["paths"]["contains"]) == set(result["paths"])
    assert set(documented["counts"]["contains"]) == set(result["counts"])


def test_main_in_check_mode_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledgers.write(tmp_path, ledgers.study(ledgers.space(workers=[1, 2])))
    result = run(study_report.main, capsys, study_dir=str(tmp_path), _ansible_check_mode=True)
    assert result["changed"] is True
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: study_dir"),
        ({"study_dir": "/no/such/folder"}, "study_dir is '/no/such/folder', which is not a folder"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(study_report.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
