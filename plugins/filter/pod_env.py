# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write environments as pods have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._common.words import word
from ansible_collections.tfscale.study.plugins.module_utils._study.design.inputs import is_reference

DOCUMENTATION = r"""
name: pod_env
short_description: An environment as a container of a pod has it
version_added: 0.4.0
description:
  - >-
    Of a dictionary the entries of C(env), with C(valueFrom) where a value is V({secret: name, key: key}) or
    V({configmap: name, key: key}).
  - 'Of a list of V({secret: name}) and V({configmap: name}) the entries of C(envFrom).'
positional: _input
options:
  _input:
    description: Names and values, or sources of all of their keys.
    type: raw
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show what a container would have
  ansible.builtin.debug:
    msg: "{{ {'STEPS': 300, 'TOKEN': {'secret': 'hub', 'key': 'token'}} | tfscale.study.pod_env }}"
"""

RETURN = r"""
_value:
  description: Entries of C(env) or of C(envFrom).
  type: list
  elements: dict
"""
KINDS = {"secret": "secret", "configmap": "configMap"}


def pod_env(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, Mapping):
        return [_entry(word(name), value) for name, value in given.items()]
    return [{f"{KINDS[kind]}Ref": {"name": name}} for one in given for kind, name in one.items()]


def _entry(name: str, value: Any) -> dict[str, Any]:
    if not is_reference(value):
        return {"name": name, "value": word(value)}
    kind = next(one for one in KINDS if one in value)
    return {"name": name, "valueFrom": {f"{KINDS[kind]}KeyRef": {"name": value[kind], "key": value["key"]}}}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pod_env": pod_env}
