# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real cluster for all tests, one namespace for each; E2E_KEEP=1 leaves the cluster for a look and takes one
that was left (`make e2e-down` removes it)."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import accounts
from tests.e2e.infra import cluster as clusters
from tests.e2e.infra import controllers, engine
from tests.e2e.infra.base import search_path
from tests.e2e.infra.cluster import Cluster
from tests.e2e.infra.controlplane import ControlPlane
from tests.e2e.infra.node_image import TOOLBOX, node_image
from tests.e2e.infra.programs import programs
from tests.e2e.infra.trainer_image import base_images
from tests.fixtures.playbook import Playbook

# A busy machine takes minutes for what an idle one does in seconds.
PATIENCE = 600.0
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def provisioned(folder: Path, inventory: str = "inventories/kind", **variables: Any) -> Playbook:
    """Playbooks that make Kind clusters themselves; the engine, the nodes' image and kind are the test infrastructure's."""
    engine.start()
    programs("kind")
    env = {**engine.environment(), **base_images(), "KIND_NODE_IMAGE": node_image(), "PATH": search_path()}
    return Playbook(folder, variables, inventory, env, seconds=3600)


@pytest.fixture(scope="session")
def provisioning(tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """The playbooks that make the cluster of all tests, as a user makes his."""
    made = Cluster(clusters.default_name())
    made.folder.mkdir(parents=True, exist_ok=True)
    return provisioned(
        tmp_path_factory.mktemp("provisioning"),
        cluster_name=made.name,
        cluster_kubeconfig=str(made.kubeconfig),
        cluster_nodes=2,
        cluster_timeout=clusters.CREATE_SECONDS,
    )


def must_succeed(playbook: Playbook, name: str, **variables: Any) -> str:
    result = playbook.run(name, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, provisioning: Playbook) -> Iterator[Cluster]:
    """A control plane and two workers, made and removed by role cluster."""
    made = Cluster(clusters.default_name())
    keep = os.environ.get("E2E_KEEP")
    try:
        if not keep:
            clusters.delete(made)  # one that a killed run of these tests has left
        must_succeed(provisioning, "../tests/e2e/files/cluster")
        clusters.wait_until_ready(made)
        yield made
        if request.session.testsfailed:
            clusters.diagnose(made, "tests")
        if not keep:
            # Tests may leave locks of controllers that never were.
            must_succeed(provisioning, "teardown", cluster_teardown_held=True)
            assert not made.exists()
    finally:
        if not keep:
            clusters.down(made.name)


@pytest.fixture
def own_clusters(tmp_path: Path) -> Iterator[Callable[..., Playbook]]:
    """Playbooks that make Kind clusters of their own, which go with the test."""
    made: list[Playbook] = []

    def make(inventory: str, **variables: Any) -> Playbook:
        common = {"sweep_results_dir": str(tmp_path), "sweep_study": "tiny", "training_steps": 400}
        made.append(provisioned(tmp_path, inventory, **{**common, **variables}))
        return made[-1]

    try:
        yield make
    finally:
        torn_down = [playbook.run("teardown", cluster_teardown_held=True) for playbook in made]
        engine.stop()
        for result in torn_down:
            assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace in which only pods of the `restricted` standard are admitted; removed afterwards."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    labels = [f"{key}={value}" for key, value in RESTRICTED.items()]
    cluster.kubectl("label", "namespace", name, *labels)
    try:
        yield name
    finally:
        # Its end takes 6 to 13 s, which no other test needs to wait for; but what is held there holds up the nodes.
        cluster.kubectl("delete", "leases", "--all", "--namespace", name)
        cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def playbook(cluster: Cluster, namespace: str, trainer_image: str, tmp_path: Path) -> Playbook:
    """One worker and one ps on the test's cluster and namespace, in seconds."""
    variables = {
        "cluster_provider": "existing",
        "cluster_name": "e2e",
        "cluster_kubeconfig": str(cluster.kubeconfig),
        "cluster_namespace": namespace,
        "image_delivery": "none",
        "training_image": trainer_image,
        "training_image_pull_policy": "Never",
        "training_steps": 400,
        "training_deadline": PATIENCE,
        "sweep_results_dir": str(tmp_path),
        "sweep_study": "tiny",
        "sweep_series": [{"nodes": [1], "ps": [1], "workers": [1]}],
        "sweep_repeats": 1,
    }
    return Playbook(tmp_path, variables, "inventories/kind", cluster.environment(), seconds=3 * PATIENCE)


@pytest.fixture
def account(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Makes a kubeconfig of the documented service account, see `accounts.make`."""
    yield partial(accounts.make, cluster, namespace, tmp_path)
    accounts.remove(cluster, namespace)


@pytest.fixture(scope="session")
def toolbox() -> str:
    """An image with a shell and curl that every node has."""
    if os.environ.get("KIND_NODE_IMAGE"):
        pytest.skip("only node images built here carry the toolbox")
    return TOOLBOX


@pytest.fixture(scope="session")
def trainer_image(cluster: Cluster, provisioning: Playbook) -> str:
    """The trainer's image, built, put on the nodes and proved there by role image."""
    said = must_succeed(provisioning, "../tests/e2e/files/image")
    found = re.search(r"image (\S+) has the digest sha256:", said)
    assert found, said
    return found[1]


@pytest.fixture(scope="module")
def carriers(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with JobSet, Kubeflow Trainer and Kueue, which go with the module: Kueue has a say in every pod."""
    try:
        controllers.install(cluster)
        yield cluster
    finally:
        controllers.remove(cluster)


@pytest.fixture(scope="session")
def controlplane() -> Iterator[ControlPlane]:
    """An API server with its controllers and 100 simulated nodes, as plain processes."""
    plane = ControlPlane(f"controlplane-{clusters.default_name()}")
    try:
        plane.start(nodes=100)
        yield plane
    finally:
        plane.stop()
