# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger says: runs, cells and what varies between them. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from ..._common.fields import finite
from ..design.cell import label
from ..records.record import NO_PRICES, SPENT, Record, records_of
from ..statistics import intervals
from .causes import Cause, cause_of

COUNTS = ("nodes", "ps", "workers")
CAUSE_RUNS = 200  # medians of more say the same, and each run has the use of every replica
# The order in which factors are named; one that is not here comes after them, before the counts, by its name.
ORDER = (
    "cluster",
    "provider",
    "backend",
    "runtime",
    "variant",
    "strategy",
    "preset",
    "model",
    "dataset",
    "framework",
    "command",
    "log_format",
    "image",
    "ps_resources",
    "worker_resources",
)
# Ways to the same training: a global step of these is one gradient (of one worker, or the mean of all), as with those.
SAME_WORK = {"tf2_ps": "async_ps", "mirrored": "sync_ps"}
# Forms of the same pods: a study compares them.
FORMS = ("backend", "runtime")
# Cells that differ in one of these do not do the same work in the same place: their times are never compared.
WORK = frozenset(
    (
        *(factor for factor in ORDER if factor not in FORMS),
        "batch_size",
        "hidden_units",
        "learning_rate",
        "train_steps",
        "telemetry_every",
        "gpus",
        "target_accuracy",
        "eval_every",
    )
)
_SORTED_WORK = tuple(sorted(WORK))


@dataclass(frozen=True)
class Cell:
    """The runs of one configuration; `spec` is in words and numbers."""

    cell_id: str
    spec: Mapping[str, Any]
    label: str
    runs: tuple[Record, ...]
    prices: Mapping[str, float]

    @cached_property
    def measured(self) -> tuple[Record, ...]:
        return tuple(run for run in self.runs if run.measured)

    def values(self, key: str) -> tuple[float, ...]:
        """This timing of every measured run that has it."""
        if key not in self._values:
            self._values[key] = tuple(value for run in self.measured if (value := run.timing(key)) is not None)
        return self._values[key]

    @cached_property
    def _values(self) -> dict[str, tuple[float, ...]]:
        # A report asks dozens of times for the same timing of up to 100,000 runs.
        return {}

    def center(self, key: str) -> float | None:
        return middle(self.values(key))

    @cached_property
    def cost(self) -> float | None:
        """Of a run, in the study's currency."""
        return middle([cost for _run, cost in self.costs])

    @cached_property
    def costs(self) -> tuple[tuple[Record, float], ...]:
        """Every measured run whose cost is known, with it."""
        return tuple((run, cost) for run in self.measured if (cost := run.cost(self.prices)) is not None)

    @cached_property
    def cpu_seconds_per_step(self) -> float | None:
        """CPU time of all replicas for one global step."""
        pairs = [(run.timing("cpu_seconds"), run.timing("global_steps")) for run in self.measured]
        return middle([cpu / steps for cpu, steps in pairs if cpu is not None and steps])

    @cached_property
    def shares(self) -> dict[str, float]:
        """Of the workers' training time: the means over the runs that tell, so that they add up to one."""
        told = [shares for run in self.measured if (shares := run.shares)]
        return {part: sum(shares[part] for shares in told) / len(told) for part in SPENT} if told else {}

    @property
    def target(self) -> float | None:
        """The accuracy to which its runs train; None where they make all steps."""
        return self.runs[0].target if self.runs else None

    @property
    def response(self) -> str:
        """The figure by which the cell is compared."""
        return "train_seconds" if self.target is None else "seconds_to_accuracy"

    @cached_property
    def censored(self) -> tuple[Record, ...]:
        """The measured runs that did not reach the target accuracy."""
        return tuple(run for run in self.measured if run.is_censored)

    @cached_property
    def seconds_per_step(self) -> list[float]:
        """Of the runs that reached the target accuracy, up to it: seconds to accuracy over steps to accuracy."""
        pairs = [(run.seconds, run.timing("steps_to_accuracy")) for run in self.measured]
        return [seconds / steps for seconds, steps in pairs if seconds and steps] if self.target is not None else []

    @cached_property
    def cause(self) -> Cause:
        """Why the cell is not faster, by some hundred of its runs, from the first to the last."""
        step = max(1.0, len(self.measured) / CAUSE_RUNS)
        return cause_of([self.measured[int(n * step)] for n in range(min(CAUSE_RUNS, len(self.measured)))])

    def by_block(self) -> dict[int, float]:
        """The seconds by which cells are compared, by block. Of two measured runs of one block the later one counts."""
        return dict(self._by_block)

    @cached_property
    def _by_block(self) -> dict[int, float]:
        return {run.block: seconds for run in self.measured if (seconds := run.seconds) is not None}

    def interval(self, key: str) -> intervals.Estimate | None:
        if key not in self._intervals:
            self._intervals[key] = self.estimate(self.values(key))
        return self._intervals[key]

    @cached_property
    def _intervals(self) -> dict[str, intervals.Estimate | None]:
        return {}

    @staticmethod
    def estimate(values: Iterable[float]) -> intervals.Estimate | None:
        """The median of positive values with its interval."""
        positive = [value for value in values if value > 0]
        return intervals.median_interval(positive) if positive else None


