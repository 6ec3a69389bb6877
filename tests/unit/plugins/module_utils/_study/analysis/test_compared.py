# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison follows the design that the records tell."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import compared, model
from ansible_collections.tfscale.study.plugins.module_utils._study.design.adaptive_blocks import standing_of
from ansible_collections.tfscale.study.plugins.module_utils._study.design.blocks import Design, cells_of
from ansible_collections.tfscale.study.plugins.module_utils._study.records.history import History
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import times_of
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.adaptive import Rules, decide
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.comparison import compare_with_best

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, void

DESIGN = {"repeats": "auto", "margin": 0.05, "target_ci": None, "max_repeats": 20, "by_nodes": False}


def cells(
    design: dict[str, Any] | None, seconds: tuple[float, ...] = (1.0, 1.02, 1.6), blocks: int = 20
) -> list[model.Cell]:
    """As an adaptive study leaves them: closed cells have no further runs."""
    draw, rules, records = random.Random(2), Rules(), []
    have: dict[str, dict[int, float]] = {str(number): {} for number in range(len(seconds))}
    for block in range(1, blocks + 1):
        for name in decide(have, rules).open:
            have[name][block] = seconds[int(name)] * math.exp(draw.gauss(0, 0.02))
            made = record({**SPEC, "workers": int(name) + 1}, block, seconds=have[name][block])
            records.append({**made, "design": design} if design else made)
    return list(model.study_of(records, "x").cells)


def test_an_adaptive_study_has_the_intervals_by_which_its_cells_were_told() -> None:
    found = cells(DESIGN)
    times = {cell.cell_id: cell.by_block() for cell in found}
    comparison, decision = compared.compare(found), decide(times, Rules())
    assert comparison.best == decision.leader
    assert comparison.ratios == {
        name: state.ratio for name, state in decision.states.items() if name != decision.leader
    }
    slow = found[2].cell_id
    assert comparison.slower == (slow,)
    assert comparison.ratios[slow].n == decision.states[slow].block < len(found[0].runs)


@pytest.mark.parametrize(
    "change",
    [{"repeats": 20}, {"margin": 0.0}, {"margin": "wide"}, {"max_repeats": 2}, {"max_repeats": None}],
    ids=str,
)
def test_a_design_that_is_not_adaptive_or_damaged_is_compared_at_once(change: dict[str, Any]) -> None:
    found = cells({**DESIGN, **change})
    assert compared.compare(found) == compare_with_best({cell.cell_id: cell.by_block() for cell in found})


def test_cell_with_a_censored_run_is_not_compared_and_has_a_lower_bound() -> None:
    by_workers = {cell.spec["workers"]: cell for cell in model.study_of(ledgers.to_accuracy(8), "x").cells}
    comparison = compared.compare(list(by_workers.values()))
    assert comparison.best == by_workers[2].cell_id
    assert comparison.slower == (by_workers[4].cell_id, by_workers[1].cell_id)
    eight = by_workers[8]
    assert (len(eight.measured), len(eight.censored)) == (8, 4)
    told = (*comparison.ratios, *comparison.tied, *comparison.slower, *comparison.unknown, *comparison.within)
    assert eight.cell_id not in told
    bound = comparison.censored[eight.cell_id]
    assert bound is not None
    assert 1.2 < bound < 3.6 / 2.6


def test_cell_that_is_quick_but_seldom_there_is_never_the_fastest() -> None:
    records = [ledgers.targeted({**SPEC, "workers": 1}, block, seconds=4.0 + 0.1 * block) for block in range(1, 7)]
    quick = {**SPEC, "workers": 2}
    records += [ledgers.targeted(quick, block, seconds=1.0 + 0.01 * block, steps=None) for block in range(1, 7)]
    one, two = model.study_of(records, "x").cells
    comparison = compared.compare([one, two])
    assert (comparison.best, comparison.ratios) == (one.cell_id, {})
    assert comparison.censored == {two.cell_id: None}


def test_target_that_no_cell_always_reaches_leaves_nothing_to_compare() -> None:
    records = [
        ledgers.targeted({**SPEC, "workers": n}, block, seconds=4.0, steps=None if block == n else 1500)
        for block in range(1, 6)
        for n in (1, 2)
    ]
    cells_of_it = model.study_of(records, "x").cells
    comparison = compared.compare(cells_of_it)
    assert (comparison.best, comparison.ratios) == ("", {})
    assert comparison.censored == dict.fromkeys(cell.cell_id for cell in cells_of_it)


