# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics, held against scipy where scipy knows the answer and against hand calculation where it does not."""

from __future__ import annotations

import math
import random
from statistics import median

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import intervals
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.comparison import compare_with_best
from scipy import stats as scipy_stats


@pytest.mark.parametrize("values", [[4.0], [4.0, 5.0]])
def test_median_interval_of_too_few_values_has_no_interval(values: list[float]) -> None:
    estimate = intervals.median_interval(values)
    assert estimate == intervals.Estimate(center=median(values), low=None, high=None, n=len(values))


@pytest.mark.parametrize("values", [[3.9, 4.0, 4.2], [1.0, 10.0, 100.0, 1000.0], [0.5, 0.5, 0.6, 0.9, 1.4]])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_median_interval_is_scipys_t_interval_of_the_logarithms(values: list[float], confidence: float) -> None:
    logs = [math.log(value) for value in values]
    low, high = scipy_stats.t.interval(
        confidence, len(logs) - 1, loc=sum(logs) / len(logs), scale=scipy_stats.sem(logs)
    )
    estimate = intervals.median_interval(values, confidence)
    assert (estimate.low, estimate.high) == pytest.approx((math.exp(low), math.exp(high)))


def test_median_interval_centre_is_the_median_and_not_the_mean() -> None:
    assert intervals.median_interval([1.0, 2.0, 50.0]).center == pytest.approx(2.0)


# A damaged ledger may hold them; the limits of what is read as a time.
FAR_APART = [5e-324, 1e-9, 1e100]


def test_median_interval_of_times_too_far_apart_is_finite() -> None:
    estimate = intervals.median_interval(FAR_APART)
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0.0 <= estimate.low <= estimate.center <= estimate.high < math.inf


@pytest.mark.parametrize(
    ("blocks", "others"),
    [((1, 2, 3), (1, 2, 3)), ((1, 2, 3), (4, 5, 6)), ((1, 2), (4, 5))],
    ids=["paired", "welch", "few"],
)
@pytest.mark.parametrize("values", [FAR_APART, FAR_APART[::-1], [1e100] * 3], ids=["rising", "falling", "equal"])
def test_ratio_interval_of_times_too_far_apart_is_finite(
    values: list[float], blocks: tuple[int, ...], others: tuple[int, ...]
) -> None:
    cell = dict(zip(blocks, values, strict=False))
    reference = dict.fromkeys(others, 5e-324)
    ratio = intervals.ratio_interval(cell, reference)
    assert all(math.isfinite(one) for one in (ratio.center, ratio.low or 0.0, ratio.high or 0.0))
    comparison = compare_with_best({"cell": cell, "reference": reference})
    assert all(math.isfinite(one.center) for one in comparison.ratios.values())


def test_median_interval_of_equal_values_has_no_width() -> None:
    estimate = intervals.median_interval([4.0, 4.0, 4.0])
    assert (estimate.low, estimate.center, estimate.high) == pytest.approx((4.0, 4.0, 4.0))


def test_median_interval_scales_with_the_unit() -> None:
    seconds = intervals.median_interval([3.0, 4.0, 7.0])
    milliseconds = intervals.median_interval([3000.0, 4000.0, 7000.0])
    assert seconds.low is not None
    assert milliseconds.low == pytest.approx(1000 * seconds.low)


def test_median_interval_covers_the_true_median_as_often_as_it_says() -> None:
    draw = random.Random(7)
    hits = 0
    for _repeat in range(2000):
        estimate = intervals.median_interval([math.exp(draw.gauss(1.0, 0.2)) for _repeat in range(4)], 0.9)
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= math.e <= estimate.high
    assert 0.88 < hits / 2000 < 0.92


def test_ratio_interval_pairs_blocks_and_so_removes_the_drift() -> None:
    drift = {1: 1.0, 2: 1.5, 3: 2.2}
    fast = {block: 4.0 * factor for block, factor in drift.items()}
    slow = {1: 5.0 * drift[1], 2: 5.05 * drift[2], 3: 4.95 * drift[3]}
    ratio = intervals.ratio_interval(slow, fast)
    assert ratio.paired
    assert ratio.center == pytest.approx(1.25, rel=1e-3)
    assert ratio.low is not None
    assert ratio.high is not None
    assert 1.2 < ratio.low < ratio.center < ratio.high < 1.3


