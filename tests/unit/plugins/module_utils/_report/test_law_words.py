# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason for which laws do not speak, and every law, can be said; the table of laws has a row for each."""

from __future__ import annotations

import inspect
import math
import random
import re
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import answer, law_words, render
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import ENGLISH, Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import laws, model, prediction
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import law_choice, scaling_laws
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.law_choice import Band, Parameter, Reason

from tests.fixtures import ledgers

POLISH = Catalogue("pl")


def ends_of(kind: str) -> set[str]:
    return {key.removeprefix(kind) for key in ENGLISH.language.texts if key.startswith(kind)}


def test_every_reason_that_the_code_gives_has_words_and_no_other() -> None:
    codes = set()
    for module in (law_choice, laws, prediction):
        for given in re.findall(r"Reason\(([^,{\n]+)", inspect.getsource(module)):
            codes |= {getattr(module, name) for name in re.findall(r"[A-Z_]{3,}", given)}
    assert codes == ends_of("no_law_")


def test_every_law_has_a_name() -> None:
    known = {scaling_laws.AMDAHL, scaling_laws.USL, scaling_laws.PS_AWARE, scaling_laws.QUEUEING}
    assert ends_of("by_law_") - {"at_bound"} == known
    assert ends_of("law_") - {"none"} == known


@pytest.mark.parametrize(
    ("reason", "english", "polish"),
    [
        (
            Reason(law_choice.FEW_SIZES, {"sizes": [1, 2, 4], "needed": 4}),
            ["3 numbers", "1, 2 and 4", "needs 4"],
            ["3 liczby", "1, 2 i 4", "potrzebuje 4"],
        ),
        (
            Reason(law_choice.FEW_BLOCKS, {"ps": 1, "workers": 2, "blocks": 1, "needed": 3}),
            ["workers=2 has 1 valid run,"],
            ["workers=2 ma 1 ważny przebieg,"],
        ),
        (Reason(laws.NO_PROCESSORS, {"processors": 8.0}), ["processors is 8,"], ["processors to 8,"]),
        (
            Reason(laws.SATURATES, {"workers": 6, "station": "processors", "share": 0.96}),
            ["with 6 workers", "processors 96 %"],
            ["6", "procesory 96%"],
        ),
        (
            Reason(
                law_choice.MISSED,
                {
                    "law": "usl",
                    "by": 4,
                    "workers": 8,
                    "ps": 1,
                    "measured": 6.0,
                    "center": 4.04,
                    "low": 3.5,
                    "high": 4.6,
                },
            ),
            ["beyond 8 workers", "up to 4 workers and the USL", "4.04 s (3.50-4.60)", "6.00 s were measured"],
            ["powyżej 8", "do 4 workerów i prawa USL", "4,04 s (3,50\u20134,60)", "zmierzono 6,00 s"],
        ),
    ],
)
def test_refusal_names_its_values(reason: Reason, english: list[str], polish: list[str]) -> None:
    for say, named in ((ENGLISH, english), (POLISH, polish)):
        words = law_words.refusal(reason, say)
        assert [part for part in named if part not in words] == []


def report(records: list[dict[str, Any]], language: str = "en") -> render.Report:
    return render.report_of(model.study_of(records, "folder"), Catalogue(language))


def amdahl() -> list[dict[str, Any]]:
    """Laws speak for one ps, not for two."""
    draw = random.Random(1)
    return [
        ledgers.record(spec, block, seconds=(6.0 / spec["workers"] + 1.0) * math.exp(draw.gauss(0.0, 0.01)))
        for block in range(1, 6)
        for spec in ledgers.space(ps=[1], workers=[1, 2, 3, 4, 6, 8]) + ledgers.space(ps=[2], workers=[1, 2])
    ]


def test_table_has_the_laws_of_each_curve_or_the_reason_that_the_figure_gives() -> None:
    made = report(amdahl())
    table = law_words.table(made.answers)
    speaking, refused = (
        [dict(zip(table.columns, row, strict=True)) for row in table.rows if row[0] == ps] for ps in ("ps=1", "ps=2")
    )
    first, *_others = speaking
    assert first["law"] == "Amdahl"
    found = re.fullmatch(r"a = ([\d.]+) s \(([\d.]+)-([\d.]+)\); b = ([\d.]+) s \([\d.]+-[\d.]+\)", first["parameters"])
    assert found
    a, low, high, b = map(float, found.groups())
    assert low < a < high
    assert (a, b) == pytest.approx((6.0, 1.0), rel=0.05)
    assert re.fullmatch(r"-?[\d.]+", first["aicc"])
    assert re.fullmatch(r"[\d.]+ \([\d.]+-[\d.]+\)", first["knee"])
    assert first["peak"] == "none"
    assert re.match(
        r"ps=1 workers=8 by up to 6 workers: [\d.]+ s \([\d.]+-[\d.]+\), measured [\d.]+ s", first["held_out"]
    )
    assert [row["law"] for row in refused] == ["none"]
    assert "2 numbers of workers" in refused[0]["held_out"]
    (figure,) = (one for one in made.figures if one.name == "training-time-by-workers")
    assert refused[0]["held_out"] in figure.caption


def test_table_is_in_the_language_of_the_report_on_page_and_in_markdown() -> None:
    made = report(amdahl(), "pl")
    files = render.files_of(made)
    for name in ("report.html", "report.md"):
        assert "Prawa czasu uczenia" in files[name]
        assert "zmierzono tylko 2 liczby workerów (1 i 2)" in files[name]
        assert "Amdahla" in files[name]
    assert "zmierzono tylko 2 liczby workerów" in files["answer.json"].encode().decode("unicode_escape")


def test_table_is_empty_where_no_curve_has_two_sizes() -> None:
    assert law_words.table(report(ledgers.study(ledgers.space(nodes=[1, 2]))).answers).rows == ()
    assert law_words.table(answer.answers(model.study_of(ledgers.to_accuracy(), "x"))).rows == ()


@pytest.mark.parametrize(
    ("band", "words"),
    [
        (Band(36.1, 30.0, 44.0), "36 (30-44)"),
        (Band(math.inf, 12.0, math.inf), "none (12.0 or more)"),
        (Band(20.0, 8.0, math.inf), "20.0 (8.00 or more)"),
        (Band(math.inf, math.inf, math.inf), "none"),
    ],
)
def test_workers_that_there_may_be_none_of(band: Band, words: str) -> None:
    assert law_words._workers(band, ENGLISH) == words


@pytest.mark.parametrize(
    ("given", "english", "polish"),
    [
        (
            Parameter(name="k", band=Band(0.000104, 0.000084, 0.000124), unit="", at_bound=False),
            "k = 0.00010 (0.00008-0.00012)",
            "k = 0,00010 (0,00008\u20130,00012)",
        ),
        (
            Parameter(name="b", band=Band(0.0, 0.0, 0.0123), unit="seconds", at_bound=True),
            "b = 0 s (0-0.012, at its bound)",
            "b = 0 s (0\u20130,012, na granicy)",
        ),
    ],
)
def test_parameters_keep_their_small_digits(given: Parameter, english: str, polish: str) -> None:
    assert (law_words._parameter(given, ENGLISH), law_words._parameter(given, POLISH)) == (english, polish)