@dataclass(frozen=True)
class Scaling:
    """A cell against the cell of the same kind with the fewest workers."""

    reference: Cell
    ratio: intervals.Ratio
    times: float

    @property
    def gain(self) -> float:
        return intervals.speed_up(1.0, self.ratio.center)

    @property
    def efficiency(self) -> float:
        return intervals.efficiency(self.gain, self.times)

    @property
    def serial(self) -> float | None:
        return intervals.karp_flatt(self.gain, self.times)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval of the efficiency."""
        if self.ratio.low is None or self.ratio.high is None:
            return None
        return 1.0 / self.ratio.high / self.times, 1.0 / self.ratio.low / self.times


@dataclass(frozen=True)
class Study:
    name: str
    runs: tuple[Record, ...]
    cells: tuple[Cell, ...]
    factors: tuple[str, ...]
    currency: str = ""
    # The expression that kept these records of all there are.
    selected: str = ""

    @property
    def measured(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.measured]

    @property
    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.measured]

    def verdicts(self, *wanted: str) -> list[Record]:
        return [run for run in self.runs if run.verdict in wanted]

    def fixed(self) -> dict[str, Any]:
        """What is the same in every cell."""
        first = dict(self.cells[0].spec) if self.cells else {}
        return {key: value for key, value in first.items() if all(cell.spec.get(key) == value for cell in self.cells)}

    def groups(self) -> list[tuple[str, list[Cell]]]:
        """The cells that may be compared with each other, and what tells the groups apart."""
        names = [factor for factor in self.factors if factor in WORK]
        found: dict[tuple[str, ...], list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(work_of(cell.spec), []).append(cell)
        if len(found) == 1:
            return [("", cells) for cells in found.values()]
        return [(label(_in_common(cells, names), names), cells) for cells in found.values()]

    def scaling(self, cell: Cell) -> Scaling | None:
        """None when nothing was measured, when a run is censored, or when the study holds no other number of workers of this kind."""
        return self._scalings.get(cell.cell_id)

    @cached_property
    def _scalings(self) -> dict[str, Scaling]:
        kinds: dict[str, list[Cell]] = {}
        for cell in self.measured:
            if not cell.censored:
                alike = sorted((key, str(value)) for key, value in but(cell.spec, "workers").items())
                kinds.setdefault(str(alike), []).append(cell)
        return {
            cell.cell_id: scaling
            for kin in kinds.values()
            if len({cell.spec.get("workers") for cell in kin}) > 1
            for cell, scaling in _scaled(kin)
        }


def _scaled(kin: Sequence[Cell]) -> Iterator[tuple[Cell, Scaling]]:
    reference = min(kin, key=lambda cell: int(cell.spec["workers"]))
    for cell in kin:
        times = int(cell.spec["workers"]) / max(1, int(reference.spec["workers"]))
        yield cell, Scaling(reference, intervals.ratio_interval(cell.by_block(), reference.by_block()), times)


def work_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """What a cell does and where; `spec` is in words and numbers. Only cells in which it is the same are compared."""
    strategy = spec.get("strategy")
    told = {**spec, "strategy": SAME_WORK.get(str(strategy), strategy)}
    return tuple(str(told.get(key)) for key in _SORTED_WORK)


def middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _in_common(cells: Sequence[Cell], names: Sequence[str]) -> dict[str, str]:
    return {name: "/".join(dict.fromkeys(str(cell.spec.get(name)) for cell in cells)) for name in names}


def but(spec: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != left_out}


def rank(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then words, then what is missing."""
    if (number := finite(value)) is not None:
        return 0, number, ""
    return (2, 0.0, "") if value is None else (1, 0.0, str(value))


def _position(factor: str) -> tuple[int, int, str]:
    if factor in ORDER:
        return 0, ORDER.index(factor), factor
    return (2, COUNTS.index(factor), factor) if factor in COUNTS else (1, 0, factor)


def _decides(earlier: str, factor: str, specs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether knowing one factor is knowing the other, as a cluster has one provider."""
    pairs = {(str(spec.get(earlier)), str(spec.get(factor))) for spec in specs}
    return len(pairs) == len({first for first, _second in pairs})


def factors_of(specs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What varies between the cells, in the order to name it; ps and workers always."""
    keys = sorted({key for spec in specs for key in spec}, key=_position)
    kept: list[str] = []
    for key in keys:
        varies = len({str(spec.get(key)) for spec in specs}) > 1
        repeats = key not in COUNTS and any(_decides(earlier, key, specs) for earlier in kept)
        if key in ("ps", "workers") or (varies and not repeats):
            kept.append(key)
    return tuple(kept)


def study_of(
    records: Iterable[Any],
    name: str,
    *,
    prices: Mapping[str, float] = NO_PRICES,
    currency: str = "",
    selected: str = "",
) -> Study:
    """Everything a report shows, from the records of a ledger in their order; `name` serves when there are none.

    `prices` are those of a node's hour by machine type, in `currency`; without any there are no costs.
    """
    runs = tuple(records_of(records))
    by_cell: dict[str, list[Record]] = {}
    for run in runs:
        by_cell.setdefault(run.cell_id, []).append(run)
    # Where the first record of a cell is damaged, a measured one knows its spec.
    specs = {
        cell_id: next((run for run in found if run.measured), found[0]).settings for cell_id, found in by_cell.items()
    }
    factors = factors_of(list(specs.values()))
    cells = [
        Cell(cell_id, specs[cell_id], label(specs[cell_id], factors) or cell_id, tuple(found), prices)
        for cell_id, found in by_cell.items()
    ]
    cells.sort(key=lambda cell: ([rank(cell.spec.get(factor)) for factor in factors], cell.cell_id))
    title = runs[-1].study if runs and runs[-1].study else name
    currency = currency if any(cell.cost is not None for cell in cells) else ""
    return Study(title, runs, tuple(cells), factors, currency, selected)
