# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a study: its cells, and the runs of its next block. PRIVATE, can break at any time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from ..._common.errors import InputError
from ..._common.yaml_text import structure
from ..analysis import gate
from ..records import sealed
from ..records.history import History
from ..records.record import Record
from ..statistics.adaptive import AUTO, Rules
from ..statistics.sequential import FIRST
from . import axes, backends, blocks, budget, frameworks, inputs, sizing, variables
from .blocks import Cell, Design, PlannedRun
from .cell import run_id
from .course import Adaptive, Asked, Fixed, Search
from .search_inputs import SEARCH, SWEEP, role_of
from .sizing import Sizing
from .study import Study
from .target import check_variant

Records = list[Record]
Product = Mapping[str, list[Any]]


class MaxWorkers(Protocol):
    """Puts a number in the place of the word `fit`; `numbers` are those found so far, `lines` say how."""

    numbers: dict[str, int]
    lines: list[str]

    def resolved(self, products: Iterable[Product]) -> Iterator[Product]: ...
    def fit(self, nodes: int, ps: int) -> int: ...
    def fitting(self, nodes: int, ps: int) -> int | None: ...


MaxWorkersOf = Callable[[Mapping[str, Any], Callable[[], Records]], MaxWorkers]


def _cells(params: Mapping[str, Any], spec: Mapping[str, Any], fits: MaxWorkers) -> list[Cell]:
    plain = {axis: params[axis] for axis in ("nodes", "ps", "workers")}
    if params["ps"] == inputs.AUTO_PS:
        plain["ps"] = [frameworks.usual_ps(spec)]
    for axis in axes.OPTIONAL:
        if params[axis] not in ([], ""):
            plain[axis] = params[axis]
    study = str(params["study"])
    changes = inputs.variants(params["variants"], spec)
    variants = {name: sealed.spec(study, change) for name, change in changes.items()}
    # A program of the user's own may do without parameter servers, and workers that mirror all parameters do.
    mirrors = spec.get("strategy") == "mirrored" and "strategies" not in plain
    without = spec.get("command") or mirrors or not frameworks.framework_of(spec).has_ps
    products = axes.series(params["series"], plain, lowest_ps=0 if without else 1)
    nodes = max(max(one["nodes"]) for one in products)
    if spec.get("provider") == "local" and nodes > 1:
        raise InputError(f"sweep_nodes is {nodes}: give 1, because the provider local has one node, this machine")
    cells = blocks.cells_of(fits.resolved(products), sealed.spec(study, spec), variants)
    for cell in cells:
        _check(cell)
    backends.check_runtime_is_used(spec, [cell.spec for cell in cells])
    return cells


def _sizing(params: Mapping[str, Any], spec: Mapping[str, Any], fits: MaxWorkers, records: Records) -> Sizing:
    """Of a study that searches for a size."""
    search = sizing.rules_of(structure(params["search"]), frameworks.usual_ps(spec), fits)
    if spec.get("provider") == "local" and search.most.nodes > 1:
        most = search.most.nodes
        raise InputError(f"autosize_max_nodes is {most}: give 1, because the provider local has one node, this machine")
    attempts = variables.check({"sweep_attempts": params["attempts"]})["sweep_attempts"]
    found = Sizing.of(search, sealed.spec(str(params["study"]), spec), records, fits, attempts)
    for cell in found.cells.values():
        _check(cell, SEARCH)
    backends.check_runtime_is_used(spec, [cell.spec for cell in found.cells.values()])
    return found


def _check(cell: Cell, role: str = SWEEP) -> None:
    """A variant may bring its own number of parameter servers, or our trainer in a program's place."""
    backends.check(cell.spec, cell.label, role)
    inputs.check_cell(cell.spec, cell.label, role)
    needs_ps = not cell.spec.get("command") and cell.spec.get("strategy") != "mirrored"
    if needs_ps and cell.spec["ps"] == 0:
        name = "sweep_variants" if role == SWEEP else "autosize_ps"
        raise InputError(f"{name} asks for {cell.label}: give ps from 1, because our trainer needs one")
    check_variant(cell.spec)


def _check_memory(cells: Sequence[Cell], params: Mapping[str, Any], memory: Callable[[], int | None]) -> None:
    each = params["replica_memory_bytes"]
    # A cluster's nodes are looked at by cluster_preflight_info.
    if each > 0 and params["spec"].get("backend", "processes") == "processes":
        largest = max(cells, key=_replicas)
        name = "sweep_series" if params["series"] else "sweep_workers"
        inputs.check_memory(memory(), label=largest.label, replicas=_replicas(largest), replica_bytes=each, name=name)


def _replicas(cell: Cell) -> int:
    return int(cell.spec["ps"] + cell.spec["workers"] * frameworks.processes_of(cell.spec))


