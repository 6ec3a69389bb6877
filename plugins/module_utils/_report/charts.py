# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a report as Vega-Lite specifications, and as SVG. PRIVATE, can break at any time.

A figure exists only for an axis that varies. Its series is one more factor; whatever else varies makes panels, one
figure each on a common scale.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .._common import fields
from .._study.analysis import model
from .._study.records.record import SPENT
from . import ceilings
from .messages.catalogue import ENGLISH, Catalogue

# Okabe and Ito (2008), told apart by all common kinds of colour vision. page.py maps each to its shade on dark ground.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a6761d", "#56b4e9", "#7f3c8d", "#666666")
PARTS = {"startup": "#56b4e9", "training": "#0072b2", "rest": "#b8b8b8"}
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")
SHARES = dict(zip(SPENT, ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#666666"), strict=True))
WIDTH, HEIGHT, BAR = 640, 320, 26
ROUND_BARS = 84  # legend, ticks and title above and below bars
SLOT = 0.2  # the room of one line at a count, as a share of the smallest step between two counts
ASIDE = 0.24  # how far the runs stand beside their median, as a share of that room
DOUBLING = 8  # from this ratio of the highest count to the lowest on, the axis goes by doubling
FORM = ",.6~g"


@dataclass(frozen=True)
class Figure:
    """`runs` is the number of dots that a faithful drawing has."""

    name: str
    title: str
    caption: str
    spec: dict[str, Any]
    runs: int


@dataclass(frozen=True)
class Metric:
    """`code` is its name in the catalogue, `unit` that of a single value."""

    key: str
    slug: str
    code: str
    unit: str
    ideal: bool = False


TIME = Metric("train_seconds", "training-time", "time", "seconds")
SPEED = Metric("steps_per_second", "speed", "speed", "speed", ideal=True)


@dataclass(frozen=True)
class Axis:
    """What stands on the horizontal axis, and what tells the lines apart (nothing, when only one thing varies)."""

    x: str
    series: str | None
    panels: tuple[str, ...]

    def line(self, cell: model.Cell) -> str:
        return f"{self.series}={cell.spec.get(self.series)}" if self.series else ""


def axes_of(cells: Sequence[model.Cell], factors: Sequence[str]) -> list[Axis]:
    varying = [factor for factor in factors if len({str(cell.spec.get(factor)) for cell in cells}) > 1]
    counts = [
        factor
        for factor in ("workers", "ps", "nodes")
        if factor in varying and all(fields.count(cell.spec.get(factor)) is not None for cell in cells)
    ]
    axes = []
    for x in counts:
        series = next((factor for factor in (*counts, *reversed(varying)) if factor != x), None)
        axes.append(Axis(x, series, tuple(factor for factor in varying if factor not in (x, series))))
    return axes


def _panels(cells: Sequence[model.Cell], axis: Axis) -> list[tuple[str, list[model.Cell]]]:
    """Cells by what the panel shows; a panel in which the axis does not vary is left out."""
    found: dict[str, list[model.Cell]] = {}
    for cell in cells:
        found.setdefault(model.label(cell.spec, axis.panels), []).append(cell)
    return [(name, some) for name, some in found.items() if len({cell.spec.get(axis.x) for cell in some}) > 1]


class _Scales:
    """What the panels of one figure share: the range of values, the colours, the place of each line."""

    def __init__(
        self, cells: Sequence[model.Cell], axis: Axis, top: float, say: Catalogue, *, room: float = 0.0
    ) -> None:
        """`room` is what stays free on the right, as a share of the ticks' range."""
        self.axis, self.say = axis, say
        self.top = top
        self.counts = sorted({int(cell.spec.get(axis.x, 0)) for cell in cells})
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

    def place(self, cell: model.Cell, aside: float = 0.0) -> float:
        """Lines side by side, and in each the runs beside their median: nothing hides anything."""
        offset = self.lines.index(self.axis.line(cell)) - (len(self.lines) - 1) / 2
        return round(self.position(int(cell.spec.get(self.axis.x, 0))) + (offset + aside) * self.slot, 6)

    def x(self, alt: Any) -> Any:
        label = "format(round(pow(2, datum.value)), 'd')" if self.doubling else "format(datum.value, 'd')"
        axis = alt.Axis(values=self.ticks, labelExpr=label, grid=False)
        scale = alt.Scale(domain=[self.left, self.right], nice=False, zero=False)
        return alt.X("x:Q", title=self.say(f"axis_{self.axis.x}"), axis=axis, scale=scale)

    def y(self, alt: Any, title: str, field: str = "y", form: str = FORM) -> Any:
        scale = alt.Scale(domain=[0, self.top], nice=False)
        return alt.Y(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(format=form, tickCount=6))

    def color(self, alt: Any) -> Any:
        legend = alt.Legend(title=None, orient="top", symbolOpacity=1) if len(self.lines) > 1 else None
        colors = [PALETTE[n % len(PALETTE)] for n in range(len(self.lines))]
        return alt.Color("line:N", scale=alt.Scale(domain=self.lines, range=colors), legend=legend)

    def shape(self, alt: Any) -> Any:
        legend = alt.Legend(title=None, orient="top") if len(self.lines) > 1 else None
        shapes = [SHAPES[n % len(SHAPES)] for n in range(len(self.lines))]
        return alt.Shape("line:N", scale=alt.Scale(domain=self.lines, range=shapes), legend=legend)


def _ordered(cells: Iterable[model.Cell], axis: Axis) -> list[model.Cell]:
    return sorted(cells, key=lambda cell: model.rank(cell.spec.get(axis.series)) if axis.series else (0, 0.0, ""))


def _run_rows(cells: Sequence[model.Cell], metric: Metric, scales: _Scales) -> list[dict[str, Any]]:
    return [
        {
            "x": scales.place(cell, -ASIDE),
            "y": value,
            "line": scales.axis.line(cell),
            "verdict": run.verdict,
            "word": scales.say(f"verdict_{run.verdict}"),
            "run": scales.say("run_in_block", cell=cell.label, block=run.block),
            "shown": scales.say(metric.unit, value=scales.say.number(value)),
        }
        for cell in cells
        for run in cell.measured
        if (value := run.timing(metric.key)) is not None
    ]


def _median_rows(cells: Sequence[model.Cell], metric: Metric, scales: _Scales) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        estimate = cell.interval(metric.key)
        if estimate is None:
            continue
        row = {"x": scales.place(cell, ASIDE), "y": estimate.center, "line": scales.axis.line(cell), "cell": cell.label}
        bounds = {} if estimate.low is None else {"low": estimate.low, "high": estimate.high}
        shown = scales.say.interval(estimate, f"median_{metric.code}", runs=estimate.n)
        rows.append({**row, **bounds, "shown": shown})
    return rows


def _ideal_rows(cells: Sequence[model.Cell], scales: _Scales) -> list[dict[str, Any]]:
    """Speed in proportion to workers, from the fewest workers of each line."""
    lines: dict[str, list[model.Cell]] = {}
    for cell in cells:
        lines.setdefault(scales.axis.line(cell), []).append(cell)
    rows = []
    for line, of_line in lines.items():
        first = min(of_line, key=lambda cell: int(cell.spec.get(scales.axis.x, 0)))
        rate = (first.center(SPEED.key) or 0.0) / int(first.spec[scales.axis.x])
        counts = [int(cell.spec[scales.axis.x]) for cell in of_line]
        rows += [{"x": scales.position(count), "y": rate * count, "line": line} for count in counts if len(counts) > 1]
    return rows


def _ceiling_layers(alt: Any, cells: Sequence[model.Cell], scales: _Scales, title: str) -> list[Any]:
    rows = ceilings.rows(cells, scales.axis.x, scales.axis.line, scales.position, scales.top, scales.say)
    if not rows:
        return []
    x, y, color = scales.x(alt), scales.y(alt, title), scales.color(alt)
    tips = _tips(alt, scales.say, kind="ceiling", shown="at_most")
    of_cells = alt.Chart(_values(alt, rows), name="ceilings").mark_line(strokeDash=[2, 2], strokeWidth=1, opacity=0.7)
    beyond = alt.Chart(_values(alt, ceilings.beyond(rows, scales.beyond, scales.right)), name="ceilings_beyond")
    names = alt.Chart(_values(alt, ceilings.labels(rows, scales.right, scales.top)), name="ceiling_names")
    dashed = beyond.mark_line(strokeDash=[10, 4], strokeWidth=2)
    words = names.mark_text(align="right", baseline="bottom", dy=-3, fontSize=12, color="#3b4450")
    return [
        *(lines.encode(x=x, y=y, color=color, detail="group:N", tooltip=tips) for lines in (of_cells, dashed)),
        words.encode(x=x, y=scales.y(alt, title, "at"), text="label:N"),
    ]


def _tips(alt: Any, say: Catalogue, **fields_: str) -> list[Any]:
    """A tooltip: the fields of a row, and the keys of their names."""
    return [alt.Tooltip(f"{field}:N", title=say(f"tip_{key}")) for field, key in fields_.items()]


def _values(alt: Any, rows: list[dict[str, Any]]) -> Any:
    return alt.Data(values=rows)


def _median_layers(alt: Any, rows: list[dict[str, Any]], scales: _Scales, title: str, form: str = FORM) -> list[Any]:
    """Line through the medians, their intervals, a mark for each."""
    x, y, color = scales.x(alt), scales.y(alt, title, form=form), scales.color(alt)
    tips = _tips(alt, scales.say, cell="cell", shown="median")
    base = alt.Chart(_values(alt, rows)).encode(x=x, color=color)
    with_bounds = [row for row in rows if "low" in row]
    intervals = alt.Chart(_values(alt, with_bounds), name="intervals").mark_rule(strokeWidth=2, clip=True)
    return [
        base.mark_line(strokeWidth=1.5, opacity=0.55).encode(y=y).properties(name="lines"),
        intervals.encode(x=x, y=scales.y(alt, title, "low", form), y2="high:Q", color=color),
        base.mark_point(size=64, filled=True, opacity=1)
        .encode(y=y, shape=scales.shape(alt), tooltip=tips)
        .properties(name="medians"),
    ]


def _run_layers(alt: Any, rows: list[dict[str, Any]], scales: _Scales, title: str) -> list[Any]:
    """A dot for every run; hollow when the run is suspect."""
    tips = _tips(alt, scales.say, run="run", shown="value", word="verdict")
    layers = []
    for verdict, filled in (("valid", True), ("suspect", False)):
        some = [row for row in rows if row["verdict"] == verdict]
        if some:
            dots = alt.Chart(_values(alt, some), name=f"runs_{verdict}").mark_point(
                size=30, shape="circle", filled=filled, strokeWidth=1.5, opacity=0.55 if filled else 0.9
            )
            layers.append(dots.encode(x=scales.x(alt), y=scales.y(alt, title), color=scales.color(alt), tooltip=tips))
    return layers


def _finish(chart: Any, description: str, say: Catalogue, height: int = HEIGHT) -> dict[str, Any]:
    """The specification, in the one look that all figures share."""
    numbers = {"decimal": say.figures("."), "thousands": say.figures(","), "grouping": [3], "currency": ["", ""]}
    styled = (
        chart.properties(
            width=WIDTH, height=height, description=description, autosize={"type": "fit", "contains": "padding"}
        )
        .configure(background="white", font="system-ui, -apple-system, Segoe UI, Roboto, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor="#e4e7eb",
            domainColor="#9aa4b0",
            tickColor="#9aa4b0",
            labelColor="#3b4450",
            titleColor="#3b4450",
            titlePadding=10,
        )
        .configure_legend(labelFontSize=12, labelColor="#3b4450", symbolSize=90)
    )
    spec: dict[str, Any] = styled.to_dict()
    spec["config"]["locale"] = {"number": numbers}
    return spec


def _top(cells: Sequence[model.Cell], metric: Metric, axis: Axis) -> float:
    """Above every run, and above every interval and ceiling that is not so high as to hide the runs."""
    highest = max((value for cell in cells for value in cell.values(metric.key)), default=1.0)
    bounds = [found.high for cell in cells if (found := cell.interval(metric.key)) and found.high]
    shown = [one for one in ceilings.of(cells) if one < ceilings.ROOM * highest] if _has_ceilings(metric, axis) else []
    return 1.06 * max([highest, *(bound for bound in bounds if bound < 1.6 * highest), *shown])


def _has_ceilings(metric: Metric, axis: Axis) -> bool:
    return metric.ideal and axis.x == "workers"


def _scatter(
    alt: Any, cells: Sequence[model.Cell], metric: Metric, scales: _Scales, title: str
) -> tuple[dict[str, Any], int]:
    runs, name = _run_rows(cells, metric, scales), scales.say(f"axis_{metric.code}")
    layers = _run_layers(alt, runs, scales, name)
    if _has_ceilings(metric, scales.axis):
        ideal = alt.Chart(_values(alt, _ideal_rows(cells, scales)), name="ideal")
        dashed = ideal.mark_line(strokeDash=[3, 4], strokeWidth=1, opacity=0.8, clip=True)
        layers.insert(0, dashed.encode(x=scales.x(alt), y=scales.y(alt, name), color=scales.color(alt)))
        layers += _ceiling_layers(alt, cells, scales, name)
    medians = _median_layers(alt, _median_rows(cells, metric, scales), scales, name)
    return _finish(alt.layer(*layers, *medians), title, scales.say), len(runs)


def _efficiency_rows(study: model.Study, cells: Sequence[model.Cell], scales: _Scales) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        scaling = study.scaling(cell)
        if scaling is None:
            continue
        alone = scaling.reference is cell
        bounds = None if alone else scaling.bounds
        shown = scales.say.percent(scaling.efficiency)
        if bounds:
            shown = scales.say("efficiency_between", share=shown, between=scales.say.percents(*bounds))
        row = {"x": scales.place(cell), "y": scaling.efficiency, "line": scales.axis.line(cell), "cell": cell.label}
        rows.append({**row, "shown": shown, **({"low": bounds[0], "high": bounds[1]} if bounds else {})})
    return rows


def _efficiency(
    alt: Any, study: model.Study, cells: Sequence[model.Cell], scales: _Scales, title: str
) -> dict[str, Any]:
    rows = _efficiency_rows(study, cells, scales)
    ideal = alt.Chart(_values(alt, [{"y": 1.0}]), name="ideal").mark_rule(strokeDash=[3, 4], color="#666666")
    axis = scales.say("axis_efficiency")
    layers = _median_layers(alt, rows, scales, axis, ".0%")
    return _finish(alt.layer(ideal.encode(y=scales.y(alt, axis, form=".0%")), *layers), title, scales.say)


def _numbered(slug: str, number: int, panels: int) -> str:
    return slug if panels == 1 else f"{slug}-{number}"


def _titled(say: Catalogue, key: str, panel: str) -> str:
    title = say(f"title_{key}")
    return say("title_panel", title=title, panel=panel) if panel else title


def _metric_figures(alt: Any, study: model.Study, axis: Axis, metric: Metric, say: Catalogue) -> list[Figure]:
    panels = _panels(study.measured, axis)
    shown = [cell for _name, cells in panels for cell in cells]
    figures = []
    for number, (panel, cells) in enumerate(panels, start=1):
        room = ceilings.ROOM_ON_THE_RIGHT if _has_ceilings(metric, axis) and ceilings.of(shown) else 0.0
        scales = _Scales(shown, axis, _top(shown, metric, axis), say, room=room)
        title = _titled(say, f"{metric.code}_{axis.x}", panel)
        spec, runs = _scatter(alt, cells, metric, scales, title)
        name = _numbered(f"{metric.slug}-by-{axis.x}", number, len(panels))
        figures.append(Figure(name, title, _caption(metric, axis, cells, say), spec, runs))
    return figures


def _caption(metric: Metric, axis: Axis, cells: Sequence[model.Cell], say: Catalogue) -> str:
    has = _has_ceilings(metric, axis)
    keys = [f"caption_{metric.code}", *(["caption_ideal"] if has else [])]
    return " ".join(map(say, [*keys, *(["caption_ceilings"] if has and ceilings.of(cells) else [])]))


def _efficiency_figures(alt: Any, study: model.Study, axis: Axis, say: Catalogue) -> list[Figure]:
    panels = [(name, cells) for name, cells in _panels(study.measured, axis) if any(map(study.scaling, cells))]
    figures = []
    for number, (panel, cells) in enumerate(panels, start=1):
        found = [scaling for _name, some in panels for cell in some if (scaling := study.scaling(cell))]
        highest = max(1.0, *(scaling.efficiency for scaling in found))
        scales = _Scales([cell for _name, some in panels for cell in some], axis, 1.15 * highest, say)
        title = _titled(say, "efficiency_workers", panel)
        spec = _efficiency(alt, study, cells, scales, title)
        name = _numbered("efficiency-by-workers", number, len(panels))
        figures.append(Figure(name, title, say("caption_efficiency"), spec, 0))
    return figures


def _part_rows(cells: Sequence[model.Cell], say: Catalogue) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        total, training = cell.center("total_seconds"), cell.center("train_seconds")
        start = cell.center("startup_seconds")
        if total is None or training is None or start is None:
            continue
        parts = {"startup": start, "training": training, "rest": max(0.0, total - start - training)}
        for order, (part, seconds) in enumerate(parts.items()):
            shown = say("part_of", part=say.seconds(seconds), whole=say.seconds(total))
            named = {"cell": cell.label, "part": say(f"part_{part}"), "shown": shown}
            rows.append({**named, "size": seconds, "order": order})
    return rows


def _share_rows(cells: Sequence[model.Cell], say: Catalogue) -> list[dict[str, Any]]:
    return [
        {"cell": cell.label, "part": say(f"share_{part}"), "size": share, "order": order, "shown": say.percent(share)}
        for cell in cells
        for order, (part, share) in enumerate(cell.shares.items())
    ]


def _bars(
    alt: Any, rows: list[dict[str, Any]], parts: dict[str, str], axis: Any, title: str, say: Catalogue
) -> dict[str, Any]:
    """A bar for each cell, in parts."""
    labels = list(dict.fromkeys(row["cell"] for row in rows))
    color = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(parts), range=list(parts.values())),
        legend=alt.Legend(title=None, orient="top", symbolType="square", columns=3),
    )
    bars = alt.Chart(_values(alt, rows), name="parts").mark_bar(height=BAR * 0.65)
    chart = bars.encode(
        x=axis,
        y=alt.Y(
            "cell:N", title=None, sort=labels, axis=alt.Axis(labelLimit=260, ticks=False, domain=False, labelPadding=8)
        ),
        color=color,
        order=alt.Order("order:Q"),
        tooltip=_tips(alt, say, cell="cell", part="part", shown="time"),
    )
    return _finish(chart, title, say, BAR * len(labels) + ROUND_BARS)


