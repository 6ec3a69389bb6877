#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict the training time of sizes that a study has not measured."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study_predict_info
short_description: Predict the training time of sizes that a study has not measured
version_added: 0.4.0
description:
  - Fits laws to the records of a study, and says time, speed and price of other numbers of workers and ps, with 95 % prediction bands.
  - A law speaks only if it has earned it. It needs four numbers of workers or more, and without the largest one it has to predict that.
    No law speaks beyond four times the largest number of workers. A size without a prediction has the reason in C(refusal).
  - The queueing law also tells what more ps and more processors of each node would do. It needs the measured use of processors.
  - docs/laws.md describes the method, its sources and its simulated error rates.
  - The module writes nothing.
requirements:
  - scipy
options:
  study_dir:
    description: Folder of the study. It contains C(ledger.jsonl), except with O(ledger=cluster).
    type: path
    required: true
  predict:
    description:
      - The sizes, a list of mappings. Each has C(workers) and, if need be, C(ps), C(nodes) and C(processors) of each node.
      - Without C(ps) it is each measured number of ps; without C(nodes) each measured number of nodes; without C(processors) as measured.
    type: raw
    required: true
  prices:
    description: Price of an hour of a node, by machine type; V(*) means any other node.
    type: dict
    default: {}
  currency:
    description: Currency of O(prices).
    type: str
    default: USD
  language:
    description: Language of the sentences. Codes and values are the same in all.
    type: str
    choices: [en, pl]
    default: en
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.ledger
  - tfscale.study.selection
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.study_report
"""

EXAMPLES = r"""
- name: Ask for 16 workers, and for twice the ps
  tfscale.study.study_predict_info:
    study_dir: "{{ playbook_dir }}/results/mnist"
    predict:
      - {workers: 16, ps: 2}
      - {workers: 16, ps: 4}
  register: asked

- name: Show the predictions
  ansible.builtin.debug:
    msg: "{{ asked.predictions | map(attribute='words') }}"
"""

RETURN = r"""
predictions:
  description: One for each size and each set of cells that differ in nothing but workers and ps.
  returned: success
  type: list
  elements: dict
  contains:
    workers:
      description: Number of workers, as asked.
      type: int
      returned: always
    ps:
      description: Number of ps.
      type: int
      returned: always
    nodes:
      description: Number of nodes, as asked; null for any.
      type: int
      returned: always
    processors:
      description: Processors of each node, as asked; null as measured.
      type: float
      returned: always
    curve:
      description: Tells the cells from which the prediction follows from others of the study; empty if there are no others.
      type: str
      returned: always
    laws:
      description: The laws that speak, the best first; V(amdahl), V(usl), V(queueing) or V(ps_aware).
      type: list
      elements: str
      returned: always
    train_seconds:
      description: Seconds of training, C(center), C(low) and C(high); null if refused.
      type: dict
      returned: always
    steps_per_second:
      description: Global steps per second, C(center), C(low) and C(high); null if refused.
      type: dict
      returned: always
    price:
      description: Price of a run, C(center), C(low), C(high) and C(currency); null without prices, or with other processors.
      type: dict
      returned: always
    measured_seconds:
      description: Median seconds of training of a cell of this size; null if there is none.
      type: float
      returned: always
    refusal:
      description: Why there is no prediction, as C(code), C(words) and C(values); null if there is one.
      type: dict
      returned: always
    words:
      description: The prediction in a sentence.
      type: str
      returned: always
refused:
  description: Number of sizes without a prediction.
  returned: success
  type: int
msg:
  description: All predictions as sentences, or what is wrong.
  returned: always
  type: str
  sample: "ps=2 workers=16: 1.93 s (1.71-2.18), 1,036 steps/s (917-1,170), by the USL."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.study_predict_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
