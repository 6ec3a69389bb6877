"""A slip in any variable of any role, through the playbooks: the first task refuses it, in check mode as well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.variables import AWX, VARIABLES

from tests.fixtures.playbook import Playbook, errors, hosts


def refusals(name: str, each: dict[str, dict[str, Any]], folder: Path) -> dict[str, str]:
    """What is said to each host; a host for each slip makes all of them in the time of one playbook."""
    usual = {"training_command": "true", "sweep_results_dir": str(folder / "results")}
    done = Playbook(folder, {}, hosts(folder / "inventory", each, **usual), {"ANSIBLE_FORKS": "8"}).run(name, "--check")
    assert not (folder / "results").exists()
    # A host of which more than the first task was carried out.
    assert re.findall(r"^\[.*\] ok=[1-9].*", done.stdout, re.MULTILINE) == []
    return errors(done)


def test_sweep_refuses_a_slip_in_any_variable_before_anything_else(tmp_path: Path) -> None:
    told = refusals("sweep", {name.replace("_", "-"): {name: None} for name in VARIABLES}, tmp_path)
    for name in VARIABLES:
        assert f"{name} is null: give " in told[name.replace("_", "-")]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("train", {"training_threads": "two"}),
        pytest.param("thesis", {"thesis_study": "../up"}, marks=pytest.mark.full),
        pytest.param("report", {"report_study": "../up"}, marks=pytest.mark.full),
        pytest.param("provision", {"cluster_nodes": "two"}, marks=pytest.mark.full),
        ("teardown", {"cluster_timeout": "two"}),
        pytest.param("deploy", {"training_ready_seconds": "soon"}, marks=pytest.mark.full),
        ("upgrade", {"upgrade_timeout": -1}),
        ("compare", {"upgrade_gate_steps": "many"}),
        pytest.param("export_chart", {"training_name": "../up"}, marks=pytest.mark.full),
        ("awx", dict.fromkeys(AWX)),
    ],
)
def test_every_playbook_refuses_a_slip_before_anything_else(tmp_path: Path, name: str, given: dict[str, Any]) -> None:
    told = refusals(name, {"localhost": given}, tmp_path)
    variable, value = next(iter(given.items()))
    assert f"{variable} is {'null' if value is None else repr(value)}: give " in told["localhost"]
