# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queueing law against results that are known, and what it says of other ps and processors."""

from __future__ import annotations

import numpy as np
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import queueing
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.queueing import Demands, QueueingLaw
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.scaling_laws import Sizes


def speeds(demands: list[float], think: float, workers: int) -> list[float]:
    cycles = queueing.step_seconds(demands, [think], workers)[:, 0]
    return [number / cycle for number, cycle in enumerate(cycles, start=1)]


def test_step_seconds_of_equal_stations_without_think_time() -> None:
    """K equal stations of demand D: X(N) = N / (D (N + K - 1)), Lazowska et al., chapter 5 (balanced systems)."""
    assert speeds([0.2, 0.2, 0.2], 0.0, 5) == pytest.approx([n / (0.2 * (n + 2)) for n in range(1, 6)])


def test_step_seconds_of_one_station_are_those_of_the_machine_repair_model() -> None:
    """One station of demand D and think time Z: the utilisation is that of Erlang's loss formula, 1 - B(N, Z / D)."""
    demand, think = 0.5, 2.0
    terms = [1.0]
    for number in range(1, 7):
        terms.append(terms[-1] * (think / demand) / number)
    lost = [terms[n] / sum(terms[: n + 1]) for n in range(1, 7)]
    assert [speed * demand for speed in speeds([demand], think, 6)] == pytest.approx([1 - one for one in lost])


DEMANDS = Demands(processors=0.004, ps=0.002)
LAW = QueueingLaw(DEMANDS, 1000.0)


def seconds(at: Sizes, think: float = 0.01) -> list[float]:
    return [
        1000 * queueing.step_seconds(DEMANDS.stations(ps, 1.0), [think], int(workers))[-1, 0] / workers
        for workers, ps in zip(at.workers, at.ps, strict=True)
    ]


def test_fit_finds_the_think_time() -> None:
    at = Sizes.of([1, 2, 4, 8], [1, 1, 2, 2])
    found = LAW.fit(at, np.log([seconds(at)]), np.ones(4))
    law = LAW.parameters_of(found)
    assert law["z"][0] == pytest.approx(0.01, rel=1e-3)
    assert law["q"][0] == pytest.approx(1.0, rel=1e-3)
    assert LAW.knee(found, 1)[0] == pytest.approx((0.01 + 0.006) / 0.004, rel=1e-3)
    far = Sizes.of([3, 32], [1, 4])
    assert np.exp(LAW.log_seconds(found, far))[0] == pytest.approx(seconds(far), rel=1e-3)


def test_more_processors_raise_the_ceiling_and_speed_up_no_lone_worker() -> None:
    at = Sizes.of([1, 2, 4, 8])
    found = LAW.fit(at, np.log([seconds(at)]), np.ones(4))
    few, many = (np.exp(LAW.log_seconds(found, Sizes.of([1, 500], 4, processors=times)))[0] for times in (1.0, 2.0))
    assert many[0] == pytest.approx(few[0])
    # 1000 steps at one step for each demand of the fullest station.
    assert (few[1], many[1]) == pytest.approx((4.0, 2.0), rel=0.02)
