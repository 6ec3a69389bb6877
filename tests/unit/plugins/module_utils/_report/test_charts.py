# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures: which there are, what is in them, and that none shows a void run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import charts, page
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, space, void, with_usage

MNIST = [
    "training-time-by-workers",
    "speed-by-workers",
    "efficiency-by-workers",
    "training-time-by-ps",
    "where-time-goes",
    "where-workers-time-goes",
]
BARS = MNIST[-2:]


def study(records: list[dict[str, Any]]) -> model.Study:
    return model.study_of(records, "folder")


def figures(specs: list[dict[str, Any]]) -> dict[str, charts.Figure]:
    return {figure.name: figure for figure in charts.figures_of(study(ledgers.study(specs, blocks=3)))}


def layer(figure: charts.Figure, name: str) -> dict[str, Any]:
    return next(part for part in figure.spec["layer"] if part.get("name") == name)


def values(figure: charts.Figure, name: str) -> list[dict[str, Any]]:
    data = layer(figure, name)["data"]
    found: list[dict[str, Any]] = data["values"] if "values" in data else figure.spec["datasets"][data["name"]]
    return found


@pytest.mark.parametrize(
    ("specs", "names"),
    [
        (space(), BARS),
        (space(ps=[1, 2], workers=[1, 2]), MNIST),
        (space(workers=[1, 2]), [*MNIST[:3], *BARS]),
        (space(ps=[1, 2]), ["training-time-by-ps", *BARS]),
        (space(nodes=[1, 2, 3]), ["training-time-by-nodes", *BARS]),
        (
            space(strategy=["async_ps", "sync_ps"], ps=[1, 2], nodes=[1, 2]),
            [
                "training-time-by-ps-1",
                "training-time-by-ps-2",
                "training-time-by-nodes-1",
                "training-time-by-nodes-2",
                *BARS,
            ],
        ),
        (
            space(cluster=["a", "b"], workers=[1, 2]),
            [*MNIST[:3], *BARS],
        ),
        (space(variant=["before", "after"]), BARS),
        (space(variant=["before", "after"], workers=[1, 2]), [*MNIST[:3], *BARS]),
    ],
    ids=["one cell", "ps and workers", "workers", "ps", "nodes", "panels", "clusters as lines", "A/B", "A/B as lines"],
)
def test_figures_of_has_a_figure_for_each_axis_that_varies(specs: list[dict[str, Any]], names: list[str]) -> None:
    assert list(figures(specs)) == names


@pytest.mark.parametrize("batch_size", [20, 40])
def test_figures_of_variants_have_a_line_for_each(batch_size: int) -> None:
    specs = space(variant=["before", "after"], workers=[1, 2])
    found = figures([{**spec, "batch_size": 20 if spec["variant"] == "before" else batch_size} for spec in specs])
    rows = values(found["training-time-by-workers"], "medians")
    assert sorted((row["line"], row["cell"]) for row in rows) == [
        (f"variant={name}", f"variant={name} ps=1 workers={workers}")
        for name in ("after", "before")
        for workers in (1, 2)
    ]
    assert len({row["cell"] for row in found["where-time-goes"].spec["data"]["values"]}) == 4


@pytest.mark.parametrize("records", [[], [void(SPEC, 1, "killed")]], ids=["nothing", "all void"])
def test_figures_of_nothing_measured_is_nothing(records: list[dict[str, Any]]) -> None:
    assert charts.figures_of(study(records)) == []


def test_figures_show_every_measured_run_and_no_void_one() -> None:
    found = {figure.name: figure for figure in charts.figures_of(study(ledgers.mnist()))}
    figure = found["training-time-by-workers"]
    assert figure.runs == 20
    assert len(values(figure, "runs_valid")) == 19
    assert [row["run"] for row in values(figure, "runs_suspect")] == ["ps=2 workers=4, block 4"]
    assert "ps=4" not in str(figure.spec)


def test_suspect_runs_are_hollow() -> None:
    figure = charts.figures_of(study(ledgers.mnist()))[0]
    assert layer(figure, "runs_valid")["mark"]["filled"] is True
    assert layer(figure, "runs_suspect")["mark"]["filled"] is False


