"""How often answers about the time to accuracy are wrong when runs do not reach it: simulated studies.

The table of docs/statistics.md. Usage: python tests/benchmarks/censored_simulation.py [studies a row]
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.fixtures.censored import Kind, adaptive_rates, censored_rates

SLOWER = math.log(1.2)
STUDIES: dict[str, tuple[Kind, ...]] = {
    "3 equal, each run 5 %": (Kind(censored=0.05),) * 3,
    "3 equal, each run 20 %": (Kind(censored=0.2),) * 3,
    "6 equal, each run 5 %": (Kind(censored=0.05),) * 6,
    "6 equal, each run 20 %": (Kind(censored=0.2),) * 6,
    "6 equal, steps scatter by 30 %, each run 10 %": (Kind(censored=0.1, steps_spread=0.3),) * 6,
    "2 equal of 6, the others 30 %": (Kind(),) * 2 + (Kind(censored=0.3),) * 4,
    "2 equal of 6, the others 95 %": (Kind(),) * 2 + (Kind(censored=0.95),) * 4,
    "laws: 1, 1.2, 1.44 times, the slower 30 %": (Kind(), Kind(SLOWER), Kind(2 * SLOWER, 0.3)),
    "quick steps, seldom there: 0.83 times, 90 %": (Kind(), Kind(), Kind(-SLOWER, 0.9)),
}


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    began = time.monotonic()
    print(f"{studies} studies a row")
    print(
        "cells | blocks | false call | all hold | bounds hold | counted as times: hold | and the fastest is seldom there"
    )
    for name, kinds in STUDIES.items():
        for blocks in (3, 5, 10):
            told = censored_rates(studies, kinds, blocks=blocks)
            print(f"{name} | {blocks} | " + " | ".join(f"{value:.1%}" for value in told), flush=True)
    print("adaptive blocks | false call | all hold | runs")
    for name, kinds in STUDIES.items():
        false, hold, runs = adaptive_rates(max(1, studies // 4), kinds)
        print(f"{name} | {false:.1%} | {hold:.1%} | {runs:.0f} of {20 * len(kinds)}", flush=True)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
