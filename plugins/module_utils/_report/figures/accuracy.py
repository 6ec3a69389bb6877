# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy against time, of studies with a target accuracy: a line for each cell with the band of its runs. PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..._study.analysis import model
from ..._study.analysis.accuracy import band_of
from ..._study.design.cell import label
from ..messages.catalogue import Catalogue
from .figure import ACCURACY, FORM, PALETTE, RULE, TOLD, Figure, Part, finish, layer, looks, measured

MOST = len(PALETTE)  # cells: one for each colour


def figures(study: model.Study, say: Catalogue) -> list[Figure]:
    """One figure with all cells that have a target and evaluations; none without such a cell."""
    known = [cell for cell in study.measured if cell.target is not None and band_of(cell, 2)]
    shown = first_of(known)
    if not shown:
        return []
    return [
        Figure(
            name="accuracy-by-time",
            title=say("title_accuracy_time"),
            caption=_caption(shown, len(known), say),
            spec=finish(_layers(shown, say)),
            section=ACCURACY,
            runs=sum(len(cell.measured) for cell in shown),
            data="runs.csv",
        )
    ]


def first_of(cells: Sequence[model.Cell]) -> list[model.Cell]:
    """Of more than MOST those that reach the target first, in the order given."""
    first = sorted(cells, key=lambda cell: (bool(cell.censored), cell.center(cell.response) or math.inf))[:MOST]
    return [cell for cell in cells if cell in first]


def _layers(cells: Sequence[model.Cell], say: Catalogue) -> list[Part]:
    names = {cell.cell_id: _name(cell, cells) for cell in cells}
    lines = [
        {"cell": names[cell.cell_id], "x": round(at.seconds, 4), "y": at.center, "low": at.low, "high": at.high}
        for cell in cells
        for at in band_of(cell)
    ]
    reached = [
        {"cell": names[cell.cell_id], "x": seconds, "y": cell.target, "told": _told(cell, block, seconds, say)}
        for cell in cells
        for block, seconds in cell.by_block().items()
    ]
    targets = [{"y": target} for target in sorted({cell.target for cell in cells if cell.target is not None})]
    color, shape = looks("cell", list(dict.fromkeys(names.values())))
    x = measured("x", title=say("axis_accuracy_time"), axis={"format": FORM, "tickCount": 6, "grid": False})
    scale, axis = {"zero": False, "padding": 6}, {"format": ".0%", "tickCount": 6}
    y, low = (measured(field, title=say("axis_accuracy"), scale=scale, axis=axis) for field in ("y", "low"))
    band: Part = {"type": "area", "opacity": 0.18, "aria": False}
    rule: Part = {"type": "rule", "strokeDash": [3, 4], "color": RULE, "aria": False}
    line: Part = {"type": "line", "strokeWidth": 2, "aria": False}
    dot: Part = {"type": "point", "filled": True, "size": 34, "opacity": 0.9}
    return [
        layer("accuracy_bands", lines, band, x=x, y=low, y2={"field": "high"}, color=color),
        layer("accuracy_target", targets, rule, y=y),
        layer("accuracy_lines", lines, line, x=x, y=y, color=color),
        layer("accuracy_reached", reached, dot, x=x, y=y, color=color, shape=shape, description=TOLD, tooltip=TOLD),
    ]


def _name(cell: model.Cell, cells: Sequence[model.Cell]) -> str:
    """By what varies in the figure."""
    return label(cell.spec, model.factors_of([one.spec for one in cells]))


def _told(cell: model.Cell, block: int, seconds: float, say: Catalogue) -> str:
    return say("tip_reached", cell=cell.label, block=str(block), time=say.seconds(seconds))


def _caption(cells: Sequence[model.Cell], known: int, say: Catalogue) -> str:
    missed = sum(len(cell.censored) for cell in cells)
    parts = [say("caption_accuracy")]
    parts += [say("caption_accuracy_censored", n=missed)] if missed else []
    parts += [say("caption_accuracy_first", drawn=len(cells), cells=known)] if known > len(cells) else []
    return " ".join(parts)
