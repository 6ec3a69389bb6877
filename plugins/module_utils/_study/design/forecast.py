# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Duration and price of the missing runs of a study. PRIVATE, can break at any time.

A run's seconds are log-normal: log T = cell + block + rest. The variances come from the recorded runs, shrunk towards
values that are usual. The sum of all missing runs is again close to a log-normal, whose two moments are known.

Sources:
  Sum of log-normals by its moments: Fenton, IRE Transactions on Communications Systems 8 (1960) 57-67.
  Degrees of freedom of a sum of variances: Satterthwaite, Biometrics Bulletin 2 (1946) 110-114.
  Shrunk variances: Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004) article 3.
  Variance that grows with the distance of two cells: Matheron, Economic Geology 58 (1963) 1246-1266.
  Student's t from the normal distribution: Abramowitz and Stegun, Handbook of Mathematical Functions (1964) 26.7.5.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median
from typing import Any, NamedTuple, Protocol

from ..._common.fields import finite, mappings
from ..records.record import NO_PRICES, Record, records_of
from .projection import Level, chosen_of

# Without a record: steps per second of the two loops, 1 to 8 workers on two cores (the thesis' loop tests the whole test set
# every tenth step and writes summaries at each: about 50; the fast one: 400 to 950), and seconds from deployment to the
# start line and from the last step to the verdict together.
STEPS_PER_SECOND = {"thesis": 50.0, "fast": 500.0}
OVERHEAD_SECONDS = 2.0
# The true duration lies between the bounds with this probability.
COVERAGE = 0.90
# Usual standard deviations of logarithms, and the degrees of freedom with which each counts beside the data: of runs of one
# cell in one block, of blocks, of a rule of thumb (half to double), and of two cells a factor of e apart in one count.
USUAL_REST, USUAL_BLOCK, USUAL_GUESS, USUAL_STEP = 0.10, 0.07, 0.42, 0.5
WEIGHT_REST, WEIGHT_BLOCK, WEIGHT_STEP = 4.0, 2.0, 2.0
# Fewer degrees of freedom would let the bounds be anywhere.
LEAST_FREEDOM = 3.0
# Neighbours that are looked at for a cell without a run: a study may have thousands of cells.
NEIGHBOURS = 24
# Durations outside are slips of a clock.
SHORTEST, LONGEST = 1e-3, 1e7
# Records that tell how long a study takes beside its runs: the last ones of many, which say it of today.
LATEST = 2000
# Seconds between the records of two runs beyond which the study was interrupted.
BREAK_SECONDS = 900.0
# Counts are compared by their ratio; any other difference of two cells weighs as much as a factor of e.
COUNTS = ("nodes", "ps", "workers", "train_steps")

Spec = Mapping[str, Any]


class CellLike(Protocol):
    @property
    def cell_id(self) -> str: ...
    @property
    def spec(self) -> Spec: ...


class Forecast(NamedTuple):
    """The likely value, and the bounds that hold the true one with probability COVERAGE: seconds, or a price."""

    seconds: float
    low: float
    high: float

    def times(self, factor: float) -> Forecast:
        return Forecast(*(round(value * factor, 6) for value in self))


class _Expected(NamedTuple):
    """Logarithm of a run's seconds; its variance within the cell; and that of the cell's mean, shared by one `source`."""

    log: float
    rest: float
    shared: float
    source: Hashable

    @property
    def mean(self) -> float:
        return math.exp(self.log + (self.rest + self.shared) / 2.0)


class _Cell(NamedTuple):
    cell_id: str
    spec: Spec


class _Asked(NamedTuple):
    """Runs to forecast: their number by cell, and by cell and block."""

    numbers: Counter[str]
    blocks: Counter[tuple[str, int]]
    specs: dict[str, Spec]

    @classmethod
    def of(cls, runs: Iterable[tuple[CellLike, int]]) -> _Asked:
        asked = cls(Counter(), Counter(), {})
        for cell, block in runs:
            asked.numbers[cell.cell_id] += 1
            asked.blocks[cell.cell_id, block] += 1
            asked.specs[cell.cell_id] = cell.spec
        return asked


@dataclass
class _Known:
    """Recorded runs of one cell: logarithms of seconds by block, and their squared deviations once the blocks are known."""

    spec: Spec
    logs: list[float]
    blocks: list[int]
    squares: float = 0.0

    @property
    def log(self) -> float:
        return fmean(self.logs)


def _total_seconds(record: Record) -> float | None:
    return record.timing("total_seconds")


