#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a run and add its record to the ledger."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study_record
short_description: Judge a run and add its record to the ledger
version_added: 0.1.0
description:
  - Reads the logs of a run, judges it, and appends one record to the ledger of the study.
  - A run is C(void) when a replica failed or was restarted, the deadline passed, the loss became NaN or infinite, training did not
    begin at step 0 or did not reach its target, steps were lost or counted twice, or its time is unknown. It is C(suspect) when
    a share is above its limit (O(max_steal_share) and those after it), clocks disagree, or the accuracy is too low. The page
    docs/validity.md of the collection has a row for each reason.
  - An attempt that already has a record keeps it.
  - A ledger in the cluster is suitable for some thousands of records. Writing one takes 10 ms and about 3 KiB of the cluster's
    store. Reading a thousand takes 0.6 s and 25 MiB of memory, and every block of a sweep reads all.
options:
  study_dir:
    description: Folder of the study.
    type: path
    required: true
  run:
    description: The run as M(tfscale.study.sweep_plan_info) planned it.
    type: dict
    required: true
  wait:
    description: The result of M(tfscale.study.training_wait).
    type: dict
    required: true
  log_format:
    description: Format of the replicas' logs, which is V(tfscale), V(thesis) or a regular expression with named groups.
    type: str
    default: tfscale
  max_steal_share:
    description: Share of the machine's processor time that the hypervisor may take; above it a run is suspect.
    type: float
    default: 0.1
  max_foreign_share:
    description: Share of the machine's processor time that other programs may take; above it a run is suspect.
    type: float
    default: 0.25
  max_throttled_share:
    description: Share of a replica's training time for which its CPU limit may hold it back; above it a run is suspect.
    type: float
    default: 0.1
    version_added: 0.4.0
  max_drift_share:
    description:
      - Share by which the calibration kernel may differ from the median of the study's earlier ones; beyond it a run is suspect.
    type: float
    default: 0.15
    version_added: 0.4.0
  max_skew_share:
    description: Distance that the workers' start lines may have, as a share of the training time; above it a run is suspect.
    type: float
    default: 0.05
    version_added: 0.4.0
  max_rise_share:
    description:
      - Share by which the speed may rise from the second quarter of the steps to the third, and again to the last; above
        it a run is suspect.
    type: float
    default: 0.1
    version_added: 0.4.0
  provenance:
    description: Further facts for the record's C(provenance).
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    details: Returns the record that it would append.
  diff_mode:
    support: none
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.ledger
  - tfscale.study.owner
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.sweep_plan_info
  - module: tfscale.study.training_wait
"""

EXAMPLES = r"""
- name: Judge and record a run
  tfscale.study.study_record:
    study_dir: results/mnist
    run: "{{ plan.runs[0] }}"
    wait: "{{ wait }}"
  register: recorded

- name: Show the verdict
  ansible.builtin.debug:
    msg: "{{ recorded.msg }}"
"""

RETURN = r"""
record:
  description: The record in the ledger; in check mode, the record that would be written.
  returned: success
  type: dict
verdict:
  description: V(valid), V(suspect) or V(void).
  returned: success
  type: str
  sample: valid
msg:
  description: One sentence that says what was found or done, or what is wrong.
  returned: always
  type: str
  sample: "valid: 2000 steps in 4.1 s (488 steps/s), accuracy 0.948"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.study_record import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
