# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kueue's Workloads say of a run (their shapes: tests/fixtures/kueue.py); no test takes any time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.admission import (
    Queue,
    admission_of,
    queue_of,
)

from tests.fixtures import clusters, kueue
from tests.fixtures.clusters import FakeApi, refusal

CREATED = clusters.CREATED_WALL
WORKLOADS = Path(clusters.__file__).parent / "workloads"


class World:
    """One queue, and a clock that a test moves."""

    def __init__(self, *kinds: str, limit: float = 0.0) -> None:
        self.api = FakeApi()
        self.api.lists["workloads"] = []
        self.now = 0.0
        self.queue = Queue(
            self.api,  # type: ignore[arg-type]
            "tfscale",
            "team",
            {f"uid-{kind}": kind for kind in kinds or ("worker",)},
            created_wall=CREATED,
            limit=limit,
            clock=lambda: self.now,
        )

    def look(self, *workloads: Any, after: float = 1.0) -> Queue:
        self.api.lists["workloads"] = list(workloads)
        self.now += after
        self.queue.look()
        return self.queue


def recorded(name: str) -> dict[str, Any]:
    """Of Kueue v0.17.0 on a Kind cluster, for a JobSet or a TrainJob of two pods; without its podSets."""
    found: dict[str, Any] = json.loads((WORKLOADS / f"{name}.json").read_text())
    return found


def test_admission_of_recorded_workloads() -> None:
    admitted, waiting = admission_of(recorded("admitted")), admission_of(recorded("waiting"))
    assert admitted.cluster_queue == "handmade"
    assert admitted.admitted_wall is not None
    assert waiting.admitted_wall is None
    assert waiting.message.startswith("couldn't assign flavors to pod set ps: insufficient unused quota for pods")


@pytest.mark.parametrize("name", ["preempted", "preempted-and-waiting"])
def test_admission_of_recorded_workloads_that_were_preempted(name: str) -> None:
    """At once its pods still run, and a moment later it waits again."""
    found = admission_of(recorded(name))
    assert (found.is_evicted, found.admitted_wall, found.fate) == (True, None, "was preempted by Kueue")
    assert found.reason.startswith("Preempted to accommodate a workload (UID: ")
    assert found.evicted_wall > 0


def test_admission_of_a_workload_without_a_status() -> None:
    found = admission_of({"metadata": {"name": "x"}})
    assert (found.admitted_wall, found.message, found.refusal, found.is_evicted) == (None, "", "", False)


def test_admission_of_one_that_waits_has_kueues_own_message() -> None:
    assert admission_of(kueue.pending("u")).message == kueue.NO_QUOTA


def test_admission_of_one_that_has_quota_and_waits_for_a_check() -> None:
    checks = [
        {"name": "ready", "state": "Ready"},
        {"name": "capacity", "state": "Pending", "message": "asked for 2 nodes"},
    ]
    reserved = kueue.condition("QuotaReserved", "QuotaReserved", "Quota reserved in ClusterQueue team-cq")
    found = admission_of(kueue.workload("u", reserved, checks=checks, queue="team-cq"))
    assert (found.admitted_wall, found.cluster_queue) == (None, "team-cq")
    assert found.message == "admission check capacity is Pending: asked for 2 nodes"


def test_look_asks_for_the_workloads_of_the_runs_objects_once_a_second() -> None:
    world = World("ps", "worker")
    for _look in range(20):
        world.look(after=0.1)
    assert [path for _verb, path, _query in world.api.asked] == [f"{kueue.API}/namespaces/tfscale/workloads"] * 2
    assert {query["labelSelector"] for _verb, _path, query in world.api.asked} == {
        "kueue.x-k8s.io/job-uid in (uid-ps,uid-worker)"
    }


def test_look_of_an_admitted_run_ends_the_wait_at_kueues_moment() -> None:
    world = World()
    queue = world.look(kueue.pending("uid-worker"))
    assert (queue.waits_for, queue.because) == ("quota in queue team", kueue.NO_QUOTA)
    assert queue.evidence() == {"name": "team", "cluster_queue": None, "seconds": None}
    queue = world.look(kueue.admitted("uid-worker", second=12))
    assert (queue.waits_for, queue.admitted_wall) == ("", CREATED + 42)
    assert queue.evidence() == {"name": "team", "cluster_queue": "team-cq", "seconds": 42.0}
    asked = world.api.requests
    world.look()
    assert world.api.requests == asked


