# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records chosen by an expression: kept as they are, or one sentence."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.records.selection import selector
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import ledgers

RECORDS = ledgers.mnist()


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("", lambda _one: True),
        ("[*]", lambda _one: True),
        ("[?spec.workers > `1`]", lambda one: one["spec"]["workers"] > 1),
        ("[?spec.workers > `1` && block <= `2`]", lambda one: one["spec"]["workers"] > 1 and one["block"] <= 2),
        ("[?verdict.verdict == 'void']", lambda one: one["verdict"]["verdict"] == "void"),
        ("[?spec.none_such]", lambda _one: False),
    ],
)
def test_select_keeps_records_as_they_are(expression: str, wanted: Any) -> None:
    found = selector("report_select", expression)(iter(RECORDS))
    assert list(map(id, found)) == [id(one) for one in RECORDS if wanted(one)]


def test_select_may_order_records() -> None:
    found = selector("report_select", "reverse(sort_by(@, &block))")(RECORDS)
    assert [one["block"] for one in found] == sorted((one["block"] for one in RECORDS), reverse=True)


@pytest.mark.parametrize(
    "expression", ["[?", "spec.workers >", "[?a == ]", "no_such_function(", "'", "[?x=`1`]", "(" * 3000]
)
def test_select_that_is_no_expression_is_refused_at_once(expression: str) -> None:
    with pytest.raises(InputError, match="report_select is ") as caught:
        selector("report_select", expression)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "expression",
    [
        "[*].spec",
        "[0]",
        "length(@)",
        "[*].{run: run_id}",
        "abs(@)",
        "no_such(@)",
        "[?spec.workers > 'a']",
        "[?length(block) > `1`]",
    ],
)
def test_select_that_gives_no_records_is_refused(expression: str) -> None:
    with pytest.raises(InputError, match="report_select is ") as caught:
        selector("report_select", expression)(RECORDS)
    assert len(str(caught.value)) < 500


@given(st.text(alphabet="[]?*.@|&<>=!(){}`'\"ab1, :", max_size=12))
def test_select_takes_any_text_or_refuses_it_with_a_sentence(expression: str) -> None:
    found: list[Any] = []
    with contextlib.suppress(InputError):
        found = selector("report_select", expression)(RECORDS)
    assert {id(one) for one in found} <= set(map(id, RECORDS))
