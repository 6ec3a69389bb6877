# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of the runs goes, and that of the workers in them. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._study.analysis import model
from ..._study.records.record import SPENT as PARTS_OF_WORKERS
from ..messages.catalogue import Catalogue
from . import figure
from .figure import FORM, TOLD, Figure, Part, finish, layer, legend, measured, named, rows_of_cells

PARTS = {"startup": "#56b4e9", "training": "#0072b2", "rest": "#b8b8b8"}
COLORS = dict(zip(PARTS_OF_WORKERS, ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#666666"), strict=True))
BAR = 12


def figures(study: model.Study, say: Catalogue) -> list[Figure]:
    cells = figure.readable(study.measured)
    found = []
    if rows := _part_rows(cells, say):
        axis = measured("size", title=say("axis_run_time"), axis={"format": FORM, "tickCount": 5})
        found.append(_figure("where-time-goes", "run_time", rows, PARTS, axis, study, say))
    if rows := _share_rows(cells, say):
        scale = {"domain": [0, 1], "nice": False}
        axis = measured("size", title=say("axis_worker_time"), scale=scale, axis={"format": ".0%", "tickCount": 5})
        found.append(_figure("where-workers-time-goes", "worker_time", rows, COLORS, axis, study, say))
    return found


def _part_rows(cells: Sequence[model.Cell], say: Catalogue) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        total, training = cell.center("total_seconds"), cell.center("train_seconds")
        start = cell.center("startup_seconds")
        if total is None or training is None or start is None:
            continue
        seconds = {"startup": start, "training": training, "rest": max(0.0, total - start - training)}
        rows += _rows(cell, "run", seconds, {part: say.seconds(of) for part, of in seconds.items()}, say)
    return rows


def _share_rows(cells: Sequence[model.Cell], say: Catalogue) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        rows += _rows(cell, "worker", cell.shares, {part: say.percent(of) for part, of in cell.shares.items()}, say)
    return rows


def _rows(
    cell: model.Cell, of: str, sizes: Mapping[str, float], told: Mapping[str, str], say: Catalogue
) -> list[dict[str, Any]]:
    return [
        {
            "cell": cell.label,
            "part": say(f"part_{of}_{part}"),
            "size": size,
            "order": order,
            "told": say("tip_part", cell=cell.label, part=say(f"part_{of}_{part}"), value=told[part]),
        }
        for order, (part, size) in enumerate(sizes.items())
    ]


def _figure(
    name: str,
    key: str,
    rows: list[dict[str, Any]],
    colors: Mapping[str, str],
    axis: Part,
    study: model.Study,
    say: Catalogue,
) -> Figure:
    """A bar for each cell, in parts."""
    labels = list(dict.fromkeys(row["cell"] for row in rows))
    parts = [say(f"part_{key.partition('_')[0]}_{part}") for part in colors]
    scale = {"domain": parts, "range": list(colors.values())}
    color = named("part", scale=scale, legend=legend(parts, symbolType="square"))
    y, names = rows_of_cells(labels)
    mark = {"type": "bar", "height": BAR, "yOffset": 8}
    bars = layer("parts", rows, mark, x=axis, y=y, color=color, order=measured("order"), description=TOLD)
    caption = say(f"caption_{key}") + figure.left_out(say, len(study.measured))
    spec = finish([bars, names], figure.height_of_rows(labels, parts))
    return Figure(name=name, title=say(f"title_{key}"), caption=caption, spec=spec, section=figure.SPENT)
