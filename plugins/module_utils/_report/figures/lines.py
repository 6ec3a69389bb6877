# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A quantity against a count of nodes, ps or workers: axes, lines, runs, medians. PRIVATE, can break at any time.

A figure exists only for an axis that varies. Its series is one more factor; whatever else varies makes panels, one
figure each on a common scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..._common import fields
from ..._study.analysis import model
from ..._study.design.cell import label
from ..._study.records.record import Record
from ..._study.records.validity import SUSPECT, VALID
from ..messages.catalogue import Catalogue
from .figure import FORM, TOLD, Part, layer, looks, measured

SLOT = 0.3  # the room of one line at a count, as a share of the smallest step between two counts
# How far runs and median stand aside: shares of that room, and of the whole axis, below which they would touch.
ASIDE, MOST_ASIDE, LEAST_ASIDE = 0.24, 0.45, 0.011
RUNS, MEDIAN = -1, 1
DOUBLING = 8  # from this ratio of the highest count to the lowest on, the axis goes by doubling
POINTS = 40  # of a curve
DOTS = 600  # a figure draws at most so many runs


@dataclass(frozen=True)
class Axis:
    """What stands on the horizontal axis, and what tells the lines apart (nothing, when only one thing varies)."""

    x: str
    series: str | None
    panels: tuple[str, ...]

    def line(self, cell: model.Cell) -> str:
        return f"{self.series}={cell.spec.get(self.series)}" if self.series else "all"

    def count(self, cell: model.Cell) -> int:
        return int(cell.spec.get(self.x, 0))


def axes_of(cells: Sequence[model.Cell], factors: Sequence[str]) -> list[Axis]:
    """An axis for each count that varies. A line is a number of nodes if that varies, as in the thesis (figures 6.1 to 6.4)."""
    varying = [factor for factor in factors if len({str(cell.spec.get(factor)) for cell in cells}) > 1]
    counts = [
        factor
        for factor in ("workers", "ps", "nodes")
        if factor in varying and all(fields.count(cell.spec.get(factor)) is not None for cell in cells)
    ]
    first = sorted(counts, key=lambda factor: factor != "nodes")
    axes = []
    for x in counts:
        series = next((factor for factor in (*first, *reversed(varying)) if factor != x), None)
        axes.append(Axis(x, series, tuple(factor for factor in varying if factor not in (x, series))))
    return axes


def panels_of(cells: Sequence[model.Cell], axis: Axis) -> list[tuple[str, list[model.Cell]]]:
    """Cells by what the panel shows; a panel in which the axis does not vary is left out."""
    found: dict[str, list[model.Cell]] = {}
    for cell in cells:
        found.setdefault(label(cell.spec, axis.panels), []).append(cell)
    return [(name, some) for name, some in found.items() if len({cell.spec.get(axis.x) for cell in some}) > 1]


class Scales:
    """What the panels of one figure share: the range of values, the colours, the place of each line."""

    def __init__(
        self, cells: Sequence[model.Cell], axis: Axis, top: float, *, more: Iterable[int] = (), room: float = 0.0
    ) -> None:
        """`more` are counts without a cell; `room` is what stays free on the right, as a share of the ticks' range."""
        self.axis = axis
        self.top = top
        self.counts = sorted({axis.count(cell) for cell in cells} | set(more))
        self.doubling = self.counts[0] > 0 and self.counts[-1] >= DOUBLING * self.counts[0]
        self.lines = list(dict.fromkeys(axis.line(cell) for cell in _ordered(cells, axis)))
        self.ticks = [self.position(count) for count in self.counts]
        self.gap = min((b - a for a, b in pairwise(self.ticks)), default=1.0)
        self.slot = self.gap * min(SLOT, 0.7 / len(self.lines))
        span = self.ticks[-1] - self.ticks[0]
        edge = max(0.5 * self.gap, 0.06 * span)
        self.left, self.right = self.ticks[0] - edge, self.ticks[-1] + max(edge, room * span)
        # Right of all marks.
        self.beyond = min(self.right, self.ticks[-1] + self.slot * (len(self.lines) / 2 + 0.2))

    def position(self, count: float) -> float:
        """Counts that span several doublings stand evenly by doubling."""
        return math.log2(count) if self.doubling else float(count)

    def place(self, cell: model.Cell, side: int = 0) -> float:
        """Lines side by side, and in each the runs beside their median: nothing hides anything."""
        offset = self.lines.index(self.axis.line(cell)) - (len(self.lines) - 1) / 2
        aside = min(MOST_ASIDE * self.slot, max(ASIDE * self.slot, LEAST_ASIDE * (self.right - self.left)))
        return round(self.position(self.axis.count(cell)) + offset * self.slot + side * aside, 6)

    def x(self, title: str) -> Part:
        label = "format(round(pow(2, datum.value)), 'd')" if self.doubling else "format(datum.value, 'd')"
        axis = {"values": self.ticks, "labelExpr": label, "grid": False}
        scale = {"domain": [self.left, self.right], "nice": False, "zero": False}
        return measured("x", title=title, axis=axis, scale=scale)

    def y(self, title: str, field: str = "y") -> Part:
        scale = {"domain": [0, self.top], "nice": False}
        return measured(field, title=title, scale=scale, axis={"format": FORM, "tickCount": 6})

    @property
    def color(self) -> Part:
        return looks("line", self.lines)[0]

    @property
    def shape(self) -> Part:
        return looks("line", self.lines)[1]


