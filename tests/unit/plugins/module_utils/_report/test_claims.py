# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings on the thesis' claims in every form of a report."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import claims, document, render
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.claims import findings

from tests.fixtures.claimed import LAWS, study
from tests.unit.plugins.module_utils._report.test_document import SCHEMA, STUDIES

VALLEY = study(LAWS["valley at 4"], keep=lambda nodes, _ps, _workers: nodes in (2, 3))


def report(given: model.Study) -> render.Report:
    return render.report_of(given, with_claims=True)


@pytest.fixture(scope="module")
def valley() -> render.Report:
    return report(VALLEY)


def test_every_form_says_the_same_finding(valley: render.Report) -> None:
    made = valley
    given = json.loads(render.files_of(made)["answer.json"])
    (found,) = [one for one in given["claims"] if one["claim"] == "up_to_three_nodes"]
    assert (found["finding"], found["section"], found["figures"]) == ("confirmed", "6.2", ["6.1"])
    assert found["ratio"]["low"] < found["ratio"]["center"] < found["ratio"]["high"] < found["at_most"]
    cells = {cell["cell_id"]: cell["label"] for group in given["groups"] for cell in group["cells"]}
    over, under = (cells[found[side][0]] for side in ("over", "under"))
    (line,) = [one for one in claims.lines(made.findings) if found["words"] in one]
    (row,) = [one for one in claims.table(made.findings).rows if found["words"] in one]
    page, markdown = render.html_page(made, {one.name: "" for one in made.figures}), render.markdown(made)
    for words in (line, " ".join(row)):
        assert "confirmed" in words
        assert over in words
        assert under in words
        assert f"{found['ratio']['center']:.3f} ({found['ratio']['low']:.3f}-{found['ratio']['high']:.3f})" in words
    assert 'id="claims"' in page
    assert all(words in page.replace("\u00a0", " ") for words in row)
    assert found["words"] in markdown


@pytest.mark.parametrize(
    ("key", "english", "polish"),
    [
        ("beyond_three_nodes", "not measured: ", "niezmierzona: "),
        ("hyperbolic", "refuted: ", "obalona: "),
        ("node_overhead", "mean of 8 sizes", "\u015brednia 8 rozmiar\u00f3w"),
    ],
)
def test_lines_in_each_language(valley: render.Report, key: str, english: str, polish: str) -> None:
    given = valley.findings
    for language, words in (("en", english), ("pl", polish)):
        (line,) = [
            said
            for said, one in zip(claims.lines(given, Catalogue(language)), given, strict=True)
            if one.claim.key == key
        ]
        assert words in line


@pytest.mark.parametrize("name", STUDIES)
def test_claims_of_every_kind_of_study_keep_the_schema(name: str) -> None:
    made = report(model.study_of(STUDIES[name], "folder"))
    jsonschema.Draft202012Validator(SCHEMA).validate(
        json.loads(document.written(document.document_of(made.study, made.answers, made.say, made.findings)))
    )
    assert claims.table(made.findings).rows


def test_documentation_has_a_row_for_each_claim() -> None:
    page = (Path(__file__).resolve().parents[5] / "docs/thesis.md").read_text()
    for one in findings(VALLEY):
        words = Catalogue("en")(f"claim_{one.claim.key}").rstrip(".")
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {words} |")]
        place = row.split("|")[2]
        assert f"chapter {one.claim.section}" in place


def test_report_that_is_not_asked_for_claims_has_none() -> None:
    made = render.report_of(VALLEY)
    assert made.findings == ()
    assert "Claims of the thesis" not in render.markdown(made)
