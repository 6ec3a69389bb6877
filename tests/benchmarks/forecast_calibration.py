# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a study's true duration lies in the forecast's 90 % range, and how wide that range is.

Usage: python tests/benchmarks/forecast_calibration.py [studies [adaptive studies]]
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.fixtures.forecasts import (
    DRIFT,
    LAWS,
    MOMENTS,
    MOMENTS_OF_ADAPTIVE,
    SPREADS,
    SPREADS_OF_ADAPTIVE,
    Simulated,
    simulate,
    simulate_adaptive,
)


def judged(found: list[Simulated]) -> str:
    inside = sum(one.is_inside for one in found) / len(found)
    width = median(one.forecast.high / one.forecast.low for one in found)
    bias = median(one.forecast.seconds / one.seconds for one in found)
    return f"{inside:12.1%} | {width:26.2f} | {bias:.3f}"


def main() -> None:
    number, adaptive, *_rest = [*map(int, sys.argv[1:]), *(200, 20)[len(sys.argv) - 1 :]]
    print(f"{number} simulated studies a row, 8 cells x 10 blocks, 3 % outliers of +30 %")
    print(
        "law    | spread     | drift | recorded     | in the range | width (high / low), median | likely / true, median"
    )
    rows = [(law, spread, DRIFT) for law in LAWS for spread in SPREADS]
    for law, spread, drift in [*rows, ("amdahl", "5 %", 0.0), ("amdahl", "5 %", 0.08)]:
        for moment in MOMENTS:
            found = [simulate(law, spread, moment, seed=seed, drift=drift) for seed in range(number)]
            print(f"{law:6} | {spread:10} | {drift:5.0%} | {moment:12} | {judged(found)}")
    print(
        f"{adaptive} simulated studies a row with adaptive blocks, 4 to 20; those that had not ended when they were forecast"
    )
    for law in LAWS:
        for spread in SPREADS_OF_ADAPTIVE:
            for after in MOMENTS_OF_ADAPTIVE:
                all_ = [simulate_adaptive(law, spread, after, seed=seed) for seed in range(adaptive)]
                going = [one for one in all_ if one is not None]
                told = judged(going) if going else "-"
                print(f"{law:6} | {spread:10} | {DRIFT:5.0%} | {after:2} blocks    | {told} | {len(going)} studies")


if __name__ == "__main__":
    main()
