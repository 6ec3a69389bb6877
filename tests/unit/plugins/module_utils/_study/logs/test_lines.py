# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From bytes to lines as a screen shows them."""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Iterable

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.logs import lines as log_lines
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.lines import Lines, lines_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

LONG, CHUNK = log_lines.LONGEST_LINE, log_lines.CHUNK


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\n\nb", [b"a", b"", b"b"]),
        (b"a" * LONG + b"\nb\n", [b"a" * LONG, b"b"]),
        (b"x\n" + b"a" * 3 * CHUNK + b"\nb\n", [b"x", None, b"b"]),
        (b"a" * 3 * CHUNK, [None]),
        (b"a" * 3 * CHUNK + b"\n", [None]),
        (b"a" * 3 * CHUNK + b"\nb", [None, b"b"]),
        (b"a" * 3 * CHUNK + b"\n" + b"c" * 3 * CHUNK + b"\nb", [None, None, b"b"]),
    ],
    ids=range(10),
)
def test_lines_of_gives_each_line_once(content: bytes, expected: list[bytes | None]) -> None:
    assert list(lines_of(io.BytesIO(content))) == expected


class Slow(io.BytesIO):
    """Gives a few bytes at a time."""

    def __init__(self, content: bytes, sizes: Iterable[int]) -> None:
        super().__init__(content)
        self._sizes = iter(sizes)

    def read(self, _size: int | None = -1, /) -> bytes:
        return super().read(next(self._sizes, -1))


def shown(content: bytes) -> list[bytes]:
    """Without what shows nothing."""
    return [line for line in lines_of(io.BytesIO(content)) if line]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        # Ends of lines of a terminal, of Windows and of both.
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\r\r\nb\r\r\n", [b"a", b"b"]),
        (b"a\rb\rc", [b"a", b"b", b"c"]),
        # Redraws: tqdm begins with the carriage return, others end with it.
        (b"\r 1/3\r 2/3\r 3/3\n", [b" 1/3", b" 2/3", b" 3/3"]),
        (b" 1/3\r 2/3\r 3/3\r\n", [b" 1/3", b" 2/3", b" 3/3"]),
        # Keras writes backspaces and a carriage return, and colours.
        (b"\b\b\b\b\r\x1b[1m1/2\x1b[0m\b\b\b\r\x1b[1m2/2\x1b[0m\n", [b"1/2", b"2/2"]),
        (b"step 12\b\b13\b\b14\n", [b"step 12", b"step 13", b"step 14"]),
        (b"|\b/\b-\bdone\n", [b"|", b"/", b"-", b"done"]),
        ("°5\b6\n".encode(), ["°5".encode(), "°6".encode()]),
        (b"\b\b\bx\n", [b"x"]),
        # Movements of the cursor.
        (b"\x1b[2K\x1b[1Gstep 1\x1b[2K\x1b[1Gstep 2\n", [b"step 1", b"step 2"]),
        (b"step 1\x1b[1000Dstep 2\x1b[99999999999999999999Dstep 3\n", [b"step 1", b"step 2", b"step 3"]),
        (b"one\n\x1b[1A\x1b[2Ktwo\x1b[Fthree\n", [b"one", b"two", b"three"]),
        (b"\x1b7step 1\x1b8step 2\x1b[ustep 3\n", [b"step 1", b"step 2", b"step 3"]),
        (b"name\x1b[20Gvalue\x1b[3Cunit\n", [b"name value unit"]),
        (b"a\x0bb\x0cc\xc2\x85d\n", [b"a", b"b", b"c", b"d"]),
        # What is not seen.
        (b"\x1b[32mtime=1 loss=\x1b[1;38;5;208m2\x1b[0m\x1b[K\n", [b"time=1 loss=2"]),
        (b"\x1b]0;title\x07a \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", [b"a link"]),
        (b"\xc2\x9b32mtime=1\xc2\x9b0m \xc2\x9d0;title\xc2\x9cb\n", [b"time=1 b"]),
        (b"\xef\xbb\xbftime=1\x00\x07\x7f\n", [b"time=1"]),
        ("time=1\n".encode("utf-16-le"), [b"time=1"]),
        # What is.
        (b"tab\there \xe9 latin\n", [b"tab\there \xe9 latin"]),
        ("50 % · 3 µs \u201cok\u201d 日本\n".encode(), ["50 % · 3 µs \u201cok\u201d 日本".encode()]),
    ],
)
def test_lines_of_are_as_a_screen_shows_them(content: bytes, lines: list[bytes]) -> None:
    assert shown(content) == lines


