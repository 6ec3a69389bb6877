# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts as users and Kubernetes write them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common import quantity
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", 0.5),
        ("2", 2),
        (2, 2),
        (0.25, 0.25),
        ("1.5", 1.5),
        ("1e3", 1000),
        ("100n", 1e-7),
        ("2Gi", 2 * 2**30),
        ("2G", 2 * 10**9),
        ("24684084Ki", 24684084 * 1024),
        (".5", 0.5),
        ("5.", 5),
        ("+1", 1),
        ("1e-3", 0.001),
        ("1e+9", 10**9),
        ("100e-3", 0.1),
        ("1E", 10**18),
        ("1E3", 1000),
        (".5Gi", 2**29),
        (1e-05, 0.00001),
        (1e16, 10**16),
        # As the server rounds and caps.
        ("1e-99", 1e-9),
        ("1e999", 2**63 - 1),
        ("9" * 400, 2**63 - 1),
        ("1e999999999999999999", 2**63 - 1),
        ("0", 0),
    ],
)
def test_amount_of_what_kubernetes_reads(text: Any, value: float) -> None:
    assert quantity.amount(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "two",
        "-1",
        "1 Gi",
        "1gi",
        "1GiB",
        "1.2.3",
        "\u0662",
        True,
        None,
        [],
        {},
        " 1",
        "1 ",
        "1\n",
        "+",
        ".",
        "Ki",
        "1e",
        "1e+",
        "0x10",
        "1K",
        "1e3Gi",
        math.inf,
    ],
)
def test_amount_of_anything_else_is_none(text: Any) -> None:
    assert quantity.amount(text) is None


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.binary()))
def test_amount_of_anything_never_raises(text: Any) -> None:
    value = quantity.amount(text)
    assert value is None or value >= 0


# What k8s.io/apimachinery v0.36.1 makes of a text: resource.ParseQuantity, recorded once; null is an error.
PARSED = json.loads((Path(__file__).resolve().parents[4] / "fixtures/quantities.json").read_text())


def test_amount_of_every_text_is_that_of_the_server() -> None:
    assert len(PARSED) > 600
    for text, decimal in PARSED:
        value = quantity.amount(text)
        # The server reads a unit alone as 0, and quotas of it may be negative; of nothing here either makes sense.
        if (
            decimal is None
            or decimal.startswith("-")
            or not re.search("[0-9]", re.sub("[eE][+-]?[0-9]+$", "", text))
            or text[0] == "-"
        ):
            assert value is None, text
        else:
            assert value == pytest.approx(min(float(decimal), 2**63 - 1)), text


def test_cpus_are_thousandths() -> None:
    assert quantity.cpus("cluster_node_cpus", "0.3334") == 0.333


@pytest.mark.parametrize(
    ("check", "value", "sentence"),
    [
        (quantity.cpus, "all", "x is 'all': give processors such as 2, 0.5 or 500m, or 0 for no limit"),
        (quantity.cpus, "1e9", "x is '1e9': give processors such as 2, 0.5 or 500m, or 0 for no limit"),
        (quantity.memory, "1E30", "x is '1E30': give memory such as 2Gi or 512Mi, or 0 for no limit"),
        (quantity.memory, "lots", "x is 'lots': give memory such as 2Gi or 512Mi, or 0 for no limit"),
        (quantity.memory, "2048", "x is '2048': give memory such as 2Gi or 512Mi, or 0 for no limit"),
    ],
)
def test_checks_refuse_with_a_sentence(check: Any, value: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        check("x", value)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("value", "size"), [("0", 0), (0, 0), ("2Gi", 2**31), ("4000000000", 4 * 10**9)])
def test_memory_in_bytes(value: Any, size: int) -> None:
    assert quantity.memory("x", value) == size
