#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which cluster a kubeconfig leads to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_identity_info
short_description: Identify the cluster of a kubeconfig
version_added: 0.4.0
description:
  - Different contexts, files or addresses may lead to the same cluster. This module returns the identity of the cluster, so that a
    play can refuse two inventory hosts that mean the same one.
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.cluster_capacity_info
"""

EXAMPLES = r"""
- name: Ask who it is
  tfscale.study.cluster_identity_info:
    kubeconfig: ~/.kube/config
    context: east
  register: asked

- name: Show it
  ansible.builtin.debug:
    msg: "{{ asked.msg }}"
"""

RETURN = r"""
identity:
  description: UID of the namespace C(kube-system), or the address of the server if the account may not read it.
  returned: success
  type: str
  sample: 7b5c8a1e-2f0d-4a9e-9a36-0c8f1f1f2a11
server:
  description: Address of the API server.
  returned: success
  type: str
  sample: https://127.0.0.1:6443
msg:
  description: One sentence that says what was found, or what is wrong.
  returned: always
  type: str
  sample: The cluster at https://127.0.0.1:6443 is 7b5c8a1e-2f0d-4a9e-9a36-0c8f1f1f2a11.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.cluster_identity_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
