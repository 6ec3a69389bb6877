# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run may enter a figure. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._common.fields import finite, mapping, texts
from ..._common.format import counted, duration, figure, percent
from ..logs.replica_log import DAY_SECONDS, RunLog

VALID, SUSPECT, VOID = "valid", "suspect", "void"
# Lines are timed in one thread and written by another: this much disorder is no clock that was set back.
CLOCK_TOLERANCE_SECONDS = 0.1
# By how much a training may seem longer than the run that it was part of: clocks of several machines, whole seconds of Kubernetes.
CLOCK_SHARE, CLOCK_SECONDS = 0.1, 2.0
# What clocks count instead of seconds, in seconds.
UNITS = {"minutes": 60.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
# Of a clock that counts from elsewhere: the share of the run that a training fills at least, and a run that is mostly training.
LEAST_SHARE, MOST_OF_RUN = 0.01, 0.5
# A run that long does not train for a second alone.
LONG_RUN_SECONDS = 30.0


@dataclass(frozen=True)
class Verdict:
    """What a run is worth and why."""

    verdict: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Shares of the machine's processor time from which on a run is suspect."""

    max_steal_share: float = 0.10
    max_foreign_share: float = 0.25


def judge(*, wait: Mapping[str, Any], log: RunLog, workers: int, thresholds: Thresholds) -> Verdict:
    """From how the run ended and what its logs tell to its verdict."""
    if reasons := tuple(_void_reasons(wait, log, workers)):
        return Verdict(VOID, reasons)
    if reasons := tuple(_suspect_reasons(wait, log, thresholds)):
        return Verdict(SUSPECT, reasons)
    return Verdict(VALID)


def _void_reasons(wait: Mapping[str, Any], log: RunLog, workers: int) -> Iterator[str]:
    """What follows from an early end is not told beside it."""
    ended_early = _early_end(wait, log)
    if ended_early:
        yield ended_early
    restarts = mapping(wait.get("evidence")).get("restarts") or 0
    if restarts:
        yield f"{counted(restarts, 'restart')} of replicas"
    yield from _wrong_place(mapping(wait.get("evidence")))
    if log.non_finite and log.non_finite not in ended_early:
        yield log.non_finite
    if not ended_early:
        yield from _unproven(log, workers)


def _wrong_place(evidence: Mapping[str, Any]) -> Iterator[str]:
    """A run on other nodes or other images than the rest of its study measures something else."""
    active, used, images = (texts(evidence.get(key)) for key in ("active_nodes", "nodes", "images"))
    strange = [node for node in used if node not in active] if active else []
    if strange:
        yield f"pods ran on {', '.join(strange)}, which is not among the active nodes {', '.join(active)}"
    if len(images) > 1:
        yield f"the replicas ran {len(images)} different images: {', '.join(images)}"


def _early_end(wait: Mapping[str, Any], log: RunLog) -> str:
    outcome = wait.get("outcome")
    steps = log.timings()["global_steps"]
    after = f" after step {steps}" if steps is not None else ""
    if outcome == "succeeded" or (outcome == "deadline" and log.train_steps == 0):
        return ""
    if outcome == "deadline":
        seconds = finite(wait.get("duration"))
        return f"the deadline passed{after}" + ("" if seconds is None else f", {duration(seconds)} after the start")
    return _cause(mapping(wait.get("failed_replica")), log, after) or str(wait.get("msg") or "the run failed")


def _cause(failed: Mapping[str, Any], log: RunLog, after: str) -> str:
    if not failed:
        return ""
    who = f"{failed.get('replica')} {failed.get('index')}"
    signal = failed.get("signal")
    what = str(failed.get("ending") or "") or (
        f"{who} exited with code {failed.get('exit_code')}"
        if signal is None
        else f"{who} was killed by signal {signal}"
    )
    reason = str(failed.get("reason") or "").removeprefix(what).strip(" :.;")
    own = log.logs.get((str(failed.get("replica")), failed.get("index") or 0))
    why = (own.error if own else "") or reason
    return f"{what}{after}" + (f": {why}" if why else "")


def _unproven(log: RunLog, workers: int) -> Iterator[str]:
    """What a run that ended well must still show."""
    timings = log.timings()
    if timings["start_global_step"]:
        yield f"training began at step {timings['start_global_step']}, not at 0: an old checkpoint was found"
    if trouble := log.trouble():
        # All else follows from it.
        yield trouble
        return
    if log.fmt.is_ours and log.start_lines < workers:
        yield f"only {log.start_lines} of {counted(workers, 'worker')} told of the start line"
    steps, why = timings["global_steps"], log.shortfall()
    if log.train_steps and (steps or 0) < log.train_steps:
        yield f"training ended at step {steps or 0} of {log.train_steps}" + (f": {why}" if why else "")
    elif timings["train_seconds"] is None:
        yield f"the chief's log gives no training time: {why or 'no step at the target was seen'}"


def _suspect_reasons(wait: Mapping[str, Any], log: RunLog, thresholds: Thresholds) -> Iterator[str]:
    host = mapping(mapping(wait.get("evidence")).get("host"))
    shares = (
        ("steal_share", "CPU steal was", thresholds.max_steal_share),
        ("foreign_share", "foreign load took", thresholds.max_foreign_share),
    )
    for key, words, most in shares:
        share = finite(host.get(key))
        if share is not None and share > most:
            yield f"{words} {percent(share)} of the machine, more than {percent(most)}"
    yield from _wrong_clock(log)
    if log.chief.clock_back > CLOCK_TOLERANCE_SECONDS:
        yield f"the clock of worker 0 went back by {duration(log.chief.clock_back)}"


def _wrong_clock(log: RunLog) -> Iterator[str]:
    timings = log.timings()
    seconds, whole = timings["train_seconds"], timings["total_seconds"]
    if seconds is None or whole is None:
        return
    unit = "" if log.fmt.is_ours or log.chief.elapsed is not None else _unit(log, seconds, whole)
    if unit or seconds > _most(whole):
        counts = f", so it counts {unit}" if unit else ""
        what = "its times" if log.fmt.is_ours else "the times that training_log_format finds"
        yield f"the log's clock says {figure(seconds)} s, but the run took {figure(whole)} s{counts}: {what} must be in seconds"


def _most(whole: float) -> float:
    return whole * (1 + CLOCK_SHARE) + CLOCK_SECONDS


def _unit(log: RunLog, seconds: float, whole: float) -> str:
    """What the chief's clock counts; empty where that is seconds, or cannot be told.

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
