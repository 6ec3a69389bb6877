# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One study on several hosts of an inventory: this machine, clusters that are dead, simulated ones; tests/e2e has two that live."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.playbook import ROOT, Playbook, errors
from tests.fixtures.simulator import clusters, inventory, kubeconfig, variables

NOWHERE = "https://127.0.0.1:9"

HERE = {"cluster_provider": "local", "training_backend": "processes"}


@pytest.fixture
def hosts(playbook: Playbook, tmp_path: Path) -> Any:
    """Makes an inventory like that of this machine, with other hosts; what differs between them is no extra variable."""

    def make(**variables: dict[str, Any]) -> Playbook:
        folder = tmp_path / "inventory"
        shutil.copytree(ROOT / "inventories/local", folder)
        common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": variables, "vars": common}}))
        (folder / "group_vars/all/cluster.yml").unlink()
        training = folder / "group_vars/all/training.yml"
        training.write_text(training.read_text().replace("training_backend: processes\n", ""))
        return replace(playbook, inventory=str(folder))

    return make


@pytest.mark.full
def test_sweep_a_dead_cluster_stops_no_other(hosts: Any, tmp_path: Path) -> None:
    dead = {
        "cluster_provider": "existing",
        "training_backend": "job",
        "training_image": "x:1",
        "cluster_kubeconfig": kubeconfig(tmp_path / "dead", NOWHERE),
    }
    playbook = hosts(here=HERE, dead=dead)
    result = playbook.run("sweep")
    assert result.returncode != 0
    assert "cluster https://127.0.0.1:9 does not answer" in result.stderr
    records = playbook.records()
    assert [record["spec"]["cluster"] for record in records] == ["here"] * 4
    assert (playbook.results / "tiny/report.html").exists()
    assert not (playbook.results / "tiny/ledger.lock").exists()
    limited = playbook.run("sweep", "--limit", "here")
    assert limited.returncode == 0, limited.stdout + limited.stderr
    assert playbook.records() == records


def test_sweep_refuses_two_hosts_that_are_one_cluster(hosts: Any) -> None:
    playbook = hosts(one=HERE, two=HERE)
    result = playbook.run("sweep", sweep_repeats=1)
    assert result.returncode != 0
    assert "are one cluster (machine of the controller) and would disturb each other's runs" in " ".join(
        result.stderr.split()
    )
    # At least one of them was refused before it began.
    assert len({record["spec"]["cluster"] for record in playbook.records()}) < 2


def test_provision_refuses_a_context_that_is_not_there(hosts: Any, tmp_path: Path) -> None:
    far = {
        "cluster_provider": "existing",
        "training_backend": "job",
        "cluster_kubeconfig": kubeconfig(tmp_path / "config", NOWHERE),
        "cluster_context": "west",
    }
    result = hosts(far=far).run("provision")
    assert result.returncode != 0
    assert "cluster_context is 'west', which kubeconfig" in result.stderr
    assert "does not have: give one of c" in " ".join(result.stderr.split())


def test_the_contexts_of_a_kubeconfig_are_an_inventory(playbook: Playbook, tmp_path: Path) -> None:
    """As far as the two clusters would be reached."""
    east, west = (
        kubeconfig(tmp_path / name, f"https://127.0.0.1:{port}", name) for name, port in (("east", 9), ("west", 8))
    )
    source = tmp_path / "my.contexts.yml"
    source.write_text(yaml.safe_dump({"plugin": "tfscale.study.contexts", "kubeconfig": [east, west]}))
    result = replace(playbook, inventory=str(source)).run("provision")
    told = errors(result)
    assert sorted(told) == ["east", "west"]
    for name, port in (("east", 9), ("west", 8)):
        assert f"cluster https://127.0.0.1:{port} does not answer" in told[name]


@pytest.mark.slow
@pytest.mark.parametrize("ledger", ["files", pytest.param("cluster", marks=pytest.mark.full)])
def test_sweep_on_two_clusters_makes_one_report(tmp_path: Path, ledger: str) -> None:
    with clusters(tmp_path, 2) as made:
        inventory(tmp_path / "inventory.yml", made)
        given = {**variables(tmp_path), "sweep_ledger": ledger, "sweep_repeats": 1}
        given["training_env"] = {"WIDE": "\u017c \U0001f600"}
        playbook = Playbook(tmp_path, given, str(tmp_path / "inventory.yml"))
        result = playbook.run("sweep")
        assert result.returncode == 0, result.stdout + result.stderr
        records = playbook.records("sim")
        assert sorted(record["spec"]["cluster"] for record in records) == ["sim00", "sim01"]
        assert {record["verdict"]["verdict"] for record in records} == {"valid"}
        report = (tmp_path / "sim/report.md").read_text()
        assert "clusters sim00 and sim01" in report
        assert "| cluster | nodes | ps | workers |" in report
        # Each has an answer of its own.
        assert all(f"**cluster={name}**" in report for name in made)
        if ledger == "files":
            return  # as on one cluster: test_sweep_completes_and_then_does_nothing
        again = playbook.run("sweep")
        assert "changed=0" in again.stdout, again.stdout
        assert "changed=1" not in again.stdout, again.stdout
