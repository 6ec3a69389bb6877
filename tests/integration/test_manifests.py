# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role training would apply to a cluster, rendered by Ansible itself; tests/e2e applies it to a real one."""

from __future__ import annotations

import json
import re
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
    # As it goes on its way to the server.
    documents = json.loads(json.dumps(list(yaml.safe_load_all(file.read_text()))))
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
            security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
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


def test_manifest_variant_has_its_own(tmp_path: Path) -> None:
    own = {
        "variant": "after",
        "image": "trainer:2",
        "threads": 3,
        "env": "COLOUR sealed:0123456789abcdef",
        "worker_resources": '{"limits": {"memory": "1Gi"}}',
    }
    run = {**RUN, "spec": {**SPEC, "ps": 1, "workers": 1, **own}}
    variants = {"after": {"env": {"COLOUR": "red"}}}
    usual = {"COLOUR": "blue", "SIZE": "big"}
    found = manifest(tmp_path, "job", training_run=run, training_env=usual, training_variants=variants)
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert container["image"] == "trainer:2"
    assert "--threads=3" in container["command"]
    assert env["OMP_NUM_THREADS"] == "3"
    assert env["COLOUR"] == "red"
    assert "SIZE" not in env
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    (ps,) = pod_of(found["Job", f"{NAME}-ps"])["containers"]
    assert ps["resources"]["requests"] == {"cpu": "100m", "memory": "384Mi"}


@pytest.mark.parametrize(
    ("usual", "own", "command"),
    [
        (["python", "a b.py"], None, ["python", "a b.py"]),
        (["python", "a.py"], ["python", "b.py"], ["python", "b.py"]),
        ("exec python a.py", "T=x exec python b.py", ["/bin/sh", "-c", "T=x exec python b.py"]),
        ([], "exec python b.py", ["/bin/sh", "-c", "exec python b.py"]),
        (["python", "a.py"], "", ["python3", "-m", "trainer"]),
    ],
)
def test_manifest_variant_has_its_own_program(tmp_path: Path, usual: Any, own: Any, command: list[str]) -> None:
    run = {**RUN, "spec": {**SPEC, "ps": 1, "workers": 1, "variant": "b", "command": "as it is recorded"}}
    variants = {"a": {"command": "other"}, "b": {} if own is None else {"command": own}}
    found = manifest(tmp_path, "job", training_run=run, training_command=usual, training_variants=variants)
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    assert container["command"][: len(command)] == command


