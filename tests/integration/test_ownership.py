# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks beside objects of others: nothing of theirs is overwritten, ended or removed (docs/ownership.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

from tests.fixtures.long_running import manifests
from tests.fixtures.playbook import Playbook, errors
from tests.fixtures.simulator import Simulator, clusters, inventory, variables

CORE = "/api/v1/namespaces/tfscale"
SETS = "/apis/apps/v1/namespaces/tfscale/statefulsets"
OURS = {"app.kubernetes.io/managed-by": "tfscale.study"}
TRAINING_NAME = {
    "training_state": "present",
    "training_backend": "statefulset",
    "training_workers": 1,
    "training_ready_seconds": 1,
    "training_volume": {"size": "1Gi"},
    "training_env": {"WIDE": "\u017c \U0001f600"},
}


class Shared:
    """A simulated cluster, and playbooks that reach it."""

    def __init__(self, api: Simulator, playbook: Playbook) -> None:
        self.api = api
        self.playbook = playbook

    def plant(self, path: str, labels: dict[str, str] | None = None, **document: Any) -> None:
        meta = {"name": path.rpartition("/")[2], "labels": labels or {}}
        self.api._put(path, {"metadata": meta, **document}, "ADDED")

    def refused(self, name: str, **given: Any) -> str:
        before = self.seen()
        result = self.playbook.run(name, **given)
        assert result.returncode != 0, result.stdout
        assert self.seen() == before
        return " ".join(result.stderr.split())

    def seen(self) -> str:
        """All that stands there; what only proves something comes and goes."""
        lasting = {path: one for path, one in self.api.objects.items() if "/daemonsets/" not in path}
        return json.dumps(lasting, sort_keys=True)


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Callable[[int], list[Shared]]]:
    """Makes so many clusters, which one playbook reaches all."""
    with ExitStack() as stack:

        def make(number: int) -> list[Shared]:
            made = stack.enter_context(clusters(tmp_path, number))
            inventory(tmp_path / "inventory.yml", made)
            playbook = Playbook(tmp_path, variables(tmp_path), str(tmp_path / "inventory.yml"))
            return [Shared(api, playbook) for api, _config in made.values()]

        yield make


@pytest.fixture
def shared(many: Callable[[int], list[Shared]]) -> Shared:
    return many(1)[0]


TAKEN = [
    f"{CORE}/persistentvolumeclaims/training",
    f"{CORE}/services/training-worker",
    "/apis/networking.k8s.io/v1/namespaces/tfscale/networkpolicies/training",
    f"{SETS}/training-ps",
]


def test_deploy_refuses_names_that_are_taken_and_changes_nothing(many: Callable[[int], list[Shared]]) -> None:
    each = many(len(TAKEN))
    for shared, path in zip(each, TAKEN, strict=True):
        shared.plant(path, spec={"theirs": True})
    before = [shared.seen() for shared in each]
    told = errors(each[0].playbook.run("deploy", **TRAINING_NAME))
    for number, path in enumerate(TAKEN):
        assert f"{path.rpartition('/')[2]} is there and is not ours" in told[f"sim{number:02}"]
    assert [shared.seen() for shared in each] == before


def test_deploy_absent_leaves_a_workload_of_that_name(shared: Shared) -> None:
    shared.plant(f"{SETS}/training-worker", {"app.kubernetes.io/managed-by": "Helm"}, spec={"theirs": True})
    before = shared.seen()
    result = shared.playbook.run("deploy", **TRAINING_NAME | {"training_state": "absent"})
    assert result.returncode == 0, result.stdout + result.stderr
    assert shared.seen() == before


CHARTS = [
    ("values.yaml", "password: x\n"),
    ("Chart.yaml", "name: mnist\nannotations: {tfscale.study/training: other}\n"),
    ("Chart.yaml", "- of mine\n"),
]


