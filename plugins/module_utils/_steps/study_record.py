# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a run and adds its record to the ledger. PRIVATE, can break at any time."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from .._common import files
from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._common.fields import count, finite, mapping, mappings
from .._common.format import duration, figure, plain
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, open_ledger
from .._kubernetes.options import OWNER_ARG_SPEC
from .._study.logs.formats import LogFormat
from .._study.logs.reader import read_run
from .._study.logs.replica_log import RunLog, total
from .._study.logs.usage import usage_of
from .._study.records import provenance
from .._study.records.calibration import earlier_seconds
from .._study.records.ledger import Ledger
from .._study.records.record import Record
from .._study.records.validity import VOID, Case, Thresholds, judge

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    **OWNER_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    "run": {"type": "dict", "required": True},
    "wait": {"type": "dict", "required": True},
    "log_format": {"type": "str", "default": "tfscale"},
    "max_steal_share": {"type": "float", "default": 0.10},
    "max_foreign_share": {"type": "float", "default": 0.25},
    "max_throttled_share": {"type": "float", "default": 0.10},
    "max_drift_share": {"type": "float", "default": 0.15},
    "max_skew_share": {"type": "float", "default": 0.05},
    "max_rise_share": {"type": "float", "default": 0.10},
    "provenance": {"type": "dict", "default": {}},
}
SCHEMA = 1
THRESHOLDS = tuple(field.name for field in fields(Thresholds))
# What is kept of each replica, as far as the backend tells it.
REPLICA_FACTS = ("replica", "index", "state", "exit_code", "signal", "cpu_seconds", "rss_peak_bytes")
# Told of pods only.
POD_FACTS = ("node", "image_id", "restarts", "phases")
RUN_KEYS = (
    "run_id",
    "cell_id",
    "block",
    "attempt",
    "attempts",
    "number",
    "total",
    "label",
    "seed",
    "study",
    "spec",
    "log_dir",
)
SPEC_KEYS = ("workers", "train_steps")


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    run = params["run"]
    _check(run)
    try:
        book, lock = open_ledger(params)
        if lock is not None:
            (lock.check if context.check_mode else lock.renew)()
        found = book.find(run["run_id"], run["attempt"])
        document = found or plain(_strict(_document(params, book, context.wall())))
        record = Record.of(document)
        if found is None:
            _check_cause(record, run["log_dir"])
        warning = book.append(document) if found is None and not context.check_mode else None
    except InputError as error:
        raise StepError(str(error)) from error
    except LedgerError as error:
        raise StepError(f"{error}; the run's logs are kept in {run['log_dir']}") from error
    msg = _sentence(record, run)
    context.say(f"run {run['number']}/{run['total']}  {run['label']}   {msg}")
    result = {"changed": found is None, "record": document, "verdict": record.verdict, "msg": msg}
    return result | ({"warnings": [warning]} if warning else {})


def _check(run: Mapping[str, Any]) -> None:
    missing = next((key for key in RUN_KEYS if key not in run), None)
    if missing is None and not isinstance(run["spec"], Mapping):
        missing = "spec"
    if missing is None:
        missing = next((f"spec.{key}" for key in SPEC_KEYS if not isinstance(run["spec"].get(key), int)), None)
    if missing is not None:
        raise StepError(f"run has no {missing}: give one of the runs that sweep_plan_info returns")


def _check_cause(record: Record, log_dir: str) -> None:
    """A run that failed on a full disk has used up none of its attempts."""
    try:
        if record.verdict == VOID and os.path.isdir(log_dir):
            files.check_room(Path(log_dir))
    except OSError as error:
        raise StepError(f"run {record.run_id} failed and is not recorded: {files.why(error, log_dir)}") from error


