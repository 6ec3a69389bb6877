# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A search for a size along one axis: which sizes the next block holds, and which one to take. PRIVATE, can break at any time.

Each goal is the lowest value of a score, the logarithm of a size's time plus a price of its replicas. A search
doubles the size until the score rises, then looks between the neighbours of the best size. docs/autosize.md explains the method and has
the simulated error rates.

Sources:
  Golden section: Kiefer, Proceedings of the American Mathematical Society 4 (1953) 502-506; doubling: Bentley and Yao, Information
    Processing Letters 5 (1976) 82-87.
  Repeated looks at a pair of sizes: sequential.py. Laws: law_choice.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from ..statistics.intervals import CONFIDENCE, MINIMUM
from ..statistics.law_choice import MIN_GAIN, SIZES, Law, choose
from ..statistics.scaling_laws import AMDAHL_LAW, USL_LAW
from ..statistics.scaling_laws import Sizes as At
from ..statistics.scientific import numpy
from ..statistics.sequential import FIRST, center, levels
from ..statistics.student_t import student_quantile

KNEE, TIME, COST, DEADLINE = GOALS = "knee", "time", "cost", "deadline"
WORKERS, PS, NODES = AXES = "workers", "ps", "nodes"
# Why a search along an axis has ended.
GAIN, MAX, CAPACITY, FAILS, UNDECIDED, MET = "gain", "max", "capacity", "fails", "undecided", "met"
REFINED = 2  # sizes at most between those of the doubling
RATIO = 1.3  # neighbours nearer than this are not told apart for the goals time and cost: their times differ by a few percent
RESAMPLES = 200  # of a law that only chooses the next size
BLOCK_WEIGHT = (
    1.0  # of a run's variance to that of the drift between blocks, for estimates of sizes of different blocks
)


