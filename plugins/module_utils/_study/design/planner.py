# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a study: its cells, the runs of its next block, and how long what is missing will take. PRIVATE, can break at any time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import Any, Protocol

from ..._common.errors import InputError
from ..._common.format import counted, duration_range
from ..analysis import gate
from ..records import sealed
from ..records.record import Record
from ..statistics.sequential import FIRST
from . import blocks, forecast, inputs, variables
from .blocks import Cell, Design, History, Plan, PlannedRun
from .cell import run_id

Records = list[Record]
Product = Mapping[str, list[Any]]


class MaxWorkers(Protocol):
    """Puts a number in the place of the word `fit`; `numbers` are those found so far, `lines` say how."""

    numbers: dict[str, int]
    lines: list[str]

    def resolved(self, products: Iterable[Product]) -> Iterator[Product]: ...


MaxWorkersOf = Callable[[Mapping[str, Any], Callable[[], Records]], MaxWorkers]


def _cells(params: Mapping[str, Any], spec: Mapping[str, Any], fits: MaxWorkers) -> list[Cell]:
    plain = {axis: params[axis] for axis in ("nodes", "ps", "workers")}
    if params["strategies"] not in ([], ""):
        plain["strategies"] = params["strategies"]
    study = str(params["study"])
    changes = inputs.variants(params["variants"], spec)
    variants = {name: sealed.spec(study, change) for name, change in changes.items()}
    # A program of the user's own may do without parameter servers, and workers that mirror all parameters do.
    without = spec.get("command") or (spec.get("strategy") == "mirrored" and "strategies" not in plain)
    products = inputs.series(params["series"], plain, lowest_ps=0 if without else 1)
    nodes = max(max(axes["nodes"]) for axes in products)
    if spec.get("provider") == "local" and nodes > 1:
        raise InputError(f"sweep_nodes is {nodes}: give 1, because the provider local has one node, this machine")
    cells = blocks.cells_of(fits.resolved(products), sealed.spec(study, spec), variants)
    for cell in cells:
        _check(cell)
    return cells


def _check(cell: Cell) -> None:
    """A variant may bring its own number of parameter servers, or our trainer in a program's place."""
    needs_ps = not cell.spec.get("command") and cell.spec.get("strategy") != "mirrored"
    if needs_ps and cell.spec["ps"] == 0:
        raise InputError(f"sweep_variants asks for {cell.label}: give ps from 1, because our trainer needs one")
    inputs.check_cell(cell.spec, cell.label)


def _check_memory(cells: Sequence[Cell], params: Mapping[str, Any], memory: Callable[[], int | None]) -> None:
    each = params["replica_memory_bytes"]
    # A cluster's nodes are looked at by cluster_preflight_info.
    if each > 0 and params["spec"].get("backend", "processes") == "processes":
        largest = max(cells, key=_replicas)
        name = "sweep_series" if params["series"] else "sweep_workers"
        inputs.check_memory(memory(), label=largest.label, replicas=_replicas(largest), replica_bytes=each, name=name)


def _replicas(cell: Cell) -> int:
    return int(cell.spec["ps"] + cell.spec["workers"])


def _rules(params: Mapping[str, Any]) -> Design:
    names = {"repeats": "sweep_repeats", "attempts": "sweep_attempts", "seed": "sweep_seed"}
    checked = variables.check({variable: params[name] for name, variable in names.items()})
    return Design(
        blocks=checked["sweep_repeats"],
        attempts=checked["sweep_attempts"],
        seed=checked["sweep_seed"],
        by_nodes=params["by_nodes"],
    )


def _allowed(params: Mapping[str, Any], cells: Sequence[Cell], blocks: int) -> float | None:
    """The margin of a gate; none when the study is no gate."""
    allowed = inputs.margin("sweep_max_slowdown", params["max_slowdown"])
    if allowed is None:
        return None
    if sorted(str(cell.spec.get("variant")) for cell in cells) != sorted((gate.BEFORE, gate.AFTER)):
        raise InputError(
            f"sweep_max_slowdown is {params['max_slowdown']}: give sweep_variants with before and after, and one number of nodes,"
            " ps and workers"
        )
    if blocks < FIRST:
        raise InputError(
            f"sweep_repeats is {blocks}: give a whole number from {FIRST} with sweep_max_slowdown, which needs so many blocks"
        )
    return allowed


def _is_settled(cells: Sequence[Cell], records: Sequence[Record], plan: Plan, allowed: float, blocks: int) -> bool:
    """Whether further blocks would tell nothing new: the verdict is there, or one of both never has a run that counts."""
    contest = gate.Contest.of([cell._asdict() for cell in cells], records)
    hopeless = any(not contest.seconds(cell_id) for cell_id in plan.failed)
    return hopeless or contest.judge(allowed, blocks).verdict != gate.CANNOT_TELL


