# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as a person reads them."""

from __future__ import annotations

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.text import (
    counted,
    duration,
    duration_range,
    figure,
    gibibytes,
    percent,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.256, "0.26"),
        (0.94, "0.94"),
        (1, "1"),
        (2.0, "2"),
        (4.07, "4.1"),
        (9.96, "10"),
        (10.4, "10"),
        (488.3, "488"),
    ],
)
def test_figure_keeps_what_can_be_told(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.04 s"),
        (4.1, "4.1 s"),
        (90, "90 s"),
        (119, "119 s"),
        (120, "2 min"),
        (150, "2.5 min"),
        (7199, "120 min"),
        (7200, "2 h"),
    ],
)
def test_duration_has_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [((120, 90, 180), "2 min (1.5 to 3)"), ((40, 30, 150), "40 s (30 to 150)"), ((7200, 3600, 10800), "2 h (1 to 3)")],
)
def test_duration_range_keeps_to_one_unit(bounds: tuple[float, float, float], text: str) -> None:
    assert duration_range(*bounds) == text


@pytest.mark.parametrize(("share", "text"), [(0.1, "10 %"), (0.142, "14 %"), (0.004, "0.4 %"), (1.0, "100 %")])
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_gibibytes() -> None:
    assert gibibytes(1.5 * 2**30) == "1.5 GiB"


@pytest.mark.parametrize(("number", "text"), [(0, "0 runs"), (1, "1 run"), (15, "15 runs")])
def test_counted(number: int, text: str) -> None:
    assert counted(number, "run") == text
