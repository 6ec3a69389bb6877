# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resampled means of a study's cells: a bootstrap over its blocks. PRIVATE, can break at any time.

A block is resampled as a whole, so cells keep what the machine did to all of them. Each block's deviations are multiplied by a
normal number (the multiplier bootstrap), because three blocks drawn with replacement give ten samples only. The result is divided
by a chi-squared one: then the interval of a mean, or of a difference of two, is that of Student's t, however few the blocks are.

Sources:
  Whole blocks: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
  Multipliers: Wu, Annals of Statistics 14 (1986) 1261-1295; Cameron, Gelbach and Miller, Review of Economics and Statistics 90 (2008)
    414-427.
  Moderated variances: Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004) 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .intervals import CONFIDENCE, EXACT
from .scientific import numpy, special

RESAMPLES = 10_000
SEED = 20200623  # the same ledger gives the same bytes
# Degrees of freedom that all cells' common variance counts beside a cell's own: weights that follow the noise are worse than none.
PRIOR = 6.0


@dataclass(frozen=True)
class Sample:
    """Means of the logarithms of the cells' seconds, without the drift between blocks, and what they might have been.

    Shapes: (cells,), and (resamples, cells) of `draws` and `fresh`. `fresh` is the deviation of the mean of a cell like one of these
    that is measured in blocks of its own. `squares` is the sum of the weighted squares of all runs about these means, with `df`
    degrees of freedom.
    """

    means: Any
    draws: Any
    fresh: Any
    # Of the squares of the means' deviations: the runs of a cell, relative to the variance of a run.
    weights: Any
    squares: float
    df: int
    runs: int

    def only(self, kept: Any) -> Sample:
        """The same resamples of some of the cells; `kept` has the shape (cells,) and is true or false."""
        parts = (self.means[kept], self.draws[:, kept], self.fresh, self.weights[kept])
        share = float(kept.mean())
        return Sample(*parts, self.squares * share, max(1, round(self.df * share)), round(self.runs * share))


def resample(logs: Any, *, resamples: int = RESAMPLES, seed: int = SEED) -> Sample:
    """`logs` has the shape (blocks, cells) and holds logarithms of seconds; a run that is missing is NaN.

    Each cell needs two runs or more. The mean of the blocks' drifts is zero.
    """
    np = numpy()
    has = ~np.isnan(logs)
    runs, total = has.sum(0), int(has.sum())
    values = np.where(has, logs, 0.0)
    means, drift = _two_way(values, has)
    deviations = np.where(has, values - means, 0.0)
    noise = np.where(has, deviations - drift[:, None], 0.0)
    draw = np.random.default_rng(seed)
    multipliers = draw.standard_normal((resamples, len(logs)))
    uniform = draw.random(resamples)
    relative, level = _influence(deviations, has)
    scales = {count: _scale(int(count), uniform) for count in np.unique(np.append(runs, len(logs)))}
    own = np.stack([scales[count] for count in runs], axis=1)
    draws = means + (multipliers @ relative) * own + (multipliers @ level)[:, None] * scales[len(logs)][:, None]
    variance, pooled, df = _variances(noise, runs)
    fresh = _fresh(drift, variance, len(logs), scales[len(logs)], draw)
    squares = float(((noise**2).sum(0) * pooled / variance).sum())
    return Sample(means, draws, fresh, runs * pooled / variance, squares, df, total - len(logs) + 1)


def _two_way(values: Any, has: Any) -> tuple[Any, Any]:
    """Least squares of cell and block effects, also where runs are missing; the block effects have the mean zero."""
    np = numpy()
    relative, level = _influence(values, has)
    means = relative.sum(0) + level.sum()
    drift = np.where(has, values - means, 0.0).sum(1) / np.maximum(has.sum(1), 1)
    return means, drift


def _influence(values: Any, has: Any) -> tuple[Any, Any]:
    """What each block adds to the cells' means: relative to each other (blocks, cells), and to all alike (blocks,)."""
    np = numpy()
    shares = has / np.maximum(has.sum(1, keepdims=True), 1)
    middle = (shares * values).sum(1)
    crossed = np.diag(has.sum(0).astype(float)) - shares.T @ has
    relative = np.where(has, values - middle[:, None], 0.0) @ np.linalg.pinv(crossed, rcond=1e-10, hermitian=True)
    return relative, middle / len(values) - relative @ shares.mean(0)


def _scale(runs: int, uniform: Any) -> Any:
    """Turns a sum of `runs` deviations times normal numbers into one of Student's distribution."""
    return numpy().sqrt(runs / special().chdtri(runs - 1.0, uniform))


def _fresh(drift: Any, variance: Any, blocks: int, scale: Any, draw: Any) -> Any:
    """The mean drift of the new blocks, and the spread of the new cell's own runs: of which cell's kind it is, is not known."""
    np = numpy()
    own = np.sqrt(draw.choice(variance, len(scale)) / blocks) * draw.standard_normal(len(scale))
    return draw.standard_normal((len(scale), blocks)) @ (drift - drift.mean()) / blocks * scale + own


def _variances(noise: Any, runs: Any) -> tuple[Any, float, int]:
    """Of a run of each cell, of a run of any, and the degrees of freedom of the latter."""
    np = numpy()
    blocks, cells = noise.shape
    df = max(1, int(runs.sum()) - cells - blocks + 1)
    squares = np.maximum((noise**2).sum(0), EXACT**2)
    pooled = float(squares.sum() / df)
    # The block effects take their part of each cell's degrees of freedom.
    each = (runs - 1.0) * df / (runs - 1.0).sum()
    return (PRIOR * pooled + squares) / (PRIOR + each), pooled, df


def bounds_of(draws: Any, confidence: float = CONFIDENCE) -> tuple[Any, Any]:
    """The interval of each column of the resamples, by its quantiles."""
    tail = (1.0 - confidence) / 2.0
    low, high = numpy().quantile(draws, [tail, 1.0 - tail], axis=0)
    return low, high
