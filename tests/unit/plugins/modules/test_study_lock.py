# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import study_lock

from tests.fixtures import ledgers
from tests.fixtures.modules import run


def test_main_holds_the_study_and_returns_what_is_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(study_lock.main, capsys, study_dir=str(tmp_path), owner_pid=os.getpid())
    assert result["changed"] is True
    documented = yaml.safe_load(study_lock.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    assert set(documented["lock"]["contains"]) == set(result["lock"])
    assert (
        run(study_lock.main, capsys, study_dir=str(tmp_path), owner_pid=os.getpid(), state="absent")["changed"] is True
    )


def test_main_in_check_mode_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(study_lock.main, capsys, study_dir=str(tmp_path), owner_pid=os.getpid(), _ansible_check_mode=True)[
            "changed"
        ]
        is True
    )
    assert list(tmp_path.iterdir()) == []


def test_main_warns_of_half_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ledgers.write(tmp_path, ledgers.mnist()[:1]).open("a") as file:
        file.write('{"schema":1,')
    assert "half a record" in json.dumps(
        run(study_lock.main, capsys, study_dir=str(tmp_path), owner_pid=os.getpid())["warnings"]
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"owner_pid": 1}, "missing required arguments: study_dir"),
        ({"study_dir": "/dev/null/x"}, "owner_pid is None: give the process that holds the study"),
        ({"study_dir": "/dev/null/x", "owner_pid": 1}, "sweep_results_dir: /dev/null/x cannot be written"),
        ({"study_dir": "/dev/null/x", "state": "held"}, "value of state must be one of: present, absent, got: held"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(study_lock.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
