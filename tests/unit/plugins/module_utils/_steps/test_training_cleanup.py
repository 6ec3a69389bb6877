# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is removed, what stays, and for what is waited; no test takes any time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.labels import STUDY, TRAINING
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_cleanup
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

from tests.fixtures.clusters import FakeApi, event, refusal
from tests.fixtures.objects import Store

RUN = "0123456789ab-1"
MANAGED = "app.kubernetes.io/managed-by=tfscale.study"
KEPT = "!tfscale.study/training,!tfscale.study/record"


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


class World:
    """A cluster in which a run was, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api = FakeApi()
        self.now = 0.0
        self.api.lists = {
            "jobs": [named("tf-ps"), named("tf-worker")],
            "pods": [named("tf-ps-0"), named("tf-worker-0")],
            "services": [named("tf-ps")],
            "configmaps": [named("tf")],
        }
        self.api.watches = [[event("DELETED", named("tf-ps-0")), event("DELETED", named("tf-worker-0"))]]
        monkeypatch.setattr(training_cleanup, "connect", lambda _auth: self.api)

    def clean(self, *, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        spec = training_cleanup.ARGUMENT_SPEC
        params = {name: option.get("default") for name, option in spec.items()}
        params |= {"namespace": "tfscale", "study": "mnist", "run_id": RUN, "attempt": 1, **given}
        return training_cleanup.execute(
            params,
            Context(
                check_mode=check_mode,
                say=lambda _line: pytest.fail("it says nothing"),
                clock=lambda: self.now,
                sleep=self.sleep,
            ),
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def fail(self, **given: Any) -> tuple[str, dict[str, Any]]:
        with pytest.raises(StepError) as caught:
            self.clean(**given)
        return str(caught.value), caught.value.result

    @property
    def asked(self) -> list[tuple[str, str, dict[str, Any]]]:
        """About objects of runs; whether somebody holds the study is asked before."""
        return [one for one in self.api.asked if not one[1].endswith("/leases")]

    def deleted(self) -> list[str]:
        return [path.rpartition("/")[2] for verb, path, _query in self.api.asked if verb == "delete"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


OBJECTS = ["jobs/tf-ps", "jobs/tf-worker", "pods/tf-ps-0", "pods/tf-worker-0", "services/tf-ps", "configmaps/tf"]


def test_execute_removes_makers_first_and_waits_for_the_pods(world: World) -> None:
    result = world.clean()
    assert result == {
        "changed": True,
        "removed": OBJECTS,
        "diff": {"before": {"objects": OBJECTS}, "after": {"objects": []}},
        "msg": f"6 objects of run {RUN} (attempt 1) were removed in 0 s.",
    }
    assert world.deleted()[0] == "jobs"
    assert sorted(world.deleted()) == ["configmaps", "jobs", "pods", "services"]
    watches = [query for verb, _path, query in world.api.asked if verb == "watch"]
    assert [query["since"] for query in watches] == ["5"]


def test_execute_asks_for_the_labels_and_spares_the_ledger(world: World) -> None:
    world.clean()
    selector = f"{MANAGED},tfscale.study/study=mnist,tfscale.study/run={RUN},tfscale.study/attempt=1,{KEPT}"
    assert {query["labelSelector"] for _verb, _path, query in world.asked} == {selector}
    assert all(
        query["options"] == {"propagationPolicy": "Background"}
        for verb, _path, query in world.api.asked
        if verb == "delete"
    )


@pytest.mark.parametrize(
    ("given", "selector", "whose"),
    [
        ({"study": None, "run_id": None, "attempt": None}, f"{MANAGED},{KEPT}", "all studies"),
        ({"run_id": None, "attempt": None}, f"{MANAGED},tfscale.study/study=mnist,{KEPT}", "study mnist"),
        ({"attempt": None}, f"{MANAGED},tfscale.study/study=mnist,tfscale.study/run={RUN},{KEPT}", f"run {RUN}"),
    ],
)
def test_execute_of_more_than_one_attempt(world: World, given: dict[str, Any], selector: str, whose: str) -> None:
    result = world.clean(**given)
    assert world.asked[0][2]["labelSelector"] == selector
    assert result["msg"].startswith(f"6 objects of {whose} were removed")


def test_execute_again_finds_nothing(world: World) -> None:
    world.api.lists = {}
    result = world.clean()
    assert result == {
        "changed": False,
        "removed": [],
        "diff": {"before": {"objects": []}, "after": {"objects": []}},
        "msg": f"Nothing of run {RUN} (attempt 1) is in namespace tfscale.",
    }
    assert {verb for verb, _path, _query in world.api.asked} == {"list"}


def test_execute_in_check_mode_changes_nothing(world: World) -> None:
    result = world.clean(check_mode=True)
    assert (result["changed"], result["removed"]) == (True, OBJECTS)
    assert result["msg"] == f"6 objects of run {RUN} (attempt 1) would be removed from namespace tfscale."
    assert {verb for verb, _path, _query in world.api.asked} == {"list"}


def test_execute_without_pods_does_not_wait(world: World) -> None:
    del world.api.lists["pods"]
    world.clean()
    assert "watch" not in {verb for verb, _path, _query in world.api.asked}


def test_execute_waits_for_a_pod_that_was_made_meanwhile(world: World) -> None:
    events = [
        event("DELETED", named("tf-ps-0")),
        event("ADDED", named("tf-worker-1")),
        event("MODIFIED", named("tf-worker-0")),
    ]
    world.api.watches = [
        [*events, event("DELETED", named("tf-worker-0"))],
        [event("DELETED", named("tf-worker-1"), "9")],
    ]
    assert world.clean()["changed"] is True
    watches = [query["since"] for verb, _path, query in world.api.asked if verb == "watch"]
    assert watches == ["5", "8"]


@pytest.mark.parametrize("status", [0, 410, 503])
def test_execute_looks_anew_after_a_watch_that_broke(world: World, status: int) -> None:
    def broken() -> Any:
        world.api.lists["pods"] = []
        return refusal(status)

    world.api.watches = [[broken]]
    assert world.clean()["removed"] == OBJECTS


def test_execute_bears_a_server_that_answers_badly_until_the_deadline(world: World) -> None:
    world.api.watches = [[refusal(0, "cluster x answers with a page")] for _time in range(1000)]
    msg, _result = world.fail(timeout=30.0)
    assert "2 pods of run" in msg
    assert "did not end within 30 s" in msg
    assert world.now == pytest.approx(30.0, abs=1)


def test_execute_names_the_pods_that_remain(world: World) -> None:
    names = [f"tf-worker-{index}" for index in range(7)]
    world.api.lists["pods"] = [named(name) for name in names]

    def late() -> dict[str, Any]:
        world.now = 120.0
        return event("BOOKMARK", named("x"))

    world.api.watches = [[event("DELETED", named("tf-worker-0")), late]]
    msg, result = world.fail()
    assert msg == (
        f"6 pods of run {RUN} (attempt 1) did not end within 2 min (timeout): tf-worker-1, tf-worker-2, tf-worker-3,"
        " tf-worker-4, tf-worker-5 and 1 more; look whether their nodes answer."
    )
    assert result["changed"] is True
    assert "pods/tf-worker-0" in result["removed"]
    assert result["diff"]["after"]["objects"] == [f"pods/{name}" for name in names[1:]]


@pytest.mark.parametrize("resource", ["jobs", "networkpolicies"])
def test_execute_names_a_right_that_is_missing(world: World, resource: str) -> None:
    world.api.lists[resource] = refusal(403, f"user u may not list {resource} in namespace tfscale: give that right")
    msg, result = world.fail()
    assert msg == f"user u may not list {resource} in namespace tfscale: give that right."
    assert (result, world.deleted()) == ({}, [])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"timeout": -1.0}, "timeout is -1.0: give a number from 0"),
        ({"run_id": None}, "attempt is 1, but run_id is not given: give the run, too."),
        ({"training": "a"}, "training is 'a', which belongs to no study: give neither study nor run_id."),
        ({"volume_claims": True}, "volume_claims is true, but training is not given: only a long-running training has"),
    ],
)
def test_execute_refuses_in_a_sentence(world: World, given: dict[str, Any], sentence: str) -> None:
    msg, _result = world.fail(**given)
    assert msg.startswith(sentence)
    assert world.api.asked == []


ALONE: dict[str, Any] = {"study": None, "run_id": None, "attempt": None, "training": "mine"}


@pytest.mark.parametrize("volume_claims", [False, True])
def test_execute_of_a_long_running_training(world: World, volume_claims: bool) -> None:
    world.api.lists |= {name: [named("mine")] for name in ("deployments", "persistentvolumeclaims")}
    result = world.clean(**ALONE, volume_claims=volume_claims)
    selector = f"{MANAGED},tfscale.study/training=mine,!tfscale.study/record"
    assert {query["labelSelector"] for _verb, _path, query in world.asked} == {selector}
    assert result["removed"] == ["deployments/mine", *OBJECTS, *["persistentvolumeclaims/mine"] * volume_claims]
    assert result["msg"].endswith(f"{8 if volume_claims else 7} objects of training mine were removed in 0 s.")
    # What makes pods goes first.
    assert set(world.deleted()[:2]) == {"deployments", "jobs"}


class Shared(Store):
    """A namespace in which others live, too; pods end as soon as they are removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        monkeypatch.setattr(training_cleanup, "connect", lambda _auth: self)
        self.deleted: list[str] = []

    def plant(self, labels: dict[str, str], name: str) -> None:
        for api, resource in training_cleanup.resources_of({"training": "mine", "volume_claims": True}):
            if resource not in ("pods", "leases"):
                path = f"{api}/namespaces/tfscale/{resource}"
                self.create(path, {"metadata": {"name": name, "labels": labels}})

    def delete(self, path: str, options: Any = None, *, read_seconds: float = 0, **query: Any) -> dict[str, Any]:
        self.deleted.append(path)
        return super().delete(path, options, **query)

    def names(self) -> set[str]:
        return {one["metadata"]["name"] for one in self.objects.values()}

    def clean(self, **given: Any) -> dict[str, Any]:
        params = {name: option.get("default") for name, option in training_cleanup.ARGUMENT_SPEC.items()}
        params |= {"namespace": "tfscale", "owner_pid": os.getpid(), **given}
        return training_cleanup.execute(params, Context())


