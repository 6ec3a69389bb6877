"""How often a comparison of two studies errs, and how much it sees: the table of docs/compare-studies.md.

Usage: python tests/benchmarks/studies_simulation.py [comparisons a row, 2000]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.fixtures.compared_studies import rates

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("2 cells, 5 blocks, spread 2 %", {"cells": 2, "blocks": 5, "spread": 0.02}),
    ("6 cells, 5 blocks, spread 2 %", {"cells": 6, "blocks": 5, "spread": 0.02}),
    ("6 cells, 10 blocks, spread 5 %", {"cells": 6, "blocks": 10, "spread": 0.05}),
    ("12 cells, 10 blocks, spread 9 %", {"cells": 12, "blocks": 10, "spread": 0.09}),
    ("6 cells, 3 blocks, spread 5 %", {"cells": 6, "blocks": 3, "spread": 0.05}),
    ("6 cells, 5 blocks, spread 2 %, drift 9 %", {"cells": 6, "blocks": 5, "spread": 0.02, "drift": 0.09}),
    (
        "6 cells, 5 blocks, spread 2 %, no drift, in turn",
        {"cells": 6, "blocks": 5, "spread": 0.02, "drift": 0.0, "in_turn": True},
    ),
    ("machine 1.4 times as slow, calibrated", {"cells": 6, "blocks": 5, "spread": 0.02, "machine": 1.4}),
    ("machine 3 % slower, taken for the same", {"cells": 6, "blocks": 10, "spread": 0.02, "machine": 1.03}),
    ("10 % slower, 5 blocks, spread 2 %", {"cells": 6, "blocks": 5, "spread": 0.02, "ratio": 1.1}),
    ("20 % slower, 5 blocks, spread 5 %", {"cells": 6, "blocks": 5, "spread": 0.05, "ratio": 1.2}),
    ("20 % slower, 10 blocks, spread 5 %", {"cells": 6, "blocks": 10, "spread": 0.05, "ratio": 1.2}),
]


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(
        "| true difference and design | any cell called slower or faster | all intervals hold | cells called same | called slower |"
    )
    print("|---|---|---|---|---|")
    for name, given in ROWS:
        found = rates(number, **given)
        print(
            f"| {name} | "
            + " | ".join(f"{100 * found[key]:.1f} %" for key in ("called", "hold", "same", "slower"))
            + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
