#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the runs of a study that are missing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sweep_plan_info
short_description: Plan the runs of a study that are missing
version_added: 0.1.0
description:
  - Checks every variable of a study, lays its runs out as randomised blocks, and returns the runs of the lowest block in which a run
    is missing.
  - With O(repeats=auto) the first four blocks hold all cells, and each later block holds the cells of which it is not known yet
    whether they are slower than the fastest. The records alone decide, so a study that was interrupted decides the same.
  - A run counts when its record in the ledger is C(valid) or C(suspect). A C(void) one is planned again until its attempts are
    used up; its cell has then failed.
  - The order of a block depends on O(seed) and the block's number alone, so a study that was interrupted goes on as it began.
  - Nothing is written.
options:
  study:
    description: Name of the study; at most 63 lower-case letters, digits, dots, dashes and underscores.
    type: raw
    required: true
  study_dir:
    description: Folder of the study. It need not exist, but it must be possible to write there.
    type: path
    required: true
  spec:
    description:
      - What all cells share, such as C(cluster), C(provider), C(backend), C(strategy), C(preset), C(model), C(dataset),
        C(batch_size), C(hidden_units), C(learning_rate), C(train_steps).
      - C(train_steps) is required.
    type: dict
    required: true
  series:
    description:
      - The space as a union of products, each with values of some axes, such as C(ps), C(workers), C(nodes) or C(strategies). An axis
        that an item leaves out is that of the option of its name.
      - May come as JSON in a string. When empty, the space is the one product of those options.
    type: raw
    default: []
  ps:
    description:
      - Numbers of parameter servers, as a list, a number or a string such as V(1,2). V(0) only with C(spec.command).
      - V(auto) means none if C(spec.framework) or C(spec.strategy) has none, else one.
    type: raw
    default: [1]
  workers:
    description:
      - Numbers of workers, as a list, a number or a string such as V(1,2,4).
      - V(fit) instead of a number means the largest number that fits now beside the parameter servers. On a cluster
        M(tfscale.study.cluster_capacity_info) finds it with O(placement); on this machine it is one worker per processor, as far as
        the memory suffices.
      - What it was found to be is kept in the records of the study, so that a study that goes on has the cells with which it began.
    type: raw
    default: [1]
  nodes:
    description: Numbers of nodes, as a list, a number or a string.
    type: raw
    default: [1]
  backends:
    description: Backends of pods to compare, as a list or a string such as V(job,jobset,trainjob). When empty, the one in O(spec).
    type: raw
    default: []
    version_added: 0.4.0
  strategies:
    description:
      - Strategies to compare, as a list or a string such as V(async_ps,mirrored). When empty, the one in O(spec).
      - V(mirrored) has no parameter servers, so it makes one cell for all numbers of them.
    type: raw
    default: []
  processes_per_worker:
    description: Numbers of processes of a worker, as a list, a number or a string. When empty, the one in O(spec), or V(1).
    type: raw
    default: []
    version_added: 0.4.0
  spreads:
    description:
      - On a cluster, placements of the pods over the nodes to compare, as a list or a string. When empty, the one in O(spec), or
        V(DoNotSchedule).
      - V(DoNotSchedule) lets the numbers of replicas on two nodes differ by one at most, and V(ScheduleAnyway) prefers that. V(PodAffinity)
        prefers to put all on as few nodes as possible. An empty word leaves it to the scheduler.
    type: raw
    default: []
    version_added: 0.4.0
  variants:
    description:
      - Variants of every cell by name, each with what it has of its own instead of what O(spec) and the axes say.
      - These may be C(batch_size), C(command), C(env), C(eval_every), C(framework), C(hidden_units), C(learning_rate), C(model), C(preset),
        C(processes_per_worker), C(ps), C(strategy), C(target_accuracy), C(telemetry_every), C(threads) and C(workers), on a cluster also
        C(image), C(ps_resources) and C(worker_resources).
      - May come as JSON in a string. Two variants with nothing of their own are two cells all the same.
    type: raw
    default: {}
  max_slowdown:
    description:
      - Makes the study a gate - no further run is planned once it is decided whether the variant C(after) takes longer than the variant
        C(before) by more than this share, such as V(0.05); see M(tfscale.study.speed_gate_info). Nothing or V(0) plans all runs.
      - Needs O(variants) with C(before) and C(after), one number of nodes, ps and workers, and at least four O(repeats). With
        O(repeats=auto) it has O(max_repeats) blocks at most.
    type: raw
    default: ""
  search:
    description:
      - Searches for a size instead of measuring the space of the options above. A block then holds the sizes on which the search hangs.
      - The keys are those of M(tfscale.study.autosize_plan_info). Empty means no search.
    type: raw
    default: {}
    version_added: 0.4.0
  repeats:
    description: Blocks, each one pass over all cells; or V(auto) for as many as each cell needs.
    type: raw
    default: auto
  margin:
    description: With O(repeats=auto) a cell stops when it is slower than the fastest, or as fast within this share, above 0 and below 1.
    type: raw
    default: 0.05
    version_added: 0.4.0
  target_ci:
    description:
      - With O(repeats=auto) a cell is also measured until half of the 95 % interval of its time is at most this share of the time.
      - Empty asks for no width.
    type: raw
    default: ""
    version_added: 0.4.0
  max_repeats:
    description: With O(repeats=auto) the maximal number of blocks, at least four.
    type: raw
    default: 20
    version_added: 0.4.0
  again:
    description: Plan one further block after the last one when the study is complete.
    type: bool
    default: false
  extra_block:
    description: RV(extra_block) of an earlier call with O(again), a block in which all cells take part. V(0) is none.
    type: int
    default: 0
    version_added: 0.4.0
  deadline:
    description: Seconds until a run is given up, V(0) for never. A training without end (C(train_steps) of V(0)) needs one.
    type: raw
    default: 0
  quiet:
    description: Announce RV(told) instead of the study. Only the action plugin has a way to announce.
    type: bool
    default: false
