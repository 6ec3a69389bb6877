# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer: one sentence for every group of cells that may be compared. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._common import fields
from .._study.analysis import model
from .._study.analysis.compared import compare
from .._study.records.record import last_cause
from .._study.statistics import intervals
from .._study.statistics.comparison import Comparison
from . import suspects, text

NAMED = 3  # more cells than this in one clause are counted, not named


@dataclass(frozen=True)
class Answer:
    """`group` says which cells it holds for; empty when the study has only one group."""

    group: str
    cells: tuple[model.Cell, ...]
    sentence: str
    comparison: Comparison
    best: model.Cell | None
    smallest: model.Cell | None


def _workers(cell: model.Cell) -> str:
    return text.count(int(cell.spec.get("workers", 0)), "worker")


def _setting(cell: model.Cell, factors: Sequence[str]) -> str:
    return model.label(cell.spec, [factor for factor in factors if factor != "workers"])


class _Wording:
    """Names cells the short way: `4 workers` beside a best cell of the same kind, `ps=1 workers=4` elsewhere."""

    def __init__(self, cells: Sequence[model.Cell], best: model.Cell) -> None:
        self.cells = {cell.cell_id: cell for cell in cells}
        self.best = best
        self.factors = model.factors_of([cell.spec for cell in cells])

    def kin(self, cell_id: str) -> bool:
        return _setting(self.cells[cell_id], self.factors) == _setting(self.best, self.factors)

    def name(self, cell_id: str) -> str:
        cell = self.cells[cell_id]
        return _workers(cell) if self.kin(cell_id) else model.label(cell.spec, self.factors)

    def opening(self, estimate: intervals.Estimate) -> str:
        verb = "does" if self.best.spec.get("workers") == 1 else "do"
        time = text.with_interval(estimate, " s", "95 % CI ")
        return f"With {_setting(self.best, self.factors)}, {_workers(self.best)} {verb} it in {time}"

    def tied(self, comparison: Comparison, smallest: model.Cell) -> list[str]:
        """Cells that are as fast, then cells of which that is not certain."""
        within = f"as fast as {{}} within {text.percent(comparison.margin)}"
        undecided = [cell_id for cell_id in comparison.tied if cell_id not in comparison.same]
        clauses = [self._like(comparison.same, within, smallest)] if comparison.same else []
        return (
            [*clauses, self._like(undecided, "not significantly different from {}", smallest)] if undecided else clauses
        )

    def _like(self, cells: Sequence[str], words: str, smallest: model.Cell) -> str:
        whom = self.best.spec.get("workers") if all(map(self.kin, cells)) else "it"
        who = text.listed([self.name(cell_id) for cell_id in cells])
        verb = "are" if len(cells) > 1 or self.plural(cells[0]) else "is"
        named = who if len(cells) <= NAMED else f"{len(cells)} other cells"
        clause = f"{named} {verb} {words.format(whom)}"
        if smallest.cell_id not in cells:
            return clause
        if len(cells) == 1:
            return f"{clause} and {'take' if self.plural(cells[0]) else 'takes'} fewer replicas"
        return f"{clause}, the smallest of them is {self.name(smallest.cell_id)}"

    def plural(self, cell_id: str) -> bool:
        return self.kin(cell_id) and self.cells[cell_id].spec.get("workers") != 1

    def unknown(self, unknown: Sequence[str]) -> str:
        who = text.listed([self.name(cell_id) for cell_id in unknown])
        has = "has" if len(unknown) == 1 else "have"
        return f"{who if len(unknown) <= NAMED else f'{len(unknown)} cells'} {has} too few valid runs to tell"

    def slower(self, slower: Sequence[str], ratios: dict[str, intervals.Ratio]) -> list[str]:
        """Cells of the best one's kind first; those that are not named are summed up."""
        ordered = sorted(slower, key=lambda cell_id: not self.kin(cell_id))
        named = NAMED if len(ordered) > NAMED + 1 else NAMED + 1
        clauses = [f"{self.name(cell_id)} {self._takes(cell_id, ratios[cell_id])}" for cell_id in ordered[:named]]
        rest = [ratios[cell_id].center for cell_id in ordered[named:]]
        if rest:
            clauses.append(f"{len(rest)} more cells take {text.ends(rest)} times as long")
        return clauses

    def _takes(self, cell_id: str, ratio: intervals.Ratio) -> str:
        plural = self.plural(cell_id)
        if ratio.center >= text.MANY_TIMES:
            return f"{'take' if plural else 'takes'} {text.slower(ratio)}"
        return f"{'are' if plural else 'is'} {text.slower(ratio)}"


