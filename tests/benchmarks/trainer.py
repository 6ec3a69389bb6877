"""Speed of the preset `fast` against the thesis' loop, at equal ps, workers and network.

Runs both in turn, several times, and prints steps/s and CPU-ms per step of each, with the ratio and its 95 % interval (t on the
logarithms, paired by repeat). Exits with 1 if the whole interval of a speed ratio lies below its requirement.
Usage: python tests/benchmarks/trainer.py [repeats, default 5]
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import intervals

# Long enough that a run is more than its beginning: seconds of each.
STEPS = {"thesis": 300, "fast": 3000}
WIDE = ("--hidden_units", "1000")
WIDE_STEPS = {"thesis": 60, "fast": 1000}


@dataclass(frozen=True)
class Case:
    name: str
    ps: int
    workers: int
    asked: float
    flags: tuple[str, ...] = ()
    every: int = 100


CASES = (
    Case("ps=2 workers=1", 2, 1, 7.5),
    Case("ps=2 workers=2", 2, 2, 7.5),
    Case("ps=2 workers=4", 2, 4, 7.5),
    Case("ps=2 workers=8", 2, 8, 6.0),
    Case("ps=1 workers=4", 1, 4, 10.0),
    Case("ps=2 workers=1 hidden=1000", 2, 1, 12.0, WIDE),
    Case("ps=2 workers=4 hidden=1000", 2, 4, 12.0, WIDE),
    Case("ps=2 workers=2, telemetry every step", 2, 2, 4.0, every=1),
)


def events(log: Path) -> dict[str, dict[str, float]]:
    lines = [line.removeprefix(":::TFSCALE ") for line in log.read_text().splitlines() if line.startswith(":::TFSCALE")]
    return {event["event"]: event for event in map(json.loads, lines)}


def run(preset: str, case: Case) -> tuple[float, float]:
    """Return steps per second by the chief's clock, and CPU-ms of all replicas per step, start-up included."""
    steps = (WIDE_STEPS if case.flags else STEPS)[preset]
    with tempfile.TemporaryDirectory() as folder:
        group = ["--ps", str(case.ps), "--workers", str(case.workers), "--run_dir", folder]
        flags = [
            "--preset",
            preset,
            "--train_steps",
            str(steps),
            "--threads",
            "1",
            "--telemetry_every",
            str(case.every),
        ]
        python = str(ROOT / ".venv-trainer/bin/python")
        command = [python, "-m", "trainer.launch", *group, "--", *flags, *case.flags]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        chief = events(Path(folder, "worker-0.log"))
        state = json.loads(Path(folder, "state.json").read_text())
    done = chief["target_reached"]["global_step"]
    seconds = chief["target_reached"]["mono"] - chief["start_line"]["mono"]
    return done / seconds, 1000 * sum(one["cpu_seconds"] for one in state["replicas"]) / done


def with_interval(ratio: intervals.Ratio) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{ratio.center:5.1f}"
    return f"{ratio.center:5.1f} ({ratio.low:.1f}-{ratio.high:.1f})"


def compare(case: Case, repeats: int) -> bool:
    """Print a line; return False if the ratio is proven to be below its requirement."""
    found: dict[str, list[tuple[float, float]]] = {"thesis": [], "fast": []}
    for repeat in range(repeats):
        for preset in ("thesis", "fast") if repeat % 2 else ("fast", "thesis"):
            found[preset].append(run(preset, case))
    speeds, costs = ({preset: [one[n] for one in runs] for preset, runs in found.items()} for n in (0, 1))
    faster = intervals.ratio_interval(dict(enumerate(speeds["fast"])), dict(enumerate(speeds["thesis"])))
    cheaper = intervals.ratio_interval(dict(enumerate(costs["thesis"])), dict(enumerate(costs["fast"])))
    figures = [f"{median(values[preset]):7.1f}" for values in (speeds, costs) for preset in ("thesis", "fast")]
    print(
        f"| {case.name} | {' | '.join(figures)} | {with_interval(faster)} | {with_interval(cheaper)} | {case.asked:g} |",
        flush=True,
    )
    return faster.center >= case.asked if faster.high is None else faster.high >= case.asked


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(
        f"{os.cpu_count()} processors, {platform.processor() or platform.machine()}, load average {os.getloadavg()[0]:.1f}, {repeats} repeats"
    )
    print(
        "| case | thesis steps/s | fast steps/s | thesis CPU-ms/step | fast CPU-ms/step | times as fast (95 % CI) | CPU (95 % CI) | asked |"
    )
    print("|---|---|---|---|---|---|---|---|")
    passed = [compare(case, repeats) for case in CASES]
    sys.exit(0 if all(passed) else 1)
