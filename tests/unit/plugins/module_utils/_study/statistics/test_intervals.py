# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics, held against scipy where scipy knows the answer and against hand calculation where it does not."""

from __future__ import annotations

import math
import random
from statistics import median

import numpy as np
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import intervals
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.comparison import (
    Comparison,
    block_error,
    compare_with_best,
    holm,
)
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


def test_holm_agrees_with_the_published_procedure() -> None:
    # Holm (1979): 0.01 * 4, then 0.013 * 3 raised to the one before it, then 0.03 * 2, then 0.04 raised.
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.013})
    assert adjusted == pytest.approx({"a": 0.04, "d": 0.04, "c": 0.06, "b": 0.06})


@pytest.mark.parametrize(
    ("given", "expected"), [({}, {}), ({"a": 0.02}, {"a": 0.02}), ({"a": 0.9, "b": 0.8}, {"a": 1, "b": 1})]
)
def test_holm_edges(given: dict[str, float], expected: dict[str, float]) -> None:
    assert holm(given) == pytest.approx(expected)


def cell(*values: float) -> dict[int, float]:
    return dict(enumerate(values, start=1))


def test_compare_with_best_sorts_cells_into_tied_slower_and_unknown() -> None:
    comparison = compare_with_best(
        {
            "slow": cell(8.0, 8.1, 8.2),
            "best": cell(4.0, 4.1, 4.05),
            "close": cell(4.1, 4.0, 4.2),
            "young": cell(9.0, 9.0),
            "slowest": cell(16.0, 16.3, 16.1),
        }
    )
    assert comparison.best == "best"
    assert comparison.tied == ("close",)
    assert comparison.slower == ("slow", "slowest")
    assert comparison.unknown == ("young",)
    assert comparison.ratios["slow"].center == pytest.approx(2.0, rel=0.01)


def test_compare_with_best_never_lets_a_cell_with_too_few_runs_win() -> None:
    comparison = compare_with_best({"lucky": cell(1.0), "proven": cell(4.0, 4.1, 4.2)})
    assert comparison.best == "proven"
    assert comparison.unknown == ("lucky",)


@pytest.mark.parametrize("cells", [{}, {"a": cell(1.0)}, {"a": cell(1.0, 2.0), "b": cell(1.0, 2.0)}])
def test_compare_with_best_without_enough_runs_cannot_tell(cells: dict[str, dict[int, float]]) -> None:
    comparison = compare_with_best(cells)
    assert comparison == Comparison("", {}, (), (), tuple(cells))


def test_compare_with_best_adjusts_for_the_number_of_comparisons() -> None:
    # Blocks that no two cells share: each pair is judged alone, so only the number of comparisons differs.
    best, doubtful = cell(4.0, 4.1, 3.9, 4.0), (4.2, 4.5, 4.1, 4.2)
    crowd = {f"other-{n}": dict(enumerate(doubtful, start=10 * n)) for n in range(1, 11)}
    assert compare_with_best({"best": best, "other-1": crowd["other-1"]}).slower == ("other-1",)
    assert compare_with_best({"best": best, **crowd}).slower == ()


def test_block_error_agrees_with_least_squares() -> None:
    cells = [cell(4.0, 4.4, 5.1, 4.2), cell(3.1, 3.9, 4.0, 3.6), cell(6.0, 6.1, 7.9, 6.6)]
    blocks = [1, 2, 3, 4]
    design, logs = [], []
    for row, times in enumerate(cells):
        for block in blocks:
            design.append([float(row == n) for n in range(3)] + [float(block == n) for n in blocks[1:]])
            logs.append(math.log(times[block]))
    _solution, residual, rank, _values = np.linalg.lstsq(np.array(design), np.array(logs))
    variance, df = block_error(cells, blocks)
    assert df == len(logs) - rank == 6
    assert variance == pytest.approx(residual[0] / df)


def test_block_error_of_two_cells_is_the_paired_t_test() -> None:
    a, b = cell(4.0, 4.4, 5.1, 4.2), cell(3.1, 3.9, 4.0, 3.6)
    paired, joint = intervals.ratio_interval(a, b), compare_with_best({"a": a, "b": b}).ratios["a"]
    assert (joint.center, joint.low, joint.high, joint.p_value) == pytest.approx(
        (paired.center, paired.low, paired.high, paired.p_value)
    )


def test_compare_with_best_tells_more_apart_when_many_cells_share_their_error() -> None:
    draw = random.Random(3)
    cells = {
        str(n): cell(*(seconds * math.exp(draw.gauss(0, 0.05)) for _repeat in range(3)))
        for n, seconds in enumerate((4.0, 5.0, 5.2, 5.4, 6.4))
    }
    assert compare_with_best(cells).slower == ("1", "2", "3", "4")


def test_compare_with_best_without_complete_blocks_takes_each_pair_alone() -> None:
    cells = {"a": {1: 4.0, 2: 4.1, 3: 4.2}, "b": {1: 8.0, 2: 8.3, 3: 8.3}, "c": {4: 8.0, 5: 8.3, 6: 8.1}}
    comparison = compare_with_best(cells)
    assert comparison.ratios["b"] == intervals.ratio_interval(cells["b"], cells["a"])
    assert not comparison.ratios["c"].paired


def test_compare_with_best_rarely_calls_equal_cells_slower() -> None:
    draw = random.Random(11)
    wrong = 0
    for _repeat in range(400):
        cells = {name: cell(*(math.exp(draw.gauss(1, 0.05)) for _repeat in range(5))) for name in "ab"}
        wrong += bool(compare_with_best(cells).slower)
    assert wrong / 400 < 0.08


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


@pytest.mark.parametrize("drift", [{1: 1.0, 2: 1.0, 3: 1.0}, {1: 1.0, 2: 3.0, 3: 0.4}])
def test_compare_with_best_gives_the_same_ratios_whatever_the_machine_did_between_blocks(
    drift: dict[int, float],
) -> None:
    cells = {"a": cell(4.0, 4.1, 3.9), "b": cell(5.2, 5.1, 5.3)}
    moved = {name: {block: value * drift[block] for block, value in times.items()} for name, times in cells.items()}
    ratio = compare_with_best(moved).ratios["b"]
    expected = compare_with_best(cells).ratios["b"]
    assert (ratio.center, ratio.low, ratio.high) == pytest.approx((expected.center, expected.low, expected.high))


def test_compare_with_best_does_not_call_a_cell_slower_that_is_faster_within_blocks() -> None:
    # The lower median by its luck with the blocks, yet slower in every block both have run.
    steady = {1: 4.0, 2: 8.0, 3: 8.1, 4: 8.0}
    lucky = {1: 4.4, 2: 8.8, 3: 8.9, 5: 2.0, 6: 2.0, 7: 2.0, 8: 2.0}
    comparison = compare_with_best({"steady": steady, "lucky": lucky})
    assert comparison.best == "lucky"
    assert comparison.ratios["steady"].center < 1.0
    assert comparison.slower == ()
    assert comparison.tied == ("steady",)


@pytest.mark.parametrize("n", [3, 4, 8, 30])
def test_median_interval_narrows_with_the_number_of_runs(n: int) -> None:
    few, many = (intervals.median_interval([3.9, 4.0, 4.1] * times) for times in (n, 2 * n))
    assert few.low is not None
    assert many.low is not None
    assert few.low < many.low < 4.0
