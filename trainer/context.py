# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The context of one replica, which every strategy is given: its task, clock and log."""

from __future__ import annotations

import threading
import time
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
    # The use of each ps during the training, as the chief has read it (trainer.ps_counters).
    ps: list[dict[str, Any]] = field(default_factory=list)
    # Since the start line, by kind (trainer.time_breakdown).
    seconds: dict[str, float] = field(default_factory=dict)


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
        self.log.event("start_line", global_step=global_step)
        if self.config.ready_file:
            threading.Thread(target=self._tell_ready, name="ready", daemon=True).start()

    def _tell_ready(self) -> None:
        """Create the ready file after the first step, which proves that this worker trains."""
        while not self.progress.local_steps:
            time.sleep(READY_LOOK_SECONDS)
        Path(self.config.ready_file).touch()

    def target_reached(self, global_step: int) -> None:
        self.progress.global_step = global_step
        if self.config.is_chief:
            self.log.event("target_reached", global_step=global_step)
        # After the clock has stopped.
        self.usage.end()

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
        )
