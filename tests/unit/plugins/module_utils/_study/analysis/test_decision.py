# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision: it takes no cell that the runs do not support, and says what is undecided."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import decision, model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.decision import Decision, Goal

from tests.fixtures.decided import CASES, rate
from tests.fixtures.ledgers import SPEC, record, targeted, void

Times = dict[tuple[int, int], float]
ADAPTIVE = {"repeats": "auto", "margin": 0.05, "target_ci": None, "max_repeats": 20, "by_nodes": False}


def runs(times: Times, *, blocks: int = 4, spread: float = 0.01, **more: Any) -> list[dict[str, Any]]:
    """Cells (ps, workers) with a time each, in blocks that drift; each node costs 3600 an hour, so that a second costs 1."""
    made = []
    for number, ((ps, workers), seconds) in enumerate(times.items()):
        for block in range(1, blocks + 1):
            taken = seconds * (1 + 0.03 * block) * (1 + spread * math.sin(2.3 * number + 1.7 * block))
            nodes = [{"name": str(n), "machine_type": "a"} for n in range(workers)]
            spec = {**SPEC, "ps": ps, "workers": workers}
            one = record(
                spec, block, seconds=taken, provenance={"nodes": nodes, "recorded_wall": 1.8e9 + block}, **more
            )
            one["timings"]["total_seconds"] = taken
            made.append(one)
    return made


def decided(records: list[dict[str, Any]], goal: Goal | None = None, *, priced: bool = True) -> Decision:
    study = model.study_of(records, "x", prices={"a": 3600.0} if priced else {}, currency="EUR")
    [(_group, cells)] = study.groups()
    return decision.decide(cells, goal or Goal())


def codes(given: Decision) -> list[str]:
    return [reason.code for reason in given.reasons]


def label(given: Decision) -> str | None:
    return given.cell.label if given.cell else None


def test_time_takes_the_fastest_and_holds_the_others_against_it() -> None:
    given = decided(runs({(1, 1): 8.0, (1, 2): 4.0, (1, 4): 6.0}))
    assert label(given) == "ps=1 workers=2"
    assert codes(given) == [decision.FASTEST, decision.SLOWER, decision.SLOWER]


def test_time_takes_a_smaller_cell_only_if_it_is_certain_to_be_as_fast() -> None:
    certain = decided(runs({(1, 4): 4.0, (1, 2): 4.01}, spread=0.002))
    assert (label(certain), codes(certain)) == ("ps=1 workers=2", [decision.SMALLEST])
    slower = decided(runs({(1, 4): 4.0, (1, 2): 4.1}, spread=0.001))
    assert slower.comparison.slower == (slower.cell and slower.cell.cell_id,)
    assert (label(slower), codes(slower)) == ("ps=1 workers=2", [decision.SMALLEST])
    doubtful = decided(runs({(1, 4): 4.0, (1, 2): 4.1}, spread=0.05))
    assert label(doubtful) == "ps=1 workers=4"
    assert codes(doubtful) == [decision.FASTEST, decision.MAYBE_AS_FAST, decision.MORE_BLOCKS]


@pytest.mark.parametrize(("spread", "undecided"), [(0.02, False), (0.08, True)])
def test_a_larger_cell_that_may_gain_more_than_the_margin_is_undecided(spread: float, undecided: bool) -> None:
    given = decided(runs({(1, 2): 4.0, (1, 4): 4.06}, spread=spread))
    assert label(given) == "ps=1 workers=2"
    assert (decision.NOT_FASTER in codes(given), decision.MORE_BLOCKS in codes(given)) == (True, undecided)


@pytest.mark.parametrize("priced", [True, False])
def test_cost_takes_the_cheapest_or_says_that_no_price_is_known(priced: bool) -> None:
    given = decided(runs({(1, 1): 8.0, (1, 2): 4.4, (1, 4): 4.0}), Goal(kind="cost"), priced=priced)
    if not priced:
        assert (given.cell, codes(given)) == (None, [decision.NO_PRICE])
        return
    assert (label(given), given.costs and given.costs.best) == ("ps=1 workers=1", given.cell and given.cell.cell_id)
    assert codes(given) == [decision.CHEAPEST, decision.DEARER, decision.DEARER, decision.COST_OF_FASTEST]
    assert [reason.ratio and round(reason.ratio.center, 1) for reason in given.reasons[1:3]] == [1.1, 2.0]


