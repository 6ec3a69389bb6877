# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which laws are kept, which may speak, and why others may not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import law_choice
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.scaling_laws import (
    AMDAHL_LAW,
    USL_LAW,
    Sizes,
)

from tests.fixtures import planted_laws

WORKERS = [1, 2, 4, 8]
FORMS = [AMDAHL_LAW, USL_LAW]


def study(*seconds: float, blocks: int = 5, spread: float = 0.02) -> Any:
    draw = np.random.default_rng(2)
    return np.log(seconds) + draw.normal(0, 0.05, (blocks, 1)) + draw.normal(0, spread, (blocks, len(seconds)))


def choose(*seconds: float, workers: list[int] | None = None, **given: Any) -> law_choice.Choice:
    return law_choice.choose(FORMS, Sizes.of(workers or WORKERS), study(*seconds, **given), resamples=500)


def test_choose_keeps_all_within_two_of_aicc() -> None:
    choice = choose(9.0, 5.0, 3.0, 2.0)
    assert choice.laws[0].name == "amdahl"
    assert all(law.aicc <= choice.laws[0].aicc + 2 for law in choice.laws)
    # Where many workers are slower than some, only the USL is near.
    assert [law.name for law in choose(9.0, 5.2, 4.2, 5.0).laws] == ["usl"]


def test_aicc_by_hand() -> None:
    """12 runs, 2 coefficients and the variance: 12 log(0.12 / 12) + 2 x 3 + 2 x 3 x 4 / (12 - 3 - 1)."""
    assert law_choice.aicc(0.12, 12, 2) == pytest.approx(12 * math.log(0.01) + 6 + 3)
    assert law_choice.aicc(0.12, 4, 2) == math.inf


@pytest.mark.parametrize(
    ("logs", "workers", "code", "named"),
    [
        (study(9.0), [4], law_choice.ONE_SIZE, {"sizes": [4], "needed": 4}),
        (study(9.0, 5.0, 3.0), [1, 2, 4], law_choice.FEW_SIZES, {"sizes": [1, 2, 4], "needed": 4}),
        # Two numbers of ps make no more numbers of workers.
        (study(9.0, 5.0, 9.0, 5.0), [1, 2, 1, 2], law_choice.FEW_SIZES, {"sizes": [1, 2], "needed": 4}),
        (
            study(9, 5, 3, 2, blocks=2),
            WORKERS,
            law_choice.FEW_BLOCKS,
            {"workers": 1, "ps": 1, "blocks": 2, "needed": 3},
        ),
        (np.zeros((5, 4)), WORKERS, law_choice.EQUAL_TIMES, {"seconds": 1.0, "sizes": WORKERS}),
        (study(1e-9, 1e9, 1e-9, 1e9), WORKERS, law_choice.NO_LAW, {}),
    ],
)
def test_refusal_of_too_little(logs: Any, workers: list[int], code: str, named: dict[str, Any]) -> None:
    choice = law_choice.choose(FORMS, Sizes.of(workers), logs)
    assert choice.refusal is not None
    assert (choice.refusal.code, dict(choice.refusal.values), choice.laws) == (code, named, ())


@pytest.mark.parametrize("workers", [[1, 2, 4, 8], [1, 2, 3, 4, 6, 8]])
def test_refusal_where_the_largest_size_is_another_world(workers: list[int]) -> None:
    """From 8 workers on the machine swaps."""
    choice = choose(*[(8 / w + 1) * (2 if w == 8 else 1) for w in workers], workers=workers)
    assert choice.refusal is not None
    assert choice.refusal.code == law_choice.MISSED
    values = choice.refusal.values
    assert values["workers"] == 8
    assert values["high"] < values["measured"] == pytest.approx(4.0, rel=0.1)
    # With sizes enough they have to predict it also from half as many workers.
    assert {one.by_workers for one in choice.fitted[0].held_out} == ({4, 6} if 6 in workers else {4})


def test_parameters_at_their_bounds_are_said() -> None:
    flat = {one.name: one.at_bound for law in choose(4.0, 4.1, 4.2, 4.3).fitted for one in law.parameters()}
    assert flat["a"]
    ideal = {one.name: one.at_bound for one in choose(8.0, 4.0, 2.0, 0.98).fitted[0].parameters()}
    assert ideal == {"a": False, "b": True}


def test_misfit_widens_bands() -> None:
    """Steps are no law of ours, and the noise is too small to excuse that."""
    law = next(one for one in choose(8.0, 8.0, 3.0, 3.0, spread=0.002).fitted if one.name == "amdahl")
    assert law.misfit > 10
    (band,) = law.band(Sizes.of([4]))
    assert band.low < 3.0 < band.high


def test_choose_without_noise_is_exact() -> None:
    choice = choose(*[8 / w + 1 for w in WORKERS], spread=0.0)
    assert choice.refusal is None
    (band,) = choice.laws[0].band(Sizes.of([16]))
    assert band.low < 1.5 < band.high


@pytest.mark.parametrize("law", [planted_laws.USL, planted_laws.QUEUEING])
def test_intervals_hold(law: str) -> None:
    """A small grid of tests/benchmarks/law_simulation.py; with 40 studies a share has a standard error of 3.5 %."""
    parameters, predicted = planted_laws.coverage(law, "5 %", 5, 40)
    assert min(*parameters, *predicted) >= 0.82
    assert sum([*parameters, *predicted]) / len([*parameters, *predicted]) < 0.995
