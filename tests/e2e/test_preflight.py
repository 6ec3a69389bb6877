# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real cluster would refuse is said before the first run, and what it would take is not refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import Api, connect
from ansible_collections.tfscale.study.plugins.module_utils._steps import cluster_preflight_info, study_lock

from tests.e2e.accounts import kubeconfig_with
from tests.e2e.infra.cluster import Cluster
from tests.e2e.infra.controlplane import ControlPlane
from tests.fixtures.manifests import manifests

DEFAULTS = {name: option.get("default") for name, option in cluster_preflight_info.ARGUMENT_SPEC.items()}
RESOURCES = {"ps": {"cpu": "100m", "memory": "64Mi"}, "worker": {"cpu": "100m", "memory": "64Mi"}}
# What a busy machine needs until its controllers have done something.
PATIENCE = 120.0

Look = Callable[..., dict[str, Any]]


def eventually(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found
    return found


def apply(cluster: Cluster, namespace: str, *documents: dict[str, Any]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
    cluster.kubectl("--namespace", namespace, "apply", "--filename=-", text=json.dumps(listed))


@pytest.fixture
def look(cluster: Cluster, namespace: str) -> Look:
    def execute(*cells: dict[str, Any], **given: Any) -> dict[str, Any]:
        where = {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace}
        params = {**DEFAULTS, **where, "cells": list(cells), "resources": RESOURCES, **given}
        return cluster_preflight_info.execute(params, Context())

    return execute


def test_a_study_that_can_run_is_let_through(look: Look) -> None:
    result = look({"nodes": 2, "ps": 1, "workers": 2}, {"nodes": 1, "ps": 1, "workers": 1})
    assert len(result["nodes"]) == 2
    assert all(0 < one["free"]["cpu"] <= one["allocatable"]["cpu"] for one in result["nodes"])
    assert "is ready" in result["msg"]
    assert "warnings" not in result


def test_the_documented_account_may_run_studies(look: Look, account: Callable[..., str]) -> None:
    access = account()
    result = eventually(lambda: passes(look, kubeconfig=access, ledger="cluster"))
    assert "warnings" not in result


def passes(look: Look, **given: Any) -> dict[str, Any] | None:
    """Roles take effect a little after they were made."""
    try:
        return look({"nodes": 1, "ps": 1, "workers": 1}, **given)
    except StepError:
        return None


def test_the_documented_account_without_its_cluster_role_leaves_nodes_alone(
    look: Look, account: Callable[..., str]
) -> None:
    access = account(cluster_role=False)
    result = eventually(lambda: passes(look, kubeconfig=access, nodes_method="none"))
    assert result["warnings"] == ["It was not checked whether every cell fits: this user may not list nodes."]
    with pytest.raises(
        StepError, match=r"user system:serviceaccount:\S+:tfscale may not get, list, patch nodes in the"
    ):
        look(kubeconfig=access)


def test_all_missing_rights_are_named(look: Look, account: Callable[..., str], namespace: str) -> None:
    access = account("create jobs", "get pods/log", "patch nodes")
    given = [{"verb": "list", "resource": resource} for resource in ("pods", "nodes")]
    eventually(lambda: passes(look, kubeconfig=access, needs=given))
    with pytest.raises(StepError) as caught:
        look(kubeconfig=access)
    told = str(caught.value)
    assert f"may not get pods/log; create jobs.batch in namespace {namespace}" in told
    assert "and not patch nodes in the cluster: give these rights" in told


@pytest.mark.full
def test_a_right_that_a_step_lacks_is_named(
    cluster: Cluster, look: Look, account: Callable[..., str], namespace: str, tmp_path: Path
) -> None:
    access = account("create leases")
    eventually(lambda: passes(look, kubeconfig=access))
    params = {name: option.get("default") for name, option in study_lock.ARGUMENT_SPEC.items()}
    params |= {"ledger": "cluster", "namespace": namespace, "kubeconfig": access, "owner_pid": 1}
    with pytest.raises(StepError, match=rf"user \S+ may not create leases in namespace {namespace}: give that right"):
        study_lock.execute({**params, "study_dir": str(tmp_path / "mnist")}, Context(say=print))


@pytest.mark.parametrize("token", ["expired", "eyJhbGciOiJub25lIn0.e30."])
def test_credentials_that_are_not_accepted(cluster: Cluster, look: Look, tmp_path: Path, token: str) -> None:
    with pytest.raises(StepError, match=r"cluster https://\S+ does not accept our credentials \(401\): renew them"):
        look(kubeconfig=kubeconfig_with(cluster.kubeconfig, tmp_path, token))


@pytest.mark.full
def test_a_server_that_is_not_there(look: Look) -> None:
    with pytest.raises(StepError, match=r"cluster https://127.0.0.1:9 does not answer: .*; check that it runs"):
        look(host="https://127.0.0.1:9", validate_certs=False)


def test_a_namespace_that_is_not_there(look: Look, account: Callable[..., str]) -> None:
    assert look(namespace="e2e-none")["msg"].startswith("Namespace e2e-none can be created")
    access = account(cluster_role=False)
    # Without the right to look at namespaces nothing is said of them, but the rights are missing there.
    with pytest.raises(StepError, match=r"user \S+ may not get, list, watch, delete, deletecollection pods; "):
        look(namespace="e2e-none", kubeconfig=access, nodes_method="none")


@pytest.mark.full
def test_a_namespace_that_is_being_deleted(cluster: Cluster, look: Look, namespace: str) -> None:
    kept = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "finalizers": ["e2e.test/keep"]}}
    going = f"{namespace}-going"
    cluster.kubectl("create", "namespace", going)
    apply(cluster, going, kept)
    cluster.kubectl("delete", "namespace", going, "--wait=false")
    try:
        with pytest.raises(
            StepError, match=f"namespace {going} is being deleted: wait until it is gone, or give another"
        ):
            look(namespace=going)
    finally:
        free = json.dumps({"metadata": {"finalizers": None}})
        cluster.kubectl("--namespace", going, "patch", "configmap", "kept", "--type=merge", f"--patch={free}")
        cluster.kubectl("wait", "namespace", going, "--for=delete", f"--timeout={PATIENCE}s", timeout=PATIENCE + 60)


