# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a ledger holds, a report comes out of it: no crash, no number that is none, no cell that is lost."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import (
    answer,
    document,
    render,
    tables,
)
from ansible_collections.tfscale.study.plugins.module_utils._report.figures import page_order
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model, noise
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.frame import run_rows
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import records_of
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import intervals, words
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures import ledgers

CELLS = ledgers.space(ps=[1, 2], workers=[1, 2, 4])
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2)
)
FIELDS = [
    ("study",),
    ("run_id",),
    ("cell_id",),
    ("block",),
    ("attempt",),
    ("spec",),
    ("spec", "ps"),
    ("spec", "workers"),
    ("spec", "nodes"),
    ("spec", "cluster"),
    ("spec", "train_steps"),
    ("timings",),
    ("timings", "train_seconds"),
    ("timings", "total_seconds"),
    ("timings", "global_steps"),
    ("timings", "cpu_seconds"),
    ("timings", "accuracy"),
    ("timings", "spent_seconds"),
    ("timings", "spent_seconds", "ps"),
    ("evidence",),
    ("verdict",),
    ("verdict", "verdict"),
    ("verdict", "reasons"),
    ("provenance",),
    ("provenance", "seed"),
    ("provenance", "recorded_wall"),
]
SCHEMA = json.loads((Path(__file__).resolve().parents[5] / "docs/answer.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def damaged(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A realistic ledger in which some fields hold something else, or nothing."""
    records = copy.deepcopy(ledgers.mnist())
    for _repeat in range(draw(st.integers(1, 6))):
        place: Any = draw(st.sampled_from(records))
        *path, last = draw(st.sampled_from(FIELDS))
        for step in path:
            place = place.get(step) if isinstance(place, dict) else None
        if isinstance(place, dict) and draw(st.booleans()):
            place.pop(last, None)
        elif isinstance(place, dict):
            place[last] = draw(JUNK)
    return records


@st.composite
def measured(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Runs of some cells in some blocks, with any times and verdicts."""
    seconds = st.floats(0.01, 1e5, allow_nan=False)
    verdicts = st.sampled_from(["valid", "valid", "valid", "suspect", "void"])
    records: list[dict[str, Any]] = []
    for spec in draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=6, unique_by=str)):
        records += [
            ledgers.record(spec, block, seconds=draw(seconds), verdict=draw(verdicts))
            for block in range(1, draw(st.integers(0, 5)) + 1)
        ]
    return records


def study(records: list[dict[str, Any]]) -> model.Study:
    return model.study_of(records, "folder")


@QUICK
@given(damaged())
def test_any_damaged_ledger_gives_tables_and_an_answer(records: list[dict[str, Any]]) -> None:
    found = study(records)
    answers = answer.answers(found)
    assert answer.sentence(answers)
    assert len(found.runs) == len(records_of(records))
    assert sum(len(group.cells) for group in answers) == len(found.cells)
    assert len(tables.csv(run_rows(found.runs)).splitlines()) > len(found.runs)
    assert tables.cells_table(found, answers).heads


@QUICK
@given(damaged())
def test_any_damaged_ledger_gives_a_document_of_its_schema(records: list[dict[str, Any]]) -> None:
    found = study(records)
    made = document.document_of(found, answer.answers(found))
    VALIDATOR.validate(made)
    assert json.loads(document.written(made)) == made


@settings(QUICK, max_examples=12)
@given(damaged())
def test_any_damaged_ledger_gives_a_page_and_markdown(records: list[dict[str, Any]]) -> None:
    report = render.report_of(study(records))
    page = render.html_page(report, {figure.name: "<svg></svg>" for figure in report.figures})
    assert page.endswith("</html>\n")
    assert render.markdown(report).startswith("# Study ")


@QUICK
@given(measured())
def test_any_times_give_figures_without_a_number_that_is_none(records: list[dict[str, Any]]) -> None:
    found = study(records)
    said = answer.sentence(answer.answers(found))
    assert not re.search(r"\b(nan|inf|None)\b", said)
    for row in tables.cell_rows(found, answer.answers(found)):
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))


@QUICK
@given(measured())
def test_any_study_puts_every_cell_into_exactly_one_place(records: list[dict[str, Any]]) -> None:
    for found in answer.answers(study(records)):
        comparison = found.comparison
        placed = [*comparison.tied, *comparison.slower, *comparison.unknown, *filter(None, [comparison.best])]
        assert sorted(placed) == sorted(cell.cell_id for cell in found.cells if cell.measured)


@QUICK
@given(measured())
def test_any_cell_that_is_called_slower_has_an_interval_above_one(records: list[dict[str, Any]]) -> None:
    for found in answer.answers(study(records)):
        for cell_id in found.comparison.slower:
            low = found.comparison.ratios[cell_id].low
            assert low is not None
            assert low > 1.0


@settings(QUICK, max_examples=12)
@given(measured())
def test_any_study_draws_every_measured_run_once_in_each_figure_of_runs(records: list[dict[str, Any]]) -> None:
    found = study(records)
    runs = sum(len(cell.measured) for cell in found.cells)
    drawn = {
        figure.name: figure.runs
        for figure in page_order.figures_of(found, noise.noise_of(found.measured))
        if figure.runs
    }
    assert set(drawn.values()) <= {runs}


@pytest.mark.parametrize("order", [1, -1])
def test_a_study_does_not_depend_on_the_order_of_its_cells(order: int) -> None:
    records = ledgers.study(CELLS, blocks=3)
    by_cell = sorted(records, key=lambda record: (record["cell_id"], record["block"]))[::order]
    assert answer.sentence(answer.answers(study(by_cell))) == answer.sentence(answer.answers(study(records)))


@QUICK
@given(st.floats(1e-3, 1e6), st.floats(0, 1e6))
def test_any_number_keeps_two_digits(value: float, width: float) -> None:
    places = words.places(value, width)
    assert 0 <= places <= 4
    shown = float(f"{value:.{places}f}")
    assert shown == pytest.approx(value, rel=0.06, abs=1e-4)


@QUICK
@given(st.lists(st.floats(0.01, 1e4), min_size=3, max_size=12))
def test_any_median_lies_among_its_values_and_its_interval_is_ordered(values: list[float]) -> None:
    estimate = intervals.median_interval(values)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low <= estimate.high * (1 + 1e-9)
    assert min(values) * 0.999999 <= estimate.center <= max(values) * 1.000001
