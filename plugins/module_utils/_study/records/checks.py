# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of a run that tell whether its time can be trusted (docs/validity.md). PRIVATE, can break at any time.

Each is None where the logs do not tell: a program of the user's own owes no evidence, and a missing measure is no suspicion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from ..._common.fields import count, finite, mapping, mappings
from ..logs.replica_log import CHIEF, QUARTERS, Mark, ReplicaLog, RunLog
from ..logs.usage import uses

# A shorter training is mostly its first steps and the scheduler's turns: speeds and start lines say nothing of the rest.
LEAST_SECONDS = 1.0
# Earlier kernels of a study without which their median tells nothing.
FEWEST_KERNELS = 5
# No machine becomes so much faster.
LEAST_RATIO = 1e-3
# Between two looks at the same two clocks.
SAME_CLOCK_SECONDS = 0.1
# Global steps that each gradient makes: one, or one for a gradient of every worker.
ONE_BY_ONE, TOGETHER = frozenset({"async_ps", "tf2_ps"}), frozenset({"sync_ps", "mirrored"})
# Steps of other workers that end after the last global step that a log shows: those of one call each.
UNTOLD_STEPS, UNTOLD_SHARE = 10, 0.01


@dataclass(frozen=True)
class Floor:
    """The accuracy that every sound training has reached after `steps` global steps of `batch_size` examples."""

    steps: int
    accuracy: float


# Lowest accuracies of measured runs, less a margin (docs/validity.md). Nothing is known of other models and data.
FLOORS: Mapping[tuple[str, str], Sequence[Floor]] = {
    ("mlp", "mnist"): (Floor(1000, 0.85), Floor(2000, 0.90)),
    ("cnn", "mnist"): (Floor(1000, 0.91),),
    ("mlp", "fashion_mnist"): (Floor(1000, 0.77),),
    ("cnn", "fashion_mnist"): (Floor(1000, 0.78),),
}
# The settings within which they were measured.
LEAST_BATCH, LEAST_HIDDEN, RATES = 20, 100, (0.0005, 0.002)


def throttled(log: RunLog, wait: Mapping[str, Any]) -> tuple[str, float] | None:
    """The replica that its CPU limit held back most, and the share of its training (0 to 1)."""
    told = {f"{kind} {index}": _throttled_share(one) for (kind, index), one in log.logs.items()}
    seconds = log.timings()["train_seconds"]
    # A ps is ended before it could tell: the chief has read its counters.
    of_ps, trained = log.chief.summary.get("ps"), finite(mapping(log.chief.summary.get("trained")).get("seconds"))
    for number, used in enumerate(of_ps if isinstance(of_ps, list) else ()):
        held = finite(mapping(used).get("throttled_seconds"))
        told[f"ps {number}"] = held / trained if held is not None and trained else None
    for (kind, index), used in uses(log).items():
        held, name = used["throttled_seconds"], f"{kind} {index}"
        if held is not None and told.get(name) is None:
            told[name] = held / used["seconds"]
    for one in mappings(wait.get("replicas")):
        held, name = finite(one.get("throttled_seconds")), f"{one.get('replica')} {one.get('index')}"
        if held is not None and seconds and told.get(name) is None:
            told[name] = held / seconds
    known = {name: min(1.0, max(0.0, share)) for name, share in told.items() if share is not None}
    return max(known.items(), key=lambda one: one[1]) if known else None


def _throttled_share(log: ReplicaLog) -> float | None:
    """By the worker's time breakdown; without one by the counters of its container."""
    parts = mapping(log.summary.get("seconds")) or mapping(log.summary.get("trained"))
    held, whole = finite(parts.get("throttled")), sum(finite(value) or 0.0 for value in parts.values())
    if held is None:
        held, whole = finite(parts.get("throttled_seconds")), finite(parts.get("seconds")) or 0.0
    return held / whole if held is not None and whole > 0 else None


def rise(log: RunLog) -> float | None:
    """By which share the speed rose from the second quarter of the steps to the third, and to the last: the smaller of both.

    A single slow quarter is a disturbance; a training that becomes faster twice has not reached its steady state.
    """
    end, marks = log.end, log.chief.quarters
    if not _is_long(log) or end is None or len(marks) < QUARTERS - 1:
        return None
    speeds = [_speed(*pair) for pair in zip(marks, [*marks[1:], end], strict=True)]
    known = [speed for speed in speeds if speed is not None]
    if len(known) < len(speeds):
        return None
    return min(after / before for before, after in pairwise(known)) - 1.0


def _speed(begin: Mark, end: Mark) -> float | None:
    steps, seconds = end.step - begin.step, end.clock - begin.clock
    return steps / seconds if steps > 0 and seconds > 0 else None


def _is_long(log: RunLog) -> bool:
    return (log.timings()["train_seconds"] or 0.0) >= LEAST_SECONDS


def skew(log: RunLog) -> float | None:
    """Seconds between the first worker's start line and the last one's, without the difference of their clocks."""
    own = {index: one.walls.get("start_line") for (kind, index), one in log.logs.items() if kind == "worker"}
    gaps = gaps_of(log)
    starts = [wall - gaps.get(index, 0.0) for index, wall in own.items() if wall is not None]
    return max(starts) - min(starts) if len(starts) > 1 and len(starts) == len(own) and _is_long(log) else None