def test_medians_carry_their_interval_and_a_text_for_the_pointer() -> None:
    figure = figures(space(workers=[1, 2]))["training-time-by-workers"]
    rows = values(figure, "medians")
    assert len(rows) == 2
    assert all(row["low"] < row["y"] < row["high"] for row in rows)
    assert re.fullmatch(r"[\d.]+ s \(95 % CI [\d.]+-[\d.]+\), n = 3", rows[0]["shown"])


def test_medians_of_too_few_runs_have_no_interval() -> None:
    figure = charts.figures_of(study(ledgers.study(space(workers=[1, 2]), blocks=2)))[0]
    assert values(figure, "intervals") == []
    assert len(values(figure, "medians")) == 2


def test_lines_stand_side_by_side_and_runs_beside_their_median() -> None:
    figure = figures(space(ps=[1, 2], workers=[1, 2]))["training-time-by-workers"]
    at_two = sorted(row["x"] for row in values(figure, "medians") if round(row["x"]) == 2)
    runs = sorted({row["x"] for row in values(figure, "runs_valid") if round(row["x"]) == 2})
    assert runs[0] < at_two[0] < runs[1] < at_two[1]


@pytest.mark.parametrize(
    ("counts", "ticks"),
    [([1, 2, 4], [1, 2, 4]), ([2, 3, 7], [2, 3, 7]), ([1, 2, 8], [0, 1, 3]), ([4, 8, 64], [2, 3, 6])],
)
def test_axis_of_counts_has_a_tick_for_each_and_goes_by_doubling_when_wide(
    counts: list[int], ticks: list[float]
) -> None:
    figure = figures(space(workers=counts))["training-time-by-workers"]
    assert layer(figure, "medians")["encoding"]["x"]["axis"]["values"] == ticks
    drawn = charts.svg_of(figure)
    assert all(f">{count}</text>" in drawn for count in counts)


def test_ideal_speed_is_in_proportion_to_workers_of_the_same_line() -> None:
    figure = figures(space(ps=[1], workers=[1, 2, 4]) + space(ps=[2], workers=[2, 4]))["speed-by-workers"]
    ideal = values(figure, "ideal")
    one = [row["y"] for row in ideal if row["line"] == "ps=1"]
    assert [rate / one[0] for rate in one] == pytest.approx([1, 2, 4])
    two = [row["y"] for row in ideal if row["line"] == "ps=2"]
    assert [rate / two[0] for rate in two] == pytest.approx([1, 2])


def test_efficiency_starts_at_the_reference() -> None:
    figure = figures(space(workers=[1, 2, 4]))["efficiency-by-workers"]
    rows = values(figure, "medians")
    assert rows[0]["y"] == pytest.approx(1.0)
    assert "low" not in rows[0]
    assert rows[0]["y"] > rows[1]["y"] > rows[2]["y"]
    assert rows[1]["low"] < rows[1]["y"] < rows[1]["high"]


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
    figure = charts.figures_of(study(records))[0]
    top = layer(figure, "medians")["encoding"]["y"]["scale"]["domain"][1]
    assert 9.0 < top < 16.0


def test_where_time_goes_adds_up_to_the_whole_run() -> None:
    records = [record(SPEC, 1, seconds=4.0)]
    figure = charts.figures_of(study(records))[0]
    name = figure.spec["data"].get("name")
    rows = figure.spec["data"].get("values") or figure.spec["datasets"][name]
    assert [row["part"] for row in rows] == ["start-up", "training", "rest"]
    assert sum(row["size"] for row in rows) == pytest.approx(records[0]["timings"]["total_seconds"])


def test_where_time_goes_needs_all_three_times() -> None:
    assert charts.figures_of(study([record(SPEC, 1, seconds=4.0, timings={"train_seconds": 4.0})])) == []


def test_where_workers_time_goes_shows_shares_of_the_cells_that_tell() -> None:
    told = [record(SPEC, block, seconds=4.0) for block in (1, 2)]
    told[0]["timings"]["spent_seconds"] = {"compute": 1.0, "ps": 3.0}
    told[1]["timings"]["spent_seconds"] = {"compute": 5.0, "ps": 5.0, "input": None}
    silent = record({**SPEC, "workers": 2}, 1, seconds=4.0)
    silent["timings"]["spent_seconds"] = None
    figure = {one.name: one for one in charts.figures_of(study([*told, silent]))}["where-workers-time-goes"]
    rows = figure.spec["data"].get("values") or figure.spec["datasets"][figure.spec["data"]["name"]]
    assert {row["cell"] for row in rows} == {"ps=1 workers=1"}
    sizes = {row["part"]: row["size"] for row in rows}
    nothing = dict.fromkeys(("input", "telemetry", "throttled"), 0.0)
    assert sizes == pytest.approx({"computing": 0.375, "waiting for ps or workers": 0.625, **nothing})


