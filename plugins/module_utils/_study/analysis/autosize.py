# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a size by measuring few others: searches along workers, ps and nodes. PRIVATE, can break at any time.

Records alone decide, block by block, so a search that was killed goes on as if it had not been. line_search.py is a search along one axis;
docs/autosize.md explains both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .line_search import (
    CAPACITY,
    DEADLINE,
    MAX,
    MET,
    NODES,
    PS,
    UNDECIDED,
    WORKERS,
    DeadlineLine,
    Line,
    Rules,
    Size,
)

Seconds = Callable[[Size, int], "float | None"]  # of a size in a block; None where it failed
Room = Callable[[Size], int]  # the workers that find room beside the ps of a size on its nodes


class Search:
    """The search along all axes: workers, then ps, then nodes; after a step of ps or nodes the workers again.

    Workers that find no room get as many more nodes as they need, where there may be more.
    """

    def __init__(self, rules: Rules, room: Room) -> None:
        self.rules, self.room = rules, room
        self.at = rules.start
        self.lines: list[Line] = []
        self.order: list[Size] = []
        self.seen: dict[Size, dict[int, float]] = {}
        self._axis, self._moved = 0, False
        self._values: list[int] = []
        # What the score of the line's base is above that of the size that would be taken without the line.
        self.debt = 0.0
        self._begin(self.at)

    def _begin(self, base: Size) -> None:
        axis = (self.rules.axes or (WORKERS,))[self._axis]
        limit, beyond = self._limit(axis, base)
        # With several axes a line is not the last: each has half of the error that is left.
        share = 1.0 if len(self.rules.axes) < 2 else 0.5 ** (len(self.lines) + 1)
        kind = DeadlineLine if self.rules.goal == DEADLINE else Line
        line = kind(axis, base, limit, beyond, self.rules, share * (1.0 - self.rules.confidence))
        line.nodes_of = lambda value: self.size(line, value).nodes
        self.lines.append(line)

    def _limit(self, axis: str, base: Size) -> tuple[int, str]:
        """The largest value of an axis from here, and why there is none beyond."""
        most = getattr(self.rules.most, axis)
        here = getattr(base, axis)
        if axis == WORKERS:
            room = self.room(base.at(NODES, self.rules.most.nodes))
            return (most, MAX) if room >= most else (max(room, here), CAPACITY)
        fits = (value for value in range(most, here, -1) if self.room(base.at(axis, value)) >= base.workers)
        largest = next(fits, here)
        return largest, MAX if largest == most else CAPACITY

    def size(self, line: Line, value: int) -> Size:
        size = line.base.at(line.axis, value)
        while line.axis == WORKERS and size.nodes < self.rules.most.nodes and self.room(size) < value:
            size = size.at(NODES, size.nodes + 1)
        return size

    @property
    def line(self) -> Line:
        return self.lines[-1]

    def sizes(self, values: Sequence[int]) -> list[Size]:
        return [self.size(self.line, value) for value in values]

    def wanted(self) -> list[Size]:
        """The sizes that the next block holds; none when the search is over."""
        while True:
            self._values = self.line.wanted()
            if self._values:
                asked = self.sizes(self._values)
                self.order += [size for size in asked if size not in self.order]
                return asked
            if not self._advance():
                return []

    def take(self, block: int, times: Mapping[Size, float]) -> None:
        """The seconds of the block that was asked for last; a size of it that has none failed in it."""
        line = self.line
        line.take(block, {getattr(size, line.axis): seconds for size, seconds in times.items()}, self._values)
        for size, seconds in times.items():
            self.seen.setdefault(size, {})[block] = seconds

    def _advance(self) -> bool:
        """To the next axis; false where there is none."""
        taken, axes = self.taken(), self.rules.axes
        if taken is None or len(axes) < 2 or (self.rules.goal == DEADLINE and self.line.why() == MET):
            return False
        self._moved = self._moved or (self._axis > 0 and taken != self.at)
        self.at, self.debt = taken, 0.0
        self._axis += 1
        if self._axis == len(axes):
            if not self._moved:
                return False
            self._axis, self._moved = 0, False
        self._begin(self._base())
        self.line.tried, self.line.seen = self._known()
        return True

    def _base(self) -> Size:
        """More ps may help those workers that gained too little."""
        last = self.line
        here = getattr(self.at, last.axis)
        larger = [value for value in sorted(last.seen) if value > here] if last.axis == WORKERS else []
        if self.rules.axes[self._axis] != PS or not larger:
            return self.at
        scores = last.scores()
        self.debt = scores[larger[0]] - scores[here]
        return self.size(last, larger[0])

    def _known(self) -> tuple[list[int], dict[int, dict[int, float]]]:
        """What earlier lines have measured of this one, from its base upwards."""
        line = self.line
        first = getattr(line.base, line.axis)
        found = {
            getattr(size, line.axis): {block: math.log(one) for block, one in times.items()}
            for size, times in self.seen.items()
            if first <= getattr(size, line.axis) <= line.limit and self.size(line, getattr(size, line.axis)) == size
        }
        return (sorted(found), found) if found else ([], {})

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def taken(self, *, cut_short: bool = False) -> Size | None:
        """The size to take, with what is known so far."""
        line = self.line
        value = line.chosen(cut_short=cut_short)
        if value is None:
            # The first size of a later line is one that an earlier one has measured.
            return self.at if len(self.lines) > 1 else None
        if line.base != self.at:
            scores = line.scores()
            if scores[getattr(line.base, line.axis)] - scores[value] <= max(self.debt, self.rules.tolerance):
                return self.at
        return self.size(line, value)

    @property
    def deciding(self) -> Line:
        """The line that says why the search has ended: of each axis the last one counts, what keeps a deadline before what is undecided."""
        last = list({line.axis: line for line in self.lines}.values())
        ends = {line.why(): line for line in reversed(last)}
        return next((ends[code] for code in (MET, UNDECIDED) if code in ends), last[0])

    def undecided(self) -> list[Size]:
        """The sizes that may be the best; none where it is told."""
        found: list[Size] = []
        for line in {line.axis: line for line in self.lines}.values():
            sizes = [self.size(line, value) for value in line.undecided()]
            found += [size for size in sizes if len(sizes) > 1 and size not in found]
        return found


@dataclass(frozen=True)
class Step:
    """Where a search stands after the records: `asked` are the sizes of block `block`, none when it is over."""

    search: Search
    block: int
    asked: tuple[Size, ...]


def replay(seconds: Seconds, is_over: Callable[[Size, int], bool], rules: Rules, room: Room) -> Step:
    """The search as the records tell it, block by block, up to the first block of which a run is missing."""
    search, block = Search(rules, room), 1
    while asked := search.wanted():
        if not all(is_over(size, block) for size in asked):
            return Step(search, block, tuple(asked))
        known = {size: seconds(size, block) for size in asked}
        search.take(block, {size: told for size, told in known.items() if told is not None})
        block += 1
    return Step(search, block, ())
