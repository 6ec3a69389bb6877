# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How full each station of each cell is (docs/causes.md). PRIVATE, can break at any time."""

from __future__ import annotations

from ..._study.analysis import causes, model
from ..messages.catalogue import Catalogue
from . import figure
from .figure import GRID, INK, PALETTE, SHAPES, TOLD, Figure, finish, layer, legend, measured, named, rows_of_cells


def figures(study: model.Study, say: Catalogue) -> list[Figure]:
    """None where no run tells of the use of its processors."""
    told = [cell for cell in study.measured if cell.cause.stations]
    cells = figure.readable(told)
    if not cells:
        return []
    rows = [
        {
            "cell": cell.label,
            "station": say(f"station_{one.kind}"),
            "used": one.utilisation,
            "told": _told(say, cell, one),
        }
        for cell in cells
        for one in cell.cause.stations
    ]
    shown = {one.kind for cell in cells for one in cell.cause.stations}
    kinds = [kind for kind in causes.ORDER if kind in shown]
    names = [say(f"station_{kind}") for kind in kinds]
    look = [causes.ORDER.index(kind) for kind in kinds]
    keys = legend(names)
    color = named("station", scale={"domain": names, "range": [PALETTE[n] for n in look]}, legend=keys)
    shape = named("station", scale={"domain": names, "range": [SHAPES[n] for n in look]}, legend=keys)
    labels = list(dict.fromkeys(cell.label for cell in cells))
    y, words = rows_of_cells(labels)
    axis = {"format": ".0%", "tickCount": 5}
    x = measured("used", title=say("axis_utilisation"), scale={"domain": [0, 1], "nice": False}, axis=axis)
    tracks = [{"cell": label, "used": 0, "end": 1} for label in labels]
    track = {"type": "rule", "color": GRID, "strokeWidth": 2, "yOffset": 8, "y2Offset": 8, "aria": False}
    full = {"type": "rule", "color": INK, "strokeDash": [3, 4], "aria": False}
    point = {"type": "point", "filled": True, "size": 80, "opacity": 1, "yOffset": 8}
    layers = [
        layer("tracks", tracks, track, x=x, x2={"field": "end"}, y=y),
        layer("full", [{"used": causes.FULL}], full, x=x),
        layer("stations", rows, point, x=x, y=y, color=color, shape=shape, description=TOLD),
        words,
    ]
    return [
        Figure(
            name="utilisation",
            title=say("title_utilisation"),
            caption=say("caption_utilisation", full=say.percent(causes.FULL)) + figure.left_out(say, len(told)),
            spec=finish(layers, figure.height_of_rows(labels, names)),
            section=figure.SPENT,
        )
    ]


def _told(say: Catalogue, cell: model.Cell, one: causes.Station) -> str:
    used = say.percent(one.utilisation)
    if not one.name:
        return say("tip_station", cell=cell.label, station=say(f"station_{one.kind}"), used=used)
    return say("tip_station_named", cell=cell.label, station=say(f"station_{one.kind}"), name=one.name, used=used)
