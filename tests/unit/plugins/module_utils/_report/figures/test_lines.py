# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes and lines of the figures against counts, and which runs they draw."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report.figures import drawing, lines
from ansible_collections.tfscale.study.plugins.module_utils._report.figures.figure import PALETTE, SHAPES
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record

from tests.fixtures import ledgers
from tests.fixtures.figures import figures, figures_of, layer, rows, study_of
from tests.fixtures.ledgers import SPEC, record, space


@pytest.mark.parametrize(
    ("specs", "axes"),
    [
        (
            space(cluster=["a", "b"], ps=[1, 2], workers=[1, 2]),
            [("workers", "ps", ("cluster",)), ("ps", "workers", ("cluster",))],
        ),
        # As figures 6.1 to 6.4 of the thesis: a line for each number of nodes.
        (
            space(nodes=[1, 2], ps=[1, 2], workers=[1, 2]),
            [("workers", "nodes", ("ps",)), ("ps", "nodes", ("workers",)), ("nodes", "workers", ("ps",))],
        ),
    ],
    ids=["clusters", "nodes"],
)
def test_axes_of_prefers_counts_as_lines_and_leaves_the_rest_to_panels(
    specs: list[dict[str, Any]], axes: list[tuple[Any, ...]]
) -> None:
    found = study_of(ledgers.study(specs, blocks=1))
    assert lines.axes_of(found.cells, found.factors) == [lines.Axis(*axis) for axis in axes]


@pytest.mark.parametrize("nodes", [None, "three", 2.5])
def test_axes_of_leaves_out_a_factor_that_is_no_count_everywhere(nodes: Any) -> None:
    specs = [{**SPEC, "nodes": n, "workers": w} for n in (1, nodes) for w in (1, 2)]
    found = study_of([record(spec, 1, seconds=4.0) for spec in specs])
    axes = lines.axes_of(found.cells, found.factors)
    assert [(axis.x, axis.series) for axis in axes] == [("workers", "nodes")]


@pytest.mark.parametrize(
    ("factor", "counts", "ticks"),
    [
        ("workers", [1, 2, 4], [1, 2, 4]),
        ("workers", [2, 3, 7], [2, 3, 7]),
        ("workers", [1, 2, 8], [0, 1, 3]),
        ("workers", [4, 8, 64], [2, 3, 6]),
        ("ps", [0, 1], [0, 1]),
        ("ps", [0, 1, 16], [0, 1, 16]),
    ],
)
def test_axis_of_counts_has_a_tick_for_each_and_goes_by_doubling_when_wide(
    factor: str, counts: list[int], ticks: list[float]
) -> None:
    figure = figures(space(**{factor: counts}))[f"training-time-by-{factor}"]
    assert layer(figure, "medians")["encoding"]["x"]["axis"]["values"] == ticks
    drawn = drawing.svg_of(figure)
    assert all(f">{count}</text>" in drawn for count in counts)


def test_lines_stand_side_by_side_and_runs_beside_their_median() -> None:
    figure = figures(space(ps=[1, 2], workers=[1, 2]))["training-time-by-workers"]
    at_two = sorted(row["x"] for row in rows(figure, "medians") if round(row["x"]) == 2)
    runs = sorted({row["x"] for row in rows(figure, "runs_valid") if round(row["x"]) == 2})
    assert runs[0] < at_two[0] < runs[1] < at_two[1]


@pytest.mark.parametrize("numbers", [[10, 2], [1, 2, 3], list(range(1, 11))])
def test_lines_have_a_colour_and_a_shape_each_by_their_number(numbers: list[int]) -> None:
    encoding = layer(figures(space(ps=numbers, workers=[1, 2]))["training-time-by-workers"], "medians")["encoding"]
    names = [f"ps={number}" for number in sorted(numbers)]
    for channel, of in (("color", PALETTE), ("shape", SHAPES)):
        looks = [of[n % len(of)] for n in range(len(names))]
        assert encoding[channel]["scale"] == {"domain": names, "range": looks}


def test_a_single_line_needs_no_legend() -> None:
    figure = figures(space(workers=[1, 2]))["training-time-by-workers"]
    assert layer(figure, "medians")["encoding"]["color"]["legend"] is None


def test_legend_takes_as_many_lines_as_its_names_need() -> None:
    long = figures(space(cluster=["the-first-cluster-of-ours", "the-second-one"], workers=[1, 2]))
    short = figures(space(ps=[1, 2], workers=[1, 2]))
    columns = [
        layer(found["training-time-by-workers"], "medians")["encoding"]["color"]["legend"]["columns"]
        for found in (long, short)
    ]
    assert columns == [1, 2]


def test_suspect_runs_are_hollow_and_say_so() -> None:
    figure = figures_of(ledgers.mnist())["training-time-by-workers"]
    assert figure.runs == 20
    assert len(rows(figure, "runs_valid")) == 19
    assert [row["told"] for row in rows(figure, "runs_suspect")] == ["ps=2 workers=4, block 4: 4.41 s, suspect"]
    assert [layer(figure, f"runs_{of}")["mark"]["filled"] for of in ("valid", "suspect")] == [True, False]


def test_thinned_keeps_both_ends_and_every_suspect_run() -> None:
    runs = [
        Record.of(record(SPEC, block, seconds=float(block), verdict="suspect" if block == 50 else "valid"))
        for block in range(1, 101)
    ]
    values = [(run, run.timing("train_seconds")) for run in runs]
    kept = lines.thinned(values, 10)
    seconds = sorted(value for _run, value in kept)
    assert len(seconds) == 10
    assert seconds[0] == 1
    assert seconds[-1] == 100
    assert 50 in seconds
    assert max(b - a for a, b in pairwise(seconds)) < 15
    assert len(lines.thinned(values, 100)) == 100


def test_figure_of_many_runs_says_how_many_it_draws() -> None:
    records = [record({**SPEC, "workers": n}, block, seconds=4.0 / n) for n in (1, 2) for block in range(1, 401)]
    figure = figures_of(records)["training-time-by-workers"]
    assert figure.runs == len(rows(figure, "runs_valid")) == lines.DOTS
    assert "600 of 800 runs" in figure.caption


@pytest.mark.parametrize(("sizes", "most"), [(range(1, 4), 8), (range(3, 100), 8), (range(0), 8)])
def test_even_keeps_both_ends(sizes: range, most: int) -> None:
    kept = lines.even(sizes, most)
    assert len(kept) == min(most, len(sizes))
    assert kept[:1] + kept[-1:] == [*sizes[:1], *sizes[-1:]]
