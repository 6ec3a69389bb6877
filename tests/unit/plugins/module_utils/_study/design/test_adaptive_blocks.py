# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cells an adaptive block holds, and what is told of them; test_planner.py has whole studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design import adaptive_blocks
from ansible_collections.tfscale.study.plugins.module_utils._study.design.blocks import Cell, Design, cells_of
from ansible_collections.tfscale.study.plugins.module_utils._study.records.history import History
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import times_of
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.adaptive import Rules
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.sequential import FIRST

from tests.fixtures import ledgers
from tests.fixtures.planted import FIXED, Planted, flat

DESIGN = Design(blocks=20, attempts=2, seed=1, adaptive=Rules())


def space(ps: tuple[int, ...] = (1,), workers: tuple[int, ...] = (1, 2, 4)) -> list[Cell]:
    return cells_of([{"nodes": [1], "ps": list(ps), "workers": list(workers)}], FIXED)


def standing_of(cells: list[Cell], records: list[dict[str, Any]]) -> adaptive_blocks.Standing:
    times = times_of(records)
    return adaptive_blocks.standing_of(cells, History.of(records), times, DESIGN)


def records_of(cells: list[Cell], seconds: dict[str, float], blocks: int = FIRST) -> list[dict[str, Any]]:
    """Blocks with one percent of spread; `seconds` by label."""
    return [
        ledgers.record(dict(cell.spec), block, seconds=seconds[cell.label] * (1 + 0.01 * ((block + number) % 3)))
        for block in range(1, blocks + 1)
        for number, cell in enumerate(cells)
    ]


def test_times_of_are_those_of_measured_runs_by_block() -> None:
    one = ledgers.record(dict(space()[0].spec), 1, seconds=4.0)
    void, unknown = ledgers.void(one["spec"], 2, "killed"), {**one, "block": 3, "run_id": "x-3", "timings": {}}
    again = {**one, "attempt": 2, "timings": {"train_seconds": 5.0}}
    assert times_of([one, void, unknown, again]) == {one["cell_id"]: {1: 5.0}}


def with_target(records: list[dict[str, Any]], missed: dict[int, tuple[int, ...]]) -> list[dict[str, Any]]:
    """The same runs to the accuracy 0.95; `missed` are blocks, by workers, in which it was not reached."""
    return [
        ledgers.targeted(
            one["spec"],
            one["block"],
            seconds=one["timings"]["train_seconds"],
            steps=None if one["block"] in missed.get(one["spec"]["workers"], ()) else 1500,
        )
        for one in records
    ]


TARGETED = {"target_accuracy": 0.95, "eval_every": 100}


@pytest.mark.parametrize(
    ("blocks", "missed", "next_block", "stopped"),
    [
        # It takes part in the first blocks, because how often it gets there is a result.
        (2, {4: (1,)}, {3: {1, 2, 4}}, {}),
        (4, {4: (1, 3)}, {5: {1, 2}}, {4: "did not reach the accuracy 0.95 within 2000 steps in 2 of 4 blocks"}),
        # All that is left is one cell, and nothing to compare it with.
        (4, {2: (2,), 4: (1, 2, 3, 4)}, {}, {1: "no other cell to compare it with", 2: "in 1 of 4", 4: "in 4 of 4"}),
        (4, {1: (1,), 2: (2,), 4: (4,)}, {}, {1: "in 1 of 4 blocks", 2: "in 1 of 4", 4: "in 1 of 4"}),
    ],
)
def test_cell_that_misses_its_target_is_closed_after_the_first_blocks(
    blocks: int, missed: dict[int, tuple[int, ...]], next_block: dict[int, set[int]], stopped: dict[int, str]
) -> None:
    cells = cells_of([{"nodes": [1], "ps": [1], "workers": [1, 2, 4]}], {**FIXED, **TARGETED})
    # The two smaller ones cannot be told from each other.
    noisy = {cell.label: 4.0 for cell in cells}
    records = records_of(
        [cell._replace(spec={k: v for k, v in cell.spec.items() if k not in TARGETED}) for cell in cells], noisy, blocks
    )
    for one in records:
        one["timings"]["train_seconds"] *= 1 + 0.2 * ((one["block"] + one["spec"]["workers"]) % 2)
    history = History.of(with_target(records, missed))
    standing = adaptive_blocks.standing_of(cells, history, times_of(with_target(records, missed)), DESIGN)
    plan = adaptive_blocks.adaptive_plan(cells, history, standing, DESIGN)
    found: dict[int, set[int]] = {}
    for run in plan.next_block:
        found.setdefault(run.block, set()).add(run.cell.spec["workers"])
    assert found == next_block
    assert plan.failed == {}
    told = {stop.cell.spec["workers"]: stop.reason for stop in adaptive_blocks.stops(standing, history)}
    assert told.keys() == stopped.keys()
    assert all(words in told[workers] for workers, words in stopped.items())


