# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of all languages held against each other, and numbers in each language's form."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import (
    LANGUAGES,
    TOPICS,
    Catalogue,
    Language,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.design import variables
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import Estimate, Ratio

MODULE_UTILS = Path(__file__).resolve().parents[6] / "plugins" / "module_utils"
ENGLISH, POLISH = Catalogue("en"), Catalogue("pl")
OTHERS = sorted(set(LANGUAGES) - {"en"})
# Terms that both languages share, symbols and names.
ALIKE = re.compile(r"(\{\w+\}|ps|AICc|CPU|GiB|UTC|cluster|model|preset|workers|commit|git|strategy|s|n|[\W\d_])*")


def ratio(center: float, low: float | None = None, high: float | None = None) -> Ratio:
    return Ratio(center, low, high, 3, None, True)


def forms(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def places(text: Any) -> set[str]:
    found = [part for form in forms(text) for part in string.Formatter().parse(form)]
    # Nothing but a name may stand in a place: no attribute, no format, no conversion.
    assert not [part for part in found if part[1] is not None and (not part[1].isidentifier() or part[2] or part[3])]
    return {str(name) for _before, name, _format, _conversion in found if name is not None}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
def test_every_language_says_the_same(language: Language) -> None:
    english = LANGUAGES["en"].texts
    assert set(language.texts) == set(english)
    assert {key for key, text in language.texts.items() if places(text) != places(english[key])} == set()
    for key, text in language.texts.items():
        assert all(form == form.strip() != "" for form in forms(text)), key
        if not isinstance(text, str):
            assert set(language.forms) <= set(text) <= {*language.forms, "other"}, key


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_left_in_english(code: str) -> None:
    english = LANGUAGES["en"].texts
    same = {key for key, text in LANGUAGES[code].texts.items() if set(forms(text)) & set(forms(english[key]))}
    assert {key for key in same if not all(ALIKE.fullmatch(form) for form in forms(english[key]))} == set()


def test_the_variable_takes_the_languages_that_there_are() -> None:
    assert tuple(LANGUAGES) == variables.LANGUAGES


def test_no_key_is_in_two_topics() -> None:
    keys = [key for topic in TOPICS for key in topic.TEXTS["en"]]
    assert len(keys) == len(set(keys))


def keys_in_code() -> list[re.Pattern[str]]:
    """What the code asks for: every text in it, and every text with places as a pattern."""
    found = []
    for path in sorted(MODULE_UTILS.glob("_report/**/*.py")):
        if path.parent.name == "messages" and path.name != "catalogue.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(re.compile(re.escape(node.value)))
                # Of a page's template.
                found += [re.compile(re.escape(key)) for key in re.findall(r'say\("(\w+)"', node.value)]
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(one.value)) if isinstance(one, ast.Constant) else r"\w+" for one in node.values]
                # A pattern without a word of its own would match every key.
                if any(isinstance(one, ast.Constant) and len(str(one.value)) > 3 for one in node.values):
                    found.append(re.compile("".join(parts)))
    return found


def test_every_text_is_said_somewhere() -> None:
    asked = keys_in_code()
    named = {f"{kind}_" for kind in ("fact", "reason")}
    unused = [key for key in LANGUAGES["en"].texts if not any(one.fullmatch(key) for one in asked)]
    assert [key for key in unused if not key.startswith(tuple(named))] == []


@pytest.mark.parametrize(
    ("n", "form"),
    [
        (0, "many"),
        (1, "one"),
        (2, "few"),
        (5, "many"),
        (12, "many"),
        (21, "many"),
        (24, "few"),
        (112, "many"),
        (1.5, "other"),
    ],
)
def test_polish_has_the_forms_of_cldr(n: float, form: str) -> None:
    assert LANGUAGES["pl"].form(n) == form


def test_a_count_takes_its_form() -> None:
    assert [POLISH("recorded_runs", n=n) for n in (1, 3, 25)] == [
        "1 zapisany przebieg",
        "3 zapisane przebiegi",
        "25 zapisanych przebiegów",
    ]
    assert [ENGLISH("recorded_runs", n=n) for n in (1, 12_000)] == ["1 recorded run", "12,000 recorded runs"]


