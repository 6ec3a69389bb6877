# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs a study has, in which order, and which are still to be carried out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.blocks import (
    Cell,
    Design,
    blocks_again,
    cells_of,
    order_of,
    plan_of,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.design.cell import cell_id, run_id
from ansible_collections.tfscale.study.plugins.module_utils._study.records.history import History
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.ledgers import SPEC

FIXED = {key: value for key, value in SPEC.items() if key not in ("nodes", "ps", "workers")}


def space(ps: tuple[int, ...] = (1,), workers: tuple[int, ...] = (1, 2, 4)) -> list[Cell]:
    return cells_of([{"nodes": [1], "ps": list(ps), "workers": list(workers)}], FIXED)


def record(cell: Cell, block: int, verdict: str = "valid", attempt: int = 1, *reasons: str) -> dict[str, Any]:
    return {
        "run_id": run_id(cell.cell_id, block),
        "cell_id": cell.cell_id,
        "block": block,
        "attempt": attempt,
        "verdict": {"verdict": verdict, "reasons": list(reasons)},
    }


def design(blocks: int = 2, attempts: int = 2, seed: int = 1) -> Design:
    return Design(blocks=blocks, attempts=attempts, seed=seed)


def ids(records: list[dict[str, Any]], cells: list[Cell], rules: Design) -> list[str]:
    plan = plan_of(cells, History.of(records), rules)
    return [run_id(run.cell.cell_id, run.block) for run in plan.next_block]


def test_cells_of_is_the_union_of_products_without_repetition() -> None:
    products = [
        {"nodes": [1], "ps": [2], "workers": [1, 2, 4]},
        {"nodes": [1], "ps": [1, 2, 3], "workers": [4]},
    ]
    cells = cells_of(products, FIXED)
    assert [cell.label for cell in cells] == [
        "ps=2 workers=1",
        "ps=2 workers=2",
        "ps=2 workers=4",
        "ps=1 workers=4",
        "ps=3 workers=4",
    ]


def test_cells_of_puts_the_axes_into_the_specification() -> None:
    cell = cells_of([{"nodes": [1], "ps": [2], "workers": [4], "strategies": ["sync_ps"]}], FIXED)[0]
    assert cell.spec == {**SPEC, "nodes": 1, "ps": 2, "workers": 4, "strategy": "sync_ps"}
    assert cell.cell_id == cell_id(cell.spec)


def test_cells_of_without_an_axis_keeps_what_is_fixed() -> None:
    assert cells_of([{"ps": [1], "workers": [1]}], {"nodes": 7})[0].spec == {"nodes": 7, "ps": 1, "workers": 1}


@pytest.mark.parametrize(
    ("axes", "label"),
    [
        ({"nodes": [1], "ps": [1], "workers": [2]}, "ps=1 workers=2"),
        ({"nodes": [1, 2], "ps": [1], "workers": [2]}, "nodes=1 ps=1 workers=2"),
        ({"ps": [1], "workers": [2], "strategies": ["async_ps", "sync_ps"]}, "strategy=async_ps ps=1 workers=2"),
    ],
)
def test_cells_of_label_names_what_varies(axes: dict[str, Any], label: str) -> None:
    assert cells_of([axes], FIXED)[0].label == label


def test_cells_of_variants_are_cells_of_their_own() -> None:
    axes = [{"nodes": [1], "ps": [1], "workers": [1, 2]}]
    cells = cells_of(axes, FIXED, {"before": {}, "after": {"batch_size": 40}})
    assert [cell.label for cell in cells] == [
        "variant=before ps=1 workers=1",
        "variant=after ps=1 workers=1",
        "variant=before ps=1 workers=2",
        "variant=after ps=1 workers=2",
    ]
    assert cells[1].spec == {**SPEC, "variant": "after", "batch_size": 40}
    assert len({cell.cell_id for cell in cells} | {cell.cell_id for cell in cells_of(axes, FIXED)}) == 6


def test_cells_of_equal_variants_are_two_cells() -> None:
    """A gate is tried with two that do not differ."""
    one, other = cells_of([{"ps": [1], "workers": [1]}], FIXED, {"before": {}, "after": {}})
    assert one.cell_id != other.cell_id


def test_cells_of_variants_win_over_the_axes() -> None:
    cells = cells_of([{"ps": [1], "workers": [2]}], FIXED, {"before": {}, "after": {"workers": 4}})
    assert [cell.label for cell in cells] == ["variant=before ps=1 workers=2", "variant=after ps=1 workers=4"]


