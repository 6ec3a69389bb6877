# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A search along one axis over planted laws."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import line_search
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.line_search import (
    DeadlineLine,
    Line,
    Rules,
    Size,
    golden,
)

from tests.fixtures import sized

START = Size(1, 1, 1)


def line_of(kind: type[Line] = Line, *, limit: int = 32, first: int = 1, **rules: Any) -> Line:
    given = Rules(start=START, most=Size(1, 1, limit), **rules)
    return kind("workers", START.at("workers", first), limit, line_search.MAX, given, 0.05)


def run(line: Line, seconds: Callable[[int, int], float | None], most: int = 200) -> list[list[int]]:
    """The blocks of a whole search; a size without seconds fails."""
    blocks: list[list[int]] = []
    while asked := line.wanted():
        blocks.append(asked)
        assert len(blocks) <= most
        times = {value: one for value in asked if (one := seconds(value, len(blocks))) is not None}
        line.take(len(blocks), times, asked)
    return blocks


def exact(law: Callable[[int], float]) -> Callable[[int, int], float]:
    """A hundredth of a percent of spread: without any no interval would have a width."""
    return lambda value, block: law(value) * (1 + 1e-4 * ((7 * value + 3 * block) % 5))


@pytest.mark.parametrize("values", [(0, 0), (0, 1), (3, 40), (1, 1000), (5, 8)])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.62, 1.0])
def test_golden_finds_the_valley(values: tuple[int, int], at: float) -> None:
    low, high = values
    bottom = round(low + at * (high - low))
    asked: list[int] = []

    def score(value: int) -> float:
        asked.append(value)
        return abs(value - bottom)

    assert golden(score, low, high) == bottom
    assert len(asked) <= 5 + 2 * math.log2(max(2, high - low)) / math.log2(1.6)


def test_wanted_doubles_while_the_score_falls_and_measures_each_size_three_times() -> None:
    blocks = run(line_of(goal="time"), exact(lambda workers: 10.0 / workers))
    assert blocks[:6] == [[1, 2], [1, 2, 4], [1, 2, 4, 8], [4, 8, 16], [8, 16, 32], [16, 32]]
    assert {value: sum(value in block for block in blocks) for value in (1, 2, 4)} == {1: 3, 2: 3, 4: 3}


@pytest.mark.parametrize(
    ("goal", "law", "taken", "why"),
    [
        ("time", lambda w: 1.0 + 0.5 * w, 1, "gain"),
        ("knee", lambda w: 1.0 + 0.5 * w, 1, "gain"),
        ("time", lambda w: 4.0, 1, "gain"),
        ("time", lambda w: 10.0 / w, 32, "max"),
        # One more than 8 gains 9/8, more than 9 gains 10/9, more than 10 gains 11/10 exactly.
        ("knee", lambda w: 10.0 / w, 10, "gain"),
        ("time", lambda w: 1.0 / w + w / 64.0, 8, "gain"),
        ("time", lambda w: 1.0 / w + w / 9.0, 3, "gain"),
    ],
)
def test_line_takes_the_size_of_its_goal(goal: str, law: Callable[[int], float], taken: int, why: str) -> None:
    line = line_of(goal=goal)
    run(line, exact(law))
    best = min(range(1, 33), key=lambda value: math.log(law(value)) + line.price(value))
    assert law(line.chosen() or 0) <= 1.05 * law(taken) if goal == "time" else abs((line.chosen() or 0) - best) <= 1
    assert line.why() in (why, "undecided") if goal == "knee" else line.why() == why


def test_line_stops_for_a_step_that_gains_too_little_only_after_four_blocks_of_both() -> None:
    line = line_of(goal="time")
    run(line, exact(lambda workers: 1.0 + workers))
    [claim] = line.claims
    assert (claim.smaller, claim.larger, claim.rejected, claim.blocks) == (1, 2, 2, 4)
    assert line.tried == [1, 2]


def test_line_that_can_tell_nothing_takes_the_smallest() -> None:
    line = line_of(goal="time", limit=8)
    noise = np.random.default_rng(3)
    run(line, lambda value, _block: float(np.exp(noise.normal(0.0, 1.0)) / value**0.05))
    assert line.why() == "undecided"
    assert line.chosen() == 1
    assert len(line.undecided()) > 1


def test_line_ends_below_a_size_that_fails() -> None:
    line = line_of(goal="time")
    run(line, lambda value, block: None if value >= 8 else exact(lambda w: 10.0 / w)(value, block))
    assert (line.failed, line.why()) == ([8], "fails")
    assert 4 <= (line.chosen() or 0) < 8


