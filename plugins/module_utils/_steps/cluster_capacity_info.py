# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a cluster has left, and how many workers that carries. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._common.format import counted
from .._kubernetes import api as kubernetes_api
from .._kubernetes import capacity, free_capacity, nodes
from .._kubernetes.api import ApiError
from .._kubernetes.free_capacity import Quota
from .._kubernetes.max_workers import CAPACITY_ARG_SPEC, ClusterCapacity, Most
from .._kubernetes.open_ledger import check_namespace
from .._kubernetes.options import AUTH_ARG_SPEC, NAMESPACE_ARG_SPEC
from .._study.design.inputs import integer

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    **NAMESPACE_ARG_SPEC,
    **CAPACITY_ARG_SPEC,
    # Raw, so that what a user wrote comes back in our sentence and not in Ansible's.
    "ps": {"type": "raw", "default": 1},
    "nodes": {"type": "raw", "default": 0},
}


def execute(params: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    try:
        check_namespace(params["namespace"])
        ps, wanted = integer("ps", params["ps"]), integer("nodes", params["nodes"])
        cluster = ClusterCapacity.look(kubernetes_api.connect(params), params["namespace"], params)
        most = cluster.most(ps, wanted)
    except (InputError, LedgerError, ApiError) as error:
        raise StepError(f"{error}.") from error
    result = {
        "changed": False,
        "workers": most.workers,
        "limit": most.limit,
        "nodes": [_node(cluster, one) for one in cluster.usable],
        "quotas": [_quota(one) for one in cluster.quotas],
        "msg": _sentence(cluster, most, ps, wanted or len(cluster.usable)),
    }
    return result if cluster.seen.sees_all_pods else {**result, "warnings": [free_capacity.UNSEEN_PODS]}


def _node(cluster: ClusterCapacity, node: Mapping[str, Any]) -> dict[str, Any]:
    name = nodes.name_of(node)
    allocatable, left, free = (
        capacity.amounts(free_capacity.allocatable_of(node)),
        cluster.free[name],
        cluster.available[name],
    )
    return {
        "name": name,
        "allocatable": allocatable,
        "requested": {key: value - left[key] for key, value in allocatable.items()},
        "free": dict(free),
        "preemptible": {key: value - left[key] for key, value in free.items()},
    }


def _quota(quota: Quota) -> dict[str, Any]:
    left = {key: value - quota.used.get(key, 0.0) for key, value in quota.hard.items()}
    return {"name": quota.name, "hard": dict(quota.hard), "left": left}


def _sentence(cluster: ClusterCapacity, most: Most, ps: int, count: int) -> str:
    beside = f" beside {ps} ps" if ps else ""
    evenly = ", evenly" if cluster.evenly and count > 1 else ""
    what = counted(most.workers, "worker") if most.workers else "No worker"
    fit = "fits" if most.workers < 2 else "fit"
    giving = ", if pods of a lower priority give way" if cluster.available != cluster.free else ""
    return f"{what} {fit} now{beside} on {counted(count, 'node')}{evenly}{giving}; the limit is {most.limit}."
