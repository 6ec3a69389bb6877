# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptive blocks: after the first ones, a block holds only the cells on which the answer still hangs. PRIVATE, can break at any time.

The ledger alone says how a study goes on, so that one that was killed decides as if it had not been. Which cells are still open is
decided by statistics/adaptive.py; here is what follows for the runs (docs/design-of-experiments.md).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ..._common.format import counted, listed, percent
from ..analysis.model import work_of
from ..analysis.replay import HOPELESS, Replay, Times
from ..records.history import History
from ..statistics.adaptive import SLOWER, Decision, Rules, State
from ..statistics.comparison import ONE_PLOT
from ..statistics.sequential import FIRST
from ..statistics.words import slower
from .blocks import Cell, Design, Plan, plan_of
from .cell import flat, run_id

NAMED = 3  # groups of open cells in a line; more are counted


class Stop(NamedTuple):
    """A cell that the last block has closed, and why, as a person reads it."""

    cell: Cell
    block: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the ledger says of the cells of an adaptive study."""

    # Cells that are compared with each other; those of another group do other work, or elsewhere.
    groups: Sequence[Sequence[Cell]]
    decisions: Sequence[Decision]
    # By cell_id, why a cell that failed again and again is left out.
    hopeless: Mapping[str, str]
    # By cell_id, what is said of a cell of which some run did not reach the target accuracy: it is not compared.
    censored: Mapping[str, str]
    # The last block in which any cell has run; 0 before the first.
    top: int
    rules: Rules

    @cached_property
    def open(self) -> frozenset[str]:
        return frozenset(cell_id for decision in self.decisions for cell_id in decision.open)

    @property
    def open_in_words(self) -> str:
        """`2 of 6 cells open: 2 and 4 workers with ps=1`."""
        cells = [cell for group in self.groups for cell in group]
        going = [cell for cell in cells if cell.cell_id in self.open]
        if len(going) == len(cells):
            return f"{'all ' if len(cells) > 1 else ''}{counted(len(cells), 'cell')} open"
        by_rest: dict[str, list[int]] = {}
        for cell in going:
            by_rest.setdefault(cell.label.rpartition(" workers=")[0], []).append(int(cell.spec["workers"]))
        named = [f"{_workers(numbers)} with {rest}" for rest, numbers in list(by_rest.items())[:NAMED]]
        others = sum(map(len, list(by_rest.values())[NAMED:]))
        named += [f"{others} more"] if others else []
        return f"{len(going)} of {counted(len(cells), 'cell')} open: {'; '.join(named)}"


def standing_of(cells: Sequence[Cell], history: History, times: Times, design: Design) -> Standing:
    if design.adaptive is None:
        raise ValueError("a design with a fixed number of blocks has no rules by which a cell is closed")
    found: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(work_of(flat(cell.spec)), []).append(cell)
    top = history.top(cell.cell_id for cell in cells)
    replay = Replay(history=history, times=times, kept=times, rules=design.adaptive, attempts=design.attempts, top=top)
    censored = {cell.cell_id: why for cell in cells if (why := _unreached(cell, history))}
    hopeless = {cell.cell_id: why for cell in cells if (why := replay.hopeless(cell.cell_id))}
    going = [[cell.cell_id for cell in group if cell.cell_id not in censored] for group in found.values()]
    plots = {cell.cell_id: cell.spec.get("nodes") for cell in cells} if design.by_nodes else ONE_PLOT
    decisions = [replay.decision(group, plots) for group in going]
    return Standing(
        groups=list(found.values()),
        decisions=decisions,
        hopeless={cell_id: why for cell_id, why in hopeless.items() if cell_id not in censored},
        censored=censored,
        top=top,
        rules=design.adaptive,
    )


def _unreached(cell: Cell, history: History) -> str:
    """`did not reach the accuracy 0.95 within 2000 steps in 3 of 4 blocks`; empty where all runs reached it."""
    missed = history.censored.get(cell.cell_id)
    if not missed:
        return ""
    blocks = [
        block for block in range(1, history.blocks[cell.cell_id] + 1) if run_id(cell.cell_id, block) in history.done
    ]
    target, steps = history.targets[cell.cell_id], cell.spec.get("train_steps")
    return f"did not reach the accuracy {target:g} within {steps} steps in {len(missed)} of {counted(len(blocks), 'block')}"


def adaptive_plan(cells: Sequence[Cell], history: History, standing: Standing, design: Design) -> Plan:
    """What is certain to come: the rest of the first blocks, else of the block that has begun, else the next block."""
    members = _members(cells, history, standing, design)
    plan = plan_of(cells, history, design, members)
    last = plan.missing[-1].block if plan.missing else design.blocks
    further = {cell_id: design.blocks - last for cell_id in sorted(standing.open) if design.blocks > last}
    left_out = {
        cell.cell_id: (cell, standing.hopeless[cell.cell_id]) for cell in cells if cell.cell_id in standing.hopeless
    }
    return replace(plan, failed={**left_out, **plan.failed}, further=further)


def _members(cells: Sequence[Cell], history: History, standing: Standing, design: Design) -> dict[int, Container[str]]:
    everybody, going, top = {cell.cell_id for cell in cells}, standing.open, standing.top

    def lacks(block: int, wanted: Iterable[str]) -> set[str]:
        runs = ((cell_id, run_id(cell_id, block)) for cell_id in wanted)
        return {cell_id for cell_id, run in runs if not history.is_over(run, design.attempts)}

    # A cell that is not compared has its share of the first blocks: how often it reaches the target is a result.
    early = going | standing.censored.keys()
    members: dict[int, Container[str]] = dict.fromkeys(range(1, FIRST + 1), early)
    if design.extra:
        members[design.extra] = everybody
    if any(lacks(block, early) for block in range(1, FIRST + 1)) or (design.extra and lacks(design.extra, everybody)):
        return members
    # A cell that was not in the block before joins in the next one: its run would be far in time from those it is paired with.
    joined = [cell_id for cell_id in going if history.attempts.get(run_id(cell_id, top - 1))]
    if going and lacks(top, joined):
        members[top] = set(joined)
    elif going and top < design.blocks:
        members[top + 1] = going
    return members


def stops(standing: Standing, history: History) -> list[Stop]:
    """The cells that have taken part in the last block and are not open any more, in the order of the cells."""
    found: list[Stop] = []
    for group, decision in zip(standing.groups, standing.decisions, strict=True):
        for cell in group:
            took_part = history.attempts.get(run_id(cell.cell_id, standing.top), 0) > 0
            is_early = standing.top < FIRST and cell.cell_id in standing.censored
            if took_part and not is_early and cell.cell_id not in standing.open:
                found.append(Stop(cell, standing.top, _reason(cell, decision, standing)))
    return found


def _reason(cell: Cell, decision: Decision, standing: Standing) -> str:
    if why := standing.censored.get(cell.cell_id):
        return why
    if why := standing.hopeless.get(cell.cell_id):
        return f"it failed in {HOPELESS} blocks in a row ({why})"
    if len(decision.states) == 1:
        return "there is no other cell to compare it with"
    if cell.cell_id == decision.leader:
        return "the fastest"
    state: State = decision.states[cell.cell_id]
    if state.state == SLOWER and state.ratio:
        return slower(state.ratio)
    return f"as fast as the fastest within {percent(standing.rules.margin)}"


def _workers(numbers: Sequence[int]) -> str:
    return f"{listed([str(number) for number in sorted(numbers)])} worker{'' if list(numbers) == [1] else 's'}"
