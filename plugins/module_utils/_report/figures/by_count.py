# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Training time, speed and speed-up against workers, ps and nodes. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._study.analysis import model
from ..._study.analysis.laws import Curve
from ..messages.catalogue import Catalogue
from . import ceilings, law_bands
from .figure import SCALING, Figure, finish, layer, numbered
from .lines import MEDIAN, POINTS, Axis, Scales, Titles, drawn_of, median_layers, panels_of, run_layers, run_rows

PERFECT = {"type": "line", "strokeDash": [3, 4], "strokeWidth": 1.5, "clip": True, "aria": False}
# Intervals higher than this many times the highest run are cut, so that they do not squeeze the runs.
CUT = 1.6


@dataclass(frozen=True)
class Metric:
    """A timing of a run; `text` is the end of the keys of its texts."""

    key: str
    slug: str
    text: str
    # None where no ceiling speaks about it.
    value_at: ceilings.ValueAt | None = None


TIME = Metric("train_seconds", "training-time", "time", ceilings.seconds_at)
SPEED = Metric("steps_per_second", "speed", "speed", ceilings.speed_at)
TO_ACCURACY = Metric("seconds_to_accuracy", "time-to-accuracy", "to_accuracy")


def title_of(say: Catalogue, key: str, axis: Axis, panel: str) -> str:
    title = say(f"title_{key}_{axis.x}")
    return say("title_panel", title=title, panel=panel) if panel else title


def metric_figures(
    study: model.Study, axis: Axis, metric: Metric, say: Catalogue, curves: Sequence[Curve] = ()
) -> list[Figure]:
    """A figure for each panel; with the laws of those `curves` that are a line of it."""
    panels = panels_of([cell for cell in study.measured if cell.values(metric.key)], axis)
    shown = [cell for _name, cells in panels for cell in cells]
    if not shown:
        return []
    value_at = metric.value_at if axis.x == "workers" and ceilings.of(shown) else None
    room = ceilings.ROOM_ON_THE_RIGHT if value_at else 0.0
    laws = {panel: law_bands.by_line(cells, axis, curves) for panel, cells in panels}
    more = [count for found in laws.values() for count in law_bands.furthest(found)]
    scales = Scales(shown, axis, _top(shown, metric, has_ceilings=value_at is not None), more=more, room=room)
    titles = Titles(say(f"axis_{axis.x}"), say(f"axis_{metric.text}"))
    figures = []
    for number, (panel, cells) in enumerate(panels, start=1):
        name = numbered(f"{metric.slug}-by-{axis.x}", number, len(panels))
        rows = run_rows(cells, metric.key, _teller(metric, say), scales, say)
        layers = law_bands.layers(laws[panel], scales, titles, say)
        layers += run_layers(rows, x=scales.x(titles.x), y=scales.y(titles.y), color=scales.color)
        if value_at:
            layers += ceilings.layers(cells, scales, titles, value_at, say)
        layers += median_layers(_median_rows(cells, metric, scales, say), scales, titles)
        figures.append(
            Figure(
                name=name,
                title=title_of(say, metric.text, axis, panel),
                caption=_caption(metric, axis, value_at is not None, laws[panel], say)
                + drawn_of(say, len(rows), cells),
                spec=finish(layers),
                section=SCALING,
                runs=len(rows),
                data="runs.csv",
            )
        )
    return figures


def _teller(metric: Metric, say: Catalogue) -> Callable[[float], str]:
    return say.seconds if metric is not SPEED else say.speed


def _median_rows(cells: Sequence[model.Cell], metric: Metric, scales: Scales, say: Catalogue) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        estimate = cell.interval(metric.key)
        if estimate is None:
            continue
        row = {
            "x": scales.place(cell, MEDIAN),
            "y": estimate.center,
            "line": scales.axis.line(cell),
            "cell": cell.label,
        }
        bounds = {} if estimate.low is None else {"low": estimate.low, "high": estimate.high}
        told = say.interval(estimate, f"tip_{metric.text}", cell=cell.label, runs=estimate.n)
        rows.append({**row, **bounds, "told": told})
    return rows


