# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the runs of a study will take. PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, NamedTuple

from ..._common.fields import finite
from ..records.record import records_of

# Without a record: steps per second of the two loops, 1 to 8 workers on two cores (the thesis' loop tests the whole test set
# every tenth step and writes summaries at each: about 50; the fast one: 200 to 400), and seconds from deployment to the
# start line and from the last step to the verdict together.
STEPS_PER_SECOND = {"thesis": 50.0, "fast": 280.0}
OVERHEAD_SECONDS = 3.0
# How far off a forecast may be: from a rule of thumb, from another cell's runs, from a single run of this cell.
GUESS, NEIGHBOUR, SINGLE = 2.0, 1.5, 1.25
# Counts are compared by their ratio; any other difference of two cells weighs as much as a factor of e.
COUNTS = ("nodes", "ps", "workers", "train_steps")


class Forecast(NamedTuple):
    """Seconds, likely and between bounds."""

    seconds: float
    low: float
    high: float


class Experience:
    """What the records of a study say about durations."""

    def __init__(self, records: Iterable[Any]) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._specs: dict[str, Mapping[str, Any]] = {}
        for record in records_of(records):
            seconds = record.timing("total_seconds")
            if seconds is not None and seconds > 0 and record.spec:
                self._seconds.setdefault(record.cell_id, []).append(seconds)
                self._specs[record.cell_id] = record.spec

    def of_cell(self, cell_id: str, spec: Mapping[str, Any]) -> Forecast:
        """From the cell's own runs, else from those of the cell most like it, else by a rule of thumb."""
        if own := self._seconds.get(cell_id):
            spread = SINGLE if len(own) == 1 else 1.0
            return Forecast(median(own), min(own) / spread, max(own) * spread)
        if self._specs:
            nearest = min(self._specs, key=lambda other: _distance(spec, self._specs[other]))
            likely = median(self._seconds[nearest])
            return Forecast(likely, likely / NEIGHBOUR, likely * NEIGHBOUR)
        speed = STEPS_PER_SECOND.get(str(spec.get("preset")), STEPS_PER_SECOND["fast"])
        likely = OVERHEAD_SECONDS + (finite(spec.get("train_steps")) or 0.0) / speed
        return Forecast(likely, likely / GUESS, likely * GUESS)


def _distance(spec: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    distance = 0.0
    for key in spec.keys() | other.keys():
        one, two = finite(spec.get(key)), finite(other.get(key))
        if key in COUNTS and one is not None and two is not None:
            distance += abs(math.log((1 + one) / (1 + two)))
        elif spec.get(key) != other.get(key):
            distance += 1.0
    return distance


def total(forecasts: Iterable[Forecast]) -> Forecast:
    sums = [sum(bounds) for bounds in zip(*forecasts, strict=True)] or [0.0, 0.0, 0.0]
    return Forecast(*(round(value, 3) for value in sums))
