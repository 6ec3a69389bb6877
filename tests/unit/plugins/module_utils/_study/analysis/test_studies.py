# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cells of two studies are compared, how, and with which verdict."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import studies
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.gate import (
    CANNOT_TELL,
    FASTER,
    SAME,
    SLOWER,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.model import study_of
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import Ratio

from tests.fixtures.compared_studies import MARGIN, rates, records, study


def compared(mine: Any, other: Any) -> studies.Compared:
    (found,) = studies.compare_studies(mine, [other], MARGIN)
    return found


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.06, 1.2, SLOWER),
        (1.01, 1.2, SLOWER),
        (0.8, 0.94, FASTER),
        (0.96, 1.04, SAME),
        (1.01, 1.04, SAME),
        (0.9, 1.2, CANNOT_TELL),
        (None, None, CANNOT_TELL),
    ],
)
def test_verdict_of_an_interval(low: float | None, high: float | None, verdict: str) -> None:
    assert studies.verdict_of(Ratio(1.0, low, high, 5, None, False), 0.05) == verdict


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ([SAME, SLOWER, CANNOT_TELL], SLOWER),
        ([SAME, FASTER, CANNOT_TELL], CANNOT_TELL),
        ([SAME, FASTER], SAME),
        ([FASTER, FASTER], FASTER),
        ([], CANNOT_TELL),
    ],
)
def test_overall_is_the_worst_verdict(verdicts: list[str], verdict: str) -> None:
    assert studies.overall(verdicts) == verdict


def test_each_cell_is_held_against_the_one_of_its_size() -> None:
    found = compared(study([4.4, 3.0, 2.0], spread=0.01, begun=1e9), study([4.0, 3.0, 2.4, 1.0], spread=0.01))
    assert [(pair.cell.spec["workers"], pair.verdict) for pair in found.pairs] == [(1, SLOWER), (2, SAME), (3, FASTER)]
    assert ([cell.spec["workers"] for cell in found.only_there], found.only_here) == ([4], [])
    assert not found.is_paired
    assert not found.pairs[0].ratio.paired


@pytest.mark.parametrize(
    ("field", "here", "there"), [("batch_size", 20, 40), ("model", "mlp", "cnn"), ("threads", 2, None)]
)
def test_an_unlike_cell_is_refused_with_the_field_that_differs(field: str, here: Any, there: Any) -> None:
    found = compared(study([4.0], **{field: here}), study([4.0], **({field: there} if there else {})))
    assert found.pairs == []
    assert [(one.field, one.here, one.there) for one in found.refused] == [(field, str(here), str(there or ""))]


def test_another_place_or_version_is_compared() -> None:
    found = compared(study([4.0]), study([4.0], cluster="far", provider="gke", backend="job", image="trainer:2"))
    assert (len(found.pairs), found.refused) == (1, [])


def test_of_several_clusters_the_same_one_is_the_baseline() -> None:
    both = study_of(records([4.0], cluster="a") + records([8.0], cluster="b"), "x")
    found = compared(both, both)
    assert [(pair.cell.spec["cluster"], pair.other.spec["cluster"]) for pair in found.pairs] == [("a", "a"), ("b", "b")]
    found = compared(study([4.0], cluster="c"), both)
    assert [(one.field, one.here, one.there) for one in found.refused] == [("cluster", "c", "a and b")]


@pytest.mark.parametrize(
    ("shift", "host", "is_paired"), [(500.0, "bench-1", True), (500.0, "other", False), (50_000.0, "bench-1", False)]
)
def test_blocks_are_paired_only_where_they_ran_in_turn_on_one_machine(
    shift: float, host: str, *, is_paired: bool
) -> None:
    mine = records([4.0], spread=0.02, begun=1_790_000_000.0 + shift)
    for one in mine:
        one["provenance"]["hostname"] = host
    found = compared(study_of(mine, "x"), study([4.0], spread=0.02))
    assert (found.is_paired, found.pairs[0].ratio.paired) == (is_paired, is_paired)


def test_a_slower_machine_is_told_by_the_kernels_of_both() -> None:
    """Everything takes 1.5 times as long, the training another 1.2 times."""
    found = compared(study([4.0 * 1.5 * 1.2], kernel=0.3, spread=0.01), study([4.0], kernel=0.2, spread=0.01))
    (pair,) = found.pairs
    assert found.machine == pytest.approx(1.5, rel=0.02)
    assert (pair.is_calibrated, pair.verdict) == (True, SLOWER)
    assert pair.ratio.center == pytest.approx(1.2, rel=0.03)
    assert pair.measured.center == pytest.approx(1.8, rel=0.03)


@pytest.mark.parametrize("kernels", [(0.2, 0.2), (0.3, None)], ids=["same machine", "no kernel there"])
def test_times_are_compared_as_measured_otherwise(kernels: tuple[float | None, float | None]) -> None:
    found = compared(study([4.0], kernel=kernels[0]), study([4.0], kernel=kernels[1]))
    assert not found.pairs[0].is_calibrated
    assert found.pairs[0].ratio.center == pytest.approx(1.0)


def test_too_few_blocks_cannot_tell() -> None:
    found = compared(study([4.0, 1.0], blocks=2), study([9.0, 9.0], blocks=2))
    assert [pair.verdict for pair in found.pairs] == [CANNOT_TELL, CANNOT_TELL]


def test_all_intervals_hold_together_as_often_as_they_say() -> None:
    """benchmarks/studies_simulation.py has 1000 of each row."""
    found = rates(150, cells=6, blocks=5, spread=0.02)
    assert found["called"] <= 0.10
    assert found["hold"] >= 0.90
