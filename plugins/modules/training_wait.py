#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a run to end and say how it went."""

from __future__ import annotations

DOCUMENTATION = r"""
module: training_wait
short_description: Wait for a run to end and say how it went
version_added: 0.1.0
description:
  - Waits until all workers of a run have succeeded, a replica has failed, or O(deadline) has passed.
  - A run ends with the first replica that fails. The result then names that replica, its exit and the last lines of its log.
  - In a playbook with the local connection, the run's steps, speed and remaining time are printed live.
  - The task fails unless the run succeeded; its result is complete in both cases.
  - On a cluster the module watches the pods, follows the log of worker 0, and saves all logs into O(run_dir) at the end. If a pod
    cannot start, is killed, evicted or deleted, or loses its node, the run ends with that cause.
  - A cluster needs O(run_id) and O(attempt). With O(ledger=cluster) the lock of the study is renewed during the wait.
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.ledger
  - tfscale.study.owner
  - tfscale.study.run
options:
  backend:
    description:
      - What carries the replicas. V(processes) of this machine, or pods of a V(job), V(statefulset), V(jobset) or V(trainjob);
        only these use a cluster.
      - If a JobSet or TrainJob has no pod after 20 s and its controller has made nothing of it, the wait ends. The message names the
        object and the controller, or the controller's own warning.
    type: str
    choices: [processes, job, statefulset, jobset, trainjob]
    default: processes
  run_dir:
    description:
      - Folder of the run. As given to M(tfscale.study.process_group), or where the logs of pods are to be saved.
      - C(pods.json) there says of which attempt the logs of pods are. Logs of anything else are not written over; the folder is refused.
    type: path
    required: true
  nodes:
    description: Nodes on which the pods may run. It is kept as evidence; M(tfscale.study.study_record) voids a run with pods on others.
    type: list
    elements: str
    default: []
  stall_seconds:
    description:
      - Seconds after which a run of pods is given up when worker 0 has said nothing; V(0) is never.
      - Must be longer than the start-up, and than the pause between two lines of the log.
    type: float
    default: 0.0
  start_seconds:
    description:
      - Seconds after which a run of pods is given up when a replica has not started; V(0) is never.
      - With V(0) a pod that no node can take for 30 seconds ends the run; otherwise it may wait as long as this.
    type: float
    default: 0.0
    version_added: 0.4.0
  queue_deadline:
    description:
      - Seconds after which a run of pods is given up when a queue of Kueue has not admitted it; V(0) is never.
      - O(deadline), O(start_seconds) and O(stall_seconds) begin when all objects of the run are admitted. The queue is read from their label
        C(kueue.x-k8s.io/queue-name).
    type: float
    default: 3600.0
    version_added: 0.4.0
  deadline:
    description: Seconds until the run is given up; V(0) is never. The replicas are left running. Another task removes them.
    type: float
    default: 600.0
  train_steps:
    description: Global steps at which training ends, for percents and the remaining time. V(0) trains without end.
    type: int
    default: 0
  log_format:
    description: What the log looks like. V(tfscale), V(thesis) or a regular expression with named groups.
    type: str
    default: tfscale
  label:
    description: What lines of progress begin with.
    type: str
    default: ""
  progress_seconds:
    description: Least seconds between two lines of progress.
    type: float
    default: 5.0
  poll_seconds:
    description: Seconds between two looks at the run.
    type: float
    default: 0.02
  study_dir:
    description: Folder of the study, as given to M(tfscale.study.study_lock). Needed with O(ledger=cluster).
    type: path
attributes:
  check_mode:
    support: full
    details: Returns at once, because check mode has started no run.
seealso:
  - module: tfscale.study.process_group
  - module: tfscale.study.training_cleanup
  - module: tfscale.study.training_timings_info
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Wait for the run to end
  tfscale.study.training_wait:
    run_dir: results/mnist/logs/one
    train_steps: 2000
    deadline: 300
  register: run

- name: Wait for a run of Jobs to end
  tfscale.study.training_wait:
    backend: job
    context: kind-study
    namespace: tfscale
    run_id: 0123456789ab-1
    attempt: 1
    run_dir: results/mnist/logs/0123456789ab-1/attempt-1
    train_steps: 2000

- name: Show how it went
  ansible.builtin.debug:
    msg: "{{ run.msg }}"
"""

