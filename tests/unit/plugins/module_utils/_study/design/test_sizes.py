# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes to predict, as a user gives them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design.sizes import Size, sizes_of


def test_sizes_of_lists_and_text() -> None:
    meant = [Size(workers=16, ps=2), Size(workers=4, nodes=2, processors=1.5)]
    assert sizes_of("predict", [{"workers": 16, "ps": "2"}, {"workers": 4, "nodes": 2, "processors": 1.5}]) == meant
    assert sizes_of("predict", "[{workers: 16, ps: 2}, {workers: 4, nodes: 2, processors: 1.5}]") == meant


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], ["predict is []", "[{workers: 16, ps: 2}]"]),
        (None, ["predict is null"]),
        ("sixteen", ["predict is 'sixteen'"]),
        ({"workers": 16}, ["predict is {'workers': 16}"]),
        ([16], ["predict[0] is 16", "{workers: 16, ps: 2}"]),
        ([{}], ["predict[0] is {}", "workers"]),
        ([{"ps": 2}], ["predict[0] is {'ps': 2}", "workers"]),
        ([{"workers": 16}, {"workers": 0}], ["predict[1].workers is 0", "whole number from 1"]),
        ([{"workers": -4}], ["predict[0].workers is -4"]),
        ([{"workers": 1.5}], ["predict[0].workers is 1.5"]),
        ([{"workers": "many"}], ["predict[0].workers is 'many'"]),
        ([{"workers": True}], ["predict[0].workers is true"]),
        ([{"workers": 4, "ps": -1}], ["predict[0].ps is -1", "whole number from 0"]),
        ([{"workers": 4, "nodes": 0}], ["predict[0].nodes is 0"]),
        ([{"workers": 4, "processors": 0}], ["predict[0].processors is 0", "greater than 0"]),
        ([{"workers": 4, "processors": "NaN"}], ["predict[0].processors is 'NaN'"]),
        ([{"workers": 4, "gpus": 1}], ["predict[0] has the key 'gpus'", "workers", "ps, nodes and processors"]),
    ],
)
def test_sizes_of_bad_input(given: Any, told: list[str]) -> None:
    with pytest.raises(InputError) as error:
        sizes_of("predict", given)
    assert [part for part in told if part not in str(error.value)] == []
    assert "\n" not in str(error.value)
