# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same cell has the same name everywhere."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.cell import canonical, cell_id, run_id
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.one_of(
    st.text(), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)
)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, "{}"),
        ({"workers": 2, "ps": 1}, '{"ps":1,"workers":2}'),
        ({"command": "träin"}, '{"command":"tr\\u00e4in"}'),
        ({"learning_rate": 0.001}, '{"learning_rate":0.001}'),
    ],
)
def test_canonical_is_sorted_compact_ascii(spec: dict[str, Any], text: str) -> None:
    assert canonical(spec) == text


@given(st.dictionaries(st.text(), SCALARS, max_size=6))
def test_cell_id_does_not_depend_on_the_order_of_keys(spec: dict[str, Any]) -> None:
    assert cell_id(spec) == cell_id(dict(reversed(list(spec.items()))))


def test_cell_id_is_the_beginning_of_the_digest() -> None:
    assert cell_id({"ps": 1}) == hashlib.sha256(b'{"ps":1}').hexdigest()[:12]


def test_cell_id_tells_values_apart() -> None:
    specs: list[dict[str, Any]] = [{"ps": 1}, {"ps": 2}, {"ps": "1"}, {"ps": None}, {"workers": 1}]
    assert len({cell_id(spec) for spec in specs}) == len(specs)


def test_canonical_refuses_numbers_that_json_does_not_know() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical({"learning_rate": float("nan")})


def test_run_id_is_cell_and_block() -> None:
    assert run_id("0123456789ab", 3) == "0123456789ab-3"
