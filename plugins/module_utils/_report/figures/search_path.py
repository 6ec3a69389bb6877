# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of a search for a size: the sizes in the order in which they were tried. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._study.analysis import model
from ..._study.statistics.adaptive import AUTOSIZE
from ..messages.catalogue import Catalogue
from .figure import FORM, PALETTE, SCALING, TOLD, Figure, Part, finish, layer, measured, named, numbered
from .lines import DOTS, drawn_of, run_layers, run_told, thinned

MOST_NAMES = 12  # of more sizes the names would hide each other


def figures(study: model.Study, say: Catalogue) -> list[Figure]:
    """A figure for each group of cells; none for a study that measured a space."""
    paths = [(group, path) for group, cells in study.groups() if (path := path_of(cells))]
    return [
        _figure(numbered("search-path", number, len(paths)), group, path, say)
        for number, (group, path) in enumerate(paths, start=1)
    ]


def path_of(cells: Sequence[model.Cell]) -> list[model.Cell]:
    """The cells of the search with a time, in the order of their first blocks; in one block from the smallest on."""
    first = {
        cell.cell_id: min(run.block for run in cell.runs)
        for cell in cells
        if any(run.design.get("repeats") == AUTOSIZE for run in cell.runs) and cell.values(cell.response)
    }
    found = [cell for cell in cells if cell.cell_id in first]
    ordered = sorted(found, key=lambda cell: (first[cell.cell_id], [cell.spec.get(key) or 0 for key in model.COUNTS]))
    return ordered if len(ordered) > 1 else []


def _figure(name: str, group: str, path: Sequence[model.Cell], say: Catalogue) -> Figure:
    names = _names(path)
    x = named("size", title=say("axis_search"), sort=names, axis={"labelAngle": 0 if len(names) <= MOST_NAMES else -60})
    y = measured("y", title=say("axis_time"), scale={"zero": True}, axis={"format": FORM, "tickCount": 6})
    medians = [_row(cell, size, say) for cell, size in zip(path, names, strict=True)]
    runs = _run_rows(path, names, say)
    color: Part = {"value": PALETTE[0]}
    line = {"type": "line", "strokeWidth": 1.5, "opacity": 0.55, "aria": False}
    rule = {"type": "rule", "strokeWidth": 2, "aria": False}
    point = {"type": "point", "size": 64, "filled": True, "opacity": 1}
    bounded = [row for row in medians if "low" in row]
    layers = [
        *run_layers(runs, x=x, y=y, color=color),
        layer("path", medians, line, x=x, y=y, color=color),
        layer("intervals", bounded, rule, x=x, y={**y, "field": "low"}, y2={"field": "high"}, color=color),
        layer("medians", medians, point, x=x, y=y, color=color, description=TOLD),
    ]
    title = say("title_search")
    return Figure(
        name=name,
        title=say("title_panel", title=title, panel=group) if group else title,
        caption=f"{say('caption_search')} {say('caption_marks')}" + drawn_of(say, len(runs), path),
        spec=finish(layers),
        section=SCALING,
        runs=len(runs),
    )


def _names(path: Sequence[model.Cell]) -> list[str]:
    """`4`, or what differs beside the workers before it: `2 ps, 4`."""
    varied = [key for key in ("nodes", "ps") if len({cell.spec.get(key) for cell in path}) > 1]
    return [
        ", ".join([*(f"{key}={cell.spec.get(key)}" for key in varied), str(cell.spec.get("workers"))]) for cell in path
    ]


def _row(cell: model.Cell, size: str, say: Catalogue) -> dict[str, Any]:
    estimate = cell.interval(cell.response)
    if estimate is None:
        return {}
    bounds = {} if estimate.low is None else {"low": estimate.low, "high": estimate.high}
    told = say.interval(estimate, "tip_time", cell=cell.label, runs=estimate.n)
    return {"size": size, "y": estimate.center, "told": told, **bounds}


def _run_rows(path: Sequence[model.Cell], names: Sequence[str], say: Catalogue) -> list[dict[str, Any]]:
    most = max(2, DOTS // len(path))
    return [
        {"size": size, "y": value, "verdict": run.verdict, "told": run_told(say, cell, run, say.seconds(value))}
        for cell, size in zip(path, names, strict=True)
        for run, value in thinned([(run, run.timing(cell.response)) for run in cell.measured], most)
    ]
