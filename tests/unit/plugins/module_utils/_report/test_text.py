# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them."""

from __future__ import annotations

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import text
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import Estimate, Ratio


def ratio(center: float, low: float | None = None, high: float | None = None) -> Ratio:
    return Ratio(center, low, high, 3, None, True)


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (None, "-"),
        (Estimate(4.04, 3.81, 4.29, 3), "4.0 s (95 % CI 3.8-4.3)"),
        (Estimate(4.04, 3.98, 4.06, 3), "4.04 s (95 % CI 3.98-4.06)"),
        (Estimate(7.1, 5.9, 8.4, 3), "7.1 s (95 % CI 5.9-8.4)"),
        (Estimate(1.02, 0.9, 1.2, 3), "1.0 s (95 % CI 0.9-1.2)"),
        (Estimate(123.0, 80.0, 190.0, 3), "123 s (95 % CI 80-190)"),
        (Estimate(4.04, None, None, 2), "4.04 s"),
        (Estimate(4.0, 4.0, 4.0, 3), "4.00 s (95 % CI 4.00-4.00)"),
    ],
)
def test_with_interval(estimate: Estimate | None, expected: str) -> None:
    assert text.with_interval(estimate, " s", "95 % CI ") == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ratio(1.31, 1.24, 1.39), "+31 % (+24 to +39)"),
        (ratio(1.05, 0.998, 1.10), "+5.0 % (-0.2 to +10.0)"),
        (ratio(0.97, 0.90, 1.05), "-3 % (-10 to +5)"),
        (ratio(1.001, 0.999, 1.004), "+0.1 % (-0.1 to +0.4)"),
        (ratio(1.31), "+31 %"),
        (ratio(0.999), "0 %"),
        (ratio(2.34, 2.11, 2.58), "2.3 times (2.1-2.6)"),
        (ratio(2.34), "2.34 times"),
    ],
)
def test_against(given: Ratio, expected: str) -> None:
    assert text.against(given) == expected


@pytest.mark.parametrize(
    ("values", "expected"), [([1.4, 2.2, 1.9], "1.4 to 2.2"), ([1.41, 1.43], "1.4"), ([1.5], "1.5")]
)
def test_ends(values: list[float], expected: str) -> None:
    assert text.ends(values) == expected


@pytest.mark.parametrize(("n", "expected"), [(0, "0 workers"), (1, "1 worker"), (2, "2 workers")])
def test_count(n: int, expected: str) -> None:
    assert text.count(n, "worker") == expected


@pytest.mark.parametrize(
    ("names", "expected"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_listed(names: list[str], expected: str) -> None:
    assert text.listed(names) == expected


@pytest.mark.parametrize(("share", "expected"), [(None, "-"), (0.314, "31 %"), (1.0, "100 %")])
def test_percent(share: float | None, expected: str) -> None:
    assert text.percent(share) == expected


def test_percent_span() -> None:
    assert text.percent_span(0.754, 0.912) == "75-91 %"
