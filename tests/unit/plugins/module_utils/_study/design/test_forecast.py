# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a study is said to take, and what it will cost (tests/benchmarks/forecast_calibration.py: more of the same)."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.blocks import Cell
from ansible_collections.tfscale.study.plugins.module_utils._study.design.forecast import (
    OVERHEAD_SECONDS,
    Experience,
    Forecast,
)

from tests.fixtures.forecasts import LAWS, MOMENTS, SPREADS, simulate
from tests.fixtures.ledgers import SPEC

NODE = {"name": "n", "machine_type": "e2"}


def record(cell: str, seconds: Any, block: int = 1, **spec: Any) -> dict[str, Any]:
    return {
        "cell_id": cell,
        "run_id": f"{cell}-{block}",
        "block": block,
        "spec": {**SPEC, **spec},
        "timings": {"total_seconds": seconds},
        "verdict": {"verdict": "valid", "reasons": []},
    }


def cell(name: str, **spec: Any) -> Cell:
    return Cell({**SPEC, **spec}, name, name)


def priced(name: str, seconds: float, nodes: int = 1, **spec: Any) -> dict[str, Any]:
    return {**record(name, seconds, nodes=nodes, **spec), "provenance": {"nodes": [NODE] * nodes}}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_true_duration_lies_in_the_range(law: str, moment: str) -> None:
    found = [simulate(law, spread, moment, seed=seed) for spread in SPREADS for seed in range(25)]
    assert sum(one.is_inside for one in found) >= 0.85 * len(found)
    # Every range holds the truth if it is wide enough.
    assert sorted(one.forecast.high / one.forecast.low for one in found)[len(found) // 2] < 2.5


def test_range_narrows_with_the_blocks() -> None:
    runs = [(cell("a"), block) for block in range(9, 13)]
    experiences = [Experience([record("a", 5.0, block) for block in range(1, n + 1)]) for n in (1, 3, 8)]
    widths = [found.high / found.low for found in (one.total(runs) for one in experiences)]
    assert widths[0] > widths[1] > widths[2] > 1.0


def test_own_runs_decide_on_the_center() -> None:
    experience = Experience([record("a", 5.0), record("b", 100.0)])
    assert experience.of_cell("a", SPEC).seconds == pytest.approx(5.0, rel=0.02)
    found = experience.total([(cell("a"), 2), (cell("a"), 3), (cell("b"), 2)])
    assert found.seconds == pytest.approx(110.0, rel=0.02)
    assert found.low < found.seconds < found.high


def test_runs_of_scattered_cells_widen_their_own_range_more() -> None:
    steady = (5.0, 5.1, 4.9, 5.0)
    quiet = [record(name, seconds, block) for name in "acd" for block, seconds in enumerate(steady, 1)]
    loud = [record("b", seconds, block) for block, seconds in enumerate((3.0, 7.0, 4.0, 6.5), 1)]
    experience = Experience(quiet + loud)
    one, other = experience.of_cell("a", SPEC), experience.of_cell("b", SPEC)
    assert other.high / other.low > one.high / one.low


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [({"workers": 8}, 8.0), ({"workers": 2}, 1.0), ({"ps": 3}, 1.0), ({"workers": 7, "preset": "thesis"}, 50.0)],
)
def test_cell_without_runs_takes_the_most_similar_cell(spec: dict[str, Any], seconds: float) -> None:
    known = [record("a", 1.0), record("b", 8.0, workers=9), record("c", 50.0, preset="thesis", workers=8)]
    found = Experience(known).of_cell("new", {**SPEC, **spec})
    assert found.low < seconds < found.high
    assert found.seconds == pytest.approx(seconds, rel=0.2)


def test_cell_without_runs_is_less_certain_the_farther_it_is() -> None:
    experience = Experience([record("a", 5.0)])
    widths = [found.high / found.low for n in (1, 2, 8) if (found := experience.of_cell("x", {**SPEC, "workers": n}))]
    assert widths == sorted(widths)
    assert widths[0] < widths[2]


@pytest.mark.parametrize(("preset", "speed"), [("thesis", 50.0), ("fast", 500.0), (None, 500.0)])
def test_empty_ledger_has_a_rule_of_thumb(preset: str | None, speed: float) -> None:
    found = Experience([]).of_cell("new", {**SPEC, "preset": preset})
    assert found.seconds == pytest.approx(OVERHEAD_SECONDS + 2000 / speed, rel=0.02)
    # About half to double.
    assert 3.0 < found.high / found.low < 7.0


def test_training_without_end_is_forecast_as_overhead() -> None:
    assert Experience([]).of_cell("new", {"train_steps": 0}).seconds == pytest.approx(OVERHEAD_SECONDS, rel=0.02)