@dataclass(frozen=True)
class Titles:
    """The words along the axes."""

    x: str
    y: str


def _ordered(cells: Iterable[model.Cell], axis: Axis) -> list[model.Cell]:
    return sorted(cells, key=lambda cell: model.rank(cell.spec.get(axis.series)) if axis.series else (0, 0.0, ""))


def even(sizes: Sequence[int], most: int) -> list[int]:
    """At most so many of them, the first and the last among them."""
    if len(sizes) <= most:
        return list(sizes)
    return sorted({sizes[round(n * (len(sizes) - 1) / (most - 1))] for n in range(most)})


# --- runs -------------------------------------------------------------------------------------------------------------


Values = Iterable[tuple[Record, "float | None"]]


def thinned(values: Values, most: int) -> list[tuple[Record, float]]:
    """At most so many runs, from the lowest value to the highest at even ranks; every suspect run stays."""
    known = [(run, value) for run, value in values if value is not None]
    if len(known) <= most:
        return known
    suspect = [one for one in known if one[0].verdict == SUSPECT]
    others = sorted((one for one in known if one[0].verdict != SUSPECT), key=lambda one: one[1])
    room = max(2, most - len(suspect))
    ranks = {round(n * (len(others) - 1) / (room - 1)) for n in range(room)} if others else set()
    return suspect[:most] + [others[rank] for rank in sorted(ranks)]


def run_rows(
    cells: Sequence[model.Cell], timing: str, told: Callable[[float], str], scales: Scales, say: Catalogue
) -> list[dict[str, Any]]:
    """A row for each run that is drawn, with its value of this timing; `told` says it with the unit."""
    most = max(2, DOTS // max(1, len(cells)))
    return [
        {
            "x": scales.place(cell, RUNS),
            "y": value,
            "line": scales.axis.line(cell),
            "verdict": run.verdict,
            "told": run_told(say, cell, run, told(value)),
        }
        for cell in cells
        for run, value in thinned([(run, run.timing(timing)) for run in cell.measured], most)
    ]


def run_told(say: Catalogue, cell: model.Cell, run: Record, value: str) -> str:
    """The tooltip of a run."""
    key = "tip_run_suspect" if run.verdict == SUSPECT else "tip_run_valid"
    return say(key, cell=cell.label, block=run.block, value=value)


def drawn_of(say: Catalogue, drawn: int, cells: Sequence[model.Cell]) -> str:
    """For the caption: how many runs are drawn, where not all are."""
    all_runs = sum(len(cell.measured) for cell in cells)
    return f" {say('caption_thinned', drawn=drawn, runs=all_runs)}" if drawn < all_runs else ""


def run_layers(rows: list[dict[str, Any]], **channels: Part) -> list[Part]:
    """A dot for every run; hollow when the run is suspect."""
    layers = []
    for verdict, filled in ((VALID, True), (SUSPECT, False)):
        some = [row for row in rows if row["verdict"] == verdict]
        dot = {"type": "point", "size": 26, "shape": "circle", "filled": filled, "strokeWidth": 1.5}
        dot["opacity"] = 0.55 if filled else 0.9
        if some:
            layers.append(layer(f"runs_{verdict}", some, dot, **channels, description=TOLD))
    return layers


# --- medians ----------------------------------------------------------------------------------------------------------


def median_layers(rows: list[dict[str, Any]], scales: Scales, titles: Titles) -> list[Part]:
    """Line through the medians, their intervals, a mark for each. A row has x, y, line, told, and where known low and high."""
    x, y, color = scales.x(titles.x), scales.y(titles.y), scales.color
    line = {"type": "line", "strokeWidth": 1.5, "opacity": 0.55, "aria": False}
    whisker = {"type": "rule", "strokeWidth": 2, "clip": True, "aria": False}
    point = {"type": "point", "size": 64, "filled": True, "opacity": 1}
    with_bounds = [row for row in rows if "low" in row]
    return [
        layer("lines", rows, line, x=x, y=y, color=color),
        layer("intervals", with_bounds, whisker, x=x, y=scales.y(titles.y, "low"), y2={"field": "high"}, color=color),
        layer("medians", rows, point, x=x, y=y, color=color, shape=scales.shape, description=TOLD),
    ]
