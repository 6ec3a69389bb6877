# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that tell how far a run is. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable

from ..._common.fields import count
from ..._common.format import duration, figure
from .events import Event


class Progress:
    """Says one line every few seconds while a run waits, one when it starts moving, and one every few seconds as long as it moves."""

    def __init__(
        self,
        *,
        poll: Callable[[], Event | None],
        say: Callable[[str], None],
        label: str,
        train_steps: int,
        every: float,
        clock: Callable[[], float],
    ) -> None:
        self.step: int | None = None
        self._poll = poll
        self._say = say
        self._label = label
        self._train_steps = train_steps
        self._every = every
        self._clock = clock
        self._said_at: float | None = None
        self._waited = 0.0
        self._from: tuple[int, float] | None = None

    def look(self) -> None:
        event = self._poll()
        step = count(event.fields.get("global_step")) if event else None
        if event is None or step is None:
            return
        now = self._clock()
        # The run's own clock where the log has one: its lines are read some time after they were written.
        time = next((at for at in (event.mono, event.wall) if at is not None), now)
        if self._from is None:
            self._from = (step, time)
        # An evaluation is told after later steps.
        moved, self.step = step > (self.step or 0), max(step, self.step or 0)
        if moved and (self._said_at is None or now - self._said_at >= self._every):
            self._say(self._line(step, time))
            self._said_at, self._from = now, (step, time)

    def wait(self, what: str, seconds: float, why: str) -> None:
        """`waiting for quota in queue x for 12 s: ...`; the first line comes when the wait has lasted as long as a pause between two."""
        if seconds - self._waited >= self._every:
            self._waited = seconds
            self._say(self._labelled(f"waiting for {what} for {duration(seconds)}" + (f": {why}" if why else "")))

    def _line(self, step: int, time: float) -> str:
        since, then = self._from or (step, time)
        speed = (step - since) / (time - then) if time > then and step > since else None
        parts = [f"step {step}/{self._train_steps}" if self._train_steps else f"step {step}"]
        if self._train_steps:
            parts.append(f"{min(100, 100 * step // self._train_steps)} %")
        if speed:
            parts.append(f"{figure(speed)} steps/s")
        if speed and step < self._train_steps:
            parts.append(f"{duration((self._train_steps - step) / speed)} left")
        return self._labelled("  ".join(parts))

    def _labelled(self, text: str) -> str:
        return f"{self._label}   {text}" if self._label else text