class Size(NamedTuple):
    """The counts of a cell."""

    nodes: int
    ps: int
    workers: int

    def at(self, axis: str, value: int) -> Size:
        return self._replace(**{axis: value})


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is searched. `most` are the largest numbers of each axis, `last` the blocks at most in which two sizes are compared."""

    start: Size
    most: Size
    goal: str = KNEE
    min_gain: float = MIN_GAIN
    margin: float = 0.05
    deadline: float | None = None
    last: int = 8
    confidence: float = CONFIDENCE

    @property
    def axes(self) -> tuple[str, ...]:
        """Those along which there is more than one size."""
        return tuple(axis for axis in AXES if getattr(self.most, axis) > getattr(self.start, axis))

    @property
    def blocks(self) -> int:
        """As many as a search may need; one that needs more goes on with the next call."""
        axes = self.axes or (WORKERS,)
        doublings = sum(math.ceil(math.log2(max(2, getattr(self.most, axis)))) for axis in axes)
        return (1 if len(axes) == 1 else 2) * (doublings + len(axes) * (MINIMUM + self.last * (REFINED + 1)))

    @property
    def tolerance(self) -> float:
        """The logarithm of a gain that is none."""
        return 0.0 if self.goal == KNEE else math.log1p(self.margin)


@dataclass(frozen=True)
class Claim:
    """Of two neighbours the one that is certain to be no better than the other, after so many blocks of both."""

    smaller: int
    larger: int
    rejected: int
    blocks: int


@dataclass
class Line:
    """A search along one axis, through the sizes that differ from `base` in nothing else. `error` is what all its claims share."""

    axis: str
    base: Size
    limit: int
    # Why there is nothing beyond the limit.
    beyond: str
    rules: Rules
    error: float
    nodes_of: Callable[[int], int] = lambda _value: 1
    seen: dict[int, dict[int, float]] = field(default_factory=dict)
    tried: list[int] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    # Values at or beyond these are of no interest any more.
    low: int = 0
    high: int = 1 << 40
    gaps: dict[int, int] = field(default_factory=dict)
    # Of a deadline: sizes that may miss it.
    doubtful: set[int] = field(default_factory=set)
    refined: int = 0
    # By the sizes tried and every fourth block: a fit takes longer than all else.
    _laws: dict[tuple[int, int], tuple[Law, ...]] = field(default_factory=dict)
    _fitted: tuple[dict[int, float], float] | None = None

    # --- what is asked ------------------------------------------------------------------------------------------------

    def wanted(self) -> list[int]:
        """The values that the next block holds; none when the search is over."""
        if not self.tried:
            first = getattr(self.base, self.axis)
            self.tried = [first, min(2 * first, self.limit)] if self.limit > first else [first]
            return list(self.tried)
        alive = self._alive()
        few = [value for value in self.tried if value not in self.failed and len(self.seen.get(value, {})) < MINIMUM]
        if not alive:
            # Where nothing has a time yet, what has failed in one block only is asked for again.
            return [] if self.seen else [value for value in few if value < self.high]
        best = self.best()
        new = self._next(best, few)
        if new is None and not few and not self._open(best):
            # Nobody knows yet that more gain too little.
            new = self._larger()
        if new is not None:
            self.tried.append(new)
            self.refined += not self._is_growth(new)
        front = self._open(best)
        asked = {*few, *front, *([] if new is None else [best, new])}
        return sorted(asked or self._first_and(best))

    def _first_and(self, best: int) -> list[int]:
        """Before the first size is taken because it may be the best, both are compared like neighbours."""
        first = self.tried[0]
        is_open = first != best and first in self.undecided() and len(self._common(first, best)) < self.rules.last
        return [first, best] if is_open else []

    def take(self, block: int, times: Mapping[int, float], asked: Sequence[int]) -> None:
        """The seconds of a block; a value that has none failed in it."""
        self._fitted = None
        for value in asked:
            if value in times:
                self.seen.setdefault(value, {})[block] = math.log(times[value])
                self.gaps[value] = 0
            else:
                self.gaps[value] = self.gaps.get(value, 0) + 1
                if self.gaps[value] == 2 and value not in self.failed:
                    self.failed.append(value)
                    # What fails twice in a row in all its attempts fails again, and larger ones with it.
                    self.high = min(self.high, value)
        self._judge()

    # --- estimates ----------------------------------------------------------------------------------------------------

    def _alive(self) -> list[int]:
        return sorted(value for value in self.tried if self.low < value < self.high and self.seen.get(value))

    def price(self, value: int) -> float:
        """What a size adds to the logarithm of its time."""
        if self.rules.goal == KNEE:
            return math.log1p(self.rules.min_gain) * value
        # The nodes of a run cost as long as it lasts.
        return math.log(self.nodes_of(value)) if self.rules.goal == COST else 0.0

    def levels(self) -> Mapping[int, float]:
        """The logarithm of each size's time, without the drift between blocks."""
        return self._fit()[0]

    def _fit(self) -> tuple[dict[int, float], float]:
        """The levels, and the half width of the 95 % interval of a single run."""
        if self._fitted is None:
            self._fitted = _levels(self.seen, self.rules.confidence)
        return self._fitted

    def scores(self) -> dict[int, float]:
        return {value: log + self.price(value) for value, log in self.levels().items()}

    def best(self) -> int:
        scores = self.scores()
        return min(self._alive(), key=lambda value: (scores[value], value))

    # --- the next size ------------------------------------------------------------------------------------------------

    def _is_growth(self, value: int) -> bool:
        return value > max((one for one in self.tried if one != value), default=0)

    def _next(self, best: int, few: Sequence[int]) -> int | None:
        if not all(self.seen.get(value) for value in self.tried if value not in self.failed):
            return None
        if best == max(self.tried) and (new := self._larger()):
            return new
        # The neighbours are to be known well enough to look between them.
        return None if few or self.refined >= REFINED else self._between(best)

    def _larger(self) -> int | None:
        """Twice the largest size, as far as that is of interest."""
        largest, beyond = max(self.tried), min(self.limit, self.high - 1)
        return min(2 * largest, beyond) if largest < beyond else None

    def _between(self, best: int) -> int | None:
        """A size between the best one and its neighbours: by the law where one speaks, else in the middle of the wider gap."""
        ends = [max((one for one in self.tried if one < best), default=best)]
        ends.append(min((one for one in self.tried if one > best), default=best))
        laws = self.speaking()
        for law in laws:
            found = golden(partial(self._predicted, law), ends[0], ends[1])
            gain = self._predicted(law, best) - self._predicted(law, found)
            if found not in self.tried and gain >= self._worth():
                return found
        if laws:
            return None
        scores = self.scores()
        for end in sorted((end for end in ends if end != best), key=lambda end: (scores.get(end, math.inf), end)):
            low, high = sorted((best, end))
            if high - low > 1 and (self.rules.goal == KNEE or high / low > RATIO):
                return (low + high) // 2
        return None

    def _worth(self) -> float:
        """The least gain for which another size is tried."""
        return self.rules.tolerance / 5.0

    def _predicted(self, law: Law, value: int) -> float:
        return float(law.form.log_seconds(law.center, At.of(value, max(1, self.base.ps)))[0][0]) + self.price(value)

    def speaking(self) -> tuple[Law, ...]:
        """The laws of these sizes that may speak of others, the best first."""
        key = len(self.tried), len({block for runs in self.seen.values() for block in runs}) // 4
        if key not in self._laws:
            self._laws[key] = self._fitted_laws() if self.axis == WORKERS else ()
        return self._laws[key]

    def _fitted_laws(self) -> tuple[Law, ...]:
        np = numpy()
        values = sorted(value for value, runs in self.seen.items() if len(runs) >= MINIMUM)
        if len(values) < SIZES:
            return ()
        blocks = sorted({block for value in values for block in self.seen[value]})
        logs = np.array([[self.seen[value].get(block, math.nan) for value in values] for block in blocks])
        return choose([AMDAHL_LAW, USL_LAW], At.of(values, max(1, self.base.ps)), logs, resamples=RESAMPLES).laws

    # --- claims -------------------------------------------------------------------------------------------------------

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """The best size and its neighbours, as smaller and larger."""
        alive = self._alive()
        if alive:
            place = alive.index(self.best())
            yield from zip(alive[max(0, place - 1) : place + 1], alive[max(1, place) : place + 2], strict=False)

    def _common(self, one: int, other: int) -> list[int]:
        return sorted(self.seen.get(one, {}).keys() & self.seen.get(other, {}).keys())

    def _open(self, best: int) -> list[int]:
        """The best size and its neighbours, as far as another block may tell them apart."""
        pairs = [pair for pair in self._pairs() if best in pair and len(self._common(*pair)) < self.rules.last]
        return sorted({value for pair in pairs for value in pair})

    @property
    def _statements(self) -> int:
        """Pairs of neighbours of which a claim may be wrong: those of the doubling, and two for each size between."""
        first = max(1, getattr(self.base, self.axis))
        return max(1, math.ceil(math.log2(max(2, self.limit) / first))) + 2 * REFINED

    def bounds(self, smaller: int, larger: int) -> tuple[float, float, float] | None:
        """Of the rise of the score from the smaller to the larger size; None before the first look."""
        common = self._common(smaller, larger)
        if len(common) < FIRST:
            return None
        prices = self.price(larger) - self.price(smaller)
        middle, error, df = center([self.seen[larger][block] - self.seen[smaller][block] for block in common])
        level = levels(self.rules.last, self.error / self._statements)[min(len(common), self.rules.last) - FIRST]
        reach = student_quantile(1.0 - 2.0 * level, df) * error
        return middle + prices, middle + prices - reach, middle + prices + reach

    def _judge(self) -> None:
        for smaller, larger in list(self._pairs()):
            told = self.bounds(smaller, larger)
            if told is None:
                continue
            middle, low, high = told
            if low > -self.rules.tolerance:
                self._claim(smaller, larger, larger)
            elif high < 0.0 and middle < -self.rules.tolerance:
                self._claim(smaller, larger, smaller)

    def _claim(self, smaller: int, larger: int, rejected: int) -> None:
        self.claims.append(Claim(smaller, larger, rejected, len(self._common(smaller, larger))))
        if rejected == larger:
            self.high = min(self.high, larger)
        else:
            self.low = max(self.low, smaller)

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def undecided(self) -> list[int]:
        """The best size, and those of which the runs do not tell whether they are worse."""
        alive = self._alive()
        if not alive:
            return []
        (levels, reach), best = self._fit(), self.best()
        lowest = levels[best] + self.price(best)

        def width(value: int) -> float:
            return reach * math.sqrt(1.0 / len(self.seen[value]) + 1.0 / len(self.seen[best]))

        return [one for one in alive if one == best or levels[one] + self.price(one) <= lowest + width(one)]

    def chosen(self, *, cut_short: bool = False) -> int | None:
        """The best size. Where even the first may be it, or the budget has ended, the smallest of those that are undecided."""
        left = self.undecided()
        if not left:
            return None
        nothing_told = left[0] == min(self.tried)
        return left[0] if nothing_told or cut_short else self.best()

    def keeps(self, value: int) -> bool | None:  # noqa: ARG002 - no limit is asked for
        """Whether a size ends in time; None where that is not decided."""
        return None

    def why(self) -> str:
        """Why the search along this axis has ended."""
        taken = self.chosen()
        if len(self.undecided()) > 1:
            return UNDECIDED
        if self.high in self.failed:
            return FAILS
        return self.beyond if taken is not None and taken >= self.limit else GAIN


