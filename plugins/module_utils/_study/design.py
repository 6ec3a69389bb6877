# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs a study needs and which are missing: randomised complete blocks. PRIVATE, can break at any time.

Each block is one pass over all cells in a random order of its own, drawn from the study's seed and the block's number,
so that neither a warm machine nor a busy hour falls on the same cell each time (docs/design-of-experiments.md).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import median
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._study.cell import cell_id, run_id
from ansible_collections.tfscale.study.plugins.module_utils._study.inputs import InputError, integers

AXES = ("nodes", "ps", "workers", "strategy")

# Rules of thumb for a study without a record yet, measured on two cores: steps per second of the presets at 1 to 8
# workers, seconds from deployment to the start line and from the last step to the verdict. Half and double bound them.
EMPTY_LEDGER_STEPS_PER_SECOND = {"thesis": 50.0, "fast": 250.0}
EMPTY_LEDGER_OVERHEAD_SECONDS = 3.0


@dataclass(frozen=True)
class Cell:
    """One configuration and its name."""

    spec: Mapping[str, Any]
    label: str
    cell_id: str


@dataclass(frozen=True)
class History:
    """What the ledger says about each run: how often it was tried, how it ended, how long it took."""

    attempts: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    void: int = 0

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> History:
        history, void = cls(), 0
        for record in records:
            run, cell = str(record["run_id"]), str(record["cell_id"])
            history.attempts[run] = max(history.attempts.get(run, 0), int(record.get("attempt", 1)))
            history.blocks[cell] = max(history.blocks.get(cell, 0), int(record["block"]))
            if record["verdict"]["verdict"] == "void":
                void += 1
                history.reasons[run] = "; ".join(record["verdict"].get("reasons") or ["no reason given"])
                continue
            history.done.add(run)
            seconds = record.get("timings", {}).get("total_seconds")
            if seconds:
                history.seconds.setdefault(cell, []).append(float(seconds))
        return cls(history.attempts, history.done, history.reasons, history.seconds, history.blocks, void)


def product_of(lists: Mapping[str, Any], *, name: str, minimum_ps: int) -> Iterator[dict[str, int]]:
    """All combinations of one series, `nodes` outermost."""
    unknown = set(lists) - {"nodes", "ps", "workers"}
    if unknown:
        raise InputError(f"{name} has {', '.join(sorted(map(str, unknown)))}: give ps, workers and nodes only")
    minimum = {"nodes": 1, "ps": minimum_ps, "workers": 1}
    values = {axis: integers(f"{name}{axis}", lists.get(axis, 1), minimum=low) for axis, low in minimum.items()}
    for combination in product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def cells_of(
    combinations: Iterable[Mapping[str, int]], *, strategies: Sequence[str], spec: Mapping[str, Any]
) -> list[Cell]:
    """The cells of the union, each once, in the order given."""
    specs = [{**spec, **lists, "strategy": strategy} for lists in combinations for strategy in strategies]
    varied = [axis for axis in AXES if len({one[axis] for one in specs}) > 1 or axis in ("ps", "workers")]
    cells = (Cell(one, " ".join(f"{axis}={one[axis]}" for axis in varied), cell_id(one)) for one in specs)
    return list({cell.cell_id: cell for cell in cells}.values())


def order_of(cells: Sequence[Cell], *, seed: int, block: int) -> list[Cell]:
    """The block's own order; it depends on the seed and the block's number alone."""
    shuffled = list(cells)
    random.Random(f"{seed}-{block}").shuffle(shuffled)  # noqa: S311 - an experiment's order, not a secret
    return shuffled


@dataclass(frozen=True)
class Design:
    """A study's cells and blocks against what is already recorded."""

    cells: Sequence[Cell]
    repeats: int
    attempts: int
    seed: int
    history: History

    def _is_open(self, cell: Cell, block: int) -> bool:
        run = run_id(cell.cell_id, block)
        return run not in self.history.done and self.history.attempts.get(run, 0) < self.attempts

    def open_runs(self) -> Iterator[tuple[int, int, Cell]]:
        """(number within the study, block, cell) of every run that is still to be carried out, in its order."""
        for block in range(1, self.repeats + 1):
            for position, cell in enumerate(order_of(self.cells, seed=self.seed, block=block), start=1):
                if self._is_open(cell, block):
                    yield (block - 1) * len(self.cells) + position, block, cell

    def done(self) -> int:
        return sum(
            run_id(cell.cell_id, block) in self.history.done
            for cell in self.cells
            for block in range(1, self.repeats + 1)
        )

    def failed(self) -> list[tuple[Cell, str]]:
        """Cells with a run whose attempts are used up, and the last reason."""
        found: dict[str, tuple[Cell, str]] = {}
        for block in range(1, self.repeats + 1):
            for cell in self.cells:
                run = run_id(cell.cell_id, block)
                if run not in self.history.done and self.history.attempts.get(run, 0) >= self.attempts:
                    found.setdefault(cell.cell_id, (cell, self.history.reasons.get(run, "no reason given")))
        return list(found.values())

    def seconds_of(self, cell: Cell) -> tuple[float, float, float]:
        """(likely, low, high) seconds of one run: from its own records, else from all records, else a rule of thumb."""
        own = self.history.seconds.get(cell.cell_id)
        known = own or [seconds for runs in self.history.seconds.values() for seconds in runs]
        if known:
            spread = 1.2 if own else 2.0
            likely = median(known)
            return likely, min(min(known), likely / spread), max(max(known), likely * spread)
        speed = EMPTY_LEDGER_STEPS_PER_SECOND.get(str(cell.spec.get("preset")), 250.0)
        likely = EMPTY_LEDGER_OVERHEAD_SECONDS + float(cell.spec.get("train_steps", 0)) / speed
        return likely, likely / 2, likely * 2
