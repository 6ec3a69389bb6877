# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide how the replicas of a training are started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.plugin_utils import replicas as of

DOCUMENTATION = r"""
name: replicas
short_description: How the replicas of a training are started
version_added: 0.4.0
description:
  - Computes the command and the environment of each replica, and all other values of the manifests of role
    P(tfscale.study.training#role), from the variables of that role.
positional: _input, run
options:
  _input:
    description: The role's variables by their names without C(training_), and C(nodes_method) for C(cluster_nodes_method).
    type: dict
    required: true
  run:
    description:
      - A run as M(tfscale.study.sweep_plan_info) returns it.
      - It is ignored if C(long_running) is true.
      - An empty one gives only the values that all runs of a study share.
    type: dict
    default: {}
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show the command of each replica
  ansible.builtin.debug:
    msg: "{{ variables | tfscale.study.replicas(run) }}"
  vars:
    variables: {backend: processes, command: [python, train.py], variants: {}, env: {COLOUR: blue}, threads: 1}
    run: {spec: {ps: 1, workers: 2}, seed: 1}
"""

RETURN = r"""
_value:
  description:
    - If C(backend) is V(processes), the options C(command), C(trainer_args), C(env) and C(threads) of
      M(tfscale.study.process_group).
    - Else the names, labels, hosts, groups, volumes and permissions for the templates of the role.
  type: dict
"""


def replicas(given: Mapping[str, Any], run: Mapping[str, Any] | None = None) -> dict[str, Any]:
    try:
        return of.replicas(_plain(given), _plain(run or {}))
    except InputError as error:
        # Ansible would add the cause to the message once more.
        raise AnsibleFilterError(f"{error}.") from None
    except KeyError as error:
        raise AnsibleFilterError(f"replicas is given no {error.args[0]}: give it as role training does.") from None


def _plain(value: Any) -> Any:
    """Ansible's own dictionaries and lists fill in their templates when an item is read."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"replicas": replicas}