@pytest.mark.parametrize("seconds", [None, "4", 0, -1.0, float("nan"), True])
def test_runs_without_a_duration_are_passed_over(seconds: Any) -> None:
    assert Experience([record("a", seconds)]).of_cell("a", SPEC) == Experience([]).of_cell("a", SPEC)


def test_void_runs_are_passed_over() -> None:
    void = {**record("a", 900.0), "verdict": {"verdict": "void", "reasons": ["killed"]}}
    assert Experience([void]).of_cell("a", SPEC) == Experience([]).of_cell("a", SPEC)


@pytest.mark.parametrize("odd", [{}, {"timings": None}, {"timings": {"total_seconds": 1.0}, "spec": None}])
def test_odd_records_are_passed_over(odd: dict[str, Any]) -> None:
    assert Experience([odd]).of_cell("a", SPEC) == Experience([]).of_cell("a", SPEC)


def test_odd_names_of_clusters_are_passed_over() -> None:
    ledger = [at(record("a", 5.0, block, cluster=[]), 100.0 + 7 * block) for block in (1, 2)]
    assert Experience(ledger).of_cell("a", SPEC).seconds == pytest.approx(7.0, rel=0.02)


@pytest.mark.parametrize("seconds", [1e-300, 1e300])
def test_slips_of_a_clock_give_a_number(seconds: float) -> None:
    found = Experience([record("a", seconds), record("b", 5.0, workers=2)]).total([(cell("a"), 2), (cell("c"), 2)])
    assert 0.0 < found.low <= found.seconds <= found.high < float("inf")


def test_equal_times_keep_a_range() -> None:
    found = Experience([record("a", 5.0, block) for block in range(1, 7)]).of_cell("a", SPEC)
    assert found.low < 5.0 < found.high


def test_total_of_nothing_is_nothing() -> None:
    assert Experience([]).total([]) == Forecast(0.0, 0.0, 0.0)
    assert Experience([], {"*": 1.0}).price([], Forecast(0.0, 0.0, 0.0)) is None


def at(one: dict[str, Any], wall: float) -> dict[str, Any]:
    return {**one, "provenance": {"recorded_wall": wall}}


def test_time_between_runs_counts_and_breaks_do_not() -> None:
    walls = [100.0, 107.0, 114.0, 90_000.0, 90_007.0]
    ledger = [at(record("a", 5.0, block), wall) for block, wall in enumerate(walls, 1)]
    found = Experience(ledger).total([(cell("a"), block) for block in range(6, 16)])
    assert found.seconds == pytest.approx(70.0, rel=0.02)
    # Another cluster runs meanwhile, and so says nothing of this one.
    others = [at(record("b", 5.0, block, cluster="other"), wall + 1.0) for block, wall in enumerate(walls, 1)]
    both = [one for pair in zip(ledger, others, strict=True) for one in pair]
    assert Experience(both).total([(cell("a"), 6)]).seconds == pytest.approx(7.0, rel=0.05)


def test_time_in_a_queue_is_none_of_the_time_between_runs() -> None:
    ledger = [at(record("a", 5.0, block), 100.0 + 67.0 * block) for block in range(1, 6)]
    for one in ledger:
        one["timings"]["queue_seconds"] = 60.0
    assert Experience(ledger).total([(cell("a"), 6)]).seconds == pytest.approx(7.0, rel=0.05)


def test_price_is_that_of_all_active_nodes() -> None:
    experience = Experience([priced("a", 3600.0), priced("b", 1800.0, nodes=2)], {"e2": 0.5})
    runs = [(cell("a"), 2), (cell("b", nodes=2), 2)]
    time = experience.total(runs)
    price = experience.price(runs, time)
    assert price is not None
    # An hour of one node and half an hour of two.
    assert price.seconds == pytest.approx(1.0, rel=0.02)
    assert price.high / price.low == pytest.approx(time.high / time.low, rel=1e-3)


@pytest.mark.parametrize(
    ("prices", "records", "known"),
    [
        ({}, [priced("a", 3600.0)], False),
        ({"other": 1.0, "more": 2.0}, [priced("a", 3600.0)], False),
        ({"e2": 1.0}, [priced("a", 3600.0)], True),
        ({"*": 1.0}, [], True),
        ({"e2": 1.0, "e4": 2.0}, [], False),
    ],
)
def test_price_is_known_or_none(prices: dict[str, float], records: list[dict[str, Any]], known: bool) -> None:
    experience, runs = Experience(records, prices), [(cell("b", nodes=3), 1)]
    price = experience.price(runs, experience.total(runs))
    assert (price is not None) is known