def test_line_whose_first_size_fails_takes_none() -> None:
    line = line_of()
    blocks = run(line, lambda value, block: None if value == 1 else 1.0 / value)
    assert blocks == [[1, 2], [1, 2]]
    assert line.chosen() is None


def test_line_of_one_size_measures_it_three_times() -> None:
    line = line_of(limit=1)
    assert run(line, exact(lambda _workers: 4.0)) == [[1]] * 3
    assert (line.chosen(), line.why()) == (1, "max")


def test_cut_short_takes_the_smallest_that_is_not_told_apart() -> None:
    line = line_of(goal="time")
    run(line_of(goal="time"), exact(lambda w: 1.0 / w))
    for block in range(1, 4):
        asked = line.wanted()
        line.take(block, {value: 1.0 / value**0.2 * (1 + 0.1 * ((block + value) % 3)) for value in asked}, asked)
    assert line.chosen(cut_short=True) == min(line.undecided())


@pytest.mark.parametrize(
    ("deadline", "taken", "why"), [(11.0, 1, "met"), (3.5, 3, "met"), (1.0, 10, "met"), (0.05, 32, "max")]
)
def test_deadline_line_takes_the_smallest_that_ends_in_time(deadline: float, taken: int, why: str) -> None:
    line = line_of(DeadlineLine, goal="deadline", deadline=deadline)
    run(line, exact(lambda workers: 10.0 / workers))
    chosen = line.chosen() or 0
    assert line.why() == why
    # Sizes nearer than 30 % are not told apart.
    assert taken <= chosen <= max(taken + 1, 1.3 * taken)
    assert line.keeps(chosen) is (True if why == "met" else None) or why == "max"


def test_law_chooses_the_next_size_where_it_speaks() -> None:
    line = line_of(goal="time")
    truth = np.log(sized.law("usl", 24))
    noise = np.random.default_rng(1)
    run(line, lambda value, _block: float(np.exp(truth[value - 1] + noise.normal(0.0, 0.005))))
    assert line.speaking()
    between = [value for value in line.tried if value not in (1, 2, 4, 8, 16, 32)]
    # The middle would be 24 alone.
    assert between
    assert all(20 <= value <= 28 for value in between)


@pytest.mark.parametrize("goal", ["time", "knee", "cost"])
def test_search_is_the_same_from_the_same_times(goal: str) -> None:
    truth = np.log(sized.law("amdahl", 8))
    found = [sized.search(truth, 0.05, 7, goal=goal) for _again in range(2)]
    assert found[0].runs == found[1].runs
    assert found[0].taken == found[1].taken


def claims_of(seed: int, law: Mapping[int, float], spread: float) -> list[line_search.Claim]:
    truth = np.log([law[value] for value in sorted(law)])
    return sized.search(truth, spread, seed, goal="knee").search.line.claims


def test_claims_are_seldom_wrong_where_each_worker_gains_just_what_is_asked() -> None:
    law = {value: 1.1 ** -(value - 1) for value in range(1, 9)}
    wrong = sum(bool(claims_of(seed, law, 0.05)) for seed in range(20))
    assert wrong <= 3


# --- planted laws, with noise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimum", sized.OPTIMA)
@pytest.mark.parametrize("kind", ["amdahl", "usl", "queueing"])
def test_search_finds_a_time_within_five_percent_of_the_best(kind: str, optimum: int) -> None:
    """tests/benchmarks/autosize_simulation.py has the rates."""
    truth = np.log(sized.law(kind, optimum))
    found = sized.search(truth, 0.02, 5, goal="time")
    assert truth[found.taken.workers - 1] <= truth.min() + math.log(1.05)
    # A grid of all sizes in five blocks has 160 runs.
    assert len(found.runs) <= 80


@pytest.mark.parametrize(("kind", "optimum"), [("usl", 8), ("amdahl", 0), ("queueing", 3)])
def test_search_finds_the_knee_or_its_neighbour(kind: str, optimum: int) -> None:
    truth = np.log(sized.law(kind, optimum))
    knee = int((truth + math.log(1.1) * np.arange(1, len(truth) + 1)).argmin()) + 1
    found = sized.search(truth, 0.02, 5, goal="knee")
    assert abs(found.taken.workers - knee) <= 1