class DeadlineLine(Line):
    """A search for the smallest size that ends in time, with certainty; without any it is for the fastest."""

    def _limit(self) -> float:
        return math.log(self.rules.deadline or math.inf)

    def _meets(self, value: int) -> bool:
        """So far; a size that all blocks do not show to keep the limit makes room for a larger one."""
        return self.levels()[value] <= self._limit() and value not in self.doubtful

    def best(self) -> int:
        alive = self._alive()
        meeting = [value for value in alive if self._meets(value)]
        return min(meeting) if meeting else min(alive, key=lambda value: (self.levels()[value], value))

    def _between(self, best: int) -> int | None:
        below = [one for one in self.tried if one < best]
        if not self._meets(best):
            return super()._between(best)
        low = max(below, default=best)
        if laws := self.speaking():
            fits = (value for value in range(low + 1, best) if self._predicted(laws[0], value) <= self._limit())
            return next(fits, None)
        return (low + best) // 2 if best - low > 1 and best / low > RATIO else None

    def _own(self, value: int) -> tuple[float, float] | None:
        """Bounds of the logarithm of a size's time by its own runs."""
        logs = list(self.seen.get(value, {}).values())
        if len(logs) < FIRST:
            return None
        middle, error, df = center(logs)
        level = levels(self.rules.last, self.error / self._statements)[min(len(logs), self.rules.last) - FIRST]
        reach = student_quantile(1.0 - 2.0 * level, df) * error
        return middle - reach, middle + reach

    def keeps(self, value: int) -> bool | None:
        """Whether a size ends in time; None where that is not decided."""
        own = self._own(value)
        if own is None or own[0] <= self._limit() < own[1]:
            return None
        return own[1] <= self._limit()

    def _judge(self) -> None:
        if not self._alive():
            return
        best = self.best()
        if not self._meets(best):
            super()._judge()
            return
        for value in {value for pair in self._pairs() for value in pair} | {best}:
            keeps = self.keeps(value)
            if value < best and (keeps is False or value in self.doubtful):
                self.low = max(self.low, value)
            elif keeps and value == best:
                self.high = min(self.high, value + 1)
            elif value == best and len(self.seen[value]) >= self.rules.last and self._has_larger(value):
                self.doubtful.add(value)

    def _has_larger(self, value: int) -> bool:
        return self._larger() is not None or max(self._alive()) > value

    def _open(self, best: int) -> list[int]:
        if not self._meets(best):
            return super()._open(best)
        lower = [value for value in self._alive() if value < best][-1:]
        going = [*lower, *([] if self.keeps(best) else [best])]
        return [value for value in going if len(self.seen[value]) < self.rules.last]

    def undecided(self) -> list[int]:
        if not self._alive():
            return []
        best = self.best()
        if not self._meets(best):
            return super().undecided()
        lower = [value for value in self._alive() if value < best][-1:]
        return [*lower, best] if self.keeps(best) is None else [best]

    def chosen(self, *, cut_short: bool = False) -> int | None:
        if not self._alive():
            return None
        best = self.best()
        # Of a limit nobody asks for the smallest that may break it.
        return best if self._meets(best) else super().chosen(cut_short=cut_short)

    def why(self) -> str:
        best = self.chosen()
        return MET if best is not None and self.keeps(best) else super().why()


