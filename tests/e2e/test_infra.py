# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other tests stand on: real nodes, pods across them, names, volumes, and simulated nodes in number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.infra.cluster import Cluster
from tests.e2e.infra.controlplane import ControlPlane

READY = ("wait", "pod", "--all", "--for=condition=Ready", "--timeout=300s")


def restricted_pod(image: str, command: str, **more: Any) -> dict[str, Any]:
    """Specify a pod that the `restricted` standard admits."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", command],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        **more.pop("container", {}),
    }
    security = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"terminationGracePeriodSeconds": 1, "securityContext": security, "containers": [container], **more}


def named(kind: str, name: str, api: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **more}


def apply(cluster: Cluster, namespace: str, *documents: dict[str, Any]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
    cluster.kubectl("--namespace", namespace, "apply", "-f", "-", text=json.dumps(listed))


def items(cluster: Cluster | ControlPlane, *words: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(cluster.kubectl("get", *words, "--output=json"))["items"]
    return listed


def test_nodes_are_real_and_ready(cluster: Cluster) -> None:
    nodes = items(cluster, "nodes")
    assert len(nodes) == 3
    for node in nodes:
        conditions = {condition["type"]: condition["status"] for condition in node["status"]["conditions"]}
        assert conditions["Ready"] == "True"
        assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")


@pytest.mark.full
def test_pods_on_different_nodes_reach_each_other_by_name(cluster: Cluster, namespace: str, toolbox: str) -> None:
    ask = "until curl --silent --insecure --max-time 5 https://kubernetes.default/version; do sleep 1; done; sleep inf"
    template = {"metadata": {"labels": {"app": "each"}}, "spec": restricted_pod(toolbox, ask)}
    spec = {"selector": {"matchLabels": {"app": "each"}}, "template": template}
    apply(cluster, namespace, named("DaemonSet", "each", "apps/v1", spec=spec))
    cluster.kubectl("--namespace", namespace, "rollout", "status", "daemonset/each", "--timeout=300s", timeout=360)
    pods = items(cluster, "pods", "--namespace", namespace)
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2
    for pod in pods:
        version = ("exec", pod["metadata"]["name"], "--", "curl", "-sk", "--retry", "10", "--retry-connrefused")
        assert "gitVersion" in cluster.kubectl("--namespace", namespace, *version, "https://kubernetes.default/version")


@pytest.mark.full
def test_claim_is_bound_and_written(cluster: Cluster, namespace: str, toolbox: str) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    mounted = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    pod = restricted_pod(
        toolbox, "echo kept >/data/file && cat /data/file && sleep inf", container=mounted, volumes=[volume]
    )
    apply(cluster, namespace, named("PersistentVolumeClaim", "data", spec=claim), named("Pod", "writer", spec=pod))
    cluster.kubectl("--namespace", namespace, *READY, timeout=360)
    assert items(cluster, "persistentvolumeclaims", "--namespace", namespace)[0]["status"]["phase"] == "Bound"
    assert cluster.kubectl("--namespace", namespace, "exec", "writer", "--", "cat", "/data/file") == "kept\n"


@pytest.mark.full
def test_simulated_nodes_complete_a_job(controlplane: ControlPlane) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "none"}]}
    spec = {"completionMode": "Indexed", "completions": 200, "parallelism": 200, "template": {"spec": pod}}
    job = named("Job", "many", "batch/v1", spec=spec)
    controlplane.kubectl("create", "-f", "-", text=json.dumps(job))
    controlplane.kubectl("wait", "job/many", "--for=condition=Complete", "--timeout=300s", timeout=360)
    nodes = {pod["spec"]["nodeName"] for pod in items(controlplane, "pods")}
    assert len(nodes) > 50
    controlplane.kubectl("delete", "job/many", "--timeout=180s", timeout=240)
