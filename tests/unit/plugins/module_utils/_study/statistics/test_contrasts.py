# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds of ratios of chosen cells, and of the greatest and least of them."""

from __future__ import annotations

import math

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.contrasts import (
    Greatest,
    Least,
    Quantity,
    Ratio,
    Sample,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import ratio_interval

ERROR = 0.025


def cell(*values: float) -> dict[int, float]:
    return dict(enumerate(values, start=1))


FAST, SLOW, SLOWER = cell(4.0, 4.1, 3.9, 4.2), cell(6.0, 6.3, 5.7, 6.1), cell(8.1, 8.0, 8.4, 8.2)
SAMPLE = Sample({"fast": FAST, "slow": SLOW, "slower": SLOWER})


def ratio(over: str, under: str) -> Ratio:
    return Ratio((over,), (under,))


def bounds(quantity: Quantity, sample: Sample, error: float = ERROR) -> list[float]:
    return [quantity.low(sample, error), quantity.center(sample), quantity.high(sample, error)]


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(Sample({"slow": SLOW, "fast": FAST}), id="two cells"),
        pytest.param(
            Sample({"slow": SLOW, "fast": FAST, "slower": SLOWER}, {"slow": 1, "fast": 2, "slower": 2}),
            id="cells of two whole plots",
        ),
        pytest.param(
            Sample(
                {
                    "slow": SLOW | {9: 6.0},
                    "fast": FAST,
                    "other": dict.fromkeys(range(20, 40), 1.0),
                    "more": dict.fromkeys(range(20, 40), 2.0),
                }
            ),
            id="cells outside the largest table",
        ),
    ],
)
def test_ratio_that_borrows_nothing_has_the_paired_interval(sample: Sample) -> None:
    paired = ratio_interval(SLOW, FAST)
    assert paired.low is not None
    assert paired.high is not None
    expected = [paired.low, paired.center, paired.high]
    assert [math.exp(bound) for bound in bounds(ratio("slow", "fast"), sample)] == pytest.approx(expected)


def test_ratio_with_two_common_blocks_has_no_bounds() -> None:
    low, center, high = bounds(ratio("a", "b"), Sample({"a": cell(2.0, 2.0), "b": cell(1.0, 1.0)}))
    assert (low, high) == (-math.inf, math.inf)
    assert center == pytest.approx(math.log(2))


def test_ratio_of_several_pairs_is_their_mean_times_the_factor() -> None:
    mean = Ratio(("slow", "slower"), ("fast", "fast"), 3.0)
    parts = [ratio(name, "fast").center(SAMPLE) for name in ("slow", "slower")]
    assert mean.center(SAMPLE) == pytest.approx(sum(parts) / 2 + math.log(3))
    assert mean.low(SAMPLE, ERROR) < mean.center(SAMPLE) < mean.high(SAMPLE, ERROR)


def test_greatest_shares_the_error_below_and_not_above() -> None:
    pair = [ratio("slow", "fast"), ratio("slower", "fast")]
    greatest = Greatest(pair)
    assert greatest.low(SAMPLE, ERROR) == max(one.low(SAMPLE, ERROR / 2) for one in pair)
    assert greatest.high(SAMPLE, ERROR) == max(one.high(SAMPLE, ERROR) for one in pair)
    assert greatest.decisive(SAMPLE) == pair[1]


def test_least_is_the_mirror_image_of_the_greatest() -> None:
    pair = [ratio("slow", "fast"), ratio("slower", "fast")]
    mirrored = [-bound for bound in reversed(bounds(Greatest([-one for one in pair]), SAMPLE))]
    assert bounds(Least(pair), SAMPLE) == pytest.approx(mirrored)
    assert Least(pair).decisive(SAMPLE) == pair[0]
