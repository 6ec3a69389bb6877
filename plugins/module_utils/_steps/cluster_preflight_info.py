# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says before the first run what a cluster would refuse, and which cells can never fit. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._common.format import counted
from .._common.quantity import Amounts
from .._common.words import words
from .._common.yaml_text import structure
from .._kubernetes import api as kubernetes_api
from .._kubernetes import capacity, extensions, free_capacity, nodes, permissions, queues
from .._kubernetes.api import Api, ApiError
from .._kubernetes.capacity import Cell, Replicas
from .._kubernetes.free_capacity import Seen
from .._kubernetes.max_workers import CAPACITY_ARG_SPEC
from .._kubernetes.open_ledger import check_namespace
from .._kubernetes.options import AUTH_ARG_SPEC, NAMESPACE_ARG_SPEC
from .._kubernetes.permissions import Right
from .._study.design import workloads
from .._study.design.inputs import EVENLY, choice, integer

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    **NAMESPACE_ARG_SPEC,
    **CAPACITY_ARG_SPEC,
    "backend": {"type": "str"},
    "needs": {"type": "list", "elements": "dict"},
    "more_needs": {"type": "list", "elements": "dict", "default": []},
    "nodes_method": {"type": "str", "choices": ["label", "recreate", "resize", "none"], "default": "label"},
    "ledger": {"type": "str", "choices": ["files", "cluster"], "default": "files"},
    "queue": {"type": "str", "default": ""},
    "gang": {"type": "bool", "default": False},
    "cells": {"type": "list", "elements": "dict", "default": []},
    "references": {"type": "list", "elements": "dict", "default": []},
}
MOST_NAMED = 4
# A cell, and what each ps and each worker of it asks for.
Asked = tuple[Cell, Replicas]