def test_costs_have_the_margin_and_the_plots_of_their_study() -> None:
    """Cells on other nodes share the error of setting these up, which is in their interval."""
    wide = decided(runs({(1, 1): 8.0, (1, 2): 4.4}, design={**ADAPTIVE, "margin": 0.2}), Goal(kind="cost"))
    assert wide.costs
    assert wide.costs.margin == 0.2
    ends = []
    for by_nodes in (False, True):
        made = runs({(1, 1): 8.0, (1, 2): 4.4, (1, 4): 2.5}, spread=0.03, design={"by_nodes": by_nodes})
        records = [{**one, "spec": {**one["spec"], "nodes": 1 + one["spec"]["workers"] // 4}} for one in made]
        given = decided(records, Goal(kind="cost"))
        assert given.costs
        ends.append([ratio.high for ratio in given.costs.ratios.values()])
    assert ends[0] != ends[1]


def test_costs_of_an_adaptive_study_pay_for_its_looks() -> None:
    times = {(1, 1): 8.0, (1, 2): 4.4}
    fixed, adaptive = (decided(runs(times, design=design), Goal(kind="cost")) for design in ({}, ADAPTIVE))
    spans = [one.reasons[1].ratio for one in (fixed, adaptive)]
    narrow, wide = ((span.high or 0.0) / (span.low or 1.0) for span in spans if span)
    assert 1.0 < narrow < wide


@pytest.mark.parametrize(
    ("times", "spread", "taken", "expected"),
    [
        ({1: 10.0, 2: 6.0, 4: 4.0, 8: 3.9}, 0.003, 4, [decision.KNEE_LAST, decision.GAIN_BEYOND]),
        ({1: 10.0, 2: 6.0, 4: 4.0}, 0.003, 4, [decision.KNEE_LARGEST]),
        ({1: 10.0, 2: 9.8}, 0.003, 1, [decision.KNEE_FIRST, decision.GAIN_BEYOND]),
        ({1: 10.0, 2: 9.0}, 0.03, 1, [decision.KNEE_FIRST, decision.MAYBE_GAIN, decision.MORE_BLOCKS]),
        ({2: 10.0}, 0.01, 2, [decision.ALONE]),
    ],
    ids=["beyond the knee", "none yet", "no gain", "undecided", "one size"],
)
def test_knee_is_the_last_size_whose_workers_gain(
    times: dict[int, float], spread: float, taken: int, expected: list[str]
) -> None:
    given = decided(
        runs({(1, workers): seconds for workers, seconds in times.items()}, spread=spread), Goal(kind="knee")
    )
    assert (label(given), codes(given)) == (f"ps=1 workers={taken}", expected)


SIZES: Times = {(1, 1): 10.0, (1, 2): 6.0, (1, 4): 4.0}


@pytest.mark.parametrize(
    ("goal", "taken", "reasons"),
    [
        (Goal(max_seconds=7.5), 2, [decision.MEETS]),
        (Goal(max_seconds=6.5), 4, [decision.MEETS, decision.MAYBE_MEETS, decision.MORE_BLOCKS]),
        (Goal(max_seconds=3.0), None, [decision.NONE_MEETS]),
        (Goal(max_seconds=4.3), None, [decision.NONE_MEETS, decision.MAYBE_MEETS, decision.MORE_BLOCKS]),
        (Goal(kind="cost", max_seconds=7.5), 2, [decision.MEETS]),
        (Goal(max_cost=15.0), 2, [decision.MEETS]),
        (Goal(max_cost=15.0, max_seconds=20.0), 1, [decision.MEETS]),
        (Goal(max_cost=1.0), None, [decision.NONE_MEETS]),
    ],
)
def test_limits_are_kept_with_certainty(goal: Goal, taken: int | None, reasons: list[str]) -> None:
    given = decided(runs(SIZES), goal)
    assert (label(given), codes(given)) == (taken and f"ps=1 workers={taken}", reasons)


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([void(SPEC, 1, "killed")], decision.ALL_VOID),
        (runs({(1, 1): 4.0, (1, 2): 3.0}, blocks=2), decision.TOO_FEW_RUNS),
    ],
)
@pytest.mark.parametrize("goal", [Goal(), Goal(kind="cost"), Goal(kind="knee"), Goal(max_seconds=9.0)])
def test_too_little_decides_nothing(records: list[dict[str, Any]], reason: str, goal: Goal) -> None:
    given = decided(records, goal)
    assert (given.cell, codes(given)) == (None, [reason])


def test_a_cell_alone_is_taken_but_a_variant_is_for_the_gate() -> None:
    assert codes(decided(runs({(1, 1): 4.0}))) == [decision.FASTEST, decision.ALONE]
    variant = [{**one, "spec": {**one["spec"], "variant": "after"}} for one in runs({(1, 1): 4.0})]
    assert codes(decided(variant)) == [decision.FASTEST]


def missing(workers: int, seconds: float, *, missed: int) -> list[dict[str, Any]]:
    """Runs to a target accuracy, of which the first `missed` do not reach it."""
    spec = {**SPEC, "workers": workers}
    steps = [None if block <= missed else 1500 for block in range(1, 7)]
    return [targeted(spec, block, seconds=seconds + 0.01 * block, steps=of) for block, of in enumerate(steps, 1)]


@pytest.mark.parametrize("goal", [Goal(), Goal(kind="knee"), Goal(max_seconds=9.0)])
def test_a_cell_that_may_miss_the_target_accuracy_is_never_taken(goal: Goal) -> None:
    given = decided([*missing(1, 4.0, missed=0), *missing(2, 2.0, missed=2)], goal)
    assert label(given) == "ps=1 workers=1"
    assert codes(given)[-1] == decision.UNREACHED
    nobody = decided([*missing(1, 4.0, missed=1), *missing(2, 2.0, missed=2)], goal)
    assert (nobody.cell, codes(nobody)) == (None, [decision.NONE_REACHED, decision.UNREACHED, decision.UNREACHED])


@pytest.mark.parametrize(
    ("counts", "expected"), [({"nodes": 3, "ps": 1, "workers": 4}, (3, 5, 4)), ({"ps": 2, "workers": 1}, (0, 3, 1))]
)
def test_replicas_counts_nodes_first(counts: dict[str, int], expected: tuple[int, ...]) -> None:
    assert decision.replicas(model.Cell("x", counts, "x", (), {})) == expected


@pytest.mark.parametrize("case", CASES)
def test_claim_that_is_not_so_is_made_by_few_decisions(case: str) -> None:
    """benchmarks/decision_simulation.py has 2000 studies a row; of 150 a share of 5 % has a standard error of 1.8 %."""
    assert rate(case, 5, 0.05, 150) <= 0.09


def test_claim_that_is_so_is_made_by_most_decisions() -> None:
    """What guards the rates above: decisions that never claim anything would keep them."""
    assert rate("takes at most 4 s, but the median is 4 s", 5, 0.02, 30, shorter=0.85) >= 0.9
