# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.modules import study_namespace

from tests.fixtures.modules import run
from tests.fixtures.nodes import Cluster, node


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(node("w1"), node("w2"))
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: made)
    return made


def test_main_returns_what_is_documented(capsys: pytest.CaptureFixture[str], api: Cluster) -> None:
    result = run(study_namespace.main, capsys, name="mine")
    assert result["changed"] is True
    assert set(yaml.safe_load(study_namespace.RETURN)) == set(result) - {"changed", "diff", "invocation"}
    assert run(study_namespace.main, capsys, name="mine", state="absent")["changed"] is True
    assert "/api/v1/namespaces/mine" not in api.objects


def test_main_in_check_mode_makes_nothing(capsys: pytest.CaptureFixture[str], api: Cluster) -> None:
    assert run(study_namespace.main, capsys, name="mine", _ansible_check_mode=True)["changed"] is True
    assert "/api/v1/namespaces/mine" not in api.objects


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: name"),
        ({"name": "My Space"}, "cluster_namespace is 'My Space': give up to 63 lower-case letters"),
        ({"name": "x", "state": "gone"}, "value of state must be one of: present, absent, got: gone"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(study_namespace.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
