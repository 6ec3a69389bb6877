# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown keeps its length, and says what it leaves out."""

from __future__ import annotations

import re

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import answer, render
from ansible_collections.tfscale.study.plugins.module_utils._report.fitted import MOST, Block, fit
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import ENGLISH, Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.noise import noise_of

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, void

ROWS = tuple(f"row {number}" for number in range(100))


@pytest.mark.parametrize(("most", "left"), [(2000, 0), (500, 33), (60, 97)])
def test_fit_leaves_as_few_rows_out_as_it_must(most: int, left: int) -> None:
    text = fit([Block(head=("head",), rows=ROWS, file="cells.csv", first=frozenset({99}))], ENGLISH, most)
    kept = re.findall(r"row \d+", text)
    assert len(text) <= most
    assert len(kept) == 100 - left
    # The fastest cell stays, wherever it stands.
    assert kept[-1] == "row 99"
    assert (f"{100 - len(kept)} more rows are in cells.csv." in text) == bool(left)


def test_fit_keeps_the_heads_even_where_no_row_has_room() -> None:
    text = fit([Block(head=("the answer",)), Block(rows=ROWS, file="runs.csv")], ENGLISH, 45)
    assert text == "the answer\n\n100 more rows are in runs.csv.\n"


@pytest.mark.parametrize("code", ["en", "pl"])
def test_markdown_fits_with_the_answer_first_whatever_its_lists(code: str) -> None:
    """Many groups, many void runs and long reasons: each alone is too much."""
    specs = [{**SPEC, "cluster": f"cluster-{n:02}", "provider": "kind"} for n in range(12)]
    records = [record(spec, block, seconds=4.0) for spec in specs for block in (1, 2, 3)]
    records += [void({**SPEC, "workers": 8}, block, "no port " * 600) for block in range(1, 40)]
    say, study = Catalogue(code), model.study_of(records, "x")
    answers = tuple(answer.answers(study, say=say))
    made = render.Report(study, answers, (), noise_of(study.measured), say=say)
    assert len(render.markdown(made, 10**7)) > 40_000
    text = render.markdown(made, 8_000)
    assert 6_000 < len(text) <= 8_000
    assert text.index("cluster-00") < 300
    assert all(file in text for file in ("cells.csv.", "answer.json.", "runs.csv."))
    assert say("method_heading") in text


def test_markdown_of_a_small_study_is_whole() -> None:
    text = render.markdown(render.report_of(model.study_of(ledgers.mnist(), "x")))
    assert len(text) < MOST
    assert "cells.csv" not in text
