# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger says: runs, cells and what varies between them. PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from types import MappingProxyType
from typing import Any

from ..._common.fields import count, finite, mapping, mappings, texts
from ..statistics import intervals

LAST_SECOND = 253_402_300_800  # of the year 9999: no calendar has more
NO_PRICES: Mapping[str, float] = MappingProxyType({})
COUNTS = ("nodes", "ps", "workers")
# Where a worker's time goes, as the records name it and as people read it.
SPENT = {
    "compute": "computing",
    "ps": "waiting for ps or workers",
    "input": "input",
    "telemetry": "telemetry",
    "throttled": "throttled",
}
# The order in which factors are named; one that is not here comes after them, before the counts, by its name.
ORDER = (
    "cluster",
    "provider",
    "backend",
    "variant",
    "strategy",
    "preset",
    "model",
    "dataset",
    "command",
    "log_format",
    "image",
    "ps_resources",
    "worker_resources",
)
# Ways to the same training: a global step of these is one gradient (of one worker, or the mean of all), as with those.
SAME_WORK = {"tf2_ps": "async_ps", "mirrored": "sync_ps"}
# Cells that differ in one of these do not do the same work in the same place: their times are never compared.
WORK = frozenset((*ORDER, "batch_size", "hidden_units", "learning_rate", "train_steps", "telemetry_every", "gpus"))


@dataclass(frozen=True)
class Run:
    """One record of the ledger, read with care: a field that is missing or of the wrong kind is as good as absent."""

    run_id: str
    cell_id: str
    block: int
    attempt: int
    verdict: str
    reasons: tuple[str, ...]
    spec: Mapping[str, Any]
    timings: Mapping[str, Any]
    evidence: Mapping[str, Any]
    provenance: Mapping[str, Any]
    study: str
    # What the nodes cost from its deployment to its last exit; None when a price or a node is not known.
    cost: float | None = None

    @property
    def measured(self) -> bool:
        """Whether the run may enter a figure: judged fit, with a time, of a cell that says what it was."""
        known = all(count(self.spec.get(factor)) is not None for factor in ("ps", "workers"))
        return known and self.verdict in ("valid", "suspect") and (self.timing("train_seconds") or 0) > 0

    @property
    def log(self) -> str:
        """The folder of the run's logs, relative to the report."""
        return f"logs/{self.run_id}/attempt-{self.attempt}"

    def timing(self, key: str) -> float | None:
        return finite(self.timings.get(key))

    @property
    def shares(self) -> dict[str, float]:
        """Of the workers' training time, by what it went into; empty where that is not known."""
        told = mapping(self.timings.get("spent_seconds"))
        seconds = {part: max(0.0, finite(told.get(part)) or 0.0) for part in SPENT}
        whole_time = sum(seconds.values())
        return {part: of / whole_time for part, of in seconds.items()} if 0 < whole_time < math.inf else {}

    @property
    def recorded(self) -> float | None:
        """When the record was written, in seconds since 1970."""
        seconds = finite(self.provenance.get("recorded_wall"))
        return seconds if seconds is not None and 0 <= seconds < LAST_SECOND else None


