# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster has the kinds of objects, and the runtime, that a study's backends need. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._common.errors import InputError
from .._study.design import workloads
from .._study.design.inputs import one_of
from .api import Api, ApiError
from .permissions import Right

# https://github.com/kubeflow/trainer/blob/v2.0.0/pkg/apis/trainer/v1alpha1/trainingruntime_types.go
GROUP, RUNTIMES = "trainer.kubeflow.org", "clustertrainingruntimes"
RIGHTS = (Right("get", GROUP, RUNTIMES),)
STEP = "trainer.kubeflow.org/trainjob-ancestor-step"


def is_known(api: Api, kind: workloads.Kind) -> bool:
    """Also true where this user may not look: the first run tells."""
    try:
        return kind.resource in api.collections(kind.api)
    except ApiError as error:
        if error.status != 403:
            raise
        return True


def check_backend(api: Api, variable: str, name: str) -> None:
    """Without the extension that brings its kind the first run would fail."""
    for one in workloads.chain(workloads.workload(name)):
        if is_known(api, one):
            continue
        served = api.versions(one.group)
        is_other = served and one.version.rpartition("/")[2] not in served
        lacks = f"serves {one.group} in {one_of(served)} only" if is_other else f"does not know {one.kind}"
        others = [other for other in workloads.WORKLOADS if all(is_known(api, kind) for kind in workloads.chain(other))]
        instead = f", or give {one_of([other.name for other in others])}" if others else ""
        asks = "is" if variable == "training_backend" else "has"
        raise InputError(
            f"{variable} {asks} {name!r}, which needs {one.kind} ({one.version}), but the cluster {lacks}: {_installed(one)}{instead}"
        )


def check_fields(api: Api, backend: str, runtimes: Sequence[str], queue: str) -> None:
    """The API of TrainJobs has changed within v1alpha1, and a server drops what it does not know.

    Kueue 0.17 starts a TrainJob by the newest of its overrides, and no release of Kueue that we know by the oldest:
    https://github.com/kubernetes-sigs/kueue/blob/v0.17.0/pkg/controller/jobs/trainjob/trainjob_controller.go
    """
    one = workloads.workload(backend)
    fields = api.fields(one.api, one.kind) if one.has_runtimes and (runtimes or queue) else set()
    if runtimes and fields.isdisjoint(one.overrides) and fields:
        raise InputError(
            f"training_runtime is {runtimes[0]!r}, but the {one.kind}s of the cluster have no {one_of(one.overrides)}, by which a run"
            f" selects its nodes: {_installed(one)}, or give no runtime"
        )
    if queue and one.overrides and one.overrides[0] in fields:
        raise InputError(
            f"training_queue is {queue!r}, but Kueue starts no {one.kind} that has {one.overrides[0]}, as those of the cluster have:"
            f" {_installed(one)}, or give another backend, or no queue"
        )


def _installed(one: workloads.Workload) -> str:
    return f"install it there ({one.install})" if one.install else "install it there"


def check_runtime(api: Api, name: str) -> None:
    """Of the cluster, for TrainJobs; who may not look learns it from the first run."""
    path = f"/apis/{GROUP}/v1alpha1/{RUNTIMES}"
    try:
        found = api.get(f"{path}/{name}")
    except ApiError as error:
        if error.status == 404:
            raise InputError(
                f"training_runtime is {name!r}, but the cluster has no such ClusterTrainingRuntime: give"
                f" {one_of([*_names(api, path), ''])}, which is a runtime of the run's own"
            ) from error
        if error.status != 403:
            raise
        return
    if not _has_workers_alone(found["spec"]):
        raise InputError(
            f"training_runtime is {name!r}, a ClusterTrainingRuntime whose pods are not all workers: give one whose only job is"
            " `node`, with a container `node` and the label of the trainer's step, such as torch-distributed"
        )


def _names(api: Api, path: str) -> Sequence[str]:
    try:
        return [one["metadata"]["name"] for one in api.list(path)[0]]
    except ApiError:
        return ["one that is there"]


def _has_workers_alone(spec: Mapping[str, Any]) -> bool:
    """What a TrainJob's own words reach, and nothing beside it that would be measured, too."""
    jobs = spec["template"].get("spec", {}).get("replicatedJobs") or []
    return len(jobs) == 1 and jobs[0]["name"] == "node" and _is_step(jobs[0]["template"])


def _is_step(template: Mapping[str, Any]) -> bool:
    labels = (template.get("metadata") or {}).get("labels") or {}
    containers = template["spec"]["template"]["spec"].get("containers") or ()
    return labels.get(STEP) == "trainer" and any(one["name"] == "node" for one in containers)
