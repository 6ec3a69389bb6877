#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the report of a study from its ledger."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study_report
short_description: Write the report of a study from its ledger
version_added: 0.1.0
description:
  - Reads the ledger of a study and writes a self-contained HTML page, the same report as Markdown, two CSV files and the figures as
    SVG into the folder of the study. C(answer.json) has the answer for programs.
  - The page answers the question of the study in a sentence. If the runs are too few or differ too much, it says that it cannot tell.
  - The same ledger gives the same files, byte for byte.
requirements:
  - jinja2
  - scipy
  - vl-convert-python
options:
  study_dir:
    description:
      - Folder of the study. It contains C(ledger.jsonl), except with O(ledger=cluster), and the report is written there.
      - Without a ledger, or without a valid run, the report says so.
    type: path
    required: true
  prices:
    description:
      - Price of an hour of a node, by machine type (the label C(node.kubernetes.io/instance-type)); V(*) means any other node.
      - The report then gives the cost of a run, which is that of all active nodes, used or not, from the deployment to the last exit.
    type: dict
    default: {}
    version_added: 0.4.0
  currency:
    description: Currency of O(prices).
    type: str
    default: USD
    version_added: 0.4.0
  claims:
    description:
      - V(thesis) holds the claims of the thesis' chapters 6 and 7 against the study. Each is confirmed, refuted, undecided or not measured;
        all verdicts together are wrong in at most 5 % of studies.
      - Empty holds none.
    type: str
    default: ""
    choices: ["", thesis]
    version_added: 0.4.0
  language:
    description: Language of the report and of O(goal)'s answer. Codes in C(answer.json) and the CSV files are the same in all.
    type: str
    choices: [en, pl]
    default: en
    version_added: 0.4.0
  goal:
    description:
      - The purpose of the recommended cell. V(time) takes the smallest cell that is as fast as the fastest one, V(cost) the cheapest.
      - V(knee) takes the last number of workers whose added workers each gained at least 10 % speed, with confidence.
      - V(cost) needs O(prices). V(knee) takes no limit.
    type: str
    choices: [time, cost, knee]
    default: time
    version_added: 0.4.0
  max_seconds:
    description:
      - Limit of the training time in seconds. With O(goal=time) the smallest cell that keeps it with a confidence of 95 % is
        recommended, with O(goal=cost) the cheapest. If no cell is certain to keep it, none is recommended.
    type: float
    version_added: 0.4.0
  max_cost:
    description:
      - Limit of the cost of a run, in O(currency). It needs O(prices). With O(goal=time) and without O(max_seconds) the fastest cell
        that keeps it with a confidence of 95 % is recommended.
    type: float
    version_added: 0.4.0
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.ledger
  - tfscale.study.selection
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Write the report
  tfscale.study.study_report:
    study_dir: results/mnist
  register: report

- name: Show the answer
  ansible.builtin.debug:
    msg: "{{ report.answer }}"
"""

RETURN = r"""
answer:
  description: The answer of the study for each group of cells that may be compared. The first sentence is the decision.
  returned: success
  type: str
  sample: >-
    Take 2 workers and 2 ps: 4.0 s (3.8-4.3). 4 workers are not significantly faster (0.97-1.04 times as long). 1 worker is 31 % slower
    (24-39 %).
claims:
  description: The findings on O(claims), one sentence each; empty without claims.
  returned: success
  type: list
  elements: str
  sample:
    - "confirmed: On Kind the least time is at 4 or 5 workers. Measured 0.930 (0.884-0.973), true up to 1.000: training time of workers=4
      over that of workers=3."
document:
  description:
    - The answer for programs, as in C(answer.json), with the recommended cell, all cells' ratios, intervals and verdicts, causes, laws, forecast,
      design and provenance.
    - The schema is docs/answer.schema.json of the collection. Its version is C(schema); within one version fields are only added.
  returned: success
  type: dict
table:
  description: The table of cells as Markdown.
  returned: success
  type: str
markdown:
  description: The whole report as Markdown, as in C(report.md).
  returned: success
  type: str
counts:
  description: Numbers of cells and records in the report.
  returned: success
  type: dict
  contains:
    cells:
      description: Cells with at least one record.
      type: int
      returned: always
    failed_cells:
      description: Cells of which no run could be measured.
      type: int
      returned: always
    runs:
      description: Records in the ledger.
      type: int
      returned: always
    valid:
      description: Records with this verdict.
      type: int
      returned: always
    suspect:
      description: Records with this verdict.
      type: int
      returned: always
    void:
      description: Records with this verdict.
      type: int
      returned: always
paths:
  description: The files of the report.
  returned: success
  type: dict
  contains:
    answer:
      description: The answer for programs, as JSON.
      type: str
      returned: always
    html:
      description: The page.
      type: str
      returned: always
    markdown:
      description: The same as Markdown.
      type: str
      returned: always
    cells:
      description: One row for each cell, as CSV.
      type: str
      returned: always
    runs:
      description: One row for each recorded run, void ones too, as CSV.
      type: str
      returned: always
    figures:
      description: The figures as SVG.
      type: list
      elements: str
      returned: always
msg:
  description: One sentence that says what was done.
  returned: always
  type: str
  sample: The report of 15 recorded runs is results/mnist/report.html.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.study_report import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
