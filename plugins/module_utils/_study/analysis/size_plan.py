# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes of a search for a size, for a person to review: the size, its time and price, and why not another. PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..records.record import Record
from ..statistics.intervals import Estimate, exponential, median_interval
from ..statistics.law_choice import Band
from ..statistics.scaling_laws import Sizes
from .autosize import Search
from .line_search import AXES, DEADLINE, GAIN, MAX, WORKERS, Line, Size

# Verdicts of a size that was tried.
TAKEN, WORSE, MAYBE, FAILED, FEW = "taken", "worse", "undecided", "failed", "not compared"
# Why the size is not the one that the search found; why there is none.
BUDGET, FIRST_FAILS, TOO_DEAR, NO_ROOM, LATE = "budget", "first_fails", "too_dear", "no_room", "late"
# Why sizes were not tried, beside the reasons for which a search ends.
BETWEEN, CLOSED = "between", "closed"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A size with its runs, in the order in which the search came to it."""

    size: Size
    label: str
    cell_id: str
    blocks: tuple[int, ...]
    verdict: str
    seconds: Estimate | None
    price: Estimate | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Beyond:
    """The next size beyond the one to take: what it brings, measured or by a law, and the share of speed for each added replica."""

    size: Size
    is_measured: bool
    seconds: Band | None
    gain: Band | None


@dataclass(frozen=True, kw_only=True)
class NotTried:
    """Numbers of an axis from `least` to `most`."""

    axis: str
    least: int
    most: int
    why: str


@dataclass(frozen=True, kw_only=True)
class SizePlan:
    """`size` is None where the runs name none. `why` is why the search ended, `kept` why another size than the best one is taken."""

    size: Size | None
    why: str
    kept: str
    tried: tuple[Tried, ...]
    undecided: tuple[Size, ...]
    beyond: Beyond | None
    not_tried: tuple[NotTried, ...]

    @property
    def taken(self) -> Tried | None:
        return next((one for one in self.tried if one.size == self.size), None)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the records and the user say beside the times. `room` is how many workers fit now beside the ps of a size, None where more can come."""

    records: Sequence[Record]
    cells: Mapping[Size, tuple[str, str]]
    prices: Mapping[str, float]
    room: Callable[[Size], int | None]
    max_cost: float | None = None
    cut_short: bool = False


def plan_of(search: Search, facts: Facts) -> SizePlan:
    best = search.taken(cut_short=facts.cut_short)
    costs = {size: _costs(size, facts) for size in search.order}
    size, kept = _allowed(search, best, costs, facts)
    tried = tuple(_tried(search, one, size, costs[one], facts) for one in search.order)
    why = FIRST_FAILS if best is None else BUDGET if facts.cut_short else search.deciding.why()
    return SizePlan(
        size=size,
        why=why,
        kept=kept,
        tried=tried,
        undecided=tuple(search.undecided()),
        beyond=_beyond(search, size) if size else None,
        not_tried=tuple(_not_tried(search, facts)),
    )


def _allowed(
    search: Search, best: Size | None, costs: Mapping[Size, Estimate | None], facts: Facts
) -> tuple[Size | None, str]:
    """The best size, or the best of those that keep the price and find room now."""
    if best is None:
        return None, ""
    late = search.rules.goal == DEADLINE and not search.line.keeps(getattr(best, search.line.axis))
    dear, homeless = _is_dear(costs.get(best), facts), _lacks_room(best, facts)
    if not dear and not homeless:
        return best, LATE if late else ""
    kept = TOO_DEAR if dear else NO_ROOM
    left = [one for one in search.seen if not _is_dear(costs.get(one), facts) and not _lacks_room(one, facts)]
    on_line = {search.size(search.line, value): score for value, score in search.line.scores().items()}
    ordered = sorted(
        left, key=lambda one: (on_line.get(one, math.inf), sum(search.seen[one].values()) / len(search.seen[one]))
    )
    return (ordered[0] if ordered else None), kept


def _is_dear(cost: Estimate | None, facts: Facts) -> bool:
    """A limit is kept with certainty, or not at all."""
    if facts.max_cost is None:
        return False
    return cost is None or (cost.high if cost.high is not None else math.inf) > facts.max_cost


