# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables are looked at, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._steps import variables_info
from ansible_collections.tfscale.study.plugins.module_utils._steps.errors import StepError


def execute(values: dict[str, Any], roles: list[str] | None = None) -> dict[str, Any]:
    return variables_info.execute({"values": values, "roles": roles}, check_mode=True, say=lambda _line: None)


def test_execute_leaves_unknown_variables_alone() -> None:
    assert execute({"sweep_repeats": 3, "my_repeats": None}) == {"changed": False, "msg": "1 variable can be used."}


def test_execute_looks_at_the_roles_that_are_asked_for() -> None:
    given = {"cluster_name": "east", "training_threads": "two"}
    assert execute(given, ["cluster"])["msg"] == "1 variable can be used."
    with pytest.raises(StepError, match="training_threads is 'two'"):
        execute(given)


def test_execute_refuses_with_one_sentence() -> None:
    with pytest.raises(StepError, match=r"^sweep_attempts is 1000000: give a whole number from 1 to 20$"):
        execute({"sweep_attempts": 1000000})
