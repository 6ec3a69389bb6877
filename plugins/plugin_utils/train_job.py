# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TrainJob of a run: by a runtime of the run's own, or by one of the cluster. PRIVATE, can break at any time.

Facts of Kubeflow Trainer v2.0.0 to v2.2.0: pkg/apis/trainer/v1alpha1/trainjob_types.go and pkg/runtime/framework/plugins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._common.words import word
from ansible_collections.tfscale.study.plugins.module_utils._common.yaml_text import structure
from ansible_collections.tfscale.study.plugins.module_utils._study.design import frameworks
from ansible_collections.tfscale.study.plugins.module_utils._study.design.workloads import PS_OF, workload

Values = dict[str, Any]

# Also the name of the container that a TrainJob's own words reach.
NODE = "node"
MANAGER = "tfscale.study/run"
# The runtime sets these itself, and its webhook refuses a TrainJob that does.
RESERVED = ("PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT")


def train_job(pods: Mapping[str, Any], given: Mapping[str, Any], spec: Mapping[str, Any]) -> Values:
    """What its manifest adds to the values of the run's pods. `given` are the role's variables, `spec` is the cell's."""
    counts = {group["kind"]: group["count"] for group in pods["groups"]}
    shared = {"annotations": {PS_OF: str(counts.get("ps", 0))}}
    if not spec.get("runtime"):
        return {
            **shared,
            "parts": ["trainingruntime"],
            "runtime": _reference("TrainingRuntime", pods["name"]),
            "trainer": {"numNodes": counts["worker"]},
            "overrides": {},
        }
    workers = next(group for group in pods["groups"] if group["kind"] == "worker")
    return {
        **shared,
        # The port of its processes is the runtime's.
        "ports": [],
        "runtime": _reference("ClusterTrainingRuntime", spec["runtime"]),
        "trainer": {
            "numNodes": counts["worker"],
            "numProcPerNode": frameworks.processes_of(spec),
            "image": workers["image"],
            "command": workers["command"],
            "env": _env(pods, workers),
            "resourcesPerNode": _resources(workers["resources"]),
        },
        "overrides": _overrides(workers["labels"], _pod(pods, given)),
    }


def _reference(kind: str, name: str) -> Values:
    return {"apiGroup": "trainer.kubeflow.org", "kind": kind, "name": name}


def _env(pods: Mapping[str, Any], workers: Mapping[str, Any]) -> list[Values]:
    """All that a pod of ours finds, too: a TrainJob takes no whole ConfigMap, and no name twice."""
    config = [{"name": name, "value": value} for name, value in pods["config"]["data"].items()]
    given = [*config, *workers["identity"], *workers["environment"], *workers["env"]]
    last = {entry["name"]: entry for entry in given}
    return [entry for name, entry in last.items() if name not in RESERVED]


def _resources(given: Mapping[str, Any]) -> Values:
    """Where there are no requests, v2.0.0 takes numProcPerNode for 1 (torch.go, calculateNumProcPerNode)."""
    return {**given, "requests": {**given.get("limits", {}), **given.get("requests", {})}}


def _overrides(labels: Mapping[str, str], pod: Values) -> Values:
    """The same for each release: a server drops the fields of the others."""
    jobs, metadata = [{"name": NODE}], {"labels": dict(labels)}
    patch = {"name": NODE, "template": {"spec": {"template": {"metadata": metadata, "spec": pod}}}}
    forms = (
        [{"targetJobs": jobs, **pod}],
        [{"targetJobs": jobs, "metadata": metadata, "spec": pod}],
        [{"manager": MANAGER, "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [patch]}}}}],
    )
    return dict(zip(workload("trainjob").overrides, forms, strict=True))


def _pod(pods: Mapping[str, Any], given: Mapping[str, Any]) -> Values:
    """Whatever of a pod a TrainJob may say for itself."""
    mounts = [*pods["volume_mounts"], *structure(given["volume_mounts"])]
    told = {
        "serviceAccountName": word(given["service_account"]),
        "nodeSelector": pods["node_selector"],
        "tolerations": structure(given["tolerations"]),
        "volumes": [*pods["volumes"], *structure(given["volumes"])],
        "containers": [{"name": NODE, "volumeMounts": mounts}] if mounts else [],
    }
    return {name: value for name, value in told.items() if value}