def execute(params: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    try:
        check_namespace(params["namespace"])
        cells = _cells(params["cells"], params["resources"], params["spread"])
        backends = _backends(params)
        given = [Right.of(one) for one in (*(params["needs"] or ()), *params["more_needs"])]
        api = kubernetes_api.connect(params)
        is_there = _check_namespace(api, params["namespace"])
        for backend, variable in backends.items():
            extensions.check_backend(api, variable, backend)
            extensions.check_fields(api, backend, _runtimes(params), params["queue"])
        queue = params["queue"]
        if queue:
            queues.check_api(api, queue)
        wanted = [*(_needed(api, params, backends) if params["needs"] is None else ()), *given]
        _check_rights(api, wanted, params["namespace"])
        for runtime in _runtimes(params):
            extensions.check_runtime(api, runtime)
        if queue:
            _check_queue(api, cells, params)
        for one in params["references"] if is_there else ():
            _check_reference(api, params["namespace"], one.get("valueFrom") or one)
        seen = free_capacity.look(api, params["namespace"])
        usable = nodes.candidates(seen.nodes or [], _selector(params))
        free = (seen.without_those_that_end() if queue else seen).free_on(
            usable, floor=free_capacity.floor_of(api, seen.pods, params)
        )
        _check_quotas(seen, cells, params["priority_class"])
        if seen.nodes is not None:
            for cell, replicas in cells:
                _check_capacity(cell, replicas, free, seen.nodes, params)
    except (InputError, LedgerError, ApiError) as error:
        raise StepError(f"{error}.") from error
    return _result(params, wanted, seen, usable, free, len(cells), is_there=is_there)


def _cells(given: Sequence[Mapping[str, Any]], resources: Mapping[str, Any], spread: str) -> list[Asked]:
    """As sweep_plan_info returns them, or flat; a cell may have a spread and resources of its own."""
    usual, found = capacity.replicas_of(resources), []
    for number, one in enumerate(given):
        spec = one.get("spec") or one
        counts = {
            name: integer(f"cells[{number}].{name}", spec.get(name), minimum=int(name != "ps"))
            for name in ("nodes", "ps", "workers")
        }
        label = one.get("label") or " ".join(f"{name}={count}" for name, count in counts.items())
        given_own = {kind: structure(spec.get(f"{kind}_resources")) for kind in ("ps", "worker")}
        own = {kind: one for kind, one in given_own.items() if one is not None}
        found.append(
            (
                Cell(str(label), **counts, evenly=spec.get("spread", spread) == EVENLY and not spec.get("runtime")),
                capacity.replicas_of({**resources, **own}) if own else usual,
            )
        )
    return found


def _specs(params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one.get("spec") or one for one in params["cells"]]


def _backends(params: Mapping[str, Any]) -> dict[str, str]:
    """Those of the cells, else the one that is given, each with the variable that asks for it."""
    given = params["backend"]
    of_cells = dict.fromkeys(spec["backend"] for spec in _specs(params) if spec.get("backend"))
    asked = {
        one: "training_backend" if one == given else "sweep_backends"
        for one in of_cells or ([given] if given is not None else [])
    }
    return {choice(variable, one, workloads.names()): variable for one, variable in asked.items()}


def _runtimes(params: Mapping[str, Any]) -> list[str]:
    """Of the cluster."""
    return list(dict.fromkeys(spec["runtime"] for spec in _specs(params) if spec.get("runtime")))


def _needed(api: Api, params: Mapping[str, Any], backends: Collection[str]) -> list[Right]:
    known = [kind for kind in workloads.kinds() if extensions.is_known(api, kind)]
    asked = backends or [one.name for one in workloads.WORKLOADS if one in known]
    nodes, leases, queue = params["nodes_method"] == "label", params["ledger"] == "cluster", bool(params["queue"])
    runtimes = extensions.RIGHTS if _runtimes(params) else ()
    return [*permissions.needed(nodes=nodes, leases=leases, queues=queue, backends=asked, others=known), *runtimes]


def _check_namespace(api: Api, namespace: str) -> bool:
    """Whether it is there. Who may not look at namespaces is taken to have one."""
    try:
        found = api.get(f"/api/v1/namespaces/{namespace}")
    except ApiError as error:
        if error.status == 404:
            if permissions.is_allowed(api, Right("create", "", "namespaces"), namespace):
                return False
            raise InputError(
                f"namespace {namespace} does not exist, and this user may not create it: ask an administrator for it, or give another cluster_namespace"
            ) from error
        if error.status != 403:
            raise
        return True
    if found["metadata"].get("deletionTimestamp"):
        raise InputError(
            f"namespace {namespace} is being deleted: wait until it is gone, or give another cluster_namespace"
        )
    return True


def _check_rights(api: Api, wanted: Sequence[Right], namespace: str) -> None:
    lacking = permissions.missing(api, wanted, namespace)
    if lacking:
        raise InputError(permissions.refusal(api, lacking, namespace))


def _check_queue(api: Api, cells: Sequence[Asked], params: Mapping[str, Any]) -> None:
    if params["gang"]:
        labels = (cell.label for cell, _replicas in cells)
        queues.check_gang(zip(labels, _specs(params), strict=True), params["backend"])
    cluster_queue = queues.check_queue(api, params["namespace"], params["queue"])
    if cluster_queue is not None:
        queues.check_quota(params["queue"], cluster_queue, cells)


def _check_reference(api: Api, namespace: str, source: Mapping[str, Any]) -> None:
    """A pod whose Secret is missing would wait for it until the run is given up; who may not look learns it there."""
    for kind, reference in source.items():
        noun = "Secret" if kind.startswith("secret") else "ConfigMap"
        name = reference["name"]
        try:
            found = api.get(f"/api/v1/namespaces/{namespace}/{noun.lower()}s/{name}")
        except ApiError as error:
            if error.status == 404:
                raise InputError(
                    f"training_env needs {noun} {name}, which namespace {namespace} does not have: create it, or give another"
                ) from error
            if error.status != 403:
                raise
            continue
        keys = {*(found.get("data") or {}), *(found.get("binaryData") or {})}
        if reference.get("key", "") not in {"", *keys}:
            raise InputError(
                f"training_env needs key {reference['key']} of {noun} {name}, which has {', '.join(sorted(keys)) or 'none'}:"
                " give one of them"
            )


def _check_quotas(seen: Seen, cells: Sequence[Asked], priority_class: str) -> None:
    for quota in seen.quotas(priority_class):
        for cell, replicas in cells:
            over = capacity.exceeded(quota.hard, quota.used, capacity.asked_of_quota(cell, *replicas))
            if over:
                raise InputError(
                    f"cell {cell.label} asks for more than quota {quota.name} of namespace {seen.namespace} leaves:"
                    f" {'; '.join(over)}; have it raised, or give fewer workers or smaller resources"
                )


def _selector(params: Mapping[str, Any]) -> dict[str, str]:
    return words(params["node_selector"])


def _check_capacity(
    cell: Cell,
    replicas: Replicas,
    free: Mapping[str, Amounts],
    known: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
) -> None:
    method = params["nodes_method"]
    if method in ("recreate", "resize") and cell.nodes != len(free):
        # Its nodes are still to be made.
        return
    least = cell.nodes if method == "label" else 1
    if len(free) < least:
        why = nodes.obstacles(known, _selector(params))
        raise InputError(
            f"cell {cell.label} asks for {counted(least, 'node')}, but the cluster has {len(free)} that can carry runs"
            f" ({', '.join(free) or 'none'}){f'; {why}' if why else ''}: give fewer in sweep_nodes, or add nodes"
        )
    active = dict(islice(free.items(), cell.nodes)) if method == "label" else free
    if not capacity.fits(cell, *replicas, list(active.values()), evenly=cell.evenly):
        raise InputError(_unfit(cell, replicas, active))


def _unfit(cell: Cell, replicas: Replicas, free: Mapping[str, Amounts]) -> str:
    groups = zip((f"{cell.ps} ps", counted(cell.workers, "worker")), (cell.ps, cell.workers), replicas, strict=True)
    asked = [
        f"{group} with {capacity.told(replica.requests)}{' each' if count > 1 else ''}"
        for group, count, replica in groups
        if count
    ]
    wanted = {key for replica in replicas for key in replica.requests} | {"pods"}
    found = [
        f"{name} has {capacity.told({key: left.get(key, 0.0) for key in wanted})} free"
        for name, left in islice(free.items(), MOST_NAMED)
    ]
    more = f" (and {len(free) - MOST_NAMED} more nodes)" if len(free) > MOST_NAMED else ""
    where = f"{', evenly' if cell.evenly else ''} on {counted(len(free), 'node')}"
    return (
        f"cell {cell.label} can never fit: it puts {' and '.join(asked)}{where}, but {', '.join(found)}"
        f"{more}; give smaller training_ps_resources or training_worker_resources, fewer workers, or more nodes"
    )


def _result(
    params: Mapping[str, Any],
    wanted: Sequence[Right],
    seen: Seen,
    usable: Sequence[Mapping[str, Any]],
    free: Mapping[str, Amounts],
    cells: int,
    *,
    is_there: bool,
) -> dict[str, Any]:
    result = {
        "changed": False,
        "namespace_exists": is_there,
        "nodes": [
            {
                "name": nodes.name_of(node),
                "allocatable": capacity.amounts(free_capacity.allocatable_of(node)),
                "free": dict(free[nodes.name_of(node)]),
            }
            for node in usable
        ],
        "rights": [f"{right.verb} {right.target}" for right in wanted],
        "msg": (
            f"Namespace {params['namespace']} {'is ready' if is_there else 'can be created'}:"
            f" {counted(len(wanted), 'right')} given, {counted(len(usable), 'node')} for {counted(cells, 'cell')}."
        ),
    }
    return {**result, "warnings": [warning]} if (warning := _warning(seen)) and cells else result


def _warning(seen: Seen) -> str:
    if seen.nodes is None:
        return "It was not checked whether every cell fits: this user may not list nodes."
    if not seen.sees_all_pods:
        return free_capacity.UNSEEN_PODS
    return ""
