# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, inside the controller, the size that a search has found."""

from __future__ import annotations

from ansible_collections.tfscale.study.plugins.module_utils._steps import autosize_plan_info
from ansible_collections.tfscale.study.plugins.plugin_utils.step_action import StepAction


class ActionModule(StepAction):
    step = autosize_plan_info
