# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a study is said to take."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.forecast import (
    OVERHEAD_SECONDS,
    Experience,
    Forecast,
    total,
)

from tests.fixtures.ledgers import SPEC


def record(cell: str, seconds: Any, **spec: Any) -> dict[str, Any]:
    return {"cell_id": cell, "spec": {**SPEC, **spec}, "timings": {"total_seconds": seconds}}


def test_of_cell_own_runs_tell_median_and_range() -> None:
    experience = Experience([record("a", 4.0), record("a", 5.0), record("a", 9.0), record("b", 100.0)])
    assert experience.of_cell("a", SPEC) == Forecast(5.0, 4.0, 9.0)


def test_of_cell_single_run_has_a_margin() -> None:
    assert Experience([record("a", 5.0)]).of_cell("a", SPEC) == Forecast(5.0, 4.0, 6.25)


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ({"workers": 8}, 8.0),
        ({"workers": 2}, 1.0),
        ({"workers": 1, "ps": 3}, 1.0),
        ({"workers": 7, "preset": "thesis"}, 50.0),
    ],
)
def test_of_cell_without_runs_takes_the_most_similar_cell(spec: dict[str, Any], seconds: float) -> None:
    experience = Experience(
        [record("a", 1.0), record("b", 8.0, workers=9), record("c", 50.0, preset="thesis", workers=8)]
    )
    forecast = experience.of_cell("new", {**SPEC, **spec})
    assert forecast == Forecast(seconds, seconds / 1.5, seconds * 1.5)


@pytest.mark.parametrize(("preset", "speed"), [("thesis", 50.0), ("fast", 280.0), (None, 280.0)])
def test_of_cell_empty_ledger_has_a_rule_of_thumb(preset: str | None, speed: float) -> None:
    forecast = Experience([]).of_cell("new", {**SPEC, "preset": preset})
    assert forecast.seconds == pytest.approx(OVERHEAD_SECONDS + 2000 / speed)
    assert forecast.low < forecast.seconds < forecast.high


def test_of_cell_training_without_end_is_forecast_as_overhead() -> None:
    assert Experience([]).of_cell("new", {"train_steps": 0}).seconds == OVERHEAD_SECONDS


@pytest.mark.parametrize("seconds", [None, "4", 0, -1.0, float("nan"), True])
def test_experience_passes_over_runs_without_a_duration(seconds: Any) -> None:
    assert Experience([record("a", seconds)]).of_cell("a", SPEC) == Experience([]).of_cell("a", SPEC)


@pytest.mark.parametrize("odd", [{}, {"timings": None}, {"timings": {"total_seconds": 1.0}, "spec": None}])
def test_experience_passes_over_odd_records(odd: dict[str, Any]) -> None:
    assert Experience([odd]).of_cell("a", SPEC) == Experience([]).of_cell("a", SPEC)


def test_total_adds_up_each_bound() -> None:
    assert total([Forecast(1.0, 0.5, 2.0), Forecast(3.0, 2.0, 4.0)]) == Forecast(4.0, 2.5, 6.0)


def test_total_of_nothing_is_nothing() -> None:
    assert total([]) == Forecast(0.0, 0.0, 0.0)
