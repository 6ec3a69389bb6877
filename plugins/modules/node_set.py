#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the nodes of a Kubernetes cluster on which runs may be."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_set
short_description: Select N nodes for the study and verify the selection
version_added: 0.2.0
description:
  - Labels the first O(count) nodes that can carry a run, removes the label from all others, and reads the selection back. Pods of
    runs select this label.
  - A node can carry a run if it is ready, not cordoned, not tainted and not part of the control plane (unless the cluster has no
    other nodes). Nodes are sorted by name; numbers in names are compared as numbers.
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.held
  - tfscale.study.cluster
options:
  namespace:
    description: Namespace to search for studies of other controllers if the user may not read all namespaces. Empty means none.
    type: str
    default: ""
    version_added: 0.4.0
  method:
    description:
      - V(label) sets labels. The user needs the rights to C(list) and C(patch) nodes.
      - V(resize) changes nothing and fails unless exactly O(count) nodes can carry a run; M(tfscale.study.gke_cluster) resizes.
      - V(none) changes nothing and returns all nodes that can carry a run, or none if the user may not list nodes.
    type: str
    choices: [label, resize, none]
    default: label
  count:
    description: Number of active nodes; V(0) removes the label from all. Required with O(method=label) and O(method=resize).
    type: int
  label:
    description: Key of the label, in the domain C(tfscale.study), because it is removed from all other nodes. Its value is C(true).
    type: str
    default: tfscale.study/active
  node_selector:
    description:
      - Labels that a node must have to be considered.
      - With it, tainted nodes are considered too; the pods then need tolerations.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The names of the active nodes before and after.
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.kind_cluster
"""

EXAMPLES = r"""
- name: Let the next runs use two nodes
  tfscale.study.node_set:
    kubeconfig: ~/.kube/config
    count: 2
  register: active

- name: Show them
  ansible.builtin.debug:
    msg: "{{ active.msg }}"

- name: Take the label from all nodes
  tfscale.study.node_set:
    kubeconfig: ~/.kube/config
    count: 0
"""

RETURN = r"""
nodes:
  description: The active nodes, as read back.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the node., type: str, returned: always}
    machine_type: {description: Its machine type. Null when the node does not say., type: str, returned: always}
    boot_id:
      description: Boot of its machine. Nodes with the same one are one machine, as those of Kind. Null when the node does not say.
      type: str
      returned: always
    cpus: {description: Processors that pods may ask for (allocatable). Null when the node does not say., type: float, returned: always}
    memory_bytes: {description: Memory that pods may ask for (allocatable). Null when the node does not say., type: int, returned: always}
candidates:
  description: Names of all nodes that can carry a run, in the order of their selection.
  returned: success
  type: list
  elements: str
  sample: [tfscale-worker, tfscale-worker2]
msg:
  description: One sentence that says what was done or found, or what is wrong.
  returned: always
  type: str
  sample: 2 nodes (tfscale-worker, tfscale-worker2) are active.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.node_set import ARGUMENT_SPEC, REQUIRED_IF, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, required_if=REQUIRED_IF, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
