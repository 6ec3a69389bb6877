# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a decision claims what is not so, where the truth lies exactly at the claim: `python decision_simulation.py [STUDIES]`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import decision, model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.decision import (
    Decision,
    Goal,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record

PRICES = {"a": 3600.0}
DRIFT = 0.05


def study(
    seconds: Sequence[float], nodes: Sequence[int], blocks: int, spread: float, rng: np.random.Generator
) -> list[model.Cell]:
    """Cells with 1, 2, 3 ... workers and these true medians, in blocks that drift; a node's second costs 1."""
    drift = np.exp(rng.normal(0, DRIFT, blocks))
    cells = []
    for place, (center, count) in enumerate(zip(seconds, nodes, strict=True)):
        times = center * drift * np.exp(rng.normal(0, spread, blocks))
        spec = {"ps": 1, "workers": place + 1, "backend": "job"}
        runs = tuple(
            Record.of(
                {
                    "run_id": f"{place}-{block}",
                    "cell_id": str(place),
                    "block": block,
                    "spec": spec,
                    "timings": {"train_seconds": float(time), "total_seconds": float(time)},
                    "verdict": {"verdict": "valid", "reasons": []},
                    "provenance": {"nodes": [{"name": str(n), "machine_type": "a"} for n in range(count)]},
                }
            )
            for block, time in enumerate(times, start=1)
        )
        cells.append(model.Cell(str(place), spec, f"workers={place + 1}", runs, PRICES))
    return cells


def has(code: str) -> Callable[[Decision], bool]:
    return lambda given: any(reason.code == code for reason in given.reasons)


EQUAL, ONE = [4.0] * 6, [1] * 6
# The claim, the true medians and nodes of the cells, the goal, and whether the decision claims what is not so.
CASES: dict[str, tuple[Sequence[float], Sequence[int], Goal, Callable[[Decision], bool]]] = {
    "smaller and as fast within 5 %, but 5 % slower": ([4.2, 4.0], [1, 1], Goal(), has(decision.SMALLEST)),
    "dearer, but all cost the same": (EQUAL, ONE, Goal(kind="cost"), has(decision.DEARER)),
    "as cheap within 5 %, but 5 % dearer": ([4.0, 4.2], [1, 1], Goal(kind="cost"), has(decision.AS_CHEAP)),
    "each worker gains 10 %, but exactly so": (
        [4.0 / 1.1**n for n in range(6)],
        ONE,
        Goal(kind="knee"),
        lambda given: not has(decision.KNEE_FIRST)(given),
    ),
    "takes at most 4 s, but the median is 4 s": (EQUAL, ONE, Goal(max_seconds=4.0), has(decision.MEETS)),
}


def rate(case: str, blocks: int, spread: float, studies: int, seed: int = 22) -> float:
    """The share of studies in which the decision claims what is not so."""
    seconds, nodes, goal, claims = CASES[case]
    rng = np.random.default_rng(seed)
    return (
        sum(claims(decision.decide(study(seconds, nodes, blocks, spread, rng), goal)) for _study in range(studies))
        / studies
    )


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| claim | 3 blocks, 2 % | 5 blocks, 5 % | 10 blocks, 9 % |\n|---|---:|---:|---:|")
    for case in CASES:
        told = [rate(case, blocks, spread, studies) for blocks, spread in ((3, 0.02), (5, 0.05), (10, 0.09))]
        print(f"| {case} | {' | '.join(f'{100 * one:.1f} %' for one in told)} |", flush=True)


if __name__ == "__main__":
    main()
