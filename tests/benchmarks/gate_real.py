"""Gates with real processes: the work of `after` is 15 % more by plan, or the same. Prints the noise that the machine really has.

Each run is a process of its own that calculates for about a quarter of a second and tells how long it took; both versions run once
in each block, in random order.
Usage: python tests/benchmarks/gate_real.py [trials]
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median, stdev

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import gate

WORK, BUDGET, ALLOWED = 2_000_000, 20, 0.05
PROGRAM = """
import sys, time
began = time.monotonic()
total = 0
for number in range(int(sys.argv[1])):
    total += number * number
print(time.monotonic() - began)
"""


def seconds(work: int) -> float:
    words = [sys.executable, "-I", "-S", "-c", PROGRAM, str(work)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def trial(slowdown: float, draw: random.Random) -> tuple[gate.Outcome, list[float]]:
    times: dict[str, dict[int, float]] = {gate.BEFORE: {}, gate.AFTER: {}}
    work = {gate.BEFORE: WORK, gate.AFTER: round(WORK * (1 + slowdown))}
    for block in range(1, BUDGET + 1):
        for version in draw.sample(list(times), 2):
            times[version][block] = seconds(work[version])
        outcome = gate.judge(times[gate.BEFORE], times[gate.AFTER], max_slowdown=ALLOWED, budget=BUDGET)
        if outcome.verdict != gate.CANNOT_TELL:
            break
    return outcome, [math.log(times[gate.AFTER][block] / times[gate.BEFORE][block]) for block in times[gate.BEFORE]]


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    draw = random.Random(1)
    for slowdown in (0.15, 0.0):
        found = [trial(slowdown, draw) for _trial in range(number)]
        told = Counter(outcome.verdict for outcome, _logs in found)
        # Of one run: a ratio has the noise of two.
        noise = median(stdev(logs) / math.sqrt(2) for _outcome, logs in found)
        blocks = sum(outcome.blocks for outcome, _logs in found) / number
        print(
            f"after {slowdown:.0%} slower, {number} gates: {dict(told)}, {blocks:.1f} blocks each, noise of a run {noise:.1%}"
        )


if __name__ == "__main__":
    main()
