# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One study on several hosts of an inventory: this machine, and clusters that are dead; tests/e2e has two that live."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.playbook import ROOT, Playbook

HERE = {"cluster_provider": "local", "training_backend": "processes"}


def kubeconfig(path: Path, server: str = "https://127.0.0.1:9", name: str = "c") -> str:
    cluster = {"name": "c", "cluster": {"server": server}}
    context = {"name": name, "context": {"cluster": "c", "user": "c"}}
    user = {"name": "c", "user": {"token": "none"}}
    path.write_text(
        json.dumps({"clusters": [cluster], "contexts": [context], "users": [user], "current-context": name})
    )
    return str(path)


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


def test_sweep_a_dead_cluster_stops_no_other(hosts: Any, tmp_path: Path) -> None:
    dead = {
        "cluster_provider": "existing",
        "training_backend": "job",
        "training_image": "x:1",
        "cluster_kubeconfig": kubeconfig(tmp_path / "dead"),
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
    result = playbook.run("sweep")
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
        "cluster_kubeconfig": kubeconfig(tmp_path / "config"),
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
    assert result.returncode != 0
    for port in (8, 9):
        assert f"cluster https://127.0.0.1:{port} does not answer" in result.stderr
    only = replace(playbook, inventory=str(source)).run("provision", "--limit", "west")
    assert "127.0.0.1:9" not in only.stdout + only.stderr
