# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_deploy as step
from ansible_collections.tfscale.study.plugins.modules import training_deploy

from tests.fixtures.modules import run
from tests.fixtures.objects import Store

LABELS = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/training": "mine"}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mine-ps", "labels": LABELS}}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(step, "connect", lambda _auth, patience: made)
    return made


@pytest.mark.parametrize("check_mode", [False, True])
def test_main_returns_what_is_documented(store: Store, capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    result = run(
        training_deploy.main, capsys, namespace="tfscale", definition=[SERVICE], _ansible_check_mode=check_mode
    )
    assert (result["changed"], result["made"], len(store.objects)) == (
        True,
        ["Service mine-ps"],
        0 if check_mode else 1,
    )
    assert set(yaml.safe_load(training_deploy.RETURN)) == set(result) - {"changed", "diff", "invocation"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"namespace": "n"}, "missing required arguments: definition"),
        ({"namespace": "n", "definition": ["x"]}, "Elements value for option 'definition' is of type"),
        ({"namespace": "n", "definition": [{"kind": "Pod"}]}, "definition[0] is 'Pod'"),
    ],
)
def test_main_fails_with_a_sentence(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(training_deploy.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
    assert store.requests == 0
