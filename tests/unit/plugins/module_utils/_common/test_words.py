# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What YAML reads must reach a container as YAML writes it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.words import (
    flags,
    helm_value,
    helm_word,
    word,
    words,
)


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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, []),
        ({"train_steps": 10, "learning_rate": 1e-05}, ["--train_steps=10", "--learning_rate=1e-05"]),
        ({"sync_replicas": True, "existing_servers": False}, ["--sync_replicas"]),
        ({"export_dir": "", "data_dir": None, "seed": 0}, ["--seed=0"]),
    ],
)
def test_flags_of_arguments(arguments: dict[str, Any], expected: list[str]) -> None:
    assert flags(arguments) == expected


# As sigs.k8s.io/yaml 1.6.0 reads them and Go 1.24's text/template prints them, which is what Helm 3.19 does.
@pytest.mark.parametrize(
    ("plain", "printed"),
    [
        *((one, "true") for one in ("true", "True", "TRUE", "yes", "on", "y")),
        *((one, "false") for one in ("no", "OFF", "N")),
        *((one, "") for one in ("~", "", "null", "Null")),
        *((one, one) for one in ("tRUE", "abc", "1.6.0", "0x", "0xg", "0b2", "_1", "1,000", "=", "+", "-", ".", ".e5")),
        *((one, one) for one in ("2024-01-01", "2024-1-1", "2024-01-01T10:00:00Z", "12:30:45", "190:20:30", "1e400")),
        *((one, one) for one in ("0xFFFFFFFFFFFFFFFFFF", "0.1", "0.0001", "123456.7", "999999", "100000", "-1")),
        *((one, "1") for one in ("1.0", "1", "+1", "1.", "1e0", "0_1")),
        *((one, "1000") for one in ("1_000", "1e3", "1E3", "1.e3", "1e+3")),
        *((one, "0") for one in ("0", "00", "-0")),
        ("-0.0", "-0"),
        ("012", "10"),
        ("08", "8"),
        ("0o14", "12"),
        ("0O14", "12"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("-0b11", "-3"),
        ("1__0", "10"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        (".5e1", "5"),
        ("123e-2", "1.23"),
        ("1e05", "100000"),
        ("1e-4", "0.0001"),
        ("1e-5", "1e-05"),
        ("1.5e-7", "1.5e-07"),
        ("1000000", "1e+06"),
        ("1234567", "1.234567e+06"),
        ("1234567.8", "1.2345678e+06"),
        ("20000000", "2e+07"),
        ("1e22", "1e+22"),
        ("9007199254740993", "9.007199254740992e+15"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("0.30000000000000004", "0.30000000000000004"),
    ],
)
def test_helm_word_is_what_helm_prints_of_a_word_without_quotes(plain: str, printed: str) -> None:
    assert helm_word(helm_value(plain)) == printed


@pytest.mark.parametrize(("text", "printed"), [("1.0", "1.0"), ("no", "no"), ("2024-01-01", "2024-01-01")])
def test_helm_word_of_a_text_is_that_text(text: str, printed: str) -> None:
    assert helm_word(text) == printed
