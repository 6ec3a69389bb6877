# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waiting for a run of 1,000 pods on 100 nodes costs the controller: memory, processor time, requests.

A real control plane with simulated nodes (tests/e2e/infra/controlplane.py): pods of Jobs complete by themselves and have no
logs; the ps, which nobody schedules, are called running by this script. Prints figures, judges nothing.
Usage: .venv-test/bin/python tests/benchmarks/wait_scale.py [ps, default 10] [workers, default 990] [nodes, default 100]
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("TFSCALE_ROOT", Path(__file__).resolve().parents[2]))
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import Api, connect
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_cleanup, training_wait

from tests.e2e import workloads
from tests.e2e.infra.controlplane import ControlPlane

NAMESPACE = "default"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def parameters(step: Any, **given: Any) -> dict[str, Any]:
    return {name: option.get("default") for name, option in step.ARGUMENT_SPEC.items()} | given


def call_ps_running(api: Api, count: int) -> None:
    """No simulated node has them, for it would complete them at once."""
    status = {"phase": "Running", "containerStatuses": [running()]}
    done: set[str] = set()
    while len(done) < count:
        for pod in api.list(PODS, labelSelector="tfscale.study/replica=ps")[0]:
            name = pod["metadata"]["name"]
            if name not in done:
                api.patch(f"{PODS}/{name}/status", {"status": status})
                done.add(name)
        time.sleep(0.1)


def running() -> dict[str, Any]:
    image = {"name": "trainer", "image": "none", "imageID": "none@sha256:0", "restartCount": 0, "ready": True}
    return image | {"state": {"running": {"startedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}}}


def usage() -> tuple[float, float]:
    """Processor seconds and the most memory in MiB so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def timed(title: str, call: Any) -> dict[str, Any]:
    cpu, memory = usage()
    begun = time.monotonic()
    try:
        result: dict[str, Any] = call()
    except StepError as error:
        result = {**error.result, "msg": str(error)}
    wall = time.monotonic() - begun
    cpu_after, memory_after = usage()
    print(f"{title}: {result['msg']}")
    print(f"  {wall:.1f} s, {cpu_after - cpu:.2f} CPU s, most memory {memory_after:.0f} MiB (before: {memory:.0f} MiB)")
    return result


def measure(kubeconfig: Path, ps: int, workers: int) -> None:
    where = {"kubeconfig": str(kubeconfig), "namespace": NAMESPACE}
    api = connect(where)
    api.create(JOBS, workloads.job("ps", ps, "none", "", schedulerName="nobody"))
    api.create(JOBS, workloads.job("worker", workers, "none", ""))
    threading.Thread(target=call_ps_running, args=(connect(where), ps), daemon=True).start()
    run = {"run_id": workloads.RUN_ID, "attempt": workloads.ATTEMPT}
    with tempfile.TemporaryDirectory() as folder:
        wait = parameters(training_wait, **where, **run, backend="job", run_dir=folder, deadline=300.0, train_steps=20)
        result = timed("wait", lambda: training_wait.execute(wait, Context(say=print)))
    evidence = result["evidence"]
    states = [f"{sum(one['state'] == name for one in result['replicas'])} {name}" for name in ("running", "succeeded")]
    print(f"  {evidence['api_requests']} requests, {len(evidence['nodes'])} nodes, {', '.join(states)}")
    print(f"  notes: {json.dumps(evidence['notes'])[:300]}")
    clean = parameters(training_cleanup, **where, **run, study=workloads.STUDY, timeout=300.0)
    timed("clean-up", lambda: training_cleanup.execute(clean, Context(say=print)))


def main() -> None:
    ps, workers, nodes = (int(word) for word in (sys.argv[1:] + ["10", "990", "100"][len(sys.argv) - 1 :])[:3])
    plane = ControlPlane(f"wait-scale-{os.getpid()}")
    try:
        plane.start(nodes)
        measure(plane.kubeconfig, ps, workers)
    finally:
        plane.stop()


if __name__ == "__main__":
    main()
