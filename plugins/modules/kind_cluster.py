#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a Kind cluster whose nodes have what they say, or remove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster
short_description: Create or delete a Kind cluster with enforced CPU and memory limits per node
version_added: 0.2.0
description:
  - Creates a Kubernetes cluster of one control plane and O(nodes) workers in containers of this host, and returns when all nodes
    are ready and DNS works.
  - Each worker can get a share of the host. Its container is limited, and its kubelet reports the same limits as allocatable.
    Without limits every Kind node offers the whole host.
  - An incomplete cluster of an earlier call is deleted first. A failed creation is repeated once, and leaves nothing behind.
  - Containers of a created cluster carry an empty mount at C(/kind/made-by-tfscale.study). A cluster of the same name without this
    mount is used unchanged and is never deleted, recreated or limited.
requirements:
  - kind
  - docker or podman
extends_documentation_fragment:
  - tfscale.study.attributes
  - tfscale.study.cluster
  - tfscale.study.held
options:
  state:
    description:
      - V(present) creates the cluster. It starts stopped nodes of an existing one, and writes its kubeconfig again.
      - V(absent) deletes the cluster and its kubeconfig.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the cluster in Kind.
    type: str
    required: true
  kubeconfig:
    description: Kubeconfig for this cluster alone. A file with other clusters is refused, because it is deleted with the cluster.
    type: path
    required: true
  nodes:
    description: Number of workers; the control plane is not counted.
    type: int
    default: 1
  node_image:
    description: Image of the nodes, which decides the version of Kubernetes. Empty means Kind's default.
    type: str
    default: ""
  node_cpus:
    description: Processors of each worker, such as V(2), V(0.5) or V(500m); V(0) means no limit.
    type: str
    default: "0"
  node_memory:
    description: Memory of each worker, such as V(2Gi); V(0) means no limit.
    type: str
    default: "0"
  recreate:
    description:
      - What to do with a cluster that has other nodes, limits or another image than asked for. V(true) makes it anew and
        everything in it is lost; V(false) fails and says what differs.
    type: bool
    default: false
  probe:
    description: Whether to measure each worker's real share of the host's processors; takes a second a worker.
    type: bool
    default: false
  engine:
    description: The container engine.
    type: str
    choices: [docker, podman]
    default: docker
  timeout:
    description: Seconds for each of two attempts to create the cluster, and for the wait for another controller.
    type: float
    default: 600
attributes:
  check_mode:
    support: full
    details: Says also what is wrong with the request.
  diff_mode:
    support: full
    details: Number, image and limits of the workers before and after.
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.node_set
  - name: Kind
    description: Kubernetes in containers.
    link: https://kind.sigs.k8s.io
"""

EXAMPLES = r"""
- name: Make a cluster of two nodes with one processor each
  tfscale.study.kind_cluster:
    name: tfscale
    kubeconfig: results/.clusters/tfscale
    nodes: 2
    node_cpus: 1
    node_memory: 4Gi
  register: cluster

- name: Show what its nodes have
  ansible.builtin.debug:
    msg: "{{ cluster.nodes }}"

- name: Remove it
  tfscale.study.kind_cluster:
    name: tfscale
    kubeconfig: results/.clusters/tfscale
    state: absent
"""

RETURN = r"""
kubeconfig:
  description: Kubeconfig of the cluster.
  returned: success
  type: str
nodes:
  description: The nodes, the control plane first. Empty when there are none, and in check mode when they would be made.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the node., type: str, returned: always}
    role: {description: C(control-plane) or C(worker)., type: str, returned: always}
    cpus: {description: Its cap in processors; C(0) is none., type: float, returned: always}
    memory_bytes: {description: Its cap in bytes of memory; C(0) is none., type: int, returned: always}
    allocatable:
      description: Allocatable resources, as C(cpus) and C(memory_bytes). Null in check mode.
      type: dict
      returned: always
owned:
  description: Whether this module created the cluster and may delete it. True if there is none.
  returned: success
  type: bool
probed_cpus:
  description:
    - Processors that busy loops got for a second, by name of the worker. Null if the measurement failed.
    - Empty without O(probe=true) and in check mode.
  returned: success
  type: dict
  sample: {tfscale-worker: 0.9}
versions:
  description: Versions of C(kind) and C(kubernetes). The latter is null if no node was asked.
  returned: success
  type: dict
  sample: {kind: 0.33.0, kubernetes: v1.34.4}
msg:
  description: One sentence that says what was done or found, or what is wrong.
  returned: always
  type: str
  sample: Kind cluster tfscale was made with 2 nodes.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.kind_cluster import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
