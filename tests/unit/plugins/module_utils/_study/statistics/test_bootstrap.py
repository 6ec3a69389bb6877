# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resampled means: Student's intervals for whole tables, and tables with holes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import bootstrap
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import ratio_interval


def table(blocks: int, cells: int) -> np.ndarray:
    draw = np.random.default_rng(5)
    return draw.normal(0, 0.05, (blocks, 1)) + draw.normal(0, 0.03, (blocks, cells)) + np.arange(cells)


@pytest.mark.parametrize("blocks", [3, 4, 12])
def test_resample_of_a_difference_is_the_paired_t_interval(blocks: int) -> None:
    logs = table(blocks, 2)
    sample = bootstrap.resample(logs, resamples=200_000)
    assert sample.means == pytest.approx(logs.mean(0))
    low, high = bootstrap.bounds_of(sample.draws[:, 1] - sample.draws[:, 0])
    values, reference = ({block: math.exp(row[cell]) for block, row in enumerate(logs)} for cell in (1, 0))
    paired = ratio_interval(values, reference)
    assert paired.low is not None
    assert paired.high is not None
    assert (low, high) == pytest.approx((math.log(paired.low), math.log(paired.high)), abs=0.03 * (high - low))


def test_resample_takes_the_drift_out_of_means_with_missing_runs() -> None:
    """A cell that has the two slow blocks only is as fast as the others there."""
    drift = np.array([0.3, 0.3, 0.0, 0.0, 0.0])[:, None]
    logs = np.tile(drift, (1, 3)) + np.array([1.0, 2.0, 3.0])
    logs[2:, 2] = np.nan
    sample = bootstrap.resample(logs, resamples=100)
    assert sample.means - sample.means[0] == pytest.approx([0.0, 1.0, 2.0])
    assert sample.means[0] == pytest.approx(1.0 + 0.3 * 2 / 5)
    assert sample.draws[:, 2] - sample.draws[:, 0] == pytest.approx(2.0)


def test_weights_are_higher_where_runs_scatter_less() -> None:
    logs = table(6, 4)
    logs[:, 3] += np.array([0.4, -0.4, 0.3, -0.3, 0.2, -0.2])
    weights = bootstrap.resample(logs, resamples=10).weights
    assert weights[:3].min() > 2 * weights[3]
