"""The pure core at the size of a large study: reading logs, planning, reading a ledger.

Prints the median of five rounds in seconds (CPU time hardly changes on a busy machine) and the peak memory; each part runs
in a process of its own, so that the peaks do not add up.
Usage: python tests/benchmarks/study_core.py
"""

from __future__ import annotations

import json
import math
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._steps import sweep_plan_info
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import timings_of
from ansible_collections.tfscale.study.plugins.module_utils._study.records.ledger import FileLedger

from tests.fixtures.ledgers import SPEC, record

ROUNDS = 5
WORKERS, STEPS, CELLS, RECORDS = 8, 200_000, 10_000, 100_000


def thesis_line(worker: int, local: int, step: int) -> str:
    return f"{1_790_000_000 + step / 500:f}: Worker {worker}: training_step_{local}_done_(global_step: {step})\n"


def our_line(worker: int, local: int, step: int) -> str:
    clocks = f'"wall":{1_790_000_000 + step / 500:.6f},"mono":{100 + step / 500:.6f}'
    who = f'"v":1,"event":"progress","replica":"worker","index":{worker}'
    return f':::TFSCALE {{{who},{clocks},"global_step":{step},"local_step":{local},"loss":0.312345}}\n'


def write_logs(folder: Path, line: Callable[[int, int, int], str]) -> None:
    for worker in range(WORKERS):
        with (folder / f"worker-{worker}.log").open("w") as file:
            for local in range(STEPS // WORKERS):
                file.write(line(worker, local + 1, local * WORKERS + worker + 1))


def read_logs(folder: Path, name: str) -> str:
    timings, _errors = timings_of(folder, LogFormat.of(name), STEPS)
    return f"saw global step {timings['global_steps']}"


def plan(folder: Path, cells: int, repeats: Any, **rules: Any) -> str:
    spec = {key: value for key, value in SPEC.items() if key not in ("nodes", "ps", "workers")}
    params: dict[str, Any] = {name: option.get("default") for name, option in sweep_plan_info.ARGUMENT_SPEC.items()}
    space = {"ps": list(range(1, cells // 100 + 1)), "workers": list(range(1, 101))}
    params |= {"study": "large", "study_dir": str(folder), "spec": spec, "repeats": repeats, **space, **rules}
    result = sweep_plan_info.execute(params, Context())
    counts = result["counts"]
    return (
        f"planned {len(result['runs'])} runs after {counts['done']}, {counts['open']} of {counts['cells']} cells open"
    )


def write_ledger(folder: Path, cells: int) -> None:
    """Records of equal cells, of which none can be told from the others: the most work for a decision."""
    draw = random.Random(1)
    with (folder / "ledger.jsonl").open("w") as file:
        for block in range(1, RECORDS // cells + 1):
            for number in range(cells):
                spec = {**SPEC, "ps": number // 100 + 1, "workers": number % 100 + 1}
                one = record(spec, block, seconds=4.0 * math.exp(draw.gauss(0.0, 0.05)))
                file.write(json.dumps(one, separators=(",", ":")) + "\n")


def read_ledger(folder: Path) -> str:
    return f"read {sum(1 for _record in FileLedger(folder / 'ledger.jsonl').records())} records"


def _child(work: Callable[[], str], results: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    walls, cpus = [], []
    for _round in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        told = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    results.put((told, median(walls), median(cpus), before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def measure(name: str, work: Callable[[], str]) -> None:
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    process = context.Process(target=_child, args=(work, results))
    process.start()
    told, wall, cpu, before, after = results.get()
    process.join()
    print(
        f"{name:46}{wall:6.2f} s wall {cpu:6.2f} s CPU  peak {after / 1024:4.0f} MiB (began with {before / 1024:.0f}), {told}"
    )


def main() -> None:
    for name, line in (("tfscale", our_line), ("thesis", thesis_line)):
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            write_logs(folder, line)
            measure(f"parse {STEPS} steps of {WORKERS} workers ({name})", lambda: read_logs(folder, name))  # noqa: B023
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for repeats in (3, "auto"):
            measure(f"plan {CELLS} cells, sweep_repeats {repeats}", lambda: plan(folder, CELLS, repeats))  # noqa: B023
        for cells in (100, 5000, 10_000):
            write_ledger(folder, cells)
            blocks = RECORDS // cells
            if cells == 100:
                measure(f"read a ledger of {RECORDS} records", lambda: read_ledger(folder))
            fixed = f"plan block {blocks + 1} of {cells} cells"
            measure(f"{fixed}, fixed", lambda: plan(folder, cells, min(1000, blocks + 1)))  # noqa: B023
            measure(f"{fixed}, auto", lambda: plan(folder, cells, "auto", max_repeats=max(20, blocks)))  # noqa: B023


if __name__ == "__main__":
    main()
