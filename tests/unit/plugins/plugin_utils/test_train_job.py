# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests of JobSets and TrainJobs, against the schemas of their CRDs (tests/e2e applies them to real controllers)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design import workloads

from tests.fixtures import schemas
from tests.fixtures.manifests import NAME, manifests

LABELS = {
    "app.kubernetes.io/managed-by": "tfscale.study",
    "tfscale.study/study": "mnist",
    "tfscale.study/cell": "0123456789ab",
    "tfscale.study/run": "0123456789ab-1",
    "tfscale.study/attempt": "1",
}
OVERRIDES = workloads.workload("trainjob").overrides
THEIRS = {"runtime": "torch-distributed", "ps": 0, "framework": "pytorch"}
# All that a user may add to a pod.
GIVEN: dict[str, Any] = {
    "image_pull_secrets": ["one", "two"],
    "service_account": "trainer",
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "volumes": [{"name": "data", "emptyDir": {}}],
    "volume_mounts": [{"name": "data", "mountPath": "/data"}],
    "worker_env": {"TOKEN": {"secret": "hub", "key": "token"}},
    "gpus": 1,
}


def made(backend: str, spec: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    return {one["kind"]: one for one in manifests(backend, spec, **given)}


def jobs_of(found: dict[str, Any]) -> dict[str, Any]:
    spec = found["JobSet"]["spec"] if "JobSet" in found else found["TrainingRuntime"]["spec"]["template"]["spec"]
    return {one["name"]: one for one in spec["replicatedJobs"]}


def pod_of(job: Any) -> Any:
    return job["template"]["spec"]["template"]["spec"]


def env_of(entries: list[Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in entries}


@pytest.mark.parametrize("given", [{}, GIVEN])
@pytest.mark.parametrize(
    ("backend", "spec"),
    [("jobset", {}), ("jobset", {"chief": True}), ("trainjob", {}), ("trainjob", {"ps": 0}), ("trainjob", THEIRS)],
)
def test_manifests_fit_the_schemas(backend: str, spec: dict[str, Any], given: dict[str, Any]) -> None:
    kinds = {one.kind for one in workloads.kinds() if one.kind not in ("Job", "StatefulSet")}
    found = [one for one in manifests(backend, spec, **given) if one["kind"] in kinds]
    faults = {one["kind"]: schemas.faults(one, one_of=OVERRIDES if one["kind"] == "TrainJob" else ()) for one in found}
    assert faults == {one["kind"]: [] for one in found}
    assert found[-1]["kind"] == workloads.workload(backend).kind


def test_schemas_find_faults() -> None:
    one = made("jobset")["JobSet"]
    one["spec"]["successPolicy"] = {"operator": "Most"}
    one["spec"]["network"] = {"subdomain": None, "subDomain": "x"}
    assert schemas.faults(one) == [
        "0.10.1: spec.network.subdomain is None",
        "0.10.1: spec.network has no subDomain",
        "0.10.1: spec.successPolicy.operator is 'Most', none of ['All', 'Any']",
    ]


@pytest.mark.parametrize(("backend", "worker"), [("jobset", "worker"), ("trainjob", "node")])
def test_one_object_has_both_groups_and_nothing_runs_twice(backend: str, worker: str) -> None:
    found = made(backend, {"ps": 2, "workers": 3})
    assert "Service" not in found
    assert all(one["metadata"]["labels"] == LABELS for one in found.values())
    jobs = jobs_of(found)
    assert {name: job["template"]["spec"]["completions"] for name, job in jobs.items()} == {"ps": 2, worker: 3}
    for name, job in jobs.items():
        spec, labels = job["template"]["spec"], job["template"]["spec"]["template"]["metadata"]["labels"]
        assert (spec["parallelism"], spec["backoffLimit"], job["replicas"]) == (spec["completions"], 0, 1)
        assert (spec["completionMode"], pod_of(job)["restartPolicy"]) == ("Indexed", "Never")
        assert labels == {**LABELS, "tfscale.study/replica": "ps" if name == "ps" else "worker"}


@pytest.mark.parametrize(("backend", "worker"), [("jobset", "worker"), ("trainjob", "node")])
def test_workers_decide_and_nothing_is_restarted(backend: str, worker: str) -> None:
    found = made(backend)
    spec = found["JobSet"]["spec"] if backend == "jobset" else found["TrainingRuntime"]["spec"]["template"]["spec"]
    assert spec["successPolicy"] == {"operator": "All", "targetReplicatedJobs": [worker]}
    assert spec["failurePolicy"] == {"maxRestarts": 0}
    assert "successPolicy" not in jobs_of(found)[worker]["template"]["spec"]
    with_chief = jobs_of(made(backend, {"chief": True}))
    assert with_chief[worker]["template"]["spec"]["successPolicy"] == {"rules": [{"succeededIndexes": "0"}]}
    assert "successPolicy" not in with_chief["ps"]["template"]["spec"]


@pytest.mark.parametrize(("backend", "worker"), [("jobset", "worker"), ("trainjob", "node")])
def test_hosts_are_those_of_jobset(backend: str, worker: str) -> None:
    """<jobset>-<replicatedJob>-<jobIndex>-<podIndex>.<subdomain>: sigs.k8s.io/jobset api/jobset/v1alpha2, Network."""
    found = made(backend)
    data = found["ConfigMap"]["data"]
    assert data["PS_HOSTS"] == f"{NAME}-ps-0-0.{NAME}:2222"
    assert data["WORKER_HOSTS"] == ",".join(f"{NAME}-{worker}-0-{index}.{NAME}:2222" for index in range(2))
    assert {pod_of(job)["subdomain"] for job in jobs_of(found).values()} == {NAME}


@pytest.mark.parametrize("backend", workloads.names())
def test_names_stay_within_a_label_of_dns(backend: str) -> None:
    """The longest that a study makes, with the five letters that a Job adds."""
    host, _dot, subdomain = (
        workloads.workload(backend).address(f"tf-{'f' * 12}-1000-20", "worker", 10**6).partition(".")
    )
    assert len(f"{host}-abcde") <= 63
    assert len(subdomain) <= 63


def test_train_job_of_the_run_s_own_runtime() -> None:
    found = made("trainjob")
    spec = found["TrainJob"]["spec"]
    assert spec["runtimeRef"] == {"apiGroup": "trainer.kubeflow.org", "kind": "TrainingRuntime", "name": NAME}
    assert found["TrainingRuntime"]["metadata"]["name"] == NAME
    assert spec["trainer"] == {"numNodes": 2}
    assert jobs_of(found)["node"]["template"]["metadata"]["labels"] == {
        "trainer.kubeflow.org/trainjob-ancestor-step": "trainer"
    }
    assert jobs_of(found)["ps"]["template"]["metadata"]["labels"] == {}
    # From v2.1 on the webhook wants this name of the container (pkg/webhooks/trainingruntime_webhook.go).
    assert [one["name"] for one in pod_of(jobs_of(found)["node"])["containers"]] == ["node"]
    # The webhook wants the runtime first.
    assert list(found).index("TrainingRuntime") < list(found).index("TrainJob")


def test_train_job_of_a_runtime_of_the_cluster() -> None:
    found = made("trainjob", {**THEIRS, "processes_per_worker": 2}, **GIVEN)
    assert "TrainingRuntime" not in found
    spec = found["TrainJob"]["spec"]
    assert (spec["runtimeRef"]["kind"], spec["runtimeRef"]["name"]) == ("ClusterTrainingRuntime", "torch-distributed")
    trainer = spec["trainer"]
    assert (trainer["numNodes"], trainer["numProcPerNode"], trainer["image"]) == (2, 2, "trainer:1")
    assert trainer["command"][-1] == "x"
    pod = {
        "serviceAccountName": "trainer",
        "nodeSelector": {"tfscale.study/active": "true"},
        "tolerations": GIVEN["tolerations"],
        "volumes": GIVEN["volumes"],
        "containers": [{"name": "node", "volumeMounts": GIVEN["volume_mounts"]}],
    }
    labels = {"labels": {**LABELS, "tfscale.study/replica": "worker"}}
    # Of v2.0, v2.1 and v2.2: each release drops the others.
    assert spec["podSpecOverrides"] == [{"targetJobs": [{"name": "node"}], **pod}]
    assert spec["podTemplateOverrides"] == [{"targetJobs": [{"name": "node"}], "metadata": labels, "spec": pod}]
    [patch] = spec["runtimePatches"]
    assert patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"] == [
        {"name": "node", "template": {"spec": {"template": {"metadata": labels, "spec": pod}}}}
    ]


def test_environment_of_a_runtime_of_the_cluster_says_all_but_what_the_runtime_says() -> None:
    """kubeflow/trainer v2.0.0 refuses PET_* in a TrainJob (pkg/runtime/framework/plugins/torch/torch.go)."""
    entries = made("trainjob", THEIRS, **GIVEN)["TrainJob"]["spec"]["trainer"]["env"]
    env = env_of(entries)
    assert len(env) == len(entries)
    assert [name for name in env if name.startswith("PET_")] == ["PET_MAX_RESTARTS"]
    hosts = [f"{NAME}-node-0-{index}.{NAME}:2222" for index in range(2)]
    assert (env["WORKER_HOSTS"], env["MASTER_ADDR"]) == (",".join(hosts), hosts[0].partition(":")[0])
    assert json.loads(env["TF_CLUSTER"]) == {"worker": hosts}
    assert env["TOKEN"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
    # Kubernetes puts in only what stands before.
    names = list(env)
    assert names.index("JOB_COMPLETION_INDEX") < names.index("TASK_INDEX") < names.index("RANK")
    assert names.index("TF_CLUSTER") < names.index("TF_CONFIG")


def test_environment_of_a_runtime_of_the_cluster_names_nothing_twice() -> None:
    """Its names are the keys of a list, where a pod takes the last of several."""
    entries = made("trainjob", THEIRS, env={"WORKER_HOSTS": "mine", "JOB_NAME": "x"})["TrainJob"]["spec"]["trainer"][
        "env"
    ]
    env = env_of(entries)
    assert len(env) == len(entries)
    assert (env["WORKER_HOSTS"], env["JOB_NAME"]) == ("mine", "x")


def test_requests_are_never_empty_for_a_runtime_of_the_cluster() -> None:
    """Else the number of processes would be taken for 1."""
    limits = {"limits": {"cpu": "2"}}
    trainer = made("trainjob", THEIRS, worker_resources=limits)["TrainJob"]["spec"]["trainer"]
    assert trainer["resourcesPerNode"] == {**limits, "requests": {"cpu": "2"}}


def test_network_policy_of_a_train_job_selects_by_its_name() -> None:
    """Our labels do not reach the pods of a runtime of the cluster, whose processes meet at a port of its own."""
    own, theirs = made("trainjob")["NetworkPolicy"]["spec"], made("trainjob", THEIRS)["NetworkPolicy"]["spec"]
    assert own["podSelector"] == theirs["podSelector"] == {"matchLabels": {"jobset.sigs.k8s.io/jobset-name": NAME}}
    assert ([one["port"] for one in own["ingress"][0]["ports"]], theirs["ingress"][0]["ports"]) == ([2222], [])


@pytest.mark.parametrize("spec", [{"ps": 2}, {"ps": 0}, THEIRS])
def test_sizes_are_read_from_the_train_job_alone(spec: dict[str, Any]) -> None:
    found = made("trainjob", spec)["TrainJob"]
    ps = {"ps": spec["ps"]} if spec["ps"] else {}
    assert workloads.workload("trainjob").sizes(found) == {**ps, "worker": 2}


def test_sizes_are_read_from_the_jobset() -> None:
    assert workloads.workload("jobset").sizes(made("jobset", {"ps": 3})["JobSet"]) == {"ps": 3, "worker": 2}
