# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes in the order tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.figures import figures, figures_of, layer, rows
from tests.fixtures.ledgers import space
from tests.fixtures.searches import planted


def records(folder: Path, **search: Any) -> list[dict[str, Any]]:
    study = planted(folder, **search)
    study.sweep()
    return [json.loads(line) for line in study.folder.joinpath("ledger.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("language", ["en", "pl"])
def test_path_has_the_sizes_in_the_order_tried_with_intervals(tmp_path: Path, language: str) -> None:
    found = records(tmp_path)
    figure = figures_of(found, language=language)["search-path"]
    assert [row["size"] for row in rows(figure, "medians")] == ["1", "2", "4", "8", "6"]
    assert layer(figure, "medians")["encoding"]["x"]["sort"] == ["1", "2", "4", "8", "6"]
    assert [row["low"] < row["y"] < row["high"] for row in rows(figure, "intervals")] == [True] * 5
    assert figure.runs == len(found) == len(rows(figure, "runs_valid"))
    assert "autosize" in figure.caption


def test_path_names_ps_where_they_vary(tmp_path: Path) -> None:
    figure = figures_of(records(tmp_path, max_ps=2))["search-path"]
    names = [row["size"] for row in rows(figure, "medians")]
    assert names[:2] == ["ps=1, 1", "ps=1, 2"]
    assert any(name.startswith("ps=2, ") for name in names)


def test_a_study_of_a_space_has_no_path() -> None:
    assert "search-path" not in figures(space(workers=[1, 2, 4]))
