# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made, what is brought up to date, and what of others stays; in a store with the server's rules."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ownership import path_of, places
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_deploy

from tests.fixtures.objects import Store

OF_RUN = {
    "app.kubernetes.io/managed-by": "tfscale.study",
    "tfscale.study/study": "mnist",
    "tfscale.study/cell": "0123456789ab",
    "tfscale.study/run": "0123456789ab-1",
    "tfscale.study/attempt": "1",
}
OF_TRAINING = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/training": "mine"}


def manifest(kind: str, labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "tf-x", "namespace": "tfscale", "labels": labels}, "spec": spec}


RUN = [manifest("ConfigMap", OF_RUN), manifest("Service", OF_RUN, ports=[1]), manifest("Job", OF_RUN, completions=2)]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(training_deploy, "connect", lambda _auth, patience: made)
    return made


def deploy(*definition: Any, check_mode: bool = False, namespace: str = "tfscale") -> dict[str, Any]:
    params = {"namespace": namespace, "definition": list(definition)}
    return training_deploy.execute(params, Context(check_mode=check_mode))


def failure(*definition: Any, **given: Any) -> str:
    with pytest.raises(StepError) as caught:
        deploy(*definition, **given)
    return str(caught.value)


def test_execute_makes_all_objects_and_then_nothing(store: Store) -> None:
    result = deploy(*RUN)
    assert result["changed"] is True
    assert result["made"] == ["ConfigMap tf-x", "Service tf-x", "Job tf-x"]
    assert result["msg"] == "In namespace tfscale: 3 objects made."
    before = copy.deepcopy(store.objects)
    again = deploy(*RUN)
    assert (again["changed"], again["made"], store.objects) == (False, [], before)
    assert again["msg"] == "In namespace tfscale: all is there already."


def test_execute_in_check_mode_makes_nothing(store: Store) -> None:
    result = deploy(*RUN, check_mode=True)
    assert (result["changed"], store.objects) == (True, {})
    assert result["msg"] == "In namespace tfscale: would be 3 objects made."


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_brings_its_own_up_to_date(store: Store, check_mode: bool) -> None:
    deploy(manifest("PersistentVolumeClaim", OF_TRAINING, size="1Gi", volumeName="v"))
    before = copy.deepcopy(store.objects)
    result = deploy(manifest("PersistentVolumeClaim", OF_TRAINING, size="2Gi"), check_mode=check_mode)
    assert (result["changed"], result["made"]) == (True, [])
    assert result["diff"]["after"]["changed"] == ["PersistentVolumeClaim tf-x"]
    [claim] = store.objects.values()
    assert claim["spec"] == ({"size": "1Gi", "volumeName": "v"} if check_mode else {"size": "2Gi", "volumeName": "v"})
    assert (store.objects == before) is check_mode


FOREIGN: list[tuple[dict[str, str], dict[str, str] | None, str]] = [
    (OF_RUN, None, "app.kubernetes.io/managed-by=tfscale.study, tfscale.study/study=mnist"),
    (OF_RUN, {}, "app.kubernetes.io/managed-by=tfscale.study"),
    (OF_RUN, {**OF_RUN, "app.kubernetes.io/managed-by": "Helm"}, "app.kubernetes.io/managed-by=tfscale.study)"),
    (OF_RUN, {**OF_RUN, "tfscale.study/study": "other"}, "tfscale.study/study=mnist)"),
    (OF_RUN, {**OF_RUN, "tfscale.study/attempt": "2"}, "tfscale.study/attempt=1)"),
    (OF_TRAINING, {**OF_TRAINING, "tfscale.study/training": "other"}, "tfscale.study/training=mine)"),
    (OF_TRAINING, OF_RUN, "tfscale.study/training=mine)"),
]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("kind", places())
@pytest.mark.parametrize(("ours", "theirs", "lacking"), FOREIGN)
def test_execute_leaves_all_where_one_is_of_others(
    store: Store, kind: str, ours: dict[str, str], theirs: dict[str, str] | None, lacking: str, check_mode: bool
) -> None:
    twin = {"kind": kind, "metadata": {"name": "twin", "labels": theirs}, "data": {"password": "x"}}
    store.create(path_of(kind, "tfscale"), twin)
    before = copy.deepcopy(store.objects)
    wanted = [manifest("Service", ours), {"kind": kind, "metadata": {"name": "twin", "labels": ours}}]
    said = failure(*wanted, check_mode=check_mode)
    assert said.startswith(f"{kind} tfscale/twin is there and is not ours (it has no label ")
    assert lacking in said
    assert store.objects == before


def test_execute_leaves_what_somebody_makes_meanwhile(store: Store) -> None:
    path = path_of("Service", "tfscale")
    twin = {"kind": "Service", "metadata": {"name": "tf-x"}, "spec": {"theirs": True}}
    store.meanwhile = lambda: store.create(path, twin)
    assert "Service tfscale/tf-x is there and is not ours" in failure(manifest("Service", OF_RUN))
    assert store.objects[f"{path}/tf-x"]["spec"] == {"theirs": True}


def test_execute_goes_on_after_an_answer_that_was_lost(store: Store) -> None:
    one = manifest("Service", OF_RUN, ports=[1])
    store.meanwhile = lambda: store.create(path_of("Service", "tfscale"), one)
    assert deploy(one)["made"] == ["Service tf-x"]


