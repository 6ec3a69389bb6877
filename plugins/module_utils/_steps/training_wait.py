# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a run to end and tells how it went. PRIVATE, can break at any time."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._backend.base import (
    DEADLINE,
    FAILED,
    SUCCEEDED,
    Backend,
    BackendError,
    ReplicaState,
    Snapshot,
    outcome,
)
from ansible_collections.tfscale.study.plugins.module_utils._backend.processes import ProcessesBackend
from ansible_collections.tfscale.study.plugins.module_utils._steps.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._study import inputs
from ansible_collections.tfscale.study.plugins.module_utils._study.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.log_format import Event, LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.text import counted, duration, figure, percent
from ansible_collections.tfscale.study.plugins.module_utils._study.timing_log import Follower, parse

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "backend": {"type": "str", "default": "processes"},
    "run_dir": {"type": "path", "required": True},
    "deadline": {"type": "float", "default": 600.0},
    "train_steps": {"type": "int", "default": 0},
    "log_format": {"type": "str", "default": "tfscale"},
    "label": {"type": "str", "default": "run"},
    "progress_seconds": {"type": "float", "default": 5.0},
    "poll_seconds": {"type": "float", "default": 0.02},
}
BACKENDS: dict[str, Callable[[str], Backend]] = {"processes": ProcessesBackend}
# The chief's log is looked at less often than the run's state: reading it takes time from the replicas beside us.
FOLLOW_SECONDS = 0.25
# After a failure the other replicas are being stopped; their last lines may tell why.
FAREWELL_SECONDS = 2.0
TAIL_BYTES = 64 * 1024
TAIL_LINES = 10
TAIL_CHARACTERS = 300


class Progress:
    """Tells how far the chief is: at its first step, then not more often than a person wants to read."""

    def __init__(self, *, label: str, train_steps: int, every: float, say: Callable[[str], None]) -> None:
        self.step: int | None = None
        self._label = label
        self._train_steps = train_steps
        self._every = every
        self._say = say
        self._first: tuple[int, float] | None = None
        self._rate = 0.0
        self._told_at = -math.inf
        self._told: int | None = None

    def take(self, event: Event | None, now: float) -> None:
        step = event and event.fields.get("global_step")
        if event is None or not isinstance(step, int):
            return
        self._measure(step, next((clock for clock in (event.mono, event.wall) if clock is not None), now))
        if event.event == "start_line":
            return
        self.step = step
        if step != self._told and now - self._told_at >= self._every:
            self._told, self._told_at = step, now
            self._say(self._line(step))

    def _measure(self, step: int, clock: float) -> None:
        if self._first is None:
            self._first = (step, clock)
        first_step, first_clock = self._first
        if step > first_step and clock > first_clock:
            self._rate = (step - first_step) / (clock - first_clock)

    def _line(self, step: int) -> str:
        parts = [f"step {step}/{self._train_steps}" if self._train_steps else f"step {step}"]
        if self._train_steps:
            parts.append(percent(min(1.0, step / self._train_steps)))
            left = self._train_steps - step
            parts += [f"{figure(self._rate)} steps/s"] if self._rate else []
            parts += [f"{duration(left / self._rate)} left"] if self._rate and left > 0 else []
        return f"{self._label}   {'  '.join(parts)}"


def wait(
    backend: Backend,
    *,
    follow: Callable[[], Event | None],
    progress: Progress,
    deadline: float,
    poll_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, Snapshot, float]:
    """Wait until the run has ended or the deadline passed: the outcome, the last snapshot and the seconds it took."""
    start = clock()
    until, follow_at = start + deadline if deadline else math.inf, start
    while True:
        # The time is taken first: a run that ended while we looked was in time.
        now = clock()
        snapshot = backend.observe()
        found = outcome(snapshot) or (DEADLINE if now >= until else None)
        if found or now >= follow_at:
            progress.take(follow(), now)
            follow_at = now + FOLLOW_SECONDS
        if found == FAILED:
            snapshot = _farewell(backend, snapshot, poll_seconds=poll_seconds, clock=clock, sleep=sleep)
        if found:
            return found, snapshot, clock() - start
        sleep(min(poll_seconds, until - now))


