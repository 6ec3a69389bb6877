# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, shares, sizes and text from outside as a person reads them. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

# ECMA-48, and its 8-bit forms: a control sequence; a string for the terminal (a title, a link) up to its end; any other escape.
ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
)
# Half of a character, as JSON can hold and no encoding can write.
_SURROGATES = re.compile("[\ud800-\udfff]")
UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
# From two of a unit on that unit is used: "90 s", but "2 min".
UNIT_FROM = 2.0
KINDS: dict[type, str] = {
    str: "a text",
    int: "a number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    Mapping: "a mapping",
    bytes: "bytes",
    date: "a date",
}
WORDS_OF_YAML = {"None": "null", "True": "true", "False": "false"}


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


def figure_range(center: float, low: float, high: float) -> str:
    """`0.31 (0.22 to 0.43)`"""
    return f"{figure(center)} ({figure(low)} to {figure(high)})"


def percent(share: float) -> str:
    return f"{figure(100 * share)} %"


def gibibytes(size: float) -> str:
    return f"{figure(size / 2**30)} GiB"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def span(least: int, most: int) -> str:
    """`24 to 120`, or `24` where both are that."""
    return str(least) if least == most else f"{least} to {most}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""


def readable(said: Any, most: int = 0) -> str:
    """Whatever comes from outside as one line that does nothing but be read: in a terminal, a ledger, a report or a page.

    `most` is the number of characters it may have; 0 is any.
    """
    line = " ".join(_harmless(str(said)).split())
    return line if not most or len(line) <= most else f"{line[: most - 3]}..."


def _harmless(text: str) -> str:
    if text.isprintable():
        return text
    shown = _SURROGATES.sub("\ufffd", ESCAPES.sub("", text))
    # Control characters, those that turn the direction of writing, and ends of lines in all their forms.
    return "".join(char if char.isprintable() else " " for char in shown)


def plain(value: Any) -> Any:
    """A document with nothing in its text that acts; what was harmless stays as it was."""
    if isinstance(value, str):
        return _harmless(value)
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def unshown(value: Any) -> str:
    """As `shown`, of what may be a secret: its kind alone."""
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return shown(value)
    return next((told for kind, told in KINDS.items() if isinstance(value, kind)), "another kind of value")


def shown(value: Any) -> str:
    """What a user gave, in a sentence, in words that he knows from YAML."""
    try:
        text = repr(value)
    except ValueError:
        # Digits without end, which Python refuses to write down.
        text = "a number of thousands of digits"
    text = WORDS_OF_YAML.get(text, text)
    return text if len(text) <= 80 else f"{text[:77]}..."