OURS = {"app.kubernetes.io/managed-by": "tfscale.study"}
OF_STUDY = {**OURS, STUDY: "mnist", "tfscale.study/run": RUN, "tfscale.study/attempt": "1"}
OF_OTHERS = {
    "bare": {},
    "helm": {**OF_STUDY, "app.kubernetes.io/managed-by": "Helm"},
    "long-running": {**OURS, TRAINING: "mine"},
    "record": {**OURS, STUDY: "mnist", "tfscale.study/record": "true"},
}


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Shared:
    store = Shared(monkeypatch)
    for name, labels in OF_OTHERS.items():
        store.plant(labels, name)
    return store


@pytest.mark.parametrize(
    "given",
    [{}, {"study": "mnist"}, {"study": "mnist", "run_id": RUN}, {"study": "mnist", "run_id": RUN, "attempt": 1}],
)
def test_execute_leaves_what_others_have_there(shared: Shared, given: dict[str, Any]) -> None:
    shared.plant(OF_STUDY, "tf-x")
    assert shared.clean(**given)["removed"] == [
        f"{resource}/tf-x" for _api, resource in training_cleanup.resources_of({"training": None}) if resource != "pods"
    ]
    # What only a long-running training has is not looked for.
    assert {name for name in shared.names() if name != "tf-x"} == set(OF_OTHERS)


