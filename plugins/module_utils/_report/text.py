# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them: as many digits as the spread allows, and the unit. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from .._common.format import listed as _listed
from .._study.statistics import words
from .._study.statistics.intervals import Estimate, Ratio

# A running study and its report say the same in the same words.
NONE, MANY_TIMES = words.NONE, words.MANY_TIMES
listed, number, places, slower = _listed, words.number, words.places, words.slower


def money(value: float | None) -> str:
    """Two significant digits at least; a run costs cents or less."""
    return NONE if value is None else f"{value:,.{max(2, 1 - words.magnitude(value))}f}"


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


def against(ratio: Ratio) -> str:
    """A ratio in a table: `+31 % (+24 to +39)`, or `2.3 times (2.1-2.6)`."""
    kind, told = words.distance(ratio)
    if kind == "times":
        return f"{told['center']} times" + (f" ({told['low']}-{told['high']})" if "low" in told else "")
    return f"{told['center']} %" + (f" ({told['low']} to {told['high']})" if "low" in told else "")


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def percent_span(low: float, high: float) -> str:
    return f"{100 * low:.0f}-{100 * high:.0f} %"
