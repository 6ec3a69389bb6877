# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two versions of a training as pods of a real cluster, one of them slower by plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.e2e.infra.cluster import Cluster
from tests.fixtures.playbook import ROOT, Playbook

SCHEMA = json.loads((ROOT / "docs/record.schema.json").read_text())
STEPS = 20
# A program that is as slow as it is told to be, in an image with nothing but a shell.
PROGRAM = f"""
read -r began rest </proc/uptime
step=0
while [ "$step" -le {STEPS} ]; do
  read -r now rest </proc/uptime
  echo "$now step=$step loss=$(({STEPS} - step))"
  step=$((step + 1))
  sleep "$PACE"
done
"""


@pytest.fixture
def playbook(cluster: Cluster, namespace: str, toolbox: str, tmp_path: Path) -> Playbook:
    variables = {
        "cluster_provider": "existing",
        "cluster_name": "e2e",
        "cluster_kubeconfig": str(cluster.kubeconfig),
        "cluster_namespace": namespace,
        "cluster_nodes_method": "none",
        "image_delivery": "none",
        "training_backend": "job",
        "training_image": toolbox,
        "training_image_pull_policy": "Never",
        "training_run_as_user": 10001,
        "training_command": PROGRAM,
        "training_log_format": "^(?P<time>[0-9.]+) step=(?P<step>[0-9]+) loss=(?P<loss>[0-9]+)",
        "training_worker_resources": {"requests": {"cpu": "50m", "memory": "32Mi"}},
        "training_env": {"PACE": "0.2"},
        "training_ps": 0,
        "training_workers": 1,
        "sweep_results_dir": str(tmp_path),
        "upgrade_gate_steps": STEPS,
        "upgrade_gate_blocks": 8,
    }
    return Playbook(tmp_path, variables, "inventories/kind", cluster.environment(), seconds=1800)


def records(playbook: Playbook) -> list[dict[str, Any]]:
    (ledger,) = playbook.results.glob("*/ledger.jsonl")
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def said(output: str) -> str:
    return next(line for line in output.splitlines() if "Gate: " in line)


@pytest.mark.full
def test_compare_pods_planted_slowdown_is_caught(playbook: Playbook, cluster: Cluster, namespace: str) -> None:
    own = {"env": {"PACE": "0.25"}, "worker_resources": {"requests": {"cpu": "60m", "memory": "32Mi"}}}
    result = playbook.run("compare", upgrade_after=own)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "slower than the 5 % that upgrade_max_slowdown allows" in said(result.stdout), result.stdout
    runs = records(playbook)
    assert 8 <= len(runs) < 16
    for run in runs:
        jsonschema.Draft202012Validator(SCHEMA).validate(run)
        cpu = run["spec"]["worker_resources"]["requests"]["cpu"]
        assert cpu == ("60m" if run["spec"]["variant"] == "after" else "50m")
    assert cluster.kubectl("get", "pods,jobs", "--namespace", namespace, "--output=name").strip() == ""


@pytest.mark.full
def test_compare_pods_equal_versions_raise_no_alarm(playbook: Playbook) -> None:
    result = playbook.run("compare", sweep_ledger="cluster")
    assert result.returncode == 0, result.stdout + result.stderr
    assert ": slower than" not in said(result.stdout)


@pytest.mark.full
def test_compare_pods_version_that_cannot_start_is_named(playbook: Playbook) -> None:
    result = playbook.run("compare", upgrade_after={"image": "nowhere.invalid/none:1"}, training_deadline=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no run of after counts (the last: " in said(result.stdout)
    assert {run["spec"]["variant"] for run in records(playbook)} == {"before", "after"}
