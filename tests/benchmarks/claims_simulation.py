"""How often a verdict on the thesis' claims is wrong: simulated studies whose truth lies at the limit of a claim.

The tables of docs/thesis.md. Usage: python tests/benchmarks/claims_simulation.py [studies a row]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.claims import about

from tests.fixtures.claimed import EXPERIMENTS, SPREADS, limit_rates, table_rates

BLOCKS = (3, 4, 5, 10)


def alone(studies: int) -> Iterator[str]:
    """The worst of all spreads and blocks."""
    yield "claim alone | hidden units | confirmed though false, at most | refuted though true, at most"
    for units in EXPERIMENTS:
        for claim in about(units):
            rows = [
                limit_rates(claim, units, studies=studies, blocks=blocks, spread=spread)
                for blocks in BLOCKS
                for spread in SPREADS
            ]
            worst = max(row.confirmed for row in rows), max(row.refuted for row in rows)
            yield f"{claim.key} | {units} | " + " | ".join(f"{value:.1%}" for value in worst)


def together(studies: int) -> Iterator[str]:
    yield "whole table | hidden units | blocks | any verdict wrong | all intervals hold | decided"
    for spread in SPREADS:
        for units in EXPERIMENTS:
            for blocks in BLOCKS:
                told = table_rates(units, studies=studies, blocks=blocks, spread=spread)
                yield f"{spread} | {units} | {blocks} | " + " | ".join(f"{value:.1%}" for value in told)


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    began = time.monotonic()
    print(f"{studies} studies a row")
    for part in (alone, together):
        for line in part(studies):
            print(line, flush=True)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
