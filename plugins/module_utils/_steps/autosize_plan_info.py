# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which size a training should get, from the ledger of a search for it. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._common.collector import resting
from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, read
from .._kubernetes.study_max_workers import StudyMaxWorkers, processors
from .._report import sized
from .._study.analysis.line_search import Size
from .._study.analysis.size_plan import Facts, plan_of
from .._study.design import inputs, planner, variables
from . import sweep_plan_info

# All that decides on the blocks of the search.
RULES = ("study", "study_dir", "spec", "search", "attempts", "seed", "by_nodes", "placement", "fits")
BUDGET = ("budget_minutes", "budget_cost", "prices", "currency", "replica_memory_bytes")
SHARED = ("ledger", "namespace", *RULES, *BUDGET)
OF_PLANS = sweep_plan_info.ARGUMENT_SPEC
AUTH = {name: option for name, option in LEDGER_ARG_SPEC.items() if name not in SHARED}
ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH,
    **{name: OF_PLANS[name] for name in SHARED},
    "search": {"type": "raw", "required": True},
    "max_cost": {"type": "raw", "default": ""},
}


def execute(
    params: Mapping[str, Any],
    context: Context,
    *,
    memory: Callable[[], int | None] = inputs.memory_available,
    cpus: Callable[[], int] = processors,
) -> dict[str, Any]:
    """Read-only; says the plan in a line."""
    given = {**{name: option.get("default") for name, option in OF_PLANS.items()}, **params}

    def max_workers(spec: Mapping[str, Any], records: Callable[[], planner.Records]) -> StudyMaxWorkers:
        return StudyMaxWorkers(given, spec, records=records, memory=memory, cpus=cpus)

    try:
        with resting():
            found = planner.searched(given, read=lambda: read(given), max_workers=max_workers)
            asked = {"autosize_max_cost": params["max_cost"], "report_prices": params["prices"]}
            limit = variables.check(asked)["autosize_max_cost"]
            # What fits now, whatever the first runs have found.
            now = StudyMaxWorkers({**given, "fits": {}}, given["spec"], records=list, memory=memory, cpus=cpus)
            return _result(found, limit, _room(given, now), context)
    except (InputError, LedgerError) as error:
        raise StepError(f"{error}.") from error


def _room(params: Mapping[str, Any], now: StudyMaxWorkers) -> Callable[[Size], int | None]:
    """A cluster that can get more nodes limits nothing."""
    can_grow = params["placement"].get("nodes_method") in ("recreate", "resize")
    return lambda size: None if can_grow else now.fitting(size.nodes, size.ps)


def _result(
    found: planner.Searched, limit: float | str, room: Callable[[Size], int | None], context: Context
) -> dict[str, Any]:
    sizing = found.sizing
    facts = Facts(
        records=found.records,
        cells={size: (cell.cell_id, cell.label) for size, cell in sizing.cells.items()},
        prices=found.prices,
        room=room,
        max_cost=None if limit == "" else float(limit),
        cut_short=bool(found.shortage),
    )
    plan = plan_of(sizing.search, facts)
    ended = found.ended or "the search goes on"
    document = sized.document_of(
        plan, sizing.rules, study=found.study, ended=ended, currency=found.currency, complete=bool(found.ended)
    )
    context.say(document["sentence"])
    return {
        "changed": False,
        "complete": bool(found.ended),
        "size": document["size"],
        "document": document,
        "markdown": sized.markdown(document, plan),
        "msg": document["sentence"],
        **found.warnings,
    }
