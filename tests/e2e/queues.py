# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kueue's queues for one namespace, and workloads of others in them."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.infra.cluster import Cluster
from tests.e2e.test_infra import restricted_pod

Document = dict[str, Any]
API = "kueue.x-k8s.io/v1beta2"
QUEUE = "studies"
ANCESTOR = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}


class Queue:
    """A LocalQueue, with a ClusterQueue of its own that lets in so many pods at a time."""

    def __init__(self, cluster: Cluster, namespace: str, image: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.image = image
        self.priority = f"urgent-{namespace}"

    def kubectl(self, *words: str, text: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *words, text=text)

    def apply(self, *documents: Document) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("apply", "--filename=-", text=json.dumps(listed))

    def items(self, kinds: str) -> list[Document]:
        found: list[Document] = json.loads(self.kubectl("get", kinds, "--output=json"))["items"]
        return found

    def make(self, *, pods: int, stop: str = "None") -> None:
        quotas = {"cpu": "1000", "memory": "1000Gi", "pods": str(pods)}
        resources = [{"name": name, "nominalQuota": value} for name, value in quotas.items()]
        flavors = [{"name": self.namespace, "resources": resources}]
        spec = {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
            "preemption": {"withinClusterQueue": "LowerPriority"},
            "resourceGroups": [{"coveredResources": list(quotas), "flavors": flavors}],
        }
        self.apply(
            named("ResourceFlavor", self.namespace),
            named("ClusterQueue", self.namespace, spec=spec),
            named("WorkloadPriorityClass", self.priority, value=1000),
            named("LocalQueue", QUEUE, spec={"clusterQueue": self.namespace, "stopPolicy": stop}),
        )

    def remove(self) -> None:
        """Objects of the cluster first wait until their users are gone, so everything of the namespace goes before."""
        self.kubectl("delete", "trainjobs,jobsets,jobs,statefulsets,pods,workloads,localqueues", "--all")
        for kind in ("clusterqueue", "resourceflavor"):
            self.kubectl("delete", kind, self.namespace, "--ignore-not-found")
        self.kubectl("delete", "workloadpriorityclass", self.priority, "--ignore-not-found")

    def labels(self, *, urgent: bool = False) -> dict[str, str]:
        queued = {"kueue.x-k8s.io/queue-name": QUEUE}
        return queued | ({"kueue.x-k8s.io/priority-class": self.priority} if urgent else {})

    def _jobs(self, *names: str, command: str) -> list[Document]:
        pod = restricted_pod(self.image, command, container={"name": "node"}, restartPolicy="Never")
        job = {"completionMode": "Indexed", "backoffLimit": 0, "template": {"spec": pod}}
        return [{"name": name, "template": {"metadata": {"labels": ANCESTOR}, "spec": job}} for name in names]

    def job_set(self, name: str, *, urgent: bool = False, command: str = "sleep 1000000") -> Document:
        """Two pods."""
        spec = {"replicatedJobs": self._jobs("ps", "worker", command=command), "failurePolicy": {"maxRestarts": 0}}
        return named("JobSet", name, "jobset.x-k8s.io/v1alpha2", spec=spec, labels=self.labels(urgent=urgent))

    def train_job(self, name: str, *, urgent: bool = False) -> Document:
        """Two pods, of the runtime `sleep`."""
        spec = {"runtimeRef": {"kind": "TrainingRuntime", "name": "sleep"}, "trainer": {"numNodes": 2}}
        return named("TrainJob", name, "trainer.kubeflow.org/v1alpha1", spec=spec, labels=self.labels(urgent=urgent))

    def training_runtime(self) -> Document:
        policy = {"numNodes": 1, "torch": {}}
        template = {"spec": {"replicatedJobs": self._jobs("node", command="env; sleep 1000000")}}
        spec = {"mlPolicy": policy, "template": template}
        return named("TrainingRuntime", "sleep", "trainer.kubeflow.org/v1alpha1", spec=spec)

    def conditions(self, owner: str) -> dict[str, Document]:
        """Conditions of the Workload that Kueue made for an object."""
        for one in self.items("workloads"):
            if any(reference["name"] == owner for reference in one["metadata"].get("ownerReferences", ())):
                return {condition["type"]: condition for condition in one.get("status", {}).get("conditions", ())}
        return {}

    def is_admitted(self, owner: str) -> bool:
        return self.conditions(owner).get("Admitted", {}).get("status") == "True"


def named(kind: str, name: str, api: str = API, *, labels: dict[str, str] | None = None, **more: Any) -> Document:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, **more}
