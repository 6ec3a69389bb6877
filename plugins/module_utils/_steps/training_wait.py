# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a run to end and says how it went. PRIVATE, can break at any time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .._backends.base import Backend, Observation, ReplicaState, outcome
from .._backends.kubernetes.backend import KubernetesBackend, Run
from .._backends.processes.backend import ProcessBackend
from .._common.context import Context
from .._common.errors import BackendError, InputError, LedgerError, StepError
from .._common.files import why
from .._common.format import counted, duration, readable
from .._kubernetes.api import connect
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, keeper
from .._kubernetes.options import OWNER_ARG_SPEC, RUN_ARG_SPEC
from .._study.design import inputs, workloads
from .._study.logs.formats import TOKEN, LogFormat
from .._study.logs.lines import lines_of
from .._study.logs.progress import Progress
from .._study.logs.reader import Follower, parse

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    **OWNER_ARG_SPEC,
    **RUN_ARG_SPEC,
    "backend": {"type": "str", "choices": ["processes", *workloads.names()], "default": "processes"},
    "run_dir": {"type": "path", "required": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "stall_seconds": {"type": "float", "default": 0.0},
    "start_seconds": {"type": "float", "default": 0.0},
    "queue_deadline": {"type": "float", "default": 3600.0},
    "deadline": {"type": "float", "default": 600.0},
    "train_steps": {"type": "int", "default": 0},
    "log_format": {"type": "str", "default": "tfscale"},
    "label": {"type": "str", "default": ""},
    "progress_seconds": {"type": "float", "default": 5.0},
    "poll_seconds": {"type": "float", "default": 0.02},
    "study_dir": {"type": "path"},
}
_RUN = ("run_id", "attempt")
REQUIRED_IF = [
    *(("backend", name, _RUN) for name in workloads.names()),
    ("ledger", "cluster", ("study_dir",)),
]
# The chief's log is read less often than the run is looked at: reading takes time from the replicas beside us.
FOLLOW_SECONDS = 0.2
TAIL_BYTES = 64 * 1024
TAIL_LINES = 10
TAIL_WIDTH = 300


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        fmt = _check(params)
        if context.check_mode:
            return {"changed": False, "msg": f"The end of the run in {params['run_dir']} would be waited for."}
        start = context.clock()
        backend = _backend(params)
        progress = Progress(
            poll=Follower(backend.log_of("worker", 0), fmt).poll,
            say=context.say,
            label=params["label"],
            train_steps=params["train_steps"],
            every=params["progress_seconds"],
            clock=context.clock,
        )
        keep = keeper(params, clock=context.clock)
        seen = backend.finish(_wait(backend, progress, keep, params, context))
        # What stands in the log but was not followed to the end.
        progress.look()
    except (InputError, BackendError, LedgerError) as error:
        raise StepError(f"{error}.") from error
    except OSError as error:
        reason = why(error, params["run_dir"])
        raise StepError(f"The logs cannot be written into run_dir {params['run_dir']}: {reason}.") from error
    return _conclude(seen, params, step=progress.step, fmt=fmt, seconds=context.clock() - start)


def _backend(params: Mapping[str, Any]) -> Backend:
    if params["backend"] == "processes":
        return ProcessBackend(params["run_dir"])
    run = Run(
        namespace=params["namespace"],
        run_id=params["run_id"],
        attempt=params["attempt"],
        workload=params["backend"],
    )
    limits = {name: params[name] for name in ("stall_seconds", "start_seconds", "queue_deadline")}
    return KubernetesBackend(connect(params), run, run_dir=params["run_dir"], nodes=params["nodes"], **limits)


def _check(params: Mapping[str, Any]) -> LogFormat:
    inputs.check_deadline(params["deadline"], train_steps=params["train_steps"])
    inputs.number("progress_seconds", params["progress_seconds"])
    # Looking without a pause would take a processor from the replicas.
    inputs.number("poll_seconds", params["poll_seconds"], minimum=0.001)
    for name in ("stall_seconds", "start_seconds", "queue_deadline"):
        inputs.number(name, params[name])
    return LogFormat.of(params["log_format"])


