# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All cells of a study compared with the fastest one. PRIVATE, can break at any time.

The functions with `studies` in their shapes compare many studies at once; a real study is the only one of its table.
docs/statistics.md explains the method and has the simulated error rates.

Sources:
  Blocks: Box, Hunter and Hunter, Statistics for Experimenters, 2nd ed. (2005), chapter 4.
  Variances of cells that scatter differently: Grubbs, Journal of the American Statistical Association 43 (1948) 243-264.
  Their moderation: Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004) 3.
  Unequal variances of two cells: Welch, Biometrika 34 (1947) 28-35; of all pairs: Games and Howell, Journal of Educational
    Statistics 1 (1976) 113-125.
  Stepping down: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType
from typing import Any

from .intervals import CONFIDENCE, EXACT, LARGEST_LOG, MINIMUM, Ratio, ratio_interval
from .scientific import numpy, special

# The weights of the blocks' means and the cells' variances depend on each other; after three rounds they change no verdict.
ROUNDS = 3
NEWTON_STEPS = 8  # exact up to a variance of logarithms of 1000
# Of the error: what the moderation and Welch's degrees of freedom may cost, by simulation (docs/statistics.md).
KEPT_BACK = 0.1
MARGIN = 0.05  # where a study asks for no other
ONE_PLOT: Mapping[str, Hashable] = MappingProxyType({})

Level = Callable[[float], float]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On which terms cells are compared: `error` is what all of them, and all looks, may have together.

    `level` turns a one-sided error of all looks into the error of this look. `beside` further cells are compared otherwise and
    have their share. `plots` says by a number which whole plot of a split-plot design each cell belongs to; None is one plot.
    """

    error: float
    level: Level = lambda error: error
    beside: int = 0
    plots: Any = None


@dataclass(frozen=True)
class Comparison:
    """Every cell against the fastest one. `best` is empty when no cell has enough runs to be called the fastest.

    `ratios` have simultaneous intervals: with the confidence asked for, all of them together hold the truth. `slower` are the
    cells whose interval lies above 1, `tied` those whose interval does not, `unknown` those with too few values.
    """

    best: str
    ratios: dict[str, Ratio]
    tied: tuple[str, ...]
    slower: tuple[str, ...]
    unknown: tuple[str, ...]
    # A share of the fastest cell's time.
    margin: float = MARGIN
    # Cells with a censored run, which are none of the above: a lower bound of their ratio, None where nothing is known.
    censored: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def within(self) -> tuple[str, ...]:
        """The cells, slower ones too, that are certain to take no longer than the margin allows."""
        highs = {name: ratio.high for name, ratio in self.ratios.items()}
        return tuple(name for name, high in highs.items() if high is not None and high < 1.0 + self.margin)

    @property
    def same(self) -> tuple[str, ...]:
        """Of these the tied ones: as fast as the fastest within the margin."""
        return tuple(name for name in self.tied if name in self.within)


@dataclass(frozen=True)
class Limits:
    """Logarithms of ratios to each study's fastest cell, shape (studies, cells); `leader` has the shape (studies,)."""

    leader: Any
    center: Any
    low: Any
    high: Any


def pair_errors(cells: int, error: float) -> tuple[float, float]:
    """The one-sided errors of a lower and of an upper bound, such that all of `cells` cells together err by `error`.

    Any two cells may be the ones that are compared, because the fastest is chosen by a look at the data: so all ordered pairs
    share the error of lower bounds. An upper bound errs only where the fastest one seems too fast. There are no more of these
    than other cells, and half the error is for them.
    """
    spent = error * (1.0 - KEPT_BACK)
    return spent / (cells * (cells - 1.0)), spent / 2.0 / (cells - 1.0)