def test_execute_of_a_training_leaves_what_bears_its_name(shared: Shared) -> None:
    """A chart's StatefulSet may be called as our workers would be."""
    shared.plant({**OURS, TRAINING: "other"}, "mine-worker")
    before = dict(shared.objects)
    result = shared.clean(training="mine", volume_claims=True)
    assert result["changed"] is True
    assert shared.objects == {path: one for path, one in before.items() if one["metadata"]["name"] != "long-running"}


def test_execute_of_a_training_stops_its_workers_first(shared: Shared) -> None:
    labels = {**OURS, TRAINING: "mine"}
    path = "/apis/apps/v1/namespaces/tfscale/statefulsets"
    for kind in ("ps", "worker"):
        shared.create(path, {"metadata": {"name": f"mine-{kind}", "labels": labels}})
    shared.clean(training="mine")
    assert shared.deleted[0] == f"{path}/mine-worker"
    assert f"{path}/mine-ps" not in shared.objects


@pytest.mark.parametrize(
    ("label", "given"),
    [
        (STUDY, {}),
        (STUDY, {"study": "mnist"}),
        (STUDY, {"study": "mnist", "run_id": RUN, "attempt": 1}),
        (TRAINING, {}),
        (TRAINING, {"training": "mnist"}),
    ],
)
def test_execute_ends_nothing_that_another_controller_holds(shared: Shared, label: str, given: dict[str, Any]) -> None:
    shared.plant(OF_STUDY, "tf-x")
    LeaseLock(shared, "tfscale", "mnist", 7, label=label, host="far").acquire()
    before = dict(shared.objects)
    with pytest.raises(
        StepError, match=f"{label[14:]} mnist in namespace tfscale is held by process 7 on host far since 2"
    ):
        shared.clean(**given)
    assert (shared.objects, shared.deleted) == (before, [])
    assert shared.clean(end_held=True, **given)["changed"] is ("training" not in given)


