# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a search in words; test_autosize_plan_info.py has whole ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import sized
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import line_search, size_plan
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.line_search import Rules, Size
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.size_plan import (
    Beyond,
    NotTried,
    SizePlan,
    Tried,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.design import sizing
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.intervals import Estimate
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.law_choice import Band

SCHEMA = json.loads((Path(__file__).parents[5] / "docs/autosize.schema.json").read_text())
RULES = Rules(start=Size(1, 1, 1), most=Size(1, 1, 8))
ONE, TWO, FOUR = (Size(1, 1, workers) for workers in (1, 2, 4))


def tried(size: Size, verdict: str, seconds: float, *, price: float | None = None, reason: str = "") -> Tried:
    cost = None if price is None else Estimate(price, 0.9 * price, 1.1 * price, 5)
    return Tried(
        size=size,
        label=f"ps={size.ps} workers={size.workers}",
        cell_id=f"{size.workers:012x}",
        blocks=(1, 2, 3),
        verdict=verdict,
        seconds=Estimate(seconds, 0.9 * seconds, 1.1 * seconds, 3),
        price=cost,
        reason=reason,
    )


def plan(**given: Any) -> SizePlan:
    usual: dict[str, Any] = {
        "size": TWO,
        "why": line_search.GAIN,
        "kept": "",
        "tried": (
            tried(ONE, size_plan.WORSE, 4.0),
            tried(TWO, size_plan.TAKEN, 2.2),
            tried(FOUR, size_plan.WORSE, 2.1),
        ),
        "undecided": (),
        "beyond": Beyond(size=FOUR, is_measured=True, seconds=Band(2.1, 2.0, 2.2), gain=Band(0.02, 0.01, 0.03)),
        "not_tried": (NotTried(axis="workers", least=5, most=8, why=line_search.GAIN),),
    }
    return SizePlan(**{**usual, **given})


def told(given: SizePlan, **more: Any) -> dict[str, Any]:
    document = sized.document_of(given, RULES, study="x", ended="more workers gain too little", currency="USD", **more)
    jsonschema.validate(document, SCHEMA)
    return document


def test_sentence_says_what_to_take_why_it_stopped_and_what_the_next_size_brings() -> None:
    assert told(plan())["sentence"] == (
        "Take 2 workers and 1 ps: 2.2 s (2.0-2.4), for the goal knee. The search ended because more workers gain too little."
        " 4 workers and 1 ps would gain 2 % (1 to 3 %) of the speed for each added worker (measured)."
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"size": Size(2, 1, 2), "tried": (tried(Size(2, 1, 2), size_plan.TAKEN, 2.0),)},
            "2 workers and 1 ps on 2 nodes",
        ),
        ({"undecided": (ONE, TWO)}, "It is not decided which of 1 worker and 1 ps and 2 workers and 1 ps is best."),
        ({"kept": size_plan.TOO_DEAR}, "costs more than autosize_max_cost"),
        ({"kept": size_plan.NO_ROOM}, "does not fit now"),
        ({"kept": size_plan.LATE}, "No size is certain to keep autosize_deadline_seconds."),
        (
            {"beyond": Beyond(size=FOUR, is_measured=False, seconds=None, gain=Band(0.02, 0.02, 0.02))},
            "would gain 2 % of the speed for each added worker (by a law)",
        ),
        ({"tried": (tried(TWO, size_plan.TAKEN, 2.2, price=0.5),)}, "2.2 s (2.0-2.4), 0.50 USD (0.45-0.55)"),
        ({"size": None, "why": size_plan.FIRST_FAILS}, "No size can be named: "),
    ],
)
def test_sentence_of_each_kind_of_plan(given: dict[str, Any], words: str) -> None:
    assert words in told(plan(**given))["sentence"]


def test_plan_of_a_search_that_goes_on_says_so() -> None:
    assert told(plan(), complete=False)["stop"]["code"] == "open"


