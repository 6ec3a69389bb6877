# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study that searches for a size: the sizes of its cells follow from its records (docs/autosize.md). PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..._common.format import counted, listed
from ..analysis.autosize import Search, Step, replay
from ..analysis.line_search import CAPACITY, FAILS, GAIN, MAX, MET, UNDECIDED, Rules, Size
from ..analysis.size_plan import FIRST_FAILS
from ..records.history import History
from ..records.record import Record, times_of
from ..statistics.adaptive import AUTOSIZE
from . import search_inputs
from .blocks import Cell, Design, Plan, PlannedRun, cells_of, order_of
from .cell import run_id
from .inputs import AUTO_PS, FIT

COUNTS = ("nodes", "ps", "workers")
WORDS = {
    GAIN: "more {axis} gain too little",
    MAX: "autosize_max_{axis} is {limit}",
    CAPACITY: "no more {axis} than {limit} find room",
    FAILS: "the next size fails",
    UNDECIDED: "autosize_max_repeats is {last}, and {sizes} cannot be told apart",
    MET: "autosize_deadline_seconds is {deadline:g}, which {taken} keeps",
    FIRST_FAILS: "the first size fails",
}


class Room(Protocol):
    """How many workers find room."""

    def fitting(self, nodes: int, ps: int) -> int | None:
        """None where the cluster can grow, or nothing limits."""

    def fit(self, nodes: int, ps: int) -> int:
        """In place of the word."""


def rules_of(search: Mapping[str, Any], usual_ps: int, room: Room) -> Rules:
    """What `sweep_search` asks for; its values were checked as variables of role autosize. `usual_ps` stands for the word."""
    given = search_inputs.searched("sweep_search", search)
    if given["autosize_ps"] == AUTO_PS:
        # Where there are no ps, the largest number of them limits nothing.
        given |= {"autosize_ps": usual_ps, **({} if usual_ps else {"autosize_max_ps": ""})}
        search_inputs.check_sizes(given)
    start = Size(*(given[f"autosize_{axis}"] for axis in COUNTS))
    most = {axis: given[f"autosize_max_{axis}"] or getattr(start, axis) for axis in COUNTS}
    if most["workers"] == FIT:
        most["workers"] = max(start.workers, room.fit(most["nodes"], start.ps))
    deadline = given["autosize_deadline_seconds"]
    return Rules(
        start=start,
        most=Size(**most),
        goal=given["autosize_goal"],
        min_gain=given["autosize_min_gain"],
        margin=given["autosize_margin"],
        deadline=None if deadline == "" else deadline,
        last=given["autosize_max_repeats"],
    )


def facts_of(rules: Rules, attempts: int, *, by_nodes: bool) -> dict[str, Any]:
    """The rules as a record tells them."""
    told = {"goal": rules.goal, "min_gain": rules.min_gain, "margin": rules.margin, "max_repeats": rules.last}
    axes = {f"max_{axis}": getattr(rules.most, axis) for axis in COUNTS}
    return {"repeats": AUTOSIZE, **told, **axes, "attempts": attempts, "by_nodes": by_nodes}


@dataclass(frozen=True)
class Sizing:
    """Where a search stands. `cells` are those of all sizes that were tried or are asked for, in the order of the search."""

    rules: Rules
    step: Step
    cells: Mapping[Size, Cell]
    history: History

    @classmethod
    def of(cls, rules: Rules, spec: Mapping[str, Any], records: Sequence[Record], room: Room, attempts: int) -> Sizing:
        """`spec` is that of all cells, sealed, without its counts."""
        history, times = History.of(records), times_of(records)
        known: dict[Size, Cell] = {}

        def cell(size: Size) -> Cell:
            if size not in known:
                [found] = cells_of([{axis: [count] for axis, count in size._asdict().items()}], spec)
                named = f"nodes={size.nodes} {found.label}" if rules.most.nodes > rules.start.nodes else found.label
                known[size] = found._replace(label=named)
            return known[size]

        def seconds(size: Size, block: int) -> float | None:
            return times.get(cell(size).cell_id, {}).get(block)

        def is_over(size: Size, block: int) -> bool:
            return history.is_over(run_id(cell(size).cell_id, block), attempts)

        def fitting(size: Size) -> int:
            found = room.fitting(size.nodes, size.ps)
            return rules.most.workers if found is None else found

        step = replay(seconds, is_over, rules, fitting)
        return cls(rules, step, {size: cell(size) for size in step.search.order}, history)

    @property
    def search(self) -> Search:
        return self.step.search

    def plan(self, design: Design) -> Plan:
        """The runs that the block lacks; a failed cell is one whose size is given up."""
        cells, block = list(self.cells.values()), self.step.block
        top = self.history.top(cell.cell_id for cell in cells)
        runs = done = 0
        for cell in cells:
            for each in range(1, top + 1):
                run = run_id(cell.cell_id, each)
                runs += run in self.history.attempts
                done += run in self.history.done
        asked = [self.cells[size] for size in self.step.asked]
        missing = []
        for cell in order_of(asked, seed=design.seed, block=block, by_nodes=design.by_nodes):
            run = run_id(cell.cell_id, block)
            if not self.history.is_over(run, design.attempts):
                tried = self.history.attempts.get(run, 0)
                runs += not tried
                missing.append(PlannedRun(runs, block, cell, tried + 1))
        failed = {self.cells[size].cell_id: (self.cells[size], self._reason(size)) for size in self.failing}
        return Plan(runs=runs, done=done, missing=missing, failed=failed)

    @property
    def failing(self) -> list[Size]:
        return [self.search.size(line, value) for line in self.search.lines for value in line.failed]

    def _reason(self, size: Size) -> str:
        cell_id = self.cells[size].cell_id
        told = [self.history.reasons.get(run_id(cell_id, block)) for block in range(self.step.block, 0, -1)]
        return next(filter(None, told), "its runs have no time")

    @property
    def why(self) -> str:
        return self.search.deciding.why() if self.search.taken() else FIRST_FAILS

    def head(self) -> str:
        """`1 to 8 workers for the goal knee`"""
        sizes = [
            f"{least} to {most} {axis}" if most > least else counted(least, "worker")
            for axis, least, most in zip(
                reversed(COUNTS), reversed(self.rules.start), reversed(self.rules.most), strict=True
            )
            if axis == "workers" or most > least
        ]
        return f"autosize of {listed(sizes)} for the goal {self.rules.goal}"

    def said(self) -> list[str]:
        """Before a block which sizes it holds; after the last one why there is none."""
        if not self.step.asked:
            return [f"ended: {self.ended()}"]
        return [f"block {self.step.block}: {listed([self.cells[size].label for size in self.step.asked])}"]

    def ended(self) -> str:
        line, code = self.search.deciding, self.why
        sizes = listed([self.cells[size].label for size in self.search.undecided()])
        taken = self.search.taken()
        return WORDS[code].format(
            axis=line.axis,
            limit=line.limit,
            last=self.rules.last,
            sizes=sizes,
            deadline=self.rules.deadline or 0.0,
            taken=self.cells[taken].label if taken else "",
        )
