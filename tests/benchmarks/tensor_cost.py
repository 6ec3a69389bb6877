# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tensor on its way between a worker and a ps costs, by its size: the floor under every step.

A round pulls a vector from the ps, halves it on the worker and puts it back: two tensors and nothing else. Rounds are chained in one
session call, as in the preset `fast`. The same graph in one process, where nothing is sent, is what remains without a network.
Prints CPU-µs a tensor (user and system of both processes), how often a thread gave its processor up for one, and the time of a round,
medians and ranges, one thread a pool.
Usage: .venv-trainer/bin/python tests/benchmarks/tensor_cost.py [repeats, default 5]
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow.compat.v1 as tf

SIZES = (1, 1_000, 10_000, 39_755, 79_510, 397_505, 795_010)
ROUNDS, CALLS = 50, 20
TICKS = os.sysconf("SC_CLK_TCK")


def config() -> Any:
    return tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)


def cluster(ps: str, worker: str) -> Any:
    return tf.train.ClusterSpec({"ps": [ps], "worker": [worker]})


def serve(ps: str, worker: str) -> None:
    server = tf.train.Server(cluster(ps, worker), job_name="ps", task_index=0, config=config())
    print("up", flush=True)
    server.join()


@contextmanager
def servers() -> Iterator[tuple[str, int]]:
    """The target of the worker's session, and the ps' process."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ps, worker = (f"127.0.0.1:{listener.getsockname()[1]}" for listener in (one, other))
    child = subprocess.Popen([sys.executable, __file__, "--serve", ps, worker], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    try:
        server = tf.train.Server(cluster(ps, worker), job_name="worker", task_index=0, config=config())
        yield server.target, child.pid
    finally:
        child.kill()
        child.wait()


def chain(size: int, ps: str, worker: str) -> tuple[Any, Any]:
    """A variable on the ps, and as many rounds as a call has."""
    with tf.device(ps):
        vector = tf.Variable(tf.ones([size]), use_resource=True)
    done: Any = tf.no_op()
    for _round in range(ROUNDS):
        with tf.device(ps), tf.control_dependencies([done]):
            pulled = tf.identity(vector.read_value())
        with tf.device(worker):
            halved = pulled * 0.5
        with tf.device(ps):
            done = vector.assign(halved, read_value=False)
    return vector.initializer, done


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def switches_of(pid: int) -> int:
    """How often threads of the process have waited; one that ends meanwhile takes its number along."""
    waits = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            lines = (task / "status").read_text().splitlines()
            waits += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary"))
    return waits


def measure(target: str, size: int, *, ps: str, worker: str, other: int | None) -> tuple[float, float, float]:
    """CPU-µs a tensor, µs a round, and waits of a thread a tensor."""
    processes = [os.getpid(), *([other] if other else [])]
    with tf.Graph().as_default(), tf.Session(target, config=config()) as session:
        initialise, done = chain(size, ps, worker)
        session.run(initialise)
        call = session.make_callable(done.op if hasattr(done, "op") else done)
        call()
        used, waits, began = sum(map(cpu_of, processes)), sum(map(switches_of, processes)), time.monotonic()
        for _call in range(CALLS):
            call()
        seconds = time.monotonic() - began
        used, waits = sum(map(cpu_of, processes)) - used, sum(map(switches_of, processes)) - waits
    rounds = ROUNDS * CALLS
    return 1e6 * used / rounds / 2, 1e6 * seconds / rounds, waits / rounds / 2


def told(values: list[float]) -> str:
    return f"{median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def main(repeats: int) -> None:
    tf.disable_eager_execution()
    print(
        f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}, {repeats} repeats of {ROUNDS * CALLS} rounds"
    )
    heads = (
        "floats",
        "kB",
        "CPU-µs a tensor, two processes",
        "one process",
        "µs a round, two processes",
        "one process",
    )
    print(f"| {' | '.join(heads)} | waits of a thread a tensor |")
    print("|---:" * 7 + "|")
    with servers() as (target, child):
        for size in SIZES:
            apart, alone = [], []
            for _repeat in range(repeats):
                apart.append(measure(target, size, ps="/job:ps/cpu:0", worker="/job:worker/cpu:0", other=child))
                alone.append(measure("", size, ps="/cpu:0", worker="/cpu:0", other=None))
            figures = [told([one[n] for one in ways]) for n in (0, 1) for ways in (apart, alone)]
            figures.append(f"{median([one[2] for one in apart]):.1f}")
            print(f"| {size:,} | {size * 4 / 1000:,.1f} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:4])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
