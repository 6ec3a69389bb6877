"""How often laws are wrong: simulated studies of planted laws through the fit, the choice and the refusal of laws.

The tables of docs/laws.md. Usage: python tests/benchmarks/law_simulation.py [studies a row [inside|said]]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.fixtures import planted_laws as planted

BLOCKS = 5
FEW_AND_MANY = (3, 10)  # of the USL
SPREADS_OF_CHOICES = ("2 %", "9 %", "unequal")


def inside(studies: int) -> Iterator[str]:
    """The law is known: its parameters and bands."""
    yield "law | spread | blocks | parameters inside | predicted inside at 2 and 4 times the largest size"
    rows = [(law, BLOCKS) for law in planted.KNOWN] + [(planted.USL, blocks) for blocks in FEW_AND_MANY]
    for law, blocks in rows:
        for spread in planted.SPREADS:
            told = planted.coverage(law, spread, blocks, studies)
            yield f"{law} | {spread} | {blocks} | " + " | ".join(map(planted.percents, told))


def said(studies: int) -> Iterator[str]:
    """The law is not known: how often laws speak, how often what they say is wrong, and how often refused ones would be."""
    yield "truth | spread | blocks | speak | wrong when they speak, at 2 and 4 times | refused ones wrong, at 2 and 4 times"
    for truth in planted.TRUTHS:
        for spread in SPREADS_OF_CHOICES:
            told = planted.false_say(truth, spread, BLOCKS, studies)
            yield f"{truth} | {spread} | {BLOCKS} | " + " | ".join(map(planted.percents, told))


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    began = time.monotonic()
    print(f"{studies} studies a row")
    parts = {"inside": inside, "said": said}
    for name in sys.argv[2:] or parts:
        for line in parts[name](studies):
            print(line, flush=True)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
