#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the cells of a study with those of other studies."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study_compare_info
short_description: Compare the cells of a study with those of other studies
version_added: 0.4.0
description:
  - Holds the training time of each cell against the cell of the same size in a baseline, a study of another version, day or cluster. Two
    versions in one study, each run once in every block, are the task of M(tfscale.study.speed_gate_info).
  - Cells have the same size if C(nodes), C(ps), C(workers), C(strategy) and C(variant) are equal. C(cluster), C(provider), C(backend),
    C(runtime) and C(image) may differ. A cell that differs in any other field is refused, and the field is named.
  - All intervals together hold the true ratios with a confidence of 95 percent. docs/compare-studies.md describes the method and its
    simulated error rates.
  - The module writes nothing.
requirements:
  - scipy
options:
  study_dir:
    description: Folder of the study. It contains C(ledger.jsonl), except with O(ledger=cluster).
    type: path
    required: true
  baseline:
    description:
      - Name of a study beside O(study_dir), or the path of a ledger file or of a folder with C(ledger.jsonl), or a list of these.
    type: raw
    required: true
  margin:
    description: Cells whose whole interval lies within this share of the baseline's time are V(same).
    type: raw
    default: 0.05
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
  - module: tfscale.study.speed_gate_info
  - module: tfscale.study.study_report
"""

EXAMPLES = r"""
- name: Compare the study of today with that of the last release
  tfscale.study.study_compare_info:
    study_dir: "{{ playbook_dir }}/results/mnist"
    baseline: "{{ playbook_dir }}/releases/0.3/ledger.jsonl"
  register: compared

- name: Refuse a regression
  ansible.builtin.assert:
    that: compared.verdict != "slower"
    fail_msg: "{{ compared.msg }}"
"""

RETURN = r"""
verdict:
  description:
    - Of all cells. V(slower) if any is slower, else V(cannot tell) if that is so of any, V(faster) if all are faster, else V(same).
  returned: success
  type: str
  sample: slower
document:
  description:
    - C(study), C(language) of the sentences, C(verdict), C(counts) of the verdicts, C(margin), C(confidence), C(versions) of the study, and C(baselines).
    - Each of C(baselines) has C(baseline) as given, C(study), C(versions), C(machine_ratio) (time of the calibration kernel here over that
      there, or null), C(paired), C(cells), C(refused), C(only_here) and C(only_there).
    - Each of C(cells) has C(cell_id), C(baseline_cell_id), C(label), C(verdict) (V(faster), V(slower), V(same) or V(cannot tell)), C(ratio)
      with C(center), C(low) and C(high), C(measured_ratio) (without calibration), C(calibrated), C(runs), C(baseline_runs), C(seconds),
      C(baseline_seconds) and C(words).
    - Each of C(refused) has C(cell_id), C(label), the C(field) that differs, its values C(here) and C(there), and C(words).
  returned: success
  type: dict
msg:
  description: One sentence that says how many cells have which verdict, or what is wrong.
  returned: always
  type: str
  sample: "mnist against release: 1 slower, 5 same (same: within 5 %)"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.study_compare_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
