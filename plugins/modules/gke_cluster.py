#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a GKE cluster, give it a number of nodes, or remove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_cluster
short_description: Create, resize or delete a GKE cluster
version_added: 0.4.0
description:
  - Creates a cluster of Google Kubernetes Engine with one pool of O(nodes) nodes, and returns when all nodes are ready. The pool of
    an existing cluster is resized to that number. The nodes are then read back from Kubernetes, because Google does not update its
    own figure of the pool.
  - Writes a kubeconfig that needs no program from Google. A credential plugin beside it renews the token, which is valid for one hour.
  - A cluster that this module did not create (it lacks the label C(tfscale-study)) is never changed. If an earlier call began to
    create the cluster, the module waits for it; if that creation failed, the module deletes the cluster and creates it again.
requirements:
  - google-auth
  - requests
extends_documentation_fragment:
  - tfscale.study.attributes
  - tfscale.study.cluster
  - tfscale.study.held
options:
  state:
    description:
      - V(present) creates or resizes the cluster.
      - V(absent) deletes the cluster and its kubeconfig, and lists other clusters of the project that this module created.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the cluster.
    type: str
    required: true
  kubeconfig:
    description: Kubeconfig for this cluster alone; C(.credentials.py) and C(.token) are written beside it.
    type: path
    required: true
  project:
    description: ID of the project.
    type: str
    required: true
  location:
    description: Zone, or region with O(zones).
    type: str
    required: true
  service_account_file:
    description:
      - JSON key file of a service account with the role Kubernetes Engine Admin.
      - Empty means the application-default credentials (E(GOOGLE_APPLICATION_CREDENTIALS), then gcloud's, then the machine's).
    type: path
    default: ""
  endpoint:
    description: Address of another Container API, such as V(https://restricted.googleapis.com) or a test server. Empty means Google's.
    type: str
    default: ""
  nodes:
    description: Number of nodes in all zones together; every zone has the same number.
    type: int
    default: 1
  resize:
    description: Whether an existing cluster is resized to O(nodes). V(false) keeps its present nodes.
    type: bool
    default: true
  machine_type:
    description: Machine type of the nodes.
    type: str
    default: e2-standard-4
  disk_gb:
    description: Size of each node's boot disk in GB.
    type: int
    default: 50
  disk_type:
    description: Type of the boot disk, such as V(pd-balanced). Empty means Google's default.
    type: str
    default: ""
  spot:
    description: Whether the nodes are spot machines, which cost less and can be preempted at any time.
    type: bool
    default: false
  channel:
    description: Release channel, which decides the version of Kubernetes.
    type: str
    choices: [rapid, regular, stable, extended]
    default: regular
  zones:
    description: Zones of the nodes. Empty means O(location), which must then be a zone.
    type: list
    elements: str
    default: []
  labels:
    description: Google labels of the cluster and its machines, for example to separate bills.
    type: dict
    default: {}
  accelerator:
    description: GPUs of each node, as C(type) and C(count). Google installs its default driver.
    type: dict
    default: {}
  private_nodes:
    description: Whether the nodes have no public address. They then need a way out (Cloud NAT) or an image in Artifact Registry.
    type: bool
    default: false
  workload_identity:
    description: Whether pods may act as service accounts of Google.
    type: bool
    default: false
  network:
    description: Network. Empty means V(default).
    type: str
    default: ""
  subnetwork:
    description: Subnetwork. Empty means the network's subnetwork of the region.
    type: str
    default: ""
  leftovers:
    description: >-
      With O(state=absent), whether other clusters of the project that this module created are listed (V(tell)) or deleted
      (V(remove)).
    type: str
    choices: [tell, remove]
    default: tell
  timeout:
    description: Seconds until the cluster must be in the requested state.
    type: float
    default: 1800
attributes:
  check_mode:
    support: full
    details: Says also what is wrong with the request.
  diff_mode:
    support: full
    details: The number of nodes before and after.
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.node_set
  - name: Container API
    description: The API that this module calls.
    link: https://cloud.google.com/kubernetes-engine/docs/reference/rest
"""

EXAMPLES = r"""
- name: Make a cluster of two nodes
  tfscale.study.gke_cluster:
    name: tfscale
    kubeconfig: results/.clusters/tfscale
    project: my-project-123
    location: europe-west1-b
    service_account_file: key.json
    nodes: 2
  register: cluster

- name: Show what was done
  ansible.builtin.debug:
    msg: "{{ cluster.msg }}"

- name: Remove it, and tell what else is left of this collection
  tfscale.study.gke_cluster:
    name: tfscale
    kubeconfig: results/.clusters/tfscale
    project: my-project-123
    location: europe-west1-b
    state: absent
"""

RETURN = r"""
kubeconfig:
  description: Kubeconfig of the cluster.
  returned: success
  type: str
nodes:
  description: The nodes, as read back from Kubernetes. Empty with O(state=absent), and in check mode without a kubeconfig.
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
    cpus: {description: Processors that pods may ask for (allocatable)., type: float, returned: always}
    memory_bytes: {description: Memory that pods may ask for (allocatable)., type: int, returned: always}
versions:
  description: Version of C(kubernetes); null without a cluster.
  returned: success
  type: dict
  sample: {kubernetes: 1.34.1-gke.1829001}
removed:
  description: With O(state=absent), the deleted clusters, as in RV(leftovers).
  returned: success
  type: list
  elements: dict
leftovers:
  description: With O(state=absent), other clusters of the project that this module created and that still run.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the cluster., type: str, returned: always}
    location: {description: Its zone or region., type: str, returned: always}
    status: {description: Google's word for its state., type: str, returned: always}
    created: {description: When it was made., type: str, returned: always}
    machine_type: {description: Machine type of its nodes., type: str, returned: always}
msg:
  description: One sentence that says what was done or found, or what is wrong.
  returned: always
  type: str
  sample: GKE cluster tfscale in europe-west1-b was made, with 2 nodes.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.gke_cluster import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
