#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrade a long-running training, and take the upgrade back where it does not work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: training_upgrade
short_description: Upgrade a long-running training, and take the upgrade back where it does not work
version_added: 0.3.0
description:
  - Upgrades the StatefulSets of a long-running training, and the objects that their pods need, to the given manifests, replica by
    replica, and waits until each is ready. If a replica does not become ready, the training returns to its former
    ControllerRevisions, and the task fails with the cause and both states.
  - The addresses of all replicas are fixed when TensorFlow starts, so another number of replicas restarts all of them from the last
    checkpoint. A restarted ps has lost its parameters. The module announces both before it begins.
  - The ConfigMap C(<name>-upgrade) records the former state and the progress. If the controller is killed, the next call resumes
    the upgrade; with other manifests it rolls back first. A second upgrade at the same time is refused.
extends_documentation_fragment:
  - tfscale.study.attributes
  - kubernetes.core.k8s_auth_options
  - tfscale.study.cluster
  - tfscale.study.namespace
  - tfscale.study.owner
options:
  name:
    description: Name of the training, which its objects begin with and carry in the label C(tfscale.study/training).
    type: str
    required: true
  state:
    description:
      - V(upgraded) brings the training to O(definition).
      - V(confirmed) ends an upgrade made with O(confirm=false).
      - V(rolled_back) takes the last upgrade back, whether it was confirmed, not yet confirmed, or interrupted.
      - V(ready) changes nothing and waits until all replicas are ready, as after the first deployment.
    type: str
    choices: [upgraded, confirmed, rolled_back, ready]
    default: upgraded
  definition:
    description:
      - Manifests of the whole training, as role C(training) makes them. Kinds are ConfigMap, Service, PersistentVolumeClaim,
        NetworkPolicy, Deployment and StatefulSet; the StatefulSets are C(<name>-ps) and C(<name>-worker).
      - The ConfigMap that pods read is to have another name when it has other content, so that a former version of the pods
        finds its own.
      - Needed with O(state=upgraded). Else, if given, a decision about another upgrade than this one is refused.
    type: list
    elements: dict
  strategy:
    description:
      - V(rolling) renews one replica after the other, the highest number first.
      - V(canary) renews the last worker first, then the others in the same way.
      - V(recreate) ends all that change, workers first, and starts them as a whole, ps first.
      - Another number of replicas is always V(recreate) for all.
    type: str
    choices: [rolling, recreate, canary]
    default: rolling
  order:
    description: Whether ps or workers are renewed first where both change and not all restart.
    type: str
    choices: [ps_first, workers_first]
    default: ps_first
  confirm:
    description:
      - With V(false) the upgrade waits for a decision (O(state=confirmed) or O(state=rolled_back)) when all replicas are ready.
      - V(rolled_back) then goes back to what was confirmed last, also over several upgrades.
    type: bool
    default: true
  timeout:
    description: Seconds until a replica, or all replicas that start together, must be ready.
    type: float
    default: 300
  min_ready_seconds:
    description: Seconds for which a replica must stay ready before the next one is touched.
    type: float
    default: 5
attributes:
  check_mode:
    support: full
    details: The server tries each object (dry run).
  diff_mode:
    support: full
    details: All objects that change, with the defaults of the server.
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - name: Update strategies of StatefulSets
    description: What a partition is, and why a broken replica must be removed by hand.
    link: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies
"""

EXAMPLES = r"""
- name: See what a new version would change
  tfscale.study.training_upgrade:
    name: mnist
    definition: "{{ lookup('ansible.builtin.file', 'mnist.yml') | from_yaml_all | list }}"
  check_mode: true
  diff: true

- name: Upgrade, one worker first
  tfscale.study.training_upgrade:
    name: mnist
    definition: "{{ lookup('ansible.builtin.file', 'mnist.yml') | from_yaml_all | list }}"
    strategy: canary

- name: Take the last upgrade back
  tfscale.study.training_upgrade:
    name: mnist
    state: rolled_back
"""

RETURN = r"""
before:
  description: The groups C(ps) and C(worker) before this call.
  returned: success, and failure once the upgrade had begun
  type: dict
  sample:
    worker: {replicas: 2, ready: 2, revision: mnist-worker-5d9c, image: "tfscale/trainer:1", command: [python3, -m, trainer], resources: {}}
after:
  description: The same after this call.
  returned: success, and failure once the upgrade had begun
  type: dict
attempted:
  description: The groups as they were to be, without what only the server knows.
  returned: when the upgrade did not work
  type: dict
rolled_back:
  description: That the training is again what it was.
  returned: when the upgrade did not work
  type: bool
former:
  description: The groups as they were confirmed last, without what only the server knows.
  returned: when the upgrade waits to be confirmed
  type: dict
undecided:
  description: Whether the upgrade waits to be confirmed.
  returned: success
  type: bool
msg:
  description: One sentence that says what was done, or what is wrong and what the training is now.
  returned: always
  type: str
  sample: "training mnist is upgraded in 24 s: worker 1 ready in 12 s, worker 0 ready in 12 s."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.training_upgrade import (
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