def test_export_leaves_a_chart_of_others(many: Callable[[int], list[Shared]], tmp_path: Path) -> None:
    each = many(len(CHARTS))
    folders = [tmp_path / f"chart-sim{number:02}" for number in range(len(CHARTS))]
    for shared, folder, (name, text) in zip(each, folders, CHARTS, strict=True):
        for one in manifests():
            kind = SETS if one["kind"] == "StatefulSet" else f"{CORE}/configmaps"
            shared.plant(f"{kind}/{one['metadata']['name']}", **one)
        folder.mkdir()
        (folder / name).write_text(text)
    given = {"training_name": "mnist", "training_chart_dir": f"{tmp_path}/chart-{{{{ inventory_hostname }}}}"}
    told = errors(each[0].playbook.run("export_chart", **given))
    for number, (folder, (name, text)) in enumerate(zip(folders, CHARTS, strict=True)):
        assert f"where {name} would be overwritten" in told[f"sim{number:02}"]
        assert ((folder / name).read_text(), len(list(folder.iterdir()))) == (text, 1)
    # The place of one is given up; the second time it is the chart of an export.
    (folders[0] / CHARTS[0][0]).unlink()
    for _again in range(2):
        result = each[0].playbook.run("export_chart", "--limit", "sim00", **given)
        assert result.returncode == 0, result.stdout + result.stderr
    assert (folders[0] / "Chart.yaml").exists()


def test_sweep_refuses_a_claim_of_others(shared: Shared) -> None:
    shared.plant(f"{CORE}/persistentvolumeclaims/training", spec={"theirs": True})
    volume = {"size": "1Gi", "access_modes": ["ReadWriteMany"]}
    assert "tfscale/training is there and is not ours" in shared.refused("sweep", training_volume=volume)


def test_teardown_names_the_study_that_another_controller_runs(shared: Shared) -> None:
    labels = {**OURS, "tfscale.study/study": "mnist"}
    shared.plant("/apis/batch/v1/namespaces/tfscale/jobs/tf-x", labels)
    shared.api.objects["/api/v1/nodes/n0"]["metadata"].setdefault("labels", {})["tfscale.study/active"] = "true"
    with_lock = StudyLock(shared.playbook.results / "mnist", os.getppid(), part="sim00")
    with_lock.acquire()
    said = shared.refused("teardown")
    assert f"mnist is held by process {os.getppid()} on host" in said
    assert "With cluster_teardown_held: true it is changed all the same" in said
    del shared.api.objects["/api/v1/nodes/n0"]["metadata"]["labels"]["tfscale.study/active"]
    assert "With cluster_teardown_held: true it is removed all the same" in shared.refused("teardown")
    shared.api.objects["/api/v1/nodes/n0"]["metadata"]["labels"]["tfscale.study/active"] = "true"
    with_lock.release()
    pod = {**labels, "tfscale.study/run": "r-1"}
    shared.plant(f"{CORE}/pods/tf-x-0", pod)
    assert "such as tf-x-0, and its controller is not known here" in shared.refused("teardown")
    result = shared.playbook.run("teardown", cluster_teardown_held=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tf-x" not in shared.seen()
    assert shared.api.objects["/api/v1/nodes/n0"]["metadata"]["labels"] == {}


def test_sweep_leaves_the_nodes_of_a_study_that_another_controller_runs(shared: Shared) -> None:
    StudyLock(shared.playbook.results / "mnist", os.getppid(), part="sim00").acquire()
    said = shared.refused("sweep")
    facts = ["choice of nodes", f"mnist is held by process {os.getppid()} on host", "cluster_teardown_held"]
    assert [fact for fact in facts if fact not in said] == []


def test_teardown_of_local_leaves_the_runs_of_another_controller(playbook: Playbook) -> None:
    run = playbook.results / "mnist" / "logs" / "r-1"
    run.mkdir(parents=True)
    (run / "state.json").write_text("{}")
    StudyLock(playbook.results / "mnist", os.getppid()).acquire()
    result = playbook.run("teardown")
    assert result.returncode != 0
    assert f"mnist is held by process {os.getppid()} on host" in " ".join(result.stderr.split())
    assert playbook.run("teardown", cluster_teardown_held=True).returncode == 0
