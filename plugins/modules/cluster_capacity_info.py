#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what a cluster has left, and how many workers that carries."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_capacity_info
short_description: Return the free capacity of a cluster and the largest number of workers that fits
version_added: 0.3.0
description:
  - Returns the free capacity of each node (allocatable minus the requests of its pods), the rest of each quota of the namespace,
    and the largest number of workers that fits now beside the parameter servers, with the resource that limits it.
  - Pods that earlier runs left in O(namespace) do not count, because the next run first removes them.
  - The result holds for the moment of the call; other pods may be scheduled first, and the scheduler may miss the only possible placement.
  - Quotas with a scope other than the priority class are ignored. The module changes nothing.
  - The user must be allowed to list nodes. If the user may not list the pods of all namespaces, a warning says that they were not counted.
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
  - tfscale.study.namespace
  - tfscale.study.capacity
options:
  ps:
    description: Number of parameter servers beside the workers.
    type: raw
    default: 1
  nodes:
    description: Number of nodes, the first by name as in M(tfscale.study.node_set); V(0) means all.
    type: raw
    default: 0
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.cluster_preflight_info
  - module: tfscale.study.sweep_plan_info
"""

EXAMPLES = r"""
- name: Look how many workers fit now
  tfscale.study.cluster_capacity_info:
    namespace: tfscale
    ps: 2
    resources:
      ps: {cpu: 100m, memory: 384Mi}
      worker: {cpu: 500m, memory: 768Mi}
  register: capacity

- name: Show it, and what limits
  ansible.builtin.debug:
    var: capacity.msg
"""

RETURN = r"""
workers:
  description: The largest number of workers that fits now; 0 if none fits.
  returned: success
  type: int
  sample: 6
limit:
  description: The resource or quota that limits the number.
  returned: success
  type: str
  sample: cpu on node worker2
nodes:
  description: The nodes that can carry runs, in the order in which they are taken. Amounts in processors and bytes by Kubernetes' names.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the node., type: str, returned: always}
    allocatable: {description: What pods may ask for., type: dict, returned: always}
    requested: {description: What pods on it ask for., type: dict, returned: always}
    free: {description: What is left for the training., type: dict, returned: always}
    preemptible: {description: What of that is free only when pods of a lower priority give way., type: dict, returned: always}
quotas:
  description: The quotas that were considered.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the quota., type: str, returned: always}
    hard: {description: Its limits., type: dict, returned: always}
    left: {description: What of them is not in use., type: dict, returned: always}
msg:
  description: One sentence with the number of workers and its limit.
  returned: always
  type: str
  sample: 6 workers fit now beside 2 ps on 2 nodes, evenly; the limit is cpu on node worker2.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.cluster_capacity_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
