# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps one more worker out, in words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.max_workers import (
    CAPACITY_ARG_SPEC,
    ClusterCapacity,
)

from tests.fixtures.node_objects import node, pod, quota
from tests.fixtures.objects import Store

GIVEN = {name: option["default"] for name, option in CAPACITY_ARG_SPEC.items()}
WORKER = {"resources": {"worker": {"cpu": 1}}}


def capacity_of(store: Store, **given: Any) -> ClusterCapacity:
    return ClusterCapacity.look(store, "tfscale", {**GIVEN, **given})


def cluster(**cpus: str) -> Store:
    store = Store()
    for name, cpu in cpus.items():
        store.objects[f"/api/v1/nodes/{name}"] = node(name, cpu=cpu)
    return store


def test_most_takes_the_first_nodes_by_name() -> None:
    there = capacity_of(cluster(n1="1", n2="2", n10="8"), **WORKER)
    assert [there.most(0, wanted).workers for wanted in (1, 2, 3, 0)] == [1, 3, 5, 5]


@pytest.mark.parametrize(
    ("cpus", "spread", "limit"),
    [
        ({"n1": "1", "n2": "4"}, "DoNotSchedule", "cpu on node n1"),
        ({"n1": "1", "n2": "4"}, "", "cpu on nodes n1, n2"),
        ({"n1": "500", "n2": "500"}, "", "pods on nodes n1, n2"),
        ({"n1": "500", "n2": "1"}, "", "cpu on node n2 and pods on node n1"),
        ({f"n{number}": "1" for number in range(1, 8)}, "", "cpu on nodes n1, n2, n3, n4 and 3 more"),
    ],
)
def test_most_names_what_limits(cpus: dict[str, str], spread: str, limit: str) -> None:
    assert capacity_of(cluster(**cpus), spread=spread, **WORKER).most(0, 0).limit == limit


def test_most_names_the_quota_that_admits_the_fewest() -> None:
    store = cluster(n1="8")
    for name, pods in (("large", "9"), ("small", "3"), ("middle", "5")):
        store.objects[f"/api/v1/namespaces/tfscale/resourcequotas/{name}"] = quota(name, {"pods": pods})
    assert capacity_of(store, **WORKER).most(1, 0) == (2, "quota small (pods 4, of 3 are 0 in use)")


@pytest.mark.parametrize(
    ("operator", "values", "ours", "workers"),
    [
        ("In", ["high"], "high", 1),
        ("In", ["high"], "", 8),
        ("In", ["low"], "high", 8),
        ("NotIn", ["low"], "high", 1),
        ("Exists", [], "high", 1),
        ("Exists", [], "", 8),
        ("DoesNotExist", [], "", 1),
        ("Near", [], "high", 8),
    ],
)
def test_most_counts_the_quotas_of_its_priority_class(
    operator: str, values: list[str], ours: str, workers: int
) -> None:
    store = cluster(n1="8")
    scope = {"scopeName": "PriorityClass", "operator": operator, "values": values}
    store.objects["/api/v1/namespaces/tfscale/resourcequotas/q"] = quota(
        "q", {"pods": "1"}, scopeSelector={"matchExpressions": [scope]}
    )
    assert capacity_of(store, priority_class=ours, **WORKER).most(0, 0).workers == workers


def test_most_of_a_node_that_is_full_is_none() -> None:
    store = cluster(n1="1", n2="1")
    store.objects["/api/v1/pods/big"] = pod("big", "n2", cpu="3")
    assert capacity_of(store, **WORKER).most(0, 0) == (1, "cpu on node n2")
    assert capacity_of(store, **WORKER).most(0, 1) == (1, "cpu on node n1")


def test_look_without_the_right_to_see_nodes_fails() -> None:
    store = cluster(n1="1")
    store.refuse("LIST", "/api/v1/nodes", 403)
    with pytest.raises(InputError, match="give that right, or numbers of workers"):
        capacity_of(store)
