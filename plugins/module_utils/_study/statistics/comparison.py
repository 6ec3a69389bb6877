# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All cells of a study compared with the best one. PRIVATE, can break at any time.

Sources:
  Blocks: Box, Hunter and Hunter, Statistics for Experimenters, 2nd ed. (2005), chapter 4.
  Several comparisons: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from .intervals import CONFIDENCE, MINIMUM, Ratio, ratio_interval, ratio_of


@dataclass(frozen=True)
class Comparison:
    """Every cell against the fastest one. `best` is empty when no cell has enough runs to be called the fastest."""

    best: str
    ratios: dict[str, Ratio]
    tied: tuple[str, ...]
    slower: tuple[str, ...]
    unknown: tuple[str, ...]


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted so that all conclusions together are wrong no more often than one alone would be."""
    adjusted: dict[str, float] = {}
    floor = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = floor
    return adjusted


def block_error(cells: Sequence[Mapping[int, float]], blocks: Sequence[int]) -> tuple[float, int]:
    """The variance of logarithms that neither cell nor block explains, and its degrees of freedom.

    A two-way analysis of variance of a randomised complete block design. All cells lend their spread to one estimate:
    three blocks of five cells give it 8 degrees of freedom, where a pair of cells has 2.
    """
    rows = [[math.log(cell[block]) for block in blocks] for cell in cells]
    cell_means, block_means = [fmean(row) for row in rows], [fmean(column) for column in zip(*rows, strict=True)]
    grand = fmean(cell_means)
    left = [
        value - cell_mean - block_mean + grand
        for row, cell_mean in zip(rows, cell_means, strict=True)
        for value, block_mean in zip(row, block_means, strict=True)
    ]
    df = (len(rows) - 1) * (len(blocks) - 1)
    return sum(value**2 for value in left) / df, df


def _ratios_to(best: str, cells: Mapping[str, Mapping[int, float]], confidence: float) -> dict[str, Ratio]:
    """Ratios of all cells to the best, with the joint error of the design where enough blocks are complete."""
    others = [name for name in cells if name != best]
    blocks = sorted(set.intersection(*(set(cell) for cell in cells.values())))
    if len(blocks) < MINIMUM or not others:
        return {name: ratio_interval(cells[name], cells[best], confidence) for name in others}
    left, df = block_error(list(cells.values()), blocks)
    error = math.sqrt(2.0 * left / len(blocks))
    means = {
        name: fmean(math.log(cells[name][block]) - math.log(cells[best][block]) for block in blocks) for name in others
    }
    return {
        name: ratio_of(mean, error, df, n=len(blocks), paired=True, confidence=confidence)
        for name, mean in means.items()
    }


def compare_with_best(cells: Mapping[str, Mapping[int, float]], confidence: float = CONFIDENCE) -> Comparison:
    """Hold every cell (its values by block) against the cell with the lowest median.

    A cell is slower when it takes longer and its Holm-adjusted p-value is below 1 - confidence, tied ("cannot be told
    from the best") when not, unknown when it has too few values. Each ratio carries its own plain interval.
    """
    enough = {name: cell for name, cell in cells.items() if len(cell) >= MINIMUM}
    if not enough:
        return Comparison("", {}, (), (), tuple(cells))
    best = min(enough, key=lambda name: median(enough[name].values()))
    young = {name: ratio_interval(cells[name], cells[best], confidence) for name in cells if name not in enough}
    ratios = _ratios_to(best, enough, confidence) | young
    adjusted = holm({name: ratio.p_value for name, ratio in ratios.items() if ratio.p_value is not None})
    ordered = sorted(ratios, key=lambda name: ratios[name].center)
    slower = tuple(n for n in ordered if ratios[n].center > 1.0 and adjusted.get(n, 1.0) < 1.0 - confidence)
    unknown = tuple(name for name in ordered if name not in adjusted)
    tied = tuple(name for name in ordered if name not in slower and name not in unknown)
    return Comparison(best, ratios, tied, slower, unknown)
