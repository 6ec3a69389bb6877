# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One phase of an upgrade: when it is done, and when it will never be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._deployment.objects import LongRunningTraining
from ansible_collections.tfscale.study.plugins.module_utils._deployment.rollout import (
    MISSING_SECONDS,
    NotReadyError,
    Rollout,
)
from ansible_collections.tfscale.study.plugins.module_utils._deployment.upgrade_plan import Phase

from tests.fixtures.long_running import APPS, CORE, NAME, NAMESPACE, LongRunningCluster, manifests


class Site:
    def __init__(self) -> None:
        self.cluster = LongRunningCluster()
        self.now = 0.0
        self.kept = 0
        self.training = LongRunningTraining(self.cluster, NAMESPACE, NAME)

    def keep(self) -> None:
        self.kept += 1

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def carry_out(self, do: str, group: str = "worker", down_to: int = 0, **given: Any) -> str:
        options = {"timeout": 60.0, "min_ready_seconds": 0.0, **given.pop("options", {})}
        context = Context(clock=lambda: self.now, wall=lambda: self.now, sleep=self.sleep)
        rollout = Rollout(self.training, **options, keep=self.keep, context=context)
        wanted = {one["metadata"]["name"]: one for one in manifests(**given)}
        return rollout.carry_out(Phase(do, group, down_to), wanted[f"{NAME}-{group}"])

    def fail(self, *phase: Any, **given: Any) -> str:
        with pytest.raises(NotReadyError) as caught:
            self.carry_out(*phase, **given)
        return str(caught.value)


@pytest.fixture
def site() -> Site:
    return Site()


def test_roll_renews_the_replicas_from_a_number_on(site: Site) -> None:
    assert site.carry_out("roll", "worker", 1, image="trainer:2").startswith("worker 1 ready in ")
    assert site.cluster.images() == {"ps-0": "trainer:1", "worker-0": "trainer:1", "worker-1": "trainer:2"}
    strategy = site.cluster.get(f"{APPS}/{NAME}-worker")["spec"]["updateStrategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}


def test_stop_waits_until_no_pod_is_left(site: Site) -> None:
    assert site.carry_out("stop").startswith("worker stopped in ")
    assert list(site.cluster.images()) == ["ps-0"]


def test_start_waits_until_surplus_replicas_are_gone(site: Site) -> None:
    site.carry_out("start", workers=1)
    assert list(site.cluster.images()) == ["ps-0", "worker-0"]


def test_any_phase_again_is_done_at_once(site: Site) -> None:
    site.carry_out("roll", "worker", 0, image="trainer:2")
    site.cluster.renewed = []
    assert site.carry_out("roll", "worker", 0, image="trainer:2") == "worker 0 ready in 0 s"
    assert site.cluster.renewed == []


def test_a_replica_must_stay_ready(site: Site) -> None:
    site.carry_out("roll", "worker", 0, image="trainer:2", options={"min_ready_seconds": 10.0})
    assert site.now >= 10.0
    assert site.kept == site.now / 0.5


def test_a_replica_that_leaves_readiness_starts_its_time_anew(site: Site) -> None:
    lost: list[float] = []

    def keep() -> None:
        pod = site.cluster.pods.get(f"{NAME}-worker-0")
        if pod is not None and site.now > 5 and len(lost) < 2:
            image = "trainer:2" if lost else "deaf:2"
            pod["spec"]["containers"][0]["image"] = image
            pod["status"]["conditions"] = []
            lost.append(site.now)

    site.keep = keep  # type: ignore[method-assign]
    site.carry_out("roll", "worker", 0, image="trainer:2", options={"min_ready_seconds": 8.0})
    assert site.now >= lost[-1] + 8.0


def test_a_pod_that_is_broken_already_is_removed_for_its_successor(site: Site) -> None:
    site.cluster = LongRunningCluster(manifests(image="deaf:1", ps_image="trainer:1"))
    site.training = LongRunningTraining(site.cluster, NAMESPACE, NAME)
    site.cluster.settle()
    site.carry_out("start", image="trainer:2")
    assert site.cluster.images()["worker-1"] == "trainer:2"
    assert f"delete {NAME}-worker-0" in site.cluster.writes


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("missing:1", "worker 1 did not start: image missing:1 is not on node node-a (ErrImageNeverPull)"),
        ("crashing:1", "worker 1 exited with code 1 again and again"),
        ("deaf:1", "worker 1 did not get ready within 60 s"),
    ],
)
def test_what_will_not_get_ready_is_named(site: Site, image: str, words: str) -> None:
    assert words in site.fail("roll", "worker", 1, image=image)
    if not image.startswith("deaf"):
        assert site.now < 10


def test_a_single_restart_is_borne(site: Site) -> None:
    def keep() -> None:
        container = site.cluster.pods[f"{NAME}-worker-1"]["status"]["containerStatuses"][0]
        container |= {"restartCount": 1, "lastState": {"terminated": {"exitCode": 1}}}

    site.keep = keep  # type: ignore[method-assign]
    assert "ready" in site.carry_out("roll", "worker", 1, image="trainer:2")


def test_a_pod_without_a_node_is_given_time(site: Site) -> None:
    words = site.fail("roll", "worker", 1, image="homeless:1")
    assert words == "worker 1 was not scheduled: no node can take it (Unschedulable): 0/2 nodes are available"
    assert 30 <= site.now <= 40


def test_pods_that_a_quota_refuses_are_asked_for_after_a_while(site: Site) -> None:
    site.cluster.quota = 3
    site.now = 590.0
    words = site.fail("start", workers=3)
    assert words == "a pod of worker was not created: exceeded quota"
    assert site.now - 590.0 > MISSING_SECONDS


def test_old_events_are_not_believed(site: Site) -> None:
    site.cluster.quota = 3
    site.now = 10_000.0
    assert site.fail("start", workers=3) == "worker 0, 1, 2 did not get ready within 60 s"


def test_pods_that_do_not_end_are_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.cluster, "_reconcile", lambda: None)
    assert site.fail("stop") == "2 pods of worker did not end within 60 s"


def test_a_controller_that_does_not_look_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.cluster, "_reconcile", lambda: None)
    assert site.fail("roll", image="trainer:2") == (
        "StatefulSet mnist-worker was not taken up by its controller within 60 s"
    )


def test_a_group_that_vanishes_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.training, "put", lambda *_given, **_options: None)
    del site.cluster.objects[f"{APPS}/{NAME}-worker"]
    assert site.fail("roll") == "StatefulSet mnist-worker was deleted from outside"
    assert f"{CORE}/configmaps" in next(iter(site.cluster.objects))
