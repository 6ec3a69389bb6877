# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs by block over the median of their cell."""

from __future__ import annotations

import pytest

from tests.fixtures.figures import figures_of, rows
from tests.fixtures.ledgers import SPEC, record


def test_figure_of_noise_shows_the_drift_between_blocks_and_the_kernel() -> None:
    drift = {1: 1.0, 2: 1.1, 3: 1.0 / 1.1}
    records = [
        record({**SPEC, "workers": n}, block, seconds=of * 4.0 / n) for n in (1, 2) for block, of in drift.items()
    ]
    for one in records:
        one["evidence"]["calibration"] = {"kernel": "k", "seconds": 0.05 * drift[one["block"]]}
    figure = figures_of(records)["noise"]
    shown = {(row["line"], row["x"]): row["y"] for row in rows(figure, "blocks")}
    for block, of in drift.items():
        assert shown["runs (median of the block)", block] == pytest.approx(of, rel=1e-4)
        assert shown["calibration kernel", block] == pytest.approx(of, rel=1e-4)
    assert rows(figure, "runs_valid")[1]["told"] == "ps=1 workers=1, block 2: 4.40 s, +10.0 %"
    assert figure.runs == 6


def test_figure_of_noise_needs_two_blocks() -> None:
    assert "noise" not in figures_of([record({**SPEC, "workers": n}, 1, seconds=4.0) for n in (1, 2)])
