# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues that admit nothing, and cells that none would admit (the documents' shapes: tests/fixtures/kueue.py)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import capacity, queues
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import ApiError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.capacity import Cell
from ansible_collections.tfscale.study.plugins.module_utils._study.design import workloads

from tests.fixtures import kueue
from tests.fixtures.objects import Store

BEHIND = f"{kueue.API}/clusterqueues"


@pytest.fixture
def store() -> Store:
    there = Store()
    there.apis[kueue.API] = {"localqueues", "clusterqueues", "workloads"}
    there.objects[f"{kueue.QUEUES}/team"] = kueue.local_queue("team")
    there.objects[f"{BEHIND}/team-cq"] = kueue.cluster_queue({"cpu": "4"})
    return there


def refused(store: Store, name: str = "team") -> str:
    with pytest.raises(InputError) as caught:
        queues.check_queue(store, "tfscale", name)
    return str(caught.value)


def test_check_api_of_a_cluster_without_kueue() -> None:
    with pytest.raises(InputError, match=r"training_queue is 'team'.*LocalQueue.*Kueue 0\.15"):
        queues.check_api(Store(), "team")


def test_check_api_of_a_cluster_with_it(store: Store) -> None:
    queues.check_api(store, "team")


def test_check_queue_gives_what_is_behind_it(store: Store) -> None:
    found = queues.check_queue(store, "tfscale", "team")
    assert found is not None
    assert found["metadata"]["name"] == "team-cq"


@pytest.mark.parametrize(("there", "told"), [(["a", "b"], "give a or b"), ([], "create this LocalQueue")])
def test_check_queue_names_those_that_are_there(store: Store, there: list[str], told: str) -> None:
    del store.objects[f"{kueue.QUEUES}/team"]
    store.objects |= {f"{kueue.QUEUES}/{name}": kueue.local_queue(name) for name in there}
    msg = refused(store)
    assert "training_queue is 'team', which namespace tfscale does not have" in msg
    assert told in msg


@pytest.mark.parametrize("policy", ["Hold", "HoldAndDrain"])
def test_check_queue_of_one_that_is_stopped(store: Store, policy: str) -> None:
    store.objects[f"{kueue.QUEUES}/team"] = kueue.local_queue("team", stop=policy)
    assert f"LocalQueue team is stopped (stopPolicy {policy})" in refused(store)
    store.objects[f"{kueue.QUEUES}/team"] = kueue.local_queue("team", stop="None", active="its ClusterQueue is stopped")
    store.objects[f"{BEHIND}/team-cq"] = kueue.cluster_queue({"cpu": "4"}, stop=policy)
    assert f"ClusterQueue team-cq is stopped (stopPolicy {policy})" in refused(store)


def test_check_queue_of_one_that_is_not_active(store: Store) -> None:
    store.objects[f"{BEHIND}/team-cq"] = kueue.cluster_queue({"cpu": "4"}, active="Can't admit: flavor x is missing.")
    assert "ClusterQueue team-cq is not active: Can't admit: flavor x is missing;" in refused(store)
    del store.objects[f"{BEHIND}/team-cq"]
    assert "whose ClusterQueue team-cq does not exist" in refused(store)


def test_check_queue_of_a_user_who_may_not_see_what_is_behind_it(store: Store) -> None:
    store.refuse("GET", f"{BEHIND}/team-cq", 403)
    assert queues.check_queue(store, "tfscale", "team") is None
    store.objects[f"{kueue.QUEUES}/team"] = kueue.local_queue(
        "team", active="Can't submit new workloads to clusterQueue"
    )
    assert "LocalQueue team is not active: Can't submit new workloads" in refused(store)


def test_check_queue_passes_on_what_the_server_refuses(store: Store) -> None:
    store.refuse("GET", f"{kueue.QUEUES}/team", 403)
    with pytest.raises(ApiError):
        queues.check_queue(store, "tfscale", "team")


RESOURCES = {
    "ps": {"cpu": "500m", "memory": "1Gi"},
    "worker": {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": 1}},
}
# 1 ps and 3 workers: 3.5 cpu, 1 GiB, 3 GPUs, 4 pods.
CELL = Cell("ps=1 workers=3", 1, 1, 3)


def check_quota(*flavors: dict[str, Any], cohort: str = "") -> None:
    queues.check_quota("team", kueue.cluster_queue(*flavors, cohort=cohort), [(CELL, capacity.replicas_of(RESOURCES))])


@pytest.mark.parametrize(
    ("flavors", "cohort"),
    [
        ([], ""),
        ([{"cpu": "3500m", "memory": "1Gi", "nvidia.com/gpu": "3", "pods": "4"}], ""),
        # The groups may take different flavors.
        ([{"cpu": "500m"}, {"cpu": "3"}], ""),
        ([{"cpu": "0"}], "all"),
        ([{"cpu": ("1", "2500m")}], "all"),
    ],
)
def test_check_quota_of_what_can_be_admitted(flavors: Any, cohort: str) -> None:
    check_quota(*flavors, cohort=cohort)


@pytest.mark.parametrize(
    ("flavors", "cohort", "told"),
    [
        ([{"cpu": "3"}], "", ("3.5 cpu", "quota of 3;")),
        ([{"memory": "512Mi"}], "", ("1 GiB memory", "0.5 GiB")),
        ([{"nvidia.com/gpu": "2"}], "", ("3 nvidia.com/gpu", "quota of 2;")),
        ([{"pods": "3"}], "", ("4 pods", "quota of 3;")),
        # All workers take one flavor.
        ([{"cpu": "2"}, {"cpu": "2"}], "", ("3 cpu", "quota of 2;")),
        ([{"cpu": ("1", "2")}], "all", ("3.5 cpu", "quota of 3;")),
        # Without a cohort nothing can be borrowed.
        ([{"cpu": ("1", "9")}], "", ("3 cpu", "quota of 1;")),
    ],
)
def test_check_quota_names_the_resource_the_need_and_the_quota(
    flavors: Any, cohort: str, told: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        check_quota(*flavors, cohort=cohort)
    assert all(part in str(caught.value) for part in ("ps=1 workers=3", "'team'", "team-cq", *told))


def test_check_gang_refuses_two_objects_for_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dataclasses.replace(workloads.workload("job"), name="whole", is_whole=True)
    monkeypatch.setattr(workloads, "WORKLOADS", (*workloads.WORKLOADS, whole))
    queues.check_gang([("ps=0", {"ps": 0}), ("ps=1", {"ps": 1, "backend": "whole"})], "job")
    with pytest.raises(InputError, match=r"training_gang is true, but 'job' .*\(ps=1\): give training_backend .*whole"):
        queues.check_gang([("ps=1", {"ps": 1})], "job")
