# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From recorded and possible pods to replicas and the sentences about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes import pod_status
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.pod_status import (
    PodStatus,
    pod_status_of,
)

from tests.fixtures import clusters
from tests.fixtures.clusters import condition, pod, recorded, running, terminated, waiting

NOW = clusters.CREATED_WALL + 1000


def see(document: dict[str, Any], now: float = NOW) -> PodStatus:
    status = pod_status_of(document, run_dir=Path("/r"), now=now)
    assert status is not None
    return status


@pytest.mark.parametrize(
    ("name", "state", "ending", "reason"),
    [
        ("running", "running", None, ""),
        ("completed", "succeeded", "worker 0 exited with code 0", ""),
        ("failed", "failed", "worker 0 exited with code 3", ""),
        (
            "OOMKilled",
            "failed",
            "worker 0 was killed by signal 9",
            "it took more than its memory limit of 512Mi (OOMKilled): our trainer's worker wants 768Mi",
        ),
        (
            "ErrImageNeverPull",
            "failed",
            "worker 0 did not start",
            "image local/nosuch:1 is not on node tfs-worker (ErrImageNeverPull): load it onto every node (role image)",
        ),
        ("CrashLoopBackOff", "failed", "worker 0 exited with code 1 again and again (CrashLoopBackOff)", ""),
    ],
)
def test_pod_status_of_recorded_pods(name: str, state: str, ending: str | None, reason: str) -> None:
    replica = see(recorded(name)).replica
    assert (replica.state, replica.reason) == (state, reason)
    if ending:
        assert replica.ending == ending


def test_pod_status_of_an_image_that_cannot_be_pulled_tells_the_registrys_answer() -> None:
    replica = see(recorded("ErrImagePull")).replica
    assert replica.ending == "worker 0 did not start"
    assert replica.reason.startswith("image local/nosuch:1 cannot be pulled on node tfs-worker (ErrImagePull): failed")
    assert replica.reason.endswith("no such host")


def test_pod_status_of_an_unschedulable_pod_waits_before_it_is_a_failure() -> None:
    status = see(recorded("Unschedulable"))
    assert (status.replica.state, status.grace, status.has_started) == (
        "pending",
        pod_status.UNSCHEDULABLE_SECONDS,
        False,
    )
    assert status.replica.ending == "worker 0 was not scheduled"
    assert "2 Insufficient cpu, 2 Insufficient memory" in status.replica.reason
    assert not status.replica.reason.endswith(".")


def test_pod_status_of_a_finished_pod_tells_where_and_when() -> None:
    replica = see(recorded("completed", "worker", 3)).replica
    assert (replica.replica, replica.index, replica.log) == ("worker", 3, "/r/worker-3.log")
    assert (replica.node, replica.host) == ("tfs-worker", "10.244.1.5")
    assert replica.image_id == (
        "docker.io/library/import-2026-11-24@sha256:781b718e153b0707cf4b7e2931947cbc17eb47fe6db8978c0a5833c04a0a9659"
    )
    assert replica.phases == {"scheduled": 0.0, "initialized": 0.0, "started": 1.0}
    assert (replica.cpu_seconds, replica.rss_peak_bytes, replica.restarts) == (None, None, 0)


@pytest.mark.parametrize(("seen", "ended"), [(-5.0, 0.0), (0.4, 0.4), (50.0, 1.0)])
def test_pod_status_of_an_end_is_known_within_a_second(seen: float, ended: float) -> None:
    finished = clusters.CREATED_WALL + 40
    status = see(pod(state=terminated(0, 10)), now=finished + seen)
    assert status.replica.ended_wall == finished + ended


@pytest.mark.parametrize("index", [0, 1])
def test_pod_status_of_stateful_replicas_that_ended_takes_the_end_before_the_restart(index: int) -> None:
    item = clusters.document("sts-after-finish")["items"][index]
    item["metadata"]["labels"]["tfscale.study/replica"] = "worker"
    status = see(item)
    assert (status.replica.index, status.replica.state, status.replica.exit_code) == (index, "succeeded", 0)
    # One start more belongs to a replica that is done; the others do not.
    assert status.replica.restarts == status.restart_count - 1 > 1


