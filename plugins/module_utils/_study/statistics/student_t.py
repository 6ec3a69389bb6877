# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Student's t distribution: tail and quantile, by scipy. PRIVATE, can break at any time."""

from __future__ import annotations

from .scientific import special


def student_tail(t: float, df: float) -> float:
    """Two-sided: the probability that Student's t with `df` degrees of freedom lies farther from zero than `t`."""
    return 2.0 * float(special().stdtr(df, -abs(t)))


def student_quantile(confidence: float, df: float) -> float:
    """The t that Student's t stays within, on both sides, with this probability."""
    # By the tail, so that a confidence near 1 loses no digits.
    return abs(float(special().stdtrit(df, (1.0 - confidence) / 2.0)))
