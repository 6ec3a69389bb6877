# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role training would apply to a cluster, rendered by Ansible itself; tests/e2e applies it to a real one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.yaml_text import documents
from ansible_collections.tfscale.study.plugins.module_utils._study.design import workloads

from tests.fixtures import schemas
from tests.fixtures.ledgers import SPEC
from tests.fixtures.playbook import ROOT, Playbook, errors, hosts

FILES = ROOT / "tests/integration/files"
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


# What each host of the one playbook is given: a host for each manifest renders all of them in the time of one.
ASKED: dict[str, dict[str, Any]] = {}


def manifest(backend: str, ps: int = 2, workers: int = 3, **variables: Any) -> str:
    """Ask for the manifest of a run; the name of the host that gets it."""
    given = {
        "cluster_namespace": "tfscale",
        "cluster_nodes_method": "label",
        "training_backend": backend,
        "training_image": "trainer:1",
        "training_run": {**RUN, "spec": {**SPEC, "ps": ps, "workers": workers}},
        **variables,
    }
    run = given["training_run"]
    given["training_run"] = {**run, "spec": {**run["spec"], "backend": backend}}
    host = next((host for host, there in ASKED.items() if there == given), f"manifest-{len(ASKED)}")
    ASKED[host] = given
    return host


VOLUME = {"size": "2Gi", "access_modes": ["ReadWriteMany"]}


def long_running(**variables: Any) -> str:
    """Ask for the manifest of a long-running training."""
    given = {
        "cluster_provider": "existing",
        "training_long_running": True,
        "training_name": "mine",
        "training_volume": VOLUME,
        **variables,
    }
    return manifest("statefulset", **{"template": "long_running.yml.j2", **given})


@dataclass(frozen=True)
class Rendered:
    """What became of all that was asked for."""

    texts: dict[str, str]
    told: dict[str, str]

    def documents(self, host: str) -> dict[tuple[str, str], Any]:
        """All of a manifest by kind and name."""
        assert host not in self.told, self.told[host]
        found = documents(self.texts[host])
        return {(document["kind"], document["metadata"]["name"]): document for document in found}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = tmp_path_factory.mktemp("manifests")
    done = Playbook(folder, {}, hosts(folder / "inventory", ASKED)).run("../tests/integration/files/render")
    texts = re.findall(r'^\[(manifest-\d+)\] (".*")$', done.stdout, re.MULTILINE)
    return Rendered({host: json.loads(text) for host, text in texts}, errors(done))


@pytest.fixture
def found(rendered: Rendered, request: pytest.FixtureRequest) -> Any:
    """The documents that the test asks for."""
    if isinstance(request.param, str):
        return rendered.documents(request.param)
    return [rendered.documents(host) for host in request.param]


