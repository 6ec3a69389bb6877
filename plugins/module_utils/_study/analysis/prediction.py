# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time, speed and price of sizes that were not measured, by the laws of a study (docs/laws.md). PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ..._common.fields import count
from ..design.sizes import Size
from ..statistics.law_choice import Band, Reason
from .laws import NO_NODES, NO_PS, NO_STEPS, Curve, curves_of, resamples_of
from .model import Cell, Study


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """95 % bands of a size: seconds of training, global steps per second, and the price of a run; or `refusal`, why there are none.

    `curve` tells which cells it follows from, of several. `bounds` are the parameters of each law whose best value is the least or
    the most that it may be. `measured` is the seconds of a cell of this size, if there is one.
    """

    size: Size
    curve: str
    laws: tuple[str, ...] = ()
    bounds: tuple[Mapping[str, float], ...] = ()
    seconds: Band | None = None
    steps_per_second: Band | None = None
    price: Band | None = None
    measured: float | None = None
    refusal: Reason | None = None


def predict(study: Study, sizes: Iterable[Size]) -> list[Prediction]:
    """Each size by each curve of the study that it may belong to; of curves with one number of ps and over several, the former."""
    resamples = resamples_of(len(study.measured))
    kinds = [
        (" ".join(filter(None, [group, fixed])), alike)
        for group, cells in study.groups()
        for fixed, alike in _kinds(curves_of(cells, resamples=resamples)).items()
    ]
    return [one for size in sizes for one in _of_size(size, kinds)]


def _kinds(curves: Iterable[Curve]) -> dict[str, list[Curve]]:
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        found.setdefault(curve.fixed, []).append(curve)
    return found


def _of_size(size: Size, kinds: Sequence[tuple[str, list[Curve]]]) -> Iterator[Prediction]:
    nodes = sorted({_nodes(alike[0]) for _name, alike in kinds})
    asked = [(name, alike) for name, alike in kinds if size.nodes in (None, _nodes(alike[0]))]
    if kinds and not asked:
        yield Prediction(size=size, curve="", refusal=Reason(NO_NODES, {"nodes": size.nodes, "known": nodes}))
    for name, alike in asked:
        numbers = [curve.ps for curve in alike if curve.ps is not None] if size.ps is None else [size.ps]
        for ps in numbers:
            yield _by(name, replace(size, ps=ps), alike)


def _by(name: str, size: Size, alike: Sequence[Curve]) -> Prediction:
    """By the first curve that speaks of this size, with these ps before others; else why the nearest does not."""
    ps = size.ps or 0
    near = sorted(alike, key=lambda curve: (curve.ps != ps, curve.ps is not None))
    refused = []
    for curve in near:
        band, known_steps = curve.band(size.workers, ps, processors=size.processors), _steps_of(curve)
        if band and known_steps:
            return _told(name, size, curve, band, known_steps)
        if band:
            return Prediction(size=size, curve=name, refusal=Reason(NO_STEPS), measured=_measured(size, near))
        refused.append(curve.silence(size.workers, ps, processors=size.processors))
    known = sorted({curve.ps for curve in alike if curve.ps is not None})
    reason = refused[0] if ps in known or len(near) > 1 else Reason(NO_PS, {"ps": ps, "known": known})
    return Prediction(size=size, curve=name, refusal=reason, measured=_measured(size, near))


def _told(name: str, size: Size, curve: Curve, band: Band, steps: float) -> Prediction:
    ps = size.ps or 0
    nearest = min(curve.cells, key=lambda cell: (_away(cell, "workers", size.workers), _away(cell, "ps", ps)))
    laws = curve.speakers(ps, size.processors)
    return Prediction(
        size=size,
        curve=name,
        laws=tuple(law.name for law in laws),
        bounds=tuple({one.name: one.band.center for one in law.parameters() if one.at_bound} for law in laws),
        seconds=band,
        steps_per_second=Band(steps / band.center, steps / band.high, steps / band.low),
        # What other nodes cost is not known.
        price=None if size.processors else _price(nearest, band),
        measured=_measured(size, [curve]),
    )


def _steps_of(curve: Curve) -> float | None:
    """The steps of a run: those that its log tells, else those that it was asked for."""
    told = [
        speed * seconds
        for cell in curve.cells
        if (speed := cell.center("steps_per_second")) and (seconds := cell.center("train_seconds"))
    ]
    asked = [float(steps) for cell in curve.cells if (steps := count(cell.spec.get("train_steps")))]
    return median(told or asked) if told or asked else None


def _price(nearest: Cell, band: Band) -> Band | None:
    """By the hour's price of the nodes of the nearest cell, and its seconds before and after the training."""
    rates, beside = [], []
    for run in nearest.measured:
        cost, total, seconds = run.cost(nearest.prices), run.timing("total_seconds"), run.timing("train_seconds")
        if cost is not None and total and seconds:
            rates.append(cost / total)
            beside.append(total - seconds)
    if not rates:
        return None
    return Band(*(median(rates) * (seconds + median(beside)) for seconds in band))


def _measured(size: Size, curves: Iterable[Curve]) -> float | None:
    if size.processors is not None:
        return None
    for cell in (cell for curve in curves for cell in curve.cells):
        if (count(cell.spec.get("workers")), count(cell.spec.get("ps")) or 0) == (size.workers, size.ps or 0):
            return cell.center("train_seconds")
    return None


def _away(cell: Cell, key: str, value: int) -> int:
    return abs((count(cell.spec.get(key)) or 0) - value)


def _nodes(curve: Curve) -> int:
    return count(curve.spec.get("nodes")) or 1
