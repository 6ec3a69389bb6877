# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes of lists and events in any order; no test takes any time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes import pod_status
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.replica_tracker import ReplicaTracker

from tests.fixtures import clusters
from tests.fixtures.clusters import condition, pod, running, terminated, waiting

UNSCHEDULABLE = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available.")


class Cluster:
    """A ReplicaTracker and its clock."""

    def __init__(self, ps: int = 1, workers: int = 2) -> None:
        self.now = 0.0
        self.pods = ReplicaTracker(
            expected={"worker": workers, "ps": ps},
            run_dir=Path("/r"),
            clock=lambda: self.now,
            wall=lambda: clusters.CREATED_WALL + 100 + self.now,
        )

    def take(self, *documents: dict[str, Any], kind: str = "MODIFIED") -> None:
        for document in documents:
            self.pods.take(kind, document)

    def states(self) -> list[str]:
        return [one.state for one in self.pods.look()[0]]

    def first(self) -> str | None:
        failure = self.pods.look()[1]
        return failure.ending if failure else None


def test_look_before_anything_was_seen() -> None:
    cluster = Cluster()
    replicas, first = cluster.pods.look()
    assert [(one.replica, one.index, one.state, one.log) for one in replicas] == [
        ("ps", 0, "pending", "/r/ps-0.log"),
        ("worker", 0, "pending", "/r/worker-0.log"),
        ("worker", 1, "pending", "/r/worker-1.log"),
    ]
    assert first is None
    assert cluster.pods.missing() == [("ps", 0), ("worker", 0), ("worker", 1)]


def test_take_follows_a_run_to_its_end() -> None:
    cluster = Cluster()
    cluster.take(pod("ps"), pod("worker", 0), pod("worker", 1), kind="ADDED")
    assert cluster.states() == ["pending"] * 3
    assert cluster.pods.missing() == []
    cluster.take(pod("ps", state=running()), pod("worker", 0, state=running()), pod("worker", 1, state=running()))
    assert cluster.states() == ["running"] * 3
    cluster.take(pod("worker", 1, state=terminated(0)))
    cluster.take(pod("worker", 0, state=terminated(0)))
    assert cluster.states() == ["running", "succeeded", "succeeded"]
    assert cluster.first() is None


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(pod("worker", 7), id="no such index"),
        pytest.param({**pod(), "metadata": {"name": "x-0", "uid": "u", "labels": {}}}, id="not of a run"),
    ],
)
def test_take_of_a_stranger(document: dict[str, Any]) -> None:
    cluster = Cluster()
    cluster.take(document)
    cluster.pods.replace([document])
    assert cluster.pods.statuses() == []


def test_take_keeps_the_first_end() -> None:
    cluster = Cluster()
    cluster.take(pod("worker", 0, state=terminated(0), policy="Always"))
    cluster.take(pod("worker", 0, state=running(), last=terminated(0), restarts=1, policy="Always"))
    cluster.take(pod("worker", 0, state=terminated(5), last=terminated(9), restarts=2, policy="Always"))
    replica = cluster.pods.look()[0][1]
    assert (replica.state, replica.exit_code, replica.restarts) == ("succeeded", 0, 1)
    status = cluster.pods.status("worker", 0)
    assert status is not None
    assert (status.restart_count, status.replica.state) == (2, "succeeded")


def test_look_names_who_failed_first_and_not_who_was_deleted_for_it() -> None:
    cluster = Cluster()
    cluster.take(pod("worker", 0, state=running()), pod("worker", 1, state=running()))
    cluster.take(pod("worker", 1, state=terminated(3)))
    # The controller of a failed Job deletes the others.
    cluster.take(pod("worker", 0, state=running(), deleting=True))
    assert cluster.first() == "worker 1 exited with code 3"
    assert cluster.states() == ["pending", "failed", "failed"]


def test_look_takes_a_named_cause_for_an_exit_that_followed_from_it() -> None:
    cluster = Cluster()
    cluster.take(pod("worker", 0, state=terminated(1)))
    assert cluster.first() == "worker 0 exited with code 1"
    cluster.take(pod("ps", state=terminated(137, reason="OOMKilled"), memory="64Mi"))
    assert cluster.first() == "ps 0 was killed by signal 9"
    cluster.take(pod("worker", 1, state=terminated(137, reason="OOMKilled")))
    assert cluster.first() == "ps 0 was killed by signal 9"


def test_look_keeps_a_named_cause_that_came_first() -> None:
    cluster = Cluster()
    cluster.take(pod("ps", state=running()), pod("ps", state=running(), deleting=True))
    cluster.take(pod("worker", 0, state=terminated(137, reason="OOMKilled")))
    assert cluster.first() == "ps 0 was deleted"


