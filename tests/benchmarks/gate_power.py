"""What the gate says of versions that differ by so much, at so much noise, and after how many blocks.

The noise is the standard deviation of the logarithm of a run's time, without what both runs of a block share. 5 % are allowed.
Usage: python tests/benchmarks/gate_power.py [trials]
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.fixtures.gates import trials

VERDICTS = ("faster", "same", "slower", "cannot tell")


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{number} trials of each case; shares in percent")
    print("blocks at most | noise | slower by | " + " | ".join(VERDICTS) + " | mean blocks")
    for budget in (10, 20):
        for noise in (0.02, 0.035, 0.05, 0.09):
            for slowdown in (-0.1, 0.0, 0.05, 0.1, 0.15):
                told, blocks = trials(number, slowdown=slowdown, noise=noise, budget=budget)
                shares = [f"{100 * told[verdict] / number:{len(verdict)}.1f}" for verdict in VERDICTS]
                print(f"{budget:14} | {noise:5.1%} | {slowdown:9.0%} | " + " | ".join(shares) + f" | {blocks:11.1f}")


if __name__ == "__main__":
    main()
