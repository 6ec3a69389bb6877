# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import speed_gate_info

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record
from tests.fixtures.modules import run


def test_main_returns_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [({**SPEC, "variant": "before"}, 4.0), ({**SPEC, "variant": "after"}, 4.6)]
    ledgers.write(tmp_path, [record(spec, block, seconds=seconds) for block in range(1, 5) for spec, seconds in both])
    result = run(speed_gate_info.main, capsys, study_dir=str(tmp_path), max_slowdown=0.05)
    assert result["verdict"] == "slower"
    documented = yaml.safe_load(speed_gate_info.RETURN)
    assert set(documented) == set(result) - {"changed", "invocation"}
    assert result["changed"] is False


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing required arguments: max_slowdown, study_dir"),
        ({"study_dir": "x", "max_slowdown": "much"}, "upgrade_max_slowdown is 'much': give a number from 0"),
        ({"study_dir": "x", "max_slowdown": 0.1, "ledger": "paper"}, "value of ledger must be one of: files, cluster"),
    ],
)
def test_main_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(speed_gate_info.main, capsys, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