def _design(params: Mapping[str, Any]) -> Design:
    names = ("repeats", "attempts", "seed", "margin", "target_ci", "max_repeats")
    checked = variables.check({f"sweep_{name}": params[name] for name in names})
    repeats, most = checked["sweep_repeats"], checked["sweep_max_repeats"]
    is_gate = inputs.margin("sweep_max_slowdown", params["max_slowdown"]) is not None
    adaptive = None
    if repeats == AUTO and not is_gate:
        target = checked["sweep_target_ci"]
        adaptive = Rules(margin=checked["sweep_margin"], target_ci=None if target == "" else target, last=most)
    return Design(
        blocks=most if repeats == AUTO else repeats,
        attempts=checked["sweep_attempts"],
        seed=checked["sweep_seed"],
        by_nodes=params["by_nodes"],
        adaptive=adaptive,
        extra=params["extra_block"],
    )


def _allowed(params: Mapping[str, Any], cells: Sequence[Cell], blocks: int) -> float | None:
    """The margin of a gate; none when the study is no gate."""
    allowed = inputs.margin("sweep_max_slowdown", params["max_slowdown"])
    if allowed is None:
        return None
    aims = next((cell.spec for cell in cells if "target_accuracy" in cell.spec), None)
    if aims is not None:
        of = "training_" if "target_accuracy" in params["spec"] else f"sweep_variants.{aims.get('variant')}."
        raise InputError(
            f"sweep_max_slowdown is {params['max_slowdown']}, which judges the speed of equally many steps, but"
            f" {of}target_accuracy is {aims['target_accuracy']:g}: give one of both"
        )
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
        "design": rules.facts,
    }


def _groups(runs: Sequence[Mapping[str, Any]], *, by_nodes: bool) -> list[dict[str, Any]]:
    """The block's runs in their order; with `by_nodes` one group for each number of nodes, else a single one."""
    if not by_nodes:
        return [{"nodes": None, "runs": list(runs)}] if runs else []
    return [{"nodes": nodes, "runs": list(same)} for nodes, same in groupby(runs, lambda run: run["spec"]["nodes"])]


def _study(
    params: Mapping[str, Any],
    spec: Mapping[str, Any],
    cells: Sequence[Cell],
    records: Records,
    found: Sizing | None = None,
) -> Study:
    """Of one call: what is asked, what is recorded, and what follows."""
    design = _design(params)
    asked = Asked(cells=cells, design=design, records=records, history=History.of(records), again=params["again"])
    if found:
        return Study(params, spec, Search(asked, found))
    allowed = _allowed(params, cells, design.blocks)
    return Study(params, spec, Adaptive(asked) if design.adaptive else Fixed(asked, allowed))


class Searched(NamedTuple):
    """A study that searches for a size, for what comes of it. `shortage` is why a wanted block is not begun."""

    study: str
    sizing: Sizing
    records: Records
    shortage: str
    # Why there is no further block; empty while there is one.
    ended: str
    prices: Mapping[str, float]
    currency: str
    warnings: dict[str, list[str]]


def searched(
    params: Mapping[str, Any], *, read: Callable[[], tuple[Records, dict[str, list[str]]]], max_workers: MaxWorkersOf
) -> Searched:
    """For the parameters of sweep_plan_info with `search`; raises InputError and LedgerError as plan_study does."""
    spec = inputs.check_spec(params["spec"])
    records, warnings = read()
    found = _sizing(params, spec, max_workers(spec, lambda: records), records)
    study = _study(params, spec, list(found.cells.values()), records, found)
    ended = study.shortage or ("" if study.course.plan.missing else found.ended())
    limits = budget.Budget.of(params, spec)
    here = budget.of_cluster(records, spec)
    return Searched(str(params["study"]), found, here, study.shortage, ended, limits.prices, limits.currency, warnings)


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
    name = inputs.study_name(params["study"])
    spec = inputs.check_spec(params["spec"])
    inputs.check_deadline(params["deadline"], train_steps=spec["train_steps"])
    recorded = cache(read)
    fits = max_workers(spec, lambda: recorded()[0])
    found = _sizing(params, spec, fits, recorded()[0]) if role_of(params) == SEARCH else None
    cells = list(found.cells.values()) if found else _cells(params, spec, fits)
    _check_memory(cells, params, memory)
    study_dir = inputs.check_folder("study_dir", params["study_dir"])
    records, warnings = recorded()
    study = _study(params, spec, cells, records, found)
    course, plan = study.course, study.course.plan
    runs = [_run(run, course.design, name, study_dir, plan.runs, fits.numbers) for run in plan.next_block]
    return {
        "changed": False,
        "cells": [{"cell_id": cell.cell_id, "label": cell.label, "spec": dict(cell.spec)} for cell in cells],
        "runs": runs,
        "groups": _groups(runs, by_nodes=course.design.by_nodes),
        "counts": study.counts,
        "forecast": study.forecast,
        "failed_cells": [
            {"cell_id": cell.cell_id, "label": cell.label, "reason": why} for cell, why in plan.failed.values()
        ],
        "complete": not plan.missing,
        "extra_block": course.design.extra,
        "fits": fits.numbers,
        "lines": [study.head(), *fits.lines, *(f"  cell {cell.cell_id}  {cell.label}" for cell in cells)],
        "told": study.said(),
        "msg": study.message(os.path.join(study_dir, "logs")),
        **warnings,
    }
