# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of repeated timings: medians, ratios and what cannot be told apart. PRIVATE, can break at any time.

Times are positive, skewed to the right, and what disturbs them multiplies; so every interval is computed on the
logarithm of the times and transformed back. Below three values there is no interval: the answer is "cannot tell".

Sources:
  Student's t: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.5.8 and 26.7.1.
  Its continued fraction: Lentz's method as in Press et al., Numerical Recipes, 3rd ed. (2007), section 6.4.
  Unequal variances: Welch, Biometrika 34 (1947) 28-35; Satterthwaite, Biometrics Bulletin 2 (1946) 110-114.
  Blocks: Box, Hunter and Hunter, Statistics for Experimenters, 2nd ed. (2005), chapter 4.
  Several comparisons: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
  Serial fraction: Karp and Flatt, Communications of the ACM 33 (1990) 539-543.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev, variance

CONFIDENCE = 0.95
LARGEST_LOG = 700.0  # the exponential of more is no number any longer: an interval so wide ends there
EXACT = 1e-12  # a spread of logarithms below this is the rounding of equal values
MINIMUM = 3  # with two values an interval has one degree of freedom: it spans a factor of e^(9 s) and says nothing


@dataclass(frozen=True)
class Estimate:
    """A centre, and the interval that holds it with the confidence asked for; none when there are too few values."""

    center: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Ratio:
    """How many times longer one cell takes than another. `paired` tells whether the blocks cancelled machine drift."""

    center: float
    low: float | None
    high: float | None
    n: int
    p_value: float | None
    paired: bool


@dataclass(frozen=True)
class Comparison:
    """Every cell against the fastest one. `best` is empty when no cell has enough runs to be called the fastest."""

    best: str
    ratios: dict[str, Ratio]
    tied: tuple[str, ...]
    slower: tuple[str, ...]
    unknown: tuple[str, ...]


def exponential(log: float) -> float:
    """Back from a logarithm; times of a damaged ledger may lie farther apart than any number is large."""
    return math.exp(min(log, LARGEST_LOG))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / ((1.0 - (a + b) * x / (a + 1.0)) or tiny)
    h = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / ((1.0 + term * d) or tiny)
            c = (1.0 + term / c) or tiny
            h *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return h


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


def student_tail(t: float, df: float) -> float:
    """Two-sided: the probability that Student's t with `df` degrees of freedom lies farther from zero than `t`."""
    return 1.0 if t == 0.0 else _incomplete_beta(df / (df + t * t), df / 2.0, 0.5)


def student_quantile(confidence: float, df: float) -> float:
    """The t that Student's t stays within, on both sides, with this probability."""
    low, high = 0.0, 1.0
    while student_tail(high, df) > 1.0 - confidence:
        high *= 2.0
    while (middle := (low + high) / 2.0) not in (low, high):
        if student_tail(middle, df) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The median of positive values, with the t interval of their logarithms.

    On the log scale a symmetric distribution's mean is its median, so the interval is one for the median.
    """
    if len(values) < MINIMUM:
        return Estimate(center=median(values), low=None, high=None, n=len(values))
    logs = [math.log(value) for value in values]
    reach = student_quantile(confidence, len(logs) - 1) * stdev(logs) / math.sqrt(len(logs))
    middle = fmean(logs)
    return Estimate(exponential(median(logs)), exponential(middle - reach), exponential(middle + reach), len(logs))


def _ratio(mean: float, error: float, df: float, *, n: int, paired: bool, confidence: float) -> Ratio:
    reach = student_quantile(confidence, df) * error
    p_value = student_tail(mean / error, df) if error > EXACT else float(abs(mean) <= EXACT)
    return Ratio(exponential(mean), exponential(mean - reach), exponential(mean + reach), n, p_value, paired)


def _welch(values: Sequence[float], reference: Sequence[float], confidence: float) -> Ratio:
    shares = [variance(sample) / len(sample) for sample in (values, reference)]
    total = sum(shares)
    weights = (share**2 / (len(sample) - 1) for share, sample in zip(shares, (values, reference), strict=True))
    df = total**2 / sum(weights) if total > 0 else len(values) + len(reference) - 2.0
    difference = fmean(values) - fmean(reference)
    n = min(len(values), len(reference))
    return _ratio(difference, math.sqrt(total), df, n=n, paired=False, confidence=confidence)


def ratio_interval(
    values: Mapping[int, float], reference: Mapping[int, float], confidence: float = CONFIDENCE
) -> Ratio:
    """The geometric mean of values / reference, each given by block.

    Runs of one block stand close in time. Dividing within a block cancels what the machine did between blocks, so
    blocks are paired when three or more are common to both; else the two are compared by Welch's test.
    """
    logs = {block: math.log(value) for block, value in values.items()}
    others = {block: math.log(value) for block, value in reference.items()}
    common = sorted(logs.keys() & others.keys())
    if len(common) >= MINIMUM:
        steps = [logs[block] - others[block] for block in common]
        error = stdev(steps) / math.sqrt(len(steps))
        return _ratio(fmean(steps), error, len(steps) - 1, n=len(steps), paired=True, confidence=confidence)
    if min(len(logs), len(others)) >= MINIMUM:
        return _welch(list(logs.values()), list(others.values()), confidence)
    center = exponential(fmean(logs.values()) - fmean(others.values()))
    return Ratio(center, None, None, min(len(logs), len(others)), None, False)


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
        name: _ratio(mean, error, df, n=len(blocks), paired=True, confidence=confidence) for name, mean in means.items()
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


def speed_up(reference_seconds: float, seconds: float) -> float:
    """How many times faster than the reference."""
    return reference_seconds / seconds


def efficiency(gain: float, times_the_workers: float) -> float:
    """The share of the ideal speed-up that was reached: 1 when n times the workers are n times as fast."""
    return gain / times_the_workers


def karp_flatt(gain: float, times_the_workers: float) -> float | None:
    """The experimentally determined serial fraction; none when the workers are not more than the reference's."""
    if times_the_workers <= 1:
        return None
    return (1.0 / gain - 1.0 / times_the_workers) / (1.0 - 1.0 / times_the_workers)
