# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Training time, speed and speed-up against counts."""

from __future__ import annotations

import re

import pytest

from tests.fixtures import ledgers
from tests.fixtures.figures import figures, figures_of, layer, rows
from tests.fixtures.ledgers import SPEC, record, space


@pytest.mark.parametrize("batch_size", [20, 40])
def test_figures_of_variants_have_a_line_for_each(batch_size: int) -> None:
    specs = space(variant=["before", "after"], workers=[1, 2])
    found = figures([{**spec, "batch_size": 20 if spec["variant"] == "before" else batch_size} for spec in specs])
    medians = rows(found["training-time-by-workers"], "medians")
    assert sorted((row["line"], row["cell"]) for row in medians) == [
        (f"variant={name}", f"variant={name} ps=1 workers={workers}")
        for name in ("after", "before")
        for workers in (1, 2)
    ]


def test_medians_carry_their_interval_and_a_text_for_the_pointer() -> None:
    medians = rows(figures(space(workers=[1, 2]))["training-time-by-workers"], "medians")
    assert len(medians) == 2
    assert all(row["low"] < row["y"] < row["high"] for row in medians)
    told = r"ps=1 workers=1: median [\d.]+ s \(95 % CI [\d.]+-[\d.]+\), n = 3"
    assert re.fullmatch(told, medians[0]["told"])


def test_medians_of_too_few_runs_have_no_interval() -> None:
    figure = figures(space(workers=[1, 2]), blocks=2)["training-time-by-workers"]
    assert rows(figure, "intervals") == []
    assert len(rows(figure, "medians")) == 2


def test_panels_share_one_scale() -> None:
    found = figures(space(strategy=["async_ps", "sync_ps"], ps=[1, 2], workers=[1, 2]))
    first, second = (found[f"training-time-by-workers-{n}"] for n in (1, 2))
    assert first.title == "Training time against workers, strategy=async_ps"
    domains = [layer(figure, "medians")["encoding"]["y"]["scale"]["domain"] for figure in (first, second)]
    assert domains[0] == domains[1]
    assert first.runs + second.runs == 24


def test_wide_intervals_do_not_squeeze_the_runs() -> None:
    times = {1: (4.0, 4.0, 9.0), 2: (3.0, 3.1, 3.0)}
    records = [
        record({**SPEC, "workers": workers}, block, seconds=seconds)
        for workers, found in times.items()
        for block, seconds in enumerate(found, 1)
    ]
    figure = figures_of(records)["training-time-by-workers"]
    assert 9.0 < layer(figure, "medians")["encoding"]["y"]["scale"]["domain"][1] < 16.0


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        ("training-time-by-workers", "training time [s]"),
        ("speed-by-workers", "speed [global steps/s]"),
        ("speed-up-by-workers", "times as fast"),
    ],
)
def test_axes_carry_their_unit_and_words(name: str, axis: str) -> None:
    encoding = layer(figures(space(workers=[1, 2]))[name], "medians")["encoding"]
    assert encoding["x"]["title"] == "workers"
    assert encoding["y"]["title"] == axis
    assert encoding["y"]["scale"]["domain"][0] == 0


def test_figures_of_the_thesis_have_a_line_for_each_number_of_nodes() -> None:
    """6.1 and 6.3: against workers with 2 ps; 6.2 and 6.4: against ps with 4 workers."""
    found = figures(space(nodes=[1, 2], ps=[2], workers=[1, 2, 4]) + space(nodes=[1, 2], ps=[1], workers=[4]))
    for name, fixed, figure in (("workers", "ps=2", "6.1"), ("ps", "workers=4", "6.2")):
        drawn = found[f"training-time-by-{name}"]
        assert drawn.title.endswith(f", {fixed}")
        assert figure in drawn.caption
        assert {row["line"] for row in rows(drawn, "medians")} == {"nodes=1", "nodes=2"}


def test_speed_up_starts_at_the_reference_of_each_line_and_shows_the_perfect_line() -> None:
    figure = figures(space(ps=[1], workers=[1, 2, 4]) + space(ps=[2], workers=[2, 4]))["speed-up-by-workers"]
    for line, fewest in (("ps=1", 1), ("ps=2", 2)):
        perfect = [row for row in rows(figure, "perfect") if row["line"] == line]
        assert [row["y"] for row in perfect] == pytest.approx([row["x"] / fewest for row in perfect])
        assert (perfect[0]["x"], perfect[-1]["x"]) == (fewest, 4)
        first, *others = (row for row in rows(figure, "medians") if row["line"] == line)
        assert first["y"] == pytest.approx(1.0)
        assert "low" not in first
        assert all(1.0 < row["low"] < row["y"] < row["high"] for row in others if line == "ps=1")


def test_speed_up_of_twice_as_fast_with_four_times_the_workers_is_half_of_perfect() -> None:
    records = [record({**SPEC, "workers": n}, block, seconds=8.0 / n**0.5) for n in (1, 4) for block in (1, 2, 3)]
    assert rows(figures_of(records)["speed-up-by-workers"], "medians")[1]["told"].startswith(
        "ps=1 workers=4: 2.00 times"
    )
    assert "4 times the workers (50 %)" in rows(figures_of(records)["speed-up-by-workers"], "medians")[1]["told"]


def test_figure_of_mnist_draws_every_run_once() -> None:
    found = figures_of(ledgers.mnist())
    for name in ("training-time-by-workers", "speed-by-workers", "training-time-by-ps"):
        drawn = [row["told"] for of in ("valid", "suspect") for row in rows(found[name], f"runs_{of}")]
        assert len(drawn) == len(set(drawn)) == found[name].runs
