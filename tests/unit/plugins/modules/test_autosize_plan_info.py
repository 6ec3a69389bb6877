# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import autosize_plan_info

from tests.fixtures.modules import run
from tests.fixtures.planted import FIXED
from tests.fixtures.searches import SEARCH, planted


def test_main_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = planted(tmp_path)
    study.sweep()
    result = run(autosize_plan_info.main, capsys, study="mnist", study_dir=str(study.folder), spec=FIXED, search=SEARCH)
    assert set(yaml.safe_load(autosize_plan_info.RETURN)) == set(result) - {"changed", "invocation"}
    assert result["size"] == {"nodes": 1, "ps": 1, "workers": 6}


def test_main_fails_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {**SEARCH, "min_gain": "ten"}
    result = run(autosize_plan_info.main, capsys, study="mnist", study_dir=str(tmp_path), spec=FIXED, search=given)
    assert result["failed"] is True
    assert "autosize_min_gain is 'ten': give a share above 0 and below 1" in result["msg"]
