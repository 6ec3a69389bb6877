#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the size that a search has found, and why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: autosize_plan_info
short_description: Name the size that a search has found, and why
version_added: 0.4.0
description:
  - Reads the ledger of a study that searched for a size, and returns the size to take, its time and price with intervals, why the search ended,
    what the next size would bring, and what was not tried and why.
  - The plan follows from the ledger and the options alone. While the search goes on it is a preliminary one.
  - A size that finds no room now is not named, unless the cluster can get more nodes.
  - docs/autosize.md describes the method and its simulated error rates. The module writes nothing.
requirements:
  - scipy
options:
  study:
    description: Name of the study.
    type: raw
    required: true
  study_dir:
    description: Folder of the study. It contains C(ledger.jsonl), except with O(ledger=cluster).
    type: path
    required: true
  spec:
    description: What all sizes share, as C(spec) of M(tfscale.study.sweep_plan_info). Counts in it are ignored.
    type: dict
    required: true
  search:
    description:
      - What was searched, by the variables of role autosize without that word.
      - These are C(goal), C(min_gain), C(deadline_seconds), C(margin), C(max_repeats), the start C(workers), C(ps) and C(nodes), and
        C(max_workers), C(max_ps) and C(max_nodes). All are needed. May come as JSON in a string.
    type: raw
    required: true
  max_cost:
    description: Cost of a run in O(currency) that the size keeps with certainty. Empty is no limit.
    type: raw
    default: ""
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.ledger
  - tfscale.study.plan
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.sweep_plan_info
  - module: tfscale.study.study_predict_info
"""

EXAMPLES = r"""
- name: Name the size
  tfscale.study.autosize_plan_info:
    study: autosize
    study_dir: "{{ playbook_dir }}/results/autosize"
    spec: "{{ sweep_cells[0].spec }}"
    search:
      goal: time
      min_gain: 0.1
      deadline_seconds: ""
      margin: 0.05
      max_repeats: 8
      workers: 1
      ps: 1
      nodes: 1
      max_workers: 8
      max_ps: ""
      max_nodes: ""
  register: found

- name: Show it
  ansible.builtin.debug:
    msg: "{{ found.msg }}"
"""

RETURN = r"""
size:
  description: The numbers C(nodes), C(ps) and C(workers) to take; null where the runs name none.
  returned: success
  type: dict
complete:
  description: Whether the search has ended.
  returned: success
  type: bool
document:
  description: The plan, as docs/autosize.schema.json describes it.
  returned: success
  type: dict
markdown:
  description: The plan as a page.
  returned: success
  type: str
msg:
  description: The plan as sentences, or what is wrong.
  returned: always
  type: str
  sample: "Take 6 workers and 1 ps: 0.34 s (0.33-0.36), for the goal time. The search ended because more workers gain too little."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.autosize_plan_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
