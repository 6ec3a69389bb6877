# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them: as many digits as the spread allows, and the unit. PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from .._study.statistics.intervals import Estimate, Ratio

NONE = "-"
MANY_TIMES = 1.995  # from here on "2.3 times as long" reads better than "130 % slower"


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def places(value: float, width: float = 0.0) -> int:
    """After the point: down to the first digit of half the interval, two digits at least; three without an interval."""
    wanted = max(-_magnitude(width / 2), 1 - _magnitude(value)) if width > 0 else 2 - _magnitude(value)
    return min(4, max(0, wanted))


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:,.{places(value)}f}"


def money(value: float | None) -> str:
    """Two significant digits at least; a run costs cents or less."""
    return NONE if value is None else f"{value:,.{max(2, 1 - _magnitude(value))}f}"


def ends(values: Sequence[float]) -> str:
    """From the lowest to the highest of some ratios; one number when they read the same."""
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return low if low == high else f"{low} to {high}"


def with_interval(estimate: Estimate | None, unit: str = "", words: str = "") -> str:
    """`4.0 s (95 % CI 3.8-4.3)`; without the bracket when there are too few values."""
    if estimate is None:
        return NONE
    if estimate.low is None or estimate.high is None:
        return f"{number(estimate.center)}{unit}"
    digits = places(estimate.center, estimate.high - estimate.low)
    low, center, high = (f"{value:,.{digits}f}" for value in (estimate.low, estimate.center, estimate.high))
    return f"{center}{unit} ({words}{low}-{high})"


def percent(share: float | None, digits: int = 0) -> str:
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def _times(ratio: Ratio, words: str) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{number(ratio.center)} {words}"
    digits = min(2, places(ratio.center, ratio.high - ratio.low))
    return f"{ratio.center:.{digits}f} {words} ({ratio.low:.{digits}f}-{ratio.high:.{digits}f})"


def _percents(ratio: Ratio) -> tuple[float, float, float] | None:
    if ratio.low is None or ratio.high is None:
        return None
    return 100 * (ratio.low - 1), 100 * (ratio.center - 1), 100 * (ratio.high - 1)


def _tenths(low: float, center: float, high: float) -> int:
    """Tenths of a percent only where they are known and matter."""
    return 1 if high - low < 1 and abs(center) < 10 else 0


def signed(value: float, places: int) -> str:
    """With its sign, but no `-0`."""
    return f"{round(value, places) + 0.0:+.{places}f}" if round(value, places) else f"{0:.{places}f}"


def slower(ratio: Ratio) -> str:
    """Of a ratio above one: `31 % slower (24-39 %)`, or `2.3 times as long (2.1-2.6)`."""
    if ratio.center >= MANY_TIMES:
        return _times(ratio, "times as long")
    shares = _percents(ratio)
    if shares is None:
        return f"{100 * (ratio.center - 1):.0f} % slower"
    low, center, high = shares
    places = _tenths(low, center, high)
    return f"{center:.{places}f} % slower ({low:.{places}f}-{high:.{places}f} %)"


def against(ratio: Ratio) -> str:
    """A ratio in a table: `+31 % (+24 to +39)`, or `2.3 times (2.1-2.6)`."""
    if ratio.center >= MANY_TIMES:
        return _times(ratio, "times")
    shares = _percents(ratio)
    if shares is None:
        return f"{signed(100 * (ratio.center - 1), 0)} %"
    low, center, high = shares
    places = _tenths(low, center, high)
    low_end, middle, high_end = (signed(share, places) for share in (low, center, high))
    return f"{middle} % ({low_end} to {high_end})"


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""


def percent_span(low: float, high: float) -> str:
    return f"{100 * low:.0f}-{100 * high:.0f} %"
