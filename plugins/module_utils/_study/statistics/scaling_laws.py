# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws of the training time T of w workers and p ps that are sums of terms, and their fit. PRIVATE, can break at any time.

Amdahl     T = a/w + b
USL        T = (a/w)(1 + s(w-1) + k w(w-1)), which is A/w + B + C(w-1) with a = A + B, s = B/a, k = C/a
ps-aware   T = a/w + b + c w/p + d w

No coefficient is negative. docs/laws.md explains the method and has the simulated error rates.

Sources:
  Amdahl, AFIPS Conference Proceedings 30 (1967) 483-485.
  USL: Gunther, CMG Conference (1993); Guerrilla Capacity Planning (2007), chapters 4 to 6.
  Least squares without negative coefficients: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .scientific import numpy

AMDAHL, USL, PS_AWARE, QUEUEING = "amdahl", "usl", "ps_aware", "queueing"
# What least squares are of: logarithms of times, or speeds, as fits in the literature are.
LOGS, SPEEDS = "logs", "speeds"
ROUNDS, SETTLED = 20, 1e-6  # at most so many rounds; times that change by less are found
TINY = 1e-12
AT_ONCE = 20_000  # numbers that stay near the processor: resamples of 40 sizes then take a third of the time
FARTHEST = 20.0  # of a logarithm from the mean of all
SECONDS, PURE = "seconds", ""


@dataclass(frozen=True)
class Sizes:
    """Where a law is asked. `workers` and `ps` have the shape (sizes,).

    `processors` is how many times the processors of each measured node the nodes have: only the queueing law knows of it.
    """

    workers: Any
    ps: Any
    processors: float = 1.0

    @classmethod
    def of(cls, workers: Any, ps: Any = 1, *, processors: float = 1.0) -> Sizes:
        np = numpy()
        several = np.atleast_1d(np.asarray(workers, dtype=float))
        return cls(several, np.broadcast_to(np.asarray(ps, dtype=float), several.shape), processors)

    def only(self, kept: Any) -> Sizes:
        return Sizes(self.workers[kept], self.ps[kept], self.processors)


@dataclass(frozen=True)
class Form:
    """A law whose time is a sum of terms. `terms` has the shape (sizes, coefficients)."""

    name: str
    terms: Callable[[Sizes], Any]
    units: Mapping[str, str]
    # From coefficients (resamples, coefficients) to parameters by name.
    parameters_of: Callable[[Any], dict[str, Any]]
    # Parameters whose value at an end of what they may be is said.
    least: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return len(self.units)

    def fit(self, at: Sizes, logs: Any, weights: Any) -> Any:
        """Coefficients (resamples, coefficients) of logarithms of seconds (resamples, sizes)."""
        return fit(self.terms(at), logs, weights)

    def log_seconds(self, coefficients: Any, at: Sizes) -> Any:
        """Shape (resamples, sizes)."""
        np = numpy()
        return np.log(np.maximum(coefficients @ self.terms(at).T, TINY))

    def knee(self, coefficients: Any, ps: float) -> Any:
        """Workers where the time would reach its serial part if nothing were lost before, shape (resamples,); infinite without one."""
        np = numpy()
        alone = np.exp(self.log_seconds(coefficients, Sizes.of(1, ps))[:, 0])
        with np.errstate(divide="ignore"):
            return alone / np.maximum(coefficients[:, 1], 0.0)

    def peak(self, coefficients: Any, ps: float) -> Any:
        """Workers with the lowest time, shape (resamples,); infinite where more workers always gain."""
        np = numpy()
        # What each term adds with one worker more, where many are: nothing by those that fall or stay.
        near, far = self.terms(Sizes.of([1e9, 2e9], ps))
        grows = coefficients @ np.maximum((far - near) / 1e9, 0.0)
        none = np.full(len(coefficients), np.inf)
        return np.maximum(1.0, np.sqrt(np.divide(coefficients[:, 0], grows, out=none, where=grows > 0)))


def _amdahl(at: Sizes) -> Any:
    np = numpy()
    return np.stack([1.0 / at.workers, np.ones_like(at.workers)], axis=1)


def _usl(at: Sizes) -> Any:
    np = numpy()
    return np.stack([1.0 / at.workers, np.ones_like(at.workers), at.workers - 1.0], axis=1)


def _ps_aware(at: Sizes) -> Any:
    np = numpy()
    return np.stack([1.0 / at.workers, np.ones_like(at.workers), at.workers / at.ps, at.workers], axis=1)