def golden(score: Callable[[int], float], low: int, high: int) -> int:
    """The whole number from `low` to `high` with the lowest score, which has one valley: by golden section."""
    known: dict[int, float] = {}

    def at(value: int) -> float:
        if value not in known:
            known[value] = score(value)
        return known[value]

    share = (math.sqrt(5.0) - 1.0) / 2.0
    while high - low > 3:
        inner = round(share * (high - low))
        left, right = high - inner, low + inner
        if left >= right:
            left, right = low + (high - low) // 2, low + (high - low) // 2 + 1
        low, high = (low, right) if at(left) <= at(right) else (left, high)
    return min(range(low, high + 1), key=lambda value: (at(value), value))


def _levels(seen: Mapping[int, Mapping[int, float]], confidence: float) -> tuple[dict[int, float], float]:
    """By least squares, sizes and blocks; a block's drift is shrunk as if it varied as much as a run."""
    np = numpy()
    values, blocks = sorted(seen), sorted({block for runs in seen.values() for block in runs})
    rows = [(values.index(value), blocks.index(at), log) for value, runs in seen.items() for at, log in runs.items()]
    if not rows:
        return {}, math.inf
    k, n = len(values), len(blocks)
    design, logs = np.zeros((len(rows) + n, k + n)), np.zeros(len(rows) + n)
    for number, (row, column, log) in enumerate(rows):
        design[number, row] = design[number, k + column] = 1.0
        logs[number] = log
    design[len(rows) :, k:] = np.eye(n) * math.sqrt(BLOCK_WEIGHT)
    found = np.linalg.solve(design.T @ design, design.T @ logs)
    df = len(rows) - k
    if df < 1:
        return dict(zip(values, found.tolist(), strict=False)), math.inf
    spread = math.sqrt(float(((logs - design @ found) ** 2).sum()) / df)
    return dict(zip(values, found.tolist(), strict=False)), student_quantile(confidence, df) * spread