def test_svg_of_is_the_same_every_time() -> None:
    records = ledgers.mnist()
    first, second = ([charts.svg_of(figure) for figure in charts.figures_of(study(records))] for _repeat in range(2))
    assert first == second


def test_svg_of_keeps_markup_of_a_ledger_out() -> None:
    specs = [{**SPEC, "cluster": "<script>alert(1)</script>", "workers": n} for n in (1, 2)]
    specs += [{**SPEC, "cluster": "b", "workers": n} for n in (1, 2)]
    drawings = [charts.svg_of(figure) for figure in figures(specs).values()]
    assert any("&lt;script&gt;" in drawing for drawing in drawings)
    assert not any("<script" in drawing for drawing in drawings)


def test_every_colour_of_a_figure_has_its_shade_on_dark_ground() -> None:
    used = {*charts.PALETTE, *charts.PARTS.values(), *charts.SHARES.values()}
    assert used <= set(page.DARK)
    for figure in charts.figures_of(study(ledgers.mnist())):
        drawn = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', charts.svg_of(figure)))
        assert drawn <= set(page.DARK), figure.name


def test_responsive_is_as_wide_as_its_frame() -> None:
    figure = figures(space())["where-time-goes"]
    wide = charts.responsive(figure)
    assert wide["width"] == "container"
    assert wide["config"]["background"] is None
    assert figure.spec["width"] == charts.WIDTH


def test_axes_of_prefers_counts_as_lines_and_leaves_the_rest_to_panels() -> None:
    found = study(ledgers.study(space(cluster=["a", "b"], ps=[1, 2], workers=[1, 2]), blocks=1))
    assert charts.axes_of(found.cells, found.factors) == [
        charts.Axis("workers", "ps", ("cluster",)),
        charts.Axis("ps", "workers", ("cluster",)),
    ]


@pytest.mark.parametrize("nodes", [None, "three", 2.5])
def test_axes_of_leaves_out_a_factor_that_is_no_count_everywhere(nodes: Any) -> None:
    specs = [{**SPEC, "nodes": n, "workers": w} for n in (1, nodes) for w in (1, 2)]
    found = study([record(spec, 1, seconds=4.0) for spec in specs])
    axes = charts.axes_of(found.cells, found.factors)
    assert [axis.x for axis in axes] == ["workers"]
    assert axes[0].series == "nodes"


@pytest.mark.parametrize("ps", [[0, 1], [0, 1, 16]])
def test_axis_that_starts_at_none_is_not_drawn_by_doubling(ps: list[int]) -> None:
    figure = figures(space(ps=ps))["training-time-by-ps"]
    assert layer(figure, "medians")["encoding"]["x"]["axis"]["values"] == ps


@pytest.mark.parametrize("name", ["training-time-by-workers", "speed-by-workers", "efficiency-by-workers"])
def test_axes_carry_their_unit_and_words(name: str) -> None:
    titles = {
        "training-time-by-workers": "training time [s]",
        "speed-by-workers": "speed [global steps/s]",
        "efficiency-by-workers": "share of the ideal speed-up",
    }
    encoding = layer(figures(space(workers=[1, 2]))[name], "medians")["encoding"]
    assert encoding["x"]["title"] == "workers"
    assert encoding["y"]["title"] == titles[name]
    assert encoding["y"]["scale"]["domain"][0] == 0


def test_lines_have_a_colour_and_a_shape_each() -> None:
    figure = figures(space(ps=[1, 2, 3], workers=[1, 2]))["training-time-by-workers"]
    encoding = layer(figure, "medians")["encoding"]
    assert encoding["color"]["scale"]["domain"] == ["ps=1", "ps=2", "ps=3"]
    assert encoding["color"]["scale"]["range"] == list(charts.PALETTE[:3])
    assert encoding["shape"]["scale"]["range"] == list(charts.SHAPES[:3])


def test_lines_are_ordered_by_number() -> None:
    figure = figures(space(ps=[10, 2], workers=[1, 2]))["training-time-by-workers"]
    assert layer(figure, "medians")["encoding"]["color"]["scale"]["domain"] == ["ps=2", "ps=10"]


