#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the timings of a run out of its logs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: training_timings_info
short_description: Read the timings of a run out of its logs
version_added: 0.1.0
description:
  - Reads C(ps-<n>.log) and C(worker-<n>.log) of a run and returns its timings. The memory needed does not depend on the
    length of the logs.
  - No content of a log makes the module fail; RV(errors) lists unreadable lines.
extends_documentation_fragment:
  - tfscale.study.attributes.info
options:
  log_dir:
    description: Folder with the logs of one run.
    type: path
    required: true
  log_format:
    description: V(tfscale), V(thesis), or a regular expression with the named groups C(step) or C(accuracy), C(time) and C(loss).
    type: str
    default: tfscale
  train_steps:
    description: Steps of the run. They say where the warm-up ends and, unless O(log_format=tfscale), where the clock stops.
    type: int
    default: 0
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.study_record
"""

EXAMPLES = r"""
- name: Read the logs of a run
  tfscale.study.training_timings_info:
    log_dir: results/mnist/logs/0123456789ab-1/attempt-1
    train_steps: 2000
  register: run

- name: Show how long it trained
  ansible.builtin.debug:
    msg: "{{ run.timings.train_seconds }} s"
"""

RETURN = r"""
timings:
  description: The figures of the run; a figure that the logs do not tell is null. Units are in the names.
  returned: success
  type: dict
  contains:
    train_seconds: {description: From the start line to the target step on the chief's clock., type: float, returned: always}
    startup_seconds: {description: From the deployment to the start line; null here., type: float, returned: always}
    total_seconds: {description: From the deployment to the last exit; null here., type: float, returned: always}
    global_steps: {description: The highest global step that a worker saw., type: int, returned: always}
    steps_per_second: {description: Global steps a second over RV(timings.train_seconds)., type: float, returned: always}
    steady_steps_per_second: {description: The same without the first tenth of the steps., type: float, returned: always}
    cpu_seconds: {description: Processor time of all replicas that tell it., type: float, returned: always}
    rss_peak_bytes: {description: Sum of the replicas' peak memory., type: int, returned: always}
    accuracy: {description: The chief's last accuracy., type: float, returned: always}
    loss: {description: The chief's last loss., type: float, returned: always}
    start_global_step: {description: The highest step that a worker saw at the start line; 0 is right., type: int, returned: always}
    wait_seconds: {description: Time at the start line summed over the replicas., type: float, returned: always}
    throttled_seconds:
      description: Time for which the replicas' own limits of processor time held them up, summed over them.
      type: float
      returned: always
    spent_seconds:
      description:
        - Where the workers' training time went, summed over them - C(compute), C(ps) (waiting for parameter servers), C(input),
          C(telemetry) and C(throttled).
        - Null where no worker tells.
      type: dict
      returned: always
      sample: {compute: 0.21, ps: 3.02, input: 0.05, telemetry: 0.04, throttled: 0.0}
    imported_seconds: {description: From the deployment to the chief's import; null here., type: float, returned: always}
    session_seconds: {description: From the deployment to the chief's session; null here., type: float, returned: always}
errors:
  description: What could not be read, one sentence each.
  returned: success
  type: list
  elements: str
msg:
  description: One sentence that says what was found or done, or what is wrong.
  returned: always
  type: str
  sample: "the logs in results/mnist/logs/0123456789ab-1/attempt-1 tell of 4.1 s of training"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.training_timings_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
