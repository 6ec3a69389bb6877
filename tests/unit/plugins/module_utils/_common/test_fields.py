# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value of another kind is as good as missing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common import fields


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (-3, -3.0),
        (1e100, 1e100),
        (1.1e100, None),
        (10**400, None),
        (math.inf, None),
        (-math.inf, None),
        (math.nan, None),
        (True, None),
        ("4", None),
        (None, None),
        ([4], None),
    ],
)
def test_finite(value: Any, expected: float | None) -> None:
    assert fields.finite(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (4, 4),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (-1, None),
        (True, None),
        (1.0, None),
        ("1", None),
        (None, None),
    ],
)
def test_count(value: Any, expected: int | None) -> None:
    assert fields.count(value) == expected


@pytest.mark.parametrize(("value", "expected"), [({"a": 1}, {"a": 1}), (None, {}), ([("a", 1)], {}), ("a", {})])
def test_mapping(value: Any, expected: dict[str, Any]) -> None:
    assert fields.mapping(value) == expected


@pytest.mark.parametrize(("value", "expected"), [([{"a": 1}, 3, {}], [{"a": 1}, {}]), ({"a": 1}, []), (None, [])])
def test_mappings(value: Any, expected: list[Any]) -> None:
    assert fields.mappings(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(["a", 3], ("a", "3")), (("a",), ("a",)), ("killed", ()), (None, ()), ({"a": 1}, ())]
)
def test_texts(value: Any, expected: tuple[str, ...]) -> None:
    assert fields.texts(value) == expected
