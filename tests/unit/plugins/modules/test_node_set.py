# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.modules import node_set

from tests.fixtures.modules import run
from tests.fixtures.nodes import Cluster, node


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(node("w1"), node("w2"))
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: made)
    return made


def test_main_returns_what_is_documented(capsys: pytest.CaptureFixture[str], api: Cluster) -> None:
    result = run(node_set.main, capsys, count=1)
    assert result["changed"] is True
    documented = yaml.safe_load(node_set.RETURN)
    assert set(documented) == set(result) - {"changed", "diff", "invocation"}
    assert set(documented["nodes"]["contains"]) == set(result["nodes"][0])
    assert api.labelled() == ["w1"]


def test_main_in_check_mode_labels_nothing(capsys: pytest.CaptureFixture[str], api: Cluster) -> None:
    assert run(node_set.main, capsys, count=1, _ansible_check_mode=True)["changed"] is True
    assert api.patched == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "method is label but all of the following are missing: count"),
        (
            {"count": 3},
            "3 nodes must carry the run, but the cluster has 2 that can (w1, w2): give fewer in sweep_nodes",
        ),
        ({"count": "two"}, "argument 'count' is of type"),
        ({"method": "all"}, "value of method must be one of: label, resize, none, got: all"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(node_set.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
