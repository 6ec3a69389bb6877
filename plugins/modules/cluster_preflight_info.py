#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say before the first run what a cluster would refuse."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_preflight_info
short_description: Check before the first run that a cluster accepts a study
version_added: 0.2.0
description:
  - Checks in this order that the API server answers and accepts the credentials, that the namespace exists (or can be created) and
    is not being deleted, that the user has every right, that no quota of the namespace is too small for a cell, and that every cell
    fits on its nodes.
  - A cell fits if all its replicas fit at once into the free capacity of the nodes (allocatable minus the requests of other pods).
    Pods that earlier runs left in O(namespace) do not count, because the next run first removes them.
  - Fails with one sentence that names the missing things. The module changes nothing.
  - If the user may not list nodes, or the pods of all namespaces, a warning names the checks that were skipped.
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
  - tfscale.study.namespace
  - tfscale.study.capacity
options:
  backend:
    description:
      - Form of the replicas, as for M(tfscale.study.training_wait), of cells that have no C(backend) of their own. The cluster must serve the
        kinds of objects of all of them in the version that is used. If one is missing, the message says how it is installed.
      - A ClusterTrainingRuntime that a cell names as its C(runtime) must exist, and must have one job with the workers.
      - The user needs all rights on these kinds, and may list the other kinds that the cluster knows, because cleanup searches them. Without any
        backend the user needs all rights on every kind that the cluster knows.
    type: str
    version_added: 0.4.0
  needs:
    description:
      - Rights to check, each with C(verb), C(resource) (such as V(pods) or V(pods/log)) and, outside the core API, C(group).
      - The default is all rights that a study needs with O(backend), O(nodes_method) and O(ledger); C(docs/examples/rbac.yml) grants them.
    type: list
    elements: dict
  more_needs:
    description: Further rights to check, in the same form.
    type: list
    elements: dict
    default: []
    version_added: 0.3.0
  references:
    description:
      - Entries of C(env) and C(envFrom) that pods will have, as P(tfscale.study.replicas#filter) returns them. Their Secrets,
        ConfigMaps and keys must exist, as far as the user may read them.
    type: list
    elements: dict
    default: []
    version_added: 0.4.0
  nodes_method:
    description:
      - Selection of the nodes of a run. V(label) takes the first by name, see M(tfscale.study.node_set). V(none) leaves it to the
        scheduler. With V(recreate) and V(resize) a cell is checked only if the cluster already has its number of nodes.
    type: str
    choices: [label, recreate, resize, none]
    default: label
  ledger:
    description: Storage of the records. V(cluster) also needs rights on leases.
    type: str
    choices: [files, cluster]
    default: files
  queue:
    description:
      - LocalQueue of Kueue in O(namespace) that admits the runs. It must exist, be active, and have a ClusterQueue whose quotas are
        large enough for every cell, as far as the user may read ClusterQueues.
      - Pods that end by themselves then do not count as used capacity, because a run waits for them.
      - Needs Kueue 0.15 or later (U(https://kueue.sigs.k8s.io/docs/reference/kueue.v1beta2/)).
    type: str
    default: ""
    version_added: 0.4.0
  gang:
    description: Whether all pods of a run must start together. A backend with an object for each group is then refused for cells with ps.
    type: bool
    default: false
    version_added: 0.4.0
  cells:
    description:
      - The cells of the study as M(tfscale.study.sweep_plan_info) returns them.
      - Dictionaries with C(nodes), C(ps), C(workers) and optionally C(label) are accepted too.
    type: list
    elements: dict
    default: []
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.node_set
  - module: tfscale.study.sweep_plan_info
"""

EXAMPLES = r"""
- name: Look whether a study can run
  tfscale.study.cluster_preflight_info:
    namespace: tfscale
    cells:
      - {nodes: 2, ps: 1, workers: 4}
    resources:
      ps: {cpu: 100m, memory: 384Mi}
      worker: {cpu: 500m, memory: 768Mi}
  register: looked

- name: Show what the nodes have left
  ansible.builtin.debug:
    var: looked.nodes
"""

RETURN = r"""
nodes:
  description: The nodes that can carry runs, in the order of their selection.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the node., type: str, returned: always}
    allocatable: {description: What pods may ask for; processors and bytes by Kubernetes' names., type: dict, returned: always}
    free: {description: The same less the requests of other pods., type: dict, returned: always}
namespace_exists:
  description: Whether the namespace exists, or is assumed to exist because this user may not read it; if false, the user can create it.
  returned: success
  type: bool
rights:
  description: The rights that were checked; the user has all of them.
  returned: success
  type: list
  elements: str
  sample: [list pods, create jobs.batch]
msg:
  description: One sentence that says what was found, or what is wrong.
  returned: always
  type: str
  sample: "Namespace tfscale is ready: 38 rights given, 2 nodes for 4 cells."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.cluster_preflight_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