@pytest.mark.parametrize(
    ("document", "state", "restarts"),
    [
        pytest.param(pod(state=running(), last=terminated(0), restarts=1, policy="Always"), "succeeded", 0, id="done"),
        pytest.param(pod(state=running(), last=terminated(3), restarts=1, policy="Always"), "failed", 0, id="failed"),
        pytest.param(pod(state=running(), last=terminated(0), restarts=2, policy="Always"), "succeeded", 1, id="twice"),
        pytest.param(pod(state=running(), last=terminated(1), restarts=1, policy="OnFailure"), "failed", 1, id="job"),
        pytest.param(pod("ps", state=running(), last=terminated(0), restarts=1, policy="Always"), "failed", 0, id="ps"),
        pytest.param(pod("ps", state=terminated(0)), "failed", 0, id="a ps never ends by itself"),
        pytest.param(pod(state=waiting("CrashLoopBackOff"), last=terminated(0)), "succeeded", 0, id="waits to sleep"),
        pytest.param(pod(status={"phase": "Succeeded"}), "succeeded", 0, id="containers are not told"),
    ],
)
def test_pod_status_of_first_ends(document: dict[str, Any], state: str, restarts: int) -> None:
    replica = see(document).replica
    assert (replica.state, replica.restarts) == (state, restarts)


@pytest.mark.parametrize(
    ("code", "exit_code", "signal"),
    [(0, 0, None), (1, 1, None), (128, 128, None), (137, None, 9), (143, None, 15), (255, 255, None)],
)
def test_pod_status_of_exit_codes_that_stand_for_signals(code: int, exit_code: int | None, signal: int | None) -> None:
    replica = see(pod(state=terminated(code))).replica
    assert (replica.exit_code, replica.signal) == (exit_code, signal)


@pytest.mark.parametrize(
    ("kind", "memory", "advice"),
    [
        ("worker", "512Mi", "our trainer's worker wants 768Mi"),
        ("ps", "256M", "our trainer's ps wants 384Mi"),
        ("ps", "384Mi", "give it more"),
        ("worker", "1Gi", "give it more"),
        ("worker", "", "node node-a ran out of memory (OOMKilled)"),
    ],
)
def test_pod_status_of_a_pod_that_took_too_much_memory(kind: str, memory: str, advice: str) -> None:
    replica = see(pod(kind, state=terminated(137, reason="OOMKilled"), memory=memory)).replica
    assert (replica.state, replica.signal) == ("failed", 9)
    assert advice in replica.reason
    assert memory in replica.reason