def _parts(alt: Any, study: model.Study, say: Catalogue) -> list[Figure]:
    """Of the runs, and of the workers in them."""
    figures = []
    if rows := _part_rows(study.measured, say):
        axis = alt.X("size:Q", title=say("axis_parts"), axis=alt.Axis(format=FORM, tickCount=6))
        colors = {say(f"part_{part}"): color for part, color in PARTS.items()}
        spec = _bars(alt, rows, colors, axis, say("title_parts"), say)
        figures.append(Figure("where-time-goes", say("title_parts"), say("caption_parts"), spec, 0))
    if rows := _share_rows(study.measured, say):
        scale = alt.Scale(domain=[0, 1], nice=False)
        ticks = alt.Axis(format=".0%", tickCount=6)
        axis = alt.X("size:Q", title=say("axis_shares"), scale=scale, axis=ticks)
        colors = {say(f"share_{part}"): color for part, color in SHARES.items()}
        spec = _bars(alt, rows, colors, axis, say("title_shares"), say)
        figures.append(Figure("where-workers-time-goes", say("title_shares"), say("caption_shares"), spec, 0))
    return figures


def figures_of(study: model.Study, say: Catalogue = ENGLISH) -> list[Figure]:
    """All figures of a study, in the order of the page."""
    import altair as alt

    figures: list[Figure] = []
    for axis in axes_of(study.measured, study.factors):
        figures += _metric_figures(alt, study, axis, TIME, say)
        if axis.x == "workers":
            figures += _metric_figures(alt, study, axis, SPEED, say)
            figures += _efficiency_figures(alt, study, axis, say)
    return figures + _parts(alt, study, say)


def _own_ids(drawn: str, name: str) -> str:
    """Vega counts clip paths on from one drawing to the next; here each has ids of its own, the same every time.

    Only where an id stands: a label may be called clip1.
    """
    found: dict[str, str] = {}
    return re.sub(
        r"(?<= id=\")clip\d+(?=\")|(?<=url\(#)clip\d+(?=\)\")",
        lambda match: found.setdefault(match[0], f"{name}-clip{len(found)}"),
        drawn,
    )


def svg_of(figure: Figure) -> str:
    import vl_convert

    return _own_ids(vl_convert.vegalite_to_svg(figure.spec), figure.name)


def responsive(figure: Figure) -> dict[str, Any]:
    """The specification for the page: as wide as its frame, on the page's own ground."""
    return {**figure.spec, "width": "container", "config": {**figure.spec["config"], "background": None}}


@functools.cache
def bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script."""
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script
