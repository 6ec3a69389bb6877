# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a decision claims what is not so, where the truth lies exactly at the claim: `python decision_simulation.py [STUDIES]`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from tests.fixtures.decided import CASES, rate


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| claim | 3 blocks, 2 % | 5 blocks, 5 % | 10 blocks, 9 % |\n|---|---:|---:|---:|")
    for case in CASES:
        told = [rate(case, blocks, spread, studies) for blocks, spread in ((3, 0.02), (5, 0.05), (10, 0.09))]
        print(f"| {case} | {' | '.join(f'{100 * one:.1f} %' for one in told)} |", flush=True)


if __name__ == "__main__":
    main()