def test_ratio_interval_paired_agrees_with_scipy() -> None:
    a, b = {1: 4.0, 2: 4.4, 3: 5.1, 4: 4.2}, {1: 3.1, 2: 3.9, 3: 4.0, 4: 3.6}
    logs_a, logs_b = [math.log(value) for value in a.values()], [math.log(value) for value in b.values()]
    expected = scipy_stats.ttest_rel(logs_a, logs_b)
    interval = expected.confidence_interval(0.95)
    ratio = intervals.ratio_interval(a, b)
    assert ratio.p_value == pytest.approx(expected.pvalue)
    assert (ratio.low, ratio.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))


def test_ratio_interval_without_common_blocks_is_welchs() -> None:
    a, b = {1: 4.0, 2: 4.4, 3: 5.1}, {4: 3.1, 5: 3.9, 6: 4.0, 7: 3.6}
    logs_a, logs_b = [math.log(value) for value in a.values()], [math.log(value) for value in b.values()]
    expected = scipy_stats.ttest_ind(logs_a, logs_b, equal_var=False)
    interval = expected.confidence_interval(0.95)
    ratio = intervals.ratio_interval(a, b)
    assert not ratio.paired
    assert ratio.p_value == pytest.approx(expected.pvalue)
    assert (ratio.low, ratio.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))


@pytest.mark.parametrize(
    ("a", "b", "n"),
    [({1: 4.0}, {1: 2.0}, 1), ({1: 4.0, 2: 4.0}, {1: 2.0, 2: 2.0, 3: 2.0}, 2), ({1: 4.0}, {2: 2.0, 3: 2.0}, 1)],
)
def test_ratio_interval_of_too_few_runs_has_no_interval(a: dict[int, float], b: dict[int, float], n: int) -> None:
    ratio = intervals.ratio_interval(a, b)
    assert ratio.center == pytest.approx(2.0)
    assert (ratio.low, ratio.high, ratio.n, ratio.p_value, ratio.paired) == (None, None, n, None, False)


@pytest.mark.parametrize(("factor", "p_value"), [(1.0, 1.0), (2.0, 0.0)])
@pytest.mark.parametrize("offset", [0, 10], ids=["paired", "welch"])
def test_ratio_interval_without_any_spread_is_certain(factor: float, p_value: float, offset: int) -> None:
    ratio = intervals.ratio_interval({n + offset: 4.0 * factor for n in range(3)}, dict.fromkeys(range(3), 4.0))
    assert ratio.center == pytest.approx(factor)
    assert ratio.p_value == p_value


@pytest.mark.parametrize(
    ("reference", "seconds", "times", "gain", "share", "serial"),
    [
        (8.0, 4.0, 2.0, 2.0, 1.0, 0.0),
        (8.0, 8.0, 4.0, 1.0, 0.25, 1.0),
        (10.0, 4.0, 4.0, 2.5, 0.625, 0.2),
        (8.0, 16.0, 2.0, 0.5, 0.25, 3.0),
    ],
)
def test_speed_up_efficiency_and_karp_flatt(
    reference: float, seconds: float, times: float, gain: float, share: float, serial: float
) -> None:
    assert intervals.speed_up(reference, seconds) == pytest.approx(gain)
    assert intervals.efficiency(gain, times) == pytest.approx(share)
    assert intervals.karp_flatt(gain, times) == pytest.approx(serial)


@pytest.mark.parametrize("times", [1.0, 0.5])
def test_karp_flatt_needs_more_workers_than_the_reference(times: float) -> None:
    assert intervals.karp_flatt(1.0, times) is None


@pytest.mark.parametrize("n", [3, 4, 8, 30])
def test_median_interval_narrows_with_the_number_of_runs(n: int) -> None:
    few, many = (intervals.median_interval([3.9, 4.0, 4.1] * times) for times in (n, 2 * n))
    assert few.low is not None
    assert many.low is not None
    assert few.low < many.low < 4.0