@pytest.mark.parametrize("template", ["job", "standing"])
def test_manifest_values_come_from_secrets_and_config_maps(tmp_path: Path, template: str) -> None:
    given: dict[str, Any] = {
        "training_env": {"TOKEN": {"secret": "hub", "key": "token"}, "PLAIN": "x"},
        "training_worker_env": {"CITY": {"configmap": "places", "key": "city"}},
        "training_env_from": [{"secret": "all"}, {"configmap": "more"}],
    }
    found = standing(tmp_path, **given) if template == "standing" else manifest(tmp_path, template, **given)
    workers = (one for (kind, name), one in found.items() if name.endswith("-worker") and kind != "Service")
    container = pod_of(next(workers))["containers"][0]
    assert container["envFrom"][1:] == [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "more"}}]
    env = {one["name"]: one for one in container["env"]}
    assert env["TOKEN"]["valueFrom"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
    assert env["CITY"]["valueFrom"] == {"configMapKeyRef": {"name": "places", "key": "city"}}
    assert (env["PLAIN"]["value"], "valueFrom" in env["PLAIN"]) == ("x", False)


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
        training_env={"COLOUR": "blue", "COUNT": 3, "ALLOW": True, "NONE": None},
        training_worker_env={"USE": False},
        training_command=["python", "train.py", "--allow", True],
        training_volumes=[volume],
        training_volume_mounts=[mount],
        training_tolerations=[{"key": "gpu", "operator": "Exists"}],
        training_node_selector={"pool": "train", "gpu": True},
        training_image_pull_secrets=["registry"],
        training_service_account="trainer",
        training_priority_class="high",
        training_spread="",
        training_run_as_user=10001,
    )
    pod = pod_of(found["StatefulSet", f"{NAME}-worker"])
    (container,) = pod["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    given = {"COLOUR": "blue", "COUNT": "3", "ALLOW": "true", "NONE": "", "USE": "false"}
    assert {name: env.get(name) for name in given} == given
    assert volume in pod["volumes"]
    assert mount in container["volumeMounts"]
    assert pod["nodeSelector"] == {"pool": "train", "gpu": "true", "tfscale.study/active": "true"}
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert (pod["serviceAccountName"], pod["priorityClassName"]) == ("trainer", "high")
    assert pod["topologySpreadConstraints"] == []
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["command"][:2] == ["/bin/sh", "-c"]
    assert container["command"][-4:] == ["python", "train.py", "--allow", "true"]


@pytest.mark.parametrize("limits", [{"memory": "2Gi"}, None], ids=["limits", "no limits"])
def test_manifest_gives_workers_their_gpus(tmp_path: Path, limits: dict[str, str] | None) -> None:
    run = {**RUN, "spec": {**SPEC, "ps": 1, "workers": 2, "gpus": 2}}
    resources = {"requests": {"cpu": "1"}, **({"limits": limits} if limits else {})}
    found = manifest(tmp_path, "job", training_run=run, training_gpus=2, training_worker_resources=resources)
    (worker,), (ps,) = (pod_of(found["Job", f"{NAME}-{kind}"])["containers"] for kind in ("worker", "ps"))
    assert worker["resources"] == {"requests": {"cpu": "1"}, "limits": {**(limits or {}), "nvidia.com/gpu": 2}}
    assert "--num_gpus=2" in worker["command"]
    assert "nvidia.com/gpu" not in ps["resources"]["limits"]


def test_manifest_without_gpus_says_nothing_of_them(tmp_path: Path) -> None:
    (worker,) = pod_of(manifest(tmp_path, "job")["Job", f"{NAME}-worker"])["containers"]
    assert "nvidia.com/gpu" not in worker["resources"]["limits"]
    assert not [word for word in worker["command"] if "gpu" in word]


VOLUME = {"size": "2Gi", "access_modes": ["ReadWriteMany"]}


def command_of(document: Any) -> Any:
    return pod_of(document)["containers"][0]["command"]


def test_manifest_run_writes_to_its_own_folder_of_the_volume(tmp_path: Path) -> None:
    found = manifest(tmp_path, "job", training_volume=VOLUME, training_export=True)
    pod = pod_of(found["Job", f"{NAME}-worker"])
    folder = "/volume/kind/aaaabbbbcccc-2/attempt-1"
    assert {f"--log_dir={folder}/events", f"--export_dir={folder}/model"} <= set(pod["containers"][0]["command"])
    assert {"name": "tfscale", "mountPath": "/volume"} in pod["containers"][0]["volumeMounts"]
    assert {"name": "tfscale", "persistentVolumeClaim": {"claimName": "training"}} in pod["volumes"]
    assert (pod["securityContext"]["fsGroup"], pod["securityContext"]["fsGroupChangePolicy"]) == (
        10001,
        "OnRootMismatch",
    )
    assert not [word for word in pod["containers"][0]["command"] if "checkpoint" in word or "restore" in word]


def standing(folder: Path, **variables: Any) -> dict[tuple[str, str], Any]:
    given = {
        "cluster_provider": "existing",
        "training_standing": True,
        "training_name": "mine",
        "training_volume": VOLUME,
        **variables,
    }
    return manifest(folder, "statefulset", **{"template": "standing.yml.j2", **given})


def test_manifest_standing_objects_in_the_order_of_their_use(tmp_path: Path) -> None:
    found = standing(tmp_path, training_ps=2, training_workers=3, training_tensorboard=True)
    assert [kind for kind, _name in found] == [
        *("ConfigMap", "NetworkPolicy", *["Service"] * (1 + 2), *["Service"] * (1 + 3), "PersistentVolumeClaim"),
        *("Deployment", "Service", "StatefulSet", "StatefulSet"),
    ]
    labels = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/training": "mine"}
    assert all(document["metadata"]["labels"] == labels for document in found.values())
    assert all(document["metadata"]["namespace"] == "tfscale" for document in found.values())
    assert {name for kind, name in found if kind != "ConfigMap"} == {
        "mine",
        "mine-ps",
        "mine-worker",
        "mine-tensorboard",
        *(f"mine-ps-{index}" for index in range(2)),
        *(f"mine-worker-{index}" for index in range(3)),
    }
    for replica, count in (("ps", 2), ("worker", 3)):
        group = found["StatefulSet", f"mine-{replica}"]
        assert (group["spec"]["replicas"], group["spec"]["podManagementPolicy"]) == (count, "Parallel")
        assert group["spec"]["template"]["metadata"]["labels"] == {**labels, "tfscale.study/replica": replica}
        assert pod_of(group)["nodeSelector"] == {}
        assert pod_of(group)["terminationGracePeriodSeconds"] == 60
    assert found["PersistentVolumeClaim", "mine"]["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "2Gi"}},
    }


def test_manifest_standing_hosts_are_named_after_their_content(tmp_path: Path) -> None:
    names = []
    for workers in (1, 2, 1):
        found = standing(tmp_path, training_workers=workers)
        (config,) = (document for (kind, _name), document in found.items() if kind == "ConfigMap")
        names.append(config["metadata"]["name"])
        assert config["immutable"] is True
        assert len(config["data"]["WORKER_HOSTS"].split(",")) == workers
        for replica in ("ps", "worker"):
            (container,) = pod_of(found["StatefulSet", f"mine-{replica}"])["containers"]
            assert container["envFrom"] == [{"configMapRef": {"name": names[-1]}}]
    assert names[0] == names[2] != names[1]
    assert re.fullmatch("mine-[0-9a-f]{10}", names[0])


def test_manifest_standing_replicas_have_addresses_that_outlive_their_pods(tmp_path: Path) -> None:
    found = standing(tmp_path, training_ps=1, training_workers=2)
    (config,) = (document for (kind, _name), document in found.items() if kind == "ConfigMap")
    assert config["data"]["PS_HOSTS"] == "mine-ps-0:2222"
    assert config["data"]["WORKER_HOSTS"] == "mine-worker-0:2222,mine-worker-1:2222"
    for name in ("mine-ps-0", "mine-worker-0", "mine-worker-1"):
        spec = found["Service", name]["spec"]
        pods = found["StatefulSet", name.rpartition("-")[0]]["spec"]["template"]["metadata"]["labels"]
        assert spec["selector"] == {**pods, "statefulset.kubernetes.io/pod-name": name}
        # An address of its own, and also while its replica is not ready.
        assert "clusterIP" not in spec
        assert spec["publishNotReadyAddresses"] is True
        assert spec["ports"] == [{"name": "grpc", "port": 2222}]


def test_manifest_standing_ps_knows_nothing_of_hyperparameters(tmp_path: Path) -> None:
    before, after = (standing(tmp_path, training_learning_rate=rate) for rate in (0.001, 0.002))
    assert before["StatefulSet", "mine-ps"] == after["StatefulSet", "mine-ps"]
    assert command_of(before["StatefulSet", "mine-ps"]) == ["python3", "-m", "trainer", "--threads=1", "--standing"]
    worker = command_of(after["StatefulSet", "mine-worker"])
    assert {"--learning_rate=0.002", "--standing", "--ready_file=/tmp/ready"} <= set(worker)
    assert {"--checkpoint_dir=/volume/mine/checkpoints", "--log_dir=/volume/mine/events"} <= set(worker)
    assert "--checkpoint_seconds=60" in worker


def test_manifest_standing_probes(tmp_path: Path) -> None:
    def probes(**given: Any) -> list[Any]:
        found = standing(tmp_path, **given)
        pods = [pod_of(found["StatefulSet", f"mine-{replica}"]) for replica in ("ps", "worker")]
        return [pod["containers"][0]["readinessProbe"] for pod in pods]

    ps, worker = probes()
    assert ps["tcpSocket"] == {"port": 2222}
    assert worker["exec"] == {"command": ["/bin/sh", "-c", "test -e /tmp/ready"]}
    own = {"httpGet": {"path": "/", "port": 80}}
    assert probes(training_command=["serve"], training_readiness_probe=own)[1] == own
    assert probes(training_command=["serve"])[1] is None


def test_manifest_standing_on_a_claim_of_others_and_none(tmp_path: Path) -> None:
    found = standing(tmp_path, training_volume={"claim": "theirs"}, training_fs_group="")
    assert "PersistentVolumeClaim" not in {kind for kind, _name in found}
    pod = pod_of(found["StatefulSet", "mine-worker"])
    assert {"name": "tfscale", "persistentVolumeClaim": {"claimName": "theirs"}} in pod["volumes"]
    assert "fsGroup" not in pod["securityContext"]
    # The volume may be one of a single node.
    assert pod["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "ScheduleAnyway"
    found = standing(tmp_path, training_volume={})
    pod = pod_of(found["StatefulSet", "mine-worker"])
    assert [volume["name"] for volume in pod["volumes"]] == ["tmp"]
    assert not [word for word in pod["containers"][0]["command"] if "checkpoint" in word]
    assert pod["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "DoNotSchedule"


def test_manifest_tensorboard_keeps_to_the_restricted_standard(tmp_path: Path) -> None:
    found = standing(tmp_path, training_tensorboard=True)
    board, worker = (pod_of(found[key]) for key in (("Deployment", "mine-tensorboard"), ("StatefulSet", "mine-worker")))
    assert board["securityContext"] == worker["securityContext"]
    assert board["containers"][0]["securityContext"] == worker["containers"][0]["securityContext"]
    assert {"name": "tfscale", "mountPath": "/volume", "readOnly": True} in board["containers"][0]["volumeMounts"]
    assert (
        found["Service", "mine-tensorboard"]["spec"]["selector"]
        == (found["Deployment", "mine-tensorboard"]["spec"]["template"]["metadata"]["labels"])
    )
    # Not one of those that the policy lets reach each other.
    assert "tfscale.study/replica" not in found["Service", "mine-tensorboard"]["spec"]["selector"]


def test_manifest_is_the_same_when_lists_and_mappings_come_as_text(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "training_ports": {"ps": 3000, "worker": 3001},
        "training_pod_management": {"ps": "OrderedReady", "worker": "Parallel"},
        "training_env": {"A": "1"},
        "training_worker_env": {"B": "2"},
        "training_worker_resources": {"requests": {"cpu": "250m"}},
        "training_node_selector": {"disk": "ssd"},
        "training_tolerations": [{"key": "gpu", "operator": "Exists"}],
        "training_volumes": [{"name": "scratch", "emptyDir": {}}],
        "training_volume_mounts": [{"name": "scratch", "mountPath": "/scratch"}],
        "training_image_pull_secrets": ["registry"],
        "training_volume": {"claim": "mine", "access_modes": ["ReadWriteMany"]},
    }
    text = {name: yaml.safe_dump(value, default_flow_style=True).strip() for name, value in given.items()}
    assert manifest(tmp_path, "statefulset", **text) == manifest(tmp_path, "statefulset", **given)


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"template": None, "training_volume": {"claim": "c"}}, "training_volume can be mounted on one node only, but"),
    ({"training_strategy": "sync_ps"}, "training_strategy is 'sync_ps', which waits for all workers, but"),
    ({"training_backend": "job"}, "training_standing is true, but training_backend is 'job'"),
    ({"cluster_provider": "local"}, "and cluster_provider 'local': a training stands as StatefulSets only"),
    ({"training_name": "Mine"}, "training_name is 'Mine': give up to 40 lower-case letters"),
    ({"training_state": "gone"}, "training_state is 'gone': give present or absent"),
    ({"training_ps": 0}, "training_ps is 0: give a whole number from 1, because our trainer needs one"),
    ({"training_workers": "many"}, "training_workers is 'many': give a whole number from 1"),
    ({"training_checkpoint_seconds": 0}, "training_checkpoint_seconds is 0: give a number greater than 0"),
    ({"training_tensorboard": True, "training_volume": {}}, "training_tensorboard is true, but training_volume is empty"),
    ({"training_volume": {"size": "1Gi", "claim": "c"}}, "training_volume is {'size': '1Gi', 'claim': 'c'}: give"),
    ({"training_volume": {"size": "big"}}, "training_volume.size is 'big': give an amount such as 10Gi"),
    ({"training_volume": {"claim": "c", "access_modes": ["Own"]}}, "training_volume.access_modes[0] is 'Own': give"),
    ({"training_ps_resources": {"cpu": 1}}, "training_ps_resources is {'cpu': 1}: give requests and limits as in a pod"),
    ({"training_worker_resources": {"cpu": 1}}, "training_worker_resources is {'cpu': 1}: give requests and limits"),
    ({"training_volume": {}, "training_export": True}, "training_export is true: a pod has no folder that lasts; give"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "sentence"), REFUSALS)
