# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time goes."""

from __future__ import annotations

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report.figures.figure import ROWS

from tests.fixtures.figures import figures_of, rows
from tests.fixtures.ledgers import SPEC, record


def test_where_time_goes_adds_up_to_the_whole_run() -> None:
    records = [record(SPEC, 1, seconds=4.0)]
    parts = rows(figures_of(records)["where-time-goes"], "parts")
    assert [row["part"] for row in parts] == ["start-up", "training", "rest"]
    assert sum(row["size"] for row in parts) == pytest.approx(records[0]["timings"]["total_seconds"])


def test_where_workers_time_goes_shows_shares_of_the_cells_that_tell() -> None:
    told = [record(SPEC, block, seconds=4.0) for block in (1, 2)]
    told[0]["timings"]["spent_seconds"] = {"compute": 1.0, "ps": 3.0}
    told[1]["timings"]["spent_seconds"] = {"compute": 5.0, "ps": 5.0, "input": None}
    silent = record({**SPEC, "workers": 2}, 1, seconds=4.0)
    silent["timings"]["spent_seconds"] = None
    parts = rows(figures_of([*told, silent])["where-workers-time-goes"], "parts")
    assert {row["cell"] for row in parts} == {"ps=1 workers=1"}
    sizes = {row["part"]: row["size"] for row in parts}
    nothing = dict.fromkeys(("input", "telemetry", "throttled"), 0.0)
    assert sizes == pytest.approx({"computing": 0.375, "waiting for ps or workers": 0.625, **nothing})


def test_where_time_goes_shows_the_fastest_of_many_cells_and_says_so() -> None:
    records = [record({**SPEC, "workers": n}, 1, seconds=100.0 - n) for n in range(1, ROWS + 11)]
    figure = figures_of(records)["where-time-goes"]
    shown = {row["cell"] for row in rows(figure, "parts")}
    assert shown == {f"ps=1 workers={n}" for n in range(11, ROWS + 11)}
    assert "30 fastest of 40 cells" in figure.caption
