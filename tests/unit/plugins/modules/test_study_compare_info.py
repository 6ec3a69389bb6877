# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import study_compare_info

from tests.fixtures import ledgers
from tests.fixtures.compared_studies import records
from tests.fixtures.modules import run


def test_main_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("mine", "release"):
        ledgers.write(tmp_path / name, records([4.0, 3.0]))
    result = run(study_compare_info.main, capsys, study_dir=str(tmp_path / "mine"), baseline="release")
    documented = yaml.safe_load(study_compare_info.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    (one,) = result["document"]["baselines"]
    told = " ".join(documented["document"]["description"])
    assert [key for key in (*one, *one["cells"][0]) if f"C({key})" not in told] == []


def test_main_fails_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(study_compare_info.main, capsys, study_dir="/no/such/folder", baseline="/no/such/ledger.jsonl")
    assert result["failed"] is True
    assert "report_baseline is '/no/such/ledger.jsonl', but there is no" in result["msg"]