class Experience:
    """Durations and prices of recorded runs, and the forecasts that follow from them."""

    def __init__(
        self,
        records: Iterable[Any],
        prices: Mapping[str, float] = NO_PRICES,
        *,
        seconds_of: Callable[[Record], float | None] = _total_seconds,
    ) -> None:
        """`prices` are those of a node's hour by machine type, `*` is any other; without any there is no price."""
        found = [record for record in records_of(records) if record.is_fit and record.spec]
        self._prices = prices
        self._cells: dict[str, _Known] = {}
        for record in found:
            seconds = seconds_of(record)
            if seconds is not None and seconds > 0:
                cell = self._cells.get(record.cell_id)
                if cell is None:
                    cell = self._cells[record.cell_id] = _Known(record.spec, [], [])
                cell.logs.append(math.log(min(max(seconds, SHORTEST), LONGEST)))
                cell.blocks.append(record.block)
        self._between = _between(found[-LATEST:])
        self._rates, self._node_rate = _rates(found, prices)
        self._rest, self._freedom, self._block, self._blocks = self._variances()
        self._map = _Map()
        references = _evenly(list(self._cells.items()), NEIGHBOURS)
        self._references = {cell_id: _Place.of(cell.spec) for cell_id, cell in references}
        self._step = self._variogram()

    def total(self, runs: Iterable[tuple[CellLike, int]]) -> Forecast:
        """Seconds of these runs, each a cell and its block, one after the other."""
        asked = _Asked.of(runs)
        if not asked.numbers:
            return Forecast(0.0, 0.0, 0.0)
        expected = {cell_id: self._expected(cell_id, spec) for cell_id, spec in asked.specs.items()}
        mean = sum(number * expected[cell_id].mean for cell_id, number in asked.numbers.items())
        of_cells, of_blocks = self._variance(expected, asked, mean)
        spread = math.log1p((of_cells + of_blocks) / mean**2)
        center = math.log(mean) - spread / 2.0
        reach = _student(self._freedom_of(of_cells, of_blocks)) * math.sqrt(spread)
        fixed = self._between * sum(asked.numbers.values())
        return Forecast(*(round(math.exp(center + side) + fixed, 3) for side in (0.0, -reach, reach)))

    def of_cell(self, cell_id: str, spec: Spec) -> Forecast:
        """Seconds of one run of this cell."""
        return self.total([(_Cell(cell_id, spec), 1)])

    def level(self, cell_id: str, spec: Spec) -> Level:
        """The logarithm of a cell's seconds, as far as it is known."""
        expected = self._expected(cell_id, spec)
        return Level(expected.log, expected.shared, expected.rest)

    def mean(self, cell_id: str, spec: Spec) -> float:
        """Seconds that a run of this cell adds to a study, in the mean."""
        return self._expected(cell_id, spec).mean + self._between

    def price(self, runs: Iterable[tuple[CellLike, int]], time: Forecast) -> Forecast | None:
        """Price of the runs that take this time: every active node, used or not; None if a price is not known."""
        asked = _Asked.of(runs)
        rates = {cell_id: self._rate(cell_id, spec) for cell_id, spec in asked.specs.items()}
        if not rates or not self._prices or None in rates.values():
            return None
        expected = {cell_id: self._expected(cell_id, spec) for cell_id, spec in asked.specs.items()}
        seconds = {cell_id: number * expected[cell_id].mean for cell_id, number in asked.numbers.items()}
        weighted = sum(seconds[cell_id] * (rate or 0.0) for cell_id, rate in rates.items())
        return time.times(weighted / sum(seconds.values()))

    def _expected(self, cell_id: str, spec: Spec) -> _Expected:
        """From the cell's own runs, else from the most similar cell with runs, else by a rule of thumb."""
        known = self._cells.get(cell_id)
        if known is not None:
            count = len(known.logs)
            rest = (WEIGHT_REST * self._rest + known.squares) / (WEIGHT_REST + count - 1)
            return _Expected(known.log, rest, rest / count, cell_id)
        if self._references:
            here = _Place.of(spec)
            distances = {other: self._map.distance(here, place) for other, place in self._references.items()}
            nearest = min(distances, key=lambda other: distances[other])
            found = self._cells[nearest]
            own = self._rest / len(found.logs)
            return _Expected(found.log, self._rest, own + self._step * distances[nearest], ("like", nearest))
        speed = STEPS_PER_SECOND.get(str(spec.get("preset")), STEPS_PER_SECOND["fast"])
        steps = min(finite(spec.get("train_steps")) or 0.0, LONGEST)
        return _Expected(math.log(OVERHEAD_SECONDS + steps / speed), self._rest, USUAL_GUESS**2, "thumb")

    def _variance(self, expected: Mapping[str, _Expected], asked: _Asked, mean: float) -> tuple[float, float]:
        """Of the sum: each run's rest and the errors of means that runs share; each block and the mean of all blocks."""
        rest = 0.0
        shared: dict[Hashable, float] = {}
        by_block: dict[int, float] = {}
        for cell_id, number in asked.numbers.items():
            one = expected[cell_id]
            rest += number * one.mean**2 * math.expm1(one.rest)
            shared[one.source] = shared.get(one.source, 0.0) + number * one.mean * math.sqrt(math.expm1(one.shared))
        for (cell_id, block), number in asked.blocks.items():
            by_block[block] = by_block.get(block, 0.0) + number * expected[cell_id].mean
        within = sum(seconds**2 for seconds in by_block.values()) * math.expm1(self._block)
        level = mean**2 * math.expm1(self._block / self._blocks) if self._blocks else 0.0
        return rest + sum(seconds**2 for seconds in shared.values()), within + level

    def _freedom_of(self, of_cells: float, of_blocks: float) -> float:
        """Degrees of freedom of the sum of two variances; a rule of thumb has no data that could be few."""
        if not self._cells:
            return math.inf
        squares = of_cells**2 / self._freedom + of_blocks**2 / (WEIGHT_BLOCK + max(0, self._blocks - 1))
        return max(LEAST_FREEDOM, (of_cells + of_blocks) ** 2 / squares) if squares > 0 else math.inf

    def _variances(self) -> tuple[float, float, float, int]:
        """Of runs of one cell in one block, with its degrees of freedom; and of blocks, with their number.

        Two ways, cell and block, as in the comparison of cells; with one cell nothing tells blocks from runs.
        """
        left: dict[int, list[float]] = {}
        for cell in self._cells.values():
            center = cell.log
            for log, block in zip(cell.logs, cell.blocks, strict=True):
                left.setdefault(block, []).append(log - center)
        split = len(self._cells) > 1 and len(left) > 1
        means = {block: fmean(logs) if split else 0.0 for block, logs in left.items()}
        for cell in self._cells.values():
            center = cell.log
            pairs = zip(cell.logs, cell.blocks, strict=True)
            cell.squares = sum((log - center - means[block]) ** 2 for log, block in pairs)
        freedom = WEIGHT_REST + max(
            0, sum(len(cell.logs) - 1 for cell in self._cells.values()) - split * (len(left) - 1)
        )
        rest = (WEIGHT_REST * USUAL_REST**2 + sum(cell.squares for cell in self._cells.values())) / freedom
        extra = [max(0.0, means[block] ** 2 - rest / len(logs)) for block, logs in left.items()] if split else []
        usual = WEIGHT_BLOCK * USUAL_BLOCK**2
        return rest, freedom, (usual + sum(extra)) / (WEIGHT_BLOCK + max(0, len(extra) - 1)), len(left)

    def _variogram(self) -> float:
        """Variance of the logarithms of two cells' means for one unit of their distance."""
        squares, count = WEIGHT_STEP * USUAL_STEP**2, WEIGHT_STEP
        for cell_id, place in self._references.items():
            others = [
                (self._map.distance(place, at), other) for other, at in self._references.items() if other != cell_id
            ]
            distance, other = min(others, default=(0.0, cell_id))
            if distance > 0:
                squares += (self._cells[cell_id].log - self._cells[other].log) ** 2 / distance
                count += 1
        return squares / count

    def _rate(self, cell_id: str, spec: Spec) -> float | None:
        """Price of a second of a run: the cell's own, else by its nodes."""
        if cell_id in self._rates:
            return self._rates[cell_id]
        each = self._node_rate
        if each is None and len(self._prices) == 1 and not self._cells:
            [price] = self._prices.values()
            each = price / 3600.0
        nodes = finite(spec.get("nodes"))
        return None if each is None or nodes is None else each * max(nodes, 1.0)


