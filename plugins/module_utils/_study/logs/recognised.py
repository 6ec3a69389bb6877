# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which named format a log has, by its own lines. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from ..._common.format import readable
from .events import BrokenLineError
from .formats import AUTO, USAGE, LogFormat
from .lines import LONGEST_LINE, lines_of
from .named_formats import NAMED

# Bars of a training come soon, and a log of any length is read only so far.
MOST_LINES = 20_000
OURS, THESIS = "tfscale", "thesis"
CANDIDATES = (OURS, THESIS, *NAMED)
# What a line must hold beside fitting: these two also read every bar of tqdm.
SIGNS = {"lightning": b"v_num=", "huggingface": b"'epoch':"}
COVERS = {OURS: frozenset(CANDIDATES) - {OURS}, "lightning": frozenset({"tqdm"}), "huggingface": frozenset({"tqdm"})}


@dataclass(frozen=True)
class Recognised:
    # `auto` itself where none was chosen.
    format: LogFormat
    # What was chosen and by which line; or that two formats fit.
    note: str = ""
    trouble: str = ""


class Recogniser:
    """Takes the lines of one log as they come."""

    def __init__(self) -> None:
        self._readers = [(name, LogFormat.of(name).reader()) for name in CANDIDATES]
        self._first: dict[str, bytes] = {}
        self._lines = 0

    @property
    def has_seen_enough(self) -> bool:
        return self._lines >= MOST_LINES

    def take(self, line: bytes | None) -> None:
        self._lines += 1
        if self._lines > MOST_LINES or not line or len(line) > LONGEST_LINE or line.startswith(USAGE):
            return
        for name, read in self._readers:
            with contextlib.suppress(BrokenLineError):
                if read(line) is not None and SIGNS.get(name, b"") in line:
                    self._first.setdefault(name, line)

    @property
    def found(self) -> Recognised:
        covered = frozenset().union(*(COVERS.get(name, frozenset()) for name in self._first))
        left = [name for name in self._first if name not in covered]
        told = {name: f"{name} ('{readable(self._first[name].decode('utf-8', 'replace'), 120)}')" for name in left}
        if len(left) == 1:
            note = f"training_log_format auto is {told[left[0]]}"
            return Recognised(LogFormat.of(left[0]), note=note)
        both = f"training_log_format is {AUTO!r}, but {len(left)} formats fit: {', '.join(told.values())}: give one of them"
        return Recognised(LogFormat.of(AUTO), trouble=both if left else "")


def recognise_file(path: Path) -> Recognised:
    recogniser = Recogniser()
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
        for line in lines_of(file):
            recogniser.take(line)
            if recogniser.has_seen_enough:
                break
    return recogniser.found
