# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer for programs: answer.json, whose schema is docs/answer.schema.json. PRIVATE, can break at any time.

It follows from the ledger, the prices, the selection and the plan of a search alone: the same give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from .._common.format import plain
from .._study.analysis import causes, decision, model
from .._study.analysis.claims import Finding
from .._study.analysis.compared import margin_of
from .._study.analysis.decision import Goal
from .._study.analysis.frame import origins_of
from .._study.analysis.laws import Curve
from .._study.design import blocks, forecast
from .._study.records.validity import SUSPECT, VALID, VOID
from .._study.statistics import intervals
from .._study.statistics.law_choice import MIN_GAIN, Band, Law, Reason
from . import cause_words, claims, law_words, reasons, tables
from .answer import Answer, sentence
from .messages.catalogue import ENGLISH, Catalogue

FORMAT, SCHEMA = "tfscale.study answer", 1
DIGITS = 6
VERDICTS = (VALID, SUSPECT, VOID)
# Verdicts of a cell.
FASTEST, AS_FAST, TIED, SLOWER = "fastest", "as fast", "not significantly different", "slower"
UNDECIDED, UNMEASURED = "undecided", "unmeasured"


def document_of(
    study: model.Study, answers: Iterable[Answer], say: Catalogue = ENGLISH, findings: Iterable[Finding] = ()
) -> dict[str, Any]:
    """Everything that the report says, as words and numbers that JSON knows."""
    found = list(answers)
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        "study": study.name,
        "language": say.code,
        "answer": sentence(found, say),
        "groups": [_group(study, one, say) for one in found],
        "claims": [_finding(one) for one in claims.document(findings, say)],
        "forecast": _forecast(study),
        "design": _design(study),
        "runs": {"recorded": len(study.runs), **{one: len(study.verdicts(one)) for one in VERDICTS}},
        "provenance": _provenance(study),
    }
    # Nothing of a ledger may act on a terminal or a page.
    return {name: plain(value) for name, value in document.items()}


def written(document: Mapping[str, Any]) -> str:
    """One text for one document, in ASCII."""
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _group(study: model.Study, given: Answer, say: Catalogue) -> dict[str, Any]:
    return {
        "group": given.group,
        "answer": given.sentence,
        "goal": _goal(given.decision.goal),
        "recommended": _recommended(given),
        "reasons": [_reason(one) for one in given.decision.reasons],
        "cells": [_cell(study, cell, given, say) for cell in given.cells],
        "laws": [_curve(one, say) for one in given.curves],
    }


def _finding(given: Mapping[str, Any]) -> dict[str, Any]:
    return {**given, "ratio": _estimate(given["ratio"]), "at_most": _number(given["at_most"])}


def _goal(goal: Goal) -> dict[str, Any]:
    return {"kind": goal.kind, "max_seconds": _number(goal.max_seconds), "max_cost": _number(goal.max_cost)}


def _recommended(given: Answer) -> dict[str, str] | None:
    """The cell to take; None where the runs cannot tell."""
    cell = given.taken
    if cell is None:
        return None
    return {"cell_id": cell.cell_id, "label": cell.label, "why": given.why}


def _reason(given: decision.Reason) -> dict[str, Any]:
    return {
        "code": given.code,
        "cells": list(given.cells),
        "ratio": _estimate(given.ratio),
        "values": _plain(given.values),
    }


def _cell(study: model.Study, cell: model.Cell, given: Answer, say: Catalogue) -> dict[str, Any]:
    count = {one: sum(run.verdict == one for run in cell.runs) for one in VERDICTS}
    ratio, verdict = given.comparison.ratios.get(cell.cell_id), _verdict(cell, given)
    return {
        "cell_id": cell.cell_id,
        "label": cell.label,
        "spec": _plain(cell.runs[0].spec),
        "runs": count,
        "verdict": verdict,
        "words": tables.against(cell, given, say) if cell.measured else reasons.last(cell.runs, say),
        "train_seconds": _estimate(cell.interval("train_seconds")),
        "ratio_to_fastest": _estimate(ratio),
        "steps_per_second": _number(cell.center("steps_per_second")),
        "accuracy": _number(cell.center("accuracy")),
        "to_accuracy": _to_accuracy(cell, given),
        "price": _price(study, cell.cost),
        "cause": _cause(cell.cause, say),
    }


def _to_accuracy(cell: model.Cell, given: Answer) -> dict[str, Any] | None:
    """The time to the target accuracy is steps times seconds per step; None without a target."""
    if cell.target is None:
        return None
    censored = len(cell.censored)
    return {
        "target": _number(cell.target),
        "reached": len(cell.measured) - censored,
        "censored": censored,
        "seconds": _estimate(cell.interval("seconds_to_accuracy")),
        "steps": _estimate(cell.interval("steps_to_accuracy")),
        "seconds_per_step": _estimate(cell.estimate(cell.seconds_per_step)),
        "ratio_at_least": _number(given.comparison.censored.get(cell.cell_id)),
    }


