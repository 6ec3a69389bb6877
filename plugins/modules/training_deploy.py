#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the objects of a run or of a long-running training."""

from __future__ import annotations

DOCUMENTATION = r"""
module: training_deploy
short_description: Make the objects of a run or of a long-running training
version_added: 0.4.0
description:
  - Creates missing objects of the given manifests, and updates existing ones to match.
  - All objects are checked first. If an existing one lacks its manifest's labels of ownership (C(app.kubernetes.io/managed-by),
    C(tfscale.study/study), C(run), C(attempt), C(training)), the task fails and changes nothing.
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
options:
  namespace:
    description: Where they are to be.
    type: str
    required: true
  definition:
    description:
      - The manifests. Kinds are ConfigMap, Service, PersistentVolumeClaim, NetworkPolicy, Deployment, StatefulSet, Job, JobSet,
        TrainJob and TrainingRuntime. Each carries the label C(app.kubernetes.io/managed-by=tfscale.study) and that of its study or
        training.
    type: list
    elements: dict
    required: true
attributes:
  check_mode:
    support: full
    details: The server tries each object (dry run).
  diff_mode:
    support: full
    details: The names of the objects.
seealso:
  - module: tfscale.study.training_cleanup
  - module: tfscale.study.training_upgrade
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Deploy a training
  tfscale.study.training_deploy:
    namespace: tfscale
    definition: "{{ lookup('ansible.builtin.file', 'training.yml') | from_yaml_all }}"
  register: deployed

- name: Show what was made
  ansible.builtin.debug:
    msg: "{{ deployed.msg }}"
"""

RETURN = r"""
made:
  description: What was not there before.
  returned: success
  type: list
  elements: str
  sample: [ConfigMap mnist, StatefulSet mnist-worker]
msg:
  description: One sentence that says what was done, or what is wrong.
  returned: always
  type: str
  sample: "In namespace tfscale: 6 objects made."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.training_deploy import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
