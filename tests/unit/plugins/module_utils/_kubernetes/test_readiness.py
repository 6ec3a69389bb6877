# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a new cluster is ready, and what is said of one that is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import ApiError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.nodes import NODES, name_of
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.readiness import DNS, lacking, wait_until_ready

from tests.fixtures.nodes import Cluster, node


def dns(status: str) -> dict[str, Any]:
    return {"metadata": {"name": "coredns"}, "status": {"conditions": [{"type": "Available", "status": status}]}}


def wait(api: Cluster, *names: str, happens: Callable[[float], None] = lambda _now: None) -> tuple[list[Any], float]:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        happens(now[0])

    nodes = wait_until_ready(api, names, seconds=10, clock=lambda: now[0], sleep=sleep)
    return nodes, now[0]


def test_wait_until_ready_returns_the_nodes_at_once() -> None:
    api = Cluster(node("cp", control_plane=True), node("w"), node("other"))
    api.objects[DNS] = dns("True")
    nodes, now = wait(api, "cp", "w")
    assert ([name_of(one) for one in nodes], now) == (["cp", "w"], 0)


def test_wait_until_ready_waits_for_nodes_names_and_the_server() -> None:
    api = Cluster(node("cp"), node("w", ready="False"))
    api.refused["LIST", NODES] = ApiError("cluster does not answer")

    def happens(now: float) -> None:
        if now == 1:
            api.refused.clear()
        if now == 2:
            api.objects[f"{NODES}/w"] = node("w")
        if now == 3:
            api.objects[DNS] = dns("False")
        if now == 4:
            api.objects[DNS] = dns("True")

    assert wait(api, "cp", "w", happens=happens)[1] == 4


@pytest.mark.parametrize(
    ("api", "sentence"),
    [
        (Cluster(node("w", ready="False")), "node cp is not there; node w is not Ready: Kubelet stopped posting."),
        (Cluster(node("w"), node("cp")), "coredns does not resolve names yet"),
    ],
)
def test_wait_until_ready_gives_up_and_says_what_is_missing(api: Cluster, sentence: str) -> None:
    with pytest.raises(BackendError) as caught:
        wait(api, "w", "cp")
    assert str(caught.value) == f"the cluster was not ready after 10 s: {sentence}"


def test_wait_until_ready_waits_for_a_server_that_knows_no_rights_yet() -> None:
    api = Cluster(node("w"))
    api.objects[DNS] = dns("True")
    api.refuse("LIST", NODES, 403)
    assert wait(api, "w", happens=lambda now: api.refused.clear() if now >= 2 else None)[1] == 2
    api.refuse("LIST", NODES, 403)
    with pytest.raises(BackendError, match=r"the cluster was not ready after 10 s: .* \(403 "):
        wait(api, "w")


def test_lacking_does_not_mind_taints_of_the_control_plane() -> None:
    assert lacking([node("cp", control_plane=True)], ["cp"]) == ""
