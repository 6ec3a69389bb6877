# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a study goes on after its records: with fixed blocks, adaptive blocks, or as a search. PRIVATE, can break at any time.

A course names the runs that are still to come, and says so in words. Its budget and forecast are study.py's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ..._common.format import counted, span
from ..analysis import gate
from ..records.history import History
from ..records.record import Record, times_of
from ..statistics.sequential import FIRST
from . import adaptive_blocks, blocks, forecast, sizing
from .blocks import Cell, Design, Plan
from .projection import can_be_played, further_runs
from .sizing import Sizing


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The cells of a study, its rules, and its records."""

    cells: Sequence[Cell]
    design: Design
    records: list[Record]
    history: History
    # One more block, although the study is complete.
    again: bool = False


class Course(ABC):
    design: Design
    plan: Plan
    # Whether the records decide how many runs there are.
    is_adaptive: ClassVar[bool] = True

    def __init__(self, asked: Asked) -> None:
        self.asked, self.design = asked, asked.design

    @property
    @abstractmethod
    def size(self) -> str:
        """`6 cells x 4 blocks = 24 runs`"""

    @property
    @abstractmethod
    def to_go(self) -> str:
        """What is missing, where something is."""

    def so_far(self, to_come: str) -> str:
        """Behind the size: what is there already, and `to_come`, the forecast of the rest."""
        plan = self.plan
        there = plan.done + plan.given_up
        of = "" if self.is_adaptive else f" of {plan.runs}"
        told = f"; {there}{of} runs are there, {span(len(plan.missing), plan.most - there)} to go" if there else ""
        return f"{told}, {to_come}"

    def said(self, _to_come: str) -> list[str]:
        """Before a new block which cells it holds; after the last one why there is none."""
        return []

    @property
    def stopped(self) -> list[str]:
        """Cells that the last block has closed."""
        return []

    def ended(self) -> str:
        """Why there is no further block; empty where all that was asked for is there."""
        return ""

    @property
    def complete(self) -> str:
        return f"all {self.runs} are there"

    @property
    def open_in_words(self) -> str:
        """The cells of which more is wanted, where the study may end without it."""
        return ""

    @property
    def open(self) -> int:
        return len(self.asked.cells)

    @property
    def has_failed(self) -> bool:
        return bool(self.plan.failed)

    @property
    def runs(self) -> str:
        return counted(self.plan.runs - self.plan.spared, "run")

    def futures(self) -> dict[str, Any] | None:
        """The runs of each cell beyond those that are certain, in many futures; None if nobody can tell."""
        return None


class Fixed(Course):
    """So many blocks of all cells; of a gate as many as it takes to judge `allowed`, the share of slowdown."""

    is_adaptive = False

    def __init__(self, asked: Asked, allowed: float | None = None) -> None:
        super().__init__(asked)
        if asked.again:
            self.design = replace(self.design, blocks=blocks.blocks_again(asked.cells, asked.history, self.design))
        self.allowed = allowed
        self.plan = blocks.plan_of(asked.cells, asked.history, self.design)
        if allowed is not None and self._is_settled(allowed):
            self.plan = self.plan.settled()

    def _is_settled(self, allowed: float) -> bool:
        """Whether further blocks would tell nothing new: the verdict is there, or one of both never has a run that counts."""
        contest = gate.Contest.of([cell._asdict() for cell in self.asked.cells], self.asked.records)
        hopeless = any(not contest.seconds(cell_id) for cell_id in self.plan.failed)
        return hopeless or contest.judge(allowed, self.design.blocks).verdict != gate.CANNOT_TELL

    @property
    def size(self) -> str:
        of = f"{counted(len(self.asked.cells), 'cell')} x {counted(self.design.blocks, 'block')}"
        return f"{of} = {counted(self.plan.runs, 'run')}" + (" at most" if self.allowed is not None else "")

    def so_far(self, to_come: str) -> str:
        if self.plan.spared:
            return f", decided after {self.plan.runs - self.plan.spared}"
        return super().so_far(to_come) if self.plan.missing else ", nothing is missing"

    @property
    def to_go(self) -> str:
        return f"{counted(len(self.plan.missing), 'run')} of {self.plan.runs} to go"

    @property
    def complete(self) -> str:
        if self.plan.spared:
            return f"decided after {self.plan.runs - self.plan.spared} of {counted(self.plan.runs, 'run')}"
        return super().complete


class Adaptive(Course):
    """The first blocks hold all cells, each later one those on which the answer still hangs."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self.times = times_of(asked.records)
        self.standing = adaptive_blocks.standing_of(asked.cells, asked.history, self.times, self.design)
        self.plan = self._planned()
        if asked.again and not self.plan.missing:
            self.design = replace(self.design, extra=self.standing.top + 1)
            self.plan = self._planned()

    def _planned(self) -> Plan:
        return adaptive_blocks.adaptive_plan(self.asked.cells, self.asked.history, self.standing, self.design)

    @property
    def size(self) -> str:
        cells = counted(len(self.asked.cells), "cell")
        if not self.plan.missing:
            return cells
        return f"{cells} x {FIRST} to {self.design.blocks} blocks = {span(self.plan.least, self.plan.most)} runs"

    @property
    def to_go(self) -> str:
        return f"{span(len(self.plan.missing), self.plan.most - self.plan.done)} runs to go"

    @property
    def stopped(self) -> list[str]:
        stops = adaptive_blocks.stops(self.standing, self.asked.history)
        return [f"{stop.cell.label} stopped after block {stop.block}: {stop.reason}" for stop in stops]

    def said(self, to_come: str) -> list[str]:
        if not self.plan.missing:
            return [*self.stopped, self.ended()]
        block = self.plan.missing[0].block
        if block == self.design.extra:
            return [f"block {block}: all cells once more"]
        # The first block's forecast is that of the announcement.
        rest = f"; {to_come} to go" if self.asked.history.attempts else ""
        return [*self.stopped, f"block {block}: {self.open_in_words}{rest}"]

    @property
    def open_in_words(self) -> str:
        return self.standing.open_in_words if self.standing.open else ""

    @property
    def open(self) -> int:
        return len(self.standing.open)

    def ended(self) -> str:
        if not any(decision.states for decision in self.standing.decisions) and self.standing.censored:
            # The cells have been told of one by one.
            return f"ended after {self.runs}: no cell reached its target accuracy in every run"
        if self.open:
            return f"ended after {self.runs}, because sweep_max_repeats is {self.design.blocks}; {self.open_in_words}"
        return f"decided after {self.runs}"

    def futures(self) -> dict[str, Any] | None:
        if not self.plan.missing or not self.plan.further:
            return None
        last, rules = self.plan.missing[-1].block, self.standing.rules
        groups = [[cell for cell in group if cell.cell_id in self.plan.further] for group in self.standing.groups]
        going = [group for group in groups if group]
        if not all(can_be_played(len(group), rules, last) for group in going):
            return None
        level = forecast.Experience(self.asked.records, seconds_of=lambda record: record.seconds).level
        found: dict[str, Any] = {}
        for group in going:
            levels = {cell.cell_id: level(cell.cell_id, cell.spec) for cell in group}
            runs = further_runs(self.times, levels, rules, last)
            found |= {cell_id: runs[:, place] for place, cell_id in enumerate(levels)}
        return found


class Search(Course):
    """Blocks of the sizes that a search for a size asks for."""

    def __init__(self, asked: Asked, found: Sizing) -> None:
        super().__init__(asked)
        facts = sizing.facts_of(found.rules, self.design.attempts, by_nodes=self.design.by_nodes)
        # As many blocks as the search may have.
        self.design = replace(self.design, blocks=found.rules.blocks, adaptive=None, searched=facts)
        self.sizing = found
        self.plan = found.plan(self.design)

    @property
    def size(self) -> str:
        return self.sizing.head()

    def so_far(self, _to_come: str) -> str:
        return f"; {counted(self.plan.done, 'run')} are there" if self.plan.done else ""

    @property
    def to_go(self) -> str:
        return f"{counted(len(self.plan.missing), 'run')} of block {self.plan.missing[0].block} to go"

    def said(self, _to_come: str) -> list[str]:
        return self.sizing.said()

    def ended(self) -> str:
        return f"ended after {self.runs}: {self.sizing.ended()}"

    @property
    def has_failed(self) -> bool:
        """A size that fails is a result of the search, unless it is the first."""
        return super().has_failed and not self.sizing.search.taken()
