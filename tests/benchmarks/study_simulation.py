"""How often answers are wrong, and how many runs they need: simulated studies through the comparison and the adaptive blocks.

The table of docs/statistics.md. Usage: python tests/benchmarks/study_simulation.py [studies a row]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.fixtures.studies import SPREADS, adaptive_rates, fixed_rates

CELLS = (2, 3, 6, 12, 20)
BLOCKS = (3, 5, 10)
LAWS = ("flat", "usl", "amdahl")


def fixed(studies: int) -> Iterator[str]:
    yield "fixed blocks | cells | blocks | false call | intervals hold | best kept | power"
    for spread in SPREADS:
        for cells in CELLS:
            for blocks in BLOCKS:
                told = fixed_rates(studies, cells=cells, blocks=blocks, spread=spread)
                yield f"{spread} | {cells} | {blocks} | " + " | ".join(f"{value:.1%}" for value in told)


def adaptive(studies: int) -> Iterator[str]:
    yield "adaptive blocks | law | cells | runs | of 20 blocks | best called slower | intervals hold | wrongly as fast | told"
    for spread in SPREADS:
        for law in LAWS:
            for cells in (6, 12):
                told = adaptive_rates(studies, law=law, cells=cells, spread=spread)
                fewer = 1 - told.runs / (20 * cells)
                rates = " | ".join(f"{value:.1%}" for value in (told.false, told.hold, told.wrongly_same, told.told))
                yield f"{spread} | {law} | {cells} | {told.runs:.0f} | {fewer:.0%} fewer | {rates}"


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    began = time.monotonic()
    print(f"{studies} studies a row")
    for part in (fixed, adaptive):
        for line in part(studies):
            print(line, flush=True)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
