# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluations of a run with a target accuracy, from the chief's log (docs/timing-log.md). PRIVATE, can break at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._common.fields import count, finite
from .events import Event

# Beyond twice as many, every second one is left out: a log of any length needs little memory.
KEPT = 250
# A line is written after its evaluation; clocks of one process agree better than this.
TOLERANCE_SECONDS = 0.1


class Evaluation(NamedTuple):
    """The accuracy (0 to 1) of the parameters after `global_step` steps, `seconds` after the start line."""

    global_step: int
    seconds: float
    accuracy: float


@dataclass
class Evaluations:
    """All of a log in their order, and the first at or above the target. What is no accuracy or no time does not count."""

    target: float
    kept: list[Evaluation] = field(default_factory=list)
    reached: Evaluation | None = None
    last: Evaluation | None = None
    seen: int = 0
    ignored: int = 0
    _stride: int = 1

    def take(self, event: Event, *, step: int | None, start: float, now: float | None) -> None:
        """`step` and `now` are the last ones before the line, for a line without them; `start` and `now` are of one clock."""
        accuracy, own_step = finite(event.fields.get("accuracy")), count(event.fields.get("global_step"))
        after, seconds = step if own_step is None else own_step, _seconds(event, start, now)
        if accuracy is None or not 0 <= accuracy <= 1 or after is None or seconds is None:
            self.ignored += 1
            return
        self.last = Evaluation(after, round(seconds, 6), accuracy)
        # Our trainer may tell of an earlier one after a later one.
        if accuracy >= self.target and (self.reached is None or self.last.seconds < self.reached.seconds):
            self.reached = self.last
        if self.seen % self._stride == 0:
            self.kept.append(self.last)
        self.seen += 1
        if len(self.kept) > 2 * KEPT:
            del self.kept[1::2]
            self._stride *= 2

    def all(self) -> list[Evaluation]:
        """In the order of time, with the one that reached the target and the last one."""
        return sorted(
            {*self.kept, *filter(None, (self.reached, self.last))}, key=lambda one: (one.seconds, one.global_step)
        )


def _seconds(event: Event, start: float, now: float | None) -> float | None:
    """To the moment of the parameters, which the trainer tells; else to the line."""
    clock = next((at for at in (event.mono, event.wall, now) if at is not None), None)
    if clock is None or clock < start:
        return None
    told: Any = event.fields.get("since_start")
    if told is None:
        return clock - start
    seconds = finite(told)
    return seconds if seconds is not None and 0 <= seconds <= clock - start + TOLERANCE_SECONDS else None
