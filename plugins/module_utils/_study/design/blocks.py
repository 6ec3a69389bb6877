# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs a study needs and which are missing: randomised complete blocks. PRIVATE, can break at any time.

Each block is one pass over all cells in a random order of its own, drawn from the study's seed and the block's number,
so that neither a warm machine nor a busy hour falls on the same cell each time (docs/design-of-experiments.md).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

from ..records.record import Record, records_of
from .cell import cell_id, run_id

# The axes of a space and what each is called in a specification.
AXES = {"strategies": "strategy", "nodes": "nodes", "ps": "ps", "workers": "workers"}


class Cell(NamedTuple):
    """One configuration and its names."""

    spec: Mapping[str, Any]
    label: str
    cell_id: str


class PlannedRun(NamedTuple):
    """A run that is still to be carried out; `number` is its place in the whole study."""

    number: int
    block: int
    cell: Cell
    attempt: int


def cells_of(
    products: Iterable[Mapping[str, Sequence[Any]]],
    spec: Mapping[str, Any],
    variants: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Cell]:
    """The union of the products, each cell once, in the order given; with variants, each of them in every variant."""
    changes = [{"variant": name, **change} for name, change in (variants or {}).items()] or [{}]
    found: dict[str, dict[str, Any]] = {}
    for axes in products:
        names = [axis for axis in AXES if axis in axes]
        for values in product(*(axes[axis] for axis in names)):
            usual = {**spec, **{AXES[axis]: value for axis, value in zip(names, values, strict=True)}}
            for change in changes:
                cell = _without_ps({**usual, **change})
                found.setdefault(cell_id(cell), cell)
    keys = ("variant", *AXES.values())
    varied = [key for key in keys if key in ("ps", "workers") or _varies(key, found.values())]
    return [
        Cell(cell, " ".join(f"{key}={cell.get(key)}" for key in varied), identity) for identity, cell in found.items()
    ]


def _without_ps(spec: dict[str, Any]) -> dict[str, Any]:
    """Workers that mirror all parameters have no use for ps: whatever the axis says, it is one cell."""
    mirrors = spec.get("strategy") == "mirrored" and not spec.get("command")
    return {**spec, "ps": 0} if mirrors else spec


def _varies(key: str, specs: Iterable[Mapping[str, Any]]) -> bool:
    return len({spec.get(key) for spec in specs}) > 1


def order_of(cells: Sequence[Cell], *, seed: int, block: int, by_nodes: bool = False) -> list[Cell]:
    """The block's own order; it depends on the seed and the block's number alone, never on what is done.

    `by_nodes` keeps the cells of one number of nodes together, the numbers in random order: a split-plot design, for
    clusters on which another number of nodes takes minutes.
    """
    shuffled = list(cells)
    random.Random(f"{seed}-{block}").shuffle(shuffled)  # noqa: S311 - an experiment's order, not a secret
    if by_nodes:
        first = [cell.spec.get("nodes") for cell in shuffled]
        shuffled.sort(key=lambda cell: first.index(cell.spec.get("nodes")))
    return shuffled


@dataclass(frozen=True)
class History:
    """What a ledger says about each run: how often it was tried, whether it counts, why not."""

    attempts: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Any]) -> History:
        history = cls()
        for record in records_of(records):
            history._take(record)
        return history

    def _take(self, record: Record) -> None:
        run, cell = record.run_id, record.cell_id
        self.attempts[run] = max(self.attempts.get(run, 0), record.attempt)
        self.blocks[cell] = max(self.blocks.get(cell, 0), record.block)
        if record.is_fit:
            self.done.add(run)
        else:
            self.reasons[run] = record.why


@dataclass(frozen=True, kw_only=True)
class Design:
    """The rules of a study."""

    blocks: int
    attempts: int
    seed: int
    by_nodes: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A design against what is recorded."""

    runs: int
    done: int
    missing: list[PlannedRun]
    failed: dict[str, tuple[Cell, str]]
    spared: int = 0

    def settled(self) -> Plan:
        """What the study asks is known: the runs that are missing are not needed."""
        return replace(self, missing=[], spared=self.spared + len(self.missing))

    @property
    def next_block(self) -> list[PlannedRun]:
        return [run for run in self.missing if run.block == self.missing[0].block]

    @property
    def given_up(self) -> int:
        return self.runs - self.done - self.spared - len(self.missing)


def plan_of(cells: Sequence[Cell], history: History, design: Design) -> Plan:
    """Missing is a run that neither counts nor has used up its attempts; a cell with a used-up run has failed."""
    missing: list[PlannedRun] = []
    failed: dict[str, tuple[Cell, str]] = {}
    done = 0
    for block in range(1, design.blocks + 1):
        order = order_of(cells, seed=design.seed, block=block, by_nodes=design.by_nodes)
        for place, cell in enumerate(order, start=1):
            run = run_id(cell.cell_id, block)
            attempt = history.attempts.get(run, 0) + 1
            if run in history.done:
                done += 1
            elif attempt <= design.attempts:
                missing.append(PlannedRun((block - 1) * len(cells) + place, block, cell, attempt))
            else:
                failed[cell.cell_id] = (cell, history.reasons[run])
    return Plan(runs=len(cells) * design.blocks, done=done, missing=missing, failed=failed)


def blocks_again(cells: Sequence[Cell], history: History, design: Design) -> int:
    """The number of blocks with one more than are complete, so that a complete study goes on by exactly one."""
    recorded = max((history.blocks.get(cell.cell_id, 0) for cell in cells), default=0)
    blocks = max(design.blocks, recorded)
    so_far = replace(design, blocks=blocks)
    return blocks if plan_of(cells, history, so_far).missing else blocks + 1
