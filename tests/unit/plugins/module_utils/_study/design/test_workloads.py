# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workload that is nothing but a row and a manifest works from the variable's check to the cleanup.

It is made like a JobSet: one object holds ps and workers, and its controller gives the pods labels of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.backend import KubernetesBackend, Run
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError, StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import labels, permissions
from ansible_collections.tfscale.study.plugins.module_utils._steps import (
    cluster_preflight_info,
    study_namespace,
    training_cleanup,
    training_deploy,
    training_wait,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.design import inputs, variables, workloads
from ansible_collections.tfscale.study.plugins.module_utils._study.design.workloads import Workload

from tests.fixtures import clusters
from tests.fixtures.manifests import NAME, manifests
from tests.fixtures.objects import Store

TOYS = "/apis/toys.example.com/v1/namespaces/tfscale/toysets"
PODS = "/api/v1/namespaces/tfscale/pods"
OURS = {
    "app.kubernetes.io/managed-by": "tfscale.study",
    "tfscale.study/study": "mnist",
    "tfscale.study/run": clusters.RUN_ID,
    "tfscale.study/attempt": "1",
}

# --- all that the workload is ------------------------------------------------------------------------------------------

ROW = Workload(
    name="toyset",
    kind="ToySet",
    api="/apis/toys.example.com/v1",
    resource="toysets",
    sizes=lambda found: {one["name"]: one["replicas"] for one in found["spec"]["replicatedJobs"]},
    is_whole=True,
    group_label="toys.example.com/job",
    index_label="toys.example.com/index",
    index_field="metadata.labels['toys.example.com/index']",
)
TEMPLATES = {
    "toyset.yml.j2": """
{% set restart_policy = 'Never' %}
---
apiVersion: toys.example.com/v1
kind: ToySet
metadata:
  name: {{ replicas.name | to_json }}
  namespace: {{ cluster_namespace | to_json }}
  labels: {{ replicas.labels | to_json }}
spec:
  replicatedJobs:
{% for group in replicas.groups %}
{% set command = group.command %}
    - name: {{ group.kind | to_json }}
      replicas: {{ group.count }}
      template:
{% filter indent(8, true) %}{% include 'pod.yml.j2' %}{% endfilter %}

{% endfor %}
"""
}

# ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "WORKLOADS", (*workloads.WORKLOADS, ROW))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store(clock=lambda: clusters.CREATED_WALL)
    there.objects["/api/v1/namespaces/tfscale"] = {"metadata": {"name": "tfscale", "labels": labels.MANAGED}}
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    for step in (training_cleanup, training_deploy, training_wait):
        monkeypatch.setattr(step, "connect", lambda _params, **_more: there)
    return there


def deployed(store: Store, kind: str = "ToySet") -> list[str]:
    params = {name: option.get("default") for name, option in training_deploy.ARGUMENT_SPEC.items()}
    params |= {
        "namespace": "tfscale",
        "definition": [
            {**one, "kind": one["kind"].replace("ToySet", kind)} for one in manifests("toyset", templates=TEMPLATES)
        ],
    }
    made: list[str] = training_deploy.execute(params, Context())["made"]
    return made


def put_pods(store: Store) -> None:
    """As the workload's controller makes them: none of them bears our name for its group."""
    for kind, count in (("ps", 1), ("worker", 2)):
        for index in range(count):
            pod = clusters.pod(kind, index, state=clusters.running())
            pod["metadata"]["labels"] = {**OURS, ROW.group_label: kind, ROW.index_label: str(index)}
            pod["metadata"]["name"] = f"{NAME}-{kind}-0-{index}-x7x9q"
            store.create(PODS, pod)


def backend_of(store: Store, folder: Path, clock: Any = lambda: 0.0) -> KubernetesBackend:
    run = Run(namespace="tfscale", run_id=clusters.RUN_ID, attempt=1, workload="toyset")
    return KubernetesBackend(store, run, run_dir=folder, clock=clock, wall=lambda: 0.0, start=lambda _target: None)


def test_rows_use_the_label_of_our_manifests() -> None:
    ours = [one for one in workloads.WORKLOADS if not one.name_label]
    assert {one.group_label for one in ours} == {labels.REPLICA, ROW.group_label}


def test_variable_takes_a_workload_of_the_table() -> None:
    assert variables.check({"training_backend": "toyset"}) == {"training_backend": "toyset"}
    with pytest.raises(InputError, match=r"training_backend is 'toy'.*toyset"):
        variables.check({"training_backend": "toy"})


def test_specification_of_a_cluster_takes_a_workload_of_the_table() -> None:
    spec = {"train_steps": 20, "provider": "kind", "image": "trainer:1"}
    assert inputs.check_spec({**spec, "backend": "toyset"})["backend"] == "toyset"
    with pytest.raises(InputError, match=r"job, statefulset, .* or toyset"):
        inputs.check_spec({**spec, "backend": "processes"})


def test_permissions_ask_for_a_workload_of_the_table() -> None:
    rights = {f"{right.verb} {right.target}" for right in permissions.needed(nodes=False, leases=False)}
    assert {f"{verb} toysets.toys.example.com" for verb in permissions.OWN} <= rights


def test_preflight_names_a_right_that_a_workload_lacks(store: Store) -> None:
    store.apis[ROW.api] = {"toysets"}
    store.denied = {"create toysets.toys.example.com"}
    params = {name: option.get("default") for name, option in cluster_preflight_info.ARGUMENT_SPEC.items()}
    with pytest.raises(StepError, match=r"may not create toysets\.toys\.example\.com in namespace tfscale"):
        cluster_preflight_info.execute(params, Context())


def test_preflight_names_a_workload_that_the_cluster_does_not_know(store: Store) -> None:
    params = {name: option.get("default") for name, option in cluster_preflight_info.ARGUMENT_SPEC.items()}
    params |= {"backend": "toyset"}
    with pytest.raises(StepError, match=r"'toyset'.* ToySet \(toys\.example\.com/v1\).*job or statefulset"):
        cluster_preflight_info.execute(params, Context())
    store.apis[ROW.api] = {"playsets"}
    with pytest.raises(StepError, match="ToySet"):
        cluster_preflight_info.execute(params, Context())
    store.apis[ROW.api].add("toysets")
    assert "toysets" in " ".join(cluster_preflight_info.execute(params, Context())["rights"])
    # Nobody is told what they may not see; the first run tells.
    store.refuse("GET", ROW.api, 403)
    cluster_preflight_info.execute(params, Context())


def test_preflight_refuses_a_backend_that_no_cluster_has(store: Store) -> None:
    params = {name: option.get("default") for name, option in cluster_preflight_info.ARGUMENT_SPEC.items()}
    with pytest.raises(StepError, match="training_backend is 'processes'"):
        cluster_preflight_info.execute({**params, "backend": "processes"}, Context())


def test_deploy_makes_the_objects_of_the_manifest_and_no_other_kind(store: Store) -> None:
    assert deployed(store)[-1] == f"ToySet {NAME}"
    assert [place for place in store.objects if "toys" in place] == [f"{TOYS}/{NAME}"]
    assert deployed(store) == []
    with pytest.raises(StepError, match=r"'PlaySet'.*ToySet"):
        deployed(store, "PlaySet")


def test_manifest_is_rendered_once_for_all_groups_and_says_how_its_pods_start() -> None:
    kinds = [one["kind"] for one in manifests("toyset", templates=TEMPLATES)]
    assert kinds == ["ConfigMap", "NetworkPolicy", "ToySet"]
    for one in manifests("toyset", templates=TEMPLATES)[-1]["spec"]["replicatedJobs"]:
        (container,) = one["template"]["containers"]
        assert (one["template"]["restartPolicy"], container["command"]) == ("Never", ["x"])
        fields = [entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container["env"] if "valueFrom" in entry]
        assert fields == ["metadata.name", "metadata.labels['toys.example.com/index']"]


def test_backend_reads_sizes_of_both_groups_and_its_pods(store: Store, tmp_path: Path) -> None:
    deployed(store)
    backend = backend_of(store, tmp_path)
    assert [(one.replica, one.index, one.state) for one in backend.observe().replicas] == [
        ("ps", 0, "pending"),
        ("worker", 0, "pending"),
        ("worker", 1, "pending"),
    ]
    put_pods(store)
    backend._pods.replace(store.list(PODS)[0])
    assert {one.state for one in backend.observe().replicas} == {"running"}


def test_backend_knows_which_group_a_refused_pod_is_of(store: Store, tmp_path: Path) -> None:
    now = [0.0]
    deployed(store)
    backend = backend_of(store, tmp_path, clock=lambda: now[0])
    about = clusters.warning(f"{NAME}-worker-0", "FailedCreate", 'Error creating: pods "x" is forbidden: no room')
    store.objects["/api/v1/namespaces/tfscale/events/e"] = {**about, "metadata": {"name": "e"}}
    now[0] = 5.0
    seen = backend.observe()
    assert [(one.replica, one.state) for one in seen.replicas] == [
        ("ps", "pending"),
        ("worker", "failed"),
        ("worker", "failed"),
    ]
    assert seen.first_failure is not None
    assert "no room" in seen.first_failure.reason


def test_wait_builds_the_backend_of_a_workload_of_the_table(store: Store, tmp_path: Path) -> None:
    """Without its object: the wait has looked for the workload's."""
    params = {name: option.get("default") for name, option in training_wait.ARGUMENT_SPEC.items()}
    params |= {"backend": "toyset", "run_dir": str(tmp_path), "run_id": clusters.RUN_ID, "attempt": 1}
    with pytest.raises(StepError, match="has no toyset of workers in namespace tfscale"):
        training_wait.execute(params, Context())


def test_cleanup_finds_and_removes_objects_of_a_workload(store: Store) -> None:
    deployed(store)
    store.create(TOYS, {"metadata": {"name": "theirs", "labels": {"tfscale.study/study": "mnist"}}})
    params = {name: option.get("default") for name, option in training_cleanup.ARGUMENT_SPEC.items()}
    params |= {"namespace": "tfscale", "study": "mnist"}
    result = training_cleanup.execute(params, Context())
    assert f"toysets/{NAME}" in result["removed"]
    assert [place for place in store.objects if place.startswith(TOYS)] == [f"{TOYS}/theirs"]


@pytest.mark.parametrize(("place", "status"), [(TOYS, 404), (TOYS, 403), (PODS, 404)])
def test_cleanup_of_a_cluster_without_the_workload(store: Store, place: str, status: int) -> None:
    """A kind that the cluster does not know has no objects; one that may not be listed may have some."""
    store.create("/apis/batch/v1/namespaces/tfscale/jobs", {"metadata": {"name": "tf-x", "labels": OURS}})
    store.refuse("LIST", place, status)
    params = {name: option.get("default") for name, option in training_cleanup.ARGUMENT_SPEC.items()}
    params |= {"namespace": "tfscale", "study": "mnist"}
    if place == TOYS:
        assert training_cleanup.execute(params, Context())["removed"] == ["jobs/tf-x"]
    else:
        with pytest.raises(StepError):
            training_cleanup.execute(params, Context())


def test_namespace_stays_while_it_holds_a_workload_of_others(store: Store) -> None:
    store.create(TOYS, {"metadata": {"name": "theirs"}})
    params = {"name": "tfscale", "state": "absent", "labels": {}, "timeout": 1.0}
    params = {**{name: option.get("default") for name, option in study_namespace.ARGUMENT_SPEC.items()}, **params}
    assert "toysets/theirs" in study_namespace.execute(params, Context())["msg"]
