# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group-sequential tests: how much error each look at the data may spend, and a mean for it. PRIVATE, can break at any time.

Sources:
  How much error each look may spend: Lan and DeMets, Biometrika 70 (1983) 659-663; the power of the share of blocks: Kim and
    DeMets, Biometrika 74 (1987) 149-154.
  Its boundaries: Armitage, McPherson and Rowe, Journal of the Royal Statistical Society A 132 (1969) 235-244; with Student's t in
    place of the normal distribution, at the same level of each look: Pocock, Biometrika 64 (1977) 191-199.
  A mean that one odd block does not move: Tukey and McLaughlin, Sankhya A 25 (1963) 331-352.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from .scientific import numpy, special

FIRST = 4  # blocks before the first look: with three, only differences that need no statistics could be proven
# Blocks from which on the highest and the lowest ratio are set aside; with fewer, that makes wrong verdicts more frequent.
TRIM_FROM = 8
SPENDING = (
    2.0  # error spent goes with this power of the share of blocks: little at first, when intervals are wide anyway
)
# Of Simpson's rule, between FAR standard deviations below zero and the boundary; as many more as keep them WIDE apart at most,
# because a step of the walk has one standard deviation: farther apart they miss it.
POINTS = 96
FAR, WIDE = 7.0, 0.5
# A step of so many standard deviations is impossible in double precision; what lies farther off is not looked at.
REACH = 9.0
CLOSE = 1e-10  # of a boundary, in standard deviations of a block


def _above(value: Any) -> Any:
    """The probability that a standard normal variable is greater; precise where it is small."""
    return special().ndtr(-value)


def _simpson(low: float, high: float) -> tuple[Any, Any]:
    np, parts = numpy(), max(POINTS, 2 * math.ceil((high - low) / WIDE / 2.0))
    weights = np.ones(parts + 1)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return np.linspace(low, high, parts + 1), weights * (high - low) / parts / 3.0


@functools.cache
def levels(budget: int, error: float) -> tuple[float, ...]:
    """The level of the one-sided test at each look, from block FIRST to block `budget`.

    The sum of n standard normal differences walks; `share` is what its density, cut off at the boundaries of the looks so
    far, has at the points of integration. The boundary of the next look is where the walk would leave with the error that this
    look may spend.
    """
    np = numpy()
    found: list[float] = []
    spent, points, share = 0.0, np.zeros(1), np.ones(1)
    for blocks in range(FIRST, budget + 1):
        step = math.sqrt(FIRST if blocks == FIRST else 1)
        allowed = error * (blocks / budget) ** SPENDING
        boundary = _boundary(points, share, step, allowed - spent)
        spent = allowed
        found.append(float(_above(boundary / math.sqrt(blocks))))
        nodes, weights = _simpson(-FAR * math.sqrt(blocks), boundary)
        points, share = nodes, weights * _arriving(nodes, points, share, step)
    return tuple(found)


def _arriving(nodes: Any, points: Any, share: Any, step: float) -> Any:
    """The density at each node of a walk that stood at the points, which are evenly spaced, one step before."""
    np = numpy()
    apart = points[1] - points[0] if len(points) > 1 else 1.0
    width = min(len(points), 2 * math.ceil(REACH * step / apart) + 2)
    first = np.clip((nodes - REACH * step - points[0]) // apart, 0, len(points) - width).astype(int)
    near = first[:, None] + np.arange(width)
    densities = np.exp(-(((nodes[:, None] - points[near]) / step) ** 2) / 2.0) / (step * math.sqrt(2.0 * math.pi))
    return (densities * share[near]).sum(axis=1)


def _boundary(points: Any, share: Any, step: float, leaving: float) -> float:
    """Where the walk leaves with this probability, by Newton's method on its logarithm.

    The walk's density is log-concave, and so is the probability: from the second step on Newton's method never jumps back.
    """
    np = numpy()
    # The walk leaves from near the boundary before, which is the last of the points.
    near = points > points[-1] - 4.0 * REACH
    points, share = points[near], share[near]
    boundary = float(points[-1]) if len(points) > 1 else -step * float(special().ndtri(leaving))
    for _step in range(60):
        far = (boundary - points) / step
        beyond = float(share @ _above(far))
        density = float(share @ np.exp(-(far**2) / 2.0)) / (step * math.sqrt(2.0 * math.pi))
        move = beyond / density * math.log(beyond / leaving)
        boundary += move
        if abs(move) < CLOSE:
            break
    return boundary


def center(logs: Sequence[float]) -> tuple[float, float, int]:
    """The mean, its standard error and their degrees of freedom; without the two outermost values where there are enough."""
    ordered = sorted(logs)
    if len(ordered) < TRIM_FROM:
        kept, replaced = ordered, ordered
    else:
        kept = ordered[1:-1]
        replaced = [kept[0], *kept, kept[-1]]
    middle, n = fmean(replaced), len(kept)
    squares = sum((value - middle) ** 2 for value in replaced)
    return fmean(kept), math.sqrt(squares / (n * (n - 1))), n - 1
