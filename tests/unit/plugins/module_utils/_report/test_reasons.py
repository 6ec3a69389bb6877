# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reasons of verdicts keep their facts in another language, and what has no known form stays as it was recorded."""

from __future__ import annotations

import string

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import reasons
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import ENGLISH, Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.records import validity
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record

POLISH = Catalogue("pl")
TEXTS = {key: str(text) for key, text in ENGLISH.language.texts.items() if key.startswith(reasons.KEY)}


@pytest.mark.parametrize("key", TEXTS)
def test_a_reason_of_known_form_keeps_its_facts(key: str) -> None:
    names = [name for _before, name, _form, _conversion in string.Formatter().parse(TEXTS[key]) if name]
    facts = {name: f"worker {number}" for number, name in enumerate(names)}
    told = reasons.said(TEXTS[key].format_map(facts), POLISH)
    assert told == POLISH(key, **facts)


def test_every_reason_of_a_suspect_run_has_a_form() -> None:
    """But one, whose words depend on the log's format."""
    rows = {row.reason for row in validity.ROWS if row.verdict == validity.SUSPECT}
    sides = {reason.replace("{side}", side) for reason in rows for side in ("before", "behind")}
    unknown = sides - set(TEXTS.values())
    assert {reason for reason in unknown if not reason.startswith("the log's clock says")} == set()


@pytest.mark.parametrize(
    ("reason", "polish"),
    [
        ("CPU steal was 14.5 % of the machine, more than 10 %", "14,5% czasu procesorów (CPU steal), więcej niż 10%"),
        ("worker 2 was killed by signal 9 after step 640", "worker 2 został zabity sygnałem 9 po kroku 640"),
        ("ps 3 exited with code 1: no free port", "ps 3 zakończył się z kodem 1: no free port"),
        ("the workers' start lines lie 1.5 s apart, 20 % of the training, more than 5 %", "dzieli 1,5 s, czyli 20%"),
        ("image cannot be pulled: {share} <b>", "image cannot be pulled: {share} <b>"),
    ],
)
def test_numbers_take_the_form_of_the_language(reason: str, polish: str) -> None:
    assert polish in reasons.said(reason, POLISH)
    assert reasons.said(reason, ENGLISH) == reason


def test_a_run_says_all_its_reasons() -> None:
    both = {"verdict": "suspect", "reasons": ["the clock of worker 0 went back by 2 s", "own words"]}
    run = Record.of({"verdict": both})
    assert reasons.of_run(run, POLISH) == "zegar workera 0 cofnął się o 2 s; own words"
    assert reasons.of_run(run, ENGLISH) == "the clock of worker 0 went back by 2 s; own words"
    assert reasons.last([run], POLISH) == "zegar workera 0 cofnął się o 2 s"
    assert reasons.last([], POLISH) == "nie zapisano powodu"