requirements:
  - scipy (only for a gate and with O(repeats=auto))
extends_documentation_fragment:
  - tfscale.study.attributes.info
  - kubernetes.core.k8s_auth_options
  - tfscale.study.ledger
  - tfscale.study.plan
author:
  - tfscale.study contributors (@tfscale)
seealso:
  - module: tfscale.study.study_record
  - module: tfscale.study.speed_gate_info
"""

EXAMPLES = r"""
- name: Plan a study
  tfscale.study.sweep_plan_info:
    study: mnist
    study_dir: "{{ playbook_dir }}/results/mnist"
    series:
      - {ps: [2], workers: [1, 2, 4]}
      - {ps: [1, 2, 3], workers: [4]}
    spec:
      cluster: local
      provider: local
      backend: processes
      strategy: async_ps
      preset: fast
      model: mlp
      dataset: mnist
      batch_size: 20
      hidden_units: 100
      learning_rate: 0.001
      train_steps: 2000
  register: plan

- name: Show what it will cost
  ansible.builtin.debug:
    msg: "{{ plan.lines[0] }}"
"""

RETURN = r"""
fits:
  description: How many workers V(fit) stands for, by a hash of what decides on it; empty when nobody has asked for it.
  returned: success
  type: dict
  sample: {3f2a90c1d4be: 6}
cells:
  description: All cells of the study, each with its C(cell_id), C(label) and C(spec).
  returned: success
  type: list
  elements: dict
runs:
  description:
    - The runs of the next block in their order; empty when the study is complete.
    - Each goes as it is into the role C(training) and into M(tfscale.study.study_record).
  returned: success
  type: list
  elements: dict
  contains:
    run_id: {description: The cell and the block., type: str, returned: always}
    cell_id: {description: The cell., type: str, returned: always}
    block: {description: Number of the block from 1., type: int, returned: always}
    attempt: {description: Number of the attempt from 1., type: int, returned: always}
    attempts: {description: How many attempts there are., type: int, returned: always}
    number: {description: Place of the run in the whole study., type: int, returned: always}
    total: {description: Runs of the study that are recorded or certain to come., type: int, returned: always}
    label: {description: What tells the cell from the others., type: str, returned: always, sample: ps=2 workers=4}
    seed: {description: Seed of the run's parameters., type: int, returned: always}
    study: {description: Name of the study., type: str, returned: always}
    study_dir: {description: Folder of the study., type: str, returned: always}
    spec: {description: The whole specification of the cell., type: dict, returned: always}
    fits: {description: RV(fits) of the study., type: dict, returned: always}
    design: {description: Rules of the study's blocks., type: dict, returned: always}
    log_dir: {description: Folder for the logs of this attempt., type: str, returned: always}
groups:
  description: The same runs as C(runs), one group with O(by_nodes=false), else one for each number of nodes.
  returned: success
  type: list
  elements: dict
  contains:
    nodes: {description: Number of nodes of the group; null with O(by_nodes=false)., type: int, returned: always}
    runs: {description: The runs., type: list, elements: dict, returned: always}
counts:
  description: The size of the study and how much of it is there.
  returned: success
  type: dict
  contains:
    cells: {description: Cells., type: int, returned: always}
    open: {description: Cells that may need further blocks; all of them with a fixed number of blocks., type: int, returned: always}
    blocks: {description: "Blocks, at most with O(repeats=auto).", type: int, returned: always}
    runs: {description: Runs that are recorded or certain to come; cells times blocks with a fixed number of blocks., type: int, returned: always}
    most: {description: Runs at most., type: int, returned: always}
    done: {description: Runs that count., type: int, returned: always}
    void: {description: Runs whose attempts are used up., type: int, returned: always}
    spared: {description: "Runs that O(max_slowdown) makes needless, or a budget does not hold.", type: int, returned: always}
    missing: {description: Runs that are certain to come., type: int, returned: always}
extra_block:
  description: The further block of all cells that O(again) has added to a complete study with O(repeats=auto); V(0) is none.
  returned: success
  type: int
forecast:
  description:
    - Likely C(seconds) of the runs to go; with a probability of 90 percent they take between C(low) and C(high).
    - C(price) has C(likely), C(low), C(high) and C(currency). Null without O(prices), or if the price of a node is not known.
  returned: success
  type: dict
failed_cells:
  description: Cells with a run whose attempts are used up, or that are left out, with C(cell_id), C(label) and the last C(reason).
  returned: success
  type: list
  elements: dict
complete:
  description: Whether nothing is left to run.
  returned: success
  type: bool
lines:
  description: The announcement, then one line for each cell.
  returned: success
  type: list
  elements: str
  sample: ["study mnist on cluster local: 5 cells x 4 to 20 blocks = 20 to 100 runs, about 6 min (2 to 20)"]
told:
  description: Which cells the last block has closed and why, which are open in the next block, or why there is none. Empty within a block.
  returned: success
  type: list
  elements: str
  sample: ["ps=1 workers=1 stopped after block 4: 32 % slower (25-40 %)", "block 5: 2 of 6 cells open: 2 and 4 workers with ps=1"]
msg:
  description: One sentence that says what was found or done, or what is wrong.
  returned: always
  type: str
  sample: "all 15 runs are there"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.sweep_plan_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