def _strict(value: Any) -> Any:
    """JSON knows no infinity and no number that is none; a record says null in their place."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    return [_strict(item) for item in value] if isinstance(value, (list, tuple)) else value


def _document(params: Mapping[str, Any], book: Ledger, now: float) -> dict[str, Any]:
    run, wait = params["run"], params["wait"]
    log = _logs_of(run, wait, params["log_format"])
    facts = provenance.collect()
    case = Case(
        wait=wait,
        log=log,
        workers=int(run["spec"]["workers"]),
        spec=run["spec"],
        thresholds=Thresholds(**{name: params[name] for name in THRESHOLDS}),
        kernels=lambda told: earlier_seconds(book.recent(), told, hostname=facts["hostname"]),
    )
    verdict = judge(case)
    return {
        "schema": SCHEMA,
        "study": run["study"],
        "run_id": run["run_id"],
        "cell_id": run["cell_id"],
        "block": run["block"],
        "attempt": run["attempt"],
        "spec": run["spec"],
        **{key: run[key] for key in ("fits", "design") if run.get(key)},
        "timings": {**log.timings(), **_usage(wait), **_waiting(case)},
        **({"evaluations": [one._asdict() for one in log.evaluations]} if log.evaluations else {}),
        "evidence": _evidence(params, case),
        "verdict": {"verdict": verdict.verdict, "reasons": list(verdict.reasons)},
        "provenance": _provenance(params, case, facts, now),
    }


def _logs_of(run: Mapping[str, Any], wait: Mapping[str, Any], log_format: str) -> RunLog:
    return read_run(
        wait.get("log_dir") or run["log_dir"],
        LogFormat.of(log_format),
        int(run["spec"]["train_steps"]),
        finite(wait.get("started_wall")),
        finite(wait.get("ended_wall")),
        finite(run["spec"].get("target_accuracy")),
    )


def _replicas(wait: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in mappings(wait.get("replicas")) if "replica" in one and "index" in one]


def _name(replica: Mapping[str, Any]) -> tuple[str, int]:
    return str(replica["replica"]), count(replica["index"]) or 0


def _usage(wait: Mapping[str, Any]) -> dict[str, float | int]:
    """The backend has seen the processes from outside to their end; what it tells is better than the logs."""
    sums = {key: total(one.get(key) for one in _replicas(wait)) for key in ("cpu_seconds", "rss_peak_bytes")}
    return {key: value for key, value in sums.items() if value is not None}


def _waiting(case: Case) -> dict[str, float]:
    return {} if case.queue_seconds is None else {"queue_seconds": case.queue_seconds}


def _facts(replica: Mapping[str, Any], trained: Mapping[str, Any] | None) -> dict[str, Any]:
    keys = REPLICA_FACTS + (POD_FACTS if replica.get("node") else ())
    return {key: replica[key] for key in keys if key in replica} | ({"trained": trained} if trained else {})


def _evidence(params: Mapping[str, Any], case: Case) -> dict[str, Any]:
    wait, log = case.wait, case.log
    evidence, replicas = mapping(wait.get("evidence")), _replicas(wait)
    usage = usage_of(log, {_name(one): one.get("node") for one in replicas})
    return {
        **evidence,
        "outcome": wait.get("outcome"),
        "start_lines": log.start_lines,
        "checks": case.measures(),
        "notes": [*(evidence.get("notes") or ()), *log.errors],
        "replicas": [_facts(one, usage["replicas"].get(_name(one))) for one in replicas],
        **({"processors": usage["processors"]} if usage["processors"] else {}),
        # A study may be moved as a whole.
        "log_dir": os.path.relpath(params["run"]["log_dir"], params["study_dir"]),
    }


def _provenance(params: Mapping[str, Any], case: Case, facts: Mapping[str, Any], now: float) -> dict[str, Any]:
    extra, tensorflow = params["provenance"], case.log.tensorflow
    told = {"tensorflow": tensorflow} if tensorflow else {}
    return {
        **facts,
        "seed": params["run"]["seed"],
        "thresholds": vars(case.thresholds),
        "log_format": params["log_format"],
        "recorded_wall": round(now, 3),
        **extra,
        "packages": {**facts["packages"], **told, **mapping(extra.get("packages"))},
    }


def _sentence(record: Record, run: Mapping[str, Any]) -> str:
    if record.verdict == VOID:
        left = run["attempt"] < run["attempts"]
        return f"void: {record.why}; {'will be run again' if left else 'no attempt is left'}"
    return f"{record.verdict}: " + "".join(f"{reason}; " for reason in record.reasons) + _figures(record)


def _figures(record: Record) -> str:
    if record.target is None:
        return _speed(record)
    reached, steps = record.seconds, record.timing("steps_to_accuracy")
    if reached is None:
        return f"did not reach the accuracy {record.target:g} in {_speed(record)}"
    return f"reached the accuracy {record.target:g} in {duration(reached)}, at step {steps:.0f}; {_speed(record)}"


def _speed(record: Record) -> str:
    speed, accuracy, steps = (record.timing(key) for key in ("steps_per_second", "accuracy", "global_steps"))
    told = "" if steps is None else f"{steps:.0f} steps in "
    told += duration(record.timing("train_seconds") or 0.0)
    told += "" if speed is None else f" ({figure(speed)} steps/s)"
    return told + ("" if accuracy is None else f", accuracy {accuracy:.3f}")