def _farewell(
    backend: Backend,
    snapshot: Snapshot,
    *,
    poll_seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Snapshot:
    until = clock() + FAREWELL_SECONDS
    while not snapshot.ended and clock() < until:
        sleep(poll_seconds)
        snapshot = backend.observe()
    return snapshot


def _tail(path: str) -> list[bytes]:
    """The last lines of a log of any size and content; progress bars write carriage returns for line ends."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read(TAIL_BYTES).splitlines()
    except OSError:
        return []
    # The first line has most likely lost its beginning.
    return lines[1:] if size > TAIL_BYTES and len(lines) > 1 else lines


def _readable(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return "".join(one if one.isprintable() else " " for one in text).strip()[:TAIL_CHARACTERS]


def _reason(lines: list[bytes], *, killed: bool) -> str:
    """Why the replica says it ended; whatever one that was killed said last is not the cause."""
    ours = LogFormat.of("tfscale")
    events, _ = parse(lines, ours)
    errors = [str(event.fields.get("reason", "")) for event in events if event.event == "error"]
    if errors or killed:
        return _readable(errors[-1].encode("utf-8", "replace")) if errors else ""
    others = (_readable(line) for line in reversed(lines) if b":::TFSCALE" not in line)
    return next((line for line in others if line), "")


def _failed_replica(one: ReplicaState) -> dict[str, Any]:
    lines = _tail(one.log)
    return {
        "replica": one.replica,
        "index": one.index,
        "exit_code": one.exit_code,
        "signal": one.signal,
        "reason": _reason(lines, killed=one.signal is not None),
        "log_tail": [_readable(line) for line in lines[-TAIL_LINES:]],
    }


def _failure(snapshot: Snapshot, failed: Mapping[str, Any] | None, step: int | None) -> str:
    after = "before the first step" if step is None else f"after step {step}"
    if failed is None:
        what = "was stopped" if snapshot.ended_wall is not None else "lost its launcher"
        return f"the run {what} {after}"
    name = f"{failed['replica']} {failed['index']}"
    if failed["signal"] is not None:
        return f"{name} was killed by signal {failed['signal']} {after}"
    why = f": {failed['reason']}" if failed["reason"] else f" {after}"
    return f"{name} exited with code {failed['exit_code']}{why}"


def _overtime(params: Mapping[str, Any], step: int | None) -> str:
    steps = params["train_steps"]
    at = "before the first step" if step is None else f"at step {step}" + (f" of {steps}" if steps else "")
    # Without a number of steps the deadline is how the run was meant to end.
    advice = f"; raise training_deadline or look at {_chief_log(params)}" if steps or step is None else ""
    return f"the deadline of {figure(params['deadline'])} s passed {at}{advice}"


def _chief_log(params: Mapping[str, Any]) -> Path:
    return Path(params["run_dir"]) / "worker-0.log"


def _message(
    found: str, snapshot: Snapshot, failed: Mapping[str, Any] | None, params: Mapping[str, Any], step: int | None
) -> str:
    if found == SUCCEEDED:
        workers = sum(one.replica == "worker" for one in snapshot.replicas)
        seconds = (snapshot.ended_wall or snapshot.started_wall) - snapshot.started_wall
        return f"{counted(workers, 'worker')} succeeded after {duration(max(0.0, seconds))}"
    return _overtime(params, step) if found == DEADLINE else _failure(snapshot, failed, step)


def _result(
    found: str, snapshot: Snapshot, seconds: float, params: Mapping[str, Any], step: int | None
) -> dict[str, Any]:
    failed = _failed_replica(snapshot.first_failure) if snapshot.first_failure else None
    return {
        "changed": False,
        "outcome": found,
        "failed_replica": failed,
        "replicas": [asdict(one) for one in snapshot.replicas],
        "started_wall": snapshot.started_wall,
        "ended_wall": snapshot.ended_wall,
        "duration": round(seconds, 6),
        "log_dir": params["run_dir"],
        "evidence": {"host": dict(snapshot.host), "restarts": snapshot.restarts},
        "msg": _message(found, snapshot, failed, params, step),
    }


def _check(params: Mapping[str, Any]) -> LogFormat:
    inputs.choice("training_backend", params["backend"], tuple(BACKENDS))
    inputs.check_deadline(params["deadline"], train_steps=params["train_steps"])
    inputs.number("progress_seconds", params["progress_seconds"])
    # Looking without a pause would take a processor from the replicas.
    inputs.number("poll_seconds", params["poll_seconds"], minimum=0.001)
    return LogFormat.of(params["log_format"])


def execute(
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    try:
        fmt = _check(params)
        if check_mode:
            # The step before this one has started nothing.
            return {"changed": False, "msg": f"the end of the run in {params['run_dir']} would be waited for"}
        progress = Progress(
            label=params["label"], train_steps=params["train_steps"], every=params["progress_seconds"], say=say
        )
        found, snapshot, seconds = wait(
            BACKENDS[params["backend"]](params["run_dir"]),
            follow=Follower(_chief_log(params), fmt).poll,
            progress=progress,
            deadline=params["deadline"],
            poll_seconds=params["poll_seconds"],
            clock=clock,
            sleep=sleep,
        )
    except (InputError, BackendError) as error:
        raise StepError(str(error)) from error
    result = _result(found, snapshot, seconds, params, progress.step)
    if found != SUCCEEDED:
        raise StepError(result.pop("msg"), **result)
    return result
