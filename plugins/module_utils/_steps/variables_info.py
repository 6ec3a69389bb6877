# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks variables of the roles before anything starts. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._steps.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._study import variables
from ansible_collections.tfscale.study.plugins.module_utils._study.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.text import counted

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "values": {"type": "dict", "default": {}},
    "roles": {"type": "list", "elements": "str"},
}


def execute(
    params: Mapping[str, Any],
    *,
    check_mode: bool,  # noqa: ARG001 - it only looks
    say: Callable[[str], None],  # noqa: ARG001 - all steps are called alike; this one has nothing to tell on its way
) -> dict[str, Any]:
    try:
        checked = variables.check(
            {name: value for name, value in params["values"].items() if is_asked(name, params["roles"])}
        )
    except InputError as error:
        raise StepError(str(error)) from error
    return {"changed": False, "msg": f"{counted(len(checked), 'variable')} can be used."}


def is_asked(name: str, roles: Sequence[str] | None) -> bool:
    return roles is None or name.partition("_")[0] in roles
