# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise floor of a study: spread within cells, drift between blocks, the calibration kernel. PRIVATE, can break at any time.

The logarithm of a training time is the effect of its cell plus that of its block plus a rest (two-way analysis of variance).
The effects are those of least squares, found by alternation, since adaptive blocks do not hold every cell (Montgomery, Design and
Analysis of Experiments, chapter 4).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from ..._common.fields import finite, mapping
from ..records.record import Record
from .model import Cell

ROUNDS, CLOSE = 100, 1e-10


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Spreads are standard deviations of logarithms: 0.02 is 2 %. None where there are too few runs."""

    # Within the cells, drift included; the same without the drift, which no comparison can cancel; that of the noisiest cell.
    within: float | None
    rest: float | None
    worst: float | None
    noisiest: Cell | None
    # Of each block: its times over those of all blocks.
    blocks: Mapping[int, float]
    # Each run with its time over the median of its cell, in the order of the ledger.
    runs: Sequence[tuple[Cell, Record, float]]
    # Of each block: its calibration kernels over the median of their machine; and the spread of all.
    kernel: Mapping[int, float]
    kernel_seconds: float | None
    kernel_spread: float | None


def noise_of(cells: Iterable[Cell]) -> Noise:
    told = [
        (cell, run, math.log(seconds))
        for cell in cells
        for run in cell.measured
        if run.block and (seconds := run.seconds or 0.0) > 0
    ]
    of_cells, of_blocks = _effects([(cell.cell_id, run.block, value) for cell, run, value in told])
    rests = [value - of_cells[cell.cell_id] - of_blocks[run.block] for cell, run, value in told]
    means = _means((cell.cell_id, value) for cell, _run, value in told)
    values: dict[str, list[float]] = {}
    for cell, _run, value in told:
        values.setdefault(cell.cell_id, []).append(value)
    known = {cell.cell_id: cell for cell, _run, _value in told}
    spreads = [(spread, known[cell_id]) for cell_id, found in values.items() if (spread := _spread(found))]
    worst, noisiest = max(spreads, key=lambda one: one[0], default=(None, None))
    middles = {cell_id: median(found) for cell_id, found in values.items()}
    kernels = _kernels([run for _cell, run, _value in told])
    return Noise(
        within=_deviation([value - means[cell.cell_id] for cell, _run, value in told], len(means)),
        rest=_deviation(rests, max(1, len(of_cells) + len(of_blocks) - 1)),
        worst=worst,
        noisiest=noisiest,
        blocks={block: math.exp(effect) for block, effect in sorted(of_blocks.items())},
        runs=[(cell, run, math.exp(value - middles[cell.cell_id])) for cell, run, value in told],
        kernel={
            block: math.exp(effect)
            for block, effect in sorted(_means((run.block, value) for run, _s, value in kernels).items())
        },
        kernel_seconds=median(seconds for _run, seconds, _value in kernels) if kernels else None,
        kernel_spread=_deviation([value for _run, _seconds, value in kernels], 1),
    )


def _means(pairs: Iterable[tuple[Any, float]]) -> dict[Any, float]:
    found: dict[Any, list[float]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: fmean(values) for key, values in found.items()}


def _effects(values: Sequence[tuple[str, int, float]]) -> tuple[dict[str, float], dict[int, float]]:
    """Of each cell, and of each block, whose effects add up to zero."""
    of_blocks: dict[int, float] = dict.fromkeys((block for _cell, block, _value in values), 0.0)
    of_cells: dict[str, float] = {}
    for _round in range(ROUNDS):
        of_cells = _means((cell, value - of_blocks[block]) for cell, block, value in values)
        found = _means((block, value - of_cells[cell]) for cell, block, value in values)
        middle = fmean(found.values()) if found else 0.0
        moved = max((abs(found[block] - middle - before) for block, before in of_blocks.items()), default=0.0)
        of_blocks = {block: effect - middle for block, effect in found.items()}
        if moved < CLOSE:
            break
    return of_cells, of_blocks


def _spread(logarithms: Sequence[float]) -> float | None:
    middle = fmean(logarithms)
    return _deviation([value - middle for value in logarithms], 1) if len(logarithms) > 2 else None


def _deviation(rests: Sequence[float], known: int) -> float | None:
    """Of the rests that are left when so many effects are known."""
    free = len(rests) - known
    return math.sqrt(sum(rest * rest for rest in rests) / free) if free > 0 else None


def _kernels(runs: Iterable[Record]) -> list[tuple[Record, float, float]]:
    """Each run with the seconds of its calibration kernel, and their logarithm over the median of the same kernel and machine."""
    found: dict[Hashable, list[tuple[Record, float]]] = {}
    for run in runs:
        told = mapping(run.evidence.get("calibration"))
        seconds = finite(told.get("seconds"))
        if seconds is not None and seconds > 0:
            key = str(told.get("kernel")), str(run.provenance.get("hostname"))
            found.setdefault(key, []).append((run, seconds))
    middles = {key: median(seconds for _run, seconds in some) for key, some in found.items()}
    return [(run, seconds, math.log(seconds / middles[key])) for key, some in found.items() for run, seconds in some]