def _wait(
    backend: Backend,
    progress: Progress,
    keep: Callable[[], None],
    params: Mapping[str, Any],
    context: Context,
) -> Observation:
    """The run as it is when it has ended or the deadline has passed, which runs as long as the run's own clock."""
    begun = follow_at = context.clock()
    end = math.inf
    waits = True
    while True:
        # The time is taken first: a run that ended while we looked was in time.
        now = context.clock()
        seen = backend.observe()
        if waits and not seen.waits_for:
            waits, end = False, now + (params["deadline"] or math.inf)
        over = outcome(seen) is not None or now >= end
        if over or now >= follow_at:
            progress.look()
            if seen.waits_for:
                progress.wait(seen.waits_for, now - begun, seen.because)
            keep()
            follow_at = now + FOLLOW_SECONDS
        if over:
            return seen
        context.sleep(min(params["poll_seconds"], end - now))


def _conclude(
    seen: Observation, params: Mapping[str, Any], *, step: int | None, fmt: LogFormat, seconds: float
) -> dict[str, Any]:
    verdict = outcome(seen) or "deadline"
    failed = _failed_replica(seen.first_failure, fmt) if verdict == "failed" and seen.first_failure else None
    result = {
        "changed": False,
        "outcome": verdict,
        "failed_replica": failed,
        "replicas": [asdict(replica) for replica in seen.replicas],
        "started_wall": seen.started_wall,
        "ended_wall": seen.ended_wall,
        "duration": round(seconds, 6),
        "log_dir": params["run_dir"],
        "evidence": dict(seen.evidence),
    }
    reached = f" after step {step}" if step is not None else ""
    if verdict == "succeeded":
        return {**result, "msg": f"{counted(len(seen.of('worker')), 'worker')} succeeded{reached}."}
    if verdict == "failed":
        raise StepError(f"{_cause(seen, failed, reached)}; the logs are in {params['run_dir']}.", **result)
    raise StepError(
        f"The run did not end within {duration(params['deadline'])} (training_deadline){reached}; {_census(seen)}"
        f"{_waiting(seen)}."
        f" Look into the logs in {params['run_dir']}, or raise training_deadline.",
        **result,
    )


def _cause(seen: Observation, failed: Mapping[str, Any] | None, reached: str) -> str:
    if seen.first_failure is None or failed is None:
        return (seen.lost or "the run was stopped from outside") + reached
    reason = f": {failed['reason']}" if failed["reason"] else ""
    return f"{seen.first_failure.ending}{reached}{reason}"


def _census(seen: Observation) -> str:
    """2 of 2 ps and 3 of 4 workers are running"""
    counts = []
    for kind, name in (("ps", "ps"), ("worker", "workers")):
        group = seen.of(kind)
        if group:
            counts.append(f"{sum(replica.state == 'running' for replica in group)} of {len(group)} {name}")
    return f"{' and '.join(counts)} are running"


def _waiting(seen: Observation) -> str:
    """What the first one that has not started waits for."""
    told = next((replica for replica in seen.replicas if replica.state == "pending" and replica.reason), None)
    return f"; {told.replica} {told.index} has not started: {told.reason}" if told else ""


def _failed_replica(replica: ReplicaState, fmt: LogFormat) -> dict[str, Any]:
    lines = _last_lines(Path(replica.log))
    tail = [text for line in lines if TOKEN not in line and (text := _shown(line))][-TAIL_LINES:]
    errors = [event.fields.get("reason", "") for event in parse(lines, fmt)[0] if event.event == "error"]
    # A signal gives no last word; what stands before it is not the cause.
    last_word = tail[-1] if tail and replica.signal is None else ""
    return {
        "replica": replica.replica,
        "index": replica.index,
        "exit_code": replica.exit_code,
        "signal": replica.signal,
        "ending": replica.ending,
        "reason": replica.reason or (readable(errors[-1], TAIL_WIDTH) if errors else last_word),
        "log_tail": tail,
    }


def _last_lines(path: Path) -> list[bytes]:
    """Of a log of any size and content, as they are read for its figures."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return [line for line in lines_of(file) if line]
    except OSError:
        return []


def _shown(line: bytes) -> str:
    return readable(line[: 4 * TAIL_WIDTH].decode("utf-8", "replace"), TAIL_WIDTH)
