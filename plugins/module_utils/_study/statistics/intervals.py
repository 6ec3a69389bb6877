# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals of repeated timings: medians, ratios, speed-up. PRIVATE, can break at any time.

Times are positive, skewed to the right, and what disturbs them multiplies; so every interval is computed on the
logarithm of the times and transformed back. Below three values there is no interval: the answer is "cannot tell".

Sources:
  Unequal variances: Welch, Biometrika 34 (1947) 28-35; Satterthwaite, Biometrics Bulletin 2 (1946) 110-114.
  Serial fraction: Karp and Flatt, Communications of the ACM 33 (1990) 539-543.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev, variance

from .student_t import student_quantile, student_tail

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


def exponential(log: float) -> float:
    """Back from a logarithm; times of a damaged ledger may lie farther apart than any number is large."""
    return math.exp(min(log, LARGEST_LOG))


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


def ratio_of(mean: float, error: float, df: float, *, n: int, paired: bool, confidence: float) -> Ratio:
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
    return ratio_of(difference, math.sqrt(total), df, n=n, paired=False, confidence=confidence)


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
        return ratio_of(fmean(steps), error, len(steps) - 1, n=len(steps), paired=True, confidence=confidence)
    if min(len(logs), len(others)) >= MINIMUM:
        return _welch(list(logs.values()), list(others.values()), confidence)
    center = exponential(fmean(logs.values()) - fmean(others.values()))
    return Ratio(center, None, None, min(len(logs), len(others)), None, False)


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
