# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import sweep_plan_info

from tests.fixtures.ledgers import SPEC
from tests.fixtures.modules import run


def _described(option: dict[str, Any]) -> dict[str, Any]:
    """What the documentation calls suboptions are options of an option."""
    more = option.get("suboptions")
    own = {key: option[key] for key in option if key not in ("description", "suboptions")}
    return own | ({"options": {name: _described(one) for name, one in more.items()}} if more else {})


def test_main_plans_and_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(
        sweep_plan_info.main, capsys, study="mnist", study_dir=str(tmp_path / "mnist"), spec=SPEC, workers="1,2,4"
    )
    assert result["changed"] is False
    assert (result["counts"]["runs"], result["counts"]["most"]) == (12, 60)
    documented = yaml.safe_load(sweep_plan_info.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    for name, one in (("runs", result["runs"][0]), ("counts", result["counts"])):
        assert set(documented[name]["contains"]) == set(one)
    assert list(tmp_path.iterdir()) == []


def test_main_in_check_mode_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments: dict[str, Any] = {"study": "mnist", "study_dir": str(tmp_path / "mnist"), "spec": SPEC}
    checked = run(sweep_plan_info.main, capsys, **arguments, _ansible_check_mode=True)
    assert {**checked, "invocation": None} == {**run(sweep_plan_info.main, capsys, **arguments), "invocation": None}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: spec, study, study_dir"),
        ({"workers": "two"}, "sweep_workers is 'two': give whole numbers from 1"),
        ({"repeats": "two"}, "sweep_repeats is 'two': give a whole number from 1"),
        ({"study": 7}, "sweep_study is 7: give a name"),
        (
            {"spec": {**SPEC, "strategy": "magic"}},
            "training_strategy is 'magic': give async_ps, sync_ps, tf2_ps or mirrored",
        ),
    ],
)
def test_main_fails_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    usual = {"study": "mnist", "study_dir": str(tmp_path / "mnist"), "spec": SPEC} if arguments else {}
    result = run(sweep_plan_info.main, capsys, **{**usual, **arguments})
    assert result["failed"] is True
    assert sentence in result["msg"]