def asks(*asked: str | list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("found", asked, indirect=True)


def pod_of(document: Any) -> Any:
    return document["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("found", "kind"), [(manifest("job"), "Job"), (manifest("statefulset"), "StatefulSet")], indirect=["found"]
)
def test_manifest_one_object_each_with_the_run_s_labels(found: Any, kind: str) -> None:
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


@asks(manifest("job"), manifest("statefulset"))
def test_manifest_every_replica_learns_who_is_who(found: Any) -> None:
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


@asks(manifest("job", training_queue="team"), manifest("statefulset", training_queue="team"))
def test_manifest_gives_what_kueue_admits_to_the_queue(found: Any) -> None:
    label = {"kueue.x-k8s.io/queue-name": "team"}
    for (kind, _name), document in found.items():
        is_admitted = kind in ("Job", "StatefulSet")
        assert document["metadata"]["labels"] == ({**LABELS, **label} if is_admitted else LABELS)
        if is_admitted:
            assert "kueue.x-k8s.io/queue-name" not in document["spec"]["template"]["metadata"]["labels"]
            assert document["spec"].get("suspend") == (True if kind == "Job" else None)


OF_CLUSTER = {**RUN, "spec": {**SPEC, "ps": 0, "workers": 3, "runtime": "torch-distributed"}}


@asks(
    manifest("jobset", training_queue="team"),
    manifest("trainjob", training_tolerations=[{"key": "gpu", "operator": "Exists"}]),
    manifest("trainjob", training_run=OF_CLUSTER, training_command=["torchrun", "train.py"]),
)
def test_manifest_of_an_extension_fits_its_schema(found: Any) -> None:
    """https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema"""
    kinds = ("JobSet", "TrainingRuntime", "TrainJob")
    overrides = {"TrainJob": workloads.workload("trainjob").overrides}
    faults = {
        kind: schemas.faults(one, one_of=overrides.get(kind, ()))
        for (kind, _name), one in found.items()
        if kind in kinds
    }
    assert faults == {kind: [] for kind in faults}
    assert "Service" not in {kind for kind, _name in found}
    assert {"JobSet", "TrainJob"} & set(faults)


TOGETHER = {**RUN, "spec": {**SPEC, "ps": 2, "workers": 3, "spread": "PodAffinity"}}


@asks(manifest("job", training_run=TOGETHER), manifest("statefulset", training_run=TOGETHER))
def test_manifest_of_pods_that_are_to_be_together(found: Any) -> None:
    pods = [pod_of(document) for (kind, _name), document in found.items() if kind in ("Job", "StatefulSet")]
    for pod in pods:
        [term] = pod["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert term["podAffinityTerm"]["labelSelector"] == {"matchLabels": LABELS}
        assert pod["topologySpreadConstraints"][0]["maxSkew"] == 5


OF_JAX = {**RUN, "spec": {**SPEC, "ps": 0, "workers": 3, "framework": "jax"}}


@asks(manifest("job", training_command=["train"], training_run=OF_JAX))
def test_manifest_of_a_framework_has_its_words_behind_the_index(found: Any) -> None:
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert env["JAX_COORDINATOR_ADDRESS"] == f"{NAME}-worker-0.{NAME}-worker:2222"
    assert (env["JAX_NUM_PROCESSES"], env["JAX_PROCESS_ID"], env["PET_NNODES"]) == ("3", "$(TASK_INDEX)", "3")
    # Kubernetes puts in only what stands before.
    names = [entry["name"] for entry in container["env"]]
    assert names.index("JOB_COMPLETION_INDEX") < names.index("TASK_INDEX") < names.index("JAX_PROCESS_ID")
    assert len(names) == len(set(names))
    # Collective operations choose their ports: no list of ports means every one.
    assert found["NetworkPolicy", NAME]["spec"]["ingress"][0]["ports"] == []


@asks(manifest("job"))
def test_manifest_pods_keep_to_the_restricted_standard(found: Any) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    for key, document in found.items():
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


@asks(manifest("job", training_threads="2"))
def test_manifest_trainer_gets_the_run_s_numbers(found: Any) -> None:
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    assert container["command"][:3] == ["python3", "-m", "trainer"]
    assert {"--train_steps=2000", "--batch_size=20", "--seed=3", "--threads=2"} <= set(container["command"])


AFTER = {
    "variant": "after",
    "image": "trainer:2",
    "threads": 3,
    "env": "COLOUR sealed:0123456789abcdef",
    "worker_resources": {"limits": {"memory": "1Gi"}},
}


@asks(
    manifest(
        "job",
        training_run={**RUN, "spec": {**SPEC, "ps": 1, "workers": 1, **AFTER}},
        training_env={"COLOUR": "blue", "SIZE": "big"},
        training_variants={"after": {"env": {"COLOUR": "red"}}},
    )
)
def test_manifest_variant_has_its_own(found: Any) -> None:
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


def program(usual: Any, **own: Any) -> str:
    run = {**RUN, "spec": {**SPEC, "ps": 1, "workers": 1, "variant": "b", "command": "as it is recorded"}}
    variants = {"a": {"command": "other"}, "b": own}
    return manifest("job", training_run=run, training_command=usual, training_variants=variants)


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (program(["python", "a b.py"]), ["python", "a b.py"]),
        (program(["python", "a.py"], command=["python", "b.py"]), ["python", "b.py"]),
        (program("exec python a.py", command="T=x exec python b.py"), ["/bin/sh", "-c", "T=x exec python b.py"]),
        (program([], command="exec python b.py"), ["/bin/sh", "-c", "exec python b.py"]),
        (program(["python", "a.py"], command=""), ["python3", "-m", "trainer"]),
    ],
    indirect=["found"],
)
def test_manifest_variant_has_its_own_program(found: Any, command: list[str]) -> None:
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    # Before a line for the shell stands the loop that prints the pod's counters.
    start = -3 if command[:2] == ["/bin/sh", "-c"] else 0
    assert container["command"][start:][: len(command)] == command


