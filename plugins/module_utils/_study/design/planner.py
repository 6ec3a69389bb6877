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
from typing import Any, NamedTuple, Protocol

from ..._common.errors import InputError
from ..._common.format import counted, duration_range, figure_range, span
from ..._common.yaml_text import structure
from ..analysis import gate
from ..records import sealed
from ..records.history import History
from ..records.record import Record, times_of
from ..statistics.adaptive import AUTO, Rules
from ..statistics.sequential import FIRST
from . import adaptive_blocks, blocks, budget, forecast, frameworks, inputs, sizing, variables
from .blocks import Cell, Design, Plan, PlannedRun
from .cell import run_id
from .projection import can_be_played, further_runs
from .search_inputs import SEARCH, SWEEP, role_of
from .sizing import Sizing
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
    for axis in ("strategies", "processes_per_worker"):
        if params[axis] not in ([], ""):
            plain[axis] = params[axis]
    study = str(params["study"])
    changes = inputs.variants(params["variants"], spec)
    variants = {name: sealed.spec(study, change) for name, change in changes.items()}
    # A program of the user's own may do without parameter servers, and workers that mirror all parameters do.
    mirrors = spec.get("strategy") == "mirrored" and "strategies" not in plain
    without = spec.get("command") or mirrors or not frameworks.framework_of(spec).has_ps
    products = inputs.series(params["series"], plain, lowest_ps=0 if without else 1)
    nodes = max(max(axes["nodes"]) for axes in products)
    if spec.get("provider") == "local" and nodes > 1:
        raise InputError(f"sweep_nodes is {nodes}: give 1, because the provider local has one node, this machine")
    cells = blocks.cells_of(fits.resolved(products), sealed.spec(study, spec), variants)
    for cell in cells:
        _check(cell)
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
    return found


def _check(cell: Cell, role: str = SWEEP) -> None:
    """A variant may bring its own number of parameter servers, or our trainer in a program's place."""
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


def _searched(design: Design, given: Sizing) -> Design:
    """As many blocks as the search may have."""
    facts = sizing.facts_of(given.rules, design.attempts, by_nodes=design.by_nodes)
    return replace(design, blocks=given.rules.blocks, adaptive=None, searched=facts)


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
        "design": rules.facts,
    }


def _groups(runs: Sequence[Mapping[str, Any]], *, by_nodes: bool) -> list[dict[str, Any]]:
    """The block's runs in their order; with `by_nodes` one group for each number of nodes, else a single one."""
    if not by_nodes:
        return [{"nodes": None, "runs": list(runs)}] if runs else []
    return [{"nodes": nodes, "runs": list(same)} for nodes, same in groupby(runs, lambda run: run["spec"]["nodes"])]


