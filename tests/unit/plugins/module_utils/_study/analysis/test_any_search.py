# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches over arbitrary times, limits and failures: they end, stay within their limits, and decide the same again."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.autosize import Search, replay
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.line_search import (
    GOALS,
    Rules,
    Size,
    golden,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.size_plan import Facts, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=25, deadline=None)

goals = st.sampled_from(GOALS)
starts = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 3))
more = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 12))
seeds = st.integers(0, 2**31)


def rules_of(goal: str, start: tuple[int, int, int], beyond: tuple[int, int, int]) -> Rules:
    most = Size(*(first + added for first, added in zip(start, beyond, strict=True)))
    return Rules(start=Size(*start), most=most, goal=goal, deadline=1.0 if goal == "deadline" else None, last=5)


def times_of(seed: int, spread: float, failing: float) -> Callable[[Size, int], float | None]:
    """Of a size in a block; None is a run that failed."""

    def seconds(size: Size, block: int) -> float | None:
        draw = random.Random(f"{seed}-{size}-{block}")
        level = random.Random(f"{seed}-{size}").uniform(0.1, 3.0)
        return None if draw.random() < failing else level * draw.lognormvariate(0.0, spread)

    return seconds


def run(
    rules: Rules, seconds: Callable[[Size, int], float | None], room: int
) -> tuple[Search, list[list[Size]], dict[tuple[Size, int], float | None]]:
    search = Search(rules, lambda size: room * size.nodes)
    blocks: list[list[Size]] = []
    known: dict[tuple[Size, int], float | None] = {}
    while asked := search.wanted():
        blocks.append(asked)
        # Any search ends; how soon is what the simulations show.
        assert len(blocks) <= 50 * rules.blocks
        told = {size: seconds(size, len(blocks)) for size in asked}
        known |= {(size, len(blocks)): one for size, one in told.items()}
        search.take(len(blocks), {size: one for size, one in told.items() if one is not None})
    return search, blocks, known


@FEW
@given(
    goals, starts, more, seeds, st.sampled_from([0.0, 0.02, 0.5]), st.sampled_from([0.0, 0.1, 0.6]), st.integers(1, 20)
)
def test_search_ends_within_its_limits(
    goal: str,
    start: tuple[int, int, int],
    beyond: tuple[int, int, int],
    seed: int,
    spread: float,
    failing: float,
    room: int,
) -> None:
    rules = rules_of(goal, start, beyond)
    search, blocks, known = run(rules, times_of(seed, spread, failing), room)
    for asked in blocks:
        assert len(set(asked)) == len(asked) > 0
        for size in asked:
            assert all(low <= value <= high for low, value, high in zip(rules.start, size, rules.most, strict=True))
            assert size.workers <= max(room * rules.most.nodes, rules.start.workers)
    taken = search.taken()
    if taken is not None:
        assert any(at == taken and one is not None for (at, _block), one in known.items())
    else:
        # The first size failed in two blocks in a row.
        assert sum(one is None for (at, _block), one in known.items() if at == rules.start) >= 2


@FEW
@given(goals, more, seeds, st.sampled_from([0.02, 0.5]), st.sampled_from([0.0, 0.3]), st.floats(0.0, 1.0))
def test_replay_asks_for_what_the_search_asked_for(
    goal: str, beyond: tuple[int, int, int], seed: int, spread: float, failing: float, part: float
) -> None:
    rules = rules_of(goal, (1, 1, 1), beyond)
    search, blocks, known = run(rules, times_of(seed, spread, failing), 1000)
    there = set(list(known)[: round(part * len(known))])
    step = replay(
        lambda size, block: known[size, block], lambda size, block: (size, block) in there, rules, lambda _: 1000
    )
    if step.asked:
        assert list(step.asked) == blocks[step.block - 1]
        assert not all((size, step.block) in there for size in step.asked)
    else:
        assert step.search.taken() == search.taken()


@FEW
@given(goals, starts, more, seeds, st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.6]), st.booleans())
def test_every_search_has_a_plan(
    goal: str,
    start: tuple[int, int, int],
    beyond: tuple[int, int, int],
    seed: int,
    spread: float,
    failing: float,
    cut_short: bool,
) -> None:
    search, _blocks, _known = run(rules_of(goal, start, beyond), times_of(seed, spread, failing), 1000)
    cells = {size: (f"{number:012}", str(size)) for number, size in enumerate(search.order)}
    found = plan_of(search, Facts(records=[], cells=cells, prices={}, room=lambda _size: None, cut_short=cut_short))
    assert [one.size for one in found.tried] == search.order
    assert (found.size is None) is (search.taken() is None)
    assert sum(one.verdict == "taken" for one in found.tried) == (found.size is not None)
    for left in found.not_tried:
        assert left.least <= left.most


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=60), st.lists(st.floats(0.01, 1.0), max_size=60))
def test_golden_finds_the_bottom_of_any_valley(falls: list[float], rises: list[float]) -> None:
    heights = [sum(falls[number:]) for number in range(len(falls))]
    heights += [0.0, *(sum(rises[: number + 1]) for number in range(len(rises)))]
    assert heights[golden(lambda at: heights[at], 0, len(heights) - 1)] == pytest.approx(0.0)
