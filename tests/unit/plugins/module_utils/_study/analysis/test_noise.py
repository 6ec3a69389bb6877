# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise floor: what was planted comes out."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model, noise

from tests.fixtures.ledgers import SPEC, record


def planted(blocks: int, *, rest: float, drift: float, closes: int = 0) -> list[dict[str, Any]]:
    """Six cells; with `closes` half of them end after that block, as those of adaptive blocks do."""
    draw = random.Random(5)
    found = []
    for block in range(1, blocks + 1):
        effect = draw.gauss(0.0, drift)
        for workers in range(1, 7):
            if workers > 3 and closes and block > closes:
                continue
            seconds = (8.0 / workers + 1.0) * math.exp(effect + draw.gauss(0.0, rest))
            found.append(record({**SPEC, "workers": workers}, block, seconds=seconds))
    return found


def floor(records: list[dict[str, Any]]) -> noise.Noise:
    return noise.noise_of(model.study_of(records, "x").measured)


@pytest.mark.parametrize("closes", [0, 30], ids=["complete blocks", "cells that close"])
def test_noise_of_tells_drift_from_the_rest(closes: int) -> None:
    found = floor(planted(100, rest=0.02, drift=0.05, closes=closes))
    assert found.rest == pytest.approx(0.02, rel=0.15)
    assert found.within == pytest.approx(math.hypot(0.02, 0.05), rel=0.2)
    logs = [math.log(effect) for effect in found.blocks.values()]
    assert math.fsum(logs) == pytest.approx(0.0, abs=1e-9)
    assert math.sqrt(math.fsum(log * log for log in logs) / 99) == pytest.approx(0.05, rel=0.2)


def test_noise_of_names_the_noisiest_cell() -> None:
    records = planted(20, rest=0.01, drift=0.0)
    for one in records:
        if one["spec"]["workers"] == 4:
            one["timings"]["train_seconds"] *= 1.0 + 0.3 * (one["block"] % 2)
    found = floor(records)
    assert found.noisiest is not None
    assert found.noisiest.spec["workers"] == 4
    assert found.worst == pytest.approx(math.log(1.3) / 2, rel=0.1)


def test_noise_of_reads_the_calibration_kernel_of_each_machine_by_its_own_median() -> None:
    records = planted(3, rest=0.0, drift=0.0)
    for one in records:
        fast = one["spec"]["workers"] % 2
        one["provenance"] = {**one["provenance"], "hostname": "fast" if fast else "slow"}
        slower = 1.2 if one["block"] == 3 else 1.0
        one["evidence"]["calibration"] = {"kernel": "k", "seconds": slower * (0.05 if fast else 0.1)}
    found = floor(records)
    assert found.kernel == pytest.approx({1: 1.0, 2: 1.0, 3: 1.2})


@pytest.mark.parametrize("blocks", [0, 1])
def test_noise_of_too_few_runs_is_not_known(blocks: int) -> None:
    found = floor(planted(blocks, rest=0.02, drift=0.0))
    assert (found.within, found.rest, found.worst, found.kernel_spread) == (None, None, None, None)
