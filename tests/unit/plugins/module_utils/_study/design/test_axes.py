# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spaces as unions of products."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design import axes

PLAIN = {"ps": "1", "workers": [1, 2], "nodes": 1}


@pytest.mark.parametrize(
    ("value", "products"),
    [
        ([], [{"ps": [1], "workers": [1, 2], "nodes": [1]}]),
        ("", [{"ps": [1], "workers": [1, 2], "nodes": [1]}]),
        ([{"ps": [2], "workers": "1,4", "nodes": 3}], [{"ps": [2], "workers": [1, 4], "nodes": [3]}]),
        ([{"ps": 2}], [{"nodes": [1], "ps": [2], "workers": [1, 2]}]),
        (
            '[{"ps": 2}, {"workers": 8}]',
            [{"ps": [2], "workers": [1, 2], "nodes": [1]}, {"ps": [1], "workers": [8], "nodes": [1]}],
        ),
        ([{"strategies": "sync_ps"}], [{"ps": [1], "workers": [1, 2], "nodes": [1], "strategies": ["sync_ps"]}]),
    ],
)
def test_series_fills_in_the_plain_axes(value: Any, products: list[dict[str, Any]]) -> None:
    assert axes.series(value, PLAIN, lowest_ps=1) == products


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("fast", "sweep_series is 'fast': give a list such as"),
        (7, "sweep_series is 7: give a list such as"),
        ({"ps": 1}, "sweep_series is {'ps': 1}: give a list such as"),
        ([1], "sweep_series is [1]: give a list such as"),
        (
            [{"ps": 1}, {"gpus": 1}],
            "sweep_series[1] has 'gpus': give backends, strategies, nodes, ps, workers, processes_per_worker or spreads",
        ),
        ([{"workers": 0}], "sweep_series[0].workers is 0: give whole numbers from 1"),
        ([{"ps": 0}], "sweep_series[0].ps is 0: give whole numbers from 1"),
        (
            [{"strategies": "magic"}],
            "sweep_series[0].strategies is 'magic': give async_ps, sync_ps, tf2_ps or mirrored",
        ),
    ],
)
def test_series_bad_input_gets_a_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        axes.series(value, PLAIN, lowest_ps=1)
    assert str(caught.value).startswith(sentence)


def test_series_plain_axis_is_named_as_the_user_knows_it() -> None:
    with pytest.raises(InputError, match=r"^sweep_ps is -1"):
        axes.series([], {**PLAIN, "ps": -1}, lowest_ps=0)


def test_series_refuses_endless_nesting_with_a_sentence() -> None:
    with pytest.raises(InputError, match=r"^sweep_series is .*: give a list such as"):
        axes.series("[" * 100_000, {"workers": 1}, lowest_ps=1)
