"""The report of a large study: seconds of each part, and the size of what it writes.

Prints wall and CPU seconds of one round for each size, in a process of its own so that the peaks of memory do not add up.
Usage: python tests/benchmarks/report.py [RUNS:CELLS ...]     (default: 2000:40 2000:200 100000:100 100000:1000)
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
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._common.collector import resting
from ansible_collections.tfscale.study.plugins.module_utils._report import render
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.records.ledger import FileLedger

from tests.fixtures.ledgers import SPEC, record, seconds_of, with_usage

SIZES = ("2000:40", "2000:200", "100000:100", "100000:1000")
Found = TypeVar("Found")


def write_ledger(path: Path, runs: int, cells: int) -> None:
    """Cells of up to five numbers of ps, with as many workers as it takes; blocks that drift; use of processors; prices."""
    draw = random.Random(1)
    specs = [{**SPEC, "nodes": 4, "ps": n % 5 + 1, "workers": n // 5 + 1} for n in range(cells)]
    with path.open("w") as file:
        for block in range(1, runs // cells + 1):
            drift = draw.gauss(0.0, 0.03)
            for spec in draw.sample(specs, cells):
                seconds = seconds_of(spec) * math.exp(drift + draw.gauss(0.0, 0.04))
                made = with_usage(record(spec, block, seconds=seconds), busy=0.9, own=0.85)
                made["evidence"]["calibration"] = {"kernel": "sum", "seconds": 0.05 * math.exp(drift)}
                made["provenance"] = {**made["provenance"], "nodes": [{"name": "n", "machine_type": "m"}]}
                file.write(json.dumps(made, separators=(",", ":")) + "\n")


def timed(name: str, work: Callable[[], Found]) -> Found:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    print(f"  {name:28}{time.perf_counter() - wall:7.2f} s wall {time.process_time() - cpu:7.2f} s CPU", flush=True)
    return found


def report_of(path: Path) -> None:
    whole = time.perf_counter()
    records = timed("read the ledger", lambda: list(FileLedger(path).records()))
    study = timed("find the cells", lambda: model.study_of(records, "large", prices={"*": 0.1}, currency="USD"))
    report = timed("answer, laws and figures", lambda: render.report_of(study))
    files = timed("draw and write", lambda: render.files_of(report))
    sizes = ", ".join(f"{name} {len(files[name].encode()) / 1e6:.2f} MB" for name in ("report.html", "report.md"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  in all {time.perf_counter() - whole:.1f} s, {len(report.figures)} figures, {sizes}, peak {memory:.0f} MiB"
    )


def as_the_step_does(path: Path) -> None:
    with resting():
        report_of(path)


def main() -> None:
    context: Any = multiprocessing.get_context("fork")
    for size in sys.argv[1:] or SIZES:
        runs, cells = map(int, size.split(":"))
        print(f"{runs} runs of {cells} cells")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ledger.jsonl"
            write_ledger(path, runs, cells)
            process = context.Process(target=as_the_step_does, args=(path,))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
