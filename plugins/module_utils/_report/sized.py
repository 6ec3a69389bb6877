# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of autosize for programs and people: autosize.json (docs/autosize.schema.json) and its Markdown. PRIVATE, can break at any time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._common.fields import mapping, mappings
from .._common.format import listed, percent, plain
from .._study.analysis import line_search, size_plan
from .._study.analysis.decision import Searched
from .._study.analysis.line_search import Rules, Size
from .._study.analysis.size_plan import Beyond, NotTried, SizePlan, Tried
from .._study.statistics.intervals import Estimate
from .._study.statistics.law_choice import Band
from .._study.statistics.words import number, places
from . import document
from .messages.catalogue import ENGLISH

FORMAT, SCHEMA = "tfscale.study autosize", 1
KEPT = {
    size_plan.TOO_DEAR: "The best size costs more than autosize_max_cost, or may do so.",
    size_plan.NO_ROOM: "The best size does not fit now.",
    size_plan.LATE: "No size is certain to keep autosize_deadline_seconds.",
}
NOT_TRIED = {
    line_search.GAIN: "smaller sizes gain too little already",
    line_search.MAX: "a variable limits them",
    line_search.CAPACITY: "they find no room",
    line_search.FAILS: "a smaller size fails",
    line_search.UNDECIDED: "the best of the smaller sizes is not told apart from its neighbours",
    line_search.MET: "a smaller size keeps the deadline",
    size_plan.BUDGET: "the budget is spent",
    size_plan.BETWEEN: "the neighbours or a law tell enough",
    size_plan.CLOSED: "the search has ended before",
}
VERDICTS = {size_plan.WORSE: "certainly worse", size_plan.MAYBE: "undecided"}


