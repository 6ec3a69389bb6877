# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves `fit` in sweep_workers to a number of workers. PRIVATE, can break at any time.

A number holds for the whole study: every record carries it, so a resumed study has the cells with which it began.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Any

from .._common.errors import InputError
from .._study.design.cell import cell_id, shown_value
from .._study.design.inputs import EVENLY, FIT
from .._study.design.planner import Product
from .._study.design.search_inputs import SEARCH, role_of
from .._study.records.record import records_of
from . import api as kubernetes_api
from .api import ApiError
from .max_workers import CAPACITY_ARG_SPEC, ClusterCapacity
from .open_ledger import check_namespace

PLACEMENT: dict[str, dict[str, Any]] = {
    **CAPACITY_ARG_SPEC,
    "nodes_method": {"type": "str", "choices": ["label", "recreate", "resize", "none"], "default": "label"},
}
FIT_ARG_SPEC: dict[str, dict[str, Any]] = {
    "placement": {"type": "dict", "default": {}, "options": PLACEMENT},
    "fits": {"type": "dict", "default": {}},
}
# With ps and nodes these fields of the spec decide how many workers fit.
DECISIVE = ("cluster", "backend", "ps_resources", "worker_resources")


def processors() -> int:
    return len(os.sched_getaffinity(0))


class StudyMaxWorkers:
    """`records` are those of the study, asked for only where they matter, as is all else."""

    def __init__(
        self,
        params: Mapping[str, Any],
        spec: Mapping[str, Any],
        *,
        records: Callable[[], Iterable[Any]],
        memory: Callable[[], int | None],
        cpus: Callable[[], int] = processors,
    ) -> None:
        self._params = params
        self._placement = {name: option["default"] for name, option in PLACEMENT.items()} | params["placement"]
        self._spec = spec
        self._records = records
        self._memory = memory
        self._cpus = cpus
        self._is_search = role_of(params) == SEARCH
        self._asks = "autosize_max_workers asks" if self._is_search else "sweep_workers asks"
        # What was asked for, by what decides on it.
        self.numbers: dict[str, int] = {}
        self.lines: list[str] = []

    def resolved(self, products: Iterable[Product]) -> Iterator[Product]:
        """The same with numbers for the word; it means another number for each number of nodes and of ps, and each spread."""
        for axes in products:
            if FIT not in axes["workers"]:
                yield axes
                continue
            for nodes, ps, spread in product(axes["nodes"], axes["ps"], axes.get("spreads", [None])):
                workers = [self._number(nodes, ps, spread) if one == FIT else one for one in axes["workers"]]
                own = {} if spread is None else {"spreads": [spread]}
                yield {**axes, **own, "nodes": [nodes], "ps": [ps], "workers": workers}

    def fit(self, nodes: int, ps: int) -> int:
        """The number for the word."""
        return self._number(nodes, ps)

    def fitting(self, nodes: int, ps: int) -> int | None:
        """How many workers find room at most, which may be none; None where nothing is known to limit them."""
        here = self._spec.get("backend", "processes") == "processes"
        find = self._in_memory if here else self._in_grown
        try:
            known = self._known(self._key(nodes, ps, room=True), lambda: find(nodes, ps))
        except InputError:
            # Nodes that this account may not list: a size that finds no room fails.
            return None
        return None if known is None else known[0]

    def _number(self, nodes: int, ps: int, spread: str | None = None) -> int:
        """Without a spread of its own it has that of the placement."""
        own = {} if spread in (None, EVENLY) else {"spread": spread}
        key = self._key(nodes, ps, **own)
        if key not in self.numbers:
            known, why = self._known(key, lambda: self._now(nodes, ps, spread)) or (0, "")
            at = "" if spread is None else f" spread={shown_value('spread', {'spread': spread})}"
            self.lines.append(f"  fit: workers={known} with nodes={nodes} ps={ps}{at}, {why}")
            return known
        return self.numbers[key]

    def _key(self, nodes: int, ps: int, **more: Any) -> str:
        return cell_id({name: self._spec.get(name) for name in DECISIVE} | {"nodes": nodes, "ps": ps} | more)

    def _known(self, key: str, find: Callable[[], tuple[int, str] | None]) -> tuple[int, str] | None:
        """What the study has found before, else what is found now, which it keeps."""
        known, why = self._recorded.get(key), "as in the study's first runs"
        if known is None:
            known, why = self._params["fits"].get(key), "as found before"
        found = find() if known is None else (int(known), why)
        if found is not None and found[0] > 0:
            self.numbers[key] = found[0]
        return found

    @cached_property
    def _recorded(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for record in records_of(self._records()):
            found = {**record.fits, **found}
        return found

    def _now(self, nodes: int, ps: int, spread: str | None) -> tuple[int, str]:
        is_here = self._spec.get("backend", "processes") == "processes"
        number, limit = self._on_this_machine(ps) if is_here else self._in_the_cluster(nodes, ps, spread)
        if number < 1:
            raise InputError(
                f"{self._asks} for fit, but no worker fits with nodes={nodes} ps={ps}, the limit is {limit}: wait for"
                " free capacity, or give smaller resources"
            )
        return number, f"the limit is {limit}"

    def _on_this_machine(self, ps: int) -> tuple[int, str]:
        """A processor for each worker, as far as the memory goes."""
        cpus, each, free = self._cpus(), self._params["replica_memory_bytes"], self._memory()
        number = cpus if each <= 0 or free is None else min(cpus, free // each - ps)
        return number, "this machine's processors" if number == cpus else "this machine's memory"

    def _in_the_cluster(self, nodes: int, ps: int, spread: str | None) -> tuple[int, str]:
        method = self._placement["nodes_method"]
        if self._is_search:
            return self._in_grown(nodes, ps) or (0, "unknown")
        if method in ("recreate", "resize"):
            raise InputError(
                f"{self._asks} for fit, but cluster_nodes_method {method!r} creates the nodes only later: give numbers"
            )
        there = self._cluster if spread is None else replace(self._cluster, evenly=spread == EVENLY)
        most = there.most(ps, nodes if method == "label" else 0)
        return most.workers, most.limit

    def _in_memory(self, _nodes: int, ps: int) -> tuple[int, str] | None:
        each, free = self._params["replica_memory_bytes"], self._memory()
        return None if each <= 0 or free is None else (max(0, free // each - ps), "this machine's memory")

    def _in_grown(self, nodes: int, ps: int) -> tuple[int, str] | None:
        """Of a cluster that may have more nodes than now: each further one is like those that are there."""
        method, there = self._placement["nodes_method"], self._cluster
        have = len(there.usable)
        if method == "label" and nodes > have:
            return 0, f"the {have} nodes of the cluster"
        asked = 0 if method == "none" else min(nodes, have)
        most = there.most(ps, asked)
        return (most.workers * nodes // have if 0 < have < nodes and asked else most.workers), most.limit

    @cached_property
    def _cluster(self) -> ClusterCapacity:
        namespace = check_namespace(self._params["namespace"])
        try:
            return ClusterCapacity.look(kubernetes_api.connect(self._params), namespace, self._placement)
        except ApiError as error:
            raise InputError(
                f"{self._asks} for fit, for which the cluster must exist (playbooks/provision.yml creates it): {error}"
            ) from error
