# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The context of one replica, which every strategy is given: its task, clock and log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer import data
from trainer.config import Config
from trainer.data import Dataset
from trainer.event_log import EventLog
from trainer.timing import Clock, Usage

READY_LOOK_SECONDS = 0.1


@dataclass(kw_only=True)
class Progress:
    """A worker's progress, for its summary."""

    local_steps: int = 0
    global_step: int = 0
    wait_seconds: float = 0.0
    # Of all variables on each ps, and of those that a step pulls and pushes.
    bytes_per_ps: list[int] = field(default_factory=list)
    step_bytes_per_ps: list[int] = field(default_factory=list)
    # Of the chief's clock: at the start line, and at the last step.
    started: float = 0.0
    ended: float = 0.0
    # Of the evaluations during the training, without the one after it.
    eval_count: int = 0
    eval_seconds: float = 0.0
    eval_cpu_seconds: float = 0.0
    # The use of each ps during the training, as the chief has read it (trainer.ps_counters).
    ps: list[dict[str, Any]] = field(default_factory=list)
    # Since the start line, by kind (trainer.time_breakdown).
    seconds: dict[str, float] = field(default_factory=dict)

    def evaluated(self, seconds: float, *, cpu_seconds: float) -> None:
        self.eval_count += 1
        self.eval_seconds += seconds
        self.eval_cpu_seconds += cpu_seconds


@dataclass(frozen=True, kw_only=True)
class Context:
    """The task, log and clock of one replica, and its progress."""

    config: Config
    log: EventLog
    clock: Clock
    usage: Usage
    progress: Progress = field(default_factory=Progress)

    @property
    def dataset(self) -> Dataset:
        """Loaded when first used, because a ps needs no data; `load` caches it."""
        return data.load(self.config.data)

    def start(self, global_step: int, *, waited: float) -> None:
        self.progress.wait_seconds = waited
        self.usage.begin()
        self.progress.started = self.clock.mono()
        self.log.event("start_line", global_step=global_step)
        if self.config.ready_file:
            threading.Thread(target=self._tell_ready, name="ready", daemon=True).start()

    def _tell_ready(self) -> None:
        """Create the ready file after the first step, which proves that this worker trains."""
        while not self.progress.local_steps:
            time.sleep(READY_LOOK_SECONDS)
        Path(self.config.ready_file).touch()

    def target_reached(self, global_step: int, *, by_accuracy: bool = False) -> None:
        self.progress.global_step = global_step
        self.progress.ended = self.clock.mono()
        if self.config.is_chief:
            by = {"by": "accuracy" if by_accuracy else "steps"} if self.config.target_accuracy else {}
            self.log.event("target_reached", global_step=global_step, **by)
        # After the clock has stopped.
        self.usage.end()

    def evaluated(self, global_step: int, accuracy: float, *, at: float, seconds: float) -> None:
        """Log an evaluation that took `seconds`. `at` is the moment of its parameters, on this replica's clock."""
        since_start = round(max(0.0, at - self.progress.started), 6)
        self.log.event(
            "eval",
            global_step=global_step,
            accuracy=round(accuracy, 6),
            since_start=since_start,
            seconds=round(seconds, 6),
        )

    def evaluated_at_the_end(self, accuracy: Callable[[], float]) -> None:
        """Evaluate the final parameters, which are those of the last step, and log it."""
        began, progress = self.clock.mono(), self.progress
        found = accuracy()
        self.evaluated(progress.global_step, found, at=progress.ended, seconds=self.clock.mono() - began)

    def summary(self) -> None:
        progress = self.progress
        self.log.event(
            "summary",
            **self.usage.figures(),
            wait_seconds=round(progress.wait_seconds, 6),
            local_steps=progress.local_steps,
            examples=progress.local_steps * self.config.batch_size,
            bytes_per_ps=progress.bytes_per_ps,
            step_bytes_per_ps=progress.step_bytes_per_ps,
            seconds=progress.seconds,
            trained=self.usage.trained,
            **({"ps": progress.ps} if progress.ps else {}),
            **self._evaluations(),
        )

    def _evaluations(self) -> dict[str, float]:
        """The cost of the evaluations during the training: they compete for the processors of the chief's machine."""
        if not (self.config.is_chief and self.config.target_accuracy):
            return {}
        progress = self.progress
        return {
            "eval_count": progress.eval_count,
            "eval_seconds": round(progress.eval_seconds, 6),
            "eval_cpu_seconds": round(progress.eval_cpu_seconds, 6),
        }