@dataclass(frozen=True)
class Cell:
    cell_id: str
    spec: Mapping[str, Any]
    label: str
    runs: tuple[Run, ...]

    @cached_property
    def measured(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.measured)

    def values(self, key: str) -> list[float]:
        return [value for run in self.measured if (value := run.timing(key)) is not None]

    def center(self, key: str) -> float | None:
        return middle(self.values(key))

    @property
    def cost(self) -> float | None:
        """Of a run, in the study's currency."""
        return middle([run.cost for run in self.measured if run.cost is not None])

    @cached_property
    def shares(self) -> dict[str, float]:
        """Of the workers' training time: the means over the runs that tell, so that they add up to one."""
        told = [shares for run in self.measured if (shares := run.shares)]
        return {part: sum(shares[part] for shares in told) / len(told) for part in SPENT} if told else {}

    @property
    def bottleneck(self) -> tuple[str, float] | None:
        """What most of the workers' time goes into, and its share."""
        return max(self.shares.items(), key=lambda item: item[1]) if self.shares else None

    def by_block(self) -> dict[int, float]:
        """Training seconds by block. Of two measured runs of one block the later one counts."""
        return {run.block: seconds for run in self.measured if (seconds := run.timing("train_seconds")) is not None}

    def interval(self, key: str) -> intervals.Estimate | None:
        positive = [value for value in self.values(key) if value > 0]
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
    runs: tuple[Run, ...]
    cells: tuple[Cell, ...]
    factors: tuple[str, ...]
    currency: str = ""

    @property
    def measured(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.measured]

    @property
    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.measured]

    def verdicts(self, *wanted: str) -> list[Run]:
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
            strategy = cell.spec.get("strategy")
            spec = {**cell.spec, "strategy": SAME_WORK.get(str(strategy), strategy)}
            found.setdefault(tuple(str(spec.get(key)) for key in sorted(WORK)), []).append(cell)
        if len(found) == 1:
            return [("", cells) for cells in found.values()]
        return [(label(_in_common(cells, names), names), cells) for cells in found.values()]

    def scaling(self, cell: Cell) -> Scaling | None:
        """None when nothing was measured, or when the study holds no other number of workers of this kind."""
        kin = [other for other in self.measured if _but(other.spec, "workers") == _but(cell.spec, "workers")]
        if len({other.spec.get("workers") for other in kin}) < 2 or not cell.measured:
            return None
        reference = min(kin, key=lambda other: int(other.spec["workers"]))
        times = int(cell.spec["workers"]) / max(1, int(reference.spec["workers"]))
        return Scaling(reference, intervals.ratio_interval(cell.by_block(), reference.by_block()), times)


def middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _in_common(cells: Sequence[Cell], names: Sequence[str]) -> dict[str, str]:
    return {name: "/".join(dict.fromkeys(str(cell.spec.get(name)) for cell in cells)) for name in names}


def _but(spec: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != left_out}


def label(spec: Mapping[str, Any], factors: Iterable[str]) -> str:
    return " ".join(f"{factor}={spec.get(factor)}" for factor in factors)


def cost_of(record: Mapping[str, Any], prices: Mapping[str, float]) -> float | None:
    """All nodes in force, used or not: they are paid for. `prices` are those of an hour of a machine type, `*` is any other."""
    nodes = mappings(mapping(record.get("provenance")).get("nodes"))
    seconds = finite(mapping(record.get("timings")).get("total_seconds"))
    each = [prices.get(str(node.get("machine_type")), prices.get("*")) for node in nodes]
    known = [price for price in each if price is not None]
    return sum(known) * seconds / 3600 if nodes and seconds is not None and len(known) == len(each) else None


def run_of(record: Mapping[str, Any], prices: Mapping[str, float] = NO_PRICES) -> Run:
    verdict = mapping(record.get("verdict"))
    return Run(
        run_id=str(record.get("run_id", "unknown")),
        cell_id=str(record.get("cell_id", "unknown")),
        block=count(record.get("block")) or 0,
        attempt=count(record.get("attempt")) or 1,
        verdict=str(verdict.get("verdict", "void")),
        reasons=texts(verdict.get("reasons")),
        spec=mapping(record.get("spec")),
        timings=mapping(record.get("timings")),
        evidence=mapping(record.get("evidence")),
        provenance=mapping(record.get("provenance")),
        study=str(record.get("study", "")),
        cost=cost_of(record, prices),
    )


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
    records: Iterable[Mapping[str, Any]], name: str, *, prices: Mapping[str, float] = NO_PRICES, currency: str = ""
) -> Study:
    """Everything a report shows, from the records of a ledger in their order; `name` serves when there are none.

    `prices` are those of a node's hour by machine type, in `currency`; without any there are no costs.
    """
    runs = tuple(run_of(record, prices) for record in records)
    by_cell: dict[str, list[Run]] = {}
    for run in runs:
        by_cell.setdefault(run.cell_id, []).append(run)
    factors = factors_of([found[0].spec for found in by_cell.values()])
    cells = [
        Cell(cell_id, found[0].spec, label(found[0].spec, factors) or cell_id, tuple(found))
        for cell_id, found in by_cell.items()
    ]
    cells.sort(key=lambda cell: ([rank(cell.spec.get(factor)) for factor in factors], cell.cell_id))
    title = runs[-1].study if runs and runs[-1].study else name
    return Study(title, runs, tuple(cells), factors, currency if any(cell.cost is not None for cell in cells) else "")
