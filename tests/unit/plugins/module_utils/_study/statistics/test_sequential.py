# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boundaries of looks; test_gate.py holds the gate's error rates against them."""

from __future__ import annotations

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.sequential import FIRST, SPENDING, levels


@pytest.mark.parametrize(("budget", "middle", "last"), [(20, 0.0046402, 0.013233), (200, 0.0023709, 0.010672)])
def test_levels_are_those_of_a_fine_integration(budget: int, middle: float, last: float) -> None:
    """The figures come from 1000 points of integration in the place of those that are used."""
    found = levels(budget, 0.025)
    assert len(found) == budget - FIRST + 1
    assert found[0] == pytest.approx(0.025 * (FIRST / budget) ** SPENDING)
    assert (found[len(found) // 2], found[-1]) == pytest.approx((middle, last), rel=0.002)