def test_preflight_refuses_with_a_sentence(tmp_path: Path, given: dict[str, Any], sentence: str) -> None:
    variables = {key: value for key, value in {"template": "standing.yml.j2", **given}.items() if value is not None}
    if "template" not in variables and "training_volume" in given:
        variables["training_standing"] = False
    base = {
        "cluster_provider": "existing",
        "training_standing": True,
        "training_name": "mine",
        "training_volume": VOLUME,
    }
    with pytest.raises(AssertionError) as caught:
        manifest(tmp_path, "statefulset", **{**base, **variables})
    assert sentence in str(caught.value)


def test_values_of_the_old_chart_reach_the_pods(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(
        "worker: {number: , port: 9000, limit: {memory: 512Mi, cpu: 250m}, env: {ALLOW: true, SCALE: 1.0, D: 2024-01-01}}\n"
        "ps: {number: 1, limit: {memory: 256Mi}}\n"
        "hyperparams: {trainsteps: , hiddenunits: 50, datadir: /data, logdir: /tmp/events}\n"
    )
    found = standing(tmp_path, training_helm_values=str(values))
    (worker,), (ps,) = (pod_of(found["StatefulSet", f"mine-{kind}"])["containers"] for kind in ("worker", "ps"))
    env = {entry["name"]: entry.get("value") for entry in worker["env"]}
    assert (env["ALLOW"], env["SCALE"], env["D"]) == ("true", "1", "2024-01-01")
    limit = {"memory": "512Mi", "cpu": "250m"}
    assert worker["resources"] == {"requests": limit, "limits": limit}
    assert ps["resources"] == {"requests": {"memory": "256Mi"}, "limits": {"memory": "256Mi"}}
    assert found["StatefulSet", "mine-worker"]["spec"]["replicas"] == 2
    assert worker["ports"][0]["containerPort"] == 9000
    assert {"--hidden_units=50", "--data_dir=/data", "--log_dir=/tmp/events", "--train_steps=0"} <= set(
        worker["command"]
    )


# What YAML would take for a number, a truth or a time, or cut in two, unless it is quoted.
STRANGE: dict[str, Any] = {
    "cluster_namespace": "0123",
    "training_name": "on",
    "training_service_account": "1e3",
    "training_priority_class": "0x1f",
    "training_image": "0123",
    "training_image_pull_secrets": ["0123", "on", "1e3"],
    "training_env": {
        "on": "off",
        "0123": "1e3",
        "QUOTED": 'it\'s "so": [a, {b}] # no\n---\nend\t\\ ',
        "WIDE": "ż \U0001f600",
    },
    "training_node_selector": {"on": "1e3"},
    "training_ports": {"ps": "2222", "worker": "3333"},
    "training_run": {
        **RUN,
        "study": "2024",
        "cell_id": "123456789012",
        "run_id": "1e3-1",
        "spec": {**SPEC, "ps": "1", "workers": "2"},
    },
}
TEXTS = {
    *("name", "namespace", "serviceName", "serviceAccountName", "priorityClassName", "subdomain", "image", "claimName"),
    *("imagePullPolicy", "podManagementPolicy", "restartPolicy", "value", "fieldPath", "key", "mountPath"),
}
NUMBERS = {"port", "containerPort", "replicas", "completions", "parallelism", "terminationGracePeriodSeconds"}
MAPS_OF_TEXTS = {"labels", "matchLabels", "selector", "nodeSelector", "data"}


def check_types(value: Any, key: str = "", path: str = "") -> None:
    if key in MAPS_OF_TEXTS and isinstance(value, dict) and "matchLabels" not in value:
        assert all(isinstance(one, str) for pair in value.items() for one in pair), path
    elif key in TEXTS:
        assert isinstance(value, str), (path, value)
    elif key in NUMBERS:
        assert (isinstance(value, int) and not isinstance(value, bool)) or value == "http", (path, value)
    elif isinstance(value, dict):
        for name, one in value.items():
            assert isinstance(name, str), (path, name)
            check_types(one, name, f"{path}.{name}")
    elif isinstance(value, list):
        for position, one in enumerate(value):
            check_types(one, "", f"{path}[{position}]")


@pytest.mark.parametrize("template", ["job", "statefulset", "standing"])
def test_manifest_names_and_values_stay_the_texts_that_they_are(tmp_path: Path, template: str) -> None:
    if template == "standing":
        found = standing(tmp_path, **STRANGE, training_tensorboard=True)
        assert {("NetworkPolicy", "on"), ("PersistentVolumeClaim", "on")} <= set(found)
    else:
        found = manifest(tmp_path, template, **STRANGE)
        assert all(one["metadata"]["labels"]["tfscale.study/study"] == "2024" for one in found.values())
    for document in found.values():
        assert document["metadata"]["namespace"] == "0123"
        check_types(document, path=document["kind"])
    (worker,) = (
        one for (kind, name), one in found.items() if name.endswith("worker") and kind in ("Job", "StatefulSet")
    )
    pod = pod_of(worker)
    env = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
    assert {name: env[name] for name in STRANGE["training_env"]} == STRANGE["training_env"]
    assert pod["imagePullSecrets"] == [{"name": name} for name in STRANGE["training_image_pull_secrets"]]
