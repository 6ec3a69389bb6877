# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One study on two Kind clusters that it makes, one report; with inventories/multi."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.infra import cluster as clusters
from tests.fixtures.playbook import Playbook

pytestmark = pytest.mark.full
NAME = f"{clusters.default_name()}-{{{{ inventory_hostname }}}}"


@pytest.fixture
def playbook(own_clusters: Callable[..., Playbook]) -> Playbook:
    # Two clusters start beside each other on one machine.
    return own_clusters(
        "inventories/multi", cluster_name=NAME, cluster_timeout=1200, sweep_workers=[1], sweep_repeats=2
    )


def clusters_of(playbook: Playbook) -> list[str]:
    listed = subprocess.run(
        ["kind", "get", "clusters"], env=playbook.environment(), capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split() if name.endswith(("-east", "-west"))]


def test_sweep_on_two_clusters_one_report(playbook: Playbook, tmp_path: Path) -> None:
    result = playbook.run("sweep", sweep_ledger="cluster")
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(clusters_of(playbook)) == 2
    report = (playbook.results / "tiny/report.md").read_text()
    records = playbook.records()
    names = sorted({record["spec"]["cluster"] for record in records})
    assert [name.rpartition("-")[2] for name in names] == ["east", "west"]
    assert len(records) == 4, json.dumps([record["verdict"] for record in records])
    assert all(name in report for name in names)
    assert f"clusters {names[0]} and {names[1]}" in report
    assert "| cluster |" in report
    again = playbook.run("sweep", sweep_ledger="cluster")
    assert "changed=0" in again.stdout, again.stdout
    only = playbook.run("sweep", "--limit", "east", sweep_ledger="cluster", sweep_repeats=3)
    assert only.returncode == 0, only.stdout + only.stderr
    new = playbook.records()[len(records) :]
    assert [record["spec"]["cluster"].rpartition("-")[2] for record in new] == ["east"]
    # The same cluster by a kubeconfig: who a cluster is counts, not how it is reached.
    twin = tmp_path / "twin.yml"
    kubeconfig = playbook.results / ".clusters" / next(name for name in clusters_of(playbook) if name.endswith("-east"))
    hosts = {"twin": {"cluster_provider": "existing", "cluster_kubeconfig": str(kubeconfig)}}
    twin.write_text(json.dumps({"all": {"hosts": hosts}}))
    refused = playbook.run("sweep", "-i", str(twin), "--limit", "east,twin", sweep_ledger="cluster", sweep_repeats=4)
    assert refused.returncode != 0
    assert "and would disturb each other's runs" in " ".join(refused.stderr.split())
    assert len(clusters_of(playbook)) == 2