def spreads(logs: Any, active: Any) -> tuple[Any, Any, Any, Any]:
    """Variances of the cells without the spread between blocks, and degrees of freedom: their own, the prior's, the pool's.

    `logs` has the shape (studies, blocks, cells), `active` (studies, cells): all blocks of an active cell have a value. Cells
    lend each other as much certainty as their own variances bear out. A prior of all cells' variances counts at most
    (n - 1) (min(n, k) - 2) / 2 degrees of freedom, with n blocks and k cells, because few blocks cannot show that a cell
    scatters more than the others, and few cells do not make a prior. No variance is taken for smaller than the cell's own. Two
    cells have the variance of the paired t test.
    """
    np, blocks = numpy(), logs.shape[1]
    values = np.where(active[:, None, :], logs, 0.0)
    centred = values - values.mean(1, keepdims=True)
    cells = active.sum(1, keepdims=True)
    most = (blocks - 1) * np.maximum(np.minimum(blocks, cells) - 2, 0) / 2.0
    weight = active / cells
    for _round in range(ROUNDS):
        by_block = (centred * weight[:, None, :]).sum(2, keepdims=True)
        squares = ((centred - by_block) ** 2).sum(1)
        df = (blocks - 1) * (1.0 - np.minimum(weight, 0.5))
        own = np.maximum(squares / df, EXACT**2)
        prior, prior_df = _prior(own, df, active, most)
        moderated = (prior_df * prior + df * own) / (prior_df + df)
        weight = _shares(np.where(active, 1.0 / moderated, 0.0))
    pooled_df = np.where(active, df, 0.0).sum(1, keepdims=True)
    return np.maximum(moderated, own), df, prior_df, pooled_df


def _shares(weight: Any) -> Any:
    """No cell makes up more than half of a block's mean: it would hide its own spread."""
    weight = numpy().minimum(weight / weight.sum(1, keepdims=True), 0.5)
    return weight / weight.sum(1, keepdims=True)


def _prior(own: Any, df: Any, active: Any, most: Any) -> tuple[Any, Any]:
    """Smyth's estimates: the common variance, and how many degrees of freedom it is worth, at most `most`."""
    np, functions = numpy(), special()
    half, cells = df / 2.0, active.sum(1, keepdims=True)

    def mean(values: Any) -> Any:
        return np.where(active, values, 0.0).sum(1, keepdims=True) / cells

    logs = np.log(own) - functions.digamma(half) + np.log(half)
    middle = mean(logs)
    beyond = mean((logs - middle) ** 2) * cells / np.maximum(cells - 1, 1) - mean(trigamma(half))
    differ = beyond > 0
    prior_df = np.where(differ, np.minimum(2.0 * _inverse_trigamma(np.where(differ, beyond, 1.0)), most), most)
    few = np.maximum(prior_df, EXACT) / 2.0
    varied = np.exp(middle + functions.digamma(few) - np.log(few))
    pooled = mean(own * df) / mean(df)
    return np.where(differ & (prior_df > EXACT), varied, pooled), prior_df


def trigamma(value: Any) -> Any:
    """To 12 digits, in an eighth of the time of scipy's zeta function: a forecast asks for many thousands of them.

    By its recurrence up to an argument whose asymptotic series is short: Schneider, Algorithm AS 121, Applied Statistics 27 (1978) 97-99.
    """
    below, steps = 0.0, 8
    for step in range(steps):
        inverse = 1.0 / (value + step)
        below = below + inverse * inverse
    far = 1.0 / (value + steps)
    square = far * far
    series = 1.0 / 6.0 - square * (1.0 / 30.0 - square * (1.0 / 42.0 - square * (1.0 / 30.0 - square * 5.0 / 66.0)))
    return below + far * (1.0 + far * (0.5 + far * series))


def _inverse_trigamma(value: Any) -> Any:
    """By Newton's method, as in the appendix of Smyth 2004."""
    found = 0.5 + 1.0 / value
    for _step in range(NEWTON_STEPS):
        here = trigamma(found)
        found = found - here * (1.0 - here / value) / (2.0 * special().zeta(3.0, found))
    return found


