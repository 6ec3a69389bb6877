# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many fit, and what limits, as a playbook sees it (tests/e2e/test_capacity.py: on a real cluster)."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._steps import cluster_capacity_info

from tests.fixtures.node_objects import RUN, node, pod, quota
from tests.fixtures.objects import Store

DEFAULTS = {name: option.get("default") for name, option in cluster_capacity_info.ARGUMENT_SPEC.items()}
RESOURCES = {"ps": {"cpu": "100m", "memory": "384Mi"}, "worker": {"cpu": "500m", "memory": "768Mi"}}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store()
    for one in (node("worker1"), node("worker2")):
        there.objects[f"/api/v1/nodes/{one['metadata']['name']}"] = one
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    return there


def look(**given: Any) -> dict[str, Any]:
    said: list[str] = []
    params = {**DEFAULTS, "resources": RESOURCES, **given}
    result = cluster_capacity_info.execute(params, Context(say=said.append))
    assert said == []
    assert cluster_capacity_info.execute(params, Context(check_mode=True, say=said.append)) == result
    return result


def test_execute_tells_what_is_left(store: Store) -> None:
    store.objects["/api/v1/pods/dns"] = pod("dns", "worker2")
    store.objects["/api/v1/pods/left"] = pod("left", "worker1", namespace="tfscale", labels=RUN)
    store.objects["/api/v1/namespaces/tfscale/resourcequotas/q"] = quota("q", {"pods": "9"}, {"pods": "2"})
    before = dict(store.objects)
    result = look()
    assert [(one["name"], one["requested"]["cpu"], one["free"]["cpu"]) for one in result["nodes"]] == [
        ("worker1", 0.0, 2.0),
        ("worker2", 1.0, 1.0),
    ]
    assert {value for one in result["nodes"] for value in one["preemptible"].values()} == {0.0}
    # One of the two that the quota counts is left of a run.
    assert result["quotas"] == [{"name": "q", "hard": {"pods": 9.0}, "left": {"pods": 8.0}}]
    assert (result["workers"], result["limit"], result["changed"]) == (4, "cpu on node worker2", False)
    assert result["msg"] == "4 workers fit now beside 1 ps on 2 nodes, evenly; the limit is cpu on node worker2."
    assert "warnings" not in result
    assert store.objects == before


@pytest.mark.parametrize(
    ("given", "workers", "limit"),
    [
        ({}, 7, "cpu on nodes worker1, worker2"),
        ({"spread": ""}, 7, "cpu on nodes worker1, worker2"),
        ({"ps": 0}, 8, "cpu on nodes worker1, worker2"),
        ({"ps": "0", "nodes": "1"}, 4, "cpu on node worker1"),
        ({"nodes": 1}, 3, "cpu on node worker1"),
        ({"node_selector": {"zone": 2}}, 3, "cpu on node worker2"),
        ({"resources": {}, "ps": 0}, 220, "pods on nodes worker1, worker2"),
        ({"resources": {"worker": {"memory": "3Gi"}}}, 2, "memory on nodes worker1, worker2"),
        ({"resources": {"worker": {"nvidia.com/gpu": 1}}}, 0, "nvidia.com/gpu on nodes worker1, worker2"),
        # What the ps ask for is nowhere.
        ({"resources": {"ps": {"cpu": 3}}}, 0, "cpu on nodes worker1, worker2"),
    ],
)
def test_execute_of_empty_nodes(store: Store, given: Any, workers: int, limit: str) -> None:
    result = look(**given)
    assert (result["workers"], result["limit"]) == (workers, limit)


def test_execute_where_nothing_fits_says_so(store: Store) -> None:
    result = look(resources={"worker": {"cpu": 3}}, ps=2)
    assert (
        result["msg"]
        == "No worker fits now beside 2 ps on 2 nodes, evenly; the limit is cpu on nodes worker1, worker2."
    )


@pytest.mark.parametrize(
    ("hard", "workers", "limit"),
    [
        ({"pods": "4"}, 3, "quota q (pods 5, of 4 are 0 in use)"),
        ({"requests.cpu": "1200m", "pods": "4"}, 2, "quota q (requests.cpu 1.6, of 1.2 are 0 in use)"),
        ({"pods": "1"}, 0, "quota q (pods 2, of 1 are 0 in use)"),
        ({"pods": "0"}, 0, "quota q (pods 1, of 0 are 0 in use)"),
        ({"pods": "99", "services": "0"}, 7, "cpu on nodes worker1, worker2"),
    ],
)
def test_execute_of_a_quota(store: Store, hard: dict[str, str], workers: int, limit: str) -> None:
    store.objects["/api/v1/namespaces/tfscale/resourcequotas/q"] = quota("q", hard)
    result = look()
    assert (result["workers"], result["limit"]) == (workers, limit)


