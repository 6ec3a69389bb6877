# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides on the next block of a study beside its space (sweep_plan_info.ARGUMENT_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  attempts:
    description: How often a void run is tried.
    type: raw
    default: 2
  seed:
    description: Seed of the blocks' orders. A run's own seed is this plus the block's number.
    type: raw
    default: 1
  by_nodes:
    description:
      - Keep the runs with one number of nodes together within a block, the numbers in random order.
      - For clusters on which another number of nodes takes minutes. The numbers of nodes then differ less certainly than the other axes.
    type: bool
    default: false
  budget_minutes:
    description:
      - Minutes that all recorded runs of the study on this cluster and the next block may take together. A block that does not fit is not
        planned. Empty is no limit.
      - A block that has begun is finished.
    type: raw
    default: ""
    version_added: 0.4.0
  budget_cost:
    description: The same in money, in O(currency). Needs O(prices) and a backend of pods.
    type: raw
    default: ""
    version_added: 0.4.0
  prices:
    description: Price of a node's hour, by machine type; C(*) is any other node.
    type: raw
    default: {}
    version_added: 0.4.0
  currency:
    description: Currency of the prices.
    type: raw
    default: USD
    version_added: 0.4.0
  replica_memory_bytes:
    description: Memory in bytes that one process needs on this machine. A cell that does not fit is refused. V(0) does not check.
    type: int
    default: 0
  placement:
    description: Placement of a run's pods, which decides how many find room.
    type: dict
    default: {}
    suboptions:
      resources:
        description: Requests of a C(ps) and a C(worker).
        type: dict
        default: {}
      node_selector:
        description: Labels that a node must have to be considered.
        type: dict
        default: {}
      spread:
        description: Spread of the replicas over the nodes.
        type: str
        choices: [DoNotSchedule, ScheduleAnyway, PodAffinity, ""]
        default: DoNotSchedule
      priority_class:
        description: Priority class of the pods.
        type: str
        default: ""
      preemptible:
        description: Count pods of a lower priority as free.
        type: bool
        default: false
      nodes_method:
        description: >-
          Selection of the nodes of a run. With V(none) all nodes count, whatever the number of nodes is. With V(recreate) and V(resize)
          the cluster can get more nodes; these do not support V(fit) as a number of workers in a space.
        type: str
        choices: [label, recreate, resize, none]
        default: label
  fits:
    description: RV(tfscale.study.sweep_plan_info#module:fits) of an earlier plan. It holds until a record of the study has the numbers.
    type: dict
    default: {}
"""
