# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long-running training on a real cluster and a real volume: it is deployed, loses replicas, is looked at and removed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.infra.base import InfraError
from tests.e2e.infra.cluster import Cluster
from tests.fixtures.playbook import Playbook

PATIENCE = 600.0
NAME = "mnist"
OURS = f"--selector=tfscale.study/training={NAME}"
KINDS = "statefulsets,deployments,services,configmaps,networkpolicies,persistentvolumeclaims"
TOKEN = ":::TFSCALE "


class Site:
    """The namespace of a training, seen with kubectl."""

    def __init__(self, cluster: Cluster, namespace: str, playbook: Playbook) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.playbook = playbook

    def kubectl(self, *words: str, **more: Any) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *words, **more)

    def play(self, name: str, *options: str, **variables: Any) -> str:
        result = self.playbook.run(name, *options, **variables)
        assert result.returncode == 0, result.stdout + result.stderr + self.kubectl("get", "pods,events")
        return result.stdout

    def events(self, replica: str, *names: str) -> list[dict[str, Any]]:
        """What this replica's container has told since it started; nothing before that."""
        try:
            lines = self.kubectl("logs", f"{NAME}-{replica}", "--tail=-1").splitlines()
        except InfraError as error:
            if "is waiting to start" not in str(error) and "not found" not in str(error):
                raise
            return []
        told = [json.loads(line.removeprefix(TOKEN)) for line in lines if line.startswith(TOKEN)]
        return [one for one in told if one["event"] in names]

    def step(self, replica: str = "worker-0") -> int:
        return max((int(one["global_step"]) for one in self.events(replica, "progress")[-1:]), default=0)

    def objects(self) -> set[str]:
        return set(self.kubectl("get", KINDS, OURS, "--output=name").split())

    def restarted(self) -> dict[str, Any]:
        """Containers that were started again, with how their last life ended and all that they said in it."""
        pods = json.loads(self.kubectl("get", "pods", OURS, "--output=json"))["items"]
        found = [(pod["metadata"]["name"], one) for pod in pods for one in pod["status"]["containerStatuses"]]
        assert len(found) == 3, found
        return {
            name: (one["lastState"], self.kubectl("logs", name, "--previous", "--tail=-1"))
            for name, one in found
            if one["restartCount"]
        }

    def until(self, condition: Callable[[], object]) -> float:
        began = time.monotonic()
        while not condition():
            assert time.monotonic() < began + PATIENCE, self.kubectl("get", "pods,events")
            time.sleep(0.5)
        return time.monotonic() - began


@pytest.fixture
def site(cluster: Cluster, namespace: str, trainer_image: str, tmp_path: Path) -> Site:
    variables = {
        "cluster_provider": "existing",
        "cluster_kubeconfig": str(cluster.kubeconfig),
        "cluster_namespace": namespace,
        "image_delivery": "none",
        "training_image": trainer_image,
        "training_image_pull_policy": "Never",
        "training_name": NAME,
        "training_steps": 0,
        "training_ps": 1,
        "training_workers": 2,
        "training_volume": {"size": "100Mi"},
        "training_checkpoint_seconds": 3,
        "training_telemetry_every": 20,
        "training_ready_seconds": PATIENCE,
        "sweep_results_dir": str(tmp_path),
    }
    playbook = Playbook(tmp_path, variables, "inventories/kind", cluster.environment(), seconds=3 * PATIENCE)
    return Site(cluster, namespace, playbook)


@pytest.mark.full
def test_long_running_training_outlives_its_ps_and_is_seen_in_tensorboard(site: Site, toolbox: str) -> None:
    board = {"training_tensorboard": True}
    assert "changed=0" not in site.play("deploy", "--check", **board)
    assert site.objects() == set()
    site.play("deploy", **board)
    for group in ("statefulset/mnist-ps", "statefulset/mnist-worker", "deployment/mnist-tensorboard"):
        site.kubectl("rollout", "status", group, f"--timeout={PATIENCE:.0f}s", timeout=PATIENCE)
    before = site.objects()
    assert "changed=0" in site.play("deploy", **board)
    assert site.objects() == before

    site.until(lambda: site.events("worker-0", "checkpoint_saved"))
    saved = site.events("worker-0", "checkpoint_saved")[-1]["global_step"]
    began = time.time()
    site.kubectl("delete", "pod", "mnist-ps-0")
    site.until(lambda: site.events("worker-0", "restored"))
    restored = site.events("worker-0", "restored")[-1]
    assert restored["global_step"] >= saved
    site.until(lambda: min(site.step("worker-0"), site.step("worker-1")) > restored["global_step"])
    first = next(one for one in site.events("worker-0", "progress") if one["wall"] > restored["wall"])
    print(f"pause: {first['wall'] - began:.1f} s from the deletion of the ps to the first step after it")
    assert site.restarted() == {}

    address = f"http://mnist-tensorboard.{site.namespace}:6006/data/runs"
    asker = ask(site, toolbox, address)
    site.until(lambda: "mnist/events/worker-0" in asker())

    site.play("deploy", training_state="absent")
    assert site.objects() == {"persistentvolumeclaim/mnist"}
    assert "changed=0" in site.play("deploy", training_state="absent")

    # What the last chief saved when it was stopped is where the next one begins.
    site.play("deploy")
    [restored] = site.events("worker-0", "restored")
    assert restored["global_step"] > first["global_step"]
    site.play("deploy", training_state="absent", training_volume={"size": "100Mi", "keep": False})
    assert site.objects() == set()


