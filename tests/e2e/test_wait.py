# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for real pods: how each end is found and told, what is saved of it, and that nothing is left of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_cleanup, training_wait

from tests.e2e import workloads
from tests.e2e.infra.base import run as run_program
from tests.e2e.infra.cluster import Cluster
from tests.e2e.workloads import ATTEMPT, RUN_ID, STUDY, TRAIN, WORKLOADS

# Generous: a busy machine may take minutes for what takes seconds.
DEADLINE = 300.0
SERVE = "echo ready; exec sleep 1000000"
WORK = "echo working; exec sleep 1000000"
EAT = "x=abcdefgh; while true; do x=$x$x; done"
IS_SECOND = '[ "${JOB_COMPLETION_INDEX:-${HOSTNAME##*-}}" = 1 ]'
BOTH = pytest.mark.parametrize("workload", ["job", pytest.param("statefulset", marks=pytest.mark.full)])


class Site:
    """A namespace of the cluster, and a folder for the logs."""

    def __init__(self, cluster: Cluster, namespace: str, image: str, folder: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.image = image
        self.folder = folder
        self.said: list[str] = []

    def kubectl(self, *words: str, text: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *words, text=text)

    def apply(self, *documents: dict[str, Any]) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("apply", "-f", "-", text=json.dumps(listed))

    def deploy(self, workload: str, *, ps: str = SERVE, worker: str = TRAIN, workers: int = 2, **more: Any) -> None:
        make = WORKLOADS[workload]
        image = more.pop("image", self.image)
        services = [workloads.service(kind) for kind in ("ps", "worker")]
        pods = [make("ps", 1, self.image, ps), make("worker", workers, image, worker, **more)]
        self.apply(workloads.config_map(), *services, *pods)

    def _call(self, step: Any, **given: Any) -> dict[str, Any]:
        usual = {name: option.get("default") for name, option in step.ARGUMENT_SPEC.items()}
        where = {"kubeconfig": str(self.cluster.kubeconfig), "namespace": self.namespace}
        params = {**usual, **where, "run_id": RUN_ID, "attempt": ATTEMPT, **given}
        result: dict[str, Any] = step.execute(params, Context(say=self.said.append))
        return result

    def wait(self, workload: str, **given: Any) -> dict[str, Any]:
        usual = {"run_dir": str(self.folder), "deadline": DEADLINE, "train_steps": 20, "log_format": "thesis"}
        return self._call(training_wait, backend=workload, **usual | given)

    def fail(self, workload: str, **given: Any) -> tuple[str, dict[str, Any]]:
        with pytest.raises(StepError) as caught:
            self.wait(workload, **given)
        return str(caught.value), caught.value.result

    def clean(self) -> dict[str, Any]:
        return self._call(training_cleanup, study=STUDY, timeout=DEADLINE)

    def logs(self) -> dict[str, list[str]]:
        return {path.name: path.read_text().splitlines() for path in self.folder.glob("*.log")}

    def when(self, condition: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
        """Do something beside the wait once something is so."""

        def wait_and_act() -> None:
            end = time.monotonic() + DEADLINE
            while not condition() and time.monotonic() < end:
                time.sleep(0.5)
            act()

        thread = threading.Thread(target=wait_and_act, daemon=True)
        thread.start()
        return thread

    def has_worked(self) -> bool:
        return any("working" in lines for lines in self.logs().values()) if self.folder.exists() else False

    def pod_of(self, kind: str, index: int) -> str:
        found = self.kubectl("get", "pods", "--output=name", f"--selector=tfscale.study/replica={kind}")
        return sorted(found.split())[index]


@pytest.fixture
def site(cluster: Cluster, namespace: str, toolbox: str, tmp_path: Path) -> Site:
    return Site(cluster, namespace, toolbox, tmp_path / "logs")


@BOTH
def test_wait_for_a_run_that_ends_well_and_remove_it(site: Site, workload: str) -> None:
    site.deploy(workload)
    result = site.wait(workload)
    assert result["msg"] == "2 workers succeeded after step 20."
    assert [one["state"] for one in result["replicas"]] == ["running", "succeeded", "succeeded"]
    evidence = result["evidence"]
    assert evidence["restarts"] == 0
    assert len(evidence["images"]) == 1
    assert len(evidence["nodes"]) >= 1
    # The list and the watch of pods and of what makes them, pods of others; up to two for a replica's log.
    assert evidence["api_requests"] <= 12
    assert result["started_wall"] <= result["ended_wall"]
    for one in result["replicas"]:
        assert set(one["phases"]) == {"scheduled", "initialized", "started"}
    logs = site.logs()
    assert {name: len(lines) for name, lines in logs.items()} == {"ps-0.log": 1, "worker-0.log": 20, "worker-1.log": 20}
    assert "run" not in site.said
    site.apply(workloads.config_map("ledger", record="x"))
    assert site.clean()["changed"] is True
    left = site.kubectl("get", "all,configmaps", "--output=name", f"--selector=tfscale.study/study={STUDY}").split()
    assert left == ["configmap/ledger"]
    assert site.clean()["changed"] is False


@BOTH
def test_wait_names_a_worker_that_gave_up(site: Site, workload: str) -> None:
    site.deploy(workload, worker=f"{IS_SECOND} && {{ echo no data; exit 3; }}; {WORK}")
    msg, result = site.fail(workload)
    assert msg.startswith("worker 1 exited with code 3: no data;")
    assert site.logs()["worker-1.log"] == ["no data"]
    assert result["failed_replica"]["reason"] == "no data"


@BOTH
def test_wait_names_a_worker_that_took_too_much_memory(site: Site, workload: str) -> None:
    site.deploy(workload, worker=EAT, workers=1, limits={"memory": "64Mi"})
    msg, _result = site.fail(workload)
    assert "worker 0 was killed by signal 9: it took more than its memory limit of 64Mi (OOMKilled)" in msg


def test_wait_names_an_image_that_the_node_does_not_have(site: Site) -> None:
    site.deploy("job", image="tfscale.test/none:1")
    msg, result = site.fail("job")
    assert "did not start: image tfscale.test/none:1 is not on node" in msg
    assert "(ErrImageNeverPull)" in msg
    assert result["failed_replica"]["replica"] == "worker"


@pytest.mark.full
def test_wait_names_a_pod_that_somebody_deleted(site: Site) -> None:
    site.deploy("job", worker=WORK)
    site.when(site.has_worked, lambda: site.kubectl("delete", "--wait=false", site.pod_of("ps", 0)))
    msg, result = site.fail("job")
    assert msg.startswith("ps 0 was deleted: its pod ")
    assert result["failed_replica"]["replica"] == "ps"


@pytest.mark.full
def test_wait_names_a_pod_of_a_stateful_set_that_somebody_deleted(site: Site) -> None:
    site.deploy("statefulset", worker=WORK)
    site.when(site.has_worked, lambda: site.kubectl("delete", "--wait=false", site.pod_of("ps", 0)))
    msg, _result = site.fail("statefulset")
    assert msg.startswith("ps 0 was deleted: its pod ")


@pytest.mark.full
def test_wait_names_why_no_node_takes_a_pod(site: Site) -> None:
    site.deploy("job", nodeSelector={"tfscale.study/active": "never"})
    msg, _result = site.fail("job")
    assert "was not scheduled: no node can take it (Unschedulable): 0/" in msg
    assert "didn't match Pod's node affinity/selector" in msg


@pytest.mark.full
@BOTH
def test_wait_names_a_quota_that_refuses_pods(site: Site, workload: str) -> None:
    site.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"pods": "2"}}}
    )
    site.deploy(workload, worker=WORK)
    msg, _result = site.fail(workload)
    assert "was not created: the cluster refuses its pod: exceeded quota: small" in msg


