# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role training would apply to a cluster, rendered by Ansible itself; tests/e2e applies it to a real one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.ledgers import SPEC
from tests.fixtures.playbook import ROOT

NAME = "tf-aaaabbbbcccc-2-1"
RUN = {
    "run_id": "aaaabbbbcccc-2",
    "cell_id": "aaaabbbbcccc",
    "attempt": 1,
    "study": "kind",
    "seed": 3,
    "log_dir": "logs",
}
LABELS = {
    "app.kubernetes.io/managed-by": "tfscale.study",
    "tfscale.study/study": "kind",
    "tfscale.study/cell": "aaaabbbbcccc",
    "tfscale.study/run": "aaaabbbbcccc-2",
    "tfscale.study/attempt": "1",
}


def manifest(folder: Path, backend: str, ps: int = 2, workers: int = 3, **variables: Any) -> dict[tuple[str, str], Any]:
    """All documents by kind and name."""
    file = folder / "manifest.yml"
    given = {
        "manifest": str(file),
        "cluster_namespace": "tfscale",
        "cluster_nodes_method": "label",
        "training_backend": backend,
        "training_image": "trainer:1",
        "training_run": {**RUN, "spec": {**SPEC, "ps": ps, "workers": workers}},
        **variables,
    }
    binary = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [binary, "-i", "inventories/local", "tests/integration/files/render.yml", "-e", json.dumps(given)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    documents = list(yaml.safe_load_all(file.read_text()))
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def pod_of(document: Any) -> Any:
    return document["spec"]["template"]["spec"]


@pytest.mark.parametrize(("backend", "kind"), [("job", "Job"), ("statefulset", "StatefulSet")])
def test_manifest_one_object_each_with_the_run_s_labels(tmp_path: Path, backend: str, kind: str) -> None:
    found = manifest(tmp_path, backend)
    groups = {f"{NAME}-ps", f"{NAME}-worker"}
    assert set(found) == {("ConfigMap", NAME), ("NetworkPolicy", NAME)} | {
        (each, group) for each in ("Service", kind) for group in groups
    }
    for document in found.values():
        assert document["metadata"]["namespace"] == "tfscale"
        assert document["metadata"]["labels"] == LABELS
    for name, replica, count in ((f"{NAME}-ps", "ps", 2), (f"{NAME}-worker", "worker", 3)):
        group, service = found[kind, name], found["Service", name]
        labels = {**LABELS, "tfscale.study/replica": replica}
        assert group["spec"]["template"]["metadata"]["labels"] == service["spec"]["selector"] == labels
        assert count == (group["spec"]["completions"] if kind == "Job" else group["spec"]["replicas"])
        assert pod_of(group)["subdomain"] == name


@pytest.mark.parametrize("backend", ["job", "statefulset"])
def test_manifest_every_replica_learns_who_is_who(tmp_path: Path, backend: str) -> None:
    found = manifest(tmp_path, backend)
    data = found["ConfigMap", NAME]["data"]
    workers = [f"{NAME}-worker-{index}.{NAME}-worker:2222" for index in range(3)]
    assert data["WORKER_HOSTS"].split(",") == workers
    cluster = json.loads(data["TF_CLUSTER"])
    assert cluster == {"ps": data["PS_HOSTS"].split(","), "worker": workers}
    (container,) = pod_of(
        next(document for key, document in found.items() if key[1].endswith("worker") and key[0] != "Service")
    )["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    # Kubernetes puts the values in.
    text = env["TF_CONFIG"].replace("$(TF_CLUSTER)", data["TF_CLUSTER"]).replace("$(JOB_COMPLETION_INDEX)", "1")
    assert json.loads(text) == {"cluster": cluster, "task": {"type": "worker", "index": 1}}
    names = [entry["name"] for entry in container["env"]]
    assert names.index("JOB_COMPLETION_INDEX") < names.index("TF_CONFIG")


def test_manifest_pods_keep_to_the_restricted_standard(tmp_path: Path) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    for key, document in manifest(tmp_path, "job").items():
        if key[0] == "Job":
            pod = pod_of(document)
            (container,) = pod["containers"]
            security = {"runAsNonRoot": True, "runAsUser": None, "seccompProfile": {"type": "RuntimeDefault"}}
            assert pod["securityContext"] == security
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert pod["automountServiceAccountToken"] is False
            assert pod["restartPolicy"] == "Never"
            assert document["spec"]["backoffLimit"] == 0


def test_manifest_trainer_gets_the_run_s_numbers(tmp_path: Path) -> None:
    found = manifest(tmp_path, "job", training_threads="2")
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    assert container["command"][:3] == ["python3", "-m", "trainer"]
    assert {"--train_steps=2000", "--batch_size=20", "--seed=3", "--threads=2"} <= set(container["command"])


def test_manifest_own_program_without_ps(tmp_path: Path) -> None:
    found = manifest(tmp_path, "job", ps=0, training_command=["python", "train.py", "--note=$(date)"])
    assert {key for key in found if key[0] == "Job"} == {("Job", f"{NAME}-worker")}
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    # Kubernetes would put a variable `date` in; a doubled sign keeps the text.
    assert container["command"] == ["python", "train.py", "--note=$$(date)"]
    data = found["ConfigMap", NAME]["data"]
    assert data["PS_HOSTS"] == ""
    assert set(json.loads(data["TF_CLUSTER"])) == {"worker"}


def test_manifest_carries_what_users_add(tmp_path: Path) -> None:
    volume, mount = {"name": "data", "emptyDir": {}}, {"name": "data", "mountPath": "/data"}
    found = manifest(
        tmp_path,
        "statefulset",
        training_env={"COLOUR": "blue", "COUNT": 3},
        training_volumes=[volume],
        training_volume_mounts=[mount],
        training_tolerations=[{"key": "gpu", "operator": "Exists"}],
        training_node_selector={"pool": "train"},
        training_image_pull_secrets=["registry"],
        training_service_account="trainer",
        training_priority_class="high",
        training_spread="",
        training_run_as_user=10001,
    )
    pod = pod_of(found["StatefulSet", f"{NAME}-worker"])
    (container,) = pod["containers"]
    assert {"name": "COUNT", "value": "3"} in container["env"]
    assert volume in pod["volumes"]
    assert mount in container["volumeMounts"]
    assert pod["nodeSelector"] == {"pool": "train", "tfscale.study/active": "true"}
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert (pod["serviceAccountName"], pod["priorityClassName"]) == ("trainer", "high")
    assert pod["topologySpreadConstraints"] == []
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["command"][:2] == ["/bin/sh", "-c"]
