# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ceilings of stations as lines of the figure of speed (docs/causes.md). PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._study.analysis import causes, model
from .messages.catalogue import ENGLISH, Catalogue

# Stations whose ceiling holds for any number of workers.
HOLD = (causes.PROCESSORS, causes.PS, causes.LINK)
ROOM = 1.5  # a ceiling higher than this many times the highest speed is left out
# The room of the names beyond the largest number of workers, as a share of the range of these.
ROOM_ON_THE_RIGHT = 0.3
LABEL_ROOM = 0.06  # the height of a label, as a share of the figure's


def of(cells: Iterable[model.Cell]) -> list[float]:
    """All ceilings of these cells, in global steps per second."""
    return [one.ceiling for cell in cells for one in cell.cause.stations if one.kind in HOLD and one.ceiling]


def rows(
    cells: Sequence[model.Cell],
    axis: str,
    line_of: Callable[[model.Cell], str],
    position: Callable[[float], float],
    top: float,
    say: Catalogue = ENGLISH,
) -> list[dict[str, Any]]:
    """The ceiling of each station by the demands of each cell, up to `top`; a line has at least two cells.

    `position` is the place of a value of `axis` in the figure.
    """
    found = []
    for cell in cells:
        for station in cell.cause.stations:
            if station.kind in HOLD and station.ceiling and station.ceiling <= top:
                line = line_of(cell)
                place = {"x": position(int(cell.spec[axis])), "y": station.ceiling, "line": line}
                speed = say("speed", value=say.number(station.ceiling))
                found.append(
                    {
                        **place,
                        "kind": say(f"ceiling_{station.kind}"),
                        "full": say(f"ceiling_{station.kind}_full"),
                        "group": f"{line} {station.kind}",
                        "shown": say("ceiling_by", speed=speed, cell=cell.label),
                    }
                )
    often = Counter(row["group"] for row in found)
    return [row for row in found if often[row["group"]] > 1]


def beyond(lines: Iterable[dict[str, Any]], left: float, right: float) -> list[dict[str, Any]]:
    """The ceiling of the last cell of each line, beyond it: no number of workers goes higher."""
    return [{**row, "x": x} for row in _ends(lines) for x in (left, right)]


def labels(lines: Iterable[dict[str, Any]], right: float, top: float) -> list[dict[str, Any]]:
    """The name of each ceiling at the right edge. Close lines of one kind share a name; below a close line of another kind, the name
    stands under its own."""
    groups: list[list[dict[str, Any]]] = []
    room = LABEL_ROOM * top
    for row in _ends(lines):
        if groups and groups[-1][0]["kind"] == row["kind"] and row["y"] - groups[-1][-1]["y"] < room:
            groups[-1].append(row)
        else:
            groups.append([row])
    above = [group[0]["y"] for group in groups[1:]] + [math.inf]
    return [
        {
            **group[0],
            "x": right,
            "at": group[-1]["y"] if higher - group[-1]["y"] > 1.2 * room else group[0]["y"] - 1.2 * room,
            "label": group[0]["full"],
        }
        for group, higher in zip(groups, above, strict=True)
    ]


def _ends(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last cell of each line, from the lowest ceiling to the highest."""
    last = {row["group"]: row for row in sorted(lines, key=lambda row: row["x"])}
    return sorted(last.values(), key=lambda row: row["y"])
