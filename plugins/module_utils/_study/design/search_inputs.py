# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search for a size may be asked for. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..._common.errors import InputError
from ..._common.format import shown
from ..analysis.line_search import COST, DEADLINE, GOALS
from ..statistics.sequential import FIRST
from . import inputs
from .inputs import A_YEAR, MOST
from .kinds import Check, choice, either, flag, mapping, whole, word

MOST_BLOCKS, MOST_NODES = 1000, 5000
# Roles that measure cells.
SWEEP, SEARCH = "sweep", "autosize"


def role_of(params: Mapping[str, Any]) -> str:
    """Whose variables the parameters of sweep_plan_info are: a sentence names those that the user has set."""
    return SWEEP if params.get("search", "") in ({}, "") else SEARCH


def number_or(word: str, least: int) -> Check:
    """A whole number, or the word in its place."""

    def check(name: str, value: Any) -> int | str:
        if value == word:
            return word
        try:
            return inputs.integer(name, value, minimum=least, maximum=1000)
        except InputError:
            raise inputs.wrong(name, value, f"a whole number from {least} to 1000, or {word}") from None

    return check


AUTOSIZE: dict[str, Check] = {
    "autosize_study": lambda name, value: inputs.study_name(value, name),
    "autosize_goal": choice(*GOALS),
    "autosize_min_gain": partial(inputs.part, example="0.1 for 10 %"),
    "autosize_steps": inputs.CHECKS["train_steps"],
    "autosize_workers": whole(1, 1000),
    "autosize_ps": number_or(inputs.AUTO_PS, 0),
    "autosize_nodes": whole(1, MOST_NODES),
    "autosize_max_workers": number_or(inputs.FIT, 1),
    "autosize_max_ps": either(whole(0, 1000)),
    "autosize_max_nodes": either(whole(1, MOST_NODES)),
    "autosize_deadline_seconds": either(partial(inputs.positive, maximum=A_YEAR)),
    "autosize_max_cost": either(partial(inputs.positive, maximum=MOST)),
    "autosize_margin": inputs.part,
    "autosize_max_repeats": whole(FIRST, MOST_BLOCKS),
    "autosize_budget_minutes": either(partial(inputs.positive, maximum=A_YEAR // 60)),
    "autosize_budget_cost": either(partial(inputs.positive, maximum=MOST)),
    "autosize_apply": flag,
    "autosize_write": word(allowed="a path", empty=True),
}


def searched(name: str, value: Any) -> dict[str, Any]:
    """Variables of role autosize, without that word."""
    given: dict[str, Any] = mapping("{goal: knee}")(name, value)
    for key in given:
        if f"autosize_{key}" not in AUTOSIZE:
            raise InputError(f"a key of {name} is {shown(key)}: give variables of role autosize without that word")
    found = {f"autosize_{key}": AUTOSIZE[f"autosize_{key}"](f"autosize_{key}", one) for key, one in given.items()}
    check_sizes(found)
    return found


def check_sizes(given: Mapping[str, Any]) -> None:
    for axis in ("workers", "ps", "nodes"):
        first, most = given.get(f"autosize_{axis}"), given.get(f"autosize_max_{axis}", "")
        if isinstance(most, int) and isinstance(first, int) and most < first:
            raise InputError(
                f"autosize_max_{axis} is {most}, but the search starts from autosize_{axis} {first}: give at least {first}"
            )
    if given.get("autosize_ps") == 0 and isinstance(most := given.get("autosize_max_ps"), int) and most > 0:
        raise InputError(f"autosize_max_ps is {most}, but autosize_ps is 0: give a start from 1, or no autosize_max_ps")
    goal, deadline = given.get("autosize_goal"), given.get("autosize_deadline_seconds", "")
    if goal == DEADLINE and deadline == "":
        raise InputError(
            "autosize_deadline_seconds is '', but autosize_goal is 'deadline': give the seconds of training"
        )
    if goal not in (None, DEADLINE) and deadline != "":
        raise InputError(
            f"autosize_deadline_seconds is {deadline:g}, but autosize_goal is {goal!r}: give deadline, or no seconds"
        )


def check_autosize(given: Mapping[str, Any]) -> None:
    check_sizes(given)
    for name in ("autosize_goal", "autosize_max_cost", "autosize_budget_cost"):
        value = given.get(name, "")
        if value != "" and (name != "autosize_goal" or value == COST) and not given.get("report_prices"):
            raise InputError(
                f"{name} is {shown(value)}, but report_prices is empty: give the price of a node's hour by machine type, such as"
                ' {e2-standard-4: 0.15, "*": 0.2}'
            )
    if given.get("training_backend") == "processes":
        if given.get("autosize_apply"):
            raise InputError(
                "autosize_apply is true, but training_backend is 'processes': give false, because only a training of pods is long-running"
            )
        if given.get("autosize_max_cost", "") != "" or given.get("autosize_budget_cost", "") != "":
            raise InputError(
                "autosize_max_cost and autosize_budget_cost need pods, but training_backend is 'processes', and processes have no price:"
                " give autosize_budget_minutes"
            )
