# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects active nodes of a real cluster, as users with all rights and with few."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._steps import node_set, study_namespace

from tests.e2e.infra.cluster import Cluster
from tests.e2e.steps import execute, failure

LABEL = "tfscale.study/active"


@pytest.fixture
def auth(cluster: Cluster) -> Iterator[dict[str, Any]]:
    # A sweep leaves the nodes of its last cell active.
    cluster.kubectl("label", "nodes", "--all", f"{LABEL}-")
    try:
        yield {"kubeconfig": str(cluster.kubeconfig)}
    finally:
        cluster.kubectl("label", "nodes", "--all", f"{LABEL}-")
        cluster.kubectl("uncordon", *workers(cluster))


def workers(cluster: Cluster) -> list[str]:
    names = cluster.kubectl("get", "nodes", "--output=name").split()
    return sorted(name.removeprefix("node/") for name in names if "control-plane" not in name)


def active(cluster: Cluster) -> list[str]:
    found = cluster.kubectl("get", "nodes", f"--selector={LABEL}=true", "--output=name").split()
    return [name.removeprefix("node/") for name in found]


def test_node_set_selects_nodes_and_reads_them_back(cluster: Cluster, auth: dict[str, Any]) -> None:
    first, second = workers(cluster)
    assert execute(node_set, **auth, count=2, check_mode=True)["changed"] is True
    assert active(cluster) == []
    both = execute(node_set, **auth, count=2)
    assert (both["changed"], [one["name"] for one in both["nodes"]]) == (True, [first, second])
    assert all(one["cpus"] > 0 and one["memory_bytes"] > 2**28 for one in both["nodes"])
    assert active(cluster) == [first, second]
    began = time.monotonic()
    assert execute(node_set, **auth, count=2)["changed"] is False
    print(f"node_set, nothing to change: {time.monotonic() - began:.3f} s")
    began = time.monotonic()
    assert execute(node_set, **auth, count=1)["msg"] == f"1 node ({first}) is active."
    print(f"node_set, one node to change: {time.monotonic() - began:.3f} s")
    assert active(cluster) == [first]


def test_node_set_says_which_nodes_cannot_carry_a_run(cluster: Cluster, auth: dict[str, Any]) -> None:
    first, second = workers(cluster)
    cluster.kubectl("cordon", second)
    assert failure(node_set, **auth, count=2) == (
        f"2 nodes must carry the run, but the cluster has 1 that can ({first}); {second} is cordoned: give fewer in"
        " sweep_nodes, or add nodes."
    )
    assert execute(node_set, **auth, count=1)["candidates"] == [first]


@pytest.mark.full
def test_node_set_works_with_the_documented_rights(
    cluster: Cluster, auth: dict[str, Any], namespace: str, account: Callable[..., str]
) -> None:
    few: dict[str, Any] = {"kubeconfig": account()}
    assert execute(node_set, **few, count=2)["changed"] is True
    assert len(active(cluster)) == 2
    assert execute(node_set, **few, count=0)["changed"] is True


@pytest.mark.full
def test_node_set_without_rights_on_nodes_names_them(
    cluster: Cluster, auth: dict[str, Any], namespace: str, account: Callable[..., str]
) -> None:
    few: dict[str, Any] = {"kubeconfig": account(cluster_role=False)}
    user = f"system:serviceaccount:{namespace}:tfscale"
    assert failure(node_set, **few, count=1).startswith(f"user {user} may not list nodes: give that right (docs/")
    unknown = execute(node_set, **few, method="none")
    assert (unknown["nodes"], unknown["changed"]) == ([], False)
    # Namespaces are not shown either: ours is taken to be there, a missing one is somebody else's to make.
    assert execute(study_namespace, **few, name=namespace)["changed"] is False
    assert execute(study_namespace, **few, name=namespace, state="absent")["changed"] is False


@pytest.mark.full
def test_namespace_is_made_removed_and_refused_while_it_ends(
    cluster: Cluster, auth: dict[str, Any], namespace: str
) -> None:
    name = f"{namespace}-own"
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    assert execute(study_namespace, **auth, name=name, labels=restricted)["changed"] is True
    assert execute(study_namespace, **auth, name=name, labels=restricted)["changed"] is False
    # What is none of ours keeps it; as ours, a finalizer that nobody takes away keeps it in its end.
    cluster.kubectl("create", "configmap", "held", "--namespace", name)
    stays = execute(study_namespace, **auth, name=name, state="absent")
    assert (stays["changed"], "it contains configmaps/held, which is not ours" in stays["msg"]) == (False, True)
    cluster.kubectl("label", "configmap", "held", "--namespace", name, "app.kubernetes.io/managed-by=tfscale.study")
    hold = '{"metadata": {"finalizers": ["tfscale.test/hold"]}}'
    cluster.kubectl("patch", "configmap", "held", "--namespace", name, "--patch", hold)
    assert "did not go in time" in failure(study_namespace, **auth, name=name, state="absent", timeout=2)
    assert failure(study_namespace, **auth, name=name) == (
        f"namespace {name} is being deleted: wait until it is gone, or give another cluster_namespace."
    )
    release = '{"metadata": {"finalizers": null}}'
    cluster.kubectl("patch", "configmap", "held", "--namespace", name, "--patch", release)
    execute(study_namespace, **auth, name=name, state="absent")
    assert execute(study_namespace, **auth, name=namespace, state="absent")["msg"].endswith(
        "tfscale.study did not create it."
    )


@pytest.mark.full
@pytest.mark.parametrize(
    ("context", "server", "sentence"),
    [
        ("", "https://127.0.0.1:1", "cluster https://127.0.0.1:1 does not answer"),
        ("nowhere", "", "does not have: give one of kind-"),
    ],
)
def test_node_set_that_reaches_no_cluster_says_so(
    cluster: Cluster, tmp_path: Path, context: str, server: str, sentence: str
) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = server or config["clusters"][0]["cluster"]["server"]
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    assert sentence in failure(node_set, kubeconfig=str(tmp_path / "config"), context=context, count=1)