def ask(site: Site, image: str, address: str) -> Callable[[], str]:
    """Answers of a page, fetched from within the cluster."""
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
        "capabilities": {"drop": ["ALL"]},
    }
    asker = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "asker"},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "asker",
                    "image": image,
                    "imagePullPolicy": "Never",
                    "command": ["sleep", "3600"],
                    "securityContext": security,
                }
            ],
        },
    }
    site.kubectl("apply", "--filename=-", text=json.dumps(asker))
    site.kubectl("wait", "--for=condition=Ready", "pod/asker", f"--timeout={PATIENCE:.0f}s", timeout=PATIENCE)
    return lambda: site.kubectl("exec", "asker", "--", "curl", "--silent", "--max-time", "20", address)


@pytest.mark.full
def test_long_running_training_survives_the_teardown_of_studies(site: Site) -> None:
    site.play("deploy", training_volume={})
    there = site.objects()
    site.play("teardown")
    assert site.objects() == there
    site.play("deploy", training_state="absent", training_volume={})
    assert site.objects() == set()


@pytest.mark.full
def test_long_running_training_waits_for_a_worker_that_was_killed(site: Site) -> None:
    site.play("deploy", training_volume={})
    site.until(lambda: site.step("worker-1") > 0)
    site.kubectl("delete", "pod", "mnist-worker-0", "--grace-period=0", "--force")
    there = site.step("worker-1")
    site.until(lambda: site.events("worker-0", "resumed"))
    assert site.events("worker-0", "resumed")[-1]["global_step"] >= there


@pytest.mark.full
def test_documented_account_may_deploy_upgrade_and_remove(site: Site, account: Callable[..., str]) -> None:
    access = {"cluster_kubeconfig": account()}
    plan = {**access, "training_tensorboard": True, "training_volume": {"size": "100Mi", "keep": False}}
    # Roles take effect a little after they were made.
    site.until(lambda: site.playbook.run("deploy", "--check", **plan).returncode == 0)
    site.play("deploy", **plan)
    site.play("upgrade", training_learning_rate=0.0005, **plan)
    site.play("upgrade", training_workers=1, training_learning_rate=0.0005, **plan)
    site.play("upgrade", upgrade_state="rolled_back", **access)
    site.play("deploy", training_state="absent", **plan)
    assert site.objects() == set()


@pytest.mark.full
def test_sweep_on_a_volume_keeps_what_runs_write(site: Site, toolbox: str) -> None:
    study = {
        "cluster_name": "e2e",
        "training_steps": 200,
        "training_export": True,
        "training_spread": "ScheduleAnyway",
        "sweep_study": "tiny",
        "sweep_series": [{"nodes": [1], "ps": [1], "workers": [1]}],
        "sweep_repeats": 1,
    }
    site.play("sweep", **study)
    site.play("sweep", **{**study, "sweep_repeats": 2})
    runs = sorted(record["run_id"] for record in site.playbook.records())
    assert len(runs) == 2
    site.play("deploy", training_tensorboard=True, training_steps=50)
    answer = ask(site, toolbox, f"http://mnist-tensorboard.{site.namespace}:6006/data/runs")
    site.until(lambda: all(f"tiny/{run}/attempt-1/events/worker-0" in answer() for run in runs))
    files = site.kubectl("exec", "mnist-worker-0", "--", "ls", f"/volume/tiny/{runs[0]}/attempt-1/model")
    assert "saved_model.pb" in files


def test_long_running_training_is_upgraded_by_the_playbook(site: Site) -> None:
    site.play("deploy")
    site.until(lambda: site.step() > 0)
    again = {"training_learning_rate": 0.0005}
    shown = site.play("upgrade", "--check", "--diff", **again)
    assert "--learning_rate=0.0005" in shown
    assert "--learning_rate=0.0005" not in site.kubectl("get", "statefulsets", "--output=yaml")
    there = site.step("worker-1")
    said = site.play("upgrade", **again)
    assert "training mnist is upgraded in " in said
    # The ps kept what they had: the training did not go back.
    assert not site.events("worker-0", "restored")
    [resumed] = site.events("worker-0", "resumed")
    assert resumed["global_step"] >= there
    assert "changed=0" in site.play("upgrade", **again)
    refused = site.playbook.run("deploy")
    assert refused.returncode != 0
    assert "stands already and differs in StatefulSet mnist-worker: playbooks/upgrade.yml upgrades it" in refused.stderr
    # Another size: all restart, and go on from the checkpoint that the chief made when it was told to stop.
    said = site.play("upgrade", training_workers=1, **again)
    assert "from 2 to 1 workers: all replicas restart" in said
    [restored] = site.events("worker-0", "restored")
    assert restored["global_step"] >= resumed["global_step"]
    site.play("upgrade", upgrade_state="rolled_back")
    site.until(lambda: site.step("worker-1") > restored["global_step"])


@pytest.mark.full
def test_long_running_training_that_becomes_slower_is_taken_back(site: Site) -> None:
    site.play("deploy")
    gate = {"upgrade_max_slowdown": 0.05, "upgrade_gate_steps": 300, "upgrade_gate_blocks": 8, "sweep_attempts": 2}
    result = site.playbook.run("upgrade", training_batch_size=4000, **gate)
    assert result.returncode != 0, result.stdout
    assert "training mnist is rolled back to ControllerRevision" in result.stderr
    assert "slower than the 5 % that upgrade_max_slowdown allows" in result.stderr
    assert "--batch_size=20" in site.kubectl("get", "statefulset", "mnist-worker", "--output=yaml")
    assert site.restarted() == {}