@pytest.mark.parametrize(
    ("document", "ending", "reason"),
    [
        pytest.param(
            pod(state=terminated(128, reason="StartError", message='exec: "nosuch": not found in $PATH.')),
            "did not start",
            'StartError: exec: "nosuch": not found in $PATH',
            id="start error",
        ),
        pytest.param(
            pod(state=terminated(137, reason="ContainerStatusUnknown")),
            "was lost",
            "node node-a has lost its state",
            id="unknown",
        ),
        pytest.param(
            pod(status={"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
            "was evicted",
            "node node-a ran out of a resource (Evicted): The node was low on resource: memory",
            id="evicted",
        ),
        pytest.param(
            pod(state=terminated(143), status=condition("DisruptionTarget", "True", "PreemptionByScheduler", "for p")),
            "was preempted",
            "a pod of higher priority took its place on node node-a (PreemptionByScheduler): for p",
            id="preempted",
        ),
        pytest.param(
            pod(state=running(), deleting=True, status=condition("DisruptionTarget", "True", "DeletionByTaintManager")),
            "was lost",
            "node node-a is tainted or does not answer (DeletionByTaintManager)",
            id="taint",
        ),
        pytest.param(
            pod(state=running(), status={"phase": "Failed", "reason": "DeadlineExceeded"}),
            "was stopped",
            "the time that its Job or pod may take (activeDeadlineSeconds) has passed (DeadlineExceeded)",
            id="deadline",
        ),
        pytest.param(
            pod(status={"phase": "Failed", "reason": "OutOfcpu", "message": "Pod was rejected"}),
            "was refused by its node",
            "node node-a says OutOfcpu: Pod was rejected",
            id="refused",
        ),
        pytest.param(
            pod(state=running(), deleting=True),
            "was deleted",
            f"its pod tf-{clusters.RUN_ID}-1-worker-0 was deleted from outside",
            id="deleted",
        ),
        pytest.param(
            pod(state=terminated(137), deleting=True),
            "was deleted",
            f"its pod tf-{clusters.RUN_ID}-1-worker-0 was deleted from outside",
            id="killed by its deletion",
        ),
        pytest.param(
            pod(state=waiting("InvalidImageName", 'couldn\'t parse image name "A"')),
            "did not start",
            "image tfscale/trainer:1 is no name of an image (InvalidImageName): set training_image to a valid one",
            id="image name",
        ),
        pytest.param(
            pod(state=waiting("ImagePullBackOff", "Back-off pulling")),
            "did not start",
            "image tfscale/trainer:1 cannot be pulled on node node-a (ImagePullBackOff): Back-off pulling",
            id="pull",
        ),
    ],
)
def test_pod_status_of_failures(document: dict[str, Any], ending: str, reason: str) -> None:
    status = see(document)
    assert (status.replica.state, status.grace) == ("failed", None)
    assert (status.replica.ending, status.replica.reason) == (f"worker 0 {ending}", reason)
    assert status.is_deletion is ("deleted" in ending)


def test_pod_status_of_memory_goes_before_what_followed_from_it() -> None:
    replica = see(pod(state=terminated(137, reason="OOMKilled"), deleting=True, memory="64Mi")).replica
    assert replica.reason.startswith("it took more than its memory limit of 64Mi")


@pytest.mark.parametrize(
    ("document", "state", "grace"),
    [
        pytest.param(pod(), "pending", None, id="just made"),
        pytest.param(pod(state=waiting("ContainerCreating")), "pending", None, id="being made"),
        pytest.param(pod(state=waiting("PodInitializing")), "pending", None, id="initialised"),
        pytest.param(
            pod(state=waiting("CreateContainerConfigError", 'configmap "x" not found')),
            "pending",
            pod_status.WAITING_SECONDS,
            id="a ConfigMap may come yet",
        ),
        pytest.param(
            pod(status=condition("PodScheduled", "False", "SchedulingGated")),
            "pending",
            None,
            id="held back on purpose",
        ),
        pytest.param(
            pod(state=running(), status=condition("Ready", "False", "ContainersNotReady")),
            "running",
            None,
            id="unready",
        ),
        pytest.param(
            pod(state=running(), status=condition("Ready", "False")),
            "running",
            pod_status.NODE_LOST_SECONDS,
            id="node is away",
        ),
        pytest.param(pod(state=terminated(0), deleting=True), "succeeded", None, id="removed after its end"),
    ],
)
def test_pod_status_of_what_is_no_failure_yet(document: dict[str, Any], state: str, grace: float | None) -> None:
    status = see(document)
    assert (status.replica.state, status.grace) == (state, grace)
    if grace:
        assert status.replica.reason


@pytest.mark.parametrize(
    ("labels", "hostname", "expected"),
    [
        ({"apps.kubernetes.io/pod-index": "4"}, "x", ("worker", 4)),
        ({"batch.kubernetes.io/job-completion-index": "5"}, "x-9", ("worker", 5)),
        ({}, "tf-x-1-worker-12", ("worker", 12)),
        ({}, "tf-x", None),
        ({"tfscale.study/replica": "chief"}, "x-1", None),
        ({"tfscale.study/replica": "ps"}, "x-1", ("ps", 1)),
    ],
)
def test_pod_status_of_tells_the_replica(
    labels: dict[str, str], hostname: str, expected: tuple[str, int] | None
) -> None:
    document = pod()
    document["metadata"]["labels"] = {"tfscale.study/replica": "worker", **labels}
    document["spec"]["hostname"] = hostname
    status = pod_status_of(document, run_dir=Path("/r"), now=NOW)
    assert (status.key if status else None) == expected


def test_pod_status_of_our_container_among_others() -> None:
    document = pod(state=terminated(3))
    document["status"]["containerStatuses"].insert(0, {"name": "mesh", "restartCount": 4, "state": running()})
    status = see(document)
    assert (status.replica.exit_code, status.restart_count) == (3, 0)


def test_pod_status_of_a_long_message_is_cut() -> None:
    replica = see(pod(state=waiting("ErrImagePull", "x" * 5000 + "\n"))).replica
    assert len(replica.reason) < 600
    assert replica.reason.endswith("...")


HOSTILE = "\x1b]0;owned\x07no\r\n\x1b[31mroom\u202e\udcff"


@pytest.mark.parametrize(
    "document",
    [
        pod(state=waiting("ErrImagePull", HOSTILE)),
        pod(state=waiting(HOSTILE, HOSTILE)),
        pod(state=terminated(128, reason="StartError", message=HOSTILE)),
        pod(status={"phase": "Failed", "reason": HOSTILE, "message": HOSTILE}),
    ],
)
def test_pod_status_of_text_that_acts_on_a_terminal_is_only_text(document: dict[str, Any]) -> None:
    replica = see(document).replica
    assert "no room \ufffd" in replica.reason
    assert f"{replica.ending}{replica.reason}".isprintable()


def test_events_that_act_on_a_terminal_are_only_text() -> None:
    events = [clusters.warning("a", "FailedCreate", HOSTILE)]
    assert pod_status.refusal_of(events, "a") == pod_status.trouble_of(events, "a") == "no room \ufffd"


QUOTA = "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (f'Error creating: pods "a-0-x" is forbidden: {QUOTA}', QUOTA),
        (f'create Pod a-0 in StatefulSet a failed error: pods "a-0" is forbidden: {QUOTA}', QUOTA),
        (
            'Error creating: pods "a" is forbidden: violates PodSecurity "restricted:latest": x',
            'violates PodSecurity "restricted:latest": x',
        ),
        (
            'Error creating: pods "a-0-" is forbidden: error looking up service account n/s: serviceaccount "s" not found',
            'error looking up service account n/s: serviceaccount "s" not found',
        ),
        ("Error creating: Internal error occurred: no endpoints", "Internal error occurred: no endpoints"),
    ],
)
def test_refusal_of_tells_the_clusters_reason(message: str, told: str) -> None:
    events = [clusters.warning("a", "FailedCreate", message), clusters.warning("b", "FailedCreate", "other")]
    assert pod_status.refusal_of(events, "a") == told


def test_refusal_of_takes_the_newest_and_no_other_warning() -> None:
    events = [
        clusters.warning("a", "FailedCreate", "Error creating: late", 9),
        clusters.warning("a", "FailedCreate", "Error creating: early", 1),
        clusters.warning("a", "BackOff", "else", 20),
    ]
    assert pod_status.refusal_of(events, "a") == "late"
    assert pod_status.refusal_of(events[2:], "a") == ""
    assert pod_status.refusal_of([], "a") == ""


def test_trouble_of_recorded_events_is_the_newest_warning() -> None:
    events = clusters.document("Unschedulable.events")["items"]
    assert pod_status.trouble_of(events, "fx-unsched").startswith("0/3 nodes are available")
    assert pod_status.trouble_of(clusters.document("running.events")["items"], "fx-running") == ""