def limits(logs: Any, active: Any, terms: Terms) -> Limits:
    """Simultaneous limits of every active cell's ratio to the fastest active one; infinite for the others."""
    np, blocks = numpy(), logs.shape[1]
    means = np.where(active, np.where(active[:, None, :], logs, 0.0).mean(1), np.inf)
    leader = means.argmin(1)
    best = np.arange(len(leader)), leader
    variance, df, prior_df, pooled_df = spreads(logs, active)
    total = variance + variance[best][:, None]
    welch = total**2 / (variance**2 / df + (variance[best] ** 2 / df[best])[:, None])
    # Both cells have the same prior, so it counts once.
    pair_df = np.minimum(prior_df + welch, pooled_df)
    if terms.plots is not None:
        # Cells of one whole plot share its error, so only a pair's own differences show the error between two plots.
        differences = logs - logs[best[0], :, best[1]][:, :, None]
        apart = active & (terms.plots[None, :] != terms.plots[leader][:, None])
        total = np.where(apart, np.maximum(differences.var(1, ddof=1), EXACT**2), total)
        pair_df = np.where(apart, blocks - 1.0, pair_df)
    reach = np.sqrt(total / blocks)
    below, above = _quantiles(active, pair_df, terms)
    center = means - means[best][:, None]
    low, high = np.where(active, center - below * reach, -np.inf), np.where(active, center + above * reach, np.inf)
    return Limits(leader, center, low, high)


def _quantiles(active: Any, df: Any, terms: Terms) -> tuple[Any, Any]:
    """Of Student's t for the lower and for the upper limits of the active cells."""
    np, below, above = numpy(), numpy().zeros(df.shape), numpy().zeros(df.shape)
    cells = active.sum(1) + terms.beside
    for number in np.unique(cells[cells > 1]):
        asked = active & (cells == number)[:, None]
        for quantiles, share in zip((below, above), pair_errors(int(number), terms.error), strict=True):
            quantiles[asked] = -special().stdtrit(df[asked], terms.level(share))
    return below, above


def step_down(logs: Any, active: Any, terms: Terms) -> tuple[Any, Limits]:
    """The active cells that are not slower than the fastest, and the limits by which each was decided.

    Cells that are slower need no share of the error any longer, so the others are compared again without them.
    """
    np = numpy()
    told = limits(logs, active, terms)
    active, leader = active.copy(), told.leader.copy()
    center, low, high = told.center.copy(), told.low.copy(), told.high.copy()
    # The studies in which a cell was found to be slower; nothing changes in the others.
    rows = np.arange(len(active))
    while True:
        slower = active[rows] & (told.low > 0.0)
        changed = slower.any(1)
        if not changed.any():
            return active, Limits(leader, center, low, high)
        active[rows] &= ~slower
        rows = rows[changed]
        told = limits(logs[rows], active[rows], terms)
        leader[rows] = told.leader
        for whole, part in ((center, told.center), (low, told.low), (high, told.high)):
            whole[rows] = np.where(active[rows], part, whole[rows])


def complete_table(cells: Mapping[str, Mapping[int, float]]) -> tuple[list[str], list[int]]:
    """The cells and blocks of the table without a gap that has most degrees of freedom; none without three common blocks."""
    best: tuple[int, list[str], list[int]] = (0, [], [])
    for least in sorted({len(cell) for cell in cells.values()}, reverse=True):
        names = [name for name, cell in cells.items() if len(cell) >= least]
        blocks = sorted(set.intersection(*(set(cells[name]) for name in names)))
        freedom = (len(names) - 1) * (len(blocks) - 1)
        if len(blocks) >= MINIMUM and freedom > best[0]:
            best = freedom, names, blocks
    return best[1], best[2]


def log_table(cells: Mapping[str, Mapping[int, float]], names: Sequence[str], blocks: Sequence[int]) -> Any:
    """The logarithms as a table of one study, shape (1, blocks, cells)."""
    return numpy().array([[[math.log(cells[name][block]) for name in names] for block in blocks]], dtype=float)