class PlanLike(Protocol):
    @property
    def missing(self) -> Sequence[Any]: ...
    @property
    def further(self) -> Mapping[str, int]: ...


def of_plan(
    experience: Experience, plan: PlanLike, cells: Iterable[CellLike], futures: Mapping[str, Any] | None = None
) -> tuple[Forecast, Forecast | None]:
    """Seconds and price of the runs that a plan lacks; the price is None if it is not known.

    With adaptive blocks `futures` are the runs of each cell beyond those that are certain, in each of many futures
    (projection.py). Without them the bounds span from no further run to the most.
    """
    certain = [(run.cell, run.block) for run in plan.missing]
    least = experience.total(certain)
    if not plan.further:
        return least, experience.price(certain, least)
    last, by_id = plan.missing[-1].block if plan.missing else 0, {cell.cell_id: cell for cell in cells}
    further = [(by_id[name], last + number) for name, runs in plan.further.items() for number in range(1, runs + 1)]
    if futures is not None:
        time = _played(experience, certain, by_id, futures, last)
        return time, experience.price([*certain, *further], time)
    most = experience.total([*certain, *further])
    prices = experience.price(certain, least), experience.price([*certain, *further], most)
    price = None if prices[0] is None or prices[1] is None else _span(prices[0], prices[1])
    return _span(least, most), price