def test_replace_of_a_run_that_has_failed_already_finds_the_cause() -> None:
    cluster = Cluster()
    cluster.pods.replace(
        [
            pod("ps", state=running(), deleting=True),
            pod("worker", 0, state=terminated(1, 12)),
            pod("worker", 1, state=terminated(4, 11)),
        ]
    )
    assert cluster.first() == "worker 1 exited with code 4"


def test_replace_loses_what_is_not_there_any_more() -> None:
    cluster = Cluster()
    cluster.pods.replace([pod("ps", state=running()), pod("worker", 0, state=terminated(0))])
    cluster.pods.replace([])
    assert cluster.first() == "ps 0 was deleted"
    assert cluster.states() == ["failed", "succeeded", "pending"]


def test_replace_again_changes_nothing() -> None:
    cluster = Cluster()
    seen = [pod("ps", state=running()), pod("worker", 0, state=terminated(3))]
    cluster.pods.replace(seen)
    before = cluster.pods.look()
    cluster.pods.replace(seen)
    assert cluster.pods.look() == before


def test_take_of_a_deletion() -> None:
    cluster = Cluster()
    cluster.take(pod("worker", 0, state=running()))
    cluster.take(pod("worker", 0, state=running()), kind="DELETED")
    replica = cluster.pods.look()[0][1]
    assert (replica.ending, replica.reason) == (
        "worker 0 was deleted",
        f"its pod tf-{clusters.RUN_ID}-1-worker-0 was deleted from outside",
    )
    assert replica.ended_wall == clusters.CREATED_WALL + 100


def test_take_of_the_deletion_of_another_pod_of_that_name() -> None:
    cluster = Cluster()
    cluster.take(pod("worker", 0, state=running()))
    cluster.take(pod("worker", 0, uid="older"), kind="DELETED")
    assert cluster.states()[1] == "running"


def test_take_of_another_pod_in_the_place_of_one_that_ran() -> None:
    cluster = Cluster()
    cluster.take(pod("ps", state=running()))
    cluster.take(pod("ps", uid="other", state=running()))
    replica = cluster.pods.look()[0][0]
    assert (replica.ending, replica.restarts) == ("ps 0 was replaced", 1)
    assert "another one has taken its place" in replica.reason


def test_take_of_another_pod_in_the_place_of_one_that_ended() -> None:
    cluster = Cluster()
    cluster.take(pod("worker", 0, state=terminated(0)))
    for state in ({}, running(), terminated(1)):
        cluster.take(pod("worker", 0, uid="other", state=state))
    replica = cluster.pods.look()[0][1]
    assert (replica.state, replica.restarts) == ("succeeded", 1)
    assert cluster.first() is None


@pytest.mark.parametrize(
    ("document", "before", "seconds", "after"),
    [
        (pod(status=UNSCHEDULABLE), "pending", pod_status.UNSCHEDULABLE_SECONDS, "worker 0 was not scheduled"),
        (pod(state=waiting("CreateContainerError")), "pending", pod_status.WAITING_SECONDS, "worker 0 did not start"),
        (
            pod(state=running(), status=condition("Ready", "False")),
            "running",
            pod_status.NODE_LOST_SECONDS,
            "worker 0 was lost",
        ),
    ],
)
def test_look_gives_some_time_to_what_may_pass(
    document: dict[str, Any], before: str, seconds: float, after: str
) -> None:
    cluster = Cluster()
    cluster.take(document)
    cluster.now = seconds - 1
    # Told once more, it is as old as before.
    cluster.take(document)
    assert (cluster.states()[1], cluster.first()) == (before, None)
    cluster.now = seconds
    assert (cluster.states()[1], cluster.first()) == ("failed", after)
    assert cluster.pods.look()[0][1].ended_wall == clusters.CREATED_WALL + 100 + seconds


def test_look_forgets_what_has_passed() -> None:
    cluster = Cluster()
    cluster.take(pod(status=UNSCHEDULABLE))
    cluster.take(pod(state=running()))
    cluster.now = 1000.0
    assert (cluster.states()[1], cluster.first()) == ("running", None)


def test_refuse_fails_those_that_will_not_come() -> None:
    cluster = Cluster()
    cluster.take(pod("worker", 1, state=running()))
    cluster.pods.refuse("worker", "the cluster refuses its pod: exceeded quota: q")
    assert cluster.states() == ["pending", "failed", "running"]
    assert cluster.first() == "worker 0 was not created"
    assert cluster.pods.missing() == [("ps", 0)]
    failure = cluster.pods.look()[1]
    assert failure is not None
    assert failure.reason.endswith("exceeded quota: q")
