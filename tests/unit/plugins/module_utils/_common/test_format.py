# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as a person reads them."""

from __future__ import annotations

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.format import (
    counted,
    duration,
    duration_range,
    figure,
    gibibytes,
    listed,
    percent,
    plain,
    readable,
    span,
)
from hypothesis import given
from hypothesis import strategies as st


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


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_listed(names: list[str], text: str) -> None:
    assert listed(names) == text


def test_span() -> None:
    assert (span(24, 120), span(24, 24)) == ("24 to 120", "24")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("as it is: 3,5 °C 日本 ✓", "as it is: 3,5 °C 日本 ✓"),
        (None, "None"),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;208mbold\x1b[m", "red and bold"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://example.com\x1b\\a link\x1b]8;;\x1b\\", "a link"),
        ("\x9b31mC1\x9b0m \x9d0;title\x9ctext", "C1 text"),
        ("\x1b]0;a title without an end", "0;a title without an end"),
        ("\x1b[2J\x1b[Hcleared\x1b(B\x1b=", "cleared"),
        ("half an escape \x1b[3", "half an escape 3"),
        ("one\r\n[host] two\u2028three\x85four\x0bfive", "one [host] two three four five"),
        ("bell\x07 nul\x00 del\x7f tab\tend", "bell nul del tab end"),
        ("in\u202eder\u202c or\u2066der\u2069 \ufeffmark\u200b", "in der or der mark"),
        ("half \udcff\ud83d and whole \U0001f600", "half \ufffd\ufffd and whole \U0001f600"),
    ],
)
def test_readable_leaves_what_is_read_and_nothing_that_acts(said: str | None, line: str) -> None:
    assert readable(said) == line


def test_readable_is_as_long_as_it_may_be() -> None:
    assert readable("x" * 301, most=300) == "x" * 297 + "..."
    assert readable("x" * 300, most=300) == "x" * 300


def test_readable_takes_a_long_row_of_beginnings_in_a_moment() -> None:
    for beginning in ("\x1b[", "\x1b]", "\x9d", "\x9b0", "\x1b[0", "\x1b "):
        assert len(readable(beginning * 200_000)) <= 400_000


@given(st.text(st.characters(categories=None)))
def test_readable_gives_one_printable_line_that_every_encoding_writes(said: str) -> None:
    line = readable(said)
    assert line.isprintable()
    assert line == line.strip()
    assert line.encode().decode() == line
    assert readable(line) == line


def test_plain_reaches_every_text_of_a_document() -> None:
    said = {"a\x1b[1m": ["\udcff", {"b": "c\nd"}], "n": 1.5, "none": None, "yes": True, "as it is": " two  spaces "}
    shown = {"a": ["\ufffd", {"b": "c d"}], "n": 1.5, "none": None, "yes": True, "as it is": " two  spaces "}
    assert plain(said) == shown
