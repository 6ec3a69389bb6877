# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them: as many digits as the spread allows, and the unit. PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ansible_collections.tfscale.study.plugins.module_utils._study.stats import Estimate, Ratio

NONE = "-"
MANY_TIMES = 1.995  # from here on "2.3 times as long" reads better than "130 % slower"


def decimals(value: float, width: float | None = None) -> int:
    """Places after the point: down to the first digit of the interval's width, or three digits of the value."""
    if width is not None and width > 0:
        return min(4, max(0, -math.floor(math.log10(width))))
    return min(4, max(0, 2 - math.floor(math.log10(abs(value))))) if value else 0


def number(value: float | None, width: float | None = None) -> str:
    return NONE if value is None else f"{value:,.{decimals(value, width)}f}"


def span(low: float, high: float) -> str:
    """An interval, both ends with the same number of digits."""
    return f"{number(low, high - low)}-{number(high, high - low)}"


def ends(values: Sequence[float]) -> str:
    """From the lowest to the highest of some ratios; one number when they read the same."""
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return low if low == high else f"{low} to {high}"


def _width(estimate: Estimate) -> float | None:
    return None if estimate.low is None or estimate.high is None else estimate.high - estimate.low


def with_interval(estimate: Estimate | None, unit: str = "", words: str = "") -> str:
    """`4.0 s (95 % CI 3.8-4.3)`; without the bracket when there are too few values."""
    if estimate is None:
        return NONE
    center = f"{number(estimate.center, _width(estimate))}{unit}"
    if estimate.low is None or estimate.high is None:
        return center
    return f"{center} ({words}{span(estimate.low, estimate.high)})"


def percent(share: float | None, digits: int = 0) -> str:
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def _times(ratio: Ratio) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{number(ratio.center)}{{}}"
    width = max(ratio.high - ratio.low, 0.01)
    low, center, high = (number(value, width) for value in (ratio.low, ratio.center, ratio.high))
    return f"{center}{{}} ({low}-{high})"


def _percents(ratio: Ratio) -> tuple[float, float, float] | None:
    if ratio.low is None or ratio.high is None:
        return None
    return 100 * (ratio.low - 1), 100 * (ratio.center - 1), 100 * (ratio.high - 1)


def _places(low: float, center: float, high: float) -> int:
    """Tenths of a percent only where they are known and matter."""
    return 1 if high - low < 1 and abs(center) < 10 else 0


def signed(value: float, places: int) -> str:
    """With its sign, but no `-0`."""
    return f"{round(value, places) + 0.0:+.{places}f}" if round(value, places) else f"{0:.{places}f}"


def slower(ratio: Ratio) -> str:
    """Of a ratio above one: `31 % slower (24-39 %)`, or `2.3 times as long (2.1-2.6)`."""
    if ratio.center >= MANY_TIMES:
        return _times(ratio).format(" times as long")
    shares = _percents(ratio)
    if shares is None:
        return f"{100 * (ratio.center - 1):.0f} % slower"
    low, center, high = shares
    places = _places(low, center, high)
    return f"{center:.{places}f} % slower ({low:.{places}f}-{high:.{places}f} %)"


def against(ratio: Ratio) -> str:
    """A ratio in a table: `+31 % (+24 to +39)`, or `2.3 times (2.1-2.6)`."""
    if ratio.center >= MANY_TIMES:
        return _times(ratio).format(" times")
    shares = _percents(ratio)
    if shares is None:
        return f"{signed(100 * (ratio.center - 1), 0)} %"
    low, center, high = shares
    places = _places(low, center, high)
    low_end, middle, high_end = (signed(share, places) for share in (low, center, high))
    return f"{middle} % ({low_end} to {high_end})"


def count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""


def percent_span(low: float, high: float) -> str:
    return f"{100 * low:.0f}-{100 * high:.0f} %"
