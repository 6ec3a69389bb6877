# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as the role training deploys them, with a shell script in the trainer's place."""

from __future__ import annotations

from typing import Any

STUDY, RUN_ID, ATTEMPT = "faults", "0123456789ab-1", 1
# A few lines in the thesis' form, as a trainer that is quick about it would print them.
TRAIN = """
step=0
while [ $step -lt 20 ]; do
  step=$((step + 1))
  echo "$(date +%s.%N): Worker 0: training_step_${step}_done_(global_step: $step)"
  sleep 0.1
done
"""


def labels(**more: str) -> dict[str, str]:
    own = {"study": STUDY, "cell": "0123456789ab", "run": RUN_ID, "attempt": str(ATTEMPT), **more}
    managed = {"app.kubernetes.io/managed-by": "tfscale.study"}
    return managed | {f"tfscale.study/{name}": value for name, value in own.items()}


def name_of(kind: str) -> str:
    return f"tf-{RUN_ID}-{ATTEMPT}-{kind}"


def pod(kind: str, image: str, command: str, *, limits: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Specify what the `restricted` standard admits."""
    container = {
        "name": "trainer",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", command],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": limits or {}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "metadata": {"labels": labels(replica=kind)},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "subdomain": name_of(kind),
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [{"name": "tmp", "emptyDir": {}}],
            "containers": [container],
            **spec,
        },
    }


def job(kind: str, count: int, image: str, command: str, **more: Any) -> dict[str, Any]:
    template = pod(kind, image, command, **more)
    template["spec"]["restartPolicy"] = "Never"
    size = {"completionMode": "Indexed", "completions": count, "parallelism": count, "backoffLimit": 0}
    meta = {"name": name_of(kind), "labels": labels()}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {**size, "template": template}}


def stateful_set(kind: str, count: int, image: str, command: str, **more: Any) -> dict[str, Any]:
    """Specify replicas that do their work once: a container that is started again in its pod only sleeps."""
    once = f"[ -e /tmp/once ] && exec sleep 1000000\ntrue >/tmp/once\n{command}"
    template = pod(kind, image, once, **more)
    selector = {"matchLabels": labels(replica=kind)}
    size = {"replicas": count, "podManagementPolicy": "Parallel", "serviceName": name_of(kind)}
    meta = {"name": name_of(kind), "labels": labels()}
    spec = {**size, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec}


def service(kind: str) -> dict[str, Any]:
    meta = {"name": name_of(kind), "labels": labels()}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"clusterIP": "None", "selector": labels(replica=kind), "publishNotReadyAddresses": True},
    }


def config_map(name: str = f"tf-{RUN_ID}-{ATTEMPT}", **more: str) -> dict[str, Any]:
    meta = {"name": name, "labels": labels(**more)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"ps": "a:2222"}}


WORKLOADS = {"job": job, "statefulset": stateful_set}