class _Study:
    """The plan of one call: what is asked, what is recorded, and what follows."""

    def __init__(
        self,
        params: Mapping[str, Any],
        spec: Mapping[str, Any],
        cells: list[Cell],
        records: Records,
        sizing: Sizing | None = None,
    ) -> None:
        self.cells, self.records, self.again, self.sizing = cells, records, params["again"], sizing
        self.design = _searched(_design(params), sizing) if sizing else _design(params)
        self.allowed = _allowed(params, cells, self.design.blocks)
        self.history = History.of(records)
        # With adaptive blocks: the cells that are open, and those that the last block has closed.
        self.standing: adaptive_blocks.Standing | None = None
        self.stops: list[adaptive_blocks.Stop] = []
        self.times: Mapping[str, Mapping[int, float]] = {}
        self.plan = self._planned()
        limits = budget.Budget.of(params, spec)
        self.experience = forecast.Experience(records, limits.prices)
        # Why the next block is not begun although it is wanted.
        here = budget.of_cluster(records, spec)
        self.shortage = self._shortage(limits, here)
        if self.shortage:
            self.plan = self.plan.settled()
        self.currency = limits.currency
        time, price = forecast.of_plan(self.experience, self.plan, cells, self._futures())
        # A block that has begun is finished, whatever the budget says.
        self.time, price = (time, price) if self.has_begun else limits.within(here, time, price)
        # Processes of this machine have no price.
        self.price = None if spec.get("backend", "processes") == "processes" else price

    def _planned(self) -> Plan:
        if self.sizing:
            return self.sizing.plan(self.design)
        return self._adaptive() if self.design.adaptive else self._fixed()

    def _futures(self) -> dict[str, Any] | None:
        """With adaptive blocks the runs of each cell beyond those that are certain, in many futures; None if nobody can tell."""
        if self.standing is None or not self.plan.missing or not self.plan.further:
            return None
        last, rules = self.plan.missing[-1].block, self.standing.rules
        groups = [[cell for cell in group if cell.cell_id in self.plan.further] for group in self.standing.groups]
        going = [group for group in groups if group]
        if not all(can_be_played(len(group), rules, last) for group in going):
            return None
        level = forecast.Experience(self.records, seconds_of=lambda record: record.seconds).level
        found: dict[str, Any] = {}
        for group in going:
            levels = {cell.cell_id: level(cell.cell_id, cell.spec) for cell in group}
            runs = further_runs(self.times, levels, rules, last)
            found |= {cell_id: runs[:, place] for place, cell_id in enumerate(levels)}
        return found

    def _fixed(self) -> Plan:
        if self.again:
            self.design = replace(self.design, blocks=blocks.blocks_again(self.cells, self.history, self.design))
        plan = blocks.plan_of(self.cells, self.history, self.design)
        allowed = self.allowed
        if allowed is not None and _is_settled(self.cells, self.records, plan, allowed, self.design.blocks):
            return plan.settled()
        return plan

    def _adaptive(self) -> Plan:
        self.times = times_of(self.records)
        self.standing = adaptive_blocks.standing_of(self.cells, self.history, self.times, self.design)
        self.stops = adaptive_blocks.stops(self.standing, self.history)
        plan = adaptive_blocks.adaptive_plan(self.cells, self.history, self.standing, self.design)
        if self.again and not plan.missing:
            self.design = replace(self.design, extra=self.standing.top + 1)
            plan = adaptive_blocks.adaptive_plan(self.cells, self.history, self.standing, self.design)
        return plan

    @property
    def has_begun(self) -> bool:
        """Whether the next block goes on: it is finished whatever the budget says, so that a killed study decides as if it had not been."""
        return bool(self.plan.missing) and self.plan.missing[0].block == self.history.top(
            cell.cell_id for cell in self.cells
        )

    def _shortage(self, limits: budget.Budget, records: Records) -> str:
        planned = [(run.cell, run.block) for run in self.plan.next_block]
        time = self.experience.total(planned)
        lacking = limits.lacks(records, planned, time, self.experience.price(planned, time))
        if not self.plan.missing or self.has_begun:
            return ""
        if lacking and not records:
            raise InputError(f"{lacking}: give more, or a smaller study")
        return lacking

    @property
    def forecast(self) -> str:
        """`about 2 min (1 to 4), 0.3 USD (0.2 to 0.6)`"""
        price = self.price and f", {figure_range(*self.price)} {self.currency}"
        return f"about {duration_range(*self.time)}{price or ''}"

    def told(self) -> list[str]:
        """Announcements before the next block; a block that goes on was announced before."""
        if self.has_begun:
            return []
        if self.sizing and not self.shortage:
            return self.sizing.said()
        lines = [f"{stop.cell.label} stopped after block {stop.block}: {stop.reason}" for stop in self.stops]
        if self.standing and self.plan.missing:
            block = self.plan.missing[0].block
            if block == self.design.extra:
                return [f"block {block}: all cells once more"]
            # The first block's forecast is that of the announcement.
            to_go = f"; {self.forecast} to go" if self.history.attempts else ""
            return [*lines, f"block {block}: {self.standing.open_in_words}{to_go}"]
        ended = self.ended()
        return [*lines, ended] if ended else lines

    def ended(self) -> str:
        """After how many runs there is no further block, and why; nothing where all that was asked for is there."""
        runs = counted(self.plan.runs - self.plan.spared, "run")
        still = f"; {self.standing.open_in_words}" if self.standing and self.standing.open else ""
        if self.sizing and not self.shortage:
            return f"ended after {runs}: {self.sizing.ended()}"
        if self.shortage:
            return f"ended after {runs}: {self.shortage}{still}"
        if (
            self.standing
            and not any(decision.states for decision in self.standing.decisions)
            and self.standing.censored
        ):
            # The cells have been told of one by one.
            return f"ended after {runs}: no cell reached its target accuracy in every run"
        if still:
            return f"ended after {runs}, because sweep_max_repeats is {self.design.blocks}{still}"
        return f"decided after {runs}" if self.standing else ""


