# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws of the curves of a study."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import laws, model, stations
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import law_choice

from tests.fixtures import ledgers

RESAMPLES = 500


def curves(specs: list[dict[str, Any]], *, blocks: int = 5, spread: float = 0.02) -> tuple[laws.Curve, ...]:
    cells = model.study_of(ledgers.study(specs, blocks=blocks, spread=spread), "x").cells
    return laws.curves_of(cells, resamples=RESAMPLES)


# Nodes enough that the law of the ledgers has no edge: its processors never run out.
WORKERS = [1, 2, 4, 8, 16]


def test_curves_of_workers() -> None:
    (curve,) = curves(ledgers.space(workers=WORKERS, nodes=[8]))
    assert (curve.ps, curve.sizes, curve.reach, curve.refusal) == (1, (1, 2, 4, 8, 16), 64, None)
    assert curve.laws[0].name == "usl"
    band = curve.band(32)
    assert band is not None
    truth = ledgers.seconds_of({"workers": 32, "ps": 1, "nodes": 8})
    assert band.low < truth < band.high < 1.5 * band.low
    assert curve.knee is not None
    assert curve.peak is not None
    # The lowest of 5.2 / w + 1.1 + 0.21 w.
    assert curve.peak.low < math.sqrt(5.2 / 0.21) < curve.peak.high
    # From 3 to 4 workers the law gains 8 %, from 2 to 3 workers 20 %.
    assert curve.enough() == 3


@pytest.mark.parametrize(
    ("workers", "code", "named"),
    [
        (65, laws.BEYOND, {"workers": 65, "largest": 16, "most": 64}),
        (64, None, {}),
    ],
)
def test_silence_beyond_four_times_the_largest(workers: int, code: str | None, named: dict[str, int]) -> None:
    (curve,) = curves(ledgers.space(workers=WORKERS, nodes=[8]))
    reason = curve.silence(workers)
    assert (reason and reason.code) == code
    assert (dict(reason.values) if reason else {}) == named
    assert (curve.band(workers) is None) == (code is not None)


def loaded(busy: dict[int, float]) -> tuple[laws.Curve, ...]:
    """Cells by Amdahl's law, whose two processors are busy for this share of the time."""
    noise = random.Random(1)
    used = []
    for block in range(1, 6):
        for workers, share in busy.items():
            seconds = (10.0 / workers + 0.5) * math.exp(noise.gauss(0.0, 0.02))
            one = ledgers.record({**ledgers.SPEC, "ps": 1, "workers": workers}, block, seconds=seconds)
            used.append(ledgers.with_usage(one, busy=share, own=share, ps=0.01))
    return laws.curves_of(model.study_of(used, "x").cells, resamples=RESAMPLES)


def test_silence_where_a_station_would_be_full_that_no_measured_size_has_full() -> None:
    """Pods at their CPU limits left a machine free with 4 workers; 6 filled it, and took longer than any law said."""
    (curve,) = loaded({1: 0.2, 2: 0.38, 3: 0.55, 4: 0.7})
    assert curve.refusal is None
    assert [curve.silence(workers) for workers in (1, 4)] == [None, None]
    reason = curve.silence(16)
    assert reason is not None
    assert (reason.code, reason.values["workers"], reason.values["station"]) == (laws.SATURATES, 16, "processors")
    assert stations.FULL <= reason.values["share"] <= 1
    first, second = curve.bands([4, 16])
    assert (first is None, second is None) == (False, True)
    # Other processors are what is asked for.
    assert curve.silence(16, processors=16.0) != reason


def test_a_station_that_a_measured_size_has_full_is_no_reason() -> None:
    (curve,) = loaded({1: 0.4, 2: 0.7, 3: 0.9, 4: 0.97})
    assert curve.silence(16) is None


def test_curves_of_workers_and_ps() -> None:
    found = curves(ledgers.space(workers=WORKERS, ps=[1, 2, 4], nodes=[8]), blocks=8)
    assert [curve.ps for curve in found] == [1, 2, 4, None]
    band = found[-1].band(32, 3)
    assert band is not None
    assert band.low < ledgers.seconds_of({"workers": 32, "ps": 3, "nodes": 8}) < band.high
    # A law of one number of ps knows of no other; neither does one over some that are far from it.
    silent = [found[0].silence(8, 2), found[-1].silence(8, 17)]
    assert [reason and reason.code for reason in silent] == [laws.NO_PS, laws.NO_PS]


@pytest.mark.parametrize(
    ("specs", "code"),
    [
        (ledgers.space(workers=[4]), law_choice.ONE_SIZE),
        (ledgers.space(nodes=[1, 2, 3, 4], workers=[4]), law_choice.ONE_SIZE),
        (ledgers.space(workers=[1, 2, 4]), law_choice.FEW_SIZES),
    ],
)
def test_curves_of_too_few_sizes(specs: list[dict[str, Any]], code: str) -> None:
    found = curves(specs)
    assert {curve.refusal and curve.refusal.code for curve in found} == {code}
    assert all(curve.band(4) is None for curve in found)


@pytest.mark.parametrize(("cells", "resamples"), [(1, 10_000), (60, 10_000), (120, 5_000), (400, 2_000), (1000, 2_000)])
def test_large_studies_have_fewer_resamples(cells: int, resamples: int) -> None:
    assert laws.resamples_of(cells) == resamples