def test_a_quota_that_is_too_small(cluster: Cluster, look: Look, namespace: str) -> None:
    hard = {"pods": "3", "requests.cpu": "1"}
    apply(
        cluster,
        namespace,
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}},
    )
    look({"nodes": 1, "ps": 1, "workers": 2})
    with pytest.raises(StepError) as caught:
        look({"nodes": 1, "ps": 1, "workers": 3, "label": "workers=3"})
    assert str(caught.value) == (
        f"cell workers=3 asks for more than quota q of namespace {namespace} leaves: pods 4, of 3 are 0 in use; have it"
        " raised, or give fewer workers or smaller resources."
    )


def test_a_cell_that_never_fits(look: Look) -> None:
    free = min(one["free"]["cpu"] for one in look()["nodes"])
    fitting = {"worker": {"cpu": f"{free:.3f}"}}
    look({"nodes": 2, "ps": 0, "workers": 2}, resources=fitting)
    with pytest.raises(
        StepError, match=r"cell workers=3 can never fit: it puts 3 workers with \S+ cpu each, evenly on 2"
    ):
        look({"nodes": 2, "ps": 0, "workers": 3, "label": "workers=3"}, resources={"worker": {"cpu": str(free + 1)}})
    with pytest.raises(StepError, match=r"asks for 3 nodes, but the cluster has 2 that can carry runs \(\S+, \S+\)"):
        look({"nodes": 3, "ps": 1, "workers": 1})