def _size(study: _Study) -> str:
    cells, plan, most = counted(len(study.cells), "cell"), study.plan, study.design.blocks
    if study.sizing:
        return study.sizing.head()
    if study.design.adaptive and not plan.missing:
        return cells
    if study.design.adaptive:
        return f"{cells} x {FIRST} to {most} blocks = {span(plan.least, plan.most)} runs"
    size = f"{cells} x {counted(most, 'block')} = {counted(plan.runs, 'run')}"
    return f"{size} at most" if study.allowed is not None else size


def _head(params: Mapping[str, Any], study: _Study) -> str:
    plan, cluster = study.plan, params["spec"].get("cluster", "local")
    head = f"study {params['study']} on cluster {cluster}: {_size(study)}"
    if study.shortage or ((study.design.adaptive or study.sizing) and not plan.missing):
        return f"{head}, {study.ended()}"
    if study.sizing:
        return f"{head}; {counted(plan.done, 'run')} are there" if plan.done else head
    if plan.spared:
        return f"{head}, decided after {plan.runs - plan.spared}"
    if not plan.missing:
        return f"{head}, nothing is missing"
    if plan.done or plan.given_up:
        there = plan.done + plan.given_up
        of = "" if study.design.adaptive else f" of {plan.runs}"
        head += f"; {there}{of} runs are there, {span(len(plan.missing), plan.most - there)} to go"
    return f"{head}, {study.forecast}"


def _message(study: _Study, logs: str) -> str:
    plan, adaptive = study.plan, study.design.adaptive
    if plan.failed and not (study.sizing and study.sizing.search.taken()):
        named = ", ".join(f"{cell.label} ({reason})" for cell, reason in plan.failed.values())
        return f"{len(plan.failed)} of {counted(len(study.cells), 'cell')} failed: {named}; the logs are in {logs}"
    if plan.missing and study.sizing:
        return f"{counted(len(plan.missing), 'run')} of block {plan.missing[0].block} to go"
    if plan.missing and adaptive:
        return f"{span(len(plan.missing), plan.most - plan.done)} runs to go"
    if plan.missing:
        return f"{counted(len(plan.missing), 'run')} of {plan.runs} to go"
    if adaptive or study.sizing or study.shortage:
        return study.ended()
    if plan.spared:
        return f"decided after {plan.runs - plan.spared} of {counted(plan.runs, 'run')}"
    return f"all {counted(plan.runs, 'run')} are there"


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
    study = _Study(params, spec, list(found.cells.values()), records, found)
    ended = study.shortage or ("" if study.plan.missing else found.ended())
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
    study = _Study(params, spec, cells, records, found)
    plan = study.plan
    runs = [_run(run, study.design, name, study_dir, plan.runs, fits.numbers) for run in plan.next_block]
    return {
        "changed": False,
        "cells": [{"cell_id": cell.cell_id, "label": cell.label, "spec": dict(cell.spec)} for cell in cells],
        "runs": runs,
        "groups": _groups(runs, by_nodes=study.design.by_nodes),
        "counts": _counts(study),
        "forecast": _forecast(study),
        "failed_cells": [
            {"cell_id": cell.cell_id, "label": cell.label, "reason": why} for cell, why in plan.failed.values()
        ],
        "complete": not plan.missing,
        "extra_block": study.design.extra,
        "fits": fits.numbers,
        "lines": [_head(params, study), *fits.lines, *(f"  cell {cell.cell_id}  {cell.label}" for cell in cells)],
        "told": study.told(),
        "msg": _message(study, os.path.join(study_dir, "logs")),
        **warnings,
    }


def _forecast(study: _Study) -> dict[str, Any]:
    price = study.price and {**_bounds(study.price), "currency": study.currency}
    return {**study.time._asdict(), "price": price}


def _bounds(price: forecast.Forecast) -> dict[str, float]:
    return {"likely": price.seconds, "low": price.low, "high": price.high}


def _counts(study: _Study) -> dict[str, int]:
    plan = study.plan
    return {
        "cells": len(study.cells),
        "open": len(study.standing.open) if study.standing else len(study.cells),
        "blocks": study.design.blocks,
        "runs": plan.runs,
        "most": plan.most,
        "done": plan.done,
        "void": plan.given_up,
        "spared": plan.spared,
        "missing": len(plan.missing),
    }