RETURN = r"""
outcome:
  description: How the run went. One of V(succeeded), V(failed) and V(deadline).
  returned: unless in check mode
  type: str
  sample: succeeded
failed_replica:
  description: The replica that failed first; null unless RV(outcome=failed).
  returned: unless in check mode
  type: dict
  contains:
    replica:
      description: Its role.
      type: str
      returned: always
      sample: worker
    index:
      description: Its index.
      type: int
      returned: always
    exit_code:
      description: What it exited with; null when a signal ended it.
      type: int
      returned: always
    signal:
      description: The signal that ended it; null when it exited.
      type: int
      returned: always
    ending:
      description: What became of it.
      type: str
      returned: always
      sample: worker 2 exited with code 3
    reason:
      description: Why, from what the cluster tells of its pod, or else its own last word; empty when nobody left one.
      type: str
      returned: always
      sample: loss became nan at global step 12
    log_tail:
      description: The last ten lines of its log without those of the timing log.
      type: list
      elements: str
      returned: always
replicas:
  description: All replicas as last seen.
  returned: unless in check mode
  type: list
  elements: dict
  contains:
    replica:
      description: Its role, V(ps) or V(worker).
      type: str
      returned: always
    index:
      description: Its index.
      type: int
      returned: always
    state:
      description: V(pending) until its pod has started, V(running), V(succeeded), V(failed), or V(stopped) because the run was over.
      type: str
      returned: always
    host:
      description: Its address.
      type: str
      returned: always
    log:
      description: Its log.
      type: str
      returned: always
    exit_code:
      description: What it exited with.
      type: int
      returned: always
    signal:
      description: The signal that ended it.
      type: int
      returned: always
    cpu_seconds:
      description: Processor time it took; null for a pod, whose own log tells it.
      type: float
      returned: always
    rss_peak_bytes:
      description: Most memory it held; null for a pod, whose own log tells it.
      type: int
      returned: always
    fate:
      description: What became of it where no exit code tells; empty otherwise.
      type: str
      returned: always
      sample: was evicted
    reason:
      description: Why, as the cluster tells; empty otherwise.
      type: str
      returned: always
    restarts:
      description: How often it was started again.
      type: int
      returned: always
    node:
      description: The node of its pod.
      type: str
      returned: always
    image_id:
      description: The image of its pod with its digest.
      type: str
      returned: always
    phases:
      description: Seconds from the pod's creation until it was C(scheduled), C(initialized) and C(started), as far as known.
      type: dict
      returned: always
    started_wall:
      description: When it started, in seconds since 1970.
      type: float
      returned: always
    ended_wall:
      description: When it ended, in seconds since 1970.
      type: float
      returned: always
started_wall:
  description: When the run was asked for, or admitted by its queue, in seconds since 1970; null while it waits for that.
  returned: unless in check mode
  type: float
ended_wall:
  description: When its last process was gone; null while there is one.
  returned: unless in check mode
  type: float
duration:
  description: Seconds waited.
  returned: unless in check mode
  type: float
log_dir:
  description: Folder of the logs.
  returned: unless in check mode
  type: str
evidence:
  description: What else happened during the run.
  returned: unless in check mode
  type: dict
  contains:
    restarts:
      description: How often a replica was started again.
      type: int
      returned: always
    network:
      description: Where the replicas met, V(loopback) or V(host).
      type: str
      returned: with O(backend=processes)
    nodes:
      description: Nodes on which pods of the run were.
      type: list
      elements: str
      returned: unless O(backend=processes)
    active_nodes:
      description: The nodes given.
      type: list
      elements: str
      returned: unless O(backend=processes)
    images:
      description: Digests of the images that ran.
      type: list
      elements: str
      returned: unless O(backend=processes)
    foreign_pods:
      description: Other running pods on those nodes without what runs on every node; null where they may not be seen.
      type: int
      returned: unless O(backend=processes)
    queue:
      description: The queue that admitted the run.
      type: dict
      returned: if a queue of Kueue has the run
      contains:
        name: {description: Name of the LocalQueue., type: str, returned: always}
        cluster_queue: {description: Name of its ClusterQueue; null if not known., type: str, returned: always}
        seconds: {description: Seconds from the run's creation to its admission; null if it was not admitted., type: float, returned: always}
    api_requests:
      description: Requests that waiting took.
      type: int
      returned: unless O(backend=processes)
    notes:
      description: Logs that could not be saved and connections that broke.
      type: list
      elements: str
      returned: unless O(backend=processes)
    host:
      description: The machine.
      type: dict
      returned: when O(backend=processes)
      contains:
        steal_share:
          description: Share of its processor time that its host withheld; null until the run has ended.
          type: float
          returned: always
        foreign_share:
          description: Share of its processor time that other programs took; null until the run has ended.
          type: float
          returned: always
        cpus:
          description: Its processors.
          type: int
          returned: always
msg:
  description: One sentence that says how it went.
  returned: always
  type: str
  sample: worker 2 was killed by signal 9 after step 640; the logs are in results/mnist/logs/one.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.training_wait import (
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
