# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.modules import cluster_capacity_info

from tests.fixtures.modules import run
from tests.fixtures.node_objects import node, quota
from tests.fixtures.objects import Store


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store()
    there.objects["/api/v1/nodes/worker"] = node("worker")
    there.objects["/api/v1/namespaces/tfscale/resourcequotas/small"] = quota("small", {"pods": "4"})
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    return there


def test_main_returns_what_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(cluster_capacity_info.main, capsys)
    assert result["changed"] is False
    documented = yaml.safe_load(cluster_capacity_info.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    for name in ("nodes", "quotas"):
        assert set(documented[name]["contains"]) == set(result[name][0])


def test_main_takes_the_example_of_its_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    [task, _show] = yaml.safe_load(cluster_capacity_info.EXAMPLES)
    assert run(cluster_capacity_info.main, capsys, **task["tfscale.study.cluster_capacity_info"])["workers"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"spread": "magic"}, "value of spread must be one of"),
        ({"ps": "two"}, "ps is 'two': give a whole number from 0."),
        ({"nodes": 2}, "nodes is 2, but the cluster has 1 node that can carry runs (worker): give fewer, or add some."),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(cluster_capacity_info.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