def test_cells_with_and_without_a_target_share_no_group() -> None:
    records = [record({**SPEC, "workers": 1}, 1, seconds=4.0), ledgers.targeted({**SPEC, "workers": 1}, 1, seconds=2.0)]
    records.append(ledgers.targeted({**SPEC, "workers": 1}, 1, seconds=2.0, target=0.9))
    assert len(model.study_of(records, "x").groups()) == 3


def test_records_without_a_design_are_compared_at_once() -> None:
    found = cells(None)
    assert compared.compare(found) == compare_with_best({cell.cell_id: cell.by_block() for cell in found})


def test_few_blocks_of_an_adaptive_study_are_compared_at_once() -> None:
    found = cells(DESIGN, blocks=3)
    assert compared.compare(found).slower == (found[2].cell_id,)


def test_a_block_in_which_a_cell_failed_does_not_hide_the_later_ones() -> None:
    records = []
    for block in range(1, 9):
        for workers, seconds in ((1, 1.0), (2, 2.0)):
            spec = {**SPEC, "workers": workers}
            made = void(spec, block, "killed") if (workers, block) == (2, 2) else record(spec, block, seconds=seconds)
            records.append({**made, "design": DESIGN})
    found = list(model.study_of(records, "x").cells)
    assert compared.compare(found).slower == (found[1].cell_id,)


@pytest.mark.parametrize("lost", [{5, 6}, {4, 5, 6}, {6}, {2}, set()], ids=str)
@pytest.mark.parametrize("tries", [1, 2])
def test_a_report_decides_as_the_plan_did(lost: set[int], tries: int) -> None:
    """The last cell fails in some blocks, `tries` times of two; one that failed in two in a row is left out from then on."""
    records: list[dict[str, Any]] = []
    draw, space = random.Random(5), cells_of([{"ps": [1], "workers": [1, 2, 4, 8]}], SPEC)
    design = Design(blocks=20, attempts=2, seed=1, adaptive=Rules())
    seconds = (1.0, 1.05, 1.6, 1.04)
    for block in range(1, 8):
        standing = standing_of(space, History.of(records), times_of(records), design)
        for number, cell in enumerate(space):
            if cell.cell_id not in standing.open:
                continue
            spec, time = dict(cell.spec), seconds[number] * math.exp(draw.gauss(0, 0.03))
            fails = number == 3 and block in lost
            made = (
                [void(spec, block, "killed") for _try in range(tries)] if fails else [record(spec, block, seconds=time)]
            )
            records += [{**one, "attempt": at, "design": design.facts} for at, one in enumerate(made, 1)]
    (decision,) = standing_of(space, History.of(records), times_of(records), design).decisions
    comparison = compared.compare(model.study_of(records, "x").cells)
    if decision.leader:
        assert comparison.best == decision.leader
        assert comparison.ratios == {
            name: state.ratio for name, state in decision.states.items() if state.ratio and name != decision.leader
        }
    else:
        # The plan waits for a run that is to be repeated.
        assert (tries, bool(lost & {2, 4})) == (1, True)
        assert comparison == compare_with_best(times_of(records))


def test_cells_of_different_numbers_of_nodes_are_compared_by_whole_plots() -> None:
    plot = {1: 0.3, 2: -0.3, 3: 0.1, 4: -0.2, 5: 0.2}
    records = [
        {
            **record(
                {**SPEC, "nodes": nodes, "workers": workers},
                block,
                seconds=math.exp(shift * (nodes - 1) + 0.01 * workers * block % 3),
            ),
            "design": {"repeats": 5, "by_nodes": by_nodes},
        }
        for by_nodes in (True,)
        for block, shift in plot.items()
        for nodes in (1, 2)
        for workers in (1, 2)
    ]
    found = list(model.study_of(records, "x").cells)
    times = {cell.cell_id: cell.by_block() for cell in found}
    nodes = {cell.cell_id: cell.spec["nodes"] for cell in found}
    assert compared.compare(found) == compare_with_best(times, plots=nodes) != compare_with_best(times)
