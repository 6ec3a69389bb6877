# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks variables of the roles inside the controller, which alone knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.tfscale.study.plugins.module_utils._common.format import shown
from ansible_collections.tfscale.study.plugins.module_utils._steps import variables_info
from ansible_collections.tfscale.study.plugins.module_utils._study.design.inputs import may_be_secret
from ansible_collections.tfscale.study.plugins.module_utils._study.design.variables import RENAMED, VARIABLES
from ansible_collections.tfscale.study.plugins.plugin_utils.step_action import StepAction

UNDEFINED = re.compile(r"'(\w+)' is undefined")


def _waits_for_a_role(error: AnsibleError, known: Mapping[str, Any]) -> bool:
    """Whether a default is made of a variable of ours whose role comes later; that role checks both."""
    missing = UNDEFINED.search(error.message)
    return missing is not None and missing[1] in VARIABLES and missing[1] not in known


class ActionModule(StepAction):
    step = variables_info

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known, unread = task_vars or {}, ""
        if "values" not in self._task.args:
            values, roles = {}, self._task.args.get("roles")
            names = [name for name in (*VARIABLES, *RENAMED) if name in known and variables_info.is_asked(name, roles)]
            # A slip is named where it was made, not where another variable has it from.
            for name in sorted(names, key=lambda name: self._templar.is_template(known[name])):
                try:
                    values[name] = self._templar.template(known[name])
                except AnsibleError as error:
                    if _waits_for_a_role(error, known):
                        continue
                    # What may hold secrets is not shown.
                    told = "" if may_be_secret(name) else f" is {shown(known[name])}, which"
                    unread = unread or f"{name}{told} cannot be read: {error.message}"
            self._task.args["values"] = values
        result = super().run(tmp, known)
        return {"failed": True, "msg": unread} if unread and not result.get("failed") else result

    def _is_here(self) -> bool:
        return True
