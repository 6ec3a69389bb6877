"""A ledger in the cluster: what a record costs to write, and a thousand of them to read.

Uses the cluster of KUBECONFIG, in a namespace of its own that is removed; a control plane without containers serves as well
(python -m tests.e2e.infra.controlplane start). Prints medians in seconds, and the reader's memory beside what it began with.
Usage: python tests/benchmarks/cluster_ledger.py
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
import uuid
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import Api, connect
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ledger import ClusterLedger

from tests.fixtures.ledgers import SPEC, record

ROUNDS = 5
SIZES = (100, 1000)
# Of a run with eight replicas on a cluster.
REPLICA = {"replica": "worker", "index": 0, "state": "succeeded", "exit_code": 0, "signal": None, "cpu_seconds": 7.1}
EVIDENCE = {"replicas": [REPLICA] * 8, "nodes": ["tfscale-worker"] * 4, "image_digests": {"x": "sha256:" + 64 * "0"}}


def timed(act: Any) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def write(book: ClusterLedger, size: int) -> tuple[list[float], int]:
    took, length = [], 0
    for number in range(size):
        one = record({**SPEC, "workers": number + 1}, 1, seconds=4.0)
        one["evidence"] = {**one["evidence"], **EVIDENCE}
        length = len(json.dumps(one))
        took.append(timed(lambda: book.append(one)))  # noqa: B023
    return took, length


def read(book: ClusterLedger, answers: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rounds = [timed(lambda: list(book.records())) for _round in range(ROUNDS)]
    answers.put((median(rounds), before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def measure(api: Api, namespace: str, size: int) -> None:
    study = f"size-{size}"
    book = ClusterLedger(api, namespace, study)
    took, length = write(book, size)
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    process = context.Process(target=read, args=(ClusterLedger(connect({}), namespace, study), answers))
    process.start()
    seconds, before, after = answers.get()
    process.join()
    print(f"append, with {size} there: {median(took):.4f} s (slowest {max(took):.3f}), {length} bytes a record")
    print(f"read {size} records: {seconds:.2f} s, {after / 1024:.0f} MiB (began with {before / 1024:.0f})")


def main() -> None:
    if not os.environ.get("KUBECONFIG"):
        print("left out: KUBECONFIG names no cluster")
        return
    api = connect({})
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    try:
        lock = LeaseLock(api, namespace, "mnist", os.getpid())
        print(f"take the lock: {timed(lock.acquire):.4f} s")
        print(f"renew the lock: {median(timed(lock.renew) for _round in range(20)):.4f} s")
        for size in SIZES:
            measure(api, namespace, size)
    finally:
        api.delete(f"/api/v1/namespaces/{namespace}")


if __name__ == "__main__":
    main()
