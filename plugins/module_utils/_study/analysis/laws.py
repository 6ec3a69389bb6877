# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laws of a study's curves: how the training time depends on workers and ps (docs/laws.md). PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from ..._common.fields import count, finite
from ..design.cell import label
from ..statistics.bootstrap import RESAMPLES
from ..statistics.law_choice import MIN_GAIN, REACH, Band, Choice, Form, Law, Reason, choose, envelope
from ..statistics.queueing import Demands, QueueingLaw
from ..statistics.scaling_laws import AMDAHL_LAW, PS_AWARE_LAW, USL_LAW, Sizes
from ..statistics.scientific import numpy
from .model import Cell, factors_of
from .stations import FULL, LINK, PROCESSORS, PS, SYNCHRONOUS, Station

# Why one prediction is refused where laws speak.
BEYOND, BELOW, NO_PS, NO_NODES, NO_STEPS = "beyond", "below", "no_ps", "no_nodes", "no_steps"
NO_QUEUEING, NO_PROCESSORS, SATURATES = "no_queueing", "no_processors", "saturates"
# A study of more cells has fewer resamples, so that its laws do not take minutes.
MANY, FEWEST_RESAMPLES = 60, 2_000
MOST_WORKERS = 1000  # mean value analysis adds workers one by one


@dataclass(frozen=True, eq=False)
class Curve:
    """Measured cells that differ in nothing but workers (`ps` is their number), or in workers and ps (`ps` is None).

    `fixed` is what tells the curve from others of its group. `laws` are those that may speak, the best first, all within 2 of AICc;
    where there are none, `refusal` says why. Times are seconds of training; bands are 95 % prediction bands.
    """

    cells: tuple[Cell, ...]
    ps: int | None
    fixed: str
    choice: Choice

    @property
    def laws(self) -> tuple[Law, ...]:
        return self.choice.laws

    @property
    def refusal(self) -> Reason | None:
        return self.choice.refusal

    @property
    def spec(self) -> Mapping[str, Any]:
        """What is the same in all cells, beside their numbers of workers and ps."""
        return {key: value for key, value in self.cells[0].spec.items() if key not in ("workers", "ps")}

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of workers that were measured."""
        return tuple(sorted({_workers(cell) for cell in self.cells}))

    @property
    def largest(self) -> int:
        return self.sizes[-1]

    @property
    def reach(self) -> int:
        """The largest number of workers of which laws speak."""
        return int(REACH * self.largest)

    @cached_property
    def processors(self) -> float | None:
        """The processors of a node; None if that is not known."""
        found = [one.capacity for cell in self.cells for one in cell.cause.stations if one.kind == PROCESSORS]
        return median(found) if found else None

    def silence(self, workers: int, ps: int | None = None, *, processors: float | None = None) -> Reason | None:
        """Why there is no band there; None if there is one. `processors` of each node, unless given as measured."""
        (found,) = self._told([workers], ps, processors)
        return found if isinstance(found, Reason) else None

    def _unknown(self, workers: int, ps: int | None, processors: float | None) -> Reason | None:
        """Why laws do not speak of this size, whatever they would say."""
        if self.refusal:
            return self.refusal
        if workers > self.reach:
            return Reason(BEYOND, {"workers": workers, "largest": self.largest, "most": self.reach})
        if workers * REACH < self.sizes[0]:
            return Reason(BELOW, {"workers": workers, "smallest": self.sizes[0]})
        known = sorted({_ps(cell) for cell in self.cells})
        asked = known[0] if ps is None else ps
        if (ps is None and self.ps is None) or not known[0] / REACH <= asked <= REACH * known[-1]:
            return Reason(NO_PS, {"ps": ps, "known": known})
        if processors is not None and not self.processors:
            return Reason(NO_PROCESSORS, {"processors": processors})
        if self.speakers(asked, processors):
            return None
        if processors is not None:
            return Reason(NO_QUEUEING, {"processors": processors})
        return Reason(NO_PS, {"ps": asked, "known": known})

    def _told(self, workers: Sequence[int], ps: int | None, processors: float | None) -> list[Band | Reason]:
        """The band of each number of workers, or why there is none."""
        asked = _ps(self.cells[0]) if ps is None else ps
        reasons = [self._unknown(one, ps, processors) for one in workers]
        spoken = [one for one, reason in zip(workers, reasons, strict=True) if reason is None]
        bands = iter(self._bands(spoken, asked, processors) if spoken else ())
        told = [reason or next(bands) for reason in reasons]
        if processors is not None:
            return told
        return [self._within(one, asked, found) for one, found in zip(workers, told, strict=True)]

    def _within(self, workers: int, ps: int, band: Band | Reason) -> Band | Reason:
        """The same, unless a station would be full there that is full in no measured size: the times do not show what follows."""
        if isinstance(band, Reason):
            return band
        speed = (self._steps or 0.0) / band.center
        for station in self._free if workers > self.largest else ():
            if station.kind == PS and ps != self.ps:
                continue  # with another number of ps each has another demand
            share = speed / (station.ceiling or math.inf) + station.foreign
            if share >= FULL:
                return Reason(SATURATES, {"workers": workers, "station": station.kind, "share": min(1.0, share)})
        return band

    @cached_property
    def _free(self) -> list[Station]:
        """The stations with a ceiling that are full in no cell, as they are with the most workers."""
        stations = [one for cell in self.cells for one in cell.cause.stations]
        full = {one.kind for one in stations if one.is_full}
        last = [cell for cell in self.cells if _workers(cell) == self.largest]
        return [one for cell in last for one in cell.cause.stations if one.ceiling and one.kind not in full]

    @cached_property
    def _steps(self) -> float | None:
        return finite(self.cells[0].spec.get("train_steps")) or self.cells[0].center("global_steps")

    def band(self, workers: int, ps: int | None = None, *, processors: float | None = None) -> Band | None:
        """Seconds of training with so many workers; None where `silence` gives a reason.

        The centre is of the best law. Low and high are the lowest and the highest of all laws' bands for what a measurement in as
        many blocks would show.
        """
        found = self.bands([workers], ps, processors=processors)
        return found[0]

    def bands(
        self, workers: Sequence[int], ps: int | None = None, *, processors: float | None = None
    ) -> list[Band | None]:
        """As `band`, for many numbers of workers at once."""
        return [None if isinstance(one, Reason) else one for one in self._told(workers, ps, processors)]

    def _bands(self, workers: Sequence[int], ps: int, processors: float | None) -> list[Band]:
        at = Sizes.of(workers, ps, processors=self._times(processors))
        laws = self._that_know(self.choice.counted, ps, processors)
        return [envelope(bands) for bands in zip(*(law.band(at) for law in laws), strict=True)]

    def speakers(self, ps: int, processors: float | None = None) -> list[Law]:
        """The laws that know of this number of ps and of these processors, the best first."""
        return self._that_know(self.laws, ps, processors)

    def _that_know(self, laws: Iterable[Law], ps: int, processors: float | None) -> list[Law]:
        measured = self.ps is None or ps == self.ps
        if measured and self._times(processors) == 1.0:
            return list(laws)
        # More ps change nothing where their part was not measured.
        return [law for law in laws if isinstance(law.form, QueueingLaw) and (measured or law.form.demands.ps)]

    def _times(self, processors: float | None) -> float:
        """How many times the processors that were measured."""
        return processors / self.processors if processors and self.processors else 1.0

    def enough(self, gain: float = MIN_GAIN) -> int | None:
        """The fewest workers of which one more gains less than this share of speed, by the best law; None if unknown or beyond."""
        return self.laws[0].enough(self.reach, self.ps or _ps(self.cells[0]), gain) if self.laws else None

    @property
    def knee(self) -> Band | None:
        """Workers from which on the best law bends away from n times the speed with n times the workers."""
        return self.laws[0].knee(self.ps or _ps(self.cells[0])) if self.laws else None

    @property
    def peak(self) -> Band | None:
        """Workers with the lowest time by the best law; infinite where more always gain."""
        return self.laws[0].peak(self.ps or _ps(self.cells[0])) if self.laws else None


def resamples_of(cells: int) -> int:
    """Of each curve in a study of so many measured cells. Of 2,000 the end of a 95 % interval is known to 0.4 % of probability."""
    return RESAMPLES if cells <= MANY else max(FEWEST_RESAMPLES, RESAMPLES * MANY // cells)


def curves_of(cells: Iterable[Cell], *, resamples: int = RESAMPLES) -> tuple[Curve, ...]:
    """All curves of one group of cells, those with one number of ps before the one over all of these.

    Cells with a target accuracy have none: the laws are about the time of a fixed number of steps.
    """
    measured = [cell for cell in cells if cell.measured and cell.target is None and _workers(cell) > 0]
    factors = [name for name in factors_of([cell.spec for cell in measured]) if name not in ("workers", "ps")]
    kinds: dict[str, list[Cell]] = {}
    for cell in measured:
        alike = sorted((key, str(value)) for key, value in cell.spec.items() if key not in ("workers", "ps"))
        kinds.setdefault(str(alike), []).append(cell)
    found: list[Curve] = []
    for alike_cells in kinds.values():
        numbers = sorted({_ps(cell) for cell in alike_cells})
        fixed = label(alike_cells[0].spec, factors)
        found += [_curve([cell for cell in alike_cells if _ps(cell) == ps], ps, fixed, resamples) for ps in numbers]
        if len([ps for ps in numbers if ps > 0]) > 1:
            found.append(_curve([cell for cell in alike_cells if _ps(cell) > 0], None, fixed, resamples))
    return tuple(found)


def _curve(cells: Sequence[Cell], ps: int | None, fixed: str, resamples: int) -> Curve:
    ordered = tuple(sorted(cells, key=lambda cell: (_ps(cell), _workers(cell))))
    at = Sizes.of([_workers(cell) for cell in ordered], [max(1, _ps(cell)) for cell in ordered])
    return Curve(ordered, ps, fixed, choose(_forms(ordered, ps), at, logs_of(ordered), resamples=resamples))


def _forms(cells: Sequence[Cell], ps: int | None) -> list[Form]:
    forms: list[Form] = [PS_AWARE_LAW] if ps is None else [AMDAHL_LAW, USL_LAW]
    queueing = queueing_law_of(cells)
    return [*forms, queueing] if queueing else forms


def logs_of(cells: Sequence[Cell]) -> Any:
    """Logarithms of the training seconds, shape (blocks, cells); NaN where a cell has no run."""
    np = numpy()
    times = [cell.by_block() for cell in cells]
    blocks = sorted({block for found in times for block in found})
    return np.array([[math.log(found[block]) if block in found else math.nan for found in times] for block in blocks])


def queueing_law_of(cells: Sequence[Cell]) -> QueueingLaw | None:
    """By the demands of the stations that were measured; None where they were not, or workers go in step."""
    if any(cell.spec.get("strategy") in SYNCHRONOUS for cell in cells):
        return None
    steps = finite(cells[0].spec.get("train_steps")) or cells[0].center("global_steps")
    found = {kind: _demand(cells, kind) for kind in (PROCESSORS, PS, LINK)}
    if not steps or not found[PROCESSORS][0] or max(map(_workers, cells)) > MOST_WORKERS:
        return None
    (processors, nodes), (ps, _of_ps), (link, links) = (found[kind] for kind in (PROCESSORS, PS, LINK))
    return QueueingLaw(Demands(processors=processors, nodes=nodes, ps=ps, link=link, links=links), steps)


def _demand(cells: Sequence[Cell], kind: str) -> tuple[float, int]:
    """The median over the cells of the seconds for one step, of all ps together; and how many such stations there are."""
    seconds, often = [], []
    for cell in cells:
        for station in cell.cause.stations:
            if station.kind == kind and station.ceiling:
                seconds.append((_ps(cell) if kind == PS else 1) / station.ceiling)
                often.append(station.of)
    return (median(seconds), round(median(often))) if seconds else (0.0, 1)


def _workers(cell: Cell) -> int:
    return count(cell.spec.get("workers")) or 0


def _ps(cell: Cell) -> int:
    return count(cell.spec.get("ps")) or 0