@pytest.mark.full
def test_a_verdict_on_room_is_the_schedulers_own(controlplane: ControlPlane) -> None:
    """Pods as a run's are placed by a real scheduler: all of them where the preflight says so, and else not all."""
    access = {"kubeconfig": str(controlplane.kubeconfig), "namespace": "default"}
    api = connect(access, patience=PATIENCE)
    names = sorted(
        (node["metadata"]["name"] for node in api.list("/api/v1/nodes")[0]), key=lambda name: int(name.split("-")[1])
    )[:2]
    mark(api, names, "true")
    # 32 CPU a node: 3 of 10 fit, a fourth does not.
    for workers, fits in ((6, True), (7, False)):
        cells = [{"nodes": 2, "ps": 0, "workers": workers}]
        params = {**DEFAULTS, **access, "resources": {"worker": {"cpu": "10"}}, "cells": cells}
        if fits:
            cluster_preflight_info.execute(params, Context(say=print))
        else:
            with pytest.raises(StepError, match="can never fit"):
                cluster_preflight_info.execute(params, Context(say=print))
        assert (placed(api, workers) == workers) is fits
    mark(api, names, None)


@pytest.mark.full
@pytest.mark.parametrize(
    ("spread", "cpu", "nodes"), [("PodAffinity", "6", 1), ("PodAffinity", "12", 3), ("DoNotSchedule", "1", 3)]
)
def test_pods_are_where_their_spread_puts_them(controlplane: ControlPlane, spread: str, cpu: str, nodes: int) -> None:
    """A ps and four workers as role training deploys them, on three nodes of 32 processors."""
    api = connect({"kubeconfig": str(controlplane.kubeconfig)}, patience=PATIENCE)
    names = [f"node-{number}" for number in range(3)]
    mark(api, names, "true")
    resources = {"requests": {"cpu": cpu}}
    cell = {"spread": spread, "workers": 4}
    # The simulated nodes end the pods of Jobs at once, which then hold no room.
    documents = manifests("statefulset", cell, ps_resources=resources, worker_resources=resources)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tfscale"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [namespace, *documents]}
    controlplane.kubectl("apply", "--filename=-", text=json.dumps(listed))
    try:
        used = eventually(lambda: whole(api, "/api/v1/namespaces/tfscale/pods", 5))
        assert len(used) == nodes
    finally:
        controlplane.kubectl("delete", "namespace", "tfscale", "--timeout=110s")
        mark(api, names, None)


def whole(api: Api, path: str, count: int) -> set[str]:
    """The nodes of so many pods, once all have one."""
    found = [pod["spec"].get("nodeName") for pod in api.list(path)[0]]
    return set(found) if len(found) == count and all(found) else set()


def mark(api: Api, names: list[str], value: str | None) -> None:
    for name in names:
        api.patch(f"/api/v1/nodes/{name}", {"metadata": {"labels": {"tfscale.study/active": value}}})


def placed(api: Api, workers: int) -> int:
    """How many of so many pods the scheduler finds room for; none is left behind."""
    labels = {"e2e": f"room-{workers}"}
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    container = {"name": "x", "image": "x", "resources": {"requests": {"cpu": "10"}}}
    spec = {
        "nodeSelector": {"tfscale.study/active": "true"},
        "topologySpreadConstraints": [{**spread, "labelSelector": {"matchLabels": labels}}],
        "containers": [container],
    }
    path = "/api/v1/namespaces/default/pods"
    for number in range(workers):
        api.create(path, {"metadata": {"name": f"room-{workers}-{number}", "labels": labels}, "spec": spec})

    def judged() -> list[str] | None:
        pods = api.list(path, labelSelector=f"e2e={labels['e2e']}")[0]
        conditions = [one for pod in pods for one in pod["status"].get("conditions", ())]
        found = [one["status"] for one in conditions if one["type"] == "PodScheduled"]
        return found if len(found) == workers else None

    verdicts = eventually(judged)
    api.delete(path, {"gracePeriodSeconds": 0}, labelSelector=f"e2e={labels['e2e']}")
    eventually(lambda: not api.list(path, labelSelector=f"e2e={labels['e2e']}")[0])
    return int(verdicts.count("True"))
