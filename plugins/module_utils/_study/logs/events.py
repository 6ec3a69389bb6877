# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a line of a log says: an event, or why it cannot be read. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..._common.fields import count
from ..._common.format import readable


# Not frozen: that doubles the time to make one, and a log has a million.
@dataclass(slots=True)
class Event:
    """One thing that a replica said. `wall` and `mono` are seconds, None where the line had no such clock.

    `trouble` says which number of the line could not be read.
    """

    event: str
    replica: str
    index: int
    wall: float | None
    mono: float | None
    fields: dict[str, Any]
    trouble: str = field(default="", compare=False)


class BrokenLineError(Exception):
    """A line that was meant for us and cannot be read; the text says why."""


Reader = Callable[[bytes], "Event | None"]


def unread(name: str, said: Any) -> str:
    return f"has the {name} '{readable(said, 40)}', which is not a number"


def number(text: str | bytes) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def whole(text: str | bytes) -> int | None:
    """None for what is no number, and for digits without end, which Python refuses to convert."""
    try:
        return count(int(text))
    except ValueError:
        return None