def replicas(cell: model.Cell) -> tuple[int, ...]:
    """How much a cell takes: nodes, then replicas."""
    counts = [fields.count(cell.spec.get(factor)) or 0 for factor in model.COUNTS]
    return counts[0], counts[1] + counts[2], counts[2]


def _clauses(cells: Sequence[model.Cell], comparison: Comparison, best: model.Cell, smallest: model.Cell) -> list[str]:
    wording = _Wording(cells, best)
    estimate = best.interval("train_seconds")
    clauses = [wording.opening(estimate)] if estimate else []
    clauses.extend(wording.tied(comparison, smallest))
    clauses.extend(wording.slower(comparison.slower, comparison.ratios))
    if comparison.unknown:
        clauses.append(wording.unknown(comparison.unknown))
    # Variants are for the gate to compare: an interval of a study that stopped as soon as it was decided says too much.
    if not comparison.ratios and "variant" not in best.spec:
        clauses.append("there is no other cell to compare with")
    return clauses


def _cannot_tell(cells: Sequence[model.Cell]) -> str:
    """The sentence for a group none of whose cells has enough runs."""
    measured = [cell for cell in cells if cell.measured]
    runs = [run for cell in cells for run in cell.runs]
    if not measured:
        which = "the only run is" if len(runs) == 1 else f"all {len(runs)} runs are"
        return f"Cannot tell: {which} void (the last: {last_cause(runs)})."
    lead = min(measured, key=lambda cell: cell.center("train_seconds") or 0.0)
    factors = model.factors_of([cell.spec for cell in cells])
    seconds = text.number(lead.center("train_seconds"))
    return (
        f"Cannot tell yet: no cell has {intervals.MINIMUM} valid runs; the lowest time so far is {seconds} s, with "
        f"{model.label(lead.spec, factors)} ({text.count(len(lead.measured), 'run')})."
    )


def _costs(cells: Sequence[model.Cell], best: model.Cell, currency: str) -> str:
    """The other half of the question, where prices are known."""
    known = [(cell.cost, replicas(cell), cell) for cell in cells if cell.cost is not None]
    if best.cost is None or not known:
        return ""
    least, _size, cheapest = min(known, key=lambda one: one[:2])
    said = f"a run there costs {text.money(best.cost)} {currency}"
    if cheapest is best:
        return f"{said}, the least of all"
    name = model.label(cheapest.spec, model.factors_of([cell.spec for cell in cells]))
    return f"{said}, and {text.money(least)} {currency} with {name}, the least of all"


def _cause(best: model.Cell) -> str:
    """Why it is not faster still, and the remedy, as a sentence of its own; empty where that is not known."""
    cause = best.cause
    words = ": ".join(filter(None, [cause.said, cause.remedy]))
    return f" {words[0].upper()}{words[1:]}." if words else ""


def _answer(group: str, cells: Sequence[model.Cell], currency: str) -> Answer:
    measured = {cell.cell_id: cell for cell in cells if cell.measured}
    comparison = compare(cells)
    if not comparison.best:
        return Answer(group, tuple(cells), _cannot_tell(cells), comparison, None, None)
    best = measured[comparison.best]
    smallest = min((best, *(measured[cell_id] for cell_id in comparison.within)), key=replicas)
    clauses = _clauses(list(measured.values()), comparison, best, smallest)
    costs = _costs(list(measured.values()), best, currency) if currency else ""
    doubts = suspects.clause(cells, comparison, _Wording(list(measured.values()), best).name)
    words = "; ".join(filter(None, [*clauses, costs, doubts]))
    return Answer(group, tuple(cells), f"{words}.{_cause(best)}", comparison, best, smallest)


def answers(study: model.Study) -> list[Answer]:
    return [_answer(group, cells, study.currency) for group, cells in study.groups()]


def sentence(found: Sequence[Answer]) -> str:
    """All answers as one line for a terminal."""
    if not found:
        return "Cannot tell: no run has been recorded."
    return " ".join(f"{answer.group}: {answer.sentence}" if answer.group else answer.sentence for answer in found)
