# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same cell has the same name everywhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible.plugins.filter.core import to_json
from ansible_collections.tfscale.study.plugins.module_utils._study.design.cell import (
    canonical,
    cell_id,
    flat,
    label,
    nested,
    run_id,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.ledgers import SPEC

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


RESOURCES = {"requests": {"memory": "384Mi", "cpu": "100m"}, "limits": {"memory": "768Mi"}}
TEXT = '{"limits": {"memory": "768Mi"}, "requests": {"cpu": "100m", "memory": "384Mi"}}'
# What version 0.3 wrote for a cell, and the name that it gave to it.
OLD = {
    "ps": 1,
    "workers": 2,
    "ps_resources": TEXT,
    "worker_resources": TEXT,
    "learning_rate": 0.001,
    "image": "trainer:1",
}
OLD_ID = "2d85de33abde"


def test_cell_id_of_version_0_3_stays() -> None:
    new = {**OLD, "ps_resources": RESOURCES, "worker_resources": RESOURCES}
    assert (cell_id(OLD), cell_id(new)) == (OLD_ID, OLD_ID)
    assert (flat(new), nested(OLD)) == (OLD, new)


@pytest.mark.parametrize(
    "value", [RESOURCES, {}, {"b": "ä", "a": [1, 0.5, True, None]}, [{"secret": "s", "prefix": ""}]]
)
def test_flat_writes_what_the_roles_of_version_0_3_wrote(value: Any) -> None:
    assert flat({"env_from": value}) == {"env_from": to_json(value, sort_keys=True)}


@pytest.mark.parametrize("value", ['{"a":1}', '{"b": 1, "a": 2}', "{", "[1,2]", '["a"] ', "A sealed:0123", "", 3, None])
def test_nested_leaves_a_text_that_is_another_cell(value: Any) -> None:
    assert nested({"env": value}) == {"env": value}


def test_nested_reads_only_keys_that_may_be_nested() -> None:
    assert nested({"command": "[1]"}) == {"command": "[1]"}


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6))
def test_cell_id_of_any_nested_value_is_that_of_its_text(value: Any) -> None:
    written = json.dumps(value, sort_keys=True) if isinstance(value, (list, dict)) else value
    assert cell_id({"env_from": value}) == cell_id({"env_from": written})
    assert cell_id(nested({"env_from": written})) == cell_id({"env_from": written})


def test_run_id_is_cell_and_block() -> None:
    assert run_id("0123456789ab", 3) == "0123456789ab-3"


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        (("ps", "workers"), "ps=1 workers=1"),
        (("nodes",), "nodes=1"),
        ((), ""),
        (("ps", "unheard_of"), "ps=1"),
        (("framework",), "framework=tensorflow"),
    ],
)
def test_label(factors: tuple[str, ...], expected: str) -> None:
    assert label(SPEC, factors) == expected
