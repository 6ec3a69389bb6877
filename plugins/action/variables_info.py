# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks variables of the roles inside the controller, which alone knows them."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.tfscale.study.plugins.module_utils._steps import variables_info
from ansible_collections.tfscale.study.plugins.module_utils._study.variables import VARIABLES
from ansible_collections.tfscale.study.plugins.plugin_utils.step_action import StepAction


class ActionModule(StepAction):
    step = variables_info

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        if "values" not in self._task.args:
            values = self._task.args["values"] = {}
            for name in VARIABLES:
                try:
                    values.update({name: self._templar.template(known[name])} if name in known else {})
                except AnsibleError as error:
                    return {"failed": True, "msg": f"{name} is {known[name]!r}, which cannot be read: {error.message}"}
        return super().run(tmp, known)

    def _is_here(self) -> bool:
        return True
