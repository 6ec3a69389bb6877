# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of a study, as far as they decide how many fit (max_workers.CAPACITY_ARG_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  resources:
    description:
      - Requests and limits of C(ps) and C(worker), each with C(requests) and C(limits) as in a container, or with the requests alone.
      - A resource with a limit and no request requests its limit.
    type: dict
    default: {}
  node_selector:
    description: Labels that a node must have to be considered.
    type: dict
    default: {}
  spread:
    description: >-
      Spread of the replicas over the nodes. With V(DoNotSchedule) the numbers of replicas on two nodes differ by one at most;
      otherwise any placement is allowed.
    type: str
    choices: [DoNotSchedule, ScheduleAnyway, PodAffinity, ""]
    default: DoNotSchedule
  priority_class:
    description: Priority class of the pods. Quotas of that class count too.
    type: str
    default: ""
  preemptible:
    description:
      - Count pods of a lower priority than that of O(priority_class) as free. A class with the policy V(Never) preempts nobody.
      - The priority is read from the class, or, if the user may not read classes, from a pod with that class.
    type: bool
    default: false
"""
