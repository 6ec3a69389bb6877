# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes can carry a run, in which order, and why the others cannot."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.nodes import (
    candidates,
    name_of,
    obstacle,
    obstacles,
    summary,
    told,
)

from tests.fixtures.nodes import node


def names(nodes: list[Any]) -> list[str]:
    return [name_of(one) for one in nodes]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (node("a"), ""),
        (node("a", ready="False"), "not Ready: Kubelet stopped posting."),
        (node("a", ready="Unknown"), "not Ready: Kubelet stopped posting."),
        (node("a", cordoned=True), "cordoned"),
        (node("a", taint="gpu:NoSchedule"), "tainted gpu:NoSchedule"),
        (node("a", taint="gpu:NoExecute"), "tainted gpu:NoExecute"),
        (node("a", taint="gpu:PreferNoSchedule"), ""),
        (
            {"status": {"conditions": [{"type": "Ready", "message": "\x1b[2Jno\r\nroom\u202e"}]}},
            "not Ready: no room",
        ),
        ({"metadata": {"name": "a"}, "spec": {}}, "not Ready: the kubelet has not reported yet"),
    ],
)
def test_obstacle_names_why(one: Any, why: str) -> None:
    assert obstacle(one) == why


def test_obstacle_without_taints_leaves_them_to_the_pods() -> None:
    assert obstacle(node("a", taint="gpu:NoSchedule"), taints=False) == ""


@pytest.mark.parametrize(
    ("nodes", "selector", "found"),
    [
        ([node("w2"), node("w10"), node("w1")], {}, ["w1", "w2", "w10"]),
        ([node("cp", control_plane=True), node("w")], {}, ["w"]),
        ([node("cp", control_plane=True), node("w", ready="False")], {}, []),
        ([node("w", cordoned=True), node("v", taint="x:NoSchedule")], {}, []),
        ([node("a", labels={"pool": "x"}), node("b", labels={"pool": "y"}), node("c")], {"pool": "y"}, ["b"]),
        ([node("a", labels={"pool": "x"}, taint="gpu:NoSchedule")], {"pool": "x"}, ["a"]),
        ([node("a")], {"pool": "x"}, []),
        ([], {}, []),
    ],
)
def test_candidates(nodes: list[Any], selector: dict[str, str], found: list[str]) -> None:
    assert names(candidates(nodes, selector)) == found


def test_candidates_of_a_cluster_that_is_only_a_control_plane() -> None:
    alone = node("cp", control_plane=True)
    alone["spec"]["taints"] = []
    assert names(candidates([alone], {})) == ["cp"]


def test_obstacles_lists_only_those_that_have_one() -> None:
    nodes = [node("a"), node("b", cordoned=True), node("c", ready="False"), node("cp", control_plane=True)]
    assert obstacles(nodes, {}) == "b is cordoned; c is not Ready: Kubelet stopped posting."


def test_summary_in_processors_and_bytes() -> None:
    assert summary(node("a", cpu="500m", memory="2Gi")) == {
        "name": "a",
        "machine_type": None,
        "boot_id": None,
        "cpus": 0.5,
        "memory_bytes": 2**31,
    }
    assert summary({"metadata": {"name": "a"}}) == {
        "name": "a",
        "machine_type": None,
        "boot_id": None,
        "cpus": None,
        "memory_bytes": None,
    }


def test_summary_tells_the_boot_of_the_machine() -> None:
    """The same for all nodes of a Kind cluster (tests/e2e)."""
    there = node("a")
    there["status"]["nodeInfo"] = {"bootID": "1b0c-7e"}
    assert summary(there)["boot_id"] == "1b0c-7e"


def test_told_for_a_sentence() -> None:
    known, unknown = summary(node("a", cpu="500m")), summary({"metadata": {"name": "b"}})
    assert told([known, unknown]) == "a (0.5 CPU, 2 GiB), b"
    assert told([]) == "none"
