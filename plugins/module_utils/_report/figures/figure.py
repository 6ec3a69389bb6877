# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure of a report, and the look that all share. PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._study.analysis import model
from ..messages.catalogue import Catalogue

# Okabe and Ito (2008), told apart by all common kinds of colour vision. style.py maps each to its shade on dark ground.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a6761d", "#56b4e9", "#7f3c8d", "#666666")
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")
INK, GRID, RULE = "#3b4450", "#e4e7eb", "#9aa4b0"
FONT = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
# One drawing serves a desktop (470 px wide) and a phone (340 px): at both its words can be read.
WIDTH, HEIGHT, SIZE = 420, 290, 13
# Width of a letter and of the rest of an entry of a legend; generous, because each browser has a font of its own.
LETTER, ENTRY = 8.3, 40
LINE = 20  # height of a line of a legend
ROW, ROUND_ROWS = 38, 46  # a row of cells with its name above it; ticks and title below all rows
ROWS = 30  # more cells than this would make a figure that nobody reads
FORM = ",.6~g"

# A part of a specification in Vega-Lite: https://vega.github.io/vega-lite/docs/
Part = dict[str, Any]

# Sections of the page, in its order.
SCALING, ACCURACY, SPENT, COST, NOISE = "scaling", "accuracy", "spent", "cost", "noise"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`spec` is in Vega-Lite. `runs` is the number of runs that it draws; `data` is the file that holds its numbers."""

    name: str
    title: str
    caption: str
    spec: Part
    section: str
    runs: int = 0
    data: str = "cells.csv"


def numbered(slug: str, number: int, panels: int) -> str:
    return slug if panels == 1 else f"{slug}-{number}"


def measured(field: str, **looks: Any) -> Part:
    """A channel for numbers."""
    return {"field": field, "type": "quantitative", **looks}


def named(field: str, **looks: Any) -> Part:
    """A channel for names."""
    return {"field": field, "type": "nominal", **looks}


# A mark with this channel has a tooltip; every other mark is aria=False.
TOLD = named("told")


def layer(name: str, rows: Sequence[Mapping[str, Any]], mark: Part, **channels: Part) -> Part:
    return {"name": name, "data": {"values": list(rows)}, "mark": mark, "encoding": channels}


def legend(names: Sequence[str], **looks: Any) -> Part | None:
    """Above the figure, in as many columns as have room; none for a single line."""
    if len(names) < 2:
        return None
    found = {"title": None, "orient": "top", "columns": _columns(names)}
    # What the letters of a wide font need more than those of the renderer.
    found["columnPadding"] = 12 + round(1.7 * max(map(len, names)))
    return {**found, "labelLimit": WIDTH - ENTRY, **looks}


def looks(field: str, names: Sequence[str]) -> tuple[Part, Part]:
    """The channels of colour and shape, which both tell the names apart."""
    colors, shapes = (
        {"domain": list(names), "range": [of[n % len(of)] for n in range(len(names))]} for of in (PALETTE, SHAPES)
    )
    keys = legend(names)
    return named(field, scale=colors, legend=keys), named(field, scale=shapes, legend=keys)


def _columns(names: Sequence[str]) -> int:
    room = max(map(len, names)) * LETTER + ENTRY
    return max(1, min(len(names), int(WIDTH / room)))


def height_of_rows(labels: Sequence[str], legend_names: Sequence[str]) -> int:
    """Of a figure with a row for each cell."""
    lines = math.ceil(len(legend_names) / _columns(legend_names)) if len(legend_names) > 1 else 0
    return ROW * len(labels) + ROUND_ROWS + LINE * lines


def finish(layers: Sequence[Part], height: int = HEIGHT) -> Part:
    """The specification, in the one look that all figures share."""
    return {
        "width": WIDTH,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": {
            "background": "white",
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelFontSize": SIZE,
                "titleFontSize": SIZE,
                "titleFontWeight": "normal",
                "gridColor": GRID,
                "domainColor": RULE,
                "tickColor": RULE,
                "labelColor": INK,
                "titleColor": INK,
                "titlePadding": 8,
            },
            "legend": {"labelFontSize": SIZE, "labelColor": INK, "symbolSize": 90, "symbolOpacity": 1},
        },
        "layer": list(layers),
    }


def rows_of_cells(labels: Sequence[str]) -> tuple[Part, Part]:
    """The vertical axis of a figure with a row for each cell, and the layer of their names, each above its row.

    A name beside its row would leave no room for the row on a phone.
    """
    y = named("cell", title=None, sort=list(labels), axis=None, scale={"domain": list(labels), "padding": 0})
    words = {"type": "text", "align": "left", "baseline": "middle", "dy": -10, "fontSize": SIZE, "color": INK}
    names = [{"cell": label} for label in labels]
    mark = {**words, "limit": WIDTH, "aria": False}
    return y, layer("cells", names, mark, x={"value": 0}, y=y, text=named("cell"))


def readable(cells: Sequence[model.Cell]) -> list[model.Cell]:
    """The fastest cells, as many as a figure with a row for each can hold, in the order given."""
    if len(cells) <= ROWS:
        return list(cells)
    fastest = sorted(cells, key=lambda cell: cell.center("train_seconds") or math.inf)[:ROWS]
    kept = {cell.cell_id for cell in fastest}
    return [cell for cell in cells if cell.cell_id in kept]


def left_out(say: Catalogue, cells: int) -> str:
    """For the caption of such a figure; empty where it has all cells."""
    return f" {say('caption_fastest_only', drawn=ROWS, cells=cells)}" if cells > ROWS else ""
