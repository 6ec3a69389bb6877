# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cost against time, and the Pareto front."""

from __future__ import annotations

from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._report.figures import costs

from tests.fixtures.figures import figures_of, rows, study_of
from tests.fixtures.ledgers import SPEC, record, to_accuracy


def priced(times: dict[int, float]) -> list[dict[str, Any]]:
    """A run costs the number of its workers times its whole time: each has a node of its own."""
    made = [record({**SPEC, "workers": n}, block, seconds=of) for n, of in times.items() for block in (1, 2)]
    for one in made:
        one["provenance"]["nodes"] = [{"name": str(n), "machine_type": "e2"} for n in range(one["spec"]["workers"])]
        one["timings"]["total_seconds"] = one["timings"]["train_seconds"]
    return made


def test_front_of_has_the_cells_that_no_other_beats_in_time_and_cost() -> None:
    # Costs: 8, 8, 9, 16.8: two workers cost as much as one and are faster, four are slower than three.
    study = study_of(priced({1: 8.0, 2: 4.0, 3: 3.0, 4: 4.2}), e2=3600.0)
    assert [cell.spec["workers"] for cell in costs.front_of(study.measured)] == [3, 2]


def test_figure_of_cost_tells_which_cells_are_on_the_front_and_what_each_run_costs() -> None:
    figure = figures_of(priced({1: 8.0, 2: 5.0, 4: 6.0}), e2=3600.0)["cost-by-time"]
    kinds = {row["cell"]: row["kind"] for row in rows(figure, "medians")}
    assert kinds["ps=1 workers=1"] == kinds["ps=1 workers=2"] == "on the Pareto front"
    assert kinds["ps=1 workers=4"] == "beaten in both"
    assert rows(figure, "front") == [{"x": 5.0, "y": 10.0}, {"x": 8.0, "y": 8.0}]
    assert figure.runs == 6
    assert rows(figure, "runs_valid")[0]["told"] == "ps=1 workers=1, block 1: 8.00 s, 8.00 USD"
    # Each name stands towards the middle, so that none is cut.
    assert [row["x"] for row in rows(figure, "names_right")] == [8.0]


def test_figure_of_cost_needs_prices_and_two_cells() -> None:
    assert "cost-by-time" not in figures_of(priced({1: 8.0, 2: 4.0}))
    assert "cost-by-time" not in figures_of(priced({1: 8.0}), e2=1.0)


def test_figure_of_cost_has_the_time_to_the_target_accuracy_of_cells_that_reach_it() -> None:
    made = to_accuracy()
    for one in made:
        one["provenance"]["nodes"] = [{"name": "n", "machine_type": "e2"}] * one["spec"]["workers"]
    figure = figures_of(made, e2=3600.0)["cost-by-time"]
    study = study_of(made, e2=3600.0)
    expected = {
        cell.label: (cell.center("seconds_to_accuracy"), cell.cost) for cell in study.measured if not cell.censored
    }
    assert {row["cell"]: (row["x"], row["y"]) for row in rows(figure, "medians")} == expected
    assert sorted(expected) == [f"ps=1 workers={n}" for n in (1, 2, 4)]
    assert figure.runs == 15
    assert "time to accuracy" in figure.title
    assert "1 cell does not always reach the target accuracy" in figure.caption
