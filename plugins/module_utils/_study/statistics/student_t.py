# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Student's t distribution: tail and quantile. PRIVATE, can break at any time.

Sources:
  Student's t: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.5.8 and 26.7.1.
  Its continued fraction: Lentz's method as in Press et al., Numerical Recipes, 3rd ed. (2007), section 6.4.
"""

from __future__ import annotations

import math


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / ((1.0 - (a + b) * x / (a + 1.0)) or tiny)
    h = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / ((1.0 + term * d) or tiny)
            c = (1.0 + term / c) or tiny
            h *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return h


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


def student_tail(t: float, df: float) -> float:
    """Two-sided: the probability that Student's t with `df` degrees of freedom lies farther from zero than `t`."""
    return 1.0 if t == 0.0 else _incomplete_beta(df / (df + t * t), df / 2.0, 0.5)


def student_quantile(confidence: float, df: float) -> float:
    """The t that Student's t stays within, on both sides, with this probability."""
    low, high = 0.0, 1.0
    while student_tail(high, df) > 1.0 - confidence:
        high *= 2.0
    while (middle := (low + high) / 2.0) not in (low, high):
        if student_tail(middle, df) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high
