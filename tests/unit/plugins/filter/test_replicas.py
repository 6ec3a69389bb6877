# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as the role calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.filter import replicas as plugin

from tests.fixtures.playbook import ROOT

ROLE = ROOT / "roles/training"
RUN = {"spec": {"ps": 0, "workers": 1}, "seed": 1}


def call(given: Mapping[str, Any], run: Mapping[str, Any]) -> Any:
    filters = plugin.FilterModule().filters()
    return filters[yaml.safe_load(plugin.DOCUMENTATION)["name"]](given, run)


def test_filter_of_processes_needs_no_variable_of_pods() -> None:
    given = {"backend": "processes", "variants": {}, "threads": "2", "command": "exec serve", "env": "{A: yes}"}
    found = call(given, RUN)
    assert (found["command"], found["trainer_args"]) == (["/bin/sh", "-c", "exec serve"], {})
    # A program's threads are limited by variables, our trainer's by its flag.
    assert (found["env"]["A"], found["env"]["OMP_NUM_THREADS"], found["threads"]) == (True, "2", 0)
    assert (found["environment"]["WORLD_SIZE"], found["environment"]["RANK"]) == ("1", "{index}")


def test_filter_names_the_variable_that_is_wrong() -> None:
    given = {"backend": "processes", "variants": {}, "threads": "many", "command": ["x"], "env": {}}
    with pytest.raises(AnsibleFilterError, match="training_threads is 'many'"):
        call(given, RUN)


@pytest.mark.parametrize(("given", "run", "missing"), [({}, RUN, "backend"), ({"backend": "job"}, {}, "volume")])
def test_filter_names_what_it_is_not_given(given: dict[str, Any], run: dict[str, Any], missing: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"replicas is given no {missing}"):
        call(given, run)


def test_role_gives_variables_as_they_are() -> None:
    """Data only: the filter decides, the role names its variables."""
    text = " ".join(
        yaml.safe_load((ROLE / "vars/main.yml").read_text())[name]
        for name in ("__training_of_process", "__training_replicas")
    )
    given = re.findall(r"'(\w+)': (.+?)(?=,\s+'|\s*\})", text)
    usual = {
        "variants": "training_variants | default({",
        "nodes_method": "cluster_nodes_method | default('none')",
        # Of the run, where there is one.
        "backend": "__training_backend",
    }
    assert len(given) == len(dict(given)) > 40
    assert {name: usual.get(name, f"training_{name}") for name, _value in given} == dict(given)


def test_templates_use_only_values_that_are_returned() -> None:
    used = {
        name
        for path in [*(ROLE / "templates").glob("*.j2"), *(ROLE / "tasks").glob("*.yml")]
        for name in re.findall(r"\b(?:replicas|process)\.(\w+)", path.read_text())
    }
    code = "".join((ROOT / f"plugins/plugin_utils/{name}.py").read_text() for name in ("replicas", "train_job"))
    returned = set(re.findall(r'"(\w+)": ', code)) | set(re.findall(r"^    (\w+): str$", code, re.MULTILINE))
    assert used
    assert used <= returned
