# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Autosize against a full grid of sizes, on simulated trainings of planted laws: the table of docs/autosize.md.

Each row has many trainings of 1 to 32 workers. The grid measures all 32 sizes: with five blocks, or with adaptive blocks. Machine-seconds are
seconds times workers, as with a machine for each worker; the share of seconds is that of a cluster that stands until the end.
Usage: python tests/benchmarks/autosize_simulation.py [trainings a row] [goal] [laws, such as usl,queueing]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.adaptive import Rules, look
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.comparison import Terms, step_down
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.sequential import FIRST

from tests.fixtures.sized import MOST, NOISE, OPTIMA, law, named, search

BLOCKS = 5
DRIFT = 0.05


class Row(NamedTuple):
    """Means over the trainings: runs, seconds, machine-seconds, and the share that takes a size within 5 % of the best time."""

    runs: float
    seconds: float
    machine: float
    right: float


def noise(studies: int, blocks: int, spread: float, random: Any) -> Any:
    return random.normal(0, spread, (studies, blocks, MOST)) + random.normal(0, DRIFT, (studies, blocks, 1))


def taken(means: Any, high: Any) -> Any:
    """The smallest size that is the fastest, or certain to be as fast within 5 %."""
    ok = high < np.log(1.05)
    ok[np.arange(len(means)), means.argmin(1)] = True
    return ok.argmax(1)


def is_right(truth: Any, chosen: Any) -> Any:
    return truth[chosen] <= truth.min() + np.log(1.05) + 1e-9


def fixed(truth: Any, spread: float, studies: int, random: Any) -> Row:
    logs = truth + noise(studies, BLOCKS, spread, random)
    told = step_down(logs, np.ones((studies, MOST), dtype=bool), Terms(error=0.05))[1]
    chosen = taken(logs.mean(1), told.high)
    seconds = np.exp(logs).sum(1)
    return Row(BLOCKS * MOST, seconds.sum(1).mean(), (seconds * WORKERS).sum(1).mean(), is_right(truth, chosen).mean())


WORKERS = np.arange(1, MOST + 1)


def adaptive(truth: Any, spread: float, studies: int, random: Any) -> Row:
    rules = Rules()
    logs = truth + noise(studies, rules.last, spread, random)
    active, running = np.ones((studies, MOST), dtype=bool), np.ones(studies, dtype=bool)
    highs, used = np.full((studies, MOST), np.inf), np.zeros((studies, rules.last, MOST), dtype=bool)
    for blocks in range(1, rules.last + 1):
        rows = np.flatnonzero(running)
        used[rows, blocks - 1] = active[rows]
        if blocks < FIRST or not len(rows):
            continue
        left, told, within = look(logs[rows, :blocks], active[rows], rules)
        highs[rows] = np.where(active[rows], told.high, highs[rows])
        active[rows] = left
        running[rows] = ~(within | ~left).all(1)
    means = np.where(active, np.where(used, logs, 0).sum(1) / used.sum(1), np.inf)
    chosen = taken(means, np.where(active, highs, np.inf))
    seconds = np.where(used, np.exp(logs), 0.0).sum(1)
    return Row(
        used.sum((1, 2)).mean(),
        seconds.sum(1).mean(),
        (seconds * WORKERS).sum(1).mean(),
        is_right(truth, chosen).mean(),
    )


def sized(truth: Any, spread: float, studies: int, goal: str) -> tuple[Row, dict[str, int]]:
    rows: list[tuple[float, ...]] = []
    why: dict[str, int] = {}
    for seed in range(studies):
        found = search(truth, spread, seed, goal=goal)
        at = np.array([size.workers for size, _seconds in found.runs])
        seconds = np.array([one for _size, one in found.runs])
        rows.append((len(at), seconds.sum(), (seconds * at).sum(), float(is_right(truth, found.taken.workers - 1))))
        why[found.why] = why.get(found.why, 0) + 1
    return Row(*map(float, np.array(rows).mean(0))), why


def table(studies: int, goal: str, laws: Sequence[str]) -> Iterator[str]:
    yield "law | optimum | noise | runs | machine-seconds of the grid | seconds of the grid | within 5 % | grid | adaptive: runs | machine-seconds | within 5 %"
    for kind in laws:
        for optimum in OPTIMA:
            truth = np.log(law(kind, optimum))
            for spread in NOISE:
                random = np.random.default_rng([1, OPTIMA.index(optimum), int(100 * spread)])
                grid, more = (
                    fixed(truth, spread, studies, random),
                    adaptive(truth, spread, max(1, studies // 3), random),
                )
                mine, why = sized(truth, spread, studies, goal)
                cells = [
                    f"{mine.runs:.0f}",
                    f"{mine.machine / grid.machine:.0%}",
                    f"{mine.seconds / grid.seconds:.0%}",
                    f"{mine.right:.1%}",
                ]
                cells += [
                    f"{grid.right:.1%}",
                    f"{more.runs:.0f}",
                    f"{more.machine / grid.machine:.0%}",
                    f"{more.right:.1%}",
                ]
                ends = ", ".join(f"{code} {number}" for code, number in sorted(why.items()))
                yield f"{kind} | {named(optimum)} | {spread:.0%} | {' | '.join(cells)} | {ends}"


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    began = time.monotonic()
    print(f"{studies} trainings a row")
    goal = sys.argv[2] if len(sys.argv) > 2 else "time"
    laws = sys.argv[3] if len(sys.argv) > 3 else "amdahl,usl,queueing"
    for line in table(studies, goal, laws.split(",")):
        print(line, flush=True)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
