# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentence about suspect runs: their share, and whether they matter."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import answer, suspects
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import ENGLISH
from ansible_collections.tfscale.study.plugins.module_utils._report.names import Names
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.comparison import compare_with_best

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record

Times = dict[int, list[float]]


def study_of(times: Times, suspect: set[tuple[int, int]]) -> list[model.Cell]:
    """Cells by their workers with a time for each block; `suspect` has pairs of workers and block."""
    records: list[dict[str, Any]] = []
    for workers, seconds in times.items():
        for block, taken in enumerate(seconds, start=1):
            made = record(
                {**SPEC, "workers": workers}, block, seconds=taken * (1 + 0.002 * math.sin(workers + 5 * block))
            )
            if (workers, block) in suspect:
                made["verdict"] = {
                    "verdict": "suspect",
                    "reasons": ["foreign load took 40 % of the machine, more than 25 %"],
                }
            records.append(made)
    return list(model.study_of(records, "x").cells)


def clause(times: Times, suspect: set[tuple[int, int]]) -> str:
    cells = study_of(times, suspect)
    comparison = compare_with_best({cell.cell_id: cell.by_block() for cell in cells})
    return suspects.sentence(cells, comparison, Names(cells, cells[0], ENGLISH))


STEADY: Times = {1: [8.0] * 6, 2: [4.0] * 6, 4: [4.0] * 6}
# Two disturbed runs each hide that 2 workers are faster than 4.
DISTURBED: Times = {2: [4.0, 4.0, 4.0, 4.0, 8.0, 8.0], 4: [6.0] * 6}


@pytest.mark.parametrize(
    ("times", "suspect", "facts"),
    [
        (STEADY, set(), ()),
        (STEADY, {(1, 1)}, ()),
        (STEADY, {(1, 1), (2, 3)}, ("2 of 18 runs are suspect", "the answer is the same")),
        (
            STEADY,
            {(1, block) for block in range(1, 5)},
            ("4 of 18 runs are suspect", "too few others are left to compare 1 worker"),
        ),
        (STEADY, {(w, block) for w in STEADY for block in range(1, 7)}, ("All 18 runs are suspect",)),
        (
            DISTURBED,
            {(2, 5), (2, 6)},
            ("2 of 12 runs are suspect, and they matter", "4 workers would be slower"),
        ),
    ],
    ids=["none", "few", "some", "too many of a cell", "all", "they matter"],
)
def test_clause_tells_the_share_and_whether_it_matters(
    times: Times, suspect: set[tuple[int, int]], facts: tuple[str, ...]
) -> None:
    said = clause(times, suspect)
    assert bool(said) == bool(facts)
    assert [fact for fact in facts if fact not in said] == []


def test_clause_names_a_single_run_that_matters_however_small_its_share() -> None:
    times: Times = {1: [9.0] * 12, 2: [4.0] * 11 + [40.0], 4: [4.4] * 12}
    said = clause(times, {(2, 12)})
    assert "1 of 36 runs is suspect, and it matters: without it" in said


def test_without_its_fastest_cell_a_comparison_says_nothing_of_the_others() -> None:
    cells = study_of({1: [8.0] * 6, 2: [3.0] * 6, 4: [4.0] * 6}, {(2, block) for block in range(1, 7)})
    comparison = compare_with_best({cell.cell_id: cell.by_block() for cell in cells})
    found = suspects.without(cells, comparison)
    assert cells[1].cell_id == comparison.best
    assert (found.suspect, found.runs, found.changed, found.unknown) == (6, 18, {}, (comparison.best,))
    assert "too few others are left to compare" in suspects.sentence(cells, comparison, Names(cells, cells[0], ENGLISH))


def test_answer_ends_with_what_is_to_be_said_of_suspect_runs() -> None:
    records = [run for cell in study_of(DISTURBED, {(2, 5), (2, 6)}) for run in cell.runs]
    said = answer.sentence(answer.answers(model.study_of(records, "x")))
    assert "2 of 12 runs are suspect, and they matter: without them 4 workers would be slower" in said
    assert "suspect" not in answer.sentence(
        answer.answers(model.study_of([r for c in study_of(STEADY, set()) for r in c.runs], "x"))
    )


def test_fewer_runs_alone_do_not_matter() -> None:
    """Without its suspect run a slower cell is not significantly different any more, at the same distance."""
    study = model.study_of(ledgers.mnist(), "x")
    [given] = answer.answers(study)
    found = suspects.without(given.cells, given.comparison)
    assert (found.suspect, found.matters) == (1, False)
    assert "suspect" not in given.sentence
