# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer's image: on every node, as any user, without network; and what is said where it is not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._steps import image_on_nodes

from tests.e2e.infra.base import run
from tests.e2e.infra.cluster import Cluster
from tests.e2e.registry import Registry, registry
from tests.e2e.steps import execute, failure
from tests.fixtures.playbook import Playbook

GIB = 2**30


@pytest.fixture
def place(cluster: Cluster, namespace: str) -> Iterator[dict[str, Any]]:
    """Whatever the check found, nothing of it is left in the namespace."""
    yield {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace, "pull_policy": "Never", "timeout": 300}
    assert cluster.kubectl("get", "daemonsets,pods", "--namespace", namespace, "--output=name").strip() == ""


@pytest.fixture
def build(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Builds a small image and loads it into the nodes named; all of it is gone afterwards."""
    made: list[str] = []

    def build(name: str, lines: str, *nodes: str) -> str:
        image = f"tfscale.test/{name}"
        docker = ("docker", "build", "--quiet", "--tag", image, "-")
        run(*docker, env=cluster.environment(), text=lines)
        cluster.kind("load", "docker-image", image, "--nodes", ",".join(nodes or workers(cluster)))
        made.append(image)
        return image

    yield build
    for image in made:
        run("docker", "rmi", "--force", image, env=cluster.environment())
        for node in workers(cluster):
            subprocess.run(
                ["docker", "exec", node, "crictl", "rmi", image],
                env={**cluster.environment()},
                capture_output=True,
                check=False,
            )


def workers(cluster: Cluster) -> list[str]:
    return sorted(name for name in cluster.kind("get", "nodes").split() if "control-plane" not in name)


def test_image_is_proved_on_every_node(cluster: Cluster, place: dict[str, Any], trainer_image: str) -> None:
    result = execute(image_on_nodes, **place, image=trainer_image)
    assert [one["name"] for one in result["nodes"]] == workers(cluster)
    assert result["digest"].startswith("sha256:")
    assert result["changed"] is False


@pytest.mark.full
@pytest.mark.parametrize("user", ["10001:0", "1234567:0"])
def test_image_trains_as_any_user_without_network_on_a_read_only_root(
    cluster: Cluster, trainer_image: str, user: str
) -> None:
    train = [
        "-m",
        "trainer.launch",
        "--ps",
        "1",
        "--workers",
        "1",
        "--run_dir",
        "/tmp/run",
        "--",
        "--train_steps",
        "50",
    ]
    box = ["--network", "none", "--read-only", "--tmpfs", "/tmp", "--user", user, "--cap-drop", "ALL"]
    words = ["docker", "run", "--rm", *box, "--entrypoint", "python3", trainer_image, *train]
    run(*words, env=cluster.environment(), timeout=600)


def test_image_is_small(cluster: Cluster, trainer_image: str) -> None:
    size = int(run("docker", "image", "inspect", "--format", "{{.Size}}", trainer_image, env=cluster.environment()))
    print(f"{trainer_image}: {size / 1e6:.0f} MB unpacked")
    assert size < GIB


@pytest.mark.full
def test_image_that_one_node_lacks_names_the_node(
    cluster: Cluster, place: dict[str, Any], build: Any, toolbox: str
) -> None:
    first, second = workers(cluster)
    image = build("one-node:1", f"FROM {toolbox}\nUSER 10001\n", first)
    assert failure(image_on_nodes, **place, image=image) == (
        f"image {image} is not on node {second}: put it there (image_delivery kind or push), or let the nodes pull it"
        " (training_image_pull_policy IfNotPresent)."
    )


@pytest.mark.full
def test_image_that_differs_between_nodes_is_found_out(
    cluster: Cluster, place: dict[str, Any], build: Any, toolbox: str
) -> None:
    first, second = workers(cluster)
    image = build("twice:1", f"FROM {toolbox}\nUSER 10001\n", first)
    build("twice:1", f"FROM {toolbox}\nUSER 10002\n", second)
    sentence = failure(image_on_nodes, **place, image=image)
    assert sentence.startswith(f"nodes have different images under the name {image} ({first} sha256:")
    assert failure(image_on_nodes, **place, image=image, digest="sha256:0").count("sha256:") == 3


@pytest.mark.full
def test_image_without_any_program_is_proved_all_the_same(
    cluster: Cluster, place: dict[str, Any], build: Any, toolbox: str
) -> None:
    """The command of the check cannot start in it."""
    image = build("empty:1", f"FROM {toolbox} AS base\nFROM scratch\nCOPY --from=base /etc/passwd /etc/\nUSER 10001\n")
    assert len(execute(image_on_nodes, **place, image=image)["nodes"]) == 2


@pytest.mark.full
def test_image_that_runs_as_root_is_refused(cluster: Cluster, place: dict[str, Any], toolbox: str) -> None:
    sentence = failure(image_on_nodes, **place, image=toolbox)
    assert sentence.startswith(f"image {toolbox} cannot run on any node (")
    assert sentence.endswith("give it a USER that is a number other than 0, because pods must not run as root.")


@pytest.mark.full
@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ("127.0.0.1:1/nothing:1", "cannot pull image 127.0.0.1:1/nothing:1 ("),
        ("Not/An:Image:Name", "is not the name of an image ("),
    ],
)
def test_image_that_cannot_be_pulled_is_told(
    cluster: Cluster, place: dict[str, Any], image: str, sentence: str
) -> None:
    assert sentence in failure(image_on_nodes, **{**place, "pull_policy": "IfNotPresent"}, image=image)


@pytest.mark.full
def test_image_check_that_a_quota_forbids_names_it(
    cluster: Cluster, place: dict[str, Any], namespace: str, trainer_image: str
) -> None:
    cluster.kubectl("create", "quota", "none", "--hard=pods=0", "--namespace", namespace)
    sentence = failure(image_on_nodes, **place, image=trainer_image)
    assert sentence.startswith(f"namespace {namespace} refuses pods of image {trainer_image}: ")
    assert "exceeded quota: none" in sentence


@pytest.mark.full
def test_image_check_replaces_one_that_was_killed(
    cluster: Cluster, place: dict[str, Any], namespace: str, trainer_image: str
) -> None:
    from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.image_check import document

    left: dict[str, Any] = {
        "pull_secrets": [],
        "node_selector": {},
        "tolerations": [],
        "study": "",
        "pull_policy": "Never",
        "run_as_user": None,
    }
    made = document({"image": trainer_image, **left})
    cluster.kubectl("create", "--namespace", namespace, "-f", "-", text=json.dumps(made))
    assert len(execute(image_on_nodes, **place, image=trainer_image)["nodes"]) == 2


@pytest.fixture
def pulled_from(cluster: Cluster) -> Iterator[Registry]:
    """A registry that engine and nodes reach as 127.0.0.1, the one address that both trust without certificates."""
    with registry() as server:
        gateway = ("docker", "network", "inspect", "kind", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}")
        host, *_others = (ip for ip in run(*gateway, env=cluster.environment()).split() if "." in ip)
        there = ("--protocol", "tcp", "--destination", "127.0.0.1", "--dport", str(server.server_port))
        forward = ("OUTPUT", *there, "--jump", "DNAT", "--to-destination", f"{host}:{server.server_port}")
        disguise = ("POSTROUTING", "--protocol", "tcp", "--destination", host, "--jump", "MASQUERADE")
        for node in workers(cluster):
            for rule in (forward, disguise):
                iptables = ("docker", "exec", node, "iptables", "--table", "nat", "--append", *rule)
                run(*iptables, env=cluster.environment())
        try:
            yield server
        finally:
            for node in workers(cluster):
                for rule in (forward, disguise):
                    iptables = ("docker", "exec", node, "iptables", "--table", "nat", "--delete", *rule)
                    run(*iptables, env=cluster.environment())


@pytest.mark.full
def test_image_is_pushed_pulled_and_proved_by_its_digest(
    cluster: Cluster, place: dict[str, Any], pulled_from: Registry, toolbox: str, tmp_path: Path
) -> None:
    image = f"127.0.0.1:{pulled_from.server_port}/team/tiny:1"
    docker = ("docker", "build", "--quiet", "--tag", image, "-")
    run(*docker, env=cluster.environment(), text=f"FROM {toolbox}\nUSER 10001\n")
    variables = {
        "cluster_provider": "existing",
        "cluster_kubeconfig": place["kubeconfig"],
        "cluster_namespace": place["namespace"],
        "image_delivery": "push",
        "training_image": image,
        "sweep_results_dir": str(tmp_path),
    }
    playbook = Playbook(tmp_path, variables, "inventories/kind", cluster.environment(), seconds=900)
    for changed in (1, 0):
        result = playbook.run("../tests/e2e/files/image")
        assert result.returncode == 0, result.stdout + result.stderr
        assert f"changed={changed}" in result.stdout
    assert pulled_from.tags["1"] in result.stdout
    # Another content under the same tag: the nodes keep what they have.
    run(*docker, env=cluster.environment(), text=f"FROM {toolbox}\nUSER 10002\n")
    result = playbook.run("../tests/e2e/files/image")
    assert f"nodes have different images under the name {image} (" in result.stderr
    assert f"instead of {pulled_from.tags['1'][:19]})" in result.stderr
    both = run("docker", "images", "--quiet", image.removesuffix(":1"), env=cluster.environment()).split()
    run("docker", "rmi", "--force", *both, env=cluster.environment())
    result = playbook.run("../tests/e2e/files/image")
    assert f"training_image is '{image}', which docker does not have: pull or build it first" in result.stderr
