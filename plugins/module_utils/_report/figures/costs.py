# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs against the time that it takes, with the cells that no other cell beats in both. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..._study.analysis import model
from ..._study.design.cell import label
from ..messages.catalogue import Catalogue
from .figure import COST, FORM, INK, PALETTE, SIZE, TOLD, Figure, Part, finish, layer, looks, measured, named, numbered
from .lines import DOTS, drawn_of, run_layers, run_told, thinned

LONGEST = 190  # width of a name
NAMED = 8  # of more cells on the front only the two ends have a name


def front_of(cells: Iterable[model.Cell]) -> list[model.Cell]:
    """The cells on the Pareto front, the fastest first: no other cell is both faster and cheaper."""
    front: list[model.Cell] = []
    for _seconds, cost, cell in sorted(((*_place(cell), cell) for cell in cells), key=lambda one: one[:2]):
        if not front or cost < _place(front[-1])[1]:
            front.append(cell)
    return front


def _place(cell: model.Cell) -> tuple[float, float]:
    return cell.center(cell.response) or 0.0, cell.cost or 0.0


def figures(study: model.Study, say: Catalogue) -> list[Figure]:
    """A figure for each group of cells that may be compared; none where the prices are not known.

    With a target accuracy the time is that to the accuracy; a cell that does not always reach it has none.
    """
    groups = [
        (name, [cell for cell in cells if cell.measured and cell.cost is not None]) for name, cells in study.groups()
    ]
    whole = [(name, cells, [cell for cell in cells if not cell.censored]) for name, cells in groups]
    priced = [one for one in whole if len(one[2]) > 1] if study.currency else []
    return [
        _figure(numbered("cost-by-time", number, len(priced)), group, kept, len(cells) - len(kept), study.currency, say)
        for number, (group, cells, kept) in enumerate(priced, start=1)
    ]


def _figure(name: str, group: str, cells: Sequence[model.Cell], missed: int, currency: str, say: Catalogue) -> Figure:
    """`missed` cells are left out, because they do not always reach the target accuracy."""
    front, of = front_of(cells), "time" if cells[0].target is None else "to_accuracy"
    kinds = {cell.cell_id: say("on_front" if cell in front else "off_front") for cell in cells}
    both = [kind for kind in (say("on_front"), say("off_front")) if kind in kinds.values()]
    color, shape = looks("kind", both)
    axis = {"format": FORM, "tickCount": 6}
    x = measured("x", title=say(f"axis_{of}"), scale={"zero": False, "padding": 24}, axis=axis)
    y = measured(
        "y", title=say("axis_cost", currency=currency), scale={"zero": True, "nice": False, "padding": 12}, axis=axis
    )
    rows = [_row(cell, kinds[cell.cell_id], currency, say) for cell in cells]
    runs = _run_rows(cells, kinds, currency, say)
    corners = [dict(zip("xy", _place(cell), strict=True)) for cell in front]
    ends = front if len(front) <= NAMED else [front[0], front[-1]]
    names = [{**row, "name": _name(cell, cells)} for cell, row in zip(cells, rows, strict=True) if cell in ends]
    seconds = [row["x"] for row in (*rows, *runs)]
    steps = {"type": "line", "interpolate": "step-after", "color": PALETTE[0], "opacity": 0.6, "aria": False}
    point = {"type": "point", "filled": True, "size": 80, "opacity": 1}
    layers = [
        layer("front", corners, steps, x=x, y=y),
        *run_layers(runs, x=x, y=y, color=color),
        layer("medians", rows, point, x=x, y=y, color=color, shape=shape, description=TOLD),
        *_names(names, (min(seconds) + max(seconds)) / 2, x, y),
    ]
    title = say("title_cost" if of == "time" else "title_cost_to_accuracy")
    left_out = f" {say('caption_cost_missed', n=missed)}" if missed else ""
    return Figure(
        name=name,
        title=say("title_panel", title=title, panel=group) if group else title,
        caption=say("caption_cost") + left_out + drawn_of(say, len(runs), cells),
        spec=finish(layers),
        section=COST,
        runs=len(runs),
    )


def _name(cell: model.Cell, cells: Iterable[model.Cell]) -> str:
    """By what varies in the figure."""
    return label(cell.spec, model.factors_of([one.spec for one in cells]))


def _names(rows: Sequence[dict[str, Any]], middle: float, x: Part, y: Part) -> list[Part]:
    """Right of its mark in the left half of the figure, left of it in the right half: a name is never cut.

    Below the front there are no other cells.
    """
    words = {"type": "text", "baseline": "top", "dy": 7, "fontSize": SIZE - 1, "limit": LONGEST, "color": INK}
    words["aria"] = False
    left, right = [row for row in rows if row["x"] <= middle], [row for row in rows if row["x"] > middle]
    return [
        layer("names_left", left, {**words, "align": "left", "dx": 6}, x=x, y=y, text=named("name")),
        layer("names_right", right, {**words, "align": "right", "dx": -6}, x=x, y=y, text=named("name")),
    ]


def _row(cell: model.Cell, kind: str, currency: str, say: Catalogue) -> dict[str, Any]:
    seconds, cost = _place(cell)
    told = say("tip_cost", cell=cell.label, time=say.seconds(seconds), cost=say.price(cost, currency))
    return {"x": seconds, "y": cost, "kind": kind, "cell": cell.label, "told": told}


def _run_rows(
    cells: Sequence[model.Cell], kinds: dict[str, str], currency: str, say: Catalogue
) -> list[dict[str, Any]]:
    most = max(2, DOTS // len(cells))
    rows = []
    for cell in cells:
        for run, cost in thinned(cell.costs, most):
            seconds = run.seconds
            paid = say("tip_cost_of_run", time=say.seconds(seconds), cost=say.price(cost, currency))
            told = run_told(say, cell, run, paid)
            rows.append({"x": seconds, "y": cost, "kind": kinds[cell.cell_id], "verdict": run.verdict, "told": told})
    return rows
