# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of Kubernetes objects of which a run's replicas are made, one row each. PRIVATE, can break at any time.

A new workload is a row here and its manifest, roles/training/templates/<name>.yml.j2. All code that must know the kinds
reads this table when it is called; tests/test_house.py holds the documentation to it. The table lies in the lowest room
that needs it: the check of training_backend, permissions, backend and cleanup read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Workload:
    # Value of training_backend.
    name: str
    kind: str
    # Path of the API and name of the collection in it: /apis/batch/v1, jobs.
    api: str
    resource: str
    # Replicas of each group (ps, worker) that one object has; an object may have both groups.
    sizes: Callable[[Object], Mapping[str, int]]
    # Whether one object has the replicas of both groups, so that Kueue admits a run as a whole.
    is_whole: bool = False
    # Labels of its pods that hold the group and the index. Without the latter the pod's name ends in the index.
    group_label: str = "tfscale.study/replica"
    index_label: str = ""
    # Name of the controller whose events tell that a group's pod was refused, from the object's name and the group.
    controller: Callable[[str, str], str] = lambda name, _group: name

    @property
    def group(self) -> str:
        """Of the API, as permissions name it."""
        return self.api.split("/")[2]

    @property
    def place(self) -> tuple[str, str]:
        return self.api, self.resource


def _of_one_group(field: str) -> Callable[[Object], Mapping[str, int]]:
    """The object's name ends in its group, and this field of its spec is the number of replicas."""

    def sizes(found: Object) -> Mapping[str, int]:
        group = str(found["metadata"]["name"]).rpartition("-")[2]
        return {group: int(found["spec"].get(field) or 1)}

    return sizes


WORKLOADS: tuple[Workload, ...] = (
    Workload(
        name="job",
        kind="Job",
        api="/apis/batch/v1",
        resource="jobs",
        sizes=_of_one_group("completions"),
        index_label="batch.kubernetes.io/job-completion-index",
    ),
    Workload(
        name="statefulset",
        kind="StatefulSet",
        api="/apis/apps/v1",
        resource="statefulsets",
        sizes=_of_one_group("replicas"),
        index_label="apps.kubernetes.io/pod-index",
    ),
)


def names() -> tuple[str, ...]:
    return tuple(one.name for one in WORKLOADS)


def workload(name: str) -> Workload:
    return next(one for one in WORKLOADS if one.name == name)


def first_label(labels: Mapping[str, str], keys: Callable[[Workload], str]) -> str | None:
    """Value of the first of these labels, one of each workload, that a pod has."""
    return next((labels[key] for key in map(keys, WORKLOADS) if key in labels), None)
