# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what a study asks for and names the runs of its next block. PRIVATE, can break at any time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._steps.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._study import inputs
from ansible_collections.tfscale.study.plugins.module_utils._study.cell import run_id
from ansible_collections.tfscale.study.plugins.module_utils._study.design import (
    Cell,
    Design,
    History,
    cells_of,
    product_of,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.inputs import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.ledger import FileLedger, LedgerError
from ansible_collections.tfscale.study.plugins.module_utils._study.timing_log import LogFormat

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "study": {"type": "raw", "required": True},
    "study_dir": {"type": "path", "required": True},
    "spec": {"type": "dict", "required": True},
    # Raw, so that what a user wrote comes back in our sentence and not in Ansible's.
    "series": {"type": "raw", "default": []},
    "ps": {"type": "raw", "default": [1]},
    "workers": {"type": "raw", "default": [1]},
    "nodes": {"type": "raw", "default": [1]},
    "strategies": {"type": "raw", "default": []},
    "repeats": {"type": "raw", "default": 3},
    "attempts": {"type": "raw", "default": 2},
    "seed": {"type": "raw", "default": 1},
    "deadline": {"type": "raw", "default": 0},
    "again": {"type": "bool", "default": False},
    "replica_memory_bytes": {"type": "int", "default": 0},
    "quiet": {"type": "bool", "default": False},
}
# A forecast and a list of cells are for people: more lines than this are a wall.
MAX_CELL_LINES = 40


def _series(value: Any) -> list[Any]:
    try:
        series = json.loads(value) if isinstance(value, str) and value else value or []
    except ValueError:
        series = value
    if not isinstance(series, list) or not all(isinstance(item, dict) for item in series):
        raise InputError(
            f"sweep_series is {value!r}: give a list of products such as [{{ps: [2], workers: [1, 2, 4]}}]"
        )
    return series


def _strategies(value: Any, spec: Mapping[str, Any]) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    return [inputs.choice("sweep_strategies", item, inputs.STRATEGIES) for item in items] or [str(spec["strategy"])]


def _cells(params: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Cell]:
    minimum_ps = 0 if spec.get("command") else 1
    series = _series(params["series"])
    named = [(f"sweep_series[{position}].", lists) for position, lists in enumerate(series)]
    named = named or [("sweep_", {axis: params[axis] for axis in ("nodes", "ps", "workers")})]
    combinations = [one for name, lists in named for one in product_of(lists, name=name, minimum_ps=minimum_ps)]
    return cells_of(combinations, strategies=_strategies(params["strategies"], spec), spec=spec)


