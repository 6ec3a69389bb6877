#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold a study for one controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study_lock
short_description: Lock a study so that only one controller runs it
version_added: 0.1.0
description:
  - Only one controller may run a study. With O(state=present) a process holds the study; any other controller is refused with the
    holder's process, host and time.
  - The lock of a dead process is taken over. In a folder, the lock of another host or container must be deleted by hand, unless the
    folder is on a disk of this machine and the machine was restarted since. In a cluster, a lock expires two minutes after its last
    renewal. M(tfscale.study.study_lock) and M(tfscale.study.study_record) renew it.
  - The new holder also moves a half-written record of a crash aside.
  - With O(state=absent) the owner's own lock is removed.
options:
  study_dir:
    description: Folder of the study. A missing folder is created.
    type: path
    required: true
  state:
    description: Whether to hold or to release the study.
    type: str
    choices: [present, absent]
    default: present
  part:
    description:
      - Part of the owner's work that holds the study, such as one of several clusters. The lock in a folder goes with the last part;
        in clusters each has a lock of its own.
    type: str
    default: ""
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
  - tfscale.study.owner
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.study_record
"""

EXAMPLES = r"""
- name: Lock the study
  tfscale.study.study_lock:
    study_dir: results/mnist
  register: held

- name: Show who holds it
  ansible.builtin.debug:
    msg: "{{ held.msg }}"

- name: Let the study go
  tfscale.study.study_lock:
    study_dir: results/mnist
    state: absent
"""

RETURN = r"""
lock:
  description: The present lock, or the removed one. Null if there was none to remove.
  returned: success
  type: dict
  contains:
    pid: {description: The process that holds the study., type: int, returned: always}
    start_time: {description: When it started; clock ticks since boot., type: int, returned: always}
    host: {description: Its host., type: str, returned: always}
    space:
      description: Boot of the machine and process namespace in which the process ID is valid.
      type: str
      returned: with O(ledger=files)
    since: {description: Since when it holds the study; seconds since 1970., type: float, returned: always}
    parts: {description: Which parts of its work hold it., type: list, elements: str, returned: with O(ledger=files)}
msg:
  description: One sentence that says what was found or done, or what is wrong.
  returned: always
  type: str
  sample: Study /srv/results/mnist is held by process 4711 on host bench-1.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.study_lock import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
