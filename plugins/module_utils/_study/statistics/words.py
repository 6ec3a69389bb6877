# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and ratios in the words that a running study and its report share. PRIVATE, can break at any time."""

from __future__ import annotations

import math

from .intervals import Ratio

NONE = "-"
MANY_TIMES = 1.995  # from here on "2.3 times as long" reads better than "130 % slower"


def magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def places(value: float, width: float = 0.0) -> int:
    """After the point: down to the first digit of half the interval, two digits at least; three without an interval."""
    wanted = max(-magnitude(width / 2), 1 - magnitude(value)) if width > 0 else 2 - magnitude(value)
    return min(4, max(0, wanted))


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:,.{places(value)}f}"


def times(ratio: Ratio, words: str) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{number(ratio.center)} {words}"
    digits = min(2, places(ratio.center, ratio.high - ratio.low))
    return f"{ratio.center:.{digits}f} {words} ({ratio.low:.{digits}f}-{ratio.high:.{digits}f})"


def percents(ratio: Ratio) -> tuple[float, float, float] | None:
    if ratio.low is None or ratio.high is None:
        return None
    return 100 * (ratio.low - 1), 100 * (ratio.center - 1), 100 * (ratio.high - 1)


def tenths(low: float, center: float, high: float) -> int:
    """Tenths of a percent only where they are known and matter: also for an end of the interval that would read as zero."""
    near_zero = any(round(end) == 0 and abs(end) >= 0.05 for end in (low, high))
    return 1 if near_zero or (high - low < 1 and abs(center) < 10) else 0


def slower(ratio: Ratio) -> str:
    """Of a ratio above one: `31 % slower (24-39 %)`, or `2.3 times as long (2.1-2.6)`."""
    if ratio.center >= MANY_TIMES:
        return times(ratio, "times as long")
    shares = percents(ratio)
    if shares is None:
        return f"{100 * (ratio.center - 1):.0f} % slower"
    low, center, high = shares
    places = tenths(low, center, high)
    lowest = f"{low:.{places}f}"
    if low > 0 and float(lowest) == 0:
        # Rounded down: the interval of a cell that is slower lies above zero, and shall read so.
        lowest = f"{math.floor(100 * low) / 100:.2f}" if low >= 0.01 else lowest
    return f"{center:.{places}f} % slower ({lowest}-{high:.{places}f} %)"
