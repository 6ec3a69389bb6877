# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often runs without a planted fault are called suspect or void, and by which row of docs/validity.md.

Real runs of our trainer through launcher, wait and record, in several strategies and sizes, block by block. Suspicions of the
shared machine (steal, foreign load, drift of the kernel) are counted apart from false alarms. `kernel` measures the calibration
kernel alone, a hundred times.
Usage: python tests/benchmarks/validity_false_alarms.py [runs, default 100] [steps, default 1000]
       python tests/benchmarks/validity_false_alarms.py kernel
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles, stdev
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.tfscale.study.plugins.module_utils._study.records.validity import (
    Thresholds,
)

from tests.fixtures.local_runs import LocalStudy
from tests.fixtures.reasons import rows_of
from trainer import calibration

OF_THE_MACHINE = {"stolen processor time", "load of other programs", "the calibration kernel drifted"}
CELLS: list[dict[str, Any]] = [
    {"ps": 1, "workers": 1},
    {"ps": 1, "workers": 2},
    {"ps": 2, "workers": 2},
    {"ps": 2, "workers": 4},
    {"ps": 1, "workers": 2, "strategy": "sync_ps"},
    {"ps": 1, "workers": 2, "strategy": "tf2_ps"},
    {"ps": 0, "workers": 2, "strategy": "mirrored"},
    {"ps": 1, "workers": 2, "batch_size": 100},
    {"ps": 1, "workers": 4, "hidden_units": 200},
    {"ps": 1, "workers": 2, "preset": "thesis", "train_steps": 300},
]


def spread(values: Sequence[float]) -> str:
    cut = quantiles(values, n=100, method="inclusive")
    return f"median {median(values):.4g}, 5 % {cut[4]:.4g}, 95 % {cut[94]:.4g}, {min(values):.4g} to {max(values):.4g}"


def kernel(times: int = 100) -> None:
    clocks: dict[str, Callable[[], float]] = {"processor time": time.thread_time, "elapsed time": time.perf_counter}
    seconds: dict[str, list[float]] = {name: [] for name in clocks}
    load = os.getloadavg()
    for _time in range(times):
        for name, clock in clocks.items():
            seconds[name].append(calibration.calibrate(clock=clock)["seconds"])
        time.sleep(0.5)
    print(f"load average before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}")
    for name, found in seconds.items():
        middle = median(found)
        print(f"{times} kernels by {name}: {spread(found)} s, CV {100 * stdev(found) / middle:.1f} %")
        for share in (0.05, 0.1, 0.15, 0.25, 0.5):
            beyond = sum(max(one / middle, middle / one) > 1.0 + share for one in found)
            print(f"  beyond {100 * share:.0f} % of the median: {beyond}")


def main(runs: int, steps: int) -> None:
    began, load = time.monotonic(), os.getloadavg()
    records = []
    with tempfile.TemporaryDirectory() as folder:
        study = LocalStudy(folder=Path(folder), python=str(ROOT / ".venv-trainer/bin/python"))
        for number in range(runs):
            spec = {"train_steps": steps, **CELLS[number % len(CELLS)]}
            record = study.run(number // len(CELLS) + 1, **spec)
            records.append(record)
            print(f"{number + 1}/{runs} {spec}: {record['verdict']}", flush=True)
    print(f"\nload average before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}; {time.monotonic() - began:.0f} s")
    tell(records)


def tell(records: Sequence[dict[str, Any]]) -> None:
    rows = [set(rows_of(record)) for record in records]
    print(f"verdicts: {dict(Counter(record['verdict']['verdict'] for record in records))}")
    print(f"suspect by the shared machine alone: {sum(bool(one) and one <= OF_THE_MACHINE for one in rows)}")
    print(f"false alarms: {sum(bool(one - OF_THE_MACHINE) for one in rows)}")
    for row, count in Counter(row for one in rows for row in one).most_common():
        print(f"  {count:3} {row}")
    rises = [one["evidence"]["checks"]["speed_rise_share"] or 0.0 for one in records]
    limit = Thresholds().max_rise_share
    print(f"  {sum(rise > limit for rise in rises):3} with a rise of the speed beyond its limit, judged or not")
    kernels = [one["evidence"]["calibration"]["seconds"] for one in records]
    print(f"kernel: {spread(kernels)} s")
    for name in ("calibration_drift_share", "speed_rise_share", "start_skew_seconds", "throttled_share"):
        known = [value for one in records if (value := one["evidence"]["checks"][name]) is not None]
        print(f"{name}: {len(known)} known" + (f", {spread(known)}" if len(known) > 1 else ""))
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for one in records:
        spec = one["spec"]
        kind = " ".join(str(spec[key]) for key in ("strategy", "preset", "ps", "workers", "batch_size", "hidden_units"))
        by_kind.setdefault(f"{kind} steps={spec['train_steps']}", []).append(one)
    for kind, some in by_kind.items():
        accuracies = [one["timings"]["accuracy"] for one in some if one["timings"]["accuracy"] is not None]
        own = [(one["evidence"]["checks"]["local_steps"] or 0) - (one["timings"]["global_steps"] or 0) for one in some]
        lowest = f"{min(accuracies):.3f}" if accuracies else "none"
        print(f"{kind}: {len(some)} runs, lowest accuracy {lowest}, local minus global steps {min(own)} to {max(own)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["kernel"]:
        kernel()
    else:
        main(*(int(word) for word in (sys.argv[1:] + ["100", "1000"][len(sys.argv) - 1 :])))
