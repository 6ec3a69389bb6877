# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer: for every group of cells that may be compared the cell to take, and why. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from .._common import fields
from .._study.analysis import decision, model
from .._study.analysis.decision import FASTEST_GOAL, Decision, Goal, Reason, Searched
from .._study.analysis.laws import Curve, curves_of, resamples_of
from .._study.statistics import intervals, words
from .._study.statistics.bootstrap import RESAMPLES
from .._study.statistics.comparison import Comparison
from .._study.statistics.intervals import Ratio
from . import cause_words, reasons, suspects
from .messages.catalogue import ENGLISH, Catalogue
from .names import NAMED, Names

# Reasons about each cell of its own.
EACH = (decision.SLOWER, decision.DEARER)


@dataclass(frozen=True)
class Answer:
    """`group` says which cells it holds for; empty when the study has only one group. The first of `sentences` is the decision."""

    group: str
    cells: tuple[model.Cell, ...]
    sentences: tuple[str, ...]
    # The reason for the cell that is taken, or that none is.
    why: str
    decision: Decision
    # Of each curve's laws.
    resamples: int = RESAMPLES

    @property
    def sentence(self) -> str:
        return " ".join(self.sentences)

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """How the time of these cells depends on workers and ps, by laws."""
        return curves_of(self.cells, resamples=self.resamples)

    @property
    def comparison(self) -> Comparison:
        return self.decision.comparison

    @property
    def best(self) -> model.Cell | None:
        """The fastest cell."""
        return next((cell for cell in self.cells if cell.cell_id == self.comparison.best), None)

    @property
    def taken(self) -> model.Cell | None:
        """The recommended cell."""
        return self.decision.cell


