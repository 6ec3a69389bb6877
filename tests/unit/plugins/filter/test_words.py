# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as templates call it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.filter import words


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"A": True}, {"A": "true"}),
        (["--flag", False, 1], ["--flag", "false", "1"]),
        ("a line", "a line"),
        (True, "true"),
        (None, ""),
    ],
)
def test_filter_takes_a_value_or_many(given: Any, expected: Any) -> None:
    filters = words.FilterModule().filters()
    assert filters[yaml.safe_load(words.DOCUMENTATION)["name"]](given) == expected
