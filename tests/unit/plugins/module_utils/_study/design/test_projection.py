# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many runs an adaptive study is said to have left (tests/benchmarks/forecast_calibration.py: how often that is right)."""

from __future__ import annotations

import math

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.projection import (
    FUTURES,
    Level,
    can_be_played,
    chosen_of,
    further_runs,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.adaptive import Rules

from tests.fixtures.forecasts import simulate_adaptive

RULES = Rules()


def times(*seconds: float, blocks: int = 4) -> dict[str, dict[int, float]]:
    """A little apart from block to block, so that there is a variance."""
    return {
        str(place): {block: one * (1 + 0.01 * ((block * 3 + place) % 4)) for block in range(1, blocks + 1)}
        for place, one in enumerate(seconds)
    }


def levels(*seconds: float, rest: float = 0.05) -> dict[str, Level]:
    return {str(place): Level(math.log(one), rest**2 / 4, rest**2) for place, one in enumerate(seconds)}


def test_cells_far_apart_need_few_further_runs() -> None:
    runs = further_runs(times(1.0, 3.0, 9.0), levels(1.0, 3.0, 9.0, rest=0.02), RULES, 4)
    assert runs is not None
    assert runs.shape == (FUTURES, 3)
    assert runs.mean() < 1.0


def test_equal_cells_that_scatter_go_on_to_the_last_block() -> None:
    runs = further_runs(times(5.0, 5.0, 5.0), levels(5.0, 5.0, 5.0, rest=0.15), RULES, 5)
    assert runs is not None
    assert runs.max() == RULES.last - 5
    assert runs.mean() > 10.0


def test_a_cell_that_is_certainly_slower_has_fewer_runs_than_those_that_are_close() -> None:
    runs = further_runs(times(5.0, 5.1, 15.0), levels(5.0, 5.1, 15.0), RULES, 4)
    assert runs is not None
    close, other, slow = runs.mean(0)
    assert slow < min(close, other)


def test_before_the_first_run_every_number_is_possible() -> None:
    runs = further_runs({}, levels(5.0, 5.0, 5.0, rest=0.1), RULES, 4)
    assert runs is not None
    assert 0 <= runs.min() < runs.max() <= RULES.last - 4


def test_the_same_records_give_the_same_futures() -> None:
    given = times(5.0, 6.0), levels(5.0, 6.0), RULES, 4
    first, second = further_runs(*given), further_runs(*given)
    assert (first == second).all()


@pytest.mark.parametrize(
    ("rules", "cells", "last"), [(Rules(target_ci=0.02), 2, 4), (RULES, 1000, 4), (RULES, 2, RULES.last)]
)
def test_studies_that_cannot_be_played_have_no_futures(rules: Rules, cells: int, last: int) -> None:
    assert not can_be_played(cells, rules, last)


def test_chosen_futures_are_of_both_halves() -> None:
    seconds = [float(number) for number in range(FUTURES)]
    half = FUTURES // 2
    assert chosen_of(seconds) == ([0, half], [half // 2, half + half // 2], [half - 1, FUTURES - 1])


def test_true_duration_of_adaptive_studies_lies_in_the_range() -> None:
    asked = [
        (law, spread, after) for law in ("equal", "amdahl", "usl") for spread in ("5 %", "9 %") for after in (1, 4)
    ]
    found = [one for place, case in enumerate(asked) if (one := simulate_adaptive(*case, seed=place)) is not None]
    assert sum(one.is_inside for one in found) >= 0.75 * len(found)
