# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of accuracy against time shows the cells with a target, and what their runs did."""

from __future__ import annotations

from ansible_collections.tfscale.study.plugins.module_utils._report.figures import accuracy, drawing
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model

from tests.fixtures import ledgers
from tests.fixtures.figures import figures_of, rows


def test_figure_has_a_line_and_a_band_for_each_cell_and_a_dot_for_each_run_that_reached() -> None:
    given = figures_of(ledgers.to_accuracy())["accuracy-by-time"]
    lines = rows(given, "accuracy_lines")
    assert list(dict.fromkeys(row["cell"] for row in lines)) == [f"ps=1 workers={n}" for n in (1, 2, 4, 8)]
    assert all(row["low"] <= row["y"] <= row["high"] for row in lines)
    assert rows(given, "accuracy_target") == [{"y": 0.95}]
    reached = rows(given, "accuracy_reached")
    assert len(reached) == 5 * 4 - 2
    assert {row["y"] for row in reached} == {0.95}
    assert "2 runs did not reach the target" in given.caption
    assert drawing.svg_of(given).startswith("<svg")


def test_time_to_accuracy_has_a_figure_of_its_own_without_the_runs_that_did_not_reach_it() -> None:
    found = figures_of(ledgers.to_accuracy())
    given = found["time-to-accuracy-by-workers"]
    assert given.runs == 5 * 4 - 2
    assert rows(given, "medians")[1]["told"].startswith("ps=1 workers=2: median 2.55 s")
    assert "ceilings" not in {layer["name"] for layer in given.spec["layer"]}
    assert "time-to-accuracy-by-workers" not in figures_of(ledgers.mnist())


def test_words_of_the_figure_are_polish() -> None:
    [given] = accuracy.figures(model.study_of(ledgers.to_accuracy(), "x"), Catalogue("pl"))
    assert "2 przebiegi nie osiągnęły celu" in given.caption
    assert given.title == "Dokładność w zależności od czasu"


def test_no_figure_without_a_target() -> None:
    assert accuracy.figures(model.study_of(ledgers.mnist(), "x"), Catalogue("en")) == []


def test_many_cells_are_those_that_reach_the_target_first() -> None:
    records = [
        ledgers.targeted({**ledgers.SPEC, "workers": n}, 1, seconds=20.0 - n, steps=None if n == 12 else 1200)
        for n in range(1, 13)
    ]
    cells = accuracy.first_of(model.study_of(records, "x").measured)
    assert [cell.spec["workers"] for cell in cells] == [4, 5, 6, 7, 8, 9, 10, 11]
