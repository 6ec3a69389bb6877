# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_upgrade as step
from ansible_collections.tfscale.study.plugins.modules import training_upgrade

from tests.fixtures.long_running import NAME, LongRunningCluster, manifests
from tests.fixtures.modules import run

DOCUMENTED = yaml.safe_load(training_upgrade.RETURN)
QUICK = {"name": NAME, "min_ready_seconds": 0}


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> LongRunningCluster:
    made = LongRunningCluster()
    monkeypatch.setattr(step, "connect", lambda _auth: made)
    at_once = partial(Context, sleep=lambda _seconds: None)
    monkeypatch.setattr(training_upgrade, "Context", at_once)
    return made


def test_main_returns_what_is_documented(capsys: pytest.CaptureFixture[str], cluster: LongRunningCluster) -> None:
    result = run(training_upgrade.main, capsys, **QUICK, definition=manifests(rate="0.5"))
    assert (result["changed"], cluster.renewed) == (True, ["worker-1", "worker-0"])
    of_success = {name for name, one in DOCUMENTED.items() if not one["returned"].startswith("when ")}
    assert of_success == set(result) - {"changed", "diff", "invocation"}


def test_main_of_an_upgrade_that_does_not_work_returns_both_states(
    capsys: pytest.CaptureFixture[str], cluster: LongRunningCluster
) -> None:
    wanted = manifests(image="missing:1", ps_image="trainer:1")
    result = run(training_upgrade.main, capsys, **QUICK, definition=wanted)
    assert result["failed"] is True
    assert set(DOCUMENTED) - {"undecided", "former"} <= set(result)
    assert result["after"] == result["before"]
    assert result["attempted"]["worker"]["image"] == "missing:1"
    assert set(cluster.images().values()) == {"trainer:1"}


def test_main_in_check_mode_writes_nothing(capsys: pytest.CaptureFixture[str], cluster: LongRunningCluster) -> None:
    result = run(training_upgrade.main, capsys, **QUICK, definition=manifests(rate="0.5"), _ansible_check_mode=True)
    assert (result["changed"], cluster.writes) == (True, [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: name"),
        ({"name": NAME}, "state is upgraded but all of the following are missing: definition"),
        (
            {"name": NAME, "state": "gone"},
            "value of state must be one of: upgraded, confirmed, rolled_back, ready, got: gone",
        ),
        ({"name": NAME, "state": "confirmed"}, "training mnist has not been upgraded yet"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(training_upgrade.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
