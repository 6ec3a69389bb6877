# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks with the inventory of GKE at a stand-in of Google, as far as they go without a Kubernetes; tests/e2e goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.google import PROJECT, ZONE, Google, key_file, serving
from tests.fixtures.playbook import Playbook, errors, hosts


@pytest.fixture
def google() -> Iterator[Google]:
    with serving(Google()) as made:
        # Between two looks at an operation there are seconds.
        made.polls = 0
        yield made


@pytest.fixture
def playbook(google: Google, tmp_path: Path) -> Playbook:
    variables = {"cluster_gke_endpoint": google.url, "cluster_gke_location": ZONE, "sweep_results_dir": str(tmp_path)}
    # As AWX's credential for Google gives them.
    env = {"GCP_PROJECT": PROJECT, "GCP_SERVICE_ACCOUNT_FILE": str(key_file(tmp_path, google.url))}
    return Playbook(tmp_path, variables, "inventories/gke", env, seconds=120)


def test_provision_in_check_mode_says_what_would_be_made(playbook: Playbook, google: Google) -> None:
    result = playbook.run("provision", "--check", "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"GKE cluster tfscale in {ZONE} would be created with 2 nodes." in result.stdout
    assert google.clusters == {}


def test_teardown_removes_the_cluster_and_tells_of_those_that_go_on(playbook: Playbook, google: Google) -> None:
    google.add("tfscale")
    google.add("forgotten", location="us-central1-a")
    google.add("theirs", ours=False)
    result = playbook.run("teardown")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "cost money: forgotten in us-central1-a" in result.stdout
    result = playbook.run("teardown", cluster_gke_leftovers="remove")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [name for _location, name in google.clusters] == ["theirs"]


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"cluster_gke_location": "Belgium"}, "cluster_gke_location is 'Belgium': give a zone or region"),
    ({"cluster_gke_location": "mars-north1-a"}, "cluster_gke_location is 'mars-north1-a': give another"),
    ({"cluster_gke_machine_type": "e9"}, "cluster_gke_machine_type is 'e9': give another"),
    ({"cluster_gke_project": "other-project"}, "may not do this in cluster_gke_project 'other-project'"),
    ({"cluster_gke_service_account_file": "galaxy.yml"}, "cluster_gke_service_account_file is"),
    ({"cluster_nodes_method": "recreate"}, "recreate only with cluster_provider kind, resize only with gke"),
    (
        {"cluster_teardown": True, "sweep_ledger": "cluster"},
        "cluster_teardown removes the cluster with all that is in it: give files",
    ),
]


def test_provision_bad_input_gets_a_sentence(playbook: Playbook, google: Google, tmp_path: Path) -> None:
    each = {
        f"slip-{number}": {"cluster_name": f"slip-{number}", **given}
        for number, (given, _words) in enumerate(BAD_INPUT)
    }
    own = {name: value for name, value in playbook.variables.items() if name != "cluster_gke_location"}
    many = hosts(tmp_path / "inventory", each, "inventories/gke", cluster_gke_location=ZONE)
    told = errors(replace(playbook, variables=own, inventory=many).run("provision"))
    for host, (given, words) in zip(each, BAD_INPUT, strict=True):
        assert words in told[host], (given, told[host])
    assert google.clusters == {}


def test_provision_leaves_a_cluster_alone_that_is_not_ours(playbook: Playbook, google: Google) -> None:
    google.add("tfscale", ours=False)
    result = playbook.run("provision")
    assert result.returncode != 0
    assert "was not made by this collection" in " ".join(result.stderr.split())
    assert not any("POST /v1" in line or "DELETE" in line for line in google.requests)


def test_sweep_with_teardown_leaves_a_cluster_alone_that_it_was_refused(playbook: Playbook, google: Google) -> None:
    """It is there with other machines: perhaps another study's, and never this one's to remove."""
    google.add("tfscale")
    result = playbook.run(
        "sweep", cluster_teardown=True, cluster_gke_machine_type="e2-standard-2", training_image="x:1"
    )
    assert result.returncode != 0
    assert "'e2-standard-4' instead of 'e2-standard-2'" in " ".join(result.stderr.split())
    assert [name for _location, name in google.clusters] == ["tfscale"]
