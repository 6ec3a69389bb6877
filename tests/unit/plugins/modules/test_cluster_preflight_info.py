# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.modules import cluster_preflight_info

from tests.fixtures.modules import run
from tests.fixtures.node_objects import node
from tests.fixtures.objects import Store


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store()
    there.objects["/api/v1/nodes/worker"] = node("worker")
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    return there


def test_main_returns_what_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(cluster_preflight_info.main, capsys, cells=[{"nodes": 1, "ps": 1, "workers": 1}])
    assert result["changed"] is False
    documented = yaml.safe_load(cluster_preflight_info.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    assert set(documented["nodes"]["contains"]) == set(result["nodes"][0])


def test_main_takes_the_example_of_its_documentation(capsys: pytest.CaptureFixture[str], store: Store) -> None:
    store.objects["/api/v1/nodes/worker2"] = node("worker2")
    [task, _show] = yaml.safe_load(cluster_preflight_info.EXAMPLES)
    assert "failed" not in run(cluster_preflight_info.main, capsys, **task["tfscale.study.cluster_preflight_info"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"nodes_method": "magic"}, "value of nodes_method must be one of: label, recreate, resize, none, got: magic"),
        ({"namespace": "No"}, "cluster_namespace is 'No': give a name"),
        ({"cells": [{"nodes": 2, "ps": 1, "workers": 1}]}, "asks for 2 nodes, but the cluster has 1"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(cluster_preflight_info.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
