# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of the API reads selectors as the server does, else a test of what is spared tells nothing."""

from __future__ import annotations

import pytest

from tests.fixtures.objects import _is_selected

ONE = {"metadata": {"name": "x", "labels": {"a": "1", "tfscale.study/run": "r-1", "empty": ""}}}


@pytest.mark.parametrize(
    ("selector", "is_selected"),
    [
        ("", True),
        ("a", True),
        ("b", False),
        ("!a", False),
        ("!b", True),
        ("a=1", True),
        ("a==1", True),
        ("a=2", False),
        ("a==2", False),
        ("b=1", False),
        ("a!=1", False),
        ("a!=2", True),
        ("b!=1", True),
        ("empty=", True),
        ("empty", True),
        ("!empty", False),
        ("empty!=", False),
        ("a in (1,2)", True),
        ("a in (2, 3)", False),
        ("b in (1)", False),
        ("a notin (1, 2)", False),
        ("a notin (2)", True),
        ("b notin (1)", True),
        ("a=1,!b", True),
        ("a=1, !tfscale.study/run", False),
        ("a in (1,2),tfscale.study/run=r-1,!b", True),
        ("tfscale.study/run=r-1,a notin (1,2)", False),
    ],
)
def test_is_selected_as_the_server_reads_it(selector: str, is_selected: bool) -> None:
    assert _is_selected(ONE, selector) is is_selected


@pytest.mark.parametrize("metadata", [{"name": "x"}, {"name": "x", "labels": None}])
def test_is_selected_without_labels(metadata: dict[str, object]) -> None:
    assert _is_selected({"metadata": metadata}, "!a,a!=1,a notin (1)")
    assert not _is_selected({"metadata": metadata}, "a")


@pytest.mark.parametrize("selector", ["a in", "a=1 b=2", "!!a", "a in (1", "=1", "a<1"])
def test_is_selected_refuses_what_the_server_refuses(selector: str) -> None:
    with pytest.raises(ValueError, match="unable to parse requirement"):
        _is_selected(ONE, selector)
