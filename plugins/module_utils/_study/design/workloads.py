# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of Kubernetes objects of which a run's replicas are made, one row each. PRIVATE, can break at any time.

A new workload is a row here and its manifest, roles/training/templates/<name>.yml.j2. All code that must know the kinds
reads this table when it is called; tests/test_house.py holds the documentation to it. The table lies in the lowest room
that needs it: the check of training_backend, permissions, backend and cleanup read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]

# Of a TrainJob: the number of its ps, which only its runtime tells else.
PS_OF = "tfscale.study/ps"
JOB_INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of objects, and the path of its API and its collection there: /apis/batch/v1, jobs."""

    kind: str
    api: str
    resource: str

    @property
    def group(self) -> str:
        """Of the API, as permissions name it."""
        return self.api.split("/")[2]

    @property
    def version(self) -> str:
        """With its group, as a manifest has it."""
        return self.api.removeprefix("/apis/")

    @property
    def place(self) -> tuple[str, str]:
        return self.api, self.resource


@dataclass(frozen=True, kw_only=True)
class Workload(Kind):
    # Value of training_backend.
    name: str
    # Replicas of each group (ps, worker) that one object has.
    sizes: Callable[[Object], Mapping[str, int]]
    # Whether one object has the replicas of both groups, so that Kueue admits a run as a whole. Its controller then makes the
    # headless Service of that name.
    is_whole: bool = False
    # Jobs of such an object by group.
    jobs: Mapping[str, str] = field(default_factory=dict)
    # Labels of such jobs by group, for the controller.
    job_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # Labels of its pods that hold the group and the index. Without the latter the pod's name ends in the index.
    group_label: str = "tfscale.study/replica"
    index_label: str = ""
    # Its pods' container in which a replica runs.
    container: str = "trainer"
    # Where a container reads its index.
    index_field: str = f"metadata.annotations['{JOB_INDEX}']"
    # Label of its pods that holds the object's name, where our labels do not always reach them.
    name_label: str = ""
    # Where a runtime of the cluster may describe its pods: the fields by which an object changes that, one of each release.
    overrides: tuple[str, ...] = ()
    # Kinds of objects that belong to a run beside it.
    others: tuple[Kind, ...] = ()
    # Of a kind that an extension brings: how it is installed, and which program makes pods of it.
    install: str = ""
    controller_program: str = ""
    # The workload of which its controller makes the pods.
    through: str = ""

    def object_of(self, run: str, group: str) -> str:
        """Name of the object that has a run's group, which is also that of the headless Service."""
        return run if self.is_whole else f"{run}-{group}"

    def controller(self, name: str, group: str) -> str:
        """Name of the controller that makes a group's pods, from the object's."""
        return f"{name}-{self.job_of(group)}-0" if self.is_whole else name

    @property
    def has_runtimes(self) -> bool:
        return bool(self.overrides)

    def job_of(self, group: str) -> str:
        return self.jobs.get(group, group)

    def address(self, run: str, group: str, index: int) -> str:
        name = self.object_of(run, group)
        return f"{self.controller(name, group)}-{index}.{name}"


def _of_one_group(key: str) -> Callable[[Object], Mapping[str, int]]:
    """The object's name ends in its group, and this field of its spec is the number of replicas."""

    def sizes(found: Object) -> Mapping[str, int]:
        group = str(found["metadata"]["name"]).rpartition("-")[2]
        return {group: int(found["spec"].get(key) or 1)}

    return sizes


def _of_jobset(found: Object) -> Mapping[str, int]:
    return {one["name"]: int(one["template"]["spec"]["completions"]) for one in found["spec"]["replicatedJobs"]}


def _of_trainjob(found: Object) -> Mapping[str, int]:
    ps = int((found["metadata"].get("annotations") or {}).get(PS_OF, 0))
    return {**({"ps": ps} if ps else {}), "worker": int(found["spec"]["trainer"]["numNodes"])}


_TRAINER = "/apis/trainer.kubeflow.org/v1alpha1"

WORKLOADS: tuple[Workload, ...] = (
    Workload(
        name="job",
        kind="Job",
        api="/apis/batch/v1",
        resource="jobs",
        sizes=_of_one_group("completions"),
        index_label=JOB_INDEX,
    ),
    Workload(
        name="statefulset",
        kind="StatefulSet",
        api="/apis/apps/v1",
        resource="statefulsets",
        sizes=_of_one_group("replicas"),
        index_label="apps.kubernetes.io/pod-index",
        index_field="metadata.labels['apps.kubernetes.io/pod-index']",
    ),
    # https://github.com/kubernetes-sigs/jobset/blob/v0.10.1/api/jobset/v1alpha2/jobset_types.go
    Workload(
        name="jobset",
        kind="JobSet",
        api="/apis/jobset.x-k8s.io/v1alpha2",
        resource="jobsets",
        sizes=_of_jobset,
        is_whole=True,
        index_label=JOB_INDEX,
        install="kubectl apply --server-side -f https://github.com/kubernetes-sigs/jobset/releases/download/v0.10.1/manifests.yaml",
        controller_program="jobset-controller-manager",
    ),
    # https://github.com/kubeflow/trainer/blob/v2.2.0/pkg/apis/trainer/v1alpha1/trainjob_types.go: its controller makes a JobSet of
    # the same name, and calls the job of its workers `node`. v2.0 to v2.2 differ in the overrides.
    Workload(
        name="trainjob",
        kind="TrainJob",
        api=_TRAINER,
        resource="trainjobs",
        sizes=_of_trainjob,
        is_whole=True,
        jobs={"worker": "node"},
        container="node",
        # By it the TrainJob's number of nodes becomes that of the workers.
        job_labels={"worker": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
        group_label="jobset.sigs.k8s.io/replicatedjob-name",
        index_label=JOB_INDEX,
        name_label="jobset.sigs.k8s.io/jobset-name",
        overrides=("podSpecOverrides", "podTemplateOverrides", "runtimePatches"),
        others=(Kind(kind="TrainingRuntime", api=_TRAINER, resource="trainingruntimes"),),
        install='kubectl apply --server-side -k "https://github.com/kubeflow/trainer.git/manifests/overlays/manager?ref=v2.2.0"',
        controller_program="kubeflow-trainer-controller-manager",
        through="jobset",
    ),
)


def names() -> tuple[str, ...]:
    return tuple(one.name for one in WORKLOADS)


def workload(name: str) -> Workload:
    return next(one for one in WORKLOADS if one.name == name)


def chain(one: Workload) -> Iterator[Workload]:
    """A workload, and those that its controller makes of it until there are Jobs."""
    yield one
    if one.through:
        yield from chain(workload(one.through))


def takes_runtime(name: Any) -> bool:
    return any(one.name == name and one.has_runtimes for one in WORKLOADS)


def containers() -> set[str]:
    """Names of those in which replicas run."""
    return {one.container for one in WORKLOADS}


def kinds() -> tuple[Kind, ...]:
    """All of a run's workloads and what is beside them."""
    return (*WORKLOADS, *(kind for one in WORKLOADS for kind in one.others))


def group_of(labels: Mapping[str, str]) -> str | None:
    """The group of a pod (ps or worker), by the first of the rows whose label it has."""
    for one in WORKLOADS:
        if one.group_label in labels:
            told = labels[one.group_label]
            return next((group for group, job in one.jobs.items() if job == told), told)
    return None


def index_of(labels: Mapping[str, str]) -> str | None:
    return next((labels[one.index_label] for one in WORKLOADS if one.index_label in labels), None)
