# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate may say, how often it is wrong, and that looking often does not make it so."""

from __future__ import annotations

import math
import random
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import gate
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import sequential
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.student_t import student_quantile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from tests.fixtures.gates import trial, trials


def blocks(*ratios: float, before: float = 4.0) -> tuple[dict[int, float], dict[int, float]]:
    numbered = dict(enumerate(ratios, start=1))
    return dict.fromkeys(numbered, before), {block: before * ratio for block, ratio in numbered.items()}


def judged(*ratios: float, allowed: float = 0.05, budget: int = 10) -> gate.Outcome:
    before, after = blocks(*ratios)
    return gate.judge(before, after, max_slowdown=allowed, budget=budget)


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ((1.15, 1.16, 1.14, 1.15), "slower"),
        ((1.00, 1.01, 0.99, 1.00), "same"),
        ((0.85, 0.86, 0.84, 0.85), "faster"),
        ((1.02, 1.021, 1.019, 1.02), "same"),  # slower, but by less than is allowed
        ((1.05, 1.06, 1.04, 1.05), "cannot tell"),
        ((1.30, 0.80, 1.20, 0.90), "cannot tell"),
        ((1.15, 1.16, 1.14), "cannot tell"),  # too early
        ((), "cannot tell"),
    ],
)
def test_judge_verdict_is_where_the_interval_lies(ratios: tuple[float, ...], verdict: str) -> None:
    outcome = judged(*ratios)
    assert (outcome.verdict, outcome.blocks) == (verdict, len(ratios))


def test_judge_equal_times_are_told_at_the_first_look() -> None:
    outcome = judged(1.0, 1.0, 1.0, 1.0)
    assert (outcome.verdict, outcome.ratio, outcome.low, outcome.high) == ("same", 1.0, 1.0, 1.0)


def test_judge_of_times_too_far_apart_is_finite() -> None:
    before, after = {1: 5e-324, 2: 1.0, 3: 1e100, 4: 1.0}, {1: 1e100, 2: 1.0, 3: 5e-324, 4: 1e100}
    for budget in (4, 8):
        found = gate.judge(before, after, max_slowdown=0.05, budget=budget)
        assert found.verdict == gate.CANNOT_TELL
        assert all(math.isfinite(one or 0.0) for one in (found.ratio, found.low, found.high))


def test_judge_before_the_first_look_has_a_ratio_without_bounds() -> None:
    outcome = judged(1.1, 1.1, 1.1)
    assert outcome.ratio == pytest.approx(1.1)
    assert (outcome.low, outcome.high) == (None, None)
    assert judged().ratio is None


def test_judge_takes_only_blocks_in_which_both_ran() -> None:
    before, after = blocks(1.1, 1.2, 1.1, 1.2)
    outcome = gate.judge({**before, 5: 1.0}, {**after, 6: 9.0}, max_slowdown=0.05, budget=10)
    assert outcome == gate.judge(before, after, max_slowdown=0.05, budget=10)


def test_judge_drift_between_blocks_cancels() -> None:
    before, after = blocks(1.15, 1.16, 1.14, 1.15)
    drifting = [{block: seconds * block**2 for block, seconds in cell.items()} for cell in (before, after)]
    assert gate.judge(*drifting, max_slowdown=0.05, budget=10).verdict == "slower"


def test_judge_interval_is_student_s_at_the_level_of_the_look() -> None:
    ratios = (1.10, 1.12, 1.08, 1.11, 1.09)
    logs = [math.log(ratio) for ratio in ratios]
    mean = sum(logs) / 5
    error = math.sqrt(sum((log - mean) ** 2 for log in logs) / 4 / 5)
    reach = student_quantile(1 - 2 * sequential.levels(10, 0.025)[1], 4) * error
    outcome = judged(*ratios)
    assert (outcome.low, outcome.high) == pytest.approx((math.exp(mean - reach), math.exp(mean + reach)))


@pytest.mark.parametrize("odd", [0.3, 3.0])
def test_judge_one_odd_block_decides_nothing(odd: float) -> None:
    usual = (1.15, 1.16, 1.14, 1.15, 1.17, 1.13, 1.15, 1.14)
    assert judged(*usual, odd, budget=20).verdict == "slower"
    assert judged(*(ratio / 1.15 for ratio in usual), odd, budget=20).verdict == "same"


def test_judge_more_blocks_than_the_budget_use_its_last_look() -> None:
    ratios = (1.02, 1.03, 1.01, 1.02, 1.0)
    assert judged(*ratios, budget=4).high == pytest.approx(
        gate.judge(*blocks(*ratios), max_slowdown=0.05, budget=5).high, rel=0.05
    )


@pytest.mark.parametrize("budget", [5, 8, 12])
def test_levels_agree_with_the_multivariate_normal_distribution(budget: int) -> None:
    """Another way to the same: the sums at all looks together, integrated by scipy."""
    looks = range(sequential.FIRST, budget + 1)
    bounds = [
        NormalDist().inv_cdf(1 - level) * math.sqrt(look)
        for look, level in zip(looks, sequential.levels(budget, 0.025), strict=True)
    ]
    covariance = [[float(min(one, other)) for other in looks] for one in looks]
    outside = 1 - multivariate_normal.cdf(bounds, cov=covariance, rng=np.random.default_rng(1))
    assert outside == pytest.approx(0.025, abs=1e-4)


