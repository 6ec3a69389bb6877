#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start or remove the replicas of a run as processes of this machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: process_group
short_description: Start or stop the replicas of a run as processes of this machine
version_added: 0.1.0
description:
  - Starts the parameter servers and workers of one run as processes, each with its own free port and a log in the folder of the
    run. All runs of a playbook share one import of TensorFlow.
  - The processes stop at the end of the run, at the first failure of one of them, or when the playbook ends or is killed.
requirements:
  - Linux
extends_documentation_fragment:
  - tfscale.study.attributes
options:
  state:
    description:
      - V(present) starts the replicas, unless they are running. What an earlier run left in O(run_dir) is removed first, and
        anything else found there is refused.
      - V(absent) ends them and returns when they are gone. Logs stay. Only processes of the same user that carry the mark of
        their run or launcher in their environment are ended.
    type: str
    choices: [present, absent]
    default: present
  run_dir:
    description:
      - Folder of the run, new or empty or that of an earlier run as C(state.json) in it tells. Takes one log for each replica
        and C(state.json).
      - With O(state=absent) it may be a folder above runs, all of which are ended.
    type: path
    required: true
  ps:
    description: Number of parameter servers. Needed with O(state=present).
    type: int
  workers:
    description: Number of workers. Needed with O(state=present).
    type: int
  trainer_args:
    description: Flags of the trainer by name. A value of true passes the flag alone; false omits it.
    type: dict
    default: {}
  command:
    description:
      - Program with its arguments that each replica runs instead of the trainer.
      - It reads its role and its peers from the variables E(TF_CONFIG), E(PS_HOSTS), E(WORKER_HOSTS), E(JOB_NAME), E(TASK_INDEX),
        E(JOB_COMPLETION_INDEX) and E(TFSCALE_RUN_DIR).
    type: list
    elements: str
    default: []
  env:
    description: Further environment variables of the replicas.
    type: dict
    default: {}
  environment:
    description: Environment variables of the workers, in which C({chief_host}), C({chief_port}) and C({index}) are replaced.
    type: dict
    default: {}
    version_added: 0.4.0
  chief:
    description: Whether worker 0 is the task C(chief) of E(TF_CONFIG). The other workers are stopped when it has exited with 0.
    type: bool
    default: false
    version_added: 0.4.0
  arrivals:
    description: Whether to keep the times at which the log of worker 0 grew, in C(worker-0.times) beside it.
    type: bool
    default: false
    version_added: 0.4.0
  python:
    description: Python interpreter with TensorFlow. Required unless O(command) is given.
    type: path
  source_dir:
    description: Folder that contains the package C(trainer). Required with O(state=present).
    type: path
  threads:
    description: Threads of each TensorFlow pool of a replica; V(0) means no limit.
    type: int
    default: 0
  cpus:
    description: Processors of each replica; V(0) means all.
    type: int
    default: 0
  port_range:
    description: Ports to choose from, such as V(23000-23100). The default is any free ports.
    type: str
    default: ""
  network:
    description:
      - Network of the replicas. V(loopback) is a separate network with loopback alone, which only this run can reach; V(host) is
        the machine's network.
      - Empty means V(loopback) for the trainer and V(host) for O(command).
      - If the kernel permits no separate network, a warning says so and the replicas use the machine's network.
    type: str
    choices: ["", loopback, host]
    default: ""
    version_added: 0.4.0
  owner_pid:
    description:
      - Process whose end stops all replicas, and whose own studies do not block O(state=absent). The default is the process of
        C(ansible-playbook).
      - Outside C(ansible-playbook) there is no default.
    type: int
  end_held:
    description:
      - Whether O(state=absent) may end runs of a study that another controller holds. V(false) fails and names the study, who
        holds it and since when.
    type: bool
    default: false
    version_added: 0.4.0
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The replicas that are running before and after.
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Start two parameter servers and four workers
  tfscale.study.process_group:
    run_dir: results/mnist/logs/one
    ps: 2
    workers: 4
    trainer_args:
      train_steps: 2000
    python: .venv-trainer/bin/python
    source_dir: "{{ playbook_dir }}/.."

- name: Start a program of your own
  tfscale.study.process_group:
    run_dir: results/mine/logs/one
    ps: 1
    workers: 2
    command: [python3, my_training.py]
    source_dir: "{{ playbook_dir }}/.."

- name: End every run of all studies
  tfscale.study.process_group:
    run_dir: results
    state: absent
"""

RETURN = r"""
group:
  description: The replicas that were started, were already running, or were stopped.
  returned: success
  type: dict
  contains:
    run_dir:
      description: Folder of the run, absolute.
      type: str
      returned: always
    replicas:
      description: Names of the replicas.
      type: list
      elements: str
      returned: always
      sample: [ps 0, worker 0, worker 1]
    hosts:
      description: Addresses of the replicas in the same order; empty in check mode.
      type: list
      elements: str
      returned: always
    pids:
      description: Process identifiers in the same order; empty in check mode.
      type: list
      elements: int
      returned: always
msg:
  description: One sentence that says what was done.
  returned: always
  type: str
  sample: 6 replicas started in /srv/results/mnist/logs/one.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.process_group import (
    ARGUMENT_SPEC,
    REQUIRED_IF,
    execute,
)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, required_if=REQUIRED_IF, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
