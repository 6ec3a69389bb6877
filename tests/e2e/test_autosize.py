# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/autosize.yml on a real cluster; test_gke.py grows a pool."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from tests.fixtures.playbook import ROOT, Playbook

pytestmark = pytest.mark.full


@pytest.fixture
def autosize(playbook: Playbook) -> Playbook:
    """What is given on the command line would win over the search's own study."""
    own = ("sweep_study", "sweep_series", "sweep_repeats")
    variables = {name: value for name, value in playbook.variables.items() if name not in own}
    return replace(
        playbook, variables=variables | {"training_steps": 200, "autosize_study": "tiny", "autosize_max_repeats": 4}
    )


def plan_of(playbook: Playbook) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((playbook.results / "tiny/autosize.json").read_text())
    jsonschema.validate(found, json.loads((ROOT / "docs/autosize.schema.json").read_text()))
    return found


def test_autosize_finds_workers_and_nodes(autosize: Playbook) -> None:
    result = autosize.run("autosize", autosize_max_workers=2, autosize_max_nodes=2, autosize_goal="time")
    assert result.returncode == 0, result.stdout + result.stderr
    plan = plan_of(autosize)
    tried = [(one["size"]["nodes"], one["size"]["workers"]) for one in plan["tried"]]
    assert tried[:2] == [(1, 1), (1, 2)]
    assert any(nodes == 2 for nodes, _workers in tried)
    assert all(record["verdict"]["verdict"] != "void" for record in autosize.records())


def test_autosize_stops_at_the_capacity(autosize: Playbook) -> None:
    """More workers than find room are never started."""
    asks = {"requests": {"cpu": "100m", "memory": "100Gi"}}
    result = autosize.run("autosize", training_worker_resources=asks)
    assert result.returncode != 0
    assert "autosize_max_workers asks for fit, but no worker fits" in " ".join(result.stderr.split())
    assert autosize.records() == []


def test_autosize_applies_the_size_to_a_long_running_training(autosize: Playbook) -> None:
    training = {"training_name": "lasting", "training_ps": 1, "training_workers": 1, "training_steps": 10**9}
    lasting = {"training_name": "lasting", "training_steps": 10**9, "autosize_steps": 200}
    common = replace(autosize, variables={**autosize.variables, "sweep_results_dir": str(autosize.results)})
    deployed = common.run("deploy", **training)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    try:
        # Two workers whatever they gain: the search starts there.
        given = {"autosize_workers": 2, "autosize_max_workers": 2, "autosize_apply": True, **lasting}
        result = common.run("autosize", **given)
        assert result.returncode == 0, result.stdout + result.stderr
        assert plan_of(common)["size"]["workers"] == 2
    finally:
        gone = common.run("deploy", training_state="absent", **training)
    assert gone.returncode == 0, gone.stdout + gone.stderr
