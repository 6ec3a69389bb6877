# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.modules import image_on_nodes

from tests.fixtures.modules import run
from tests.fixtures.nodes import Cluster, node


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(node("w1"), node("w2"))
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: made)
    return made


def test_main_in_check_mode_returns_what_is_documented(capsys: pytest.CaptureFixture[str], api: Cluster) -> None:
    result = run(image_on_nodes.main, capsys, image="x:1", namespace="tfscale", _ansible_check_mode=True)
    assert result["changed"] is False
    assert set(yaml.safe_load(image_on_nodes.RETURN)) == set(result) - {"changed", "invocation"}
    assert api.requests == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: image, namespace"),
        ({"image": "x", "namespace": "missing"}, "missing"),
        (
            {"image": "x", "namespace": "n", "pull_policy": "never"},
            "value of pull_policy must be one of: Always, IfNotPresent",
        ),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(image_on_nodes.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
