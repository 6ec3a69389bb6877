# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a text of YAML means, and what stays a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.yaml_text import documents, structure
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[{ps: [2], workers: [1, 2, 4]}]", [{"ps": [2], "workers": [1, 2, 4]}]),
        ('{"a": 1}', {"a": 1}),
        ("a: 1\nb: [x]", {"a": 1, "b": ["x"]}),
        ("[]", []),
        # The words of an inventory: YAML 1.1.
        ("[on, no, 1e3, 1:30, 010, ~]", [True, False, "1e3", 90, 8, None]),
    ],
)
def test_structure_of_a_text(text: str, value: Any) -> None:
    assert structure(text) == value


@pytest.mark.parametrize(
    "value",
    ["", "1,2,4", "3", "two", "[1", "a: b: c", "&a [*a]", "!!python/object/apply:os.getpid []", "[" * 5000, "\0", "[2024-99-99]",
     None, 3, True, [1], {"a": 1}],
)  # fmt: skip
def test_structure_leaves_everything_else_as_it_was(value: Any) -> None:
    assert structure(value) is value


@given(st.text())
def test_structure_never_raises(text: str) -> None:
    assert isinstance(structure(text), (str, list, dict))


# YAML's keys have up to 1,024 characters, and JSON writes one as up to 12; no name in Kubernetes has more than 317.
@given(st.dictionaries(st.text(max_size=80), st.text() | st.integers() | st.booleans(), min_size=1))
def test_documents_are_those_that_json_wrote(value: dict[str, Any]) -> None:
    assert documents(f"{json.dumps(value)}\n---\n{json.dumps(value)}\n") == [value, value]
