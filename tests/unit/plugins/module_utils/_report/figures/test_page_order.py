# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which figures there are, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures import ledgers
from tests.fixtures.figures import figures, figures_of
from tests.fixtures.ledgers import SPEC, record, space, void

BY_WORKERS = ["training-time-by-workers", "speed-by-workers", "speed-up-by-workers"]
REST = ["where-time-goes", "where-workers-time-goes", "noise"]


@pytest.mark.parametrize(
    ("specs", "names"),
    [
        (space(), REST),
        (space(ps=[1, 2], workers=[1, 2]), [*BY_WORKERS, "training-time-by-ps", *REST]),
        (space(workers=[1, 2]), [*BY_WORKERS, *REST]),
        (space(ps=[1, 2]), ["training-time-by-ps", *REST]),
        (space(nodes=[1, 2, 3]), ["training-time-by-nodes", *REST]),
        (
            space(strategy=["async_ps", "sync_ps"], ps=[1, 2], nodes=[1, 2]),
            [f"training-time-by-{factor}-{n}" for factor in ("ps", "nodes") for n in (1, 2)] + REST,
        ),
        (space(cluster=["a", "b"], workers=[1, 2]), [*BY_WORKERS, *REST]),
        (space(variant=["before", "after"]), REST),
        (space(variant=["before", "after"], workers=[1, 2]), [*BY_WORKERS, *REST]),
    ],
    ids=["one cell", "ps and workers", "workers", "ps", "nodes", "panels", "clusters as lines", "A/B", "A/B as lines"],
)
def test_figures_of_has_a_figure_for_each_axis_that_varies(specs: list[dict[str, Any]], names: list[str]) -> None:
    assert list(figures(specs)) == names


@pytest.mark.parametrize("records", [[], [void(SPEC, 1, "killed")]], ids=["nothing", "all void"])
def test_figures_of_nothing_measured_is_nothing(records: list[dict[str, Any]]) -> None:
    assert figures_of(records) == {}


def test_figures_of_a_single_run_without_its_other_times_is_nothing() -> None:
    assert figures_of([record(SPEC, 1, seconds=4.0, timings={"train_seconds": 4.0})]) == {}


def test_figures_of_shows_no_void_run_in_any_figure() -> None:
    found = figures_of(ledgers.mnist())
    assert "utilisation" in found
    assert [name for name, figure in found.items() if "ps=4" in str(figure.spec)] == []


def test_figures_of_says_the_same_in_each_language() -> None:
    english, polish = (figures_of(ledgers.mnist(), language=code) for code in ("en", "pl"))
    assert list(english) == list(polish)
    assert [one.runs for one in english.values()] == [one.runs for one in polish.values()]
    assert not {one.title for one in english.values()} & {one.title for one in polish.values()}