def available_memory(path: Path = Path("/proc/meminfo")) -> int:
    """Bytes that programs can still get without swapping."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", path.read_text(encoding="ascii"), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _check_memory(cells: list[Cell], each: int, free: int) -> None:
    largest = max(cells, key=lambda cell: cell.spec["ps"] + cell.spec["workers"])
    replicas = largest.spec["ps"] + largest.spec["workers"]
    if each and free and replicas * each > free:
        raise InputError(
            f"sweep_workers and sweep_ps ask for {replicas} replicas ({largest.label}): they need about"
            f" {replicas * each / 2**30:.1f} GiB, but {free / 2**30:.1f} GiB are free; {free // each} replicas fit"
        )


def _design(params: Mapping[str, Any], free_memory: Callable[[], int]) -> Design:
    inputs.study_name(params["study"])
    deadline = inputs.positive("training_deadline", params["deadline"], or_zero=True)
    spec = inputs.check_spec(params["spec"], deadline=deadline)
    LogFormat.of(str(spec.get("log_format", "tfscale")))
    repeats = inputs.integer("sweep_repeats", params["repeats"])
    attempts = inputs.integer("sweep_attempts", params["attempts"])
    seed = inputs.integer("sweep_seed", params["seed"], minimum=0)
    cells = _cells(params, spec)
    _check_memory(cells, params["replica_memory_bytes"], free_memory())
    history = History.of(FileLedger(Path(params["study_dir"]) / "ledger.jsonl").records())
    design = Design(cells, repeats, attempts, seed, history)
    if params["again"]:
        recorded = max((history.blocks.get(cell.cell_id, 0) for cell in cells), default=0)
        complete = next(Design(cells, max(repeats, recorded), attempts, seed, history).open_runs(), None) is None
        design = Design(cells, max(repeats, recorded + complete), attempts, seed, history)
    return design


def _runs(design: Design, params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """(the runs of the next block, how many runs are missing in all)."""
    missing = list(design.open_runs())
    folder, total = Path(params["study_dir"]).resolve(), len(design.cells) * design.repeats
    runs = []
    for number, block, cell in missing:
        if block != missing[0][1]:
            break
        run = run_id(cell.cell_id, block)
        attempt = design.history.attempts.get(run, 0) + 1
        runs.append(
            {
                "run_id": run,
                "cell_id": cell.cell_id,
                "block": block,
                "attempt": attempt,
                "attempts": design.attempts,
                "number": number,
                "total": total,
                "label": cell.label,
                # Runs of one block share their parameters' start; blocks differ.
                "seed": design.seed + block,
                "study": params["study"],
                "study_dir": str(folder),
                "spec": dict(cell.spec),
                "log_dir": str(folder / "logs" / run / f"attempt-{attempt}"),
            }
        )
    return runs, len(missing)


def _forecast(design: Design) -> dict[str, float]:
    each = [design.seconds_of(cell) for _number, _block, cell in design.open_runs()]
    sums = [round(sum(bound), 1) for bound in zip(*each, strict=True)] or [0.0, 0.0, 0.0]
    return dict(zip(("seconds", "low", "high"), sums, strict=True))


def duration_text(seconds: float, low: float, high: float) -> str:
    """`about 2 min (1.5 to 3)`: one unit for all three, two digits."""
    unit, size = next((u, s) for u, s in (("h", 3600.0), ("min", 60.0), ("s", 1.0)) if seconds >= s * 1.5 or s == 1.0)
    return f"about {seconds / size:.2g} {unit} ({low / size:.2g} to {high / size:.2g})"


def _announcement(design: Design, params: Mapping[str, Any], missing: int, forecast: Mapping[str, float]) -> list[str]:
    total = len(design.cells) * design.repeats
    size = f"{len(design.cells)} cells x {design.repeats} blocks = {total} runs"
    head = f"study {params['study']} on cluster {params['spec'].get('cluster')}: {size}"
    if not missing:
        return [f"{head}, all there"]
    time = duration_text(**{**forecast})
    todo = f", {total - missing} are there, {missing} to go" if missing != total else ""
    lines = [f"{head}{todo}, {time}"]
    lines += [f"  cell {cell.cell_id}  {cell.label}" for cell in design.cells[:MAX_CELL_LINES]]
    hidden = len(design.cells) - MAX_CELL_LINES
    return lines + ([f"  and {hidden} more cells"] if hidden > 0 else [])


def _message(design: Design, missing: int, failed: list[dict[str, str]]) -> str:
    if failed:
        named = "; ".join(f"{one['label']} ({one['reason']})" for one in failed)
        return f"{len(failed)} of {len(design.cells)} cells failed in every attempt: {named}"
    if missing:
        return f"{missing} runs are missing."
    return f"All {len(design.cells) * design.repeats} runs are there."


def execute(
    params: Mapping[str, Any],
    *,
    check_mode: bool,  # noqa: ARG001 - a plan changes nothing either way
    say: Callable[[str], None],
    free_memory: Callable[[], int] = available_memory,
) -> dict[str, Any]:
    try:
        design = _design(params, free_memory)
    except (InputError, LedgerError) as error:
        raise StepError(str(error)) from error
    except OSError as error:
        raise StepError(f"{params['study_dir']} cannot be read: {os.strerror(error.errno or 0)}") from error
    runs, missing = _runs(design, params)
    failed = [{"cell_id": c.cell_id, "label": c.label, "reason": reason} for c, reason in design.failed()]
    forecast = _forecast(design)
    lines = _announcement(design, params, missing, forecast)
    if not params["quiet"]:
        for line in lines:
            say(line)
    return {
        "changed": False,
        "cells": [{"cell_id": cell.cell_id, "label": cell.label, "spec": dict(cell.spec)} for cell in design.cells],
        "runs": runs,
        "counts": {
            "cells": len(design.cells),
            "blocks": design.repeats,
            "runs": len(design.cells) * design.repeats,
            "done": design.done(),
            "void": design.history.void,
            "missing": missing,
        },
        "forecast": forecast,
        "failed_cells": failed,
        "complete": not missing,
        "lines": lines,
        "msg": _message(design, missing, failed),
    }
