# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one version of a training is slower than another, decided as early as possible. PRIVATE, can break at any time.

Both versions run once in every block, so each block gives one ratio of times. After each block an interval for the mean
ratio is held against what is allowed (a non-inferiority margin). The intervals of all looks together hold the truth with
the confidence asked for: looking often makes no verdict wrong more often, and neither does stopping early.

Sources:
  Intervals for repeated looks, also for equivalence: Jennison and Turnbull, Journal of the Royal Statistical Society B 51
    (1989) 305-361, and Biometrics 49 (1993) 31-43.
  Boundaries and the robust mean: statistics/sequential.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ..._common.errors import InputError
from ..records.record import Record, last_cause, records_of, times_of
from ..statistics.intervals import CONFIDENCE, exponential
from ..statistics.sequential import FIRST, center, levels
from ..statistics.student_t import student_quantile

FASTER, SAME, SLOWER, CANNOT_TELL = "faster", "same", "slower", "cannot tell"
BEFORE, AFTER = "before", "after"  # the variants


@dataclass(frozen=True)
class Outcome:
    """How many times longer `after` takes than `before`, and what that means; no bounds before the first look."""

    verdict: str
    blocks: int
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


def judge(
    before: Mapping[int, float],
    after: Mapping[int, float],
    *,
    max_slowdown: float,
    budget: int,
    confidence: float = CONFIDENCE,
) -> Outcome:
    """The verdict on seconds by block. It stands once it is another than "cannot tell"; else another block is wanted.

    slower: the whole interval lies above what is allowed. same: the whole interval lies below that. faster: it lies below one.
    """
    common = sorted(before.keys() & after.keys())
    logs = [math.log(after[block]) - math.log(before[block]) for block in common]
    if len(logs) < FIRST:
        return Outcome(CANNOT_TELL, len(logs), exponential(fmean(logs)) if logs else None)
    middle, error, df = center(logs)
    level = levels(budget, (1.0 - confidence) / 2.0)[min(len(logs), budget) - FIRST]
    reach = student_quantile(1.0 - 2.0 * level, df) * error
    ratio, low, high = map(exponential, (middle, middle - reach, middle + reach))
    return Outcome(_verdict(low, high, 1.0 + max_slowdown), len(logs), ratio, low, high)


def _verdict(low: float, high: float, allowed: float) -> str:
    if high < 1.0:
        return FASTER
    if high <= allowed:
        return SAME
    return SLOWER if low > allowed else CANNOT_TELL


def seconds_of(records: Iterable[Any], cell_id: str) -> dict[int, float]:
    """Training seconds by block over the measured runs of a cell; of two in one block the later counts."""
    return times_of(records).get(cell_id, {})


@dataclass(frozen=True)
class Contest:
    """What a ledger says of the cells of both versions."""

    before: str
    after: str
    records: Sequence[Record]

    @classmethod
    def of(cls, cells: Iterable[Any], records: Iterable[Any]) -> Contest:
        """Of cells or records, each with its `cell_id` and `spec`, those of the variants before and after."""
        found: dict[str, set[str]] = {BEFORE: set(), AFTER: set()}
        for cell in map(Record.of, cells):
            found.get(str(cell.spec.get("variant")), set()).add(cell.cell_id)
        if many := next((name for name, ids in found.items() if len(ids) > 1), None):
            raise InputError(
                f"{len(found[many])} cells are of the variant {many}: give two cells, one of each variant (before and after),"
                " with one number of nodes, ps and workers"
            )
        ids = {name: next(iter(ids), "") for name, ids in found.items()}
        return cls(ids[BEFORE], ids[AFTER], [one for one in records_of(records) if one.cell_id in ids.values()])

    def seconds(self, cell_id: str) -> dict[int, float]:
        return seconds_of(self.records, cell_id)

    def judge(self, max_slowdown: float, budget: int) -> Outcome:
        return judge(self.seconds(self.before), self.seconds(self.after), max_slowdown=max_slowdown, budget=budget)

    @property
    def tried(self) -> int:
        """Blocks in which both have run, whatever came of it."""
        before, after = ({one.block for one in self._runs(cell_id)} for cell_id in (self.before, self.after))
        return len(before & after)

    @property
    def without(self) -> list[tuple[str, str]]:
        """The versions that were tried and have no run that counts, and why not."""
        return [
            (name, last_cause(self._runs(cell_id)))
            for name, cell_id in ((BEFORE, self.before), (AFTER, self.after))
            if self._runs(cell_id) and not self.seconds(cell_id)
        ]

    def _runs(self, cell_id: str) -> list[Record]:
        return [record for record in self.records if record.cell_id == cell_id]
