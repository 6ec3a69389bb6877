# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables are looked at: those of the play, as its templates read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.tfscale.study.plugins.action.variables_info import ActionModule

from tests.fixtures.ansible_core import trust_as_template


def run(variables: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    task = SimpleNamespace(args=arguments, check_mode=True, async_val=0, environment=None)
    connection = SimpleNamespace(transport="ssh", become=None, _shell=SimpleNamespace(tmpdir=None))
    made = ActionModule(task, connection, None, DataLoader(), Templar(loader=DataLoader(), variables=variables), None)
    made._load_name = "tfscale.study.variables_info"
    return made.run(task_vars={"inventory_hostname": "local", **variables})


def test_run_reads_templates_and_leaves_foreign_variables_alone() -> None:
    given = {"sweep_repeats": trust_as_template("{{ mine }}"), "mine": "4", "theirs": trust_as_template("{{ none }}")}
    assert run(given)["msg"] == "1 variable can be used."


def test_run_refuses_what_a_template_becomes() -> None:
    result = run({"sweep_repeats": trust_as_template("{{ mine }}"), "mine": "two"})
    assert result["failed"] is True
    assert result["msg"].startswith("sweep_repeats is 'two': give")


def test_run_names_the_variable_that_cannot_be_read() -> None:
    result = run({"sweep_repeats": trust_as_template("{{ mine }}")})
    assert result["failed"] is True
    assert result["msg"].startswith("sweep_repeats is '{{ mine }}', which cannot be read: ")
    assert "'mine' is undefined" in result["msg"]
    assert "\n" not in result["msg"]


def test_run_takes_values_that_are_given_instead() -> None:
    assert run({"sweep_repeats": "two"}, values={"sweep_seed": 1})["msg"] == "1 variable can be used."


def test_run_reads_nothing_of_other_roles() -> None:
    given = {"cluster_nodes": 1, "sweep_repeats": trust_as_template("{{ none_such }}")}
    assert run(given, roles=["cluster"])["msg"] == "1 variable can be used."


def test_run_refuses_the_former_name_of_a_variable() -> None:
    result = run({"training_standing": True})
    assert result["failed"] is True
    assert {"training_standing", "true", "training_long_running"} <= set(
        result["msg"].replace(":", "").replace(",", "").split()
    )
