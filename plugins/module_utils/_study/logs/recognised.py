# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which named format a log has, by its own lines. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
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


def recognise(lines: Iterable[bytes | None]) -> Recognised:
    readers = [(name, LogFormat.of(name).reader()) for name in CANDIDATES]
    first: dict[str, bytes] = {}
    for line in islice(lines, MOST_LINES):
        if line is None or not line or len(line) > LONGEST_LINE or line.startswith(USAGE):
            continue
        for name, read in readers:
            with contextlib.suppress(BrokenLineError):
                if read(line) is not None and SIGNS.get(name, b"") in line:
                    first.setdefault(name, line)
    covered = frozenset().union(*(COVERS.get(name, frozenset()) for name in first))
    left = [name for name in first if name not in covered]
    told = {name: f"{name} ('{readable(first[name].decode('utf-8', 'replace'), 120)}')" for name in left}
    if len(left) == 1:
        note = f"training_log_format auto is {told[left[0]]}"
        return Recognised(LogFormat.of(left[0]), note=note)
    both = f"training_log_format is {AUTO!r}, but {len(left)} formats fit: {', '.join(told.values())}: give one of them"
    return Recognised(LogFormat.of(AUTO), trouble=both if left else "")


def recognise_file(path: Path) -> Recognised:
    try:
        with path.open("rb", buffering=0) as file:
            return recognise(lines_of(file))
    except OSError:
        return Recognised(LogFormat.of(AUTO))
