#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what runs have left in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: training_cleanup
short_description: Remove what runs have left in a cluster, or a long-running training
version_added: 0.2.0
description:
  - Removes the Jobs, StatefulSets, JobSets, TrainJobs, TrainingRuntimes, pods, Services, ConfigMaps and NetworkPolicies of a study, of
    one of its runs, or of one attempt, and returns when the pods are gone. A kind that the cluster does not know has no objects there.
  - Objects are found by their labels. The study's ledger and lock in the cluster stay, and so does a long-running training unless
    O(training) names it.
  - Without O(run_id) it removes all runs of the study; without O(attempt), all attempts of the run.
  - In a missing namespace there is nothing to remove.
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
  - tfscale.study.held
  - tfscale.study.run
options:
  state:
    description: What becomes of the objects.
    type: str
    choices: [absent]
    default: absent
  namespace:
    description: Where they are.
    type: str
    required: true
  study:
    description: Value of their label C(tfscale.study/study); all studies unless given.
    type: str
  training:
    description: >-
      Value of the label C(tfscale.study/training): removes that long-running training, with its Deployment, instead of runs.
    type: str
    version_added: 0.3.0
  volume_claims:
    description: Whether its persistent volume claims are removed, too, and with them its checkpoints.
    type: bool
    default: false
    version_added: 0.3.0
  timeout:
    description: Seconds within which the pods must be gone.
    type: float
    default: 120.0
attributes:
  check_mode:
    support: full
    details: Returns the objects that it would remove.
  diff_mode:
    support: full
    details: The objects that are removed.
seealso:
  - module: tfscale.study.training_wait
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Remove a run
  tfscale.study.training_cleanup:
    namespace: tfscale
    study: mnist
    run_id: 0123456789ab-1
  register: cleanup

- name: Show what was removed
  ansible.builtin.debug:
    msg: "{{ cleanup.msg }}"
"""

RETURN = r"""
removed:
  description: What was removed, or would be.
  returned: always
  type: list
  elements: str
  sample: [jobs/tf-0123456789ab-1-1-worker]
msg:
  description: One sentence that says what was done.
  returned: always
  type: str
  sample: 9 objects of run 0123456789ab-1 were removed in 1.4 s.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.training_cleanup import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
