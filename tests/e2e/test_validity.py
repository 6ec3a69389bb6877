# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of real pods, from the wait to the verdict: each has the reason of its own row of docs/validity.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_record

from tests.e2e.infra.base import run
from tests.e2e.infra.cluster import Cluster
from tests.e2e.test_wait import EAT, IS_SECOND, Site
from tests.e2e.workloads import TRAIN
from tests.fixtures.reasons import rows_of
from tests.fixtures.runs import planned_run

pytestmark = pytest.mark.full
OTHER_IMAGE = "tfscale.test/validity:1"
# The second worker ends twice, while the first one still trains: its pod is started again after its back-off.
TWICE = f"""
if {IS_SECOND}; then
  [ -e /tmp/twice ] || rm /tmp/once
  true >/tmp/twice
  exit 0
fi
{TRAIN}
sleep 30
"""


@pytest.fixture
def site(cluster: Cluster, namespace: str, toolbox: str, tmp_path: Path) -> Site:
    return Site(cluster, namespace, toolbox, tmp_path / "logs")


@pytest.fixture
def other_image(cluster: Cluster, toolbox: str) -> Iterator[str]:
    """The toolbox under another name, and with another digest."""
    build = ("docker", "build", "--quiet", "--tag", OTHER_IMAGE, "-")
    run(*build, env=cluster.environment(), text=f"FROM {toolbox}\nENV OTHER=1\n")
    cluster.kind("load", "docker-image", OTHER_IMAGE)
    yield OTHER_IMAGE
    run("docker", "rmi", "--force", OTHER_IMAGE, env=cluster.environment())


def judged(site: Site, folder: Path, workload: str, **given: Any) -> dict[str, Any]:
    """The record of the run that the site has deployed."""
    try:
        wait = site.wait(workload, **given)
    except StepError as error:
        wait = {**error.result, "msg": str(error)}
    planned = planned_run(folder, log_dir=str(site.folder))
    planned["spec"] |= {"train_steps": 20, "workers": 2, "command": "sh", "backend": workload}
    usual = {name: option.get("default") for name, option in study_record.ARGUMENT_SPEC.items()}
    mine = {"study_dir": str(folder), "run": planned, "wait": wait, "log_format": "thesis"}
    record: dict[str, Any] = study_record.execute({**usual, **mine}, Context())["record"]
    return record


def test_pod_on_a_node_that_is_not_active_makes_a_run_void(site: Site, tmp_path: Path) -> None:
    site.deploy("job")
    record = judged(site, tmp_path, "job", nodes=["elsewhere"])
    assert rows_of(record) == ["a pod ran on a node that is not active"]
    assert "among the active nodes elsewhere" in record["verdict"]["reasons"][0]


def test_images_that_differ_make_a_run_void(site: Site, tmp_path: Path, other_image: str) -> None:
    site.deploy("job", image=other_image)
    record = judged(site, tmp_path, "job")
    assert rows_of(record) == ["the replicas' images differ"], record["verdict"]
    assert record["verdict"]["reasons"][0].count("sha256:") == 2


def test_replica_that_was_started_again_makes_a_run_void(site: Site, tmp_path: Path) -> None:
    site.deploy("statefulset", worker=TWICE)
    record = judged(site, tmp_path, "statefulset")
    assert rows_of(record) == ["a replica was started again"], record["verdict"]


def test_worker_that_took_too_much_memory_makes_a_run_void(site: Site, tmp_path: Path) -> None:
    site.deploy("job", worker=EAT, limits={"memory": "64Mi"})
    record = judged(site, tmp_path, "job")
    assert rows_of(record) == ["a replica failed, was killed or evicted"]
    assert "OOMKilled" in record["verdict"]["reasons"][0]
