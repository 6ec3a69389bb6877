#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that every node has the same image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_on_nodes
short_description: Verify that every node has the same image
version_added: 0.2.0
description:
  - Starts a pod of the image on every node that can carry a run, compares the image digests that the nodes report, and deletes the
    pods. Afterwards no run has to pull the image.
  - The image need not contain any particular program. It must run as a user whose ID is not 0.
  - Pods pass the Pod Security Standard C(restricted).
  - If another controller checks the same image there, the module waits for that check, at most O(timeout).
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
options:
  image:
    description: Name of the image, as in a pod's specification.
    type: str
    required: true
  namespace:
    description: Namespace of the pods.
    type: str
    required: true
  digest:
    description: Expected digest of the image (V(sha256:...)). Empty only requires the same image on all nodes.
    type: str
    default: ""
  pull_policy:
    description: Whether nodes may pull the image. V(Never) requires that every node already has it.
    type: str
    choices: [Always, IfNotPresent, Never]
    default: IfNotPresent
  pull_secrets:
    description: Names of the registry's pull secrets.
    type: list
    elements: str
    default: []
  run_as_user:
    description: Numeric user ID, for an image without a user or with root. Pods that run as root are not admitted.
    type: int
  node_selector:
    description: Labels of the nodes to check.
    type: dict
    default: {}
  tolerations:
    description: Tolerations of the pods.
    type: list
    elements: dict
    default: []
  study:
    description: Name of the study, a label of the pods.
    type: str
    default: ""
  timeout:
    description: Seconds within which every node must have the image, pulls included.
    type: float
    default: 600
attributes:
  check_mode:
    support: full
    details: Asks no node.
  diff_mode:
    support: none
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.node_set
"""

EXAMPLES = r"""
- name: Prove that every node has the image
  tfscale.study.image_on_nodes:
    image: registry.example.com/team/mnist:7
    namespace: tfscale
  register: image

- name: Show which it is
  ansible.builtin.debug:
    msg: "{{ image.digest }}"
"""

RETURN = r"""
digest:
  description: Digest of the image on all nodes (V(sha256:...)). Empty in check mode.
  returned: success
  type: str
nodes:
  description: The nodes that were checked.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the node., type: str, returned: always}
    image_id: {description: Its image as the kubelet tells it., type: str, returned: always}
msg:
  description: One sentence that says what was found, or what is wrong.
  returned: always
  type: str
  sample: "Image tfscale.study/trainer:0123456789ab is on 2 nodes: sha256:781b718e153b0707cf4b7e2931947cbc17eb47fe6db8978c0a5833c04a0a9659."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.image_on_nodes import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