def test_execute_ends_what_we_hold_and_what_nobody_holds(shared: Shared) -> None:
    shared.plant(OF_STUDY, "tf-x")
    LeaseLock(shared, "tfscale", "mnist", os.getpid()).acquire()
    LeaseLock(shared, "tfscale", "other", 7, host="far").acquire()
    assert shared.clean(study="mnist")["changed"] is True


def test_execute_names_a_study_that_is_kept_in_files(shared: Shared, tmp_path: Path) -> None:
    shared.plant(OF_STUDY, "tf-x")
    StudyLock(tmp_path / "mnist", os.getppid(), part="kind1").acquire()
    with pytest.raises(
        StepError, match=f"all studies in namespace tfscale is left as it is, .*: study {tmp_path}/mnist is"
    ):
        shared.clean(results_dir=str(tmp_path), part="kind1")
    assert shared.deleted == []
    assert shared.clean(results_dir=str(tmp_path), part="kind2")["changed"] is True


def test_execute_names_a_study_of_a_controller_that_is_not_known(shared: Shared, tmp_path: Path) -> None:
    path = "/api/v1/namespaces/tfscale/pods"
    shared.create(path, {"metadata": {"name": "tf-x-0", "labels": OF_STUDY}})
    with pytest.raises(
        StepError, match=r"study mnist in namespace tfscale has pods since .*, such as tf-x-0, and its controller"
    ):
        shared.clean(results_dir=str(tmp_path))
    assert (shared.deleted, f"{path}/tf-x-0" in shared.objects) == ([], True)


def test_execute_waits_for_pods_that_only_their_train_job_marks_as_ours(world: World) -> None:
    """Those of a runtime of the cluster have none of our labels."""
    left = [[named("a"), named("b")], [named("b")], []]

    def pods() -> list[Any]:
        query = world.api.asked[-1][2]
        if "jobset.sigs.k8s.io/jobset-name" not in query["labelSelector"]:
            return []
        assert query["labelSelector"] == "jobset.sigs.k8s.io/jobset-name in (tf-x,tf-y)"
        return left.pop(0)

    world.api.lists = {"trainjobs": [named("tf-x"), named("tf-y")], "pods": pods}
    result = world.clean()
    assert (result["removed"], left) == (["trainjobs/tf-x", "trainjobs/tf-y"], [])
    assert world.deleted() == ["trainjobs"]
    assert world.now == 1.0


def test_execute_names_such_pods_that_do_not_end(world: World) -> None:
    def pods() -> list[Any]:
        return [named("a")] if "jobset-name" in world.api.asked[-1][2]["labelSelector"] else []

    world.api.lists = {"trainjobs": [named("tf-x")], "pods": pods}
    message, _result = world.fail()
    assert "1 pod of run" in message
    assert "a; look" in message


def test_execute_removes_the_runtime_after_its_train_job(world: World) -> None:
    world.api.lists = {"trainjobs": [named("tf-x")], "trainingruntimes": [named("tf-x")]}
    world.clean()
    assert world.deleted() == ["trainjobs", "trainingruntimes"]


@pytest.mark.parametrize("status", [403, 404])
def test_execute_of_a_cluster_without_the_extensions(world: World, status: int) -> None:
    """Who may do little hears 403 where there is nothing that could be listed."""
    kinds = ("jobsets", "trainjobs", "trainingruntimes")
    world.api.lists |= {kind: refusal(status) for kind in kinds}
    assert world.clean()["removed"] == OBJECTS
    requests = [path for verb, path, _query in world.asked if verb == "list" and path.endswith(kinds)]
    assert len(requests) == len(kinds)