REFERENCES: dict[str, Any] = {
    "training_env": {"TOKEN": {"secret": "hub", "key": "token"}, "PLAIN": "x"},
    "training_worker_env": {"CITY": {"configmap": "places", "key": "city"}},
    "training_env_from": [{"secret": "all"}, {"configmap": "more"}],
}


@asks(manifest("job", **REFERENCES), long_running(**REFERENCES))
def test_manifest_values_come_from_secrets_and_config_maps(found: Any) -> None:
    workers = (one for (kind, name), one in found.items() if name.endswith("-worker") and kind != "Service")
    container = pod_of(next(workers))["containers"][0]
    assert container["envFrom"][1:] == [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "more"}}]
    env = {one["name"]: one for one in container["env"]}
    assert env["TOKEN"]["valueFrom"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
    assert env["CITY"]["valueFrom"] == {"configMapKeyRef": {"name": "places", "key": "city"}}
    assert (env["PLAIN"]["value"], "valueFrom" in env["PLAIN"]) == ("x", False)


@asks(manifest("job", ps=0, training_command=["python", "train.py", "--note=$(date)"]))
def test_manifest_own_program_without_ps(found: Any) -> None:
    assert {key for key in found if key[0] == "Job"} == {("Job", f"{NAME}-worker")}
    (container,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    # Kubernetes would put a variable `date` in; a doubled sign keeps the text.
    assert container["command"] == ["python", "train.py", "--note=$$(date)"]
    data = found["ConfigMap", NAME]["data"]
    assert data["PS_HOSTS"] == ""
    assert set(json.loads(data["TF_CLUSTER"])) == {"worker"}


DATA, MOUNT = {"name": "data", "emptyDir": {}}, {"name": "data", "mountPath": "/data"}


@asks(
    manifest(
        "statefulset",
        training_env={"COLOUR": "blue", "COUNT": 3, "ALLOW": True, "NONE": None},
        training_worker_env={"USE": False},
        training_command=["python", "train.py", "--allow", True],
        training_volumes=[DATA],
        training_volume_mounts=[MOUNT],
        training_tolerations=[{"key": "gpu", "operator": "Exists"}],
        training_node_selector={"pool": "train", "gpu": True},
        training_image_pull_secrets=["registry"],
        training_service_account="trainer",
        training_priority_class="high",
        training_run={**RUN, "spec": {**SPEC, "ps": 2, "workers": 3, "spread": ""}},
        training_run_as_user=10001,
    )
)
def test_manifest_carries_what_users_add(found: Any) -> None:
    pod = pod_of(found["StatefulSet", f"{NAME}-worker"])
    (container,) = pod["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    given = {"COLOUR": "blue", "COUNT": "3", "ALLOW": "true", "NONE": "", "USE": "false"}
    assert {name: env.get(name) for name in given} == given
    assert DATA in pod["volumes"]
    assert MOUNT in container["volumeMounts"]
    assert pod["nodeSelector"] == {"pool": "train", "gpu": "true", "tfscale.study/active": "true"}
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert (pod["serviceAccountName"], pod["priorityClassName"]) == ("trainer", "high")
    assert pod["topologySpreadConstraints"] == []
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["command"][:2] == ["/bin/sh", "-c"]
    assert container["command"][-4:] == ["python", "train.py", "--allow", "true"]


def with_gpus(**limits: Any) -> str:
    run = {**RUN, "spec": {**SPEC, "ps": 1, "workers": 2, "gpus": 2}}
    resources = {"requests": {"cpu": "1"}, **limits}
    return manifest("job", training_run=run, training_gpus=2, training_worker_resources=resources)


@pytest.mark.parametrize(
    ("found", "limits"),
    [(with_gpus(limits={"memory": "2Gi"}), {"memory": "2Gi"}), (with_gpus(), {})],
    ids=["limits", "no limits"],
    indirect=["found"],
)
def test_manifest_gives_workers_their_gpus(found: Any, limits: dict[str, str]) -> None:
    (worker,), (ps,) = (pod_of(found["Job", f"{NAME}-{kind}"])["containers"] for kind in ("worker", "ps"))
    assert worker["resources"] == {"requests": {"cpu": "1"}, "limits": {**limits, "nvidia.com/gpu": 2}}
    assert "--num_gpus=2" in worker["command"]
    assert "nvidia.com/gpu" not in ps["resources"]["limits"]


@asks(manifest("job"))
def test_manifest_without_gpus_says_nothing_of_them(found: Any) -> None:
    (worker,) = pod_of(found["Job", f"{NAME}-worker"])["containers"]
    assert "nvidia.com/gpu" not in worker["resources"]["limits"]
    assert not [word for word in worker["command"] if "gpu" in word]


def command_of(document: Any) -> Any:
    return pod_of(document)["containers"][0]["command"]


@asks(manifest("job", training_volume=VOLUME, training_export=True))
def test_manifest_run_writes_to_its_own_folder_of_the_volume(found: Any) -> None:
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


@asks(long_running(training_ps=2, training_workers=3, training_tensorboard=True))
def test_manifest_long_running_objects_in_the_order_of_their_use(found: Any) -> None:
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


@asks([long_running(training_workers=workers) for workers in (1, 2, 1)])
def test_manifest_long_running_hosts_are_named_after_their_content(found: Any) -> None:
    names = []
    for workers, one in zip((1, 2, 1), found, strict=True):
        (config,) = (document for (kind, _name), document in one.items() if kind == "ConfigMap")
        names.append(config["metadata"]["name"])
        assert config["immutable"] is True
        assert len(config["data"]["WORKER_HOSTS"].split(",")) == workers
        for replica in ("ps", "worker"):
            (container,) = pod_of(one["StatefulSet", f"mine-{replica}"])["containers"]
            assert container["envFrom"] == [{"configMapRef": {"name": names[-1]}}]
    assert names[0] == names[2] != names[1]
    assert re.fullmatch("mine-[0-9a-f]{10}", names[0])


@asks(long_running(training_ps=1, training_workers=2))
def test_manifest_long_running_replicas_have_addresses_that_outlive_their_pods(found: Any) -> None:
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


@asks([long_running(training_learning_rate=rate) for rate in (0.001, 0.002)])
def test_manifest_long_running_ps_knows_nothing_of_hyperparameters(found: Any) -> None:
    before, after = found
    assert before["StatefulSet", "mine-ps"] == after["StatefulSet", "mine-ps"]
    assert command_of(before["StatefulSet", "mine-ps"]) == ["python3", "-m", "trainer", "--threads=1", "--long_running"]
    worker = command_of(after["StatefulSet", "mine-worker"])
    assert {"--learning_rate=0.002", "--long_running", "--ready_file=/tmp/ready"} <= set(worker)
    assert {"--checkpoint_dir=/volume/mine/checkpoints", "--log_dir=/volume/mine/events"} <= set(worker)
    assert "--checkpoint_seconds=60" in worker


OWN_PROBE = {"httpGet": {"path": "/", "port": 80}}


@asks(
    [
        long_running(),
        long_running(training_command=["serve"], training_readiness_probe=OWN_PROBE),
        long_running(training_command=["serve"]),
    ]
)
def test_manifest_long_running_probes(found: Any) -> None:
    def probe(documents: Any, replica: str) -> Any:
        return pod_of(documents["StatefulSet", f"mine-{replica}"])["containers"][0].get("readinessProbe")

    usual, own, none = found
    assert probe(usual, "ps")["tcpSocket"] == {"port": 2222}
    assert probe(usual, "worker")["exec"] == {"command": ["/bin/sh", "-c", "test -e /tmp/ready"]}
    assert probe(own, "worker") == OWN_PROBE
    assert probe(none, "worker") is None


@asks([long_running(training_volume={"claim": "theirs"}, training_fs_group=""), long_running(training_volume={})])
def test_manifest_long_running_on_a_claim_of_others_and_none(found: Any) -> None:
    theirs, none = found
    assert "PersistentVolumeClaim" not in {kind for kind, _name in theirs}
    pod = pod_of(theirs["StatefulSet", "mine-worker"])
    assert {"name": "tfscale", "persistentVolumeClaim": {"claimName": "theirs"}} in pod["volumes"]
    assert "fsGroup" not in pod["securityContext"]
    # The volume may be one of a single node.
    assert pod["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "ScheduleAnyway"
    pod = pod_of(none["StatefulSet", "mine-worker"])
    assert [volume["name"] for volume in pod["volumes"]] == ["tmp"]
    assert not [word for word in pod["containers"][0]["command"] if "checkpoint" in word]
    assert pod["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "DoNotSchedule"


@asks(long_running(training_tensorboard=True))
def test_manifest_tensorboard_keeps_to_the_restricted_standard(found: Any) -> None:
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


STRUCTURES: dict[str, Any] = {
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
TEXT = {name: yaml.safe_dump(value, default_flow_style=True).strip() for name, value in STRUCTURES.items()}


@asks([manifest("statefulset", **STRUCTURES), manifest("statefulset", **TEXT)])
def test_manifest_is_the_same_when_lists_and_mappings_come_as_text(found: Any) -> None:
    structures, text = found
    assert pod_of(structures["StatefulSet", f"{NAME}-worker"])["nodeSelector"]["disk"] == "ssd"
    assert text == structures


GIVEN: dict[str, Any] = {
    "training_ps_env": {"ROLE": "ps"},
    "training_env": {"COLOUR": "blue"},
    "training_export": True,
    "training_data_dir": "/data",
    "training_volume": {"size": "2Gi", "storage_class": "fast", "access_modes": ["ReadWriteMany"]},
    "training_volumes": [{"name": "data", "emptyDir": {}}],
    "training_volume_mounts": [{"name": "data", "mountPath": "/data"}],
    "training_tolerations": [{"key": "gpu", "operator": "Exists"}],
    "training_node_selector": {"pool": "train"},
    "training_run_as_user": 10001,
    "training_image_pull_secrets": ["registry"],
}


@asks(long_running(**GIVEN, training_tensorboard=True))
def test_manifest_long_running_is_as_version_0_3_applied_it(found: Any) -> None:
    expected = list(yaml.safe_load_all((FILES / "manifest_long_running.yml").read_text()))
    assert list(found) == [(document["kind"], document["metadata"]["name"]) for document in expected]
    assert list(found.values()) == expected


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"template": None, "training_volume": {"claim": "c"}}, "training_volume can be mounted on one node only, but"),
    ({"training_strategy": "sync_ps"}, "training_strategy is 'sync_ps', which waits for all workers, but"),
    ({"training_backend": "job"}, "training_long_running is true, but training_backend is 'job'"),
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


def refused(given: dict[str, Any]) -> str:
    variables = {"template": "long_running.yml.j2", **given}
    if variables["template"] is None:
        del variables["template"]
        variables["training_long_running"] = False
    return long_running(**variables)


@pytest.mark.parametrize(("host", "sentence"), [(refused(given), sentence) for given, sentence in REFUSALS])
def test_preflight_refuses_with_a_sentence(rendered: Rendered, host: str, sentence: str) -> None:
    assert sentence in rendered.told.get(host, "no refusal")


@asks(long_running(training_helm_values=str(FILES / "old_values.yaml")))
def test_values_of_the_old_chart_reach_the_pods(found: Any) -> None:
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


@asks(
    manifest("job", **STRANGE), manifest("statefulset", **STRANGE), long_running(**STRANGE, training_tensorboard=True)
)
def test_manifest_names_and_values_stay_the_texts_that_they_are(found: Any) -> None:
    if ("Deployment", "on-tensorboard") in found:
        assert {("NetworkPolicy", "on"), ("PersistentVolumeClaim", "on")} <= set(found)
    else:
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