def test_markdown_lists_sizes_and_what_was_left_out() -> None:
    failed = tried(FOUR, size_plan.FAILED, 1.0, reason="worker 3 was killed")
    given = plan(tried=(tried(ONE, size_plan.MAYBE, 4.0), tried(TWO, size_plan.TAKEN, 2.2), failed))
    page = sized.markdown(told(given), given)
    assert "| ps=1 workers=1 | 3 | 4.0 s (3.6-4.4) | undecided |" in page
    assert "| failed: worker 3 was killed |" in page
    assert "- workers 5 to 8: smaller sizes gain too little already." in page
    assert page.count("\n## ") == 2


def test_nothing_of_a_ledger_acts_on_a_terminal() -> None:
    given = plan(tried=(tried(TWO, size_plan.TAKEN, 2.2, reason="\x1b[31mred"),))
    assert "\x1b" not in sized.markdown(told(given), given) + json.dumps(told(given), ensure_ascii=False)


def test_every_reason_has_words() -> None:
    """And every code of the schema is one that the code gives."""
    ends = {
        line_search.GAIN,
        line_search.MAX,
        line_search.CAPACITY,
        line_search.FAILS,
        line_search.UNDECIDED,
        line_search.MET,
    }
    assert set(sizing.WORDS) == ends | {size_plan.FIRST_FAILS}
    codes = set(SCHEMA["properties"]["stop"]["properties"]["code"]["enum"])
    assert codes == ends | {size_plan.BUDGET, size_plan.FIRST_FAILS, "open"}
    assert set(sized.KEPT) == set(SCHEMA["properties"]["kept"]["enum"]) - {""}
    left_out = set(SCHEMA["$defs"]["not_tried"]["properties"]["why"]["enum"])
    assert set(sized.NOT_TRIED) == left_out == ends | {size_plan.BUDGET, size_plan.BETWEEN, size_plan.CLOSED}
    verdicts = {size_plan.TAKEN, size_plan.WORSE, size_plan.MAYBE, size_plan.FAILED, size_plan.FEW}
    assert set(SCHEMA["$defs"]["tried"]["properties"]["verdict"]["enum"]) == verdicts


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (Size(1, 1, 1), "1 worker and 1 ps"),
        (Size(1, 2, 4), "4 workers and 2 ps"),
        (Size(1, 0, 4), "4 workers"),
        (Size(1, 0, 1), "1 worker"),
        (Size(3, 1, 4), "4 workers and 1 ps on 3 nodes"),
        (Size(2, 0, 4), "4 workers on 2 nodes"),
    ],
)
def test_name_of_a_size_is_as_people_say_it(size: Size, name: str) -> None:
    assert sized.name_of(size) == name


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (Estimate(2.2, None, None, 2), "Take 2 workers and 1 ps: 2.20 s, for the goal knee."),
        (Estimate(120.0, 110.0, 131.0, 5), "Take 2 workers and 1 ps: 120 s (110-131), for the goal knee."),
        (Estimate(0.112, 0.107, 0.114, 9), "Take 2 workers and 1 ps: 0.112 s (0.107-0.114), for the goal knee."),
        (None, "Take 2 workers and 1 ps: unknown, for the goal knee."),
    ],
)
def test_time_has_as_many_digits_as_its_interval_bears(estimate: Estimate | None, words: str) -> None:
    one = Tried(
        size=TWO,
        label="ps=1 workers=2",
        cell_id="000000000002",
        blocks=(1, 2),
        verdict=size_plan.TAKEN,
        seconds=estimate,
        price=None,
    )
    assert told(plan(tried=(one,)))["sentence"].startswith(words)


def test_one_number_that_was_not_tried_is_no_range() -> None:
    given = plan(not_tried=(NotTried(axis="ps", least=2, most=2, why=size_plan.CLOSED),))
    assert "- ps 2: the search has ended before." in sized.markdown(told(given), given)


def test_plan_without_anything_left_out_has_no_heading_for_it() -> None:
    given = plan(not_tried=(), beyond=None)
    assert "Not tried" not in sized.markdown(told(given), given)
    assert told(given)["next"] is None
