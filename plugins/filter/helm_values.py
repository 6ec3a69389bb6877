# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a values file of the old distributed-tensorflow chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._common.words import helm_value
from ansible_collections.tfscale.study.plugins.plugin_utils.helm_values import role_variables

DOCUMENTATION = r"""
name: helm_values
short_description: Variables of role training from values of the old distributed-tensorflow chart
version_added: 0.3.0
description:
  - Takes the values of the chart distributed-tensorflow, versions 0.1.x, and gives the variables with which role C(training) makes
    the same deployment. What is not given, or has no value, has the chart's defaults.
  - The chart's own images (any C(distributed-tf)) become the collection's trainer. Other images keep their program
    C(train_distributed.py) and its flags.
  - A key that the chart does not know, and what cannot be had under the Pod Security Standard C(restricted), fails with a sentence.
positional: _input
options:
  _input:
    description: The text of the file, which is read as Helm reads YAML, or values that are read already.
    type: raw
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show what an old values file means
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'values.yaml') | tfscale.study.helm_values }}"
"""

RETURN = r"""
_value:
  description: Variables of role C(training), by name.
  type: dict
"""


PLAIN = "!plain"


class HelmLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Words without quotes are what Helm takes them for; names are as they are written."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0] and value != "<<":
            return PLAIN
        return super().resolve(kind, value, implicit)

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        for name, _value in node.value:
            name.tag = self.DEFAULT_SCALAR_TAG if name.tag == PLAIN else name.tag
        return node


HelmLoader.add_constructor(PLAIN, lambda _loader, node: helm_value(node.value))


def helm_values(values: Any) -> dict[str, Any]:
    try:
        return role_variables(yaml.load(values, HelmLoader) if isinstance(values, str) else values)  # noqa: S506 - a safe one
    except (InputError, yaml.YAMLError) as error:
        # Ansible would add the cause to the message once more.
        raise AnsibleFilterError(f"training_helm_values: {_sentence(error)}.") from None


def _sentence(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1} is no YAML: {error.problem}; give the values file of a chart"
    return str(error) if isinstance(error, InputError) else "the file is no YAML; give the values file of a chart"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"helm_values": helm_values}
