# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables are looked at, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import variables_info


def execute(values: dict[str, Any], roles: list[str] | None = None) -> dict[str, Any]:
    return variables_info.execute({"values": values, "roles": roles}, Context(check_mode=True))


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


@pytest.mark.parametrize("command", ["python3 x.py | cat", ["sh", "-c", "python3 x.py | cat"]])
def test_execute_warns_of_a_program_whose_failure_nobody_would_see(command: str | list[str]) -> None:
    (warning,) = execute({"training_command": command})["warnings"]
    assert warning.startswith("training_command hides the exit code of a program behind '|'")
    (warning,) = execute({"sweep_variants": {"a": {"command": command}, "b": {}}})["warnings"]
    assert warning.startswith("sweep_variants.a.command hides")


@pytest.mark.parametrize("command", ["exec python3 x.py", ["python3", "x.py", "|"], "cd /x && python3 'a | b'", []])
def test_execute_does_not_warn_of_a_program_that_ends_for_itself(command: str | list[str]) -> None:
    assert "warnings" not in execute({"training_command": command})
