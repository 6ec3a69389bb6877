# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queueing law: asynchronous workers that wait for processors, ps and links, by mean value analysis. PRIVATE, can break at any time.

Each worker computes for the think time Z, then asks every station for its service demand D, in seconds for one step. A measured
demand of the processors is that of all of a node's processors together: Seidmann's queue, whose delay is a part of Z. The ps share
the parameters, so p ps have a p-th of the demand each. Two numbers are fitted: Z, and the factor q between the time that the measured
demands explain and the time that was measured; q = 1 is no difference.

T = q S R(w) / w, with S steps and R(w) the time of a worker's step beside w - 1 others.

Sources:
  Mean value analysis: Reiser and Lavenberg, Journal of the ACM 27 (1980) 313-322. Knee N* = (Z + D) / D_max: Lazowska, Zahorjan, Graham
    and Sevcik, Quantitative System Performance (1984), chapter 5.
  Several processors: Seidmann, Schweitzer and Shalev-Oren, Large Scale Systems 12 (1987) 91-107.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .scaling_laws import PURE, QUEUEING, SECONDS, TINY, Sizes
from .scientific import numpy

# Think times that are tried, as multiples of the demand of all stations; 0 beside them.
LEAST, MOST, POINTS = 1e-3, 1e3, 160


@dataclass(frozen=True, kw_only=True)
class Demands:
    """Measured seconds for one step: `processors` of each of `nodes` nodes, `ps` of all ps together, `link` of each of `links` links."""

    processors: float
    nodes: int = 1
    ps: float = 0.0
    link: float = 0.0
    links: int = 1

    def stations(self, ps: float, processors: float) -> list[float]:
        """The demand of each station with this number of ps, and so many times the processors."""
        each_ps = [self.ps / ps] * round(ps) if ps >= 1 else []
        return [self.processors / processors] * self.nodes + each_ps + [self.link] * (self.links if self.link else 0)

    def saved(self, processors: float) -> float:
        """What more processors take off the stations goes to the think time: a lone worker's step is no faster."""
        return self.nodes * self.processors * (1.0 - 1.0 / processors)


def step_seconds(demands: Any, think: Any, workers: int) -> Any:
    """Seconds of a worker's step beside `workers` - 1 others, for each number of workers from 1 on, shape (workers, cases).

    `demands` (stations,) in seconds, `think` (cases,) in seconds. Exact for exponential service times.
    """
    np = numpy()
    each = np.asarray(demands, dtype=float)[:, None]
    think = np.asarray(think, dtype=float)[None, :]
    queue = np.zeros((len(each), think.shape[1]))
    found = []
    for number in range(1, workers + 1):
        waits = each * (1.0 + queue)
        cycle = think + waits.sum(0, keepdims=True)
        queue = number / cycle * waits
        found.append(cycle[0])
    return np.stack(found)


@dataclass(frozen=True)
class QueueingLaw:
    """`steps` is the number of global steps of a training."""

    demands: Demands
    steps: float
    name: str = QUEUEING
    units: Mapping[str, str] = field(default_factory=lambda: {"z": SECONDS, "q": PURE})
    least: Mapping[str, float] = field(default_factory=lambda: {"z": 0.0, "q": 0.0})
    most: Mapping[str, float] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return 2

    @cached_property
    def thinks(self) -> Any:
        np = numpy()
        return np.append(0.0, np.geomspace(LEAST, MOST, POINTS)) * sum(self.demands.stations(1, 1.0))

    def _table(self, at: Sizes) -> Any:
        """Logarithms of seconds at each size for each think time that is tried, shape (thinks, sizes)."""
        np = numpy()
        most = int(np.ceil(at.workers.max()))
        counts = np.arange(1.0, most + 1.0)
        columns = np.empty((len(self.thinks), len(at.workers)))
        for ps in np.unique(at.ps):
            think = self.thinks + self.demands.saved(at.processors)
            cycles = step_seconds(self.demands.stations(ps, at.processors), think, most)
            logs = np.log(self.steps * cycles / counts[:, None])
            for number in np.flatnonzero(at.ps == ps):
                columns[:, number] = _between(logs, at.workers[number])
        return columns

    def fit(self, at: Sizes, logs: Any, weights: Any) -> Any:
        """Coefficients (resamples, 2), the place of Z among those tried and log q, of logarithms of seconds (resamples, sizes)."""
        np = numpy()
        table, shares = self._table(at), weights / weights.sum()
        shifts = logs @ shares
        middles = table @ shares
        curves = table - middles[:, None]
        losses = ((curves**2) @ shares)[None, :] - 2.0 * ((logs - shifts[:, None]) * shares) @ curves.T
        best = losses.argmin(1)
        place = best + _vertex(losses, best)
        return np.stack([place, shifts - np.interp(place, np.arange(len(middles)), middles)], axis=1)

    def log_seconds(self, coefficients: Any, at: Sizes) -> Any:
        """Shape (resamples, sizes)."""
        np = numpy()
        table, places = self._table(at), np.arange(len(self.thinks))
        columns = [np.interp(coefficients[:, 0], places, column) for column in table.T]
        return np.stack(columns, axis=1) + coefficients[:, 1:]

    def parameters_of(self, coefficients: Any) -> dict[str, Any]:
        np = numpy()
        factor = np.exp(coefficients[:, 1])
        think = np.interp(coefficients[:, 0], np.arange(len(self.thinks)), self.thinks)
        return {"z": think * factor, "q": factor}

    def knee(self, coefficients: Any, ps: float) -> Any:
        """(Z + D) / D_max, shape (resamples,)."""
        stations = self.demands.stations(ps, 1.0)
        found = self.parameters_of(coefficients)
        return (found["z"] / found["q"] + sum(stations)) / max(*stations, TINY)

    def peak(self, coefficients: Any, _ps: float) -> Any:
        """More workers never make it slower, shape (resamples,)."""
        return numpy().full(len(coefficients), numpy().inf)


def _between(logs: Any, workers: float) -> Any:
    low = max(1, int(workers))
    share = workers - low
    if share <= 0:
        return logs[low - 1]
    return (1.0 - share) * logs[low - 1] + share * logs[low]


def _vertex(losses: Any, best: Any) -> Any:
    """Where the parabola through the lowest loss and its neighbours is lowest, from -0.5 to 0.5; 0 at the ends."""
    np = numpy()
    rows, last = np.arange(len(best)), losses.shape[1] - 1
    inner = np.clip(best, 1, last - 1)
    before, here, after = (losses[rows, inner + step] for step in (-1, 0, 1))
    bend = before - 2.0 * here + after
    place = np.where(bend > 0, 0.5 * (before - after) / np.where(bend > 0, bend, 1.0), 0.0)
    return np.where((best > 0) & (best < last), np.clip(place, -0.5, 0.5), 0.0)
