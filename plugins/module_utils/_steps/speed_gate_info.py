# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whether one version of a training is slower than another, from the records of both. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._common.format import counted, figure, percent
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, read
from .._study.analysis import gate
from .._study.design import inputs
from .._study.statistics.sequential import FIRST

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    "cells": {"type": "list", "elements": "dict", "default": []},
    # Raw, so that what a user wrote comes back in our sentence and not in Ansible's.
    "max_slowdown": {"type": "raw", "required": True},
    "blocks": {"type": "raw", "default": 20},
}


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Read-only; says its sentence, because it is what all the runs were for."""
    try:
        allowed = inputs.margin("upgrade_max_slowdown", params["max_slowdown"])
        if allowed is None:
            raise InputError("upgrade_max_slowdown is nothing: give the slowdown to allow, such as 0.05 for 5 %")
        budget = inputs.integer("upgrade_gate_blocks", params["blocks"], minimum=FIRST)
        records, warnings = read(params)
        contest = gate.Contest.of(params["cells"] or records, records)
        outcome = contest.judge(allowed, budget)
    except (InputError, LedgerError) as error:
        raise StepError(str(error)) from error
    without = contest.without
    result = {
        "changed": False,
        "verdict": outcome.verdict,
        "ratio": outcome.ratio,
        "low": outcome.low,
        "high": outcome.high,
        "blocks": outcome.blocks,
        "runs": len(contest.records),
        "wanted": outcome.verdict == gate.CANNOT_TELL and not without and contest.tried < budget,
        "msg": _sentence(outcome, allowed, without),
        **warnings,
    }
    context.say(f"Gate: {result['msg']}")
    return result


def _sentence(outcome: gate.Outcome, allowed: float, without: list[tuple[str, str]]) -> str:
    if without:
        named = ", ".join(f"no run of {name} counts (the last: {reason})" for name, reason in without)
        return f"it is undecided whether after is slower: {named}"
    if outcome.ratio is None:
        return "it is undecided whether after is slower: no block has a run of both versions that counts"
    border = f"the {percent(allowed)} that upgrade_max_slowdown allows"
    meanings = {
        gate.FASTER: "",
        gate.SAME: f": no slower than {border}",
        gate.SLOWER: f": slower than {border}",
        gate.CANNOT_TELL: f": it is undecided whether that is more than {border}",
    }
    found = _change(outcome.ratio) if round(outcome.ratio, 3) != 1.0 else "as fast as before"
    return f"after is {found} ({_interval(outcome)}){meanings[outcome.verdict]}"


def _change(ratio: float) -> str:
    return f"{_share(abs(ratio - 1.0))} {'faster' if ratio < 1.0 else 'slower'}"


def _share(share: float) -> str:
    """Tenths of a percent are enough: `15 %`, `2.3 %`, `0.4 %`."""
    return percent(round(share, 3))


def _interval(outcome: gate.Outcome) -> str:
    blocks = counted(outcome.blocks, "block")
    if outcome.low is None or outcome.high is None:
        return blocks
    if outcome.low < 1.0 < outcome.high:
        return f"95 % CI {_change(outcome.low)} to {_change(outcome.high)}, {blocks}"
    low, high = sorted(round(abs(bound - 1.0), 3) for bound in (outcome.low, outcome.high))
    return f"95 % CI {figure(100 * low)}-{figure(100 * high)} %, {blocks}"