@pytest.mark.parametrize("budget", [4, 5, 10, 20, 50])
def test_levels_spend_the_error_over_all_looks(budget: int) -> None:
    found = sequential.levels(budget, 0.025)
    assert len(found) == budget - sequential.FIRST + 1
    assert found[0] == pytest.approx(0.025 * (sequential.FIRST / budget) ** sequential.SPENDING, rel=1e-3)
    assert max(found) <= 0.0251
    assert sum(found) >= 0.0249  # looks are alike, so that together they err less often than in sum


def test_center_sets_the_outermost_aside() -> None:
    mean, error, df = sequential.center([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 9.0])
    assert mean == pytest.approx(0.35)
    assert df == 5
    assert error == sequential.center([-9.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 9.0])[1]


def test_center_of_few_is_the_mean() -> None:
    mean, error, df = sequential.center([0.0, 0.1, 0.2, 0.3])
    assert mean == pytest.approx(0.15)
    assert df == 3
    assert error == pytest.approx(0.1291 / 2, rel=1e-3)


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.09])
def test_simulation_no_false_alarm_in_20_equal_versions(noise: float) -> None:
    told, _blocks = trials(20, slowdown=0.0, noise=noise)
    assert told["slower"] == 0


@pytest.mark.parametrize(("noise", "least", "most_blocks"), [(0.02, 200, 6), (0.05, 195, 11), (0.09, 150, 16)])
def test_simulation_15_percent_are_caught(noise: float, least: int, most_blocks: float) -> None:
    told, mean = trials(200, slowdown=0.15, noise=noise)
    assert told["slower"] >= least
    assert told["same"] + told["faster"] == 0
    assert mean <= most_blocks


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.09])
def test_simulation_200_trials_at_the_border_are_seldom_told(noise: float) -> None:
    """5 % slower with 5 % allowed: whatever is told is wrong, and each way of it may be so in 2.5 % (here: less than 5)."""
    told, _blocks = trials(200, slowdown=0.05, noise=noise)
    assert told["slower"] <= 10
    assert told["same"] + told["faster"] <= 10


@pytest.mark.parametrize(("noise", "least"), [(0.02, 195), (0.035, 180)])
def test_simulation_200_equal_versions_are_told_so_on_a_quiet_machine(noise: float, least: int) -> None:
    told, _blocks = trials(200, slowdown=0.0, noise=noise)
    assert told["slower"] == 0
    assert told["same"] + told["faster"] >= least


def test_simulation_5_percent_are_caught_where_less_is_allowed() -> None:
    told, _blocks = trials(200, slowdown=0.05, noise=0.02, allowed=0.01)
    assert told["slower"] >= 180


def test_simulation_odd_blocks_raise_no_false_alarm() -> None:
    draw = random.Random(3)
    found = [trial(draw, slowdown=0.0, noise=0.03, odd={draw.randint(1, 8): 2.0}) for _trial in range(200)]
    assert sum(one.verdict == "slower" for one in found) == 0
    assert sum(one.verdict == "same" for one in found) >= 150


@settings(max_examples=200)
@given(
    ratios=st.lists(st.floats(0.01, 100.0), min_size=0, max_size=12),
    allowed=st.floats(0.001, 0.99),
    budget=st.integers(4, 12),
)
def test_judge_any_ratios_agree_with_the_interval(ratios: list[float], allowed: float, budget: int) -> None:
    outcome = judged(*ratios, allowed=allowed, budget=budget)
    assert outcome.blocks == len(ratios)
    if outcome.low is None or outcome.high is None or outcome.ratio is None:
        assert (outcome.verdict, len(ratios) < sequential.FIRST) == ("cannot tell", True)
        return
    assert outcome.low <= outcome.ratio * (1 + 1e-9)
    assert outcome.ratio <= outcome.high * (1 + 1e-9)
    expected = {
        "faster": outcome.high < 1,
        "same": 1 <= outcome.high <= 1 + allowed,
        "slower": outcome.low > 1 + allowed,
        "cannot tell": outcome.low <= 1 + allowed < outcome.high,
    }
    assert [verdict for verdict, holds in expected.items() if holds] == [outcome.verdict]


@given(ratios=st.lists(st.floats(0.5, 2.0), min_size=4, max_size=10))
def test_judge_the_other_way_round_turns_the_interval(ratios: list[float]) -> None:
    before, after = blocks(*ratios)
    there = gate.judge(before, after, max_slowdown=0.05, budget=10)
    back = gate.judge(after, before, max_slowdown=0.05, budget=10)
    assert (there.low, there.high) == pytest.approx((1 / (back.high or 1), 1 / (back.low or 1)))


def record(cell: str, block: Any, seconds: Any, verdict: Any = "valid") -> dict[str, Any]:
    return {
        "cell_id": cell,
        "block": block,
        "spec": {"ps": 1, "workers": 2},
        "timings": {"train_seconds": seconds},
        "verdict": {"verdict": verdict, "reasons": []},
    }


def test_seconds_of_takes_what_was_measured() -> None:
    records = [
        record("a", 1, 4.0),
        record("b", 1, 9.0),
        record("a", 2, 1.0, "void"),
        record("a", 2, 5.0, "suspect"),
        record("a", 1, 4.5),
    ]
    assert gate.seconds_of(records, "a") == {1: 4.5, 2: 5.0}


@pytest.mark.parametrize(
    "odd",
    [
        {"cell_id": "a"},
        record("a", None, 4.0),
        record("a", 1, None),
        record("a", 1, -1.0),
        record("a", 1, math.nan),
        record("a", "1", 4.0),
        {**record("a", 1, 4.0), "verdict": "valid"},
        {**record("a", 1, 4.0), "timings": [4.0]},
    ],
)
def test_seconds_of_odd_records_are_nothing(odd: dict[str, Any]) -> None:
    assert gate.seconds_of([odd], "a") == {}