def _run(
    planned: PlannedRun, rules: Design, study: str, study_dir: str, total: int, fits: Mapping[str, int]
) -> dict[str, Any]:
    cell = planned.cell
    identity = run_id(cell.cell_id, planned.block)
    return {
        "run_id": identity,
        "cell_id": cell.cell_id,
        "block": planned.block,
        "attempt": planned.attempt,
        "attempts": rules.attempts,
        "number": planned.number,
        "total": total,
        "label": cell.label,
        # The cells of a block start from the same parameters; another block from others.
        "seed": rules.seed + planned.block,
        "study": study,
        "study_dir": study_dir,
        "spec": dict(cell.spec),
        "log_dir": os.path.join(study_dir, "logs", identity, f"attempt-{planned.attempt}"),
        "fits": dict(fits),
    }


def _groups(runs: Sequence[Mapping[str, Any]], *, by_nodes: bool) -> list[dict[str, Any]]:
    """The block's runs in their order; with `by_nodes` one group for each number of nodes, else a single one."""
    if not by_nodes:
        return [{"nodes": None, "runs": list(runs)}] if runs else []
    return [{"nodes": nodes, "runs": list(same)} for nodes, same in groupby(runs, lambda run: run["spec"]["nodes"])]


def _head(
    params: Mapping[str, Any], cells: int, blocks: int, plan: Plan, time: forecast.Forecast, *, is_gate: bool
) -> str:
    cluster = params["spec"].get("cluster", "local")
    size = f"{counted(cells, 'cell')} x {counted(blocks, 'block')} = {counted(plan.runs, 'run')}"
    head = f"study {params['study']} on cluster {cluster}: {size}{' at most' if is_gate else ''}"
    if plan.spared:
        return f"{head}, told after {plan.runs - plan.spared}"
    if not plan.missing:
        return f"{head}, nothing is missing"
    if plan.done or plan.given_up:
        head += f"; {plan.runs - len(plan.missing)} of {plan.runs} runs are there, {len(plan.missing)} to go"
    return f"{head}, about {duration_range(*time)}"


def _message(plan: Plan, cells: int, logs: str) -> str:
    if plan.failed:
        named = ", ".join(f"{cell.label} ({reason})" for cell, reason in plan.failed.values())
        return f"{len(plan.failed)} of {counted(cells, 'cell')} failed: {named}; the logs are in {logs}"
    if plan.missing:
        return f"{counted(len(plan.missing), 'run')} of {plan.runs} to go"
    if plan.spared:
        return f"told after {plan.runs - plan.spared} of {counted(plan.runs, 'run')}"
    return f"all {counted(plan.runs, 'run')} are there"


def plan_study(
    params: Mapping[str, Any],
    *,
    read: Callable[[], tuple[Records, dict[str, list[str]]]],
    max_workers: MaxWorkersOf,
    memory: Callable[[], int | None],
) -> dict[str, Any]:
    """The result of sweep_plan_info for its parameters. `read` gives the study's records, and warnings about them.

    It raises InputError for a bad parameter and LedgerError for a ledger that cannot be read; nothing is changed.
    """
    study = inputs.study_name(params["study"])
    spec = inputs.check_spec(params["spec"])
    inputs.check_deadline(params["deadline"], train_steps=spec["train_steps"])
    recorded = cache(read)
    fits = max_workers(spec, lambda: recorded()[0])
    rules, cells = _rules(params), _cells(params, spec, fits)
    _check_memory(cells, params, memory)
    study_dir = inputs.check_folder("study_dir", params["study_dir"])
    records, warnings = recorded()
    history = History.of(records)
    if params["again"]:
        rules = replace(rules, blocks=blocks.blocks_again(cells, history, rules))
    plan = blocks.plan_of(cells, history, rules)
    allowed = _allowed(params, cells, rules.blocks)
    if allowed is not None and _is_settled(cells, records, plan, allowed, rules.blocks):
        plan = plan.settled()
    experience = forecast.Experience(records)
    time = experience.total((run.cell, run.block) for run in plan.missing)
    runs = [_run(run, rules, study, study_dir, plan.runs, fits.numbers) for run in plan.next_block]
    head = _head(params, len(cells), rules.blocks, plan, time, is_gate=allowed is not None)
    return {
        "changed": False,
        "cells": [{"cell_id": cell.cell_id, "label": cell.label, "spec": dict(cell.spec)} for cell in cells],
        "runs": runs,
        "groups": _groups(runs, by_nodes=rules.by_nodes),
        "counts": {
            "cells": len(cells),
            "blocks": rules.blocks,
            "runs": plan.runs,
            "done": plan.done,
            "void": plan.given_up,
            "spared": plan.spared,
            "missing": len(plan.missing),
        },
        "forecast": time._asdict(),
        "failed_cells": [
            {"cell_id": cell.cell_id, "label": cell.label, "reason": why} for cell, why in plan.failed.values()
        ],
        "complete": not plan.missing,
        "fits": fits.numbers,
        "lines": [head, *fits.lines, *(f"  cell {cell.cell_id}  {cell.label}" for cell in cells)],
        "msg": _message(plan, len(cells), os.path.join(study_dir, "logs")),
        **warnings,
    }
