# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of role autosize, alone and together; test_variables.py has every slip in each of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design import search_inputs, variables

PRICES = {"e2-standard-4": 0.15}


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("autosize_goal", "knee", "knee"),
        ("autosize_goal", "deadline", "deadline"),
        # As a survey or the command line may give it.
        ("autosize_min_gain", "0.1", 0.1),
        ("autosize_max_workers", "8", 8),
        ("autosize_max_workers", "fit", "fit"),
        ("autosize_max_ps", "", ""),
        ("autosize_max_ps", "2", 2),
        ("autosize_deadline_seconds", "2.5", 2.5),
        ("autosize_apply", "yes", True),
        ("autosize_write", "", ""),
    ],
)
def test_value_is_what_is_meant(name: str, value: Any, meant: Any) -> None:
    assert search_inputs.AUTOSIZE[name](name, value) == meant


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"autosize_min_gain": 0}, ["autosize_min_gain is 0", "above 0 and below 1", "0.1 for 10 %"]),
        ({"autosize_min_gain": -0.1}, ["autosize_min_gain is -0.1", "above 0 and below 1"]),
        ({"autosize_min_gain": 1}, ["autosize_min_gain is 1", "above 0 and below 1"]),
        ({"autosize_min_gain": "ten"}, ["autosize_min_gain is 'ten'", "above 0 and below 1"]),
        ({"autosize_min_gain": "10 %"}, ["autosize_min_gain is '10 %'", "above 0 and below 1"]),
        ({"autosize_max_workers": "all"}, ["autosize_max_workers is 'all'", "from 1 to 1000, or fit"]),
        ({"autosize_max_workers": 0}, ["autosize_max_workers is 0", "from 1 to 1000, or fit"]),
        ({"autosize_ps": "many"}, ["autosize_ps is 'many'", "from 0 to 1000, or auto"]),
        ({"autosize_max_repeats": 3}, ["autosize_max_repeats is 3", "from 4"]),
        ({"autosize_goal": "speed"}, ["autosize_goal is 'speed'", "knee, time, cost or deadline"]),
        ({"autosize_budget_minutes": 0}, ["autosize_budget_minutes is 0", "greater than 0"]),
        ({"autosize_workers": 4, "autosize_max_workers": 2}, ["autosize_max_workers is 2", "autosize_workers 4"]),
        ({"autosize_ps": 3, "autosize_max_ps": 2}, ["autosize_max_ps is 2", "autosize_ps 3", "at least 3"]),
        ({"autosize_nodes": 2, "autosize_max_nodes": 1}, ["autosize_max_nodes is 1", "autosize_nodes 2"]),
        ({"autosize_ps": 0, "autosize_max_ps": 2}, ["autosize_max_ps is 2", "autosize_ps is 0"]),
        ({"autosize_goal": "deadline"}, ["autosize_deadline_seconds is ''", "autosize_goal is 'deadline'"]),
        (
            {"autosize_goal": "knee", "autosize_deadline_seconds": 5},
            ["autosize_deadline_seconds is 5", "autosize_goal is 'knee'", "give deadline"],
        ),
        ({"autosize_goal": "cost"}, ["autosize_goal is 'cost'", "report_prices is empty"]),
        ({"autosize_max_cost": 2}, ["autosize_max_cost is 2", "report_prices is empty"]),
        ({"autosize_budget_cost": 2}, ["autosize_budget_cost is 2", "report_prices is empty"]),
        (
            {"autosize_apply": True, "training_backend": "processes"},
            ["autosize_apply is true", "training_backend is 'processes'"],
        ),
        (
            {"autosize_max_cost": 2, "report_prices": PRICES, "training_backend": "processes"},
            ["autosize_max_cost", "training_backend is 'processes'", "autosize_budget_minutes"],
        ),
        ({"sweep_search": {"speed": 1}}, ["sweep_search", "'speed'", "variables of role autosize"]),
        ({"sweep_search": {"min_gain": "ten"}}, ["autosize_min_gain is 'ten'"]),
        ({"sweep_search": "knee"}, ["sweep_search is 'knee'", "{goal: knee}"]),
    ],
)
def test_bad_input_gets_a_sentence_with_variable_value_and_what_is_allowed(
    given: dict[str, Any], named: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        variables.check(given)
    assert [word for word in named if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "given",
    [
        {"autosize_workers": 2, "autosize_max_workers": 2},
        {"autosize_workers": 4, "autosize_max_workers": "fit"},
        {"autosize_goal": "cost", "report_prices": PRICES},
        {"autosize_goal": "deadline", "autosize_deadline_seconds": 5},
        {"autosize_ps": 0, "autosize_max_ps": ""},
        {"autosize_apply": True, "training_backend": "statefulset"},
        {"sweep_search": {}},
        {"sweep_search": "{goal: time, max_workers: '8'}"},
    ],
)
def test_what_fits_together_is_taken(given: dict[str, Any]) -> None:
    assert set(variables.check(given)) == set(given)


def test_searched_reads_values_as_a_survey_gives_them() -> None:
    found = search_inputs.searched("sweep_search", {"goal": "time", "max_workers": "8", "max_ps": ""})
    assert found == {"autosize_goal": "time", "autosize_max_workers": 8, "autosize_max_ps": ""}