def _top(cells: Sequence[model.Cell], metric: Metric, *, has_ceilings: bool) -> float:
    """Above every run, every ceiling, and every interval that is not so high as to hide the runs."""
    highest = max((value for cell in cells for value in cell.values(metric.key)), default=1.0)
    bounds = [found.high for cell in cells if (found := cell.interval(metric.key)) and found.high]
    shown = ceilings.of(cells) if has_ceilings and metric is SPEED else []
    return 1.06 * max([highest, *(bound for bound in bounds if bound < CUT * highest), *shown])


def _caption(metric: Metric, axis: Axis, has_ceilings: bool, laws: Mapping[str, Curve], say: Catalogue) -> str:
    parts = [say(f"caption_{metric.text}"), say("caption_marks")]
    if has_ceilings:
        parts.append(say(f"caption_{metric.text}_ceilings"))
    parts += law_bands.caption(laws, say)
    if axis.series == "nodes" and metric is TIME:
        parts.append(say(f"caption_thesis_{axis.x}"))
    return " ".join(parts)


# --- speed-up ---------------------------------------------------------------------------------------------------------


def speed_up_figures(study: model.Study, axis: Axis, say: Catalogue) -> list[Figure]:
    """Speed over that of the fewest workers of the same line, beside the line of twice as fast with twice the workers."""
    panels = [(name, cells) for name, cells in panels_of(study.measured, axis) if any(map(study.scaling, cells))]
    shown = [cell for _name, cells in panels for cell in cells]
    if not shown:
        return []
    gains = [scaling.gain for cell in shown if (scaling := study.scaling(cell))]
    scales = Scales(shown, axis, 1.3 * max(gains))
    titles = Titles(say(f"axis_{axis.x}"), say("axis_speed_up"))
    figures = []
    for number, (panel, cells) in enumerate(panels, start=1):
        x, y, color = scales.x(titles.x), scales.y(titles.y), scales.color
        layers = [layer("perfect", _perfect_rows(study, cells, scales), PERFECT, x=x, y=y, color=color)]
        layers += median_layers(_gain_rows(study, cells, scales, say), scales, titles)
        name = numbered("speed-up-by-workers", number, len(panels))
        title = title_of(say, "speed_up", axis, panel)
        spec = finish(layers)
        figures.append(Figure(name=name, title=title, caption=say("caption_speed_up"), spec=spec, section=SCALING))
    return figures


def _gain_rows(study: model.Study, cells: Sequence[model.Cell], scales: Scales, say: Catalogue) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        scaling = study.scaling(cell)
        if scaling is None:
            continue
        row = {"x": scales.place(cell), "y": scaling.gain, "line": scales.axis.line(cell), "cell": cell.label}
        bounds = None if scaling.reference is cell else scaling.bounds
        told: dict[str, Any] = {
            "gain": say.fixed(scaling.gain, 2),
            "times": say("times", n=f"{scaling.times:g}"),
            "cell": cell.label,
        }
        told["share"] = say.percent(scaling.efficiency)
        if bounds:
            low, high = (bound * scaling.times for bound in bounds)
            row |= {"low": low, "high": high}
            told |= {"low": say.fixed(low, 2), "high": say.fixed(high, 2)}
        rows.append({**row, "told": say("tip_speed_up_between" if bounds else "tip_speed_up", **told)})
    return rows


def _perfect_rows(study: model.Study, cells: Sequence[model.Cell], scales: Scales) -> list[dict[str, Any]]:
    """Where each line would go if speed grew with the workers."""
    fewest: dict[str, int] = {}
    for cell in cells:
        if scaling := study.scaling(cell):
            fewest[scales.axis.line(cell)] = scales.axis.count(scaling.reference)
    # A straight line is a curve on an axis by doubling.
    return [
        {"x": scales.position(count), "y": count / first, "line": line}
        for line, first in fewest.items()
        for count in (first + n * (scales.counts[-1] - first) / POINTS for n in range(POINTS + 1))
    ]