@pytest.mark.parametrize(
    ("fast", "words"),
    [
        (["ps=1 workers=2", "ps=1 workers=4"], "2 of 6 cells open: 2 and 4 workers with ps=1"),
        (["ps=1 workers=1", "ps=2 workers=4"], "2 of 6 cells open: 1 worker with ps=1; 4 workers with ps=2"),
    ],
)
def test_open_in_words_groups_the_cells(fast: list[str], words: str) -> None:
    cells = space(ps=(1, 2))
    # Too much spread between the fast ones for a decision, none between them and the others.
    seconds = {cell.label: 4.0 if cell.label in fast else 40.0 for cell in cells}
    records = records_of(cells, seconds)
    for one in records:
        if one["timings"]["train_seconds"] < 10:
            one["timings"]["train_seconds"] *= 1 + 0.1 * ((one["block"] + one["spec"]["workers"]) % 2)
    assert standing_of(cells, records).open_in_words == words


def test_open_in_words_counts_what_it_does_not_name() -> None:
    cells = space(ps=(1, 2, 3, 4, 5), workers=(1, 2))
    slow = {cell.label: 40.0 if cell.label == "ps=5 workers=2" else 4.0 for cell in cells}
    records = records_of(cells, slow)
    for one in records:
        one["timings"]["train_seconds"] *= 1 + 0.2 * ((one["block"] + one["spec"]["workers"] + one["spec"]["ps"]) % 2)
    told = standing_of(cells, records).open_in_words
    assert told.startswith("9 of 10 cells open: 1 and 2 workers with ps=1; ")
    assert told.endswith("; 3 more")


def test_open_in_words_of_all_cells_names_none() -> None:
    assert standing_of(space(), []).open_in_words == "all 3 cells open"


def test_stops_tell_the_cells_of_the_last_block_alone() -> None:
    cells = space()
    records = records_of(cells, {"ps=1 workers=1": 40.0, "ps=1 workers=2": 8.0, "ps=1 workers=4": 4.0})
    standing = standing_of(cells, records)
    found = {
        stop.cell.label: (stop.block, stop.reason) for stop in adaptive_blocks.stops(standing, History.of(records))
    }
    assert {label: block for label, (block, _reason) in found.items()} == dict.fromkeys(found, FIRST)
    assert found["ps=1 workers=4"][1] == "the fastest"
    assert "times as long (" in found["ps=1 workers=1"][1]
    assert adaptive_blocks.stops(standing_of(cells, []), History.of([])) == []


def test_cells_that_are_added_later_run_the_first_blocks_and_join_in_the_next_one(tmp_path: Path) -> None:
    study = Planted(tmp_path, law=flat, spread=0.05)
    study.sweep(most=18)
    more: dict[str, Any] = {"workers": "1,2,4,8"}
    blocks: dict[int, set[int]] = {}
    while (runs := study.plan(**more)["runs"]) and len(blocks) < 7:
        blocks[runs[0]["block"]] = {run["spec"]["workers"] for run in runs}
        for run in runs:
            study.record(run)
    assert {block: blocks[block] for block in range(1, FIRST + 1)} == {block: {8} for block in range(1, FIRST + 1)}
    assert min(block for block in blocks if block > FIRST) == 7
    assert 8 in blocks[7]
    assert len(blocks[7]) > 1


def test_clusters_that_share_a_ledger_have_plans_of_their_own(tmp_path: Path) -> None:
    """Cells of one cluster are not compared with those of another, whose runs come in between."""
    east, west, alone = (
        Planted(tmp_path / folder, spread=0.05, params={"spec": {**FIXED, "cluster": cluster}})
        for folder, cluster in (("both", "east"), ("both", "west"), ("alone", "east"))
    )
    expected = [run["run_id"] for run in alone.sweep()]
    found = []
    while runs := east.plan()["runs"]:
        for run in runs:
            east.record(run)
            found.append(run["run_id"])
        west.sweep(most=2)
    assert found == expected
    assert east.plan()["counts"]["cells"] == 3


def test_a_design_with_a_fixed_number_of_blocks_has_no_standing() -> None:
    with pytest.raises(ValueError, match="no rules"):
        adaptive_blocks.standing_of(space(), History(), {}, Design(blocks=3, attempts=2, seed=1))
