# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Student's t against closed forms and published tables."""

from __future__ import annotations

import builtins
import math
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.student_t import (
    student_quantile,
    student_tail,
)

DEGREES = [1, 2, 2.7, 3, 4, 9.31, 29, 120, 5000]


@pytest.mark.parametrize("t", [0.0, 1e-6, 0.3, 1.0, 4.303, 12.7, 400.0, 1e5])
def test_student_tail_of_few_degrees_is_the_closed_form(t: float) -> None:
    # Of one degree it is Cauchy's law.
    assert student_tail(t, 1) == pytest.approx(
        1 - 2 / math.pi * math.atan(t) if t < 100 else 2 / math.pi * math.atan(1 / t), rel=1e-9
    )
    assert student_tail(t, 2) == pytest.approx(2 / (t * t + 2 + t * math.sqrt(t * t + 2)), rel=1e-7)


@pytest.mark.parametrize("df", DEGREES)
def test_student_tail_is_the_same_on_both_sides(df: float) -> None:
    assert student_tail(-1.7, df) == student_tail(1.7, df)
    assert student_tail(0.0, df) == 1.0


@pytest.mark.parametrize(
    ("confidence", "df", "expected"),
    # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
    [(0.80, 1, 3.078), (0.95, 3, 3.182), (0.95, 10, 2.228), (0.98, 29, 2.462), (0.99, 4, 4.604), (0.998, 100, 3.174)],
)
def test_student_quantile_is_that_of_the_tables(confidence: float, df: float, expected: float) -> None:
    assert student_quantile(confidence, df) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.95, 0.9999, 1 - 1e-7, 1 - 1e-12])
def test_student_quantile_is_the_inverse_of_the_tail(confidence: float, df: float) -> None:
    assert student_tail(student_quantile(confidence, df), df) == pytest.approx(1 - confidence, rel=1e-6)


def test_without_scipy_a_comparison_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def lacking(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "scipy":
            raise ImportError(name="scipy")
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(InputError, match="scipy"):
        student_tail(1.0, 3)
