"""What the evaluations of a run with a target accuracy cost: real runs in interleaved pairs, with a target that none reaches and without.

The table of docs/time-to-accuracy.md. Usage: python tests/benchmarks/evaluation_cost.py [pairs] [PYTHON WITH TENSORFLOW]
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import ratio_interval

from tests.fixtures.local_runs import LocalStudy

STEPS = 2000
EVERY = (100,)


def pairs(study: LocalStudy, count: int, workers: int, every: int) -> Iterator[tuple[float, float, float]]:
    """Training seconds with a target and without, and the processor seconds of the evaluations, in alternating order."""
    target: dict[str, Any] = {"target_accuracy": 0.99999, "eval_every": every}
    for block in range(1, count + 1):
        told = {}
        for kind in (target, {}) if block % 2 else ({}, target):
            record = study.run(block, workers=workers, train_steps=STEPS, deadline=120.0, **kind)
            told[bool(kind)] = record["timings"]
            if record["verdict"]["verdict"] == "void":
                print(f"block {block} is left out: {'; '.join(record['verdict']['reasons'])}", flush=True)
        if None in (told[True]["train_seconds"], told[False]["train_seconds"]):
            continue
        yield told[True]["train_seconds"], told[False]["train_seconds"], told[True]["eval_cpu_seconds"]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    python = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / ".venv-trainer/bin/python")
    print(
        f"{count} pairs a row, async_ps, 1 ps, {STEPS} steps, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    print("workers | every | with [s] | without [s] | times as long (95 % CI) | evaluations: processor seconds")
    for workers in (1, 2, 4):
        for every in EVERY:
            with tempfile.TemporaryDirectory() as folder:
                found = list(pairs(LocalStudy(folder=Path(folder), python=python), count, workers, every))
            after, before, costs = ([one[place] for one in found] for place in range(3))
            ratio = ratio_interval(dict(enumerate(after)), dict(enumerate(before)))
            middle = [sorted(values)[len(values) // 2] for values in (after, before, costs)]
            print(
                f"{workers} | {every} | {middle[0]:.2f} | {middle[1]:.2f} | {ratio.center:.3f} ({ratio.low:.3f}-{ratio.high:.3f})"
                f" | {middle[2]:.2f}, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
