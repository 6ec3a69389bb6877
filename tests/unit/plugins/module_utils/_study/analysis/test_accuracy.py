# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The band of a cell's runs, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import accuracy, model

from tests.fixtures.ledgers import SPEC, targeted


def cell_of(*curves: list[tuple[Any, Any]]) -> model.Cell:
    records = []
    for block, curve in enumerate(curves, start=1):
        told = [{"global_step": 100 * n, "seconds": at, "accuracy": of} for n, (at, of) in enumerate(curve, start=1)]
        records.append({**targeted(SPEC, block, seconds=4.0), "evaluations": told})
    return model.study_of(records, "x").cells[0]


def test_band_is_the_median_the_lowest_and_the_highest_run_at_each_time() -> None:
    cell = cell_of([(1.0, 0.5), (3.0, 0.9)], [(2.0, 0.6), (4.0, 1.0)], [(1.0, 0.2), (2.0, 0.4), (4.0, 0.4)])
    # At 2 s: 0.7, 0.6 and 0.4; at 3 s: 0.9, 0.8 and 0.4; at 4 s the first run has ended with 0.9.
    assert [tuple(round(value, 6) for value in point) for point in accuracy.band_of(cell, 3)] == [
        (2.0, 0.6, 0.4, 0.7),
        (3.0, 0.8, 0.4, 0.9),
        (4.0, 0.9, 0.4, 1.0),
    ]


@pytest.mark.parametrize(
    "curve", [[], [(1.0, 0.5)], [(1.0, 0.5), (1.0, 0.6)], [("soon", 0.5), (2.0, None), (3.0, 97.0), (-1.0, 0.5)]]
)
def test_no_band_without_two_evaluations(curve: list[tuple[Any, Any]]) -> None:
    assert accuracy.band_of(cell_of(curve)) == []


def test_damaged_evaluations_leave_the_others() -> None:
    cell = cell_of([(3.0, 0.9), (1.0, 0.5), (2.0, float("nan")), (2.0, "0.99")])
    assert cell.measured[0].curve == [(1.0, 0.5), (3.0, 0.9)]
