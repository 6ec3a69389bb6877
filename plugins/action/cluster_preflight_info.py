# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a cluster before the first run inside the controller."""

from __future__ import annotations

from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._steps import cluster_preflight_info
from ansible_collections.tfscale.study.plugins.plugin_utils.step_action import StepAction

# ansible-playbook itself loads this file, and its workers are born with what it has loaded: each further step on the
# cluster is spared 0.2 s of imports.
kubernetes_api.preload()


class ActionModule(StepAction):
    step = cluster_preflight_info
