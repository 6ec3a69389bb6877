# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign twins on a real server, which fills in what a manifest leaves out and refuses what may not change (docs/ownership.md)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ownership import places
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_cleanup, training_deploy
from ansible_collections.tfscale.study.plugins.module_utils._study.design.workloads import WORKLOADS

from tests.e2e.infra.cluster import Cluster
from tests.e2e.steps import execute, failure

LABELS = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/training": "mine"}
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
# No node has it, and nobody waits for these pods.
CONTAINER = {"name": "trainer", "image": "nowhere/none:1", "imagePullPolicy": "Never", "securityContext": RESTRICTED}
SECURITY = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}


def pods(kind: str) -> dict[str, Any]:
    labels = {**LABELS, "tfscale.study/replica": kind}
    spec = {"containers": [CONTAINER], "securityContext": SECURITY, "terminationGracePeriodSeconds": 1}
    spec |= {"restartPolicy": "Never"} if kind == "job" else {}
    return {"metadata": {"labels": labels}, "spec": spec}


def grouped(kind: str, **spec: Any) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": pods(kind)["metadata"]["labels"]},
        "template": pods(kind),
        "replicas": 1,
        **spec,
    }


SPECS: dict[str, dict[str, Any]] = {
    "ConfigMap": {"data": {"a": "b"}, "immutable": True},
    "Service": {"spec": {"clusterIP": "None", "selector": LABELS, "ports": [{"name": "grpc", "port": 2222}]}},
    "PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "NetworkPolicy": {"spec": {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Ingress"], "ingress": []}},
    "Deployment": {"spec": grouped("tensorboard")},
    "StatefulSet": {"spec": grouped("worker", serviceName="mine")},
    "Job": {"spec": {"completionMode": "Indexed", "completions": 1, "parallelism": 1, "template": pods("job")}},
}


# Those of extensions have their twins in test_carriers.py.
OF_EXTENSIONS = {kind.kind for one in WORKLOADS if one.install for kind in (one, *one.others)}
KINDS = [kind for kind in places() if kind not in OF_EXTENSIONS]


def manifest(kind: str) -> dict[str, Any]:
    version = places()[kind][0].removeprefix("/apis/").removeprefix("/api/")
    name = "mine-worker" if kind == "StatefulSet" else "mine"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": LABELS}, **SPECS[kind]}


@pytest.mark.full
def test_objects_of_others_are_neither_patched_nor_removed(cluster: Cluster, namespace: str) -> None:
    auth: dict[str, Any] = {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace}
    whole = [manifest(kind) for kind in KINDS]
    assert set(SPECS) == set(KINDS)
    assert execute(training_deploy, **auth, definition=whole, check_mode=True)["changed"] is True
    made = execute(training_deploy, **auth, definition=whole)
    assert len(made["made"]) == len(KINDS)
    for check_mode in (True, False):
        again = execute(training_deploy, **auth, definition=whole, check_mode=check_mode)
        assert (again["changed"], again["made"]) == (False, [])

    def seen(kind: str) -> tuple[str, str]:
        words = ("get", kind, manifest(kind)["metadata"]["name"], "--namespace", namespace, "--output=json")
        document = json.loads(cluster.kubectl(*words))
        return document["metadata"]["uid"], json.dumps(document.get("spec") or document.get("data"))

    for kind in KINDS:
        name = manifest(kind)["metadata"]["name"]
        cluster.kubectl("label", kind, name, "--namespace", namespace, "app.kubernetes.io/managed-by-")
        before = {each: seen(each) for each in KINDS}
        for check_mode in (True, False):
            told = failure(training_deploy, **auth, definition=whole, check_mode=check_mode)
            assert told.startswith(f"{kind} {namespace}/{name} is there and is not ours")
        assert {each: seen(each) for each in KINDS} == before
        cluster.kubectl("label", kind, name, "--namespace", namespace, "app.kubernetes.io/managed-by=tfscale.study")

    service = {**manifest("Service"), "spec": {**SPECS["Service"]["spec"], "ports": [{"name": "grpc", "port": 2223}]}}
    assert execute(training_deploy, **auth, definition=[service])["diff"]["after"]["changed"] == ["Service mine"]

    theirs = ("NetworkPolicy", "PersistentVolumeClaim", "Service")
    for kind in theirs:
        cluster.kubectl("label", kind, "mine", "--namespace", namespace, "app.kubernetes.io/managed-by-")
    kept = {kind: seen(kind) for kind in theirs}
    removed = execute(training_cleanup, **auth, training="mine", volume_claims=True)["removed"]
    assert {one for one in removed if not one.startswith("pods/")} == {
        "configmaps/mine",
        "deployments/mine",
        "statefulsets/mine-worker",
        "jobs/mine",
    }
    assert {kind: seen(kind) for kind in kept} == kept


@pytest.mark.full
def test_what_another_controller_holds_is_named_and_stays(cluster: Cluster, namespace: str) -> None:
    auth: dict[str, Any] = {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace}
    labels = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/study": "mnist"}
    job = {**manifest("Job"), "metadata": {"name": "tf-x", "labels": labels}}
    execute(training_deploy, **auth, definition=[job])
    api = kubernetes_api.connect({"kubeconfig": str(cluster.kubeconfig)})
    theirs = LeaseLock(api, namespace, "mnist", 7, host="far", space="x-1", started=lambda _pid: 1)
    theirs.acquire()
    for study in ({}, {"study": "mnist"}):
        told = failure(training_cleanup, **auth, **study)
        assert f"study mnist in namespace {namespace} is held by process 7 on host far since 2" in told
    assert "job.batch/tf-x" in cluster.kubectl("get", "jobs", "--namespace", namespace, "--output=name")
    theirs.release()
    assert execute(training_cleanup, **auth)["changed"] is True
