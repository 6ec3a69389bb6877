# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left for runs, seen with more or fewer rights."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import free_capacity
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import ApiError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.free_capacity import Seen

from tests.fixtures.node_objects import RUN, node, pod, quota
from tests.fixtures.objects import Store

NODES = [node("worker1"), node("worker2")]


def seen(*pods: Any, limits: Any = ()) -> Seen:
    return Seen("tfscale", NODES, pods, True, limits)


def test_free_on_nodes_is_what_pods_of_others_leave() -> None:
    there = seen(
        pod("dns", "worker1"),
        pod("other", "worker1", cpu="250m", namespace="tfscale"),
        # Left of a run: removed before the next one.
        pod("tf-x-0", "worker1", namespace="tfscale", labels=RUN),
        # Another study's, in another namespace: nobody here removes it.
        pod("tf-y-0", "worker2", namespace="others", labels=RUN),
        pod("pending", "", cpu="50"),
    )
    left = there.free_on(NODES)
    assert list(left) == ["worker1", "worker2"]
    assert {name: (one["cpu"], one["pods"]) for name, one in left.items()} == {
        "worker1": (0.75, 108.0),
        "worker2": (1.0, 109.0),
    }


def test_quotas_do_not_count_what_is_left_of_runs() -> None:
    used = {"pods": "3", "requests.cpu": "3", "services": "7"}
    there = seen(
        pod("tf-x-0", "worker1", namespace="tfscale", labels=RUN),
        pod("other", "worker1", namespace="tfscale"),
        limits=[quota("small", {"pods": "4", "requests.cpu": "3500m"}, used)],
    )
    [found] = there.quotas()
    assert (found.name, found.hard) == ("small", {"pods": 4.0, "requests.cpu": 3.5})
    assert found.used == {"pods": 2.0, "requests.cpu": 2.0, "services": 7.0}


@pytest.mark.parametrize("scope", [{"scopes": ["BestEffort"]}, {"scopeSelector": {"matchExpressions": []}}])
def test_quotas_of_some_pods_only_are_left_out(scope: Any) -> None:
    assert seen(limits=[quota("some", {"pods": "0"}, **scope)]).quotas() == []


def test_quotas_without_a_status_are_unused() -> None:
    fresh = {"metadata": {"name": "new"}, "spec": {"hard": {"pods": "4"}}}
    assert [one.used for one in seen(limits=[fresh]).quotas()] == [{}]


@pytest.fixture
def store() -> Store:
    there = Store()
    for one in NODES:
        there.objects[f"/api/v1/nodes/{one['metadata']['name']}"] = one
    there.objects["/api/v1/pods/dns"] = pod("dns", "worker1")
    there.objects["/api/v1/namespaces/tfscale/pods/own"] = pod("own", "worker1", namespace="tfscale")
    there.objects["/api/v1/namespaces/tfscale/resourcequotas/small"] = quota("small", {"pods": "4"})
    return there


def test_look_sees_all(store: Store) -> None:
    found = free_capacity.look(store, "tfscale")
    pods = [pod("dns", "worker1"), pod("own", "worker1", namespace="tfscale")]
    assert found == Seen("tfscale", NODES, pods, True, [quota("small", {"pods": "4"})])
    assert store.requests == 3


def test_look_of_a_user_of_one_namespace(store: Store) -> None:
    for path in ("/api/v1/nodes", "/api/v1/pods", "/api/v1/namespaces/tfscale/resourcequotas"):
        store.refuse("LIST", path, 403)
    found = free_capacity.look(store, "tfscale")
    assert found == Seen("tfscale", None, [pod("own", "worker1", namespace="tfscale")], False, [])


@pytest.mark.parametrize("path", ["/api/v1/nodes", "/api/v1/pods", "/api/v1/namespaces/tfscale/resourcequotas"])
def test_look_at_a_server_that_is_away_fails(store: Store, path: str) -> None:
    store.refuse("LIST", path, 503)
    with pytest.raises(ApiError, match="503"):
        free_capacity.look(store, "tfscale")
