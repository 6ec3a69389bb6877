# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks variables of the roles before anything starts. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.format import counted
from .._study.design import variables
from .._study.design.shell_line import hiding

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "values": {"type": "dict", "default": {}},
    "roles": {"type": "list", "elements": "str"},
}


def execute(params: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    try:
        checked = variables.check(
            {name: value for name, value in params["values"].items() if is_asked(name, params["roles"])}
        )
    except InputError as error:
        raise StepError(str(error)) from error
    result = {"changed": False, "msg": f"{counted(len(checked), 'variable')} can be used."}
    return {**result, "warnings": warnings} if (warnings := list(_hidden_codes(checked))) else result


def _hidden_codes(checked: Mapping[str, Any]) -> Iterator[str]:
    """Of programs whose failure nobody would see: such a run is taken for one that went well."""
    lines = {"training_command": checked.get("training_command")}
    lines |= {
        f"sweep_variants.{name}.command": one.get("command")
        for name, one in (checked.get("sweep_variants") or {}).items()
    }
    for name, line in lines.items():
        if line and (operator := hiding(line)):
            yield (
                f"{name} hides the exit code of a program behind {operator!r}, so a run that failed may count as valid:"
                " let the line end as the program does (exec, &&, or set -o pipefail with bash, docs/own-trainer.md)"
            )


def is_asked(name: str, roles: Sequence[str] | None) -> bool:
    return roles is None or name.partition("_")[0] in roles
