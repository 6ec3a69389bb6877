# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_cleanup as step
from ansible_collections.tfscale.study.plugins.modules import training_cleanup

from tests.fixtures.clusters import FakeApi, refusal
from tests.fixtures.modules import run


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    api = FakeApi()
    monkeypatch.setattr(step, "connect", lambda _auth: api)
    return api


@pytest.mark.parametrize("check_mode", [False, True])
def test_main_returns_what_is_documented(api: FakeApi, capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    api.lists["configmaps"] = [{"metadata": {"name": "tf"}}]
    result = run(training_cleanup.main, capsys, namespace="tfscale", study="mnist", _ansible_check_mode=check_mode)
    assert (result["changed"], result["removed"]) == (True, ["configmaps/tf"])
    assert set(yaml.safe_load(training_cleanup.RETURN)) == set(result) - {"changed", "diff", "invocation"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: namespace"),
        ({"namespace": "n", "study": "s", "state": "present"}, "value of state must be one of: absent, got: present"),
        ({"namespace": "n", "study": "s", "attempt": "two"}, "argument 'attempt' is of type"),
        ({"namespace": "n", "study": "s", "attempt": 2}, "attempt is 2, but run_id is not given"),
        ({"namespace": "n", "study": "s"}, "user u may not list jobs."),
    ],
)
def test_main_fails_with_a_sentence(
    api: FakeApi, capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    api.lists["jobs"] = refusal(403, "user u may not list jobs")
    result = run(training_cleanup.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
