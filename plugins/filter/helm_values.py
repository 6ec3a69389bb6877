# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a values file of the old distributed-tensorflow chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.module_utils._study.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.helm_values import role_variables

DOCUMENTATION = r"""
name: helm_values
short_description: Variables of role training from values of the old distributed-tensorflow chart
version_added: 0.3.0
description:
  - Takes the values of the chart distributed-tensorflow, versions 0.1.x, and gives the variables with which role C(training) makes
    the same deployment. What is not given has the chart's defaults.
  - The chart's own images (any C(distributed-tf)) become the collection's trainer. Other images keep their program
    C(train_distributed.py) and its flags.
  - A key that the chart does not know, and what cannot be had under the Pod Security Standard C(restricted), fails with a sentence.
positional: _input
options:
  _input:
    description: The values, as read from the file.
    type: dict
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show what an old values file means
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'values.yaml') | from_yaml | tfscale.study.helm_values }}"
"""

RETURN = r"""
_value:
  description: Variables of role C(training), by name.
  type: dict
"""


def helm_values(values: Any) -> dict[str, Any]:
    try:
        return role_variables(values)
    except InputError as error:
        # Ansible would add the cause to the message once more.
        raise AnsibleFilterError(f"training_helm_values: {error}.") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"helm_values": helm_values}
