# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accuracy of a cell's runs against time, from their evaluations. PRIVATE, can break at any time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from . import model

POINTS = 60

Curve = Sequence[tuple[float, float]]


class Point(NamedTuple):
    """Of all runs of a cell at one time: the median of their accuracies, the lowest and the highest."""

    seconds: float
    center: float
    low: float
    high: float


def band_of(cell: model.Cell, points: int = POINTS) -> list[Point]:
    """At evenly spaced times from the moment at which all runs were evaluated once to the last evaluation of any.

    Between two evaluations a run's accuracy goes in a straight line; a run that has ended keeps its last one. Empty without a run
    that has two evaluations.
    """
    curves = [curve for run in cell.measured if len(curve := run.curve) > 1]
    if not curves:
        return []
    begin, end = max(curve[0][0] for curve in curves), max(curve[-1][0] for curve in curves)
    if end <= begin:
        return []
    times = [begin + (end - begin) * number / (points - 1) for number in range(points)]
    return [_point(seconds, [_at(curve, seconds) for curve in curves]) for seconds in times]


def _point(seconds: float, accuracies: Sequence[float]) -> Point:
    return Point(seconds, median(accuracies), min(accuracies), max(accuracies))


def _at(curve: Curve, seconds: float) -> float:
    place = bisect_right(curve, seconds, key=lambda one: one[0])
    if place >= len(curve):
        return curve[-1][1]
    (start, low), (end, high) = curve[max(0, place - 1)], curve[place]
    return low + (high - low) * (seconds - start) / (end - start) if end > start else high
