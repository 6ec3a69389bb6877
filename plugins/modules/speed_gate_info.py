#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say whether one version of a training is slower than another."""

from __future__ import annotations

DOCUMENTATION = r"""
module: speed_gate_info
short_description: Decide whether one version of a training is slower than another
version_added: 0.3.0
description:
  - Reads the records of a study with the variants C(before) and C(after), each run once in every block, and compares the ratio of
    their training times with the permitted slowdown.
  - It may be called after every block. C(slower) and C(same) are each wrong in about 2.5 of 100 gates, however often it is called
    and whenever it stops; docs/design-of-experiments.md describes the method, its sources and its simulated error rates.
  - C(valid) and C(suspect) runs count, as in a report.
  - The module writes nothing.
options:
  study_dir:
    description: Folder of the study. It may be missing.
    type: path
    required: true
  cells:
    description:
      - The two cells, as M(tfscale.study.sweep_plan_info) returns them. Others are ignored unless their specification has
        the variant C(before) or C(after).
      - When empty, the cells in the ledger.
    type: list
    elements: dict
    default: []
  max_slowdown:
    description: Permitted slowdown of C(after), as a share such as V(0.05).
    type: raw
    required: true
  blocks:
    description:
      - Maximal number of blocks, at least four. Choose it before the first block; a later increase is a second test,
        and errs at most twice as often.
    type: raw
    default: 20
requirements:
  - scipy (only for a gate)
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.ledger
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.sweep_plan_info
"""

EXAMPLES = r"""
- name: Compare both versions of a study
  tfscale.study.speed_gate_info:
    study_dir: "{{ playbook_dir }}/results/compare"
    max_slowdown: 0.05
  register: gate

- name: Refuse the slower one
  ansible.builtin.assert:
    that: gate.verdict in ["faster", "same"]
    fail_msg: "{{ gate.msg }}"
"""

RETURN = r"""
verdict:
  description:
    - V(faster) - the whole interval of the ratio is below 1.
    - V(same) - the interval is below the permitted slowdown.
    - V(slower) - the interval is above the permitted slowdown.
    - V(cannot tell) - the interval contains the permitted slowdown, or there is no interval yet.
  returned: success
  type: str
  sample: slower
ratio:
  description: Ratio of the training times, after to before; null if no block has both versions.
  returned: success
  type: float
  sample: 1.15
low:
  description: Lower end of the ratio's interval, which holds the truth at all looks together with a confidence of 95 percent; null
    before the fourth block.
  returned: success
  type: float
  sample: 1.11
high:
  description: Upper end of that interval.
  returned: success
  type: float
  sample: 1.19
blocks:
  description: Blocks with a run of both versions that counts.
  returned: success
  type: int
  sample: 5
runs:
  description: Runs so far, including void ones.
  returned: success
  type: int
  sample: 10
wanted:
  description: >-
    Whether another block can change the verdict, which is so while there is no verdict yet, blocks are left, and both versions have
    runs that count.
  returned: success
  type: bool
  sample: false
msg:
  description: One sentence that says what was found, or what is wrong.
  returned: always
  type: str
  sample: "after is 15 % slower (95 % CI 11-19 %, 5 blocks): slower than the 5 % that upgrade_max_slowdown allows"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.speed_gate_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
