#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the records of a study from a cluster into a folder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study_fetch
short_description: Copy the records of a study from a cluster into a folder
version_added: 0.4.0
description:
  - Adds the records of a study in a cluster (C(sweep_ledger=cluster)) to C(ledger.jsonl) in a folder, except those already there.
    Called for each of several clusters, it builds the one ledger for the report.
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
  - tfscale.study.selection
options:
  study_dir:
    description: Folder of the study; its last part is the study's name. A missing folder is created.
    type: path
    required: true
  namespace:
    description: Namespace of the ledger in the cluster.
    type: str
    default: tfscale
attributes:
  check_mode:
    support: full
    details: Returns how many records it would copy.
  diff_mode:
    support: none
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.study_report
"""

EXAMPLES = r"""
- name: Bring the records here
  tfscale.study.study_fetch:
    study_dir: results/mnist
    kubeconfig: ~/.kube/config
    context: east

- name: Write the report
  tfscale.study.study_report:
    study_dir: results/mnist
"""

RETURN = r"""
records:
  description: Number of records in the cluster, and number of copied records (in check mode, of records to copy).
  returned: success
  type: dict
  sample: {found: 18, copied: 3}
msg:
  description: One sentence that says what was done, or what is wrong.
  returned: always
  type: str
  sample: Of 18 records of study mnist in namespace tfscale, 3 copied to results/mnist/ledger.jsonl.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.study_fetch import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