@pytest.mark.parametrize(
    ("value", "english", "polish"),
    [
        (1234.0, "1,234 steps/s", "1\u00a0234 kroki/s"),
        (652.3, "652 steps/s", "652 kroki/s"),
        (655.0, "655 steps/s", "655 kroków/s"),
        (112.0, "112 steps/s", "112 kroków/s"),
        (65.2, "65.2 steps/s", "65,2 kroku/s"),
        # Written with decimals a whole number is a fraction to its reader.
        (4.0, "4.00 steps/s", "4,00 kroku/s"),
    ],
)
def test_a_speed_takes_the_form_of_the_number_that_is_written(value: float, english: str, polish: str) -> None:
    assert (ENGLISH.speed(value), POLISH.speed(value)) == (english, polish)
    told = [say.interval(Estimate(value, None, None, 2), "tip_speed", cell="x", runs=2) for say in (ENGLISH, POLISH)]
    assert (english in told[0], polish in told[1]) == (True, True)


@pytest.mark.parametrize(
    ("given", "polish"),
    [
        (ratio(2.34, 2.11, 2.58), "2,3 raza (2,1\u20132,6)"),
        (ratio(12.2, 4.0, 31.0), "12 razy (4\u201331)"),
        (ratio(123.0), "123 razy"),
    ],
)
def test_so_many_times_takes_the_form_of_the_number_that_is_written(given: Ratio, polish: str) -> None:
    assert POLISH.against(given) == polish


def test_data_is_never_a_text_with_places() -> None:
    assert ENGLISH("title", study="{n} {0} {study.__class__} %s") == "Study {n} {0} {study.__class__} %s"


@pytest.mark.parametrize(
    ("items", "english", "polish"),
    [([], "", ""), (["a"], "a", "a"), (["a", "b"], "a and b", "a i b"), (["a", "b", "c"], "a, b and c", "a, b i c")],
)
def test_listed(items: list[str], english: str, polish: str) -> None:
    assert (ENGLISH.listed(items), POLISH.listed(items)) == (english, polish)


@pytest.mark.parametrize(
    ("estimate", "english", "polish"),
    [
        (None, "-", "-"),
        (Estimate(4.04, 3.81, 4.29, 3), "4.0 (3.8-4.3)", "4,0 (3,8\u20134,3)"),
        (Estimate(4.04, 3.98, 4.06, 3), "4.04 (3.98-4.06)", "4,04 (3,98\u20134,06)"),
        (Estimate(123.0, 80.0, 190.0, 3), "123 (80-190)", "123 (80\u2013190)"),
        (Estimate(4.04, None, None, 2), "4.04", "4,04"),
        (Estimate(12345.6, None, None, 2), "12,346", "12\u00a0346"),
        (Estimate(4.0, 4.0, 4.0, 3), "4.00 (4.00-4.00)", "4,00 (4,00\u20134,00)"),
    ],
)
def test_interval(estimate: Estimate | None, english: str, polish: str) -> None:
    assert ENGLISH.interval(estimate) == english
    assert POLISH.interval(estimate) == polish


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ratio(1.31, 1.24, 1.39), "+31 % (+24 to +39)"),
        (ratio(1.05, 0.998, 1.10), "+5.0 % (-0.2 to +10.0)"),
        (ratio(0.97, 0.90, 1.05), "-3 % (-10 to +5)"),
        (ratio(1.001, 0.999, 1.004), "+0.1 % (-0.1 to +0.4)"),
        (ratio(1.31), "+31 %"),
        (ratio(0.999), "0 %"),
        (ratio(2.34, 2.11, 2.58), "2.3 times (2.1-2.6)"),
        (ratio(2.34), "2.34 times"),
    ],
)
def test_against(given: Ratio, expected: str) -> None:
    assert ENGLISH.against(given) == expected


@pytest.mark.parametrize(
    ("said", "english", "polish"),
    [
        (lambda say: say.percent(0.314), "31 %", "31%"),
        (lambda say: say.percent(None), "-", "-"),
        (lambda say: say.percents(0.754, 0.912), "75-91 %", "75\u201391%"),
        (lambda say: say.price(0.0123, "USD"), "0.012 USD", "0,012 USD"),
        (lambda say: say.price(1234.5, "PLN"), "1,234.50 PLN", "1\u00a0234,50 PLN"),
        (lambda say: say.moment(1_790_000_000), "2026-09-21 14:13 UTC", "21.09.2026, 14:13 UTC"),
        (lambda say: say.against(ratio(1.05, 0.998, 1.10)), "+5.0 % (-0.2 to +10.0)", "+5,0% (od -0,2 do +10,0)"),
        (lambda say: say.named("fact", "batch_size"), "batch size", "rozmiar paczki danych"),
        (lambda say: say.named("fact", "my_factor"), "my factor", "my factor"),
    ],
)
def test_numbers_have_the_form_of_the_language(said: Any, english: str, polish: str) -> None:
    assert (said(ENGLISH), said(POLISH)) == (english, polish)