def _cause(given: causes.Cause, say: Catalogue) -> dict[str, Any] | None:
    if given.kind == causes.UNKNOWN and not given.stations:
        return None
    return {
        "kind": given.kind,
        "words": cause_words.said(given, say),
        "remedy": cause_words.remedy(given, say),
        "ceiling_steps_per_second": _number(given.ceiling),
        "straggler": given.straggler and {"worker": given.straggler.index, "times": _number(given.straggler.times)},
        "stations": [
            {
                "kind": one.kind,
                "name": one.name,
                "utilisation": _number(one.utilisation),
                "ceiling_steps_per_second": _number(one.ceiling),
                "capacity": _number(one.capacity),
                "held_share": _number(one.held),
                "foreign_share": _number(one.foreign),
            }
            for one in given.stations
        ],
    }


def _curve(given: Curve, say: Catalogue) -> dict[str, Any]:
    return {
        "curve": given.fixed,
        "ps": given.ps,
        "workers": list(given.sizes),
        "cells": [cell.cell_id for cell in given.cells],
        "laws": [_law(one) for one in given.laws],
        "refusal": refusal_of(given.refusal, say),
        "most_workers": given.reach if given.laws else None,
        "knee_workers": band_of(given.knee),
        "peak_workers": band_of(given.peak),
        "enough_workers": {"gain": MIN_GAIN, "workers": given.enough()},
    }


def _law(given: Law) -> dict[str, Any]:
    return {
        "law": given.name,
        "aicc": _number(given.aicc),
        "misfit": _number(given.misfit),
        "parameters": [
            {"name": one.name, "unit": one.unit, "at_bound": one.at_bound, **(band_of(one.band) or {})}
            for one in given.parameters()
        ],
        "held_out": [
            {
                "by_workers": one.by_workers,
                "workers": one.workers,
                "ps": one.ps,
                "measured": _number(one.measured),
                **(band_of(one.predicted) or {}),
            }
            for one in given.held_out
        ],
    }


def refusal_of(given: Reason | None, say: Catalogue = ENGLISH) -> dict[str, Any] | None:
    if given is None:
        return None
    return {"code": given.code, "words": law_words.refusal(given, say), "values": _plain(given.values)}


def band_of(given: Band | None) -> dict[str, float | None] | None:
    """Infinite ends are null."""
    return (
        None
        if given is None
        else {"center": _number(given.center), "low": _number(given.low), "high": _number(given.high)}
    )


def _verdict(cell: model.Cell, given: Answer) -> str:
    comparison = given.comparison
    if not cell.measured:
        return UNMEASURED
    if cell.cell_id == comparison.best:
        return FASTEST
    if cell.cell_id in comparison.censored:
        return tables.NOT_REACHED
    if cell.cell_id in comparison.slower:
        return SLOWER
    if cell.cell_id not in comparison.tied:
        return UNDECIDED
    return AS_FAST if cell.cell_id in comparison.same else TIED


def _estimate(given: intervals.Estimate | intervals.Ratio | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {"center": _number(given.center), "low": _number(given.low), "high": _number(given.high), "blocks": given.n}


def _price(study: model.Study, amount: float | None) -> dict[str, Any] | None:
    return None if amount is None else {"amount": _number(amount), "currency": study.currency}


def _forecast(study: model.Study) -> dict[str, Any] | None:
    """One more block of all measured cells."""
    cells = [blocks.Cell(cell.runs[0].spec, cell.label, cell.cell_id) for cell in study.measured]
    if not cells:
        return None
    experience = forecast.Experience(study.runs, study.cells[0].prices)
    runs = [(cell, 0) for cell in cells]
    time = experience.total(runs)
    price = experience.price(runs, time)
    return {
        "runs": len(runs),
        "seconds": _range(time),
        "price": None if price is None else {**_range(price), "currency": study.currency},
    }


def _range(given: forecast.Forecast) -> dict[str, Any]:
    return {"likely": _number(given.seconds), "low": _number(given.low), "high": _number(given.high)}


def _design(study: model.Study) -> dict[str, Any]:
    seeds = {int(seed) - run.block for run in study.runs if isinstance(seed := run.provenance.get("seed"), int)}
    return {
        "seed": seeds.pop() if len(seeds) == 1 else None,
        "blocks": len({run.block for run in study.runs}),
        "varied": list(study.factors),
        "selected": study.selected or None,
        "rules": _plain(next((run.design for run in reversed(study.runs) if run.design), None)),
        "margin": margin_of(study.runs),
        "confidence": intervals.CONFIDENCE,
        "forecast_confidence": forecast.COVERAGE,
    }


def _provenance(study: model.Study) -> dict[str, list[Any]]:
    """Each fact with all its values, in the order in which they came."""
    facts = {
        key: [known for value in values if (known := _plain(value)) is not None]
        for key, values in origins_of(study.runs).items()
    }
    walls = [run.recorded for run in study.runs if run.recorded is not None]
    first_last = [min(walls), max(walls)] if walls else []
    return {key: facts[key] for key in sorted(facts) if facts[key] and key != "seed"} | {"recorded_wall": first_last}


def _number(value: float | None) -> float | None:
    """Six significant digits; JSON knows no infinity."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)