def _lacks_room(size: Size, facts: Facts) -> bool:
    room = facts.room(size)
    return room is not None and room < size.workers


def _of(size: Size, facts: Facts) -> list[Record]:
    cell_id = facts.cells[size][0]
    return [record for record in facts.records if record.cell_id == cell_id]


def _costs(size: Size, facts: Facts) -> Estimate | None:
    found = [record.cost(facts.prices) for record in _of(size, facts) if record.measured] if facts.prices else []
    known = [cost for cost in found if cost is not None and cost > 0]
    return median_interval(known) if known else None


def _tried(search: Search, size: Size, taken: Size | None, cost: Estimate | None, facts: Facts) -> Tried:
    cell_id, label = facts.cells[size]
    times, runs = search.seen.get(size, {}), _of(size, facts)
    reasons = [run.why for run in runs if not run.is_fit]
    return Tried(
        size=size,
        label=label,
        cell_id=cell_id,
        blocks=tuple(sorted(times)),
        verdict=_verdict(search, size, taken),
        seconds=median_interval(list(times.values())) if times else None,
        price=cost,
        reason=reasons[-1] if reasons and not times else "",
    )


def _verdict(search: Search, size: Size, taken: Size | None) -> str:
    if size == taken:
        return TAKEN
    if any(search.size(line, value) == size for line in search.lines for value in line.failed):
        return FAILED
    claims = [(line, claim.rejected) for line in search.lines for claim in line.claims]
    if any(search.size(line, value) == size for line, value in claims):
        return WORSE
    return MAYBE if size in search.undecided() else FEW


def _beyond(search: Search, size: Size) -> Beyond | None:
    """On the line of the size that is taken; of the workers where there are several."""
    line = next((line for line in reversed(search.lines) if line.axis == WORKERS), search.line)
    value = getattr(size, line.axis)
    if search.size(line, value) != size:
        return None
    larger = sorted(one for one in line.seen if one > value)
    if larger:
        return _measured(search, line, value, larger[0])
    if value < line.limit or not line.speaking():
        return None
    return _predicted(search, line, value)


def _measured(search: Search, line: Line, value: int, larger: int) -> Beyond:
    told = line.bounds(value, larger)
    levels, added = line.levels(), larger - value
    rise = line.price(larger) - line.price(value)
    middle = levels[larger] - levels[value] if told is None else told[0] - rise
    ends = None if told is None else (told[2] - rise, told[1] - rise)
    gain = None if ends is None else Band(*(exponential(-end / added) - 1.0 for end in (middle, *ends)))
    times = median_interval([exponential(log) for log in line.seen[larger].values()])
    low, high = times.low or times.center, times.high or times.center
    return Beyond(size=search.size(line, larger), is_measured=True, seconds=Band(times.center, low, high), gain=gain)


def _predicted(search: Search, line: Line, value: int) -> Beyond:
    law = line.speaking()[0]
    here, there = law.band(Sizes.of([value, value + 1], max(1, line.base.ps)))
    gain = here.center / there.center - 1.0
    return Beyond(
        size=search.at.at(line.axis, value + 1), is_measured=False, seconds=there, gain=Band(gain, gain, gain)
    )


def _not_tried(search: Search, facts: Facts) -> Iterator[NotTried]:
    """Of each axis the numbers beyond the largest that was tried, and those between."""
    for axis in reversed(AXES) if len(search.rules.axes) > 1 else AXES:
        lines = [line for line in search.lines if line.axis == axis]
        most = getattr(search.rules.most, axis)
        if not lines:
            ended = BUDGET if facts.cut_short else CLOSED
            if most > getattr(search.rules.start, axis):
                yield NotTried(axis=axis, least=getattr(search.rules.start, axis) + 1, most=most, why=ended)
            continue
        line = lines[-1]
        tried = sorted(line.seen)
        if not tried:
            continue
        between = BUDGET if facts.cut_short else BETWEEN
        for low, high in pairwise(tried):
            if high - low > 1:
                yield NotTried(axis=axis, least=low + 1, most=high - 1, why=between)
        if most > tried[-1]:
            why = BUDGET if facts.cut_short else line.why() if line.why() != MAX else GAIN
            yield NotTried(axis=axis, least=tried[-1] + 1, most=most, why=why)
