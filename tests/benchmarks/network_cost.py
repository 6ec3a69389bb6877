# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network of each run's own adds to the start of a run, by a launcher that has imported TensorFlow; in turn with the machine's network.

Usage: .venv-trainer/bin/python tests/benchmarks/network_cost.py [pairs, default 40] [replicas, default 6]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from trainer import launch, network
from trainer.replicas import Group, Request

PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
REPLICAS = int(sys.argv[2]) if len(sys.argv) > 2 else 6


def start(run_dir: Path, kind: str) -> float:
    """Seconds until all replicas are forked."""
    request = Request(run_dir=str(run_dir), ps=0, workers=REPLICAS, command=True, argv=["sleep", "100"], network=kind)
    group, launcher = Group(request), launch.Launcher()
    began = time.perf_counter()
    launcher.start(group)
    seconds = time.perf_counter() - began
    launcher.stop_all(grace=0.0)
    return seconds


def make(_run_dir: Path, kind: str) -> float:
    """Seconds for the network and its ports."""
    began = time.perf_counter()
    network.of(REPLICAS, "", alone=kind == "loopback").close()
    return time.perf_counter() - began


def compare(name: str, measure: Callable[[Path, str], float], folder: Path) -> None:
    seconds: dict[str, list[float]] = {"host": [], "loopback": []}
    for number in range(PAIRS):
        for kind in sorted(seconds, reverse=bool(number % 2)):
            seconds[kind].append(measure(folder / f"{name}-{number}-{kind}", kind))
    added = [one - other for one, other in zip(seconds["loopback"], seconds["host"], strict=True)]
    for label, values in (*seconds.items(), ("added", added)):
        low, _middle, high = quantiles(values, n=4)
        print(f"{name}, {label}: median {median(values) * 1e3:.1f} ms (quartiles {low * 1e3:.1f} to {high * 1e3:.1f})")


if __name__ == "__main__":
    launch.preload(["--dataset", "synthetic"])
    with tempfile.TemporaryDirectory() as name:
        compare("network", make, Path(name))
        compare(f"start of {REPLICAS} replicas", start, Path(name))
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