def competitor(priority: int, name: str = "other", **spec: Any) -> dict[str, Any]:
    made = pod(name, "worker1", cpu="1500m", namespace="others")
    made["spec"] |= {"priority": priority, **spec}
    return made


def priority_class(value: int, **more: str) -> dict[str, Any]:
    return {"metadata": {"name": "high"}, "value": value, **more}


CLASS = "/apis/scheduling.k8s.io/v1/priorityclasses/high"


@pytest.mark.parametrize(
    ("preemptible", "theirs", "ours", "workers"),
    [
        (False, 0, priority_class(1000), 2),
        (True, 0, priority_class(1000), 7),
        (True, -5, priority_class(0), 7),
        # Only a lower priority gives way.
        (True, 1000, priority_class(1000), 2),
        (True, 2000, priority_class(1000), 2),
        (True, 0, priority_class(1000, preemptionPolicy="Never"), 2),
        (True, 0, priority_class(1000, preemptionPolicy="PreemptLowerPriority"), 7),
    ],
)
def test_execute_counts_who_gives_way(store: Store, preemptible: bool, theirs: int, ours: Any, workers: int) -> None:
    store.objects["/api/v1/pods/other"] = competitor(theirs)
    store.objects[CLASS] = ours
    result = look(priority_class="high", preemptible=preemptible)
    assert result["workers"] == workers
    [first, _second] = result["nodes"]
    assert first["requested"]["cpu"] == 1.5
    assert (first["free"]["cpu"], first["preemptible"]["cpu"]) == ((2.0, 1.5) if workers == 7 else (0.5, 0.0))
    assert ("if pods of a lower priority give way" in result["msg"]) is (workers == 7)


def test_execute_of_a_pod_without_a_priority_counts_it_as_0(store: Store) -> None:
    store.objects["/api/v1/pods/other"] = pod("other", "worker1", cpu="1500m")
    store.objects[CLASS] = priority_class(1)
    assert look(priority_class="high", preemptible=True)["workers"] == 7


def test_execute_of_who_may_not_see_classes_looks_at_a_pod_of_it(store: Store) -> None:
    store.refuse("GET", CLASS, 403)
    store.objects["/api/v1/pods/other"] = competitor(0)
    ours = competitor(1000, "ours", priorityClassName="high", nodeName="worker9")
    store.objects["/api/v1/pods/ours"] = ours
    assert look(priority_class="high", preemptible=True)["workers"] == 7
    ours["spec"]["preemptionPolicy"] = "Never"
    assert look(priority_class="high", preemptible=True)["workers"] == 2


@pytest.mark.parametrize(
    ("given", "refused", "sentence"),
    [
        ({"namespace": "a b"}, (), "cluster_namespace is 'a b': give a name of at most 63"),
        ({"ps": -1}, (), "ps is -1: give a whole number from 0."),
        ({"nodes": "all"}, (), "nodes is 'all': give a whole number from 0."),
        ({"resources": {"chief": {}}}, (), "resources has 'chief': give ps and worker."),
        (
            {"preemptible": True},
            (),
            "training_preemptible is true, but training_priority_class names no priority class",
        ),
        (
            {"preemptible": True, "priority_class": "high"},
            (),
            "training_priority_class is 'high', which the cluster does not have: create it, or give another.",
        ),
        (
            {"preemptible": True, "priority_class": "high"},
            ("GET", CLASS, 403),
            "the priority of class high is not known: give this user the right to get priorityclasses, or give",
        ),
        ({"preemptible": True, "priority_class": "high"}, ("GET", CLASS, 503), "refused GET"),
        ({}, ("LIST", "/api/v1/nodes", 403), "the free capacity is unknown, because this user may not list nodes"),
        (
            {"nodes": 3},
            (),
            "nodes is 3, but the cluster has 2 nodes that can carry runs (worker1, worker2): give fewer, or",
        ),
        ({"node_selector": {"zone": 9}}, (), "the cluster has 0 nodes that can carry runs (none): add some."),
    ],
)
def test_execute_of_what_cannot_be_told_gets_a_sentence(store: Store, given: Any, refused: Any, sentence: str) -> None:
    if refused:
        store.refuse(*refused)
    with pytest.raises(StepError) as caught:
        look(**given)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_execute_of_too_few_nodes_says_why(store: Store) -> None:
    store.objects["/api/v1/nodes/worker2"] = node("worker2", unschedulable=True)
    with pytest.raises(StepError, match=r"has 1 node that can carry runs \(worker1\); worker2 is cordoned: give fewer"):
        look(nodes=2)


def test_execute_of_who_sees_no_other_namespace_warns(store: Store) -> None:
    store.refuse("LIST", "/api/v1/pods", 403)
    told = "What pods of other namespaces hold was not counted: this user may not list pods of all namespaces."
    assert look()["warnings"] == [told]
