# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, shares and sizes as a person reads them. PRIVATE, can break at any time."""

from __future__ import annotations

UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
# From two of a unit on that unit is used: "90 s", but "2 min".
UNIT_FROM = 2.0


def unit_of(seconds: float) -> tuple[float, str]:
    return next(((size, name) for size, name in UNITS if seconds >= UNIT_FROM * size), (1.0, "s"))


def figure(value: float) -> str:
    """Two digits are enough below ten, whole numbers above: 0.94, 4.1, 2, 488."""
    if abs(value) >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1 else f"{value:.2g}"


def duration(seconds: float) -> str:
    size, name = unit_of(seconds)
    return f"{figure(seconds / size)} {name}"


def duration_range(center: float, low: float, high: float) -> str:
    """All three in the unit of the first: "2 min (1.5 to 3)"."""
    size, name = unit_of(center)
    return f"{figure(center / size)} {name} ({figure(low / size)} to {figure(high / size)})"


def percent(share: float) -> str:
    return f"{figure(100 * share)} %"


def gibibytes(size: float) -> str:
    return f"{figure(size / 2**30)} GiB"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