@pytest.mark.parametrize(
    "piece", [b"\r%7d/9 " + b"=" * 60, b"%7d" + b"\b" * 7, b"\x1b[1G\x1b[2K%7d", b"\x1b[33m%7d\x1b[0m\r", b"%7d\x1b[7D"]
)
def test_lines_of_one_line_that_is_redrawn_for_hours_needs_little_memory(piece: bytes) -> None:
    count = 15_000
    content = b"".join(piece % number for number in range(count)) + b"\nnext\n"
    source = Lines()
    tracemalloc.start()
    numbers, seen = [], 0
    for position, line in enumerate(lines_of(io.BytesIO(content), source), start=1):
        seen += line is not None and line.strip()[:7].strip().split(b"/")[0].isdigit()
        numbers.append(position - source.redraws) if not line or line == b"next" else None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == count
    assert numbers[-1] == 2
    assert peak < 1_500_000


def test_lines_of_a_redraw_that_is_too_long_skips_that_one_only() -> None:
    content = b"a\r" + b"x" * 3 * CHUNK + b"\rb\n" + b"c\n"
    source = Lines()
    numbered = [(at - source.redraws, line) for at, line in enumerate(lines_of(io.BytesIO(content), source), start=1)]
    assert numbered == [(1, b"a"), (1, None), (1, b"b"), (2, b"c")]


@pytest.mark.parametrize(
    "hostile",
    [
        *[beginning * 300_000 for beginning in (b"\x1b[", b"\x1b]", b"\xc2\x9d", b"\xc2\x9b0", b"\b", b"\r", b"x\b")],
        (b"y" * 32_000 + b"x\b" * 16_000) * 10,
        (b"y" * 1000 + b"x\b" * 30_000) * 10,
        (b"y" * 32_000 + b"x\x1b[9999D") * 30,
    ],
    ids=range(10),
)
def test_lines_of_rubbish_takes_time_with_an_end(hostile: bytes) -> None:
    started = time.process_time()
    for _line in lines_of(io.BytesIO(hostile)):
        pass
    # No measurement, only the difference between seconds and minutes.
    assert time.process_time() - started < 10


PIECES = st.sampled_from(
    [
        *[
            b"a",
            b"1",
            b" ",
            b"\n",
            b"\r",
            b"\r\n",
            b"\b",
            b"\b\b",
            b"\0",
            b"\x1b[31m",
            b"\x1b[1G",
            b"\x1b[K",
            b"\x1b[2;",
        ],
        *[b"\x1b]0;title\x07", b"\x1b]8;;\x1b\\", b"\xc2\x9b0m", b"\xc2", b"\xe9", "°".encode(), b"\x1b"],
    ]
)


@given(st.lists(PIECES, max_size=40).map(b"".join), st.lists(st.integers(1, 9), max_size=60))
@example(b"a\x00\x08\n", [1, 1, 1])
@settings(max_examples=300)
def test_lines_of_do_not_depend_on_how_much_is_read_at_once(content: bytes, sizes: list[int]) -> None:
    def numbered(file: io.BytesIO) -> list[tuple[int, bytes | None]]:
        source = Lines()
        lines = lines_of(file, source)
        return [(at - source.redraws, line) for at, line in enumerate(lines, start=1) if line]

    assert numbered(Slow(content, sizes)) == numbered(io.BytesIO(content))


@example(b"\xc2\x00\x80")
@given(st.lists(PIECES | st.binary(max_size=5), max_size=40).map(b"".join))
def test_lines_of_anything_hold_nothing_that_acts(content: bytes) -> None:
    for line in lines_of(io.BytesIO(b"\x1b[m" + content)):
        assert line is not None
        text = line.decode("utf-8", "surrogateescape")
        assert not any(char != "\t" and (char < " " or "\x7f" <= char < "\xa0") for char in text)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20).filter(lambda text: "\ufeff" not in text)
    )
)
def test_lines_of_text_are_the_text(lines: list[str]) -> None:
    content = "".join(f"{line}\n" for line in lines).encode()
    assert list(lines_of(io.BytesIO(content))) == [line.encode() for line in lines]
