# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make versions` never counts a row that did not run as one that passed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tools import versions
from tools.versions import Outcome, Row

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome("3.11", counts={"passed": 3}), "passed"),
        (Outcome("3.11", counts={"passed": 3, "failed": 1}, code=1), "failed"),
        (Outcome("3.11", counts={}, code=4), "failed"),
        (Outcome("3.11", counts={"skipped": 3}), "failed"),
        (Outcome("3.14", reason="no python3.14"), "not tried"),
    ],
)
def test_state_of_an_outcome(outcome: Outcome, state: str) -> None:
    assert outcome.state == state
    assert state in outcome.line()
    assert outcome.reason in outcome.line()


def test_row_without_its_interpreter_is_not_tried_and_names_it() -> None:
    outcome = versions.run(Row("3.99", *versions.NEWEST), [])
    assert outcome.state == "not tried"
    assert "python3.99" in outcome.reason


def test_call_in_which_no_row_was_tried_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "ROWS", (Row("3.99", *versions.NEWEST),))
    assert versions.main([]) == 1
    assert "0 passed, 0 failed, 1 not tried" in capsys.readouterr().out


def test_rows_hold_the_declared_minimum_our_pin_and_the_newest() -> None:
    declared = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"].removeprefix(">=")
    oldest = versions.OLDEST[0].removeprefix("ansible-core==").removesuffix(".*")
    assert declared.startswith(f"{oldest}.")
    assert {(row.core, row.bundle) for row in versions.ROWS} == {versions.OLDEST, versions.OURS, versions.NEWEST}
    assert {row.python for row in versions.ROWS} >= {"3.11", "3.12", "3.13", "3.14"}