@pytest.mark.full
@BOTH
def test_wait_names_a_standard_that_pods_do_not_meet(site: Site, workload: str) -> None:
    site.deploy(workload, hostNetwork=True)
    msg, _result = site.fail(workload)
    assert 'was not created: the cluster refuses its pod: violates PodSecurity "restricted:latest": host' in msg


@pytest.mark.full
def test_wait_names_a_service_account_that_is_not_there(site: Site) -> None:
    site.deploy("job", serviceAccountName="nobody")
    msg, _result = site.fail("job")
    assert 'serviceaccount "nobody" not found' in msg


@pytest.mark.full
def test_wait_names_a_command_that_cannot_be_started(site: Site) -> None:
    worker = workloads.job("worker", 1, site.image, TRAIN)
    worker["spec"]["template"]["spec"]["containers"][0]["command"] = ["nosuch"]
    site.apply(workloads.job("ps", 1, site.image, SERVE), worker)
    msg, _result = site.fail("job")
    assert msg.startswith("worker 0 did not start: StartError: ")
    assert "nosuch" in msg


@pytest.mark.full
def test_wait_names_what_a_pod_waits_for_at_the_deadline(site: Site) -> None:
    missing = [{"name": "tmp", "configMap": {"name": "none"}}]
    site.deploy("job", volumes=missing)
    msg, result = site.fail("job", deadline=20.0)
    assert result["outcome"] == "deadline"
    assert 'worker 0 has not started: MountVolume.SetUp failed for volume "tmp"' in msg


@pytest.mark.full
def test_wait_survives_a_restart_of_the_control_plane(site: Site) -> None:
    steps = TRAIN.replace("-lt 20", "-lt 600")
    site.deploy("job", worker=steps)
    node = f"{site.cluster.name}-control-plane"
    restarts: list[float] = []

    def restart() -> None:
        run_program("docker", "restart", node, env=site.cluster.environment(), timeout=300)
        restarts.append(time.time())

    thread = site.when(lambda: len(site.said) > 0, restart)
    result = site.wait("job", train_steps=600)
    thread.join()
    assert restarts
    assert result["msg"] == "2 workers succeeded after step 600."
    assert result["evidence"]["notes"][0].startswith("the watch of the pods broke ")
    # Followed over the break: no line is missing, none stands there twice.
    for index in (0, 1):
        lines = site.logs()[f"worker-{index}.log"]
        assert [line.rpartition(" ")[2] for line in lines] == [f"{step})" for step in range(1, 601)]


@pytest.mark.full
def test_wait_names_a_node_that_was_lost(site: Site) -> None:
    site.deploy("job", worker=WORK, workers=1)
    paused: list[str] = []

    def pause() -> None:
        name = site.kubectl("get", site.pod_of("worker", 0), "--output=jsonpath={.spec.nodeName}")
        run_program("docker", "pause", name, env=site.cluster.environment(), timeout=60)
        paused.append(name)

    site.when(site.has_worked, pause)
    try:
        msg, result = site.fail("job")
    finally:
        for name in paused:
            run_program("docker", "unpause", name, env=site.cluster.environment(), timeout=60)
            site.cluster.kubectl("wait", "node", name, "--for=condition=Ready", "--timeout=300s", timeout=360)
    assert f"was lost: node {paused[0]} does not answer (NotReady)" in msg
    assert result["outcome"] == "failed"
