# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and ratios in words."""

from __future__ import annotations

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import words
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import Ratio


def ratio(center: float, low: float | None = None, high: float | None = None) -> Ratio:
    return Ratio(center, low, high, 3, None, True)


@pytest.mark.parametrize(
    ("value", "width", "expected"),
    [
        (0.0, 0.0, 2),
        (4.0, 0.0, 2),
        (41.26, 0.0, 1),
        (512.3, 0.0, 0),
        (0.01234, 0.0, 4),
        (4.036, 0.5, 1),
        (4.036, 0.05, 2),
        (4.036, 1.6, 1),
        (4.036, 5.0, 1),
        (41.26, 30.0, 0),
        (123.4, 0.001, 4),
    ],
)
def test_places_are_as_many_as_the_spread_allows(value: float, width: float, expected: int) -> None:
    assert words.places(value, width) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        (0.0, "0.00"),
        (0.01234, "0.0123"),
        (0.000001234, "0.0000"),
        (4.0, "4.00"),
        (41.26, "41.3"),
        (512.3, "512"),
        (12345.6, "12,346"),
    ],
)
def test_number_has_three_digits(value: float | None, expected: str) -> None:
    assert words.number(value) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ratio(1.31, 1.24, 1.39), "31 % slower (24-39 %)"),
        (ratio(1.004, 1.002, 1.006), "0.4 % slower (0.2-0.6 %)"),
        (ratio(1.09, 1.0016, 1.177), "9.0 % slower (0.2-17.7 %)"),
        (ratio(1.06, 1.00038, 1.13), "6 % slower (0.03-13 %)"),
        (ratio(1.31), "31 % slower"),
        (ratio(2.34, 2.11, 2.58), "2.3 times as long (2.1-2.6)"),
        (ratio(2.34), "2.34 times as long"),
    ],
)
def test_slower(given: Ratio, expected: str) -> None:
    assert words.slower(given) == expected
