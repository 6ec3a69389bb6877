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


def slowness(ratio: Ratio) -> tuple[str, dict[str, str]]:
    """How much slower a ratio above one is: "times" or "percent", and the digits of its center and of the ends that are known."""
    if ratio.center >= MANY_TIMES:
        return "times", _times(ratio)
    if ratio.low is None or ratio.high is None:
        return "percent", {"center": f"{100 * (ratio.center - 1):.0f}"}
    low, center, high = (100 * (value - 1) for value in (ratio.low, ratio.center, ratio.high))
    digits = _tenths(low, center, high)
    lowest = f"{low:.{digits}f}"
    if low > 0 and float(lowest) == 0:
        # Rounded down: the interval of a cell that is slower lies above zero, and shall read so.
        lowest = f"{math.floor(100 * low) / 100:.2f}" if low >= 0.01 else lowest
    return "percent", {"low": lowest, "center": f"{center:.{digits}f}", "high": f"{high:.{digits}f}"}


def distance(ratio: Ratio) -> tuple[str, dict[str, str]]:
    """As `slowness`, of any ratio: percents have their sign."""
    if ratio.center >= MANY_TIMES:
        return "times", _times(ratio)
    if ratio.low is None or ratio.high is None:
        return "percent", {"center": _signed(100 * (ratio.center - 1), 0)}
    ends = {"low": ratio.low, "center": ratio.center, "high": ratio.high}
    shares = {name: 100 * (value - 1) for name, value in ends.items()}
    digits = _tenths(**shares)
    return "percent", {name: _signed(share, digits) for name, share in shares.items()}


def slower(ratio: Ratio) -> str:
    """Of a ratio above one: `31 % slower (24-39 %)`, or `2.3 times as long (2.1-2.6)`."""
    kind, told = slowness(ratio)
    ends = f" ({told['low']}-{told['high']}{' %' if kind == 'percent' else ''})" if "low" in told else ""
    return f"{told['center']} {'times as long' if kind == 'times' else '% slower'}{ends}"


def _times(ratio: Ratio) -> dict[str, str]:
    if ratio.low is None or ratio.high is None:
        return {"center": number(ratio.center)}
    digits = min(2, places(ratio.center, ratio.high - ratio.low))
    ends = {"low": ratio.low, "center": ratio.center, "high": ratio.high}
    return {name: f"{value:.{digits}f}" for name, value in ends.items()}


def _tenths(low: float, center: float, high: float) -> int:
    """Tenths of a percent only where they are known and matter: also for an end of the interval that would read as zero."""
    near_zero = any(round(end) == 0 and abs(end) >= 0.05 for end in (low, high))
    return 1 if near_zero or (high - low < 1 and abs(center) < 10) else 0


def _signed(value: float, digits: int) -> str:
    """With its sign, but no `-0`."""
    return f"{round(value, digits) + 0.0:+.{digits}f}" if round(value, digits) else f"{0:.{digits}f}"