def _played(
    experience: Experience,
    certain: list[tuple[CellLike, int]],
    cells: Mapping[str, CellLike],
    futures: Mapping[str, Any],
    last: int,
) -> Forecast:
    """The likely future, and the bounds of the times of the shortest and of the longest one."""
    each = {cell_id: experience.mean(cell_id, cells[cell_id].spec) for cell_id in futures}
    seconds = sum(runs * each[cell_id] for cell_id, runs in futures.items())

    def time(future: int) -> Forecast:
        more = (
            (cells[name], last + number) for name, runs in futures.items() for number in range(1, int(runs[future]) + 1)
        )
        return experience.total([*certain, *more])

    short, middle, long = ([time(future) for future in chosen] for chosen in chosen_of(seconds))
    likely = fmean(one.seconds for one in middle)
    return Forecast(round(likely, 3), min(one.low for one in short), max(one.high for one in long))


def _span(least: Forecast, most: Forecast) -> Forecast:
    return Forecast(round(math.sqrt(least.seconds * most.seconds), 6), least.low, most.high)


def _between(records: Sequence[Record]) -> float:
    """Seconds that a study takes for each run beyond the run itself, by the times of consecutive records of a cluster."""
    last: dict[str, float] = {}
    found = []
    for record in records:
        seconds, now = record.timing("total_seconds"), record.recorded
        if seconds is None or now is None:
            continue
        # How long a queue lets the next run wait nobody knows.
        seconds += record.timing("queue_seconds") or 0.0
        cluster = str(record.spec.get("cluster"))
        before = last.get(cluster)
        last[cluster] = now
        if before is not None and 0.0 <= now - before - seconds <= BREAK_SECONDS:
            found.append(now - before - seconds)
    if not found:
        return 0.0
    # One break of some minutes, between two calls, must not count for every run.
    usual = median(found)
    return fmean(min(one, 10.0 * usual + 1.0) for one in found)


def _rates(records: Sequence[Record], prices: Mapping[str, float]) -> tuple[dict[str, float], float | None]:
    """Price of a second of a run by cell, and that of one node: the mean of all that are known."""
    found: dict[str, float] = {}
    each: list[float] = []
    for record in records if prices else ():
        cost, seconds = record.cost(prices), record.timing("total_seconds")
        if cost is not None and seconds:
            found[record.cell_id] = cost / seconds
            each.append(cost / seconds / len(mappings(record.provenance.get("nodes"))))
    return found, fmean(each) if each else None


def _evenly(items: list[Any], most: int) -> list[Any]:
    return items if len(items) <= most else [items[index * len(items) // most] for index in range(most)]


class _Place(NamedTuple):
    """A cell among others: logarithms of its counts, and all else in its spec."""

    counts: tuple[float | None, ...]
    rest: Mapping[str, Any]
    key: Hashable

    @classmethod
    def of(cls, spec: Spec) -> _Place:
        numbers = [finite(spec.get(name)) for name in COUNTS]
        counts = tuple(None if number is None else math.log1p(max(number, 0.0)) for number in numbers)
        rest = {name: value for name, value in spec.items() if name not in COUNTS}
        return cls(counts, rest, tuple(sorted((name, str(value)) for name, value in rest.items())))


class _Map:
    """Distances of cells; what is not a count is compared once for each pair of settings."""

    def __init__(self) -> None:
        self._differences: dict[tuple[Hashable, Hashable], int] = {}

    def distance(self, one: _Place, other: _Place) -> float:
        pair = one.key, other.key
        if pair not in self._differences:
            names = one.rest.keys() | other.rest.keys()
            self._differences[pair] = sum(one.rest.get(name) != other.rest.get(name) for name in names)
        distance = float(self._differences[pair])
        for first, second in zip(one.counts, other.counts, strict=True):
            if first != second:
                distance += 1.0 if first is None or second is None else abs(first - second)
        return distance


def _student(freedom: float) -> float:
    """The value that Student's t stays within, on both sides, with probability COVERAGE; to 2 % from 3 degrees of freedom."""
    z = NormalDist().inv_cdf((1.0 + COVERAGE) / 2.0)
    first = (z**3 + z) / 4.0
    second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
    return z + first / freedom + second / freedom**2