def test_execute_changes_only_the_version_that_it_has_seen(store: Store) -> None:
    deploy(manifest("Service", OF_RUN, ports=[1]))
    path = f"{path_of('Service', 'tfscale')}/tf-x"

    def taken() -> None:
        store.objects[path]["metadata"] |= {"labels": {}, "resourceVersion": "99"}

    store.meanwhile = taken
    assert "Service tfscale/tf-x is there and is not ours" in failure(manifest("Service", OF_RUN, ports=[2]))
    assert store.objects[path]["spec"] == {"ports": [1]}


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_changes_what_a_controller_writes_into_meanwhile(store: Store, check_mode: bool) -> None:
    deploy(manifest("Job", OF_RUN, completions=1))
    path = f"{path_of('Job', 'tfscale')}/tf-x"

    def counted() -> None:
        store.objects[path] |= {"status": {"active": 1}}
        store.objects[path]["metadata"]["resourceVersion"] = "99"

    store.meanwhile = counted
    result = deploy(manifest("Job", OF_RUN, completions=2), check_mode=check_mode)
    assert result["diff"]["after"]["changed"] == ["Job tf-x"]
    assert store.objects[path]["spec"] == {"completions": 1 if check_mode else 2}
    assert store.objects[path]["status"] == {"active": 1}


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        ({"kind": "Pod", "metadata": {"name": "x"}}, "definition[0] is 'Pod': give manifests of ConfigMap, Service"),
        ({"kind": "Job", "metadata": {}}, "definition[0] is 'Job': give manifests of"),
        ({}, "definition[0] is None: give"),
        (manifest("Job", {}), "definition[0] (Job tf-x) has the labels {}: give app.kubernetes.io/managed-by"),
        (manifest("Job", {"app.kubernetes.io/managed-by": "tfscale.study"}), "definition[0] (Job tf-x) has the labels"),
        (manifest("Job", {"tfscale.study/study": "a"}), "definition[0] (Job tf-x) has the labels"),
        (
            {"kind": "Job", "metadata": {"name": "x", "namespace": "other", "labels": OF_RUN}},
            "definition[0] (Job x) is of namespace 'other': give 'tfscale'.",
        ),
    ],
)
def test_execute_refuses_manifests_that_are_not_of_ours(store: Store, definition: Any, sentence: str) -> None:
    assert failure(definition).startswith(sentence)
    assert store.requests == 0


def test_execute_names_a_namespace_that_is_missing_or_wrong(store: Store) -> None:
    assert "cluster_namespace is 'No': give a name" in failure(namespace="No")
    assert 'namespaces "nowhere" not found' in failure(
        {**RUN[0], "metadata": {"name": "x", "labels": OF_RUN}}, namespace="nowhere"
    )


DENIED = 'admission webhook "vjobset.kb.io" denied the request: JobSet name is too long'
SILENT = 'Internal error occurred: failed calling webhook "mjobset.kb.io": failed to call webhook: connection refused'
# As Kubeflow Trainer v2.2.0 and Kueue v0.17.0 say it.
BEHIND = (
    'admission webhook "v" denied the request: specified trainingRuntime must be created before the TrainJob is created',
    "admission webhook \"v\" denied the request: runtime 'tf-x' not found",
)


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (403, DENIED, ["JobSet tf-x is refused by webhook vjobset.kb.io", "JobSet name is too long"]),
        (500, SILENT, ["JobSet tf-x cannot be made", "webhook mjobset.kb.io does not answer", "connection refused"]),
        (422, "spec.x is wrong", ["spec.x is wrong"]),
    ],
)
def test_execute_names_the_object_that_a_webhook_refuses(
    store: Store, status: int, message: str, told: list[str]
) -> None:
    store.refuse("POST", path_of("JobSet", "tfscale"), status, message)
    sentence = failure(manifest("JobSet", OF_RUN))
    assert [part for part in told if part not in sentence] == []


def test_execute_repeats_no_environment_that_a_webhook_refuses(store: Store) -> None:
    """As Kubeflow Trainer v2.2.0 refused a runtime: with the whole container, of which the last words say why."""
    value = json.dumps([{"name": "trainer", "command": ["[ a = b: ]"], "env": [{"name": "TOKEN", "value": "hunter2"}]}])
    why = "must contain the required container for the ancestor: trainer"
    errors = f"[spec.template.containers: Invalid value: {value}: {why}, spec.x: Invalid value: 3: must be 1]"
    store.refuse(
        "POST", path_of("JobSet", "tfscale"), 403, f'admission webhook "validator" denied the request: {errors}'
    )
    sentence = failure(manifest("JobSet", OF_RUN))
    assert "hunter2" not in sentence
    assert f"spec.template.containers: {why}" in sentence
    assert "spec.x: Invalid value: 3: must be 1" in sentence


@pytest.mark.parametrize("message", BEHIND)
@pytest.mark.parametrize("seconds", [2.0, 60.0])
def test_execute_waits_for_a_webhook_to_see_the_runtime(store: Store, seconds: float, message: str) -> None:
    """It looks into a cache, which is a moment behind."""
    place, now = path_of("TrainJob", "tfscale"), [0.0]

    def sleep(some: float) -> None:
        now[0] += some
        if now[0] >= seconds:
            store.refused.clear()

    store.refuse("POST", place, 403, message)
    params = {"namespace": "tfscale", "definition": [manifest("TrainingRuntime", OF_RUN), manifest("TrainJob", OF_RUN)]}
    context = Context(clock=lambda: now[0], sleep=sleep)
    if seconds < training_deploy.CACHE_SECONDS:
        assert training_deploy.execute(params, context)["made"] == ["TrainingRuntime tf-x", "TrainJob tf-x"]
        assert now[0] == pytest.approx(seconds)
    else:
        with pytest.raises(StepError, match="TrainJob tf-x is refused by webhook v"):
            training_deploy.execute(params, context)