def ratios_of(names: Sequence[str], told: Limits, blocks: int) -> dict[str, Ratio]:
    """The ratios of a study's cells to its fastest one, which is left out."""
    np = numpy()
    ends = (np.exp(np.minimum(part[0], LARGEST_LOG)).tolist() for part in (told.center, told.low, told.high))
    found = {
        name: Ratio(center, low, high, blocks, None, True) for name, center, low, high in zip(names, *ends, strict=True)
    }
    del found[names[int(told.leader[0])]]
    return found


def compare_with_best(
    cells: Mapping[str, Mapping[int, float]],
    confidence: float = CONFIDENCE,
    plots: Mapping[str, Hashable] = ONE_PLOT,
) -> Comparison:
    """Hold every cell (its values by block) against the cell with the lowest geometric mean.

    Cells with gaps are compared one by one, paired by block or by Welch's test. `plots` are the whole plots of cells in a
    split-plot design, such as their numbers of nodes; empty for any other design.
    """
    enough = {name: cell for name, cell in cells.items() if len(cell) >= MINIMUM}
    if not enough:
        return Comparison("", {}, (), (), tuple(cells))
    best, ratios = _jointly(enough, confidence, plots)
    pair = 1.0 - 2.0 * pair_errors(max(2, len(enough)), 1.0 - confidence)[0]

    def alone(names: Iterable[str]) -> dict[str, Ratio]:
        return {name: ratio_interval(cells[name], cells[best], pair) for name in names if name != best}

    beside = alone(name for name in enough if name not in ratios)
    if faster := [name for name, ratio in beside.items() if ratio.center < 1.0]:
        best = min(faster, key=lambda name: beside[name].center)
        ratios, beside = {}, alone(enough)
    ratios |= beside | alone(name for name in cells if name not in enough)
    ordered = sorted(ratios, key=lambda name: ratios[name].center)
    unknown = tuple(name for name in ordered if ratios[name].low is None)
    slower = tuple(name for name in ordered if (ratios[name].low or 0.0) > 1.0)
    tied = tuple(name for name in ordered if name not in slower and name not in unknown)
    return Comparison(best, ratios, tied, slower, unknown)


def lower_bounds(
    cells: Mapping[str, Mapping[int, float]],
    best: Mapping[int, float],
    compared: int,
    confidence: float = CONFIDENCE,
) -> dict[str, float | None]:
    """Of the ratio of each cell with censored runs to the best one; None below three runs that are not censored.

    `cells` are the times of those runs, and `compared` the number of cells without any censored run. A censored run took longer than
    any that is not, so the others alone give a ratio that is at most the cell's own (docs/statistics.md).
    """
    pair = 1.0 - 2.0 * pair_errors(max(2, compared + len(cells)), 1.0 - confidence)[0]
    known = {name: times for name, times in cells.items() if times and best}
    return dict.fromkeys(cells) | {name: ratio_interval(times, best, pair).low for name, times in known.items()}


def _jointly(
    cells: Mapping[str, Mapping[int, float]], confidence: float, plots: Mapping[str, Hashable]
) -> tuple[str, dict[str, Ratio]]:
    """The fastest cell, and the ratios of those that have all their blocks in common with it."""
    names, blocks = complete_table(cells)
    if not blocks:
        return min(cells, key=lambda name: fmean(map(math.log, cells[name].values()))), {}
    logs, active = log_table(cells, names, blocks), numpy().ones((1, len(names)), dtype=bool)
    terms = Terms(error=1.0 - confidence, beside=len(cells) - len(names), plots=plots_of(names, plots))
    told = step_down(logs, active, terms)[1]
    return names[int(told.leader[0])], ratios_of(names, told, len(blocks))


def plots_of(names: Sequence[str], plots: Mapping[str, Hashable]) -> Any:
    """The whole plots of the cells, numbered; None when all are one."""
    numbers = {plot: number for number, plot in enumerate(dict.fromkeys(plots.get(name) for name in names))}
    return numpy().array([numbers[plots.get(name)] for name in names]) if len(numbers) > 1 else None