def read(folder: Path) -> Searched | None:
    """What the plan in a study's folder says; None without one of ours, or where it names no size."""
    try:
        told = json.loads((folder / "autosize.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    plan = mapping(told)
    if plan.get("format") != FORMAT:
        return None
    cells: dict[str, list[str]] = {}
    for one in mappings(plan.get("tried")):
        cells.setdefault(str(one.get("verdict")), []).append(str(one.get("cell_id")))
    if size_plan.TAKEN not in cells:
        return None
    maybe = tuple(cells.get(size_plan.MAYBE, ()))
    return Searched(goal=str(plan.get("goal")), taken=cells[size_plan.TAKEN][0], maybe=maybe)


def document_of(
    plan: SizePlan, rules: Rules, *, study: str, ended: str, currency: str, complete: bool = True
) -> dict[str, Any]:
    """All that the plan says, as words and numbers that JSON knows."""
    taken = plan.taken
    told = {
        "format": FORMAT,
        "schema": SCHEMA,
        "study": study,
        "goal": rules.goal,
        "min_gain": rules.min_gain,
        "deadline_seconds": rules.deadline,
        "confidence": rules.confidence,
        "size": plan.size and plan.size._asdict(),
        "train_seconds": taken and _estimate(taken.seconds),
        "price": taken and _price(taken.price, currency),
        "stop": {"code": plan.why if complete else "open", "words": ended},
        "kept": plan.kept,
        "undecided": [size._asdict() for size in plan.undecided],
        "next": plan.beyond and _next(plan.beyond),
        "tried": [_tried(one, currency) for one in plan.tried],
        "not_tried": [{**vars(one), "words": NOT_TRIED[one.why]} for one in plan.not_tried],
        "sentence": sentence(plan, rules, ended=ended, currency=currency),
    }
    return {name: plain(value) for name, value in told.items()}


def _estimate(given: Estimate | None) -> dict[str, Any] | None:
    return None if given is None else {"center": given.center, "low": given.low, "high": given.high, "runs": given.n}


def _price(given: Estimate | None, currency: str) -> dict[str, Any] | None:
    told = _estimate(given)
    return told and {**told, "currency": currency}


def _next(given: Beyond) -> dict[str, Any]:
    return {
        "size": given.size._asdict(),
        "measured": given.is_measured,
        "train_seconds": document.band_of(given.seconds),
        "gain": document.band_of(given.gain),
    }


def _tried(given: Tried, currency: str) -> dict[str, Any]:
    return {
        "size": given.size._asdict(),
        "cell_id": given.cell_id,
        "label": given.label,
        "verdict": given.verdict,
        "blocks": list(given.blocks),
        "train_seconds": _estimate(given.seconds),
        "price": _price(given.price, currency),
        "reason": given.reason,
    }


def name_of(size: Size) -> str:
    """`4 workers and 1 ps`; a training without ps has none in its name."""
    nodes = f" on {size.nodes} nodes" if size.nodes > 1 else ""
    ps = f" and {size.ps} ps" if size.ps else ""
    return f"{size.workers} worker{'' if size.workers == 1 else 's'}{ps}{nodes}"


def _interval(given: Estimate | None, unit: str = "s") -> str:
    if given is None:
        return "unknown"
    if given.low is None or given.high is None:
        return f"{number(given.center)} {unit}"
    digits = places(given.center, given.high - given.low)
    low, center, high = (f"{value:,.{digits}f}" for value in (given.low, given.center, given.high))
    return f"{center} {unit} ({low}-{high})"


def _money(given: Estimate, currency: str) -> str:
    ends = "" if given.low is None else f" ({ENGLISH.money(given.low)}-{ENGLISH.money(given.high or 0.0)})"
    return f"{ENGLISH.money(given.center)} {currency}{ends}"


def _gain(given: Band) -> str:
    low, center, high = (f"{100 * one:.0f}" for one in (given.low, given.center, given.high))
    return f"{center} %" if low == high else f"{center} % ({low} to {high} %)"


def sentence(plan: SizePlan, rules: Rules, *, ended: str, currency: str) -> str:
    """The whole plan in a line for a terminal."""
    return " ".join(_sentences(plan, rules, ended, currency))


def _sentences(plan: SizePlan, rules: Rules, ended: str, currency: str) -> Iterator[str]:
    taken = plan.taken
    if taken is None:
        yield f"No size can be named: {ended}."
    else:
        price = f", {_money(taken.price, currency)}" if taken.price else ""
        yield f"Take {name_of(taken.size)}: {_interval(taken.seconds)}{price}, for the goal {rules.goal}."
        yield f"The search ended because {ended}."
    if plan.kept:
        yield KEPT[plan.kept]
    if len(plan.undecided) > 1:
        yield f"It is not decided which of {listed([name_of(size) for size in plan.undecided])} is best."
    if plan.beyond and plan.beyond.gain:
        how = "measured" if plan.beyond.is_measured else "by a law"
        gain = _gain(plan.beyond.gain)
        yield f"{name_of(plan.beyond.size)} would gain {gain} of the speed for each added worker ({how})."


def markdown(told: Mapping[str, Any], plan: SizePlan) -> str:
    """The plan as a page."""
    lines = [f"# Size of {told['study']}", "", told["sentence"], ""]
    lines += [
        f"Goal: {told['goal']}. One more worker has to gain {percent(told['min_gain'])} of the speed for the goal knee.",
        "",
    ]
    lines += ["## Sizes in the order tried", "", "| size | runs | seconds | verdict |", "|---|---:|---|---|"]
    lines += [f"| {one.label} | {len(one.blocks)} | {_interval(one.seconds)} | {_verdict(one)} |" for one in plan.tried]
    if plan.not_tried:
        lines += ["", "## Not tried", "", *_left_out(plan.not_tried)]
    # Nothing of a ledger may act on a terminal or a page.
    return "\n".join(str(plain(line)) for line in lines) + "\n"


def _verdict(given: Tried) -> str:
    return VERDICTS.get(given.verdict, given.verdict) + (f": {given.reason}" if given.reason else "")


def _left_out(given: Sequence[NotTried]) -> list[str]:
    return [
        f"- {one.axis} {one.least}{f' to {one.most}' if one.most > one.least else ''}: {NOT_TRIED[one.why]}."
        for one in given
    ]