def test_cells_of_another_framework_have_no_strategy_of_our_trainer() -> None:
    jax = {"framework": "jax", "ps": 0, "command": "exec train.py"}
    cells = cells_of([{"ps": [1], "workers": [2]}], FIXED, {"mirrored": {"strategy": "mirrored"}, "jax": jax})
    assert [cell.label for cell in cells] == [
        "variant=mirrored strategy=mirrored ps=0 workers=2",
        "variant=jax ps=0 workers=2",
    ]
    assert cells[1].spec.keys().isdisjoint({"strategy", "preset"})


def test_cells_of_one_variant_has_nothing_to_say_of_it() -> None:
    assert cells_of([{"ps": [1], "workers": [2]}], FIXED, {"only": {}})[0].label == "ps=1 workers=2"


def test_plan_of_variants_interleaves_them_by_blocks() -> None:
    cells = cells_of([{"ps": [1], "workers": [1]}], FIXED, {"before": {}, "after": {}})
    plan = plan_of(cells, History(), design(blocks=30))
    order = [str(run.cell.spec["variant"]) for run in plan.missing]
    pairs = list(zip(order[::2], order[1::2], strict=True))
    assert {frozenset(pair) for pair in pairs} == {frozenset({"before", "after"})}
    assert {first for first, _second in pairs} == {"before", "after"}


def test_order_of_is_a_permutation_that_the_seed_and_block_decide() -> None:
    cells = space(ps=(1, 2), workers=(1, 2, 3, 4))
    order = order_of(cells, seed=1, block=1)
    assert order == order_of(cells, seed=1, block=1)
    assert sorted(cell.label for cell in order) == sorted(cell.label for cell in cells)
    assert order != order_of(cells, seed=1, block=2)
    assert order != order_of(cells, seed=2, block=1)


def test_order_of_is_the_same_in_every_version() -> None:
    """A study that an earlier version began must go on in the order in which it began."""
    cells = space(workers=(1, 2, 3, 4, 5))
    assert [cell.spec["workers"] for cell in order_of(cells, seed=1, block=1)] == ORDER_OF_SEED_1_BLOCK_1


ORDER_OF_SEED_1_BLOCK_1 = [3, 1, 4, 5, 2]


def test_order_of_leaves_the_cells_alone() -> None:
    cells = space()
    before = list(cells)
    order_of(cells, seed=3, block=1)
    assert cells == before


def test_order_of_by_nodes_keeps_each_number_together_and_draws_their_order() -> None:
    cells = cells_of([{"nodes": [1, 2, 3], "ps": [1], "workers": [1, 2, 4]}], FIXED)
    orders = set()
    for block in range(1, 30):
        order = order_of(cells, seed=1, block=block, by_nodes=True)
        assert sorted(map(str, order)) == sorted(map(str, cells))
        nodes = [cell.spec["nodes"] for cell in order]
        assert [nodes[0], nodes[3], nodes[6]] == [*dict.fromkeys(nodes)]
        orders.add((nodes[0], nodes[3], nodes[6]))
    assert len(orders) == 6


def test_plan_of_an_empty_ledger_is_everything() -> None:
    cells = space()
    plan = plan_of(cells, History(), design(blocks=3))
    assert (plan.runs, plan.done, plan.given_up, len(plan.missing), plan.failed) == (9, 0, 0, 9, {})
    assert [run.number for run in plan.missing] == list(range(1, 10))
    assert [run.block for run in plan.missing] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert {run.attempt for run in plan.missing} == {1}
    assert [run.cell for run in plan.next_block] == order_of(cells, seed=1, block=1)


def test_plan_of_next_block_is_what_the_lowest_block_misses() -> None:
    cells = space()
    first, second, third = order_of(cells, seed=1, block=1)
    done = [record(first, 1), record(third, 1, "suspect"), record(second, 2)]
    assert ids(done, cells, design()) == [run_id(second.cell_id, 1)]
    done.append(record(second, 1))
    assert ids(done, cells, design()) == [
        run_id(cell.cell_id, 2) for cell in order_of(cells, seed=1, block=2) if cell != second
    ]


def test_plan_of_complete_study_is_empty() -> None:
    cells = space()
    plan = plan_of(cells, History.of([record(cell, block) for cell in cells for block in (1, 2)]), design())
    assert (plan.done, plan.missing, plan.next_block, plan.failed) == (6, [], [], {})


def test_plan_of_void_run_is_run_again() -> None:
    cells = space()
    plan = plan_of(cells, History.of([record(cells[0], 1, "void", 1, "killed")]), design())
    again = next(run for run in plan.missing if run.cell == cells[0])
    assert (again.block, again.attempt) == (1, 2)
    assert plan.failed == {}


