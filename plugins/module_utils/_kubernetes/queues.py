# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kueue's queues: whether one is there, takes runs, and can ever admit a cell. PRIVATE, can break at any time.

https://github.com/kubernetes-sigs/kueue/tree/v0.17.0/apis/kueue/v1beta2 (localqueue_types.go, clusterqueue_types.go)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._common.errors import InputError
from .._common.format import readable
from .._common.quantity import Amounts, amount
from .._study.design import workloads
from . import capacity
from .api import Api, ApiError
from .capacity import Cell, Replicas
from .readiness import condition_of

# Of an object that Kueue admits.
QUEUE = "kueue.x-k8s.io/queue-name"
API = "/apis/kueue.x-k8s.io/v1beta2"

Document = Mapping[str, Any]


def check_api(api: Api, name: str) -> None:
    if "localqueues" not in api.collections(API):
        raise InputError(
            f"training_queue is {name!r}, but the cluster does not know LocalQueue ({API.removeprefix('/apis/')}): install"
            " Kueue 0.15 or later there, or give no queue"
        )


def check_gang(cells: Iterable[tuple[str, Mapping[str, Any]]], backend: str) -> None:
    """Labels and specifications of the cells: Kueue admits each object as a whole, and some workloads have two."""
    for label, spec in cells:
        name = str(spec.get("backend", backend))
        if spec["ps"] and not workloads.workload(name).is_whole:
            whole = [one.name for one in workloads.WORKLOADS if one.is_whole]
            others = f"training_backend {' or '.join(whole)}, " if whole else ""
            raise InputError(
                f"training_gang is true, but {name!r} makes one object of the ps and one of the workers, which Kueue admits"
                f" one by one ({label}): give {others}ps 0, or training_gang false"
            )


def check_queue(api: Api, namespace: str, name: str) -> Document | None:
    """Its ClusterQueue; None where this user may not see it."""
    place = f"{API}/namespaces/{namespace}/localqueues"
    try:
        queue = api.get(f"{place}/{name}")
    except ApiError as error:
        if error.status != 404:
            raise
        there = sorted(one["metadata"]["name"] for one in api.list(place)[0])
        raise InputError(
            f"training_queue is {name!r}, which namespace {namespace} does not have: give {' or '.join(there) or 'no queue'}"
            + ("" if there else ", or create this LocalQueue")
        ) from error
    _check_active(name, f"LocalQueue {name}", queue, conditions=False)
    behind = str(queue["spec"].get("clusterQueue") or "")
    try:
        cluster_queue = api.get(f"{API}/clusterqueues/{behind}")
    except ApiError as error:
        if error.status == 404:
            raise InputError(
                f"training_queue is {name!r}, whose ClusterQueue {behind} does not exist: create it, or give another queue"
            ) from error
        if error.status != 403:
            raise
        cluster_queue = None
    if cluster_queue is not None:
        _check_active(name, f"ClusterQueue {behind}", cluster_queue)
    _check_active(name, f"LocalQueue {name}", queue)
    return cluster_queue


def _check_active(name: str, what: str, queue: Document, *, conditions: bool = True) -> None:
    policy = queue["spec"].get("stopPolicy") or "None"
    if policy != "None":
        raise InputError(
            f"training_queue is {name!r}, but {what} is stopped (stopPolicy {policy}): have it resumed, or give another queue"
        )
    active = condition_of(queue.get("status") or {}, "Active") if conditions else {}
    if active.get("status") == "False":
        why = readable(active.get("message") or active.get("reason") or "no reason is given").rstrip(".")
        raise InputError(
            f"training_queue is {name!r}, but {what} is not active: {why}; have it repaired, or give another queue"
        )


def check_quota(name: str, cluster_queue: Document, asked: Sequence[tuple[Cell, Replicas]]) -> None:
    """Whether Kueue could admit each cell if nothing else ran."""
    flavors = _flavors(cluster_queue["spec"])
    for cell, replicas in asked:
        for need, quota, key in _over(cell, replicas, flavors):
            raise InputError(
                f"cell {cell.label} can never be admitted to training_queue {name!r}: it asks for {capacity.shown(key, need)} {key},"
                f" but ClusterQueue {cluster_queue['metadata']['name']} has a quota of {capacity.shown(key, quota)}; have it"
                " raised, or give fewer workers, smaller resources or another queue"
            )


def _flavors(spec: Document) -> dict[str, list[float]]:
    """Quotas of each resource, one for each flavor; none of a resource of which the cohort may lend any amount."""
    found: dict[str, list[float]] = {}
    unlimited = set()
    for flavor in (one for group in spec.get("resourceGroups") or () for one in group.get("flavors") or ()):
        for one in flavor.get("resources") or ():
            lent = amount(one.get("borrowingLimit", 0)) if spec.get("cohortName") else 0.0
            if spec.get("cohortName") and one.get("borrowingLimit") is None:
                unlimited.add(one["name"])
            found.setdefault(one["name"], []).append((amount(one.get("nominalQuota")) or 0.0) + (lent or 0.0))
    return {key: quotas for key, quotas in found.items() if key not in unlimited}


def _over(cell: Cell, replicas: Replicas, flavors: Mapping[str, Sequence[float]]) -> Iterator[tuple[float, float, str]]:
    """All pods of a group get one flavor; the groups may get different ones."""
    groups: list[Amounts] = [
        {"pods": float(count), **{key: count * value for key, value in one.requests.items()}}
        for count, one in zip((cell.ps, cell.workers), replicas, strict=True)
    ]
    for key, quotas in flavors.items():
        needs = [one.get(key, 0.0) for one in groups]
        for need, quota in ((max(needs), max(quotas)), (sum(needs), sum(quotas))):
            if need > quota * (1 + capacity.SLACK):
                yield need, quota, key
