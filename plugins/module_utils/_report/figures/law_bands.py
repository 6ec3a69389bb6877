# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laws of the training time in its figure against workers: curve, band, sizes not measured. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._study.analysis import model
from ..._study.analysis.laws import Curve
from .. import law_words
from ..messages.catalogue import Catalogue
from .figure import TOLD, Part, layer
from .lines import POINTS, Axis, Scales, Titles, even

FURTHER = 2  # so many times the largest measured number of workers the figure goes on where a law speaks
REASONS = 2  # different ones that a caption has room for
PREDICTED = 8  # sizes beyond the measured ones that have a mark and a tooltip of their own


def by_line(cells: Iterable[model.Cell], axis: Axis, curves: Sequence[Curve]) -> dict[str, Curve]:
    """The curve of each line that has one; a line is one number of ps."""
    lines: dict[str, set[str]] = {}
    for cell in cells:
        lines.setdefault(axis.line(cell), set()).add(cell.cell_id)
    of_cells = {frozenset(cell.cell_id for cell in curve.cells): curve for curve in curves if curve.ps is not None}
    return {line: of_cells[frozenset(ids)] for line, ids in lines.items() if frozenset(ids) in of_cells}


def furthest(curves: Mapping[str, Curve]) -> list[int]:
    """The number of workers up to which the figure shows predictions; empty where no law speaks."""
    return sorted({FURTHER * curve.largest for curve in curves.values() if curve.laws})[-1:]


def layers(curves: Mapping[str, Curve], scales: Scales, titles: Titles, say: Catalogue) -> list[Part]:
    rows, marks = [], []
    for line, curve in curves.items():
        if not curve.laws:
            continue
        last = min(curve.reach, max(scales.counts))
        sizes = even(range(curve.sizes[0], last + 1), POINTS)
        rows += [
            {"x": scales.position(size), "y": band.center, "low": band.low, "high": band.high, "line": line}
            for size, band in zip(sizes, curve.bands(sizes), strict=True)
            if band
        ]
        marks += _marks(line, curve, last, scales, say)
    if not rows:
        return []
    x, y, color = scales.x(titles.x), scales.y(titles.y), scales.color
    band = {"type": "area", "opacity": 0.14, "clip": True, "aria": False}
    center = {"type": "line", "strokeWidth": 1, "strokeDash": [6, 3], "clip": True, "aria": False}
    dash = {"type": "point", "shape": "stroke", "size": 90, "strokeWidth": 3, "opacity": 1}
    return [
        layer("law_bands", rows, band, x=x, y=scales.y(titles.y, "low"), y2={"field": "high"}, color=color),
        layer("laws", rows, center, x=x, y=y, color=color),
        layer("predicted", marks, dash, x=x, y=y, color=color, description=TOLD),
    ]


def _marks(line: str, curve: Curve, last: int, scales: Scales, say: Catalogue) -> list[dict[str, Any]]:
    sizes = even([size for size in range(curve.sizes[0], last + 1) if size not in curve.sizes], PREDICTED)
    names = law_words.names((law.name for law in curve.laws), say=say)
    return [
        {
            "x": scales.position(size),
            "y": band.center,
            "line": line,
            "told": say(
                "tip_law",
                ps=str(curve.ps),
                workers=str(size),
                time=say.seconds(band.center),
                low=say.number(band.low),
                high=say.number(band.high),
                law=names,
            ),
        }
        for size, band in zip(sizes, curve.bands(sizes), strict=True)
        if band and band.center <= scales.top
    ]


def caption(curves: Mapping[str, Curve], say: Catalogue) -> list[str]:
    """Which laws speak, and of which lines none does, and why."""
    names = dict.fromkeys(law.name for curve in curves.values() for law in curve.laws)
    said = [say("caption_laws", laws=law_words.names(names, say=say))] if names else []
    silent: dict[str, list[str]] = {}
    for line, curve in curves.items():
        if curve.refusal:
            silent.setdefault(law_words.refusal(curve.refusal, say), []).append(line)
    if len(silent) > REASONS:
        lines = [line for alike in silent.values() for line in alike]
        return [*said, say("caption_no_law_table", lines=say.listed(lines))]
    for why, lines in silent.items():
        everywhere = len(lines) == len(curves)
        said.append(
            say("caption_no_law", why=why) if everywhere else say("caption_no_law_of", lines=say.listed(lines), why=why)
        )
    return said