def test_plan_of_void_run_without_attempts_names_the_cell() -> None:
    cells = space()
    records = [record(cells[0], 1, "void", 1, "killed"), record(cells[0], 1, "void", 2, "no memory", "late")]
    plan = plan_of(cells, History.of(records), design())
    assert plan.failed == {cells[0].cell_id: (cells[0], "no memory; late")}
    assert plan.given_up == 1
    assert (run_id(cells[0].cell_id, 1)) not in [run_id(run.cell.cell_id, run.block) for run in plan.missing]
    assert [run.block for run in plan.missing if run.cell == cells[0]] == [2]


def test_plan_of_second_attempt_that_counts_is_done() -> None:
    cells = space(workers=(1,))
    records = [record(cells[0], 1, "void", 1, "killed"), record(cells[0], 1, "valid", 2)]
    plan = plan_of(cells, History.of(records), design(blocks=1))
    assert (plan.done, plan.missing, plan.failed) == (1, [], {})


def test_plan_of_more_attempts_brings_a_failed_cell_back() -> None:
    cells = space(workers=(1,))
    history = History.of([record(cells[0], 1, "void", attempt, "killed") for attempt in (1, 2)])
    assert plan_of(cells, history, design(blocks=1, attempts=2)).failed
    assert [run.attempt for run in plan_of(cells, history, design(blocks=1, attempts=3)).missing] == [3]


def test_plan_of_ignores_cells_of_another_study() -> None:
    other = space(workers=(9,))
    plan = plan_of(space(), History.of([record(other[0], 1)]), design())
    assert (plan.runs, plan.done) == (6, 0)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"run_id": None, "verdict": None},
        {"run_id": "x-1", "cell_id": "x", "block": "1", "attempt": -3, "verdict": "valid"},
        {"run_id": "x-1", "cell_id": "x", "block": True, "attempt": 2.5, "verdict": {"verdict": 1, "reasons": None}},
        {
            "run_id": "x-1",
            "cell_id": "x",
            "block": 1,
            "attempt": 1,
            "verdict": {"verdict": "void", "reasons": 3},
            "spec": {},
        },
    ],
)
def test_history_of_odd_records_counts_them_for_nothing(odd: dict[str, Any]) -> None:
    history = History.of([odd])
    assert history.done == set()
    assert list(history.attempts.values()) == [1]
    reasons = list(history.reasons.values())
    assert len(reasons) == 1
    assert "no usable" in reasons[0]


@pytest.mark.parametrize(
    ("recorded", "blocks"),
    [
        ([], 1),  # nothing yet: the study itself comes first
        ([("valid", 1)], 2),
        ([("valid", 1), ("valid", 2)], 3),
        ([("valid", 1), ("void", 2)], 2),  # block 2 has an attempt left
        ([("void", 1)], 1),
    ],
)
def test_blocks_again_adds_one_to_a_complete_study(recorded: list[tuple[str, int]], blocks: int) -> None:
    cells = space(workers=(1,))
    history = History.of([record(cells[0], block, verdict) for verdict, block in recorded])
    assert blocks_again(cells, history, design(blocks=1)) == blocks


def test_blocks_again_goes_on_after_a_run_that_failed() -> None:
    cells = space(workers=(1,))
    history = History.of([record(cells[0], 1, "void", attempt) for attempt in (1, 2)])
    assert blocks_again(cells, history, design(blocks=1)) == 2


@settings(max_examples=60)
@given(
    workers=st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True),
    blocks=st.integers(1, 3),
    attempts=st.integers(1, 3),
    seed=st.integers(0, 5),
    data=st.data(),
)
def test_plan_of_ends_and_carries_out_every_run_once(
    workers: list[int], blocks: int, attempts: int, seed: int, data: st.DataObject
) -> None:
    """Whatever the verdicts: asked again and again, the planner comes to an end and no run has two records that count."""
    cells, rules = space(workers=tuple(workers)), design(blocks, attempts, seed)
    records: list[dict[str, Any]] = []
    for _pass in range(blocks * attempts + 1):
        plan = plan_of(cells, History.of(records), rules)
        assert plan.done + plan.given_up + len(plan.missing) == plan.runs
        for run in plan.next_block:
            verdict = data.draw(st.sampled_from(["valid", "suspect", "void"]))
            records.append(record(run.cell, run.block, verdict, run.attempt))
    assert plan.missing == []
    counted = [one["run_id"] for one in records if one["verdict"]["verdict"] != "void"]
    assert len(counted) == len(set(counted)) == plan.done
    assert len(records) == len({(one["run_id"], one["attempt"]) for one in records})
    assert bool(plan.failed) == (plan.done < plan.runs)
