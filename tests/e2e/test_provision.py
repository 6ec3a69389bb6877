# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to a report: a Kind cluster, the image on its nodes, a study, and nothing left; with inventories/kind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.infra import cluster as clusters
from tests.e2e.infra.programs import programs
from tests.fixtures.playbook import Playbook

NAME = f"{clusters.default_name()}-own"


@pytest.fixture
def playbook(own_clusters: Callable[..., Playbook]) -> Playbook:
    return own_clusters("inventories/kind", cluster_name=NAME, sweep_repeats=1)


def containers(playbook: Playbook) -> list[str]:
    command = ["docker", "ps", "--all", "--filter", f"label=io.x-k8s.kind.cluster={NAME}", "--format={{.Names}}"]
    listed = subprocess.run(command, env=playbook.environment(), capture_output=True, text=True, check=True)
    return listed.stdout.split()


def kubectl(playbook: Playbook, *words: str) -> str:
    command = [str(programs("kubectl") / "kubectl"), "--kubeconfig", str(playbook.results / ".clusters" / NAME), *words]
    return subprocess.run(command, env=playbook.environment(), capture_output=True, text=True, check=True).stdout


def must_succeed(playbook: Playbook, name: str, *options: str, **variables: Any) -> str:
    result = playbook.run(name, *options, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.full
def test_sweep_from_nothing_and_back(playbook: Playbook) -> None:
    space = {"sweep_nodes": [1, 2], "sweep_workers": [1]}
    announced = must_succeed(playbook, "sweep", "--check", **space)
    assert "2 cells x 1 block = 2 runs" in announced
    assert containers(playbook) == []

    capped = {"cluster_node_cpus": "0.9", "cluster_node_memory": "4Gi"}
    must_succeed(playbook, "sweep", **space, **capped)
    assert {record["verdict"]["verdict"] for record in playbook.records()} == {"valid"}
    assert len(playbook.records()) == 2
    nodes = json.loads(kubectl(playbook, "get", "nodes", "--output=json"))["items"]
    honest = [node["status"]["allocatable"] for node in nodes if node["metadata"]["name"] != f"{NAME}-control-plane"]
    assert [(each["cpu"], each["memory"]) for each in honest] == [("900m", "4Gi")] * 2

    assert "changed=0" in must_succeed(playbook, "sweep", **space, **capped)
    assert kubectl(playbook, "get", "all", "--all-namespaces", "--selector=tfscale.study/study", "--output=name") == ""
    must_succeed(playbook, "teardown")
    assert containers(playbook) == []


@pytest.mark.full
def test_sweep_two_and_three_nodes_both_backends(playbook: Playbook) -> None:
    for backend in ("job", "statefulset"):
        space = {"sweep_nodes": [2, 3], "sweep_workers": [1, 2]}
        must_succeed(playbook, "sweep", **space, cluster_nodes=3, training_backend=backend)
    records = playbook.records()
    assert len(records) == 8
    assert {record["verdict"]["verdict"] for record in records} == {"valid"}
    for record in records:
        assert len(record["evidence"]["active_nodes"]) == record["spec"]["nodes"]
        assert set(record["evidence"]["nodes"]) <= set(record["evidence"]["active_nodes"])
    report = (playbook.results / "tiny/report.md").read_text()
    assert all(word in report for word in ("job", "statefulset", "nodes=3"))


@pytest.mark.full
def test_thesis_with_a_cluster_made_anew_for_each_number_of_nodes(playbook: Playbook) -> None:
    variables = {key: value for key, value in playbook.variables.items() if key not in ("sweep_study", "sweep_repeats")}
    own = Playbook(playbook.results, variables, playbook.inventory, playbook.env, playbook.seconds)
    output = must_succeed(
        own, "thesis", thesis_repeats=1, thesis_workers="1,2", thesis_ps="2", cluster_nodes_method="recreate"
    )
    records = own.records("thesis")
    assert sorted((record["spec"]["nodes"], record["spec"]["workers"]) for record in records) == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ], output
    assert {record["verdict"]["verdict"] for record in records} == {"valid"}, [record["verdict"] for record in records]
    # One change of clusters, not one for each run.
    nodes = [record["spec"]["nodes"] for record in records]
    assert nodes in ([1, 1, 2, 2], [2, 2, 1, 1])
    assert [len(record["evidence"]["nodes"]) <= record["spec"]["nodes"] for record in records] == [True] * 4