def _by_name(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda coefficients: {name: coefficients[:, number] for number, name in enumerate(names)}


def _of_usl(coefficients: Any) -> dict[str, Any]:
    alone = numpy().maximum(coefficients[:, 0] + coefficients[:, 1], TINY)
    return {"a": alone, "s": coefficients[:, 1] / alone, "k": coefficients[:, 2] / alone}


AMDAHL_LAW = Form(AMDAHL, _amdahl, {"a": SECONDS, "b": SECONDS}, _by_name("a", "b"), {"a": 0.0, "b": 0.0})
USL_LAW = Form(USL, _usl, {"a": SECONDS, "s": PURE, "k": PURE}, _of_usl, {"a": 0.0, "s": 0.0, "k": 0.0}, {"s": 1.0})
PS_AWARE_LAW = Form(PS_AWARE, _ps_aware, dict.fromkeys("abcd", SECONDS), _by_name(*"abcd"), dict.fromkeys("abcd", 0.0))


def fit(terms: Any, logs: Any, weights: Any, *, of: str = LOGS) -> Any:
    """Coefficients, none of them negative, shape (resamples, coefficients), by weighted least squares.

    `terms` (sizes, coefficients), `logs` of seconds (resamples, sizes), `weights` (sizes,). Gauss and Newton's method: each
    round solves a linear problem. `of` SPEEDS makes them least squares of 1 / seconds.
    """
    np = numpy()
    parts = math.ceil(logs.size / AT_ONCE)
    if parts > 1:
        several = np.array_split(logs, parts)
        return np.concatenate([_fit(terms, part, weights, of) for part in several if len(part)])
    return _fit(terms, logs, weights, of)


def _fit(terms: Any, logs: Any, weights: Any, of: str) -> Any:
    np = numpy()
    # Near one, so that squares of small terms keep their digits; a resample of very few blocks may be anything.
    center = logs.mean(1, keepdims=True)
    widths = terms.max(0)
    shifted = np.clip(logs - center, -FARTHEST, FARTHEST)
    scaled, near = terms / widths, np.exp(-shifted)
    found = _without_negative(scaled, near, np.ones_like(logs), weights)
    moving = np.arange(len(logs))
    for _round in range(ROUNDS):
        times = np.maximum(found[moving] @ scaled.T, TINY)
        slopes = 1.0 / times
        if of == LOGS:
            target = 1.0 + shifted[moving] - np.log(times)
        else:
            slopes, target = slopes**2, 2.0 * slopes - near[moving]
        found[moving] = _without_negative(scaled, slopes, target, weights)
        moved = (np.abs(found[moving] @ scaled.T - times) > SETTLED * times).any(1)
        moving = moving[moved]
        if not len(moving):
            break
    return found / widths * np.exp(center)


def _without_negative(terms: Any, slopes: Any, target: Any, weights: Any) -> Any:
    """Linear least squares for each resample: of all sets of positive coefficients the best one that solves without a negative.

    The `target` (resamples, sizes) is to be the sum of the terms (sizes, coefficients) times `slopes` (resamples, sizes).
    """
    np = numpy()
    size = terms.shape[1]
    products = (terms[:, :, None] * terms[:, None, :]).reshape(len(terms), -1)
    squares = ((weights * slopes**2) @ products).reshape(-1, size, size)
    crossed = (weights * slopes * target) @ terms
    found = _solved(squares, crossed)
    wrong = np.flatnonzero((found < 0).any(1))
    if not len(wrong):
        return found
    squares, crossed = squares[wrong], crossed[wrong]
    best, gain = np.zeros((len(wrong), size)), np.zeros(len(wrong))
    for kept in itertools.chain.from_iterable(itertools.combinations(range(size), n) for n in range(size - 1, 0, -1)):
        index = list(kept)
        part = _solved(squares[:, index][:, :, index], crossed[:, index])
        # How much lower than with no term the sum of squares is.
        lower = np.where((part >= 0).all(1), (part * crossed[:, index]).sum(1), -1.0)
        better = lower > gain
        gain = np.where(better, lower, gain)
        chosen = np.flatnonzero(better)
        best[chosen] = 0.0
        best[chosen[:, None], index] = part[chosen]
    found[wrong] = best
    return found


def _solved(squares: Any, crossed: Any) -> Any:
    np = numpy()
    # A term that others make up entirely, as with as many sizes as coefficients, shall not stop the others.
    ridge = TINY * np.trace(squares, axis1=1, axis2=2)[:, None, None] * np.eye(squares.shape[1])
    return np.linalg.solve(squares + ridge, crossed[:, :, None])[:, :, 0]
