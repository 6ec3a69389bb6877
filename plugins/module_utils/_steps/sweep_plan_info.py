# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what a study asks for and names the runs of its next block. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._common.collector import resting
from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, read
from .._kubernetes.study_max_workers import FIT_ARG_SPEC, StudyMaxWorkers, processors
from .._study.design import inputs, planner

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    **FIT_ARG_SPEC,
    "study": {"type": "raw", "required": True},
    "study_dir": {"type": "path", "required": True},
    "spec": {"type": "dict", "required": True},
    # Raw, so that what a user wrote comes back in our sentence and not in Ansible's.
    "series": {"type": "raw", "default": []},
    "ps": {"type": "raw", "default": [1]},
    "workers": {"type": "raw", "default": [1]},
    "nodes": {"type": "raw", "default": [1]},
    "backends": {"type": "raw", "default": []},
    "strategies": {"type": "raw", "default": []},
    "processes_per_worker": {"type": "raw", "default": []},
    "spreads": {"type": "raw", "default": []},
    "variants": {"type": "raw", "default": {}},
    "max_slowdown": {"type": "raw", "default": ""},
    "search": {"type": "raw", "default": {}},
    "repeats": {"type": "raw", "default": "auto"},
    "margin": {"type": "raw", "default": 0.05},
    "target_ci": {"type": "raw", "default": ""},
    "max_repeats": {"type": "raw", "default": 20},
    "budget_minutes": {"type": "raw", "default": ""},
    "budget_cost": {"type": "raw", "default": ""},
    "prices": {"type": "raw", "default": {}},
    "currency": {"type": "raw", "default": "USD"},
    "attempts": {"type": "raw", "default": 2},
    "seed": {"type": "raw", "default": 1},
    "again": {"type": "bool", "default": False},
    "extra_block": {"type": "int", "default": 0},
    "by_nodes": {"type": "bool", "default": False},
    "replica_memory_bytes": {"type": "int", "default": 0},
    "deadline": {"type": "raw", "default": 0},
    "quiet": {"type": "bool", "default": False},
}


def execute(
    params: Mapping[str, Any],
    context: Context,
    *,
    memory: Callable[[], int | None] = inputs.memory_available,
    cpus: Callable[[], int] = processors,
) -> dict[str, Any]:
    """Read-only. In check mode the announcement lists all cells, because no run will show them."""

    def max_workers(spec: Mapping[str, Any], records: Callable[[], planner.Records]) -> StudyMaxWorkers:
        return StudyMaxWorkers(params, spec, records=records, memory=memory, cpus=cpus)

    try:
        with resting():
            result = planner.plan_study(params, read=lambda: read(params), max_workers=max_workers, memory=memory)
    except (InputError, LedgerError) as error:
        raise StepError(str(error)) from error
    for line in _said(result, quiet=params["quiet"], whole=context.check_mode):
        context.say(line)
    return result


def _said(result: Mapping[str, Any], *, quiet: bool, whole: bool) -> list[str]:
    if quiet:
        return list(result["told"])
    if whole:
        return [*result["lines"], *result["told"]]
    return [line for line in result["lines"] if not line.startswith("  cell ")]
