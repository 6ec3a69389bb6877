# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ceilings of stations as lines in the figures of time and speed (docs/causes.md). PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..._study.analysis import causes, model
from ..messages.catalogue import Catalogue
from .figure import INK, SIZE, TOLD, Part, layer, named
from .lines import Scales, Titles

# Stations whose ceiling holds for any number of workers.
KINDS = (causes.PROCESSORS, causes.PS, causes.LINK)
ROOM = 1.5  # a ceiling higher than this many times the highest speed is left out
# The room of the names beyond the largest number of workers, as a share of the range of these.
ROOM_ON_THE_RIGHT = 0.55
LABEL_ROOM = 0.075  # the height of a label, as a share of the figure's
# The value of a cell's figure at a ceiling in global steps per second; None where that is not known.
ValueAt = Callable[[model.Cell, float], "float | None"]


def speed_at(_cell: model.Cell, ceiling: float) -> float | None:
    return ceiling


def seconds_at(cell: model.Cell, ceiling: float) -> float | None:
    """The least training time of the cell, in seconds."""
    steps = cell.center("global_steps")
    return steps / ceiling if steps else None


def of(cells: Iterable[model.Cell]) -> list[float]:
    """Those ceilings of these cells that are near enough to matter, in global steps per second."""
    cells = list(cells)
    highest = max((speed for cell in cells for speed in cell.values("steps_per_second")), default=0.0)
    return [found for cell in cells for kind, found in _of(cell) if found <= ROOM * highest]


def _of(cell: model.Cell) -> list[tuple[str, float]]:
    return [(one.kind, one.ceiling) for one in cell.cause.stations if one.kind in KINDS and one.ceiling]


def rows(cells: Sequence[model.Cell], scales: Scales, value_at: ValueAt, say: Catalogue) -> list[dict[str, Any]]:
    """The ceiling of each station by the demands of each cell; a line has at least two cells."""
    near = set(of(cells))
    found = []
    for cell in cells:
        for kind, ceiling in _of(cell):
            value = value_at(cell, ceiling)
            if ceiling in near and value is not None:
                line = scales.axis.line(cell)
                place = {"x": scales.position(scales.axis.count(cell)), "y": value, "line": line}
                told = say(f"tip_ceiling_{kind}", speed=say.speed(ceiling), cell=cell.label)
                found.append({**place, "kind": kind, "group": f"{line} {kind}", "told": told})
    often = Counter(row["group"] for row in found)
    return [row for row in found if often[row["group"]] > 1]


def layers(
    cells: Sequence[model.Cell], scales: Scales, titles: Titles, value_at: ValueAt, say: Catalogue
) -> list[Part]:
    """The ceilings of all cells, those of the last one drawn on beyond it, and their names."""
    found = rows(cells, scales, value_at, say)
    if not found:
        return []
    x, y, color, group = scales.x(titles.x), scales.y(titles.y), scales.color, named("group")
    thin = {"type": "line", "strokeDash": [2, 2], "strokeWidth": 1, "opacity": 0.7, "aria": False}
    long = {"type": "rule", "strokeDash": [10, 4], "strokeWidth": 2}
    words = {
        "type": "text",
        "align": "right",
        "baseline": "bottom",
        "dy": -3,
        "fontSize": SIZE,
        "color": INK,
        "aria": False,
    }
    names = labels(found, scales.right, scales.top, say)
    return [
        layer("ceilings", found, thin, x=x, y=y, color=color, detail=group),
        layer(
            "ceilings_beyond",
            _beyond(found, scales),
            long,
            x=x,
            x2={"field": "end"},
            y=y,
            color=color,
            description=TOLD,
        ),
        layer("ceiling_names", names, words, x=x, y=scales.y(titles.y, "at"), text=named("label")),
    ]


def _beyond(lines: Iterable[dict[str, Any]], scales: Scales) -> list[dict[str, Any]]:
    """The ceiling of the last cell of each line, beyond it: no number of workers goes further."""
    return [{**row, "x": scales.beyond, "end": scales.right} for row in _ends(lines)]


def labels(lines: Iterable[dict[str, Any]], right: float, top: float, say: Catalogue) -> list[dict[str, Any]]:
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
            "label": say(f"full_{group[0]['kind']}"),
        }
        for group, higher in zip(groups, above, strict=True)
    ]


def _ends(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last cell of each line, from the lowest value to the highest."""
    last = {row["group"]: row for row in sorted(lines, key=lambda row: row["x"])}
    return sorted(last.values(), key=lambda row: row["y"])
