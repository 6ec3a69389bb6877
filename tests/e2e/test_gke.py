# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study on GKE from end to end: Google is a stand-in (tests/fixtures/google.py), the cluster behind it a real one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.infra.cluster import Cluster
from tests.fixtures.google import PROJECT, ZONE, Google, Machines, key_file, serving
from tests.fixtures.playbook import Playbook

pytestmark = pytest.mark.full
ACCOUNT = "google"
LABELS = {"cloud.google.com/gke-nodepool": "study", "node.kubernetes.io/instance-type": "e2-standard-4"}


class KindMachines(Machines):
    """The pool's nodes are the first of the Kind cluster's workers; the others take no pods."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        [access] = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"]
        self.endpoint = access["cluster"]["server"].removeprefix("https://")
        self.ca = access["cluster"]["certificate-authority-data"]
        self._workers = workers(cluster)

    def resize(self, count: int) -> None:
        assert count <= len(self._workers)
        super().resize(count)
        for number, name in enumerate(self._workers):
            there = number < count
            self._cluster.kubectl(
                "label", "--overwrite", "node", name, *(f"{k}={v}" if there else f"{k}-" for k, v in LABELS.items())
            )
            self._cluster.kubectl("uncordon" if there else "cordon", name)

    def token(self) -> str:
        """Google's are good for Google and for its clusters alike."""
        words = ("create", "token", ACCOUNT, "--namespace", "kube-system", "--duration=1h")
        return self._cluster.kubectl(*words).strip()


def workers(cluster: Cluster) -> list[str]:
    selector = "--selector=!node-role.kubernetes.io/control-plane"
    names = cluster.kubectl("get", "nodes", selector, "--output=name").split()
    return sorted(name.removeprefix("node/") for name in names)


@pytest.fixture
def google(cluster: Cluster) -> Iterator[Google]:
    admin = ("clusterrolebinding", ACCOUNT)
    cluster.kubectl("create", "serviceaccount", ACCOUNT, "--namespace", "kube-system")
    cluster.kubectl("create", *admin, "--clusterrole=cluster-admin", f"--serviceaccount=kube-system:{ACCOUNT}")
    try:
        with serving(Google(partial(KindMachines, cluster))) as made:
            yield made
    finally:
        for name in workers(cluster):
            cluster.kubectl("label", "node", name, *(f"{key}-" for key in LABELS))
            cluster.kubectl("uncordon", name)
        cluster.kubectl("delete", *admin)
        cluster.kubectl("delete", "serviceaccount", ACCOUNT, "--namespace", "kube-system")


@pytest.fixture
def playbook(google: Google, cluster: Cluster, namespace: str, trainer_image: str, tmp_path: Path) -> Playbook:
    variables = {
        "cluster_gke_endpoint": google.url,
        "cluster_gke_project": PROJECT,
        "cluster_gke_location": ZONE,
        "cluster_gke_service_account_file": str(key_file(tmp_path, google.url)),
        "cluster_namespace": namespace,
        "image_delivery": "none",
        "training_image": trainer_image,
        "training_image_pull_policy": "Never",
        "training_steps": 200,
        "sweep_results_dir": str(tmp_path),
        "sweep_study": "tiny",
        "sweep_series": [{"nodes": [1, 2], "ps": [1], "workers": [1]}],
        "sweep_repeats": 1,
    }
    return Playbook(tmp_path, variables, "inventories/gke", cluster.environment(), seconds=1800)


def asked(google: Google, words: str) -> list[str]:
    return [line for line in google.requests if words in line]


def test_sweep_makes_resizes_and_removes_the_cluster(playbook: Playbook, google: Google) -> None:
    result = playbook.run("sweep", cluster_teardown=True, report_prices={"e2-standard-4": 0.15})
    assert result.returncode == 0, result.stdout + result.stderr
    records = playbook.records()
    assert sorted(record["spec"]["nodes"] for record in records) == [1, 2]
    for record in records:
        assert record["verdict"]["verdict"] == "valid", record["verdict"]
        nodes = record["provenance"]["nodes"]
        assert [node["machine_type"] for node in nodes] == ["e2-standard-4"] * record["spec"]["nodes"]
    assert len(asked(google, "nodePools/study:setSize")) >= 1
    assert "was removed" in result.stdout
    assert google.clusters == {}
    assert not (playbook.results / ".clusters/tfscale").exists()
    assert "cost" in (playbook.results / "tiny/report.md").read_text()


def test_sweep_credentials_that_end_lose_nothing(playbook: Playbook, google: Google) -> None:
    def revoke() -> None:
        while not playbook.records():
            time.sleep(0.2)
        google.faults = {"revoked": True}

    threading.Thread(target=revoke, daemon=True).start()
    result = playbook.run("sweep")
    assert result.returncode != 0
    assert "does not accept the credentials" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    first: list[dict[str, Any]] = playbook.records()
    assert len(first) == 1
    google.faults = {}
    result = playbook.run("sweep")
    assert result.returncode == 0, result.stdout + result.stderr
    assert playbook.records()[:1] == first
    assert len(playbook.records()) == 2
    result = playbook.run("teardown")
    assert result.returncode == 0, json.dumps(google.requests)
    assert google.clusters == {}


def test_autosize_grows_the_pool(playbook: Playbook, google: Google) -> None:
    own = {name: value for name, value in playbook.variables.items() if not name.startswith("sweep_")}
    given = {
        "sweep_results_dir": str(playbook.results),
        "autosize_study": "tiny",
        "autosize_goal": "time",
        "autosize_max_workers": 2,
        "autosize_max_nodes": 2,
        "autosize_max_repeats": 4,
        "cluster_results_dir": str(playbook.results),
        "cluster_nodes": 1,
    }
    sized = Playbook(playbook.results, {**own, **given}, playbook.inventory, playbook.env, seconds=1800)
    result = sized.run("autosize", cluster_teardown=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {record["spec"]["nodes"] for record in sized.records()} == {1, 2}
    assert len(asked(google, "nodePools/study:setSize")) >= 1
    plan = json.loads((sized.results / "tiny/autosize.json").read_text())
    assert plan["size"]["nodes"] in (1, 2)
    assert {one["size"]["nodes"] for one in plan["tried"]} == {1, 2}
