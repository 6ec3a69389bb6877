# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of several clusters in one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError, StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_fetch as step

from tests.fixtures.ledgers import SPEC, record


class Book:
    def __init__(self, records: list[dict[str, Any]]) -> None:
        self._records = records

    def records(self) -> list[dict[str, Any]]:
        return self._records


def fetch(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    records: list[dict[str, Any]],
    *,
    check_mode: bool = False,
    select: str = "",
) -> dict[str, Any]:
    def open_ledger(params: dict[str, Any]) -> tuple[Book, None]:
        assert params["ledger"] == "cluster"
        return Book(records), None

    monkeypatch.setattr(step, "open_ledger", open_ledger)
    return step.execute(
        {"study_dir": str(folder), "namespace": "tfscale", "select": select}, Context(check_mode=check_mode)
    )


def test_execute_joins_the_records_of_clusters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    east, west = (
        [record({**SPEC, "cluster": name}, block, seconds=4.0) for block in (1, 2)] for name in ("east", "west")
    )
    folder = tmp_path / "mnist"
    assert fetch(monkeypatch, folder, east[:1])["records"] == {"found": 1, "copied": 1}
    assert fetch(monkeypatch, folder, east)["msg"].startswith(
        "Of 2 records of study mnist in namespace tfscale, 1 copied to"
    )
    assert fetch(monkeypatch, folder, west)["changed"] is True
    assert fetch(monkeypatch, folder, east)["changed"] is False
    lines = (folder / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [*east, *west]


def test_execute_copies_only_selected_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    records = [record(SPEC, block, seconds=4.0) for block in (1, 2, 3)]
    result = fetch(monkeypatch, tmp_path / "mnist", records, select="[?block >= `2`]")
    assert result["records"] == {"found": 2, "copied": 2}
    assert fetch(monkeypatch, tmp_path / "mnist", records)["records"] == {"found": 3, "copied": 1}
    with pytest.raises(StepError, match="report_select is "):
        fetch(monkeypatch, tmp_path / "mnist", records, select="[0]")


def test_execute_in_check_mode_copies_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = fetch(monkeypatch, tmp_path / "mnist", [record(SPEC, 1, seconds=4.0)], check_mode=True)
    assert result["changed"] is True
    assert "1 would be copied" in result["msg"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("foreign", ["cells.csv", "report.html", ".git"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_execute_adds_nothing_to_a_folder_that_is_no_study_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, foreign: str, check_mode: bool
) -> None:
    (tmp_path / foreign).write_text("theirs")
    with pytest.raises(StepError, match=f"study_dir is '.*', which has {foreign} but no ledger: give a study's folder"):
        fetch(monkeypatch, tmp_path, [record(SPEC, 1, seconds=4.0)], check_mode=check_mode)
    assert [path.name for path in tmp_path.iterdir()] == [foreign]


def test_execute_adds_to_what_a_sweep_has_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert fetch(monkeypatch, tmp_path, [record(SPEC, 1, seconds=4.0)])["records"]["copied"] == 1


def test_execute_adds_nothing_to_a_ledger_that_is_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("dear diary\n")
    with pytest.raises(StepError, match="is not a ledger of ours"):
        fetch(monkeypatch, tmp_path, [record(SPEC, 1, seconds=4.0)])
    assert (tmp_path / "ledger.jsonl").read_text() == "dear diary\n"


def test_execute_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(_params: dict[str, Any]) -> Any:
        raise LedgerError("cluster x does not answer")

    monkeypatch.setattr(step, "open_ledger", refuse)
    with pytest.raises(StepError, match="cluster x does not answer"):
        step.execute({"study_dir": str(tmp_path), "namespace": "tfscale", "select": ""}, Context())