def test_look_of_two_objects_tells_which_of_them_waits() -> None:
    world = World("ps", "worker")
    assert world.look().waits_for == "quota in queue team (ps, worker)"
    queue = world.look(kueue.admitted("uid-ps", 3), kueue.pending("uid-worker"))
    assert (queue.waits_for, queue.because) == ("quota in queue team (worker; ps is admitted)", kueue.NO_QUOTA)
    queue = world.look(kueue.admitted("uid-worker", 30), kueue.admitted("uid-ps", 3))
    assert (queue.waits_for, queue.admitted_wall) == ("", CREATED + 60)


def test_look_does_not_take_one_for_admitted_that_kueue_is_evicting() -> None:
    assert World().look(kueue.preempted("uid-worker")).waits_for


def test_look_gives_up_at_the_deadline_with_kueues_message() -> None:
    world = World(limit=60.0)
    world.look(kueue.pending("uid-worker"), after=59.0)
    assert world.queue.lost == ""
    world.look(kueue.pending("uid-worker"))
    for told in ("60 s", "quota in queue team", "training_queue_deadline", kueue.NO_QUOTA):
        assert told in world.queue.lost


def test_look_without_a_deadline_waits_on() -> None:
    assert World().look(kueue.pending("uid-worker"), after=1e6).lost == ""


def test_look_gives_up_when_kueue_does_not_see_the_run() -> None:
    world = World()
    assert world.look(after=29.0).lost == ""
    assert "integrations.frameworks" in world.look(after=1.0).lost


@pytest.mark.parametrize(
    ("reason", "name", "message"),
    [
        (
            "Deactivated",
            "Evicted",
            "The workload is deactivated due to exceeding the maximum number of re-queuing retries",
        ),
        ("FailedToStart", "Finished", "conflict for key instance-type"),
    ],
)
def test_look_gives_up_what_will_never_be_admitted(reason: str, name: str, message: str) -> None:
    found = World().look(kueue.workload("uid-worker", kueue.condition(name, reason, message)))
    assert found.lost.endswith(message)
    assert "queue team" in found.lost


@pytest.mark.parametrize(("status", "is_over"), [(503, False), (0, False), (403, True), (404, True)])
def test_look_bears_a_server_that_is_away_and_no_refusal(status: int, is_over: bool) -> None:
    world = World()
    world.api.lists["workloads"] = refusal(status, "no workloads for eve")
    world.now = 1.0
    world.queue.look()
    assert bool(world.queue.lost) == is_over
    assert "no workloads for eve" in world.queue.lost or not is_over


def test_eviction_of_a_run_that_nobody_evicted() -> None:
    world = World()
    world.look(kueue.admitted("uid-worker"))
    assert world.queue.eviction() is None


@pytest.mark.parametrize(
    ("reason", "fate", "told"),
    [
        ("Preempted", "was preempted by Kueue", kueue.PREEMPTED),
        ("Deactivated", "was deactivated by Kueue", kueue.PREEMPTED),
        ("PodsReadyTimeout", "was evicted by Kueue", f"{kueue.PREEMPTED} (PodsReadyTimeout)"),
    ],
)
def test_eviction_tells_what_became_of_whom_and_why(reason: str, fate: str, told: str) -> None:
    world = World("ps", "worker")
    world.look(kueue.admitted("uid-ps"), kueue.admitted("uid-worker"))
    gone = kueue.admitted("uid-worker", 5, kueue.condition("Evicted", reason, kueue.PREEMPTED, second=20))
    world.api.lists["workloads"] = [kueue.admitted("uid-ps"), gone]
    assert world.queue.eviction() == ("worker", fate, told)


def test_eviction_of_a_run_that_kueue_has_admitted_again_by_now() -> None:
    world = World()
    world.look(kueue.admitted("uid-worker"))
    world.api.lists["workloads"] = [kueue.admitted_again("uid-worker")]
    assert world.queue.eviction() == ("worker", "was evicted by Kueue", kueue.PREEMPTED)


def test_eviction_before_the_admission_is_none_of_the_run() -> None:
    world = World()
    world.look(kueue.admitted_again("uid-worker"))
    assert world.queue.eviction() is None


@pytest.mark.parametrize(
    ("labels", "name"), [({}, ""), (None, ""), ({"kueue.x-k8s.io/queue-name": "default"}, "default")]
)
def test_queue_of_reads_the_label_that_the_objects_have(labels: Any, name: str) -> None:
    assert queue_of([{"metadata": {}}, {"metadata": {"labels": labels}}]) == name
