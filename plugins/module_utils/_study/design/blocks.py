# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs a study needs and which are missing: randomised blocks. PRIVATE, can break at any time.

Each block is one pass over cells in a random order of its own, drawn from the study's seed and the block's number, so that
neither a warm machine nor a busy hour falls on the same cell each time (docs/design-of-experiments.md). With a fixed number of
blocks each holds all cells; with adaptive blocks (adaptive_blocks.py) the later ones hold those on which the answer still hangs.
"""

from __future__ import annotations

import random
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

from ..records.history import History
from ..statistics.adaptive import AUTO, Rules
from .axes import AXES
from .cell import UNTOLD, cell_id, label, run_id
from .frameworks import TENSORFLOW
from .workloads import takes_runtime


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
            usual = {**spec, **{AXES[axis].key: value for axis, value in zip(names, values, strict=True)}}
            for change in changes:
                cell = _without_evaluations(_plain({**usual, **change}))
                found.setdefault(cell_id(cell), cell)
    keys = ("variant", *(axis.key for axis in AXES.values()))
    varied = [key for key in keys if key in ("ps", "workers") or _varies(key, found.values())]
    return [Cell(cell, label(cell, varied), identity) for identity, cell in found.items()]


def _plain(spec: dict[str, Any]) -> dict[str, Any]:
    """Workers that mirror all parameters have no use for ps, nor most backends for a runtime, nor other frameworks for our trainer's
    strategies and presets: whatever is said, it is one cell.

    Of what older records do not tell, the same is not told.
    """
    mirrors = spec.get("strategy") == "mirrored" and not spec.get("command")
    unused = [] if takes_runtime(spec.get("backend")) else ["runtime"]
    unused += [] if spec.get("framework", TENSORFLOW) == TENSORFLOW else ["strategy", "preset"]
    kept = {key: value for key, value in spec.items() if UNTOLD.get(key) != value and key not in unused}
    return {**kept, "ps": 0} if mirrors else kept


def _without_evaluations(spec: dict[str, Any]) -> dict[str, Any]:
    """How often the trainer evaluates is said for all cells, and only those with a target accuracy do."""
    evaluates = "target_accuracy" in spec and not spec.get("command")
    return spec if evaluates else {key: value for key, value in spec.items() if key != "eval_every"}


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


@dataclass(frozen=True, kw_only=True)
class Design:
    """The rules of a study."""

    # With adaptive blocks the most that there may be.
    blocks: int
    attempts: int
    seed: int
    by_nodes: bool = False
    # Of adaptive blocks; None with a fixed number of blocks.
    adaptive: Rules | None = None
    # A block in which all cells take part, whatever is decided; 0 is none.
    extra: int = 0
    # Of a study that searches for a size, as its records tell it (sizing.py).
    searched: Mapping[str, Any] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The rules as a record tells them: a report compares by them."""
        if self.searched is not None:
            return dict(self.searched)
        if self.adaptive is None:
            return {"repeats": self.blocks, "by_nodes": self.by_nodes}
        rules = self.adaptive
        told = {"margin": rules.margin, "target_ci": rules.target_ci, "max_repeats": rules.last}
        return {"repeats": AUTO, **told, "attempts": self.attempts, "by_nodes": self.by_nodes}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A design against what is recorded."""

    # Recorded or certain to come; with a fixed number of blocks these are all.
    runs: int
    done: int
    missing: list[PlannedRun]
    failed: dict[str, tuple[Cell, str]]
    spared: int = 0
    # By cell_id, the runs that may come after those in `missing`, if adaptive blocks do not tell earlier.
    further: Mapping[str, int] = field(default_factory=dict)

    def settled(self) -> Plan:
        """What the study asks is known: the runs that are missing are not needed."""
        return replace(self, missing=[], spared=self.spared + len(self.missing), further={})

    @property
    def least(self) -> int:
        """The fewest runs that the whole study may have."""
        return self.runs

    @property
    def most(self) -> int:
        return self.runs + sum(self.further.values())

    @property
    def next_block(self) -> list[PlannedRun]:
        return [run for run in self.missing if run.block == self.missing[0].block]

    @property
    def given_up(self) -> int:
        return self.runs - self.done - self.spared - len(self.missing)


def plan_of(
    cells: Sequence[Cell], history: History, design: Design, members: Mapping[int, Container[str]] | None = None
) -> Plan:
    """Missing is a run that neither counts nor has used up its attempts; a cell with a used-up run has failed.

    `members` names by block the cells (cell_id) that are to run in it; without it all cells run in each block of the design.
    Runs that are recorded belong to the study, wanted or not.
    """
    last = design.blocks if members is None else max(history.top(cell.cell_id for cell in cells), *members, 0)
    missing: list[PlannedRun] = []
    failed: dict[str, tuple[Cell, str]] = {}
    runs = done = 0
    for block in range(1, last + 1):
        wanted = None if members is None else members.get(block, ())
        for cell in order_of(cells, seed=design.seed, block=block, by_nodes=design.by_nodes):
            run = run_id(cell.cell_id, block)
            tried, is_wanted = history.attempts.get(run, 0), wanted is None or cell.cell_id in wanted
            runs += bool(tried or is_wanted)
            if run in history.done:
                done += 1
            elif tried >= design.attempts:
                failed[cell.cell_id] = (cell, history.reasons[run])
            elif is_wanted:
                missing.append(PlannedRun(runs, block, cell, tried + 1))
    return Plan(runs=runs, done=done, missing=missing, failed=failed)


def blocks_again(cells: Sequence[Cell], history: History, design: Design) -> int:
    """The number of blocks with one more than are complete, so that a complete study goes on by exactly one."""
    blocks = max(design.blocks, history.top(cell.cell_id for cell in cells))
    so_far = replace(design, blocks=blocks)
    return blocks if plan_of(cells, history, so_far).missing else blocks + 1
