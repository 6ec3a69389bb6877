"""The time of the bootstrap behind laws: 10,000 resamples of 12 cells in 10 blocks, with the fit of each law to all of them.

Usage: python tests/benchmarks/law_cost.py [repeats]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

import numpy as np
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import bootstrap, law_choice
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.scaling_laws import (
    AMDAHL_LAW,
    PS_AWARE_LAW,
    USL_LAW,
    Sizes,
)

from tests.fixtures.planted_laws import QUEUEING_LAW

BLOCKS = 10
AT = Sizes.of([1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32], [1, 2, 4] * 4)
FORMS = (AMDAHL_LAW, USL_LAW, PS_AWARE_LAW, QUEUEING_LAW)


def timed(what: str, action: Callable[[], object], repeats: int) -> None:
    seconds = []
    for _repeat in range(repeats):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    print(f"{what} | {median(seconds):.2f} s | {min(seconds):.2f} to {max(seconds):.2f} s")


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    draw = np.random.default_rng(1)
    logs = np.log(8 / AT.workers + 1 + 0.1 * AT.workers) + draw.normal(0, 0.05, (BLOCKS, len(AT.workers)))
    print(f"{bootstrap.RESAMPLES} resamples of {len(AT.workers)} cells, {repeats} repeats | median | from to")
    timed("resamples", lambda: bootstrap.resample(logs), repeats)
    sample = bootstrap.resample(logs)
    for form in FORMS:
        timed(f"fit of {form.name}", lambda form=form: form.fit(AT, sample.draws, sample.weights), repeats)  # type: ignore[misc]
    timed("choice among amdahl and usl, all fits", lambda: law_choice.choose([AMDAHL_LAW, USL_LAW], AT, logs), repeats)


if __name__ == "__main__":
    main()
