# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

import pytest
from ansible_collections.tfscale.study.plugins.modules import variables_info

from tests.fixtures.modules import run


def test_main_says_how_many_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(variables_info.main, capsys, values={"sweep_repeats": "3", "mine": None})
    # Ansible's own; since 2.21 it is there only with -vvv.
    result.pop("invocation", None)
    assert result == {"changed": False, "msg": "1 variable can be used."}


def test_main_fails_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(variables_info.main, capsys, values={"sweep_repeats": "two"})
    assert result["failed"] is True
    assert result["msg"] == "sweep_repeats is 'two': give a whole number from 1 to 1000, or auto"
