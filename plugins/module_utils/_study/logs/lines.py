# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the bytes of a log to lines as a screen shows them. See docs/timing-log.md. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO

from ..._common.format import ESCAPES

# A line of telemetry has some hundred bytes; what is longer is no line of ours and must not fill the memory.
LONGEST_LINE = 64 * 1024
# Small enough that even a chunk of nothing but ends of lines makes a short list.
CHUNK = 64 * 1024
# A redraw that is longer is read in its last state only: a row of backspaces behind it must not take time without end.
WIDEST = 1024
# A line without an end is read that far before its redraws are.
LONG_REST = 4 * WIDEST
# Without one of these a chunk is as a screen shows it; looking for them takes a hundredth of the time of splitting it.
_MARKS = (b"\r", b"\x1b", b"\b", b"\0", b"\a", b"\v", b"\f", b"\x7f", b"\xc2", b"\xef")
_END = re.compile(rb"[\r\n]")
_REDRAWS = (b"\b", b"\x1b[", b"\xc2\x9b")
_ENDS = re.compile("[\r\v\f\x85]")
_TYPED = re.compile("([^\b]*)(\b*)")
# But for backspaces and ends of lines, which act.
_UNSEEN = re.compile("[\0-\a\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
# Bytes that were no text may become one of these when nothing stands between them any more.
_JOINED = re.compile(rb"\xc2[\x80-\x9f]")


class Lines:
    """Cuts bytes, as they come, into lines as a screen shows them, in the memory of one chunk.

    Each redraw is a line: what stood there when a carriage return, a row of backspaces or a movement of the cursor began the next.
    None stands for a line that was too long.
    """

    def __init__(self, *, skipping: bool = False) -> None:
        # Of the lines given, those that the file's own line went on behind: its number is theirs less these.
        self.redraws = 0
        self._rest = b""
        # Up to the next end of a line: for what came before it a None stands already, or nobody asks.
        self._skipping = skipping

    def feed(self, chunk: bytes) -> Iterable[bytes | None]:
        """The lines that have ended; to be read to the end before the next chunk comes."""
        data = self._rest + chunk
        is_drawn = any(mark in data for mark in _MARKS)
        if is_drawn:
            data = data.replace(b"\r\n", b"\n")
        if self._skipping:
            data = self._behind_end(data)
        *lines, self._rest = data.split(b"\n")
        if is_drawn:
            return self._all_redrawn(lines)
        return [*lines, None] if self._is_too_long() else lines

    def end(self) -> Iterator[bytes | None]:
        if self._rest:
            yield (yield from self._redrawn(self._rest))

    def _behind_end(self, data: bytes) -> bytes:
        found = _END.search(data)
        self._skipping = found is None
        self.redraws += found is not None and found[0] == b"\r"
        return data[found.end() :] if found else b""

    def _is_too_long(self) -> bool:
        """Nothing of such a line is kept."""
        if len(self._rest) <= LONGEST_LINE:
            return False
        self._rest, self._skipping = b"", True
        return True

    def _all_redrawn(self, lines: Iterable[bytes]) -> Iterator[bytes | None]:
        for line in lines:
            yield (yield from self._redrawn(line))
        yield from self._redrawn_rest()
        if self._is_too_long():
            yield None

    def _redrawn(self, line: bytes) -> Generator[bytes, None, bytes]:
        """Gives all that the line showed on its way, and returns what it shows in the end."""
        states = drawn(line)
        last = next(states, b"")
        for state in states:
            yield last
            self.redraws += 1
            last = state
        return last

    def _redrawn_rest(self) -> Generator[bytes, None, None]:
        """A line that has not ended, up to its last redraw: that one may not have come whole."""
        head, end, tail = self._rest.rpartition(b"\r")
        if end and tail:
            yield (yield from self._redrawn(head))
            self.redraws += 1
            self._rest = tail
        # Backspaces and movements of the cursor mean what stands around them: as long as it is short, the line waits for its end.
        cut = max(map(self._rest.rfind, _REDRAWS)) if len(self._rest) > LONG_REST else -1
        if cut > 0:
            head = self._rest[:cut].rstrip(b"\b")
            tail = self._rest[len(head) :]
            self._rest = (yield from self._redrawn(head)) + tail


def drawn(line: bytes) -> Iterator[bytes]:
    """One line as it stood before each redraw, and in the end; without what a screen does not show."""
    text = ESCAPES.sub(_effect, line.decode("utf-8", "surrogateescape"))
    # First of all: a backspace goes back over what is seen.
    for part in _ENDS.split(_UNSEEN.sub("", text)):
        for state in _typed(part):
            yield _JOINED.sub(b"?", state.encode("utf-8", "surrogateescape"))


def _effect(found: re.Match[str]) -> str:
    """What stands for an escape sequence: an end where the cursor goes to another line or the first column."""
    sequence = found[0]
    last, digits = sequence[-1], sequence[1:-1].removeprefix("[")
    if not sequence.startswith(("\x1b[", "\x9b")):
        return "\r" if last in "8DEMc" and len(sequence) == 2 else ""
    if last == "D":
        return "\b" * (int(digits[:4]) if digits.isdecimal() else 1)
    if last in "ABEFHdfu" or (last in "G`" and digits in ("", "0", "1")):
        return "\r"
    return " " if last in "CG`" else ""


def _typed(part: str) -> Iterator[str]:
    """With backspaces carried out."""
    shown = ""
    for text, back in _TYPED.findall(part):
        shown += text
        if back and 0 < len(shown) <= WIDEST:
            yield shown
        shown = shown[: -len(back)] if back else shown
    yield shown


def lines_of(file: BinaryIO, source: Lines | None = None) -> Iterator[bytes | None]:
    """All lines of a file; `source` tells meanwhile how often one was redrawn."""
    source = source or Lines()
    return chain(chain.from_iterable(map(source.feed, iter(partial(file.read, CHUNK), b""))), source.end())
