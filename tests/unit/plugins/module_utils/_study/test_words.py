# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What YAML reads must reach a container as YAML writes it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._study.words import word, words


@pytest.mark.parametrize(
    ("yaml_text", "expected"),
    [
        ("true", "true"),
        ("yes", "true"),
        ("no", "false"),
        ("off", "false"),
        ("~", ""),
        ("1.5", "1.5"),
        ("12", "12"),
        ("'True'", "True"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00", "2024-01-01T10:00:00"),
        ("[a, true]", '["a", true]'),
        ("{a: null}", '{"a": null}'),
    ],
)
def test_word_is_yaml_s_not_python_s(yaml_text: str, expected: str) -> None:
    assert word(yaml.safe_load(yaml_text)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"A": True, 1: False, "B": None}, {"A": "true", "1": "false", "B": ""}), ({True: "x"}, {"true": "x"}), ({}, {})],
)
def test_words_are_of_names_and_values(given: dict[Any, Any], expected: dict[str, str]) -> None:
    assert words(given) == expected