class _Wording:
    """Puts the reasons of one decision into sentences."""

    def __init__(self, cells: Sequence[model.Cell], given: Decision, currency: str, say: Catalogue) -> None:
        self.all = cells
        self.cells = {cell.cell_id: cell for cell in cells if cell.measured}
        self.given, self.currency, self.say = given, currency, say
        self.names = Names(list(self.cells.values()), given.cell, say)

    def sentences(self) -> list[str]:
        told = [self._take(self.given.cell), self._factors()] if self.given.cell else []
        for code, alike in groupby(self.given.reasons, key=lambda reason: reason.code):
            reasons = list(alike)
            if code in EACH:
                told += self._each(code, reasons)
            elif code == decision.UNREACHED:
                told += self._unreached(reasons)
            # The fastest cell needs no reason beside its time.
            elif code != decision.FASTEST:
                told += map(self.because, reasons)
        doubts = suspects.sentence(self.all, self.given.comparison, self.names)
        why = cause_words.sentences(self.given.cell.cause, self.say) if self.given.cell else []
        return [one for one in (*told, self._cheapest(), *why, doubts) if one]

    def _take(self, cell: model.Cell) -> str:
        told = {"cell": self.names.whole(cell), "time": self._time(cell)}
        if cell.cost is None or not self.currency:
            return self.say("take", **told)
        return self.say("take_priced", price=self._price(cell), **told)

    def _time(self, cell: model.Cell) -> str:
        if cell.target is None:
            return self.say.interval(cell.interval("train_seconds"), "interval_seconds")
        target = self.say.count(cell.target)
        return self.say.interval(cell.interval(cell.response), "interval_to_accuracy", target=target)

    def _factors(self) -> str:
        """The time to an accuracy is steps times seconds per step."""
        taken = self.given.cell
        steps = taken.center("steps_to_accuracy") if taken and taken.target is not None else None
        if taken is None or steps is None:
            return ""
        each = self.say.number(1000 * (model.middle(taken.seconds_per_step) or 0.0))
        return self.say("because_factors", n=words.number(steps), milliseconds=each)

    def _unreached(self, reasons: Sequence[Reason]) -> list[str]:
        """Cells with a censored run; those that are not named are summed up."""
        named = NAMED if len(reasons) > NAMED + 1 else NAMED + 1
        told = [self.because(reason) for reason in reasons[:named]]
        rest = len(reasons) - named
        return [*told, self.say("because_unreached_rest", n=rest)] if rest > 0 else told

    def _missed(self, reason: Reason) -> str:
        say, cell, bound = self.say, self.cells[reason.cells[0]], reason.values["at_least"]
        steps = fields.count(cell.spec.get("train_steps")) or 0
        values = {
            "missed": say.count(len(cell.censored)),
            "target": say.count(cell.target or 0.0),
            "steps": say.count(steps),
        }
        told = {"cell": self.names.name(cell.cell_id), "n": len(cell.measured), **values}
        if bound is None or bound <= 1.0:
            return say("because_unreached", **told)
        return say("because_unreached_slower", bound=say.fixed(bound, 2), **told)

    def _cheapest(self) -> str:
        """The other half of the question, where prices are known."""
        taken = self.given.cell
        if not self.currency or taken is None or taken.cost is None or self.given.goal != FASTEST_GOAL:
            return ""
        least = self._least()
        if least is taken:
            return self.say("because_cheapest")
        return self.say("cheapest_is", cell=self.names.name(least.cell_id), price=self._price(least))

    def _least(self) -> model.Cell:
        """The cheapest cell, of equals the smallest."""
        known = [cell for cell in self.cells.values() if cell.cost is not None]
        return min(known, key=lambda cell: (cell.cost, decision.replicas(cell)))

    def _price(self, cell: model.Cell) -> str:
        return self.say.price(cell.cost or 0.0, self.currency)

    def _each(self, code: str, reasons: Sequence[Reason]) -> list[str]:
        """Cells of the recommended one's kind first; those that are not named are summed up."""
        ordered = sorted(reasons, key=lambda reason: not self.names.is_kin(self.cells[reason.cells[0]]))
        named = NAMED if len(ordered) > NAMED + 1 else NAMED + 1
        told = []
        for reason in ordered[:named]:
            [cell_id], ratio = reason.cells, reason.ratio
            if ratio is not None:
                name, number = self.names.name(cell_id), self.names.number(cell_id)
                told.append(self.say.slower(f"because_{code}", ratio, n=number, cell=name))
        rest = [reason.ratio.center for reason in ordered[named:] if reason.ratio]
        return [*told, self.say(f"because_{code}_rest", n=len(rest), range=self._range(rest, 1))] if rest else told

    def _range(self, values: Iterable[float], digits: int) -> str:
        low, *_middle, high = [self.say.fixed(value, digits) for value in (min(values), max(values))]
        return low if low == high else self.say("range", low=low, high=high)

    def because(self, reason: Reason) -> str:
        say, goal, code = self.say, self.given.goal, reason.code
        if code == decision.UNREACHED:
            return self._missed(reason)
        if code in (decision.ALL_VOID, decision.TOO_FEW_RUNS):
            return self._cannot_tell(code)
        if code in (decision.MEETS, decision.NONE_MEETS):
            return self._limits(f"because_{code}_{goal.limit}", reason)
        if code == decision.MORE_BLOCKS:
            variable = "sweep_max_repeats" if reason.values["adaptive"] else "sweep_repeats"
            variable = "autosize_max_repeats" if reason.values.get("searched") else variable
            return say("because_more_blocks", variable=variable)
        if code in (decision.GAIN_BEYOND, decision.MAYBE_GAIN):
            return self._gain(code, reason)
        margin = say.percent((self.given.costs or self.given.comparison).margin)
        told = {"margin": margin, "gain": say.percent(decision.GAIN), "least": intervals.MINIMUM}
        told |= {"goal": reason.values["goal"]} if code == decision.SEARCHED else {}
        if code in (decision.SMALLEST, decision.COST_OF_FASTEST):
            cell = self.cells[reason.cells[0]]
            told |= {"time": self._time(cell), "price": self._price(cell), "range": self._between(reason.ratio)}
            return say(f"because_{code}", cell=self.names.name(cell.cell_id), **told)
        if not reason.cells:
            return say(f"because_{code}", **told)
        return self.names.about(f"because_{code}", reason.cells, range=self._between(reason.ratio), **told)

    def _between(self, ratio: Ratio | None) -> str:
        if ratio is None or ratio.low is None or ratio.high is None:
            return ""
        return self._range((ratio.low, ratio.high), 2)

    def _gain(self, code: str, reason: Reason) -> str:
        gain, [cell_id] = reason.ratio or Ratio(0.0, None, None, 0, None, True), reason.cells
        low, high = (None if end is None else 1.0 + end for end in (gain.low, gain.high))
        change = self.say.against(Ratio(1.0 + gain.center, low, high, gain.n, None, gain.paired))
        return self.say(f"because_{code}", cell=self.names.name(cell_id), change=change)

    def _limits(self, key: str, reason: Reason) -> str:
        goal, say = self.given.goal, self.say
        seconds = say("seconds", value=say.count(goal.max_seconds or 0.0))
        told = {"seconds": seconds, "cost": say.price(goal.max_cost or 0.0, self.currency)}
        if reason.code == decision.MEETS:
            return say(f"{key}_{reason.values['by']}", **told)
        best = self._least() if goal.limit == "cost" else self.cells[self.given.comparison.best]
        return say(key, cell=self.names.whole(best), time=self._time(best), price=self._price(best), **told)

    def _cannot_tell(self, code: str) -> str:
        """Of a group none of whose cells has enough runs."""
        if code == decision.ALL_VOID:
            runs = [run for cell in self.all for run in cell.runs]
            return self.say("because_all_void", n=len(runs), reason=reasons.last(runs, self.say))
        known = [cell for cell in self.cells.values() if not cell.censored]
        lead = min(known, key=lambda cell: cell.center(cell.response) or 0.0)
        seconds, runs_of_it = self.say.seconds(lead.center(lead.response)), len(lead.measured)
        name = self.names.whole(lead)
        return self.say("because_too_few_runs", n=runs_of_it, least=intervals.MINIMUM, time=seconds, cell=name)


def _answer(
    group: str,
    cells: Sequence[model.Cell],
    goal: Goal,
    found: Searched | None,
    currency: str,
    resamples: int,
    say: Catalogue,
) -> Answer:
    given, say = decision.decide(cells, goal, found), say.of(cell.spec for cell in cells)
    wording = _Wording(cells, given, currency, say)
    return Answer(group, tuple(cells), tuple(wording.sentences()), wording.because(given.reasons[0]), given, resamples)


def answers(
    study: model.Study, goal: Goal = FASTEST_GOAL, say: Catalogue = ENGLISH, found: Searched | None = None
) -> list[Answer]:
    resamples = resamples_of(len(study.measured))
    return [_answer(group, cells, goal, found, study.currency, resamples, say) for group, cells in study.groups()]


def sentence(found: Sequence[Answer], say: Catalogue = ENGLISH) -> str:
    """All answers as one line for a terminal."""
    if not found:
        return say("nothing_recorded")
    return " ".join(
        say("group_answer", group=one.group, answer=one.sentence) if one.group else one.sentence for one in found
    )
