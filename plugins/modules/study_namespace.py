#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the namespace of a study, or remove it if it was made here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study_namespace
short_description: Create the namespace of a study, or delete it if this collection created it
version_added: 0.2.0
description:
  - Creates a namespace with the label C(app.kubernetes.io/managed-by=tfscale.study), and returns when the cluster admits pods there.
  - A namespace is not deleted if it contains a long-running training or its volume claim, records of a study, or any object without
    that label.
  - A namespace without that label is used unchanged and is never deleted. If the user may not read namespaces, the module assumes
    that it exists.
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.held
  - tfscale.study.cluster
options:
  name:
    description: Name of the namespace.
    type: str
    required: true
  state:
    description: Whether the namespace must exist. V(absent) returns when it is gone.
    type: str
    choices: [present, absent]
    default: present
  labels:
    description: Further labels, such as those of Pod Security.
    type: dict
    default: {}
  timeout:
    description: Seconds within which it must be usable or gone.
    type: float
    default: 180
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The labels before and after.
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Make a namespace for pods of the restricted standard
  tfscale.study.study_namespace:
    name: tfscale
    labels:
      pod-security.kubernetes.io/enforce: restricted
  register: namespace

- name: Show what became of it
  ansible.builtin.debug:
    msg: "{{ namespace.msg }}"
"""

RETURN = r"""
msg:
  description: One sentence that says what was done or found, or what is wrong.
  returned: always
  type: str
  sample: Namespace tfscale was made.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.study_namespace import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
