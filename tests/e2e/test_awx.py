# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them on a cluster: a bearer token in the environment, no disk that lasts."""

from __future__ import annotations

import base64
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.infra.cluster import Cluster
from tests.fixtures.awx import job

pytestmark = pytest.mark.full
INVENTORY = "inventories/awx"
SWEEP = "extensions/patterns/scaling_study/playbooks/sweep.yml"


@pytest.fixture
def credential(account: Callable[..., str], tmp_path: Path) -> dict[str, str]:
    """What the type `OpenShift or Kubernetes API Bearer Token` puts into the environment; the account is the documented one."""
    document = yaml.safe_load(Path(account()).read_text())
    reached = document["clusters"][0]["cluster"]
    ca = tmp_path / "ca.crt"
    ca.write_bytes(base64.b64decode(reached["certificate-authority-data"]))
    return {
        "K8S_AUTH_HOST": reached["server"],
        "K8S_AUTH_API_KEY": document["users"][0]["user"]["token"],
        "K8S_AUTH_VERIFY_SSL": "True",
        "K8S_AUTH_SSL_CA_CERT": str(ca),
        # The tests' own environment leads to the cluster as well; a job has none of it.
        "KUBECONFIG": str(tmp_path / "none"),
    }


@pytest.fixture
def survey(namespace: str, trainer_image: str) -> dict[str, Any]:
    return {
        "cluster_namespace": namespace,
        "training_image": trainer_image,
        "training_image_pull_policy": "Never",
        "training_steps": "300",
        "sweep_study": "tiny",
        "sweep_nodes": "1",
        "sweep_ps": "1",
        "sweep_workers": "1",
        "sweep_repeats": "4",
    }


def records(cluster: Cluster, namespace: str) -> list[str]:
    selector = "--selector=tfscale.study/record=true"
    return cluster.kubectl("get", "configmaps", "--namespace", namespace, selector, "--output=name").split()


def test_a_cancelled_job_is_gone_on_with_by_another_without_its_disk(
    cluster: Cluster, namespace: str, credential: dict[str, str], survey: dict[str, Any], tmp_path: Path
) -> None:
    first = job(tmp_path / "first")
    process = first.start(SWEEP, INVENTORY, survey, credential)
    deadline = time.monotonic() + 600
    while not records(cluster, namespace) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=120)
    before = records(cluster, namespace)
    assert 1 <= len(before) < 4, first.lines

    second = job(tmp_path / "second")
    assert second.run(SWEEP, INVENTORY, survey, credential) == 0, second.lines
    assert len(records(cluster, namespace)) == 4
    assert set(before) <= set(records(cluster, namespace))
    assert second.artifacts["tfscale_report"].startswith("# Study tiny")
    assert "4 recorded runs" in second.artifacts["tfscale_report"]
    assert second.artifacts["tfscale_answer"]
    assert cluster.kubectl("get", "jobs,pods", "--namespace", namespace, "--output=name").strip() == ""


def test_pods_run_as_the_user_that_openshift_would_choose(
    cluster: Cluster, namespace: str, credential: dict[str, str], survey: dict[str, Any], tmp_path: Path
) -> None:
    """restricted-v2 admits no user of the pod's own and gives it one of the namespace's range, in group 0."""
    one, users = job(tmp_path / "one"), set()
    foreign = {**survey, "sweep_repeats": "1", "training_steps": "2000", "training_run_as_user": "1000680000"}
    process = one.start(SWEEP, INVENTORY, foreign, credential)
    words = ("get", "pods", "--namespace", namespace, "--selector=tfscale.study/replica", "--output=json")
    while process.poll() is None:
        pods = json.loads(cluster.kubectl(*words))["items"]
        users |= {pod["spec"]["securityContext"].get("runAsUser") for pod in pods}
        time.sleep(0.5)
    assert process.returncode == 0, one.lines
    assert "valid:" in one.lines
    assert users == {1000680000}
