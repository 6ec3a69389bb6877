# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the clock of a log fits the run, and the unit that it counts. PRIVATE, can break at any time."""

from __future__ import annotations

from ..logs.replica_log import DAY_SECONDS, RunLog

# By how much a training may seem longer than the run that it was part of: clocks of several machines, whole seconds of Kubernetes.
CLOCK_SHARE, CLOCK_SECONDS = 0.1, 2.0
# Units that clocks count instead of seconds, in seconds.
UNITS = {"minutes": 60.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
# Of a clock that counts from elsewhere: the share of the run that a training fills at least, and a run that is mostly training.
LEAST_SHARE, MOST_OF_RUN = 0.01, 0.5
# A run that long does not train for a second alone.
LONG_RUN_SECONDS = 30.0


def misfit(log: RunLog) -> tuple[float, float, str] | None:
    """The log's seconds, those of the run, and the unit that the clock counts (empty: not known); None where all fits."""
    timings = log.timings()
    seconds, whole = timings["train_seconds"], timings["total_seconds"]
    if seconds is None or whole is None:
        return None
    unit = "" if log.fmt.is_ours or log.chief.elapsed is not None else _unit(log, seconds, whole)
    return (seconds, whole, unit) if unit or seconds > _most(whole) else None


def _most(whole: float) -> float:
    return whole * (1 + CLOCK_SHARE) + CLOCK_SECONDS


def _unit(log: RunLog, seconds: float, whole: float) -> str:
    """The unit of the chief's clock; empty where that is the second, or not known.

    One that tells the time of day tells it when the run was. Of any other it is known that a training is a part of its run.
    """
    first, started = log.chief.first_clock or 0.0, log.started_wall or 0.0
    sizes = {"": 1.0, **UNITS}
    dated = [unit for unit, size in sizes.items() if abs(first * size - started) <= DAY_SECONDS + whole]
    if dated:
        return dated[0]
    if seconds > _most(whole):
        return next((unit for unit, size in UNITS.items() if LEAST_SHARE * whole <= seconds * size <= _most(whole)), "")
    minutes = seconds * UNITS["minutes"]
    return "minutes" if whole >= LONG_RUN_SECONDS and MOST_OF_RUN * whole <= minutes <= _most(whole) else ""
