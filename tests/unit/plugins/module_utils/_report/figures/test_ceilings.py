# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceilings of stations in the figures of time and speed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures import ledgers
from tests.fixtures.figures import figures_of, rows
from tests.fixtures.ledgers import SPEC, record, space, with_usage


def busy(workers: int, *, seconds: float, share: float, ps: int = 1) -> dict[str, Any]:
    made = record({**SPEC, "ps": ps, "workers": workers}, 1, seconds=seconds)
    made["timings"]["global_steps"] = SPEC["train_steps"]
    return with_usage(made, busy=share, own=share, ps=0.1, worker=0.1)


def test_figures_of_speed_and_time_show_the_ceilings_of_each_cell_with_their_name() -> None:
    found = figures_of([busy(1, seconds=5.0, share=0.75), busy(2, seconds=4.0, share=0.96)])
    speed, time = found["speed-by-workers"], found["training-time-by-workers"]
    assert [row["y"] for row in rows(speed, "ceilings")] == [pytest.approx(400 / 0.75), pytest.approx(500 / 0.96)]
    # The least time: at the ceiling the processors are busy all the time.
    assert [row["y"] for row in rows(time, "ceilings")] == [pytest.approx(5.0 * 0.75), pytest.approx(4.0 * 0.96)]
    for figure in (speed, time):
        assert [row["label"] for row in rows(figure, "ceiling_names")] == ["processors full"]
        assert "Long dashes" in figure.caption


def test_ceiling_far_above_all_cells_is_left_out() -> None:
    found = figures_of([busy(1, seconds=5.0, share=0.1), busy(2, seconds=4.0, share=0.2)])
    assert [rows(found[name], "ceilings") for name in ("speed-by-workers", "training-time-by-workers")] == [[], []]


def test_close_ceilings_of_two_lines_share_their_name_and_others_stand_apart() -> None:
    records = [
        busy(workers, seconds=seconds, share=share, ps=ps)
        for ps in (1, 2)
        for workers, seconds, share in ((1, 5.0, 0.8), (2, 4.0 + 0.01 * ps, 0.97))
    ]
    for one in records:
        for replica in one["evidence"]["replicas"]:
            if replica["replica"] == "ps":
                replica["trained"] |= {"cpu_limit": 1.0, "cpu_seconds": 0.95 * one["timings"]["train_seconds"]}
    labels = rows(figures_of(records)["speed-by-workers"], "ceiling_names")
    assert sorted({row["label"] for row in labels}) == ["processors full", "ps full"]
    heights = sorted(row["at"] for row in labels)
    assert len(heights) == 2
    assert heights[1] - heights[0] > 0.05 * heights[1]


def test_figure_of_runs_without_counters_has_no_ceiling() -> None:
    figure = figures_of(ledgers.study(space(workers=[1, 2])))["speed-by-workers"]
    assert rows(figure, "ceilings") == []
    assert "Long dashes" not in figure.caption