@pytest.mark.parametrize("deadline", [0.3, 0.35, 0.2])
def test_search_for_a_deadline_finds_a_size_that_keeps_it(deadline: float) -> None:
    """The time of 4 workers is 0.297 s: too near for any proof, so a larger size is taken."""
    truth = np.log(sized.law("usl", 24))
    found = sized.search(truth, 0.02, 5, goal="deadline", deadline=deadline)
    taken = found.taken.workers
    assert math.exp(truth[taken - 1]) <= deadline
    # Half of it does not.
    assert taken < 3 or math.exp(truth[taken // 2 - 1]) > deadline
    assert found.why == "met"


def test_levels_are_free_of_the_drift_between_blocks() -> None:
    """Sizes of different blocks, of which one is slow: their neighbours are common to both."""
    line = line_of(goal="time")
    pace = {1: 1.0, 2: 1.0, 3: 1.3, 4: 1.3}
    members = {1: (1, 2), 2: (1, 2), 3: (2, 4), 4: (2, 4)}
    line.tried = [1, 2, 4]
    for block, values in members.items():
        line.take(block, {value: 8.0 / value * pace[block] for value in values}, values)
    found = line.levels()
    apart = [found[1] - found[2], found[2] - found[4]]
    # A naive mean would make the second step 14 % short.
    assert apart == pytest.approx([math.log(2)] * 2, abs=0.08)


@pytest.mark.parametrize(
    ("goal", "nodes", "price"),
    [("time", 3, 0.0), ("knee", 3, 4 * math.log(1.1)), ("cost", 3, math.log(3)), ("cost", 1, 0.0)],
)
def test_price_of_a_size_is_that_of_its_goal(goal: str, nodes: int, price: float) -> None:
    line = line_of(goal=goal)
    line.nodes_of = lambda _value: nodes
    assert line.price(4) == pytest.approx(price)


def test_bounds_wait_for_four_common_blocks_and_shrink() -> None:
    line = line_of(goal="time")
    line.tried = [1, 2]
    noise = np.random.default_rng(2)
    widths = []
    for block in range(1, 9):
        line.take(block, {value: float(8.0 / value * np.exp(noise.normal(0, 0.05))) for value in (1, 2)}, (1, 2))
        told = line.bounds(1, 2)
        assert (told is None) is (block < 4)
        if told:
            middle, low, high = told
            assert low < middle < high
            widths.append(high - low)
    assert widths[-1] < widths[0]


def test_error_of_a_line_is_shared_by_all_claims_that_it_may_make() -> None:
    """The more sizes there may be, the wider are the bounds of each pair."""
    told = []
    for limit in (2, 32, 1000):
        line = line_of(goal="time", limit=limit)
        line.tried = [1, 2]
        for block in range(1, 5):
            values = {value: 8.0 / value * (1 + 0.01 * ((block * value) % 3)) for value in (1, 2)}
            line.seen = {**line.seen}
            line.take(block, values, (1, 2))
        found = line.bounds(1, 2)
        assert found
        told.append(found[2] - found[1])
    assert told[0] < told[1] < told[2]


def test_rules_have_blocks_for_every_search_of_the_simulation() -> None:
    for seed in range(6):
        found = sized.search(np.log(sized.law("queueing", 8)), 0.09, seed, goal="time")
        blocks = {block for runs in found.search.seen.values() for block in runs}
        assert max(blocks) <= found.search.rules.blocks


# --- deadlines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deadline", "smallest", "largest"),
    [
        # Sizes nearer than 30 % are not told apart, and a size too near to the deadline gives way to a larger one.
        (12.0, 1, 1),
        (6.0, 2, 2),
        (4.0, 3, 4),
        (2.0, 6, 8),
        (1.0, 11, 16),
        (0.5, 21, 32),
    ],
)
def test_deadline_of_work_that_workers_share(deadline: float, smallest: int, largest: int) -> None:
    line = line_of(DeadlineLine, goal="deadline", deadline=deadline)
    blocks = run(line, exact(lambda workers: 10.0 / workers))
    chosen = line.chosen() or 0
    assert smallest <= chosen <= largest
    assert line.keeps(chosen) is True
    assert line.why() == "met"
    assert len(blocks) <= line.rules.blocks


def test_deadline_that_the_first_size_keeps_ends_after_four_blocks() -> None:
    line = line_of(DeadlineLine, goal="deadline", deadline=100.0)
    blocks = run(line, exact(lambda workers: 10.0 / workers))
    assert (line.chosen(), line.why(), len(blocks)) == (1, "met", 4)


def test_deadline_that_no_size_keeps_gives_the_fastest() -> None:
    line = line_of(DeadlineLine, goal="deadline", deadline=0.01)
    run(line, exact(lambda workers: 1.0 / workers + workers / 64.0))
    chosen = line.chosen() or 0
    assert 6 <= chosen <= 10
    assert line.keeps(chosen) is False
    assert line.why() in ("gain", "undecided")