def test_a_single_line_needs_no_legend() -> None:
    figure = figures(space(workers=[1, 2]))["training-time-by-workers"]
    assert layer(figure, "medians")["encoding"]["color"]["legend"] is None


def test_more_lines_than_colours_start_again() -> None:
    figure = figures(space(ps=list(range(1, 11)), workers=[1, 2]))["training-time-by-workers"]
    colors = layer(figure, "medians")["encoding"]["color"]["scale"]["range"]
    assert len(colors) == 10
    assert colors[8] == colors[0]


def test_svg_of_two_figures_shares_no_identifier() -> None:
    found = figures(space(ps=[1, 2], workers=[1, 2]))
    identifiers = [set(re.findall(r'id="([^"]+)"', charts.svg_of(figure))) for figure in found.values()]
    assert any(identifiers)
    assert sum(map(len, identifiers)) == len(set().union(*identifiers))


def test_svg_of_leaves_a_label_that_is_called_as_a_clip_path() -> None:
    records = ledgers.study([{**SPEC, "variant": name, "workers": n} for name in ("clip0", "b") for n in (1, 2)])
    drawn = [charts.svg_of(figure) for figure in charts.figures_of(study(records))]
    assert drawn
    assert [one for one in drawn if "variant=clip0" not in one] == []


def test_svg_of_refers_only_to_its_own_clip_paths() -> None:
    drawn = charts.svg_of(figures(space(workers=[1, 2]))["speed-by-workers"])
    used = set(re.findall(r"url\(#([^)]+)\)", drawn))
    assert used
    assert used <= set(re.findall(r'id="([^"]+)"', drawn))


def speeds(records: list[dict[str, Any]]) -> charts.Figure:
    return {one.name: one for one in charts.figures_of(study(records))}["speed-by-workers"]


def rows_of(figure: charts.Figure, name: str) -> list[dict[str, Any]]:
    """The data of one layer; nothing where there is no such layer."""
    for layer in figure.spec["layer"]:
        if layer.get("name") == name:
            data = layer["data"]
            found: list[dict[str, Any]] = data.get("values") or figure.spec["datasets"][data["name"]]
            return found
    return []


def busy(workers: int, *, seconds: float, share: float, ps: int = 1) -> dict[str, Any]:
    made = record({**SPEC, "ps": ps, "workers": workers}, 1, seconds=seconds)
    return with_usage(made, busy=share, own=share, ps=0.1, worker=0.1)


def test_figure_of_speed_shows_the_ceilings_of_each_cell_with_their_name() -> None:
    figure = speeds([busy(1, seconds=5.0, share=0.75), busy(2, seconds=4.0, share=0.96)])
    ceilings = rows_of(figure, "ceilings")
    assert [row["y"] for row in ceilings] == [pytest.approx(400 / 0.75), pytest.approx(500 / 0.96)]
    assert {row["kind"] for row in ceilings} == {"processors"}
    assert [row["label"] for row in rows_of(figure, "ceiling_names")] == ["processors full"]
    assert "ceilings" in figure.caption


def test_ceiling_far_above_all_cells_is_left_out() -> None:
    figure = speeds([busy(1, seconds=5.0, share=0.1), busy(2, seconds=4.0, share=0.2)])
    assert rows_of(figure, "ceilings") == []


def test_close_ceilings_of_two_lines_share_their_name_and_others_stand_apart() -> None:
    records = [
        busy(workers, seconds=seconds, share=share, ps=ps)
        for ps in (1, 2)
        for workers, seconds, share in ((1, 5.0, 0.8), (2, 4.0 + 0.01 * ps, 0.97))
    ]
    for one in records:
        for replica in one["evidence"]["replicas"]:
            if replica["replica"] == "ps":
                replica["trained"] |= {"cpu_limit": 1.0, "cpu_seconds": 0.95 * one["timings"]["train_seconds"]}
    labels = rows_of(speeds(records), "ceiling_names")
    assert sorted({row["label"] for row in labels}) == ["processors full", "ps full"]
    heights = sorted(row["at"] for row in labels)
    assert len(heights) == 2
    assert heights[1] - heights[0] > 0.05 * heights[1]


def test_figure_of_runs_without_counters_has_no_ceiling() -> None:
    figure = speeds(ledgers.study(space(workers=[1, 2])))
    assert rows_of(figure, "ceilings") == []
    assert "ceilings" not in figure.caption
