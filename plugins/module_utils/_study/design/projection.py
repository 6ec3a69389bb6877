# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many runs an adaptive study will still have: its looks, played to the end on simulated blocks. PRIVATE, can break at any time.

A future draws each open cell's level and its blocks from the records, and then decides as the study will (statistics/adaptive.py). All
futures are played at once.

Sources:
  Parametric bootstrap: Efron, Annals of Statistics 7 (1979) 1-26.
  Levels drawn towards each other: Efron and Morris, Journal of the American Statistical Association 68 (1973) 117-130.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..statistics.adaptive import Rules, look
from ..statistics.comparison import complete_table, log_table
from ..statistics.scientific import numpy
from ..statistics.sequential import FIRST

# Even: half of them draw the levels towards each other. In a large study the cells make up for futures.
FUTURES, FEWEST = 60, 20
# Numbers drawn, which are futures, blocks and cells multiplied: those for which futures are kept, and those that would hold up a sweep.
USUALLY_DRAWN, MOST_DRAWN = 24_000, 100_000
SEED = 20201
# Degrees of freedom of the variances that are drawn, and of the tails of runs.
FREEDOM = 4.0


class Level(NamedTuple):
    """Of a cell: the mean logarithm of its seconds, its variance, and the variance of one block around it."""

    log: float
    shared: float
    rest: float


def can_be_played(cells: int, rules: Rules, last: int) -> bool:
    """Whether a study of so many open cells can be played beyond block `last`."""
    return (
        rules.target_ci is None
        and _number_of_futures(cells, rules) * rules.last * cells <= MOST_DRAWN
        and last < rules.last
    )


def _number_of_futures(cells: int, rules: Rules) -> int:
    return max(FEWEST, min(FUTURES, USUALLY_DRAWN // (rules.last * cells) // 2 * 2))


def further_runs(times: Mapping[str, Mapping[int, float]], levels: Mapping[str, Level], rules: Rules, last: int) -> Any:
    """Runs of each cell beyond block `last` in each future, shape (futures, cells), in the order of `levels`.

    `times` are seconds by block, `levels` those of the open cells of one group; `last` is the last block that is certain to
    come. Whether it can be played is asked before.
    """
    names = list(levels)
    np = numpy()
    logs, known = _futures(times, levels, rules)
    runs = np.zeros((len(logs), len(names)))
    active, going = np.ones(runs.shape, dtype=bool), np.ones(len(logs), dtype=bool)
    top = max((max(times.get(name, {0: 0.0}), default=0) for name in names), default=0)
    for block in range(max(FIRST, top), rules.last):
        # Blocks in which a cell has no time are no part of the table.
        table = logs[:, : max(FIRST, known + block - top), :]
        rows = np.flatnonzero(going)
        left, _told, within = look(table[rows], active[rows], rules)
        active[rows] = left
        going[rows] = ~(within | ~left).all(1) & (left.sum(1) > 1)
        if block >= last:
            runs += active & going[:, None]
        if not going.any():
            break
    return runs


def _futures(times: Mapping[str, Mapping[int, float]], levels: Mapping[str, Level], rules: Rules) -> tuple[Any, int]:
    """Logarithms, shape (futures, blocks, cells): the recorded ones first, then drawn ones; and the number of the former."""
    np, names = numpy(), list(levels)
    draw = np.random.default_rng(SEED)
    center, shared, rest = (np.array([getattr(levels[name], key) for name in names]) for key in Level._fields)
    futures = _number_of_futures(len(names), rules)
    shape, drawn = (futures // 2, 1, len(names)), []
    # Whether cells that look different are so: half of the futures draw them towards each other.
    for mean, variance in ((center, shared), _shrunk(center, shared)):
        drawn.append(mean + np.sqrt(variance) * draw.standard_normal(shape))
    # Variances are as little known as FREEDOM says, and now and then a run is late.
    varied = rest * FREEDOM / draw.chisquare(FREEDOM, (futures, 1, len(names)))
    tails = draw.standard_t(FREEDOM, (futures, rules.last, len(names))) * math.sqrt(1.0 - 2.0 / FREEDOM)
    logs = np.concatenate(drawn) + np.sqrt(varied) * tails
    table, blocks = complete_table({name: times.get(name, {}) for name in names})
    if len(table) < len(names):
        return logs, 0
    logs[:, : len(blocks), :] = log_table(times, names, blocks)
    return logs, len(blocks)


def _shrunk(center: Any, shared: Any) -> tuple[Any, Any]:
    """The levels by empirical Bayes: near each other where they differ no more than their errors explain."""
    if len(center) < 2:
        return center, shared
    middle = center.mean()
    between = max(0.0, center.var(ddof=1) - shared.mean())
    weight = between / (between + shared)
    return middle + weight * (center - middle), weight * shared


def chosen_of(seconds: Any) -> tuple[list[int], list[int], list[int]]:
    """Numbers of the shortest, the middle and the longest future of each half, because which half is right shows later.

    `seconds` has one value for each future.
    """
    np, half = numpy(), len(seconds) // 2
    orders = [np.argsort(seconds[:half], kind="stable"), half + np.argsort(seconds[half:], kind="stable")]
    places = (0, half // 2, half - 1)
    short, middle, long = ([int(order[place]) for order in orders] for place in places)
    return short, middle, long
