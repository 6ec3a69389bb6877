# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import study_predict_info

from tests.fixtures import ledgers
from tests.fixtures.modules import run


def test_main_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledgers.write(tmp_path, ledgers.study(ledgers.space(workers=[1, 2, 4, 8], nodes=[8])))
    result = run(study_predict_info.main, capsys, study_dir=str(tmp_path), predict=[{"workers": 16}])
    documented = yaml.safe_load(study_predict_info.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    assert set(documented["predictions"]["contains"]) == set(result["predictions"][0])


def test_main_fails_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(study_predict_info.main, capsys, study_dir="/no/such/folder", predict=[{"workers": 16}])
    assert result["failed"] is True
    assert "study_dir is '/no/such/folder', which is not a folder" in result["msg"]
