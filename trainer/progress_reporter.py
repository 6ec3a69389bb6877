# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's progress every `telemetry_every` global steps, in the log and for TensorBoard."""

from __future__ import annotations

from pathlib import Path

from trainer.context import Context
from trainer.event_log import EventFiles, check_finite
from trainer.timing import SpeedMeter


class ProgressReporter:
    """Reports progress whenever the global step passes a multiple of `telemetry_every`."""

    def __init__(self, context: Context) -> None:
        config = context.config
        self._context = context
        self._every = config.telemetry_every
        self.due = self._every
        self._speed = SpeedMeter(context.clock.mono)
        self._scalars = EventFiles(Path(config.log_dir) / f"worker-{config.task_index}" if config.log_dir else None)

    def begin(self) -> None:
        self._speed.look(0)

    def __call__(self, global_step: int, loss: float) -> None:
        """`loss` is the mean per example."""
        check_finite(loss, global_step)
        self.due = (global_step // self._every + 1) * self._every
        self._context.log.event(
            "progress", global_step=global_step, local_step=self._context.progress.local_steps, loss=round(loss, 6)
        )
        self._scalars.write_scalars(global_step, loss=loss, steps_per_second=self._speed.look(global_step))

    def close(self) -> None:
        self._scalars.close()