def gaps_of(log: RunLog) -> dict[int, float]:
    """By how many seconds each worker's time of day is before the chief's; only workers that tell enough.

    A clock that is wrong is wrong at the start line and at the last progress. A worker that is late is late at one of them,
    or its two clocks are as far apart as the chief's: they are the same clocks.
    """
    chief, gaps = log.chief, {}
    for (kind, index), one in log.logs.items():
        marks = [(one.walls.get("start_line"), chief.walls.get("start_line")), (one.progress_wall, chief.progress_wall)]
        apart = [own - its for own, its in marks if own is not None and its is not None]
        if kind == "worker" and (kind, index) != CHIEF and len(apart) == len(marks):
            is_wrong = min(apart) * max(apart) > 0 and not _share_clocks(one, chief)
            gaps[index] = min(apart, key=abs) if is_wrong else 0.0
    return gaps


def _share_clocks(one: ReplicaLog, other: ReplicaLog) -> bool:
    offsets = ((one.offset_first, other.offset_first), (one.offset_last, other.offset_last))
    apart = [abs(own - its) for own, its in offsets if own is not None and its is not None]
    return bool(apart) and min(apart) <= SAME_CLOCK_SECONDS


def gap(log: RunLog) -> tuple[int, float] | None:
    """The worker whose clock disagrees most with the chief's, and by how many seconds."""
    return max(gaps_of(log).items(), key=lambda one: abs(one[1]), default=None)


def outside(log: RunLog) -> tuple[str, float] | None:
    """The replica whose lines lie farthest outside of the run by their time of day, and by how many seconds."""
    if not log.fmt.is_ours or log.started_wall is None or log.ended_wall is None:
        return None
    found = {}
    for (kind, index), one in log.logs.items():
        walls = [wall for wall in (*one.walls.values(), one.progress_wall) if wall is not None]
        if walls:
            found[f"{kind} {index}"] = max(log.started_wall - min(walls), max(walls) - log.ended_wall, 0.0)
    return max(found.items(), key=lambda one: one[1], default=None)


def jump(log: RunLog) -> tuple[str, float] | None:
    """The replica whose time of day moved most against its clock that never jumps, and by how many seconds."""
    found = {
        f"{kind} {index}": abs(one.offset_last - one.offset_first)
        for (kind, index), one in log.logs.items()
        if one.offset_first is not None and one.offset_last is not None
    }
    return max(found.items(), key=lambda one: one[1], default=None)


def counted(log: RunLog, spec: Mapping[str, Any]) -> tuple[int, int] | None:
    """The sum of the workers' own steps, and the sum that the global steps ask for; None unless it is our trainer and every worker tells."""
    own = [count(one.summary.get("local_steps")) for one in log.workers]
    known = [steps for steps in own if steps is not None]
    total, strategy = log.timings()["global_steps"], str(spec.get("strategy"))
    if spec.get("command") or len(known) < len(own) or not own or not total or not log.train_steps:
        return None
    if strategy in ONE_BY_ONE:
        return sum(known), total
    return (sum(known), total * len(own)) if strategy in TOGETHER else None


def miscounted(own: int, wanted: int, workers: int) -> bool:
    """Whether that differs by more than the steps that were under way at the end."""
    return abs(own - wanted) > max(UNTOLD_SHARE * wanted, UNTOLD_STEPS * workers)


def floor(spec: Mapping[str, Any], reached: int | None = None) -> float | None:
    """The accuracy below which a training of this spec is not sound; None where no runs were measured.

    `reached` is the step at which a training reached its target accuracy, and ended.
    """
    rate = finite(spec.get("learning_rate")) or 0.0
    enough = (finite(spec.get("batch_size")) or 0) >= LEAST_BATCH and (
        finite(spec.get("hidden_units")) or 0
    ) >= LEAST_HIDDEN
    if spec.get("command") or not enough or not RATES[0] <= rate <= RATES[1]:
        return None
    steps = count(spec.get("train_steps")) or 0
    steps = count(spec.get("train_steps")) or 0 if reached is None else reached
    found = [
        one.accuracy for one in FLOORS.get((str(spec.get("model")), str(spec.get("dataset"))), ()) if steps >= one.steps
    ]
    return max(found, default=None)


def drift(wait: Mapping[str, Any], earlier: Callable[[Mapping[str, Any]], Sequence[float]]) -> float | None:
    """By which share the calibration kernel took longer than the median of the study's earlier ones; below 0: less long.

    `earlier` gives the seconds of those that ran the same kernel on the same machine.
    """
    told = mapping(mapping(wait.get("evidence")).get("calibration"))
    seconds = finite(told.get("seconds"))
    if seconds is None or seconds <= 0:
        return None
    others = [value for value in earlier(told) if value > 0]
    return max(LEAST_RATIO, seconds / median(others)) - 1.0 if len(others) >= FEWEST_KERNELS else None
