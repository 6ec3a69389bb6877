# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the current context of several kubeconfigs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.kubeconfigs import current_context

DOCUMENTATION = r"""
name: current_context
short_description: The current context of several kubeconfigs, as kubectl has it
version_added: 0.4.0
description:
  - If several kubeconfigs name a current context, kubectl takes the first. The Python package kubernetes, and with it kubernetes.core,
    takes the last.
positional: _input
options:
  _input:
    description: Paths as in E(KUBECONFIG). Empty are those of E(K8S_AUTH_KUBECONFIG) or E(KUBECONFIG).
    type: str
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show where kubectl would go
  ansible.builtin.debug:
    msg: "{{ 'east.yaml:west.yaml' | tfscale.study.current_context }}"
"""

RETURN = r"""
_value:
  description: Name of the context. Empty where both take the same, or where E(K8S_AUTH_CONTEXT) names one.
  type: str
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"current_context": current_context}
