# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a log with the times at which they came, as the launcher kept them. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .lines import CHUNK, Lines
from .named_formats import Named


def times_of(log: Path) -> Iterator[tuple[int, float]]:
    """Sizes of the log, each with the time at which it was seen; none where nobody kept them."""
    try:
        with log.with_suffix(".times").open(encoding="ascii", errors="replace") as file:
            for line in file:
                size, _space, wall = line.partition(" ")
                if not wall.endswith("\n"):
                    return
                yield int(size), float(wall)
    except (OSError, ValueError):
        return


def timed_lines(
    file: BinaryIO, source: Lines, read: Named, times: Iterator[tuple[int, float]]
) -> Iterator[bytes | None]:
    """All lines of the file. Before each its time is told to the reader."""
    position = 0
    for size, wall in times:
        while position < size and (chunk := file.read(min(CHUNK, size - position))):
            position += len(chunk)
            read.arrived = wall
            yield from source.feed(chunk)
    while chunk := file.read(CHUNK):
        yield from source.feed(chunk)
    yield from source.end()
