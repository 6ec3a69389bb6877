# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is removed, what stays, and for what is waited; no test takes any time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_cleanup
from ansible_collections.tfscale.study.plugins.module_utils._steps.errors import StepError

from tests.fixtures.clusters import FakeApi, event, refusal

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
            params, check_mode=check_mode, say=lambda _line: pytest.fail("it says nothing"), clock=lambda: self.now
        )

    def fail(self, **given: Any) -> tuple[str, dict[str, Any]]:
        with pytest.raises(StepError) as caught:
            self.clean(**given)
        return str(caught.value), caught.value.result

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
    assert {query["labelSelector"] for _verb, _path, query in world.api.asked} == {selector}
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
    assert world.api.asked[0][2]["labelSelector"] == selector
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
        ({"volume_claims": True}, "volume_claims is true, but training is not given: only a standing training has"),
    ],
)
def test_execute_refuses_in_a_sentence(world: World, given: dict[str, Any], sentence: str) -> None:
    msg, _result = world.fail(**given)
    assert msg.startswith(sentence)
    assert world.api.asked == []


ALONE: dict[str, Any] = {"study": None, "run_id": None, "attempt": None, "training": "mine"}


@pytest.mark.parametrize("volume_claims", [False, True])
def test_execute_of_a_standing_training(world: World, volume_claims: bool) -> None:
    world.api.lists |= {name: [named("mine")] for name in ("deployments", "persistentvolumeclaims")}
    result = world.clean(**ALONE, volume_claims=volume_claims)
    selector = f"{MANAGED},tfscale.study/training=mine,!tfscale.study/record"
    assert {query["labelSelector"] for _verb, _path, query in world.api.asked} == {selector}
    assert result["removed"] == ["deployments/mine", *OBJECTS, *["persistentvolumeclaims/mine"] * volume_claims]
    assert result["msg"].endswith(f"{8 if volume_claims else 7} objects of training mine were removed in 0 s.")
    # What makes pods goes first.
    assert set(world.deleted()[:2]) == {"deployments", "jobs"}
