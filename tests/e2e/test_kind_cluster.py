# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind clusters that the collection makes itself: honest nodes, other wishes, faults while they are made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._providers.creation_lock import Making
from ansible_collections.tfscale.study.plugins.module_utils._steps import kind_cluster

from tests.e2e.infra.base import ROOT, run, short_hash
from tests.e2e.infra.cluster import Cluster
from tests.e2e.infra.node_image import node_image
from tests.e2e.steps import execute, failure

NAME = f"made-{short_hash(str(ROOT))[:6]}"
GIB = 2**30
CAPPED: dict[str, Any] = {"node_cpus": "0.5", "node_memory": "2Gi"}
MAKER = """
import json, sys
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._steps import kind_cluster
kind_cluster.execute(json.loads(sys.argv[1]), Context(say=print))
"""


@pytest.fixture
def asked(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a cluster of one node is asked for with, beside the one of all tests, whose engine serves here too."""
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)
    kubeconfig = tmp_path / "kubeconfig"
    try:
        yield {"name": NAME, "kubeconfig": str(kubeconfig), "node_image": node_image(), "timeout": 900}
    finally:
        execute(kind_cluster, name=NAME, kubeconfig=str(kubeconfig), state="absent")
        assert containers() == []


def containers(*options: str) -> list[str]:
    chosen = f"label=io.x-k8s.kind.cluster={NAME}"
    return run("docker", "ps", "--all", "--filter", chosen, "--format", "{{.Names}}", *options).split()


def nodes_of(kubeconfig: str) -> dict[str, dict[str, str]]:
    listed = json.loads(run("kubectl", "--kubeconfig", kubeconfig, "get", "nodes", "--output=json"))
    return {one["metadata"]["name"]: one["status"]["allocatable"] for one in listed["items"]}


def wait_for(condition: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.full
def test_cluster_is_made_honest_adopted_and_removed(asked: dict[str, Any]) -> None:
    made = execute(kind_cluster, **asked, **CAPPED)
    assert made["changed"] is True
    names = [f"{NAME}-control-plane", f"{NAME}-worker"]
    assert [one["name"] for one in made["nodes"]] == names
    assert made["nodes"][1]["cpus"] == 0.5
    assert made["nodes"][1]["allocatable"] == {"cpus": 0.5, "memory_bytes": 2 * GIB}
    assert made["versions"]["kubernetes"].startswith("v1.")
    assert nodes_of(asked["kubeconfig"])[names[1]]["cpu"] == "500m"
    limits = "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}"
    assert run("docker", "inspect", "--format", limits, names[1]).split() == ["500000000", str(2 * GIB), str(2 * GIB)]

    for check_mode in (True, False):
        assert execute(kind_cluster, check_mode=check_mode, **asked, **CAPPED)["changed"] is False
    assert "exists with cluster_nodes 1 instead of 2" in failure(kind_cluster, **asked, **CAPPED, nodes=2)

    assert execute(kind_cluster, **asked, state="absent")["changed"] is True
    assert containers() == []
    assert not Path(asked["kubeconfig"]).exists()
    assert execute(kind_cluster, **asked, state="absent")["changed"] is False


@pytest.mark.full
def test_cluster_is_made_anew_with_other_nodes_and_started_again(asked: dict[str, Any]) -> None:
    execute(kind_cluster, **asked)
    remade = execute(kind_cluster, **asked, nodes=2, recreate=True)
    assert (remade["changed"], remade["diff"]["before"]["nodes"], remade["diff"]["after"]["nodes"]) == (True, 1, 2)
    assert len(nodes_of(asked["kubeconfig"])) == 3
    assert execute(kind_cluster, **asked, nodes=2, recreate=True)["changed"] is False

    run("docker", "stop", "--time", "5", *containers())
    Path(asked["kubeconfig"]).unlink()
    assert execute(kind_cluster, **asked, nodes=2)["changed"] is True
    assert execute(kind_cluster, **asked, nodes=2)["changed"] is False


@pytest.mark.full
def test_killed_while_it_is_made_leaves_no_half_for_the_next(asked: dict[str, Any]) -> None:
    params = {
        "state": "present",
        "nodes": 1,
        "recreate": False,
        "end_held": False,
        "engine": "docker",
        "node_cpus": "0",
        "node_memory": "0",
    }
    env = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    maker = subprocess.Popen([sys.executable, "-c", MAKER, json.dumps(params | asked)], env=env)
    wait_for(lambda: len(containers()) == 2)
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    thing = f"Kind cluster {NAME} of docker"
    assert Making(f"{asked['kubeconfig']}.making", thing).is_half
    # Kind itself lives on and is waited for; what it made is nobody's, so it is made anew.
    result = execute(kind_cluster, **asked)
    assert result["changed"] is True
    assert result["diff"]["before"]["nodes"] == 1
    assert not Making(f"{asked['kubeconfig']}.making", thing).is_half
    assert execute(kind_cluster, **asked)["changed"] is False


@pytest.mark.full
def test_cluster_of_others_is_used_and_never_removed(asked: dict[str, Any]) -> None:
    config = json.dumps({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "networking": {"ipFamily": "ipv4"}})
    foreign = ["kind", "create", "cluster", "--name", NAME, "--image", asked["node_image"], "--config", "-"]
    subprocess.run([*foreign, "--kubeconfig", f"{asked['kubeconfig']}.theirs"], input=config, text=True, check=True)
    try:
        sentence = failure(kind_cluster, **asked, state="absent")
        assert "was not made by this collection" in sentence
        assert "was not made by this collection" in failure(kind_cluster, **asked, nodes=2, recreate=True)
        assert containers() == [f"{NAME}-control-plane"]
    finally:
        run("kind", "delete", "cluster", "--name", NAME, "--kubeconfig", f"{asked['kubeconfig']}.theirs")


@pytest.mark.full
def test_image_that_is_no_node_leaves_nothing_and_says_what_kind_said(asked: dict[str, Any], toolbox: str) -> None:
    sentence = failure(kind_cluster, **{**asked, "node_image": toolbox})
    assert sentence.startswith(f"Kind could not make cluster {NAME} in 2 attempts: `kind create cluster")
    assert "ERROR: failed to create cluster" in sentence
    assert containers() == []
    assert list(Path(asked["kubeconfig"]).parent.iterdir()) == []


@pytest.mark.full
def test_too_small_a_host_is_told_before_anything_starts(asked: dict[str, Any]) -> None:
    cpus = os.cpu_count() or 1
    sentence = failure(kind_cluster, **asked, nodes=2, node_cpus=str(cpus))
    assert sentence.startswith(
        f"cluster_node_cpus asks for {2 * cpus} CPUs (2 nodes with {cpus}), but this host has {cpus}:"
    )
    assert "but this host has" in failure(kind_cluster, **asked, nodes=2, node_memory="4Ti")
    assert containers() == []


@pytest.mark.full
@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "PATH",
            "/nowhere",
            "the program docker is not on PATH: install a Docker engine, or podman and cluster_engine: podman.",
        ),
        ("DOCKER_HOST", "unix:///nowhere/docker.sock", "the container engine docker does not answer"),
    ],
)
def test_missing_programs_and_engines_are_named(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(variable, value)
        assert failure(kind_cluster, **asked).startswith(sentence)


@pytest.mark.full
def test_missing_kind_is_named(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = run("which", "docker").strip()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").symlink_to(docker)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"))
        assert (
            failure(kind_cluster, **asked)
            == "the program kind is not on PATH: install it from https://kind.sigs.k8s.io."
        )
