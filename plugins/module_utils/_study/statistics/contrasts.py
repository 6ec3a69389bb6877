# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds of ratios between chosen cells, and of the greatest and least of several ratios. PRIVATE, can break at any time.

A question such as "is some number of workers faster than both ends?" asks for the least of the greatest of ratios. Its bounds
follow from those of the ratios. A lower bound of the least needs no share of the error: the bound of that ratio which truly is
the least suffices. A lower bound of the greatest shares the error, because each of its ratios may seem too great. Upper bounds
are the mirror image.

Sources:
  Intersections and unions of hypotheses: Berger, Technometrics 24 (1982) 295-300.
  Degrees of freedom of a weighted sum: Satterthwaite, Biometrics Bulletin 2 (1946) 110-114.
  Variances: as in comparison.py.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from .comparison import ONE_PLOT, complete_table, log_table, spreads
from .intervals import EXACT, MINIMUM
from .scientific import numpy, special


class Sample:
    """The cells' positive times by block. `plots` are as in compare_with_best."""

    def __init__(self, times: Mapping[str, Mapping[int, float]], plots: Mapping[str, Hashable] = ONE_PLOT) -> None:
        self.times, self.plots = times, plots
        self._known: dict[tuple[tuple[str, float], ...], tuple[float, float, float, int]] = {}
        names, blocks = complete_table(times)
        self._places = {name: place for place, name in enumerate(names)}
        if names:
            logs, active = log_table(times, names, blocks), numpy().ones((1, len(names)), dtype=bool)
            self._logs, (self._variance, self._df, prior, pool) = logs[0], (part[0] for part in spreads(logs, active))
            self._prior_df, self._pooled_df = float(prior[0]), float(pool[0])

    def mean(self, weights: Mapping[str, float]) -> float:
        """The weighted sum of the cells' mean logarithms."""
        return sum(weight * fmean(map(math.log, self.times[name].values())) for name, weight in weights.items())

    def estimate(self, weights: Mapping[str, float]) -> tuple[float, float, float, int]:
        """The weighted sum, its standard error, degrees of freedom and blocks.

        Cells of one whole plot have the variances of the whole study. Others, and cells with gaps, are compared within each
        block, as in the paired t test. With fewer than three common blocks the standard error is infinite.
        """
        key = tuple(weights.items())
        if key not in self._known:
            self._known[key] = self._estimate(weights)
        return self._known[key]

    def _estimate(self, weights: Mapping[str, float]) -> tuple[float, float, float, int]:
        if all(name in self._places for name in weights):
            columns = [self._places[name] for name in weights]
            sums = self._logs[:, columns] @ numpy().array(list(weights.values()))
            if len({self.plots.get(name) for name in weights}) == 1:
                shares = [
                    weight**2 * float(self._variance[at]) for at, weight in zip(columns, weights.values(), strict=True)
                ]
                total = sum(shares)
                welch = total**2 / sum(
                    share**2 / float(self._df[at]) for at, share in zip(columns, shares, strict=True)
                )
                # Less than in a whole comparison, where many pairs share the error: a cell that scatters more than the others would
                # get too much certainty from them (5 to 6 % of wrong verdicts with three or four blocks).
                lent = max(0.0, self._prior_df - (len(sums) - 1))
                freedom = min(lent + welch, self._pooled_df)
                return float(sums.mean()), math.sqrt(total / len(sums)), freedom, len(sums)
            values = [float(value) for value in sums]
        else:
            common = sorted(set.intersection(*(set(self.times[name]) for name in weights)))
            values = [
                sum(weight * math.log(self.times[name][block]) for name, weight in weights.items()) for block in common
            ]
        if len(values) < MINIMUM:
            return self.mean(weights), math.inf, 1.0, len(values)
        error = max(stdev(values), EXACT) / math.sqrt(len(values))
        return fmean(values), error, len(values) - 1.0, len(values)


class Quantity(ABC):
    """The logarithm of a ratio of times, or the greatest or least of several."""

    @abstractmethod
    def center(self, sample: Sample) -> float: ...

    @abstractmethod
    def low(self, sample: Sample, error: float) -> float:
        """A lower bound that is too high with probability `error` at most."""

    @abstractmethod
    def __neg__(self) -> Quantity: ...

    @abstractmethod
    def decisive(self, sample: Sample) -> Ratio:
        """The ratio that the centre is."""

    def high(self, sample: Sample, error: float) -> float:
        return -(-self).low(sample, error)


@dataclass(frozen=True)
class Ratio(Quantity):
    """The mean over pairs of the logarithm of `over / under`, plus the logarithm of a known factor.

    `over` and `under` are names of cells, in pairs. `factor` makes seconds into worker-seconds or node-seconds.
    """

    over: tuple[str, ...]
    under: tuple[str, ...]
    factor: float = 1.0

    @property
    def weights(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for names, sign in ((self.over, 1.0), (self.under, -1.0)):
            for name in names:
                found[name] = found.get(name, 0.0) + sign / len(names)
        return found

    def center(self, sample: Sample) -> float:
        return sample.estimate(self.weights)[0] + math.log(self.factor)

    def low(self, sample: Sample, error: float) -> float:
        center, standard, df, _blocks = sample.estimate(self.weights)
        reach = -float(special().stdtrit(df, error)) * standard
        return center + math.log(self.factor) - reach

    def __neg__(self) -> Ratio:
        return Ratio(self.under, self.over, 1.0 / self.factor)

    def decisive(self, sample: Sample) -> Ratio:  # noqa: ARG002 - it is the only one
        return self


@dataclass(frozen=True)
class Greatest(Quantity):
    of: Sequence[Quantity]

    def center(self, sample: Sample) -> float:
        return max(one.center(sample) for one in self.of)

    def low(self, sample: Sample, error: float) -> float:
        return max(one.low(sample, error / len(self.of)) for one in self.of)

    def __neg__(self) -> Least:
        return Least([-one for one in self.of])

    def decisive(self, sample: Sample) -> Ratio:
        return max(self.of, key=lambda one: one.center(sample)).decisive(sample)


@dataclass(frozen=True)
class Least(Quantity):
    of: Sequence[Quantity]

    def center(self, sample: Sample) -> float:
        return min(one.center(sample) for one in self.of)

    def low(self, sample: Sample, error: float) -> float:
        return min(one.low(sample, error) for one in self.of)

    def __neg__(self) -> Greatest:
        return Greatest([-one for one in self.of])

    def decisive(self, sample: Sample) -> Ratio:
        return min(self.of, key=lambda one: one.center(sample)).decisive(sample)
