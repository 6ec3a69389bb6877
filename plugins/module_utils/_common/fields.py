# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one value of a document from outside, such as a record or a log line. PRIVATE, can break at any time.

A value of another kind counts as missing. A text such as "4" is no number, and neither is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# TensorFlow counts steps in a 64-bit integer.
MOST_COUNT = 2**63 - 1
# No clock, size or loss comes near this number, and the sums and quotients of smaller numbers stay finite.
MOST_NUMBER = 1e100


def finite(value: Any) -> float | None:
    """A number that can be calculated with, sums and quotients included, or None."""
    # Most are, and a report asks for millions.
    if isinstance(value, float):
        return value if -MOST_NUMBER <= value <= MOST_NUMBER else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if abs(result) <= MOST_NUMBER else None


def count(value: Any) -> int | None:
    """A whole number from 0, or None."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_COUNT:
        return None
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    # Asked for `dict` first, Python need not ask the abstract class, which takes three times as long.
    return value if isinstance(value, (dict, Mapping)) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, (dict, Mapping))] if isinstance(value, list) else []


def texts(value: Any) -> tuple[str, ...]:
    """The items of a list as text; a text alone is no list."""
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()
