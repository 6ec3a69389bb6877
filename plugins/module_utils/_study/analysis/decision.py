# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cell to take, and why, as codes with values (docs/report.md). PRIVATE, can break at any time.

A cell is recommended only where the runs support it at the stated error: in place of the fastest only a cell that is certain to be
as fast within the margin, and under a limit only a cell whose interval lies below the limit. Otherwise a reason says what is undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from ..._common import fields
from ..design.variables import COST, KNEE, TIME
from ..statistics import intervals
from ..statistics.comparison import Comparison, compare_with_best
from ..statistics.intervals import Ratio
from ..statistics.sequential import FIRST
from . import model
from .compared import compare, is_search, plots_of, rules_of

GAIN = 0.10  # of the speed, by each added worker: from here on a larger size is worth its workers

# Reasons for the cell that is taken.
FASTEST, SMALLEST, CHEAPEST = "fastest", "smallest_as_fast", "cheapest"
KNEE_LAST, KNEE_FIRST, KNEE_LARGEST = "knee_last", "knee_first", "knee_largest"
MEETS = "meets"
SEARCHED = "searched"
# Reasons that no cell is taken.
ALL_VOID, NONE_REACHED, TOO_FEW_RUNS = "all_void", "none_reached", "too_few_runs"
NO_PRICE, NONE_MEETS = "no_price", "none_meets"
# The other cells.
ALONE, AS_FAST, NOT_FASTER, MAYBE_AS_FAST, SLOWER, UNKNOWN = (
    "alone",
    "as_fast",
    "not_faster",
    "maybe_as_fast",
    "slower",
    "unknown",
)
AS_CHEAP, NOT_CHEAPER, DEARER, COST_OF_FASTEST = "as_cheap", "not_cheaper", "dearer", "cost_of_fastest"
GAIN_BEYOND, MAYBE_GAIN, MAYBE_MEETS, MORE_BLOCKS = "gain_beyond", "maybe_gain", "maybe_meets", "more_blocks"
MAYBE_BETTER = "maybe_better"
# A cell of which some run did not reach the target accuracy.
UNREACHED = "unreached"


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a cell is to be good for; limits are seconds of training and the cost of a run."""

    kind: str = TIME
    max_seconds: float | None = None
    max_cost: float | None = None

    @property
    def limit(self) -> str:
        """Which limits there are: "", "seconds", "cost" or "both"."""
        return {(False, False): "", (True, False): "seconds", (False, True): "cost", (True, True): "both"}[
            self.max_seconds is not None, self.max_cost is not None
        ]


FASTEST_GOAL = Goal()


@dataclass(frozen=True, kw_only=True)
class Searched:
    """What a search for a size has found (cell_id): the size to take, and those that may be better."""

    goal: str
    taken: str
    maybe: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reason:
    """`ratio` is that of the cells' times to the fastest one's, of their costs to the cheapest one's, or the share of speed that
    each added worker gains; of several cells it spans all their intervals."""

    code: str
    cells: tuple[str, ...] = ()
    ratio: Ratio | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`cell` is None where the runs do not tell. `comparison` is that of times, `costs` that of costs, where the goal asks for it."""

    goal: Goal
    cell: model.Cell | None
    reasons: tuple[Reason, ...]
    comparison: Comparison
    costs: Comparison | None = None


def replicas(cell: model.Cell) -> tuple[int, ...]:
    """How much a cell takes: nodes, then replicas."""
    counts = [fields.count(cell.spec.get(factor)) or 0 for factor in model.COUNTS]
    return counts[0], counts[1] + counts[2], counts[2]


def decide(cells: Sequence[model.Cell], goal: Goal = FASTEST_GOAL, found: Searched | None = None) -> Decision:
    """The decision for one group of cells. Of a search it is the search's own, `found`, whose claims pay for all of its looks."""
    group = _Group(cells, goal)
    comparison = group.comparison
    if not any(cell.measured for cell in cells):
        return group.told(None, Reason(code=ALL_VOID))
    if not group.cells:
        return group.told(None, Reason(code=NONE_REACHED))
    if found and group.searched and found.taken in group.cells:
        return _as_searched(group, found)
    if not comparison.best:
        return group.told(None, Reason(code=TOO_FEW_RUNS))
    if not group.costs and (goal.kind == COST or goal.max_cost is not None):
        return group.told(None, Reason(code=NO_PRICE))
    if goal.limit:
        return _within_limits(group)
    return {TIME: _in_time, COST: _in_cost, KNEE: _at_knee}[goal.kind](group)


class _Group:
    """The cells of a decision, and what is known of them."""

    def __init__(self, cells: Sequence[model.Cell], goal: Goal) -> None:
        self.goal = goal
        # Of a censored cell only a lower bound is known: it is never taken.
        self.cells = {cell.cell_id: cell for cell in cells if cell.measured and not cell.censored}
        self.comparison = compare(cells)
        runs = [run for cell in cells for run in cell.runs]
        rules, self.searched = rules_of(runs), is_search(runs)
        # Each look at an adaptive study has its share of the error: what is not part of its design pays for all of them.
        self.looks = 1 if rules is None else rules.last - FIRST + 1
        self.costs = {
            cell_id: costs for cell_id, cell in self.cells.items() if len(costs := _costs(cell)) >= intervals.MINIMUM
        }

    def told(self, cell: model.Cell | None, *reasons: Reason, costs: Comparison | None = None) -> Decision:
        """Undecided reasons are followed by what would decide them."""
        open_ones = (MAYBE_AS_FAST, MAYBE_BETTER, MAYBE_GAIN, MAYBE_MEETS)
        undecided = any(one.code in open_ones or one.values.get("undecided") for one in reasons)
        bounds = self.comparison.censored
        missed = [Reason(code=UNREACHED, cells=(one,), values={"at_least": bound}) for one, bound in bounds.items()]
        more = (
            [Reason(code=MORE_BLOCKS, values={"adaptive": self.looks > 1, "searched": self.searched})]
            if undecided
            else []
        )
        return Decision(
            goal=self.goal, cell=cell, reasons=(*reasons, *more, *missed), comparison=self.comparison, costs=costs
        )

    def error(self, statements: int) -> float:
        """Of one of some statements that share the stated error, at one of all looks."""
        return (1.0 - intervals.CONFIDENCE) / max(1, statements) / self.looks

    @property
    def alone(self) -> list[Reason]:
        # Variants are for the gate to compare: an interval of a study that stopped when it was told says too much.
        is_variant = any("variant" in cell.spec for cell in self.cells.values())
        others = len(self.cells) > 1 or self.comparison.censored
        return [] if others or is_variant else [Reason(code=ALONE)]


def _costs(cell: model.Cell) -> dict[int, float]:
    return {run.block: cost for run, cost in cell.costs if cost > 0}


def _hull(ratios: Iterable[Ratio]) -> Ratio | None:
    """One that spans the intervals of all."""
    known = [one for one in ratios if one.low is not None and one.high is not None]
    if not known:
        return None
    center = max(one.center for one in known)
    return Ratio(
        center, min(one.low or 0.0 for one in known), max(one.high or 0.0 for one in known), known[0].n, None, True
    )


def _about(code: str, cells: Sequence[str], comparison: Comparison, **values: Any) -> list[Reason]:
    if not cells:
        return []
    return [Reason(code=code, cells=tuple(cells), ratio=_hull(comparison.ratios[one] for one in cells), values=values)]


def _each(code: str, cells: Iterable[str], comparison: Comparison) -> list[Reason]:
    return [Reason(code=code, cells=(one,), ratio=comparison.ratios[one]) for one in cells]


def _as_searched(group: _Group, found: Searched) -> Decision:
    maybe = tuple(one for one in found.maybe if one in group.cells and one != found.taken)
    open_ones = [Reason(code=MAYBE_BETTER, cells=maybe)] if maybe else []
    return group.told(group.cells[found.taken], Reason(code=SEARCHED, values={"goal": found.goal}), *open_ones)


# --- as fast as possible ----------------------------------------------------------------------------------------------


def _in_time(group: _Group) -> Decision:
    comparison = group.comparison
    best = group.cells[comparison.best]
    # The margin is what the study takes for equal: also a cell that is certainly slower may be within it.
    take = min((best, *(group.cells[one] for one in comparison.within)), key=replicas)
    ratio = comparison.ratios.get(take.cell_id)
    mine = Reason(code=FASTEST) if take is best else Reason(code=SMALLEST, cells=(best.cell_id,), ratio=ratio)
    same = [one for one in comparison.same if one != take.cell_id]
    tied = [one for one in comparison.tied if one not in comparison.same]
    smaller = [one for one in tied if replicas(group.cells[one]) < replicas(take)]
    larger = [one for one in tied if one not in smaller]
    gains = any((comparison.ratios[one].low or 0.0) < 1.0 / (1.0 + comparison.margin) for one in larger)
    return group.told(
        take,
        mine,
        *_about(AS_FAST, same, comparison),
        *_about(NOT_FASTER, larger, comparison, undecided=gains),
        *_about(MAYBE_AS_FAST, smaller, comparison),
        *_each(SLOWER, [one for one in comparison.slower if one != take.cell_id], comparison),
        *([Reason(code=UNKNOWN, cells=comparison.unknown)] if comparison.unknown else []),
        *group.alone,
    )


# --- as cheap as possible ---------------------------------------------------------------------------------------------


def _in_cost(group: _Group) -> Decision:
    """Costs are no part of an adaptive design: their comparison has the error of one look of all."""
    told = compare_with_best(group.costs, confidence=1.0 - group.error(1), plots=plots_of(group.cells))
    costs = replace(told, margin=group.comparison.margin)
    take, fastest = group.cells[costs.best], group.cells[group.comparison.best]
    unknown = tuple(one for one in group.cells if one not in group.costs or one in costs.unknown)
    tied = [one for one in costs.tied if one not in costs.same]
    less = any((costs.ratios[one].low or 0.0) < 1.0 / (1.0 + costs.margin) for one in tied)
    return group.told(
        take,
        Reason(code=CHEAPEST),
        *_about(AS_CHEAP, costs.same, costs),
        *_about(NOT_CHEAPER, tied, costs, undecided=less),
        *_each(DEARER, costs.slower, costs),
        *([Reason(code=COST_OF_FASTEST, cells=(fastest.cell_id,))] if fastest is not take else []),
        *([Reason(code=UNKNOWN, cells=unknown)] if unknown else []),
        *group.alone,
        costs=costs,
    )


# --- the knee ---------------------------------------------------------------------------------------------------------


def _at_knee(group: _Group) -> Decision:
    """The last size whose added workers are certain to have gained GAIN each, among the cells of the fastest one's kind."""
    best = group.cells[group.comparison.best]
    kin = [cell for cell in group.cells.values() if model.but(cell.spec, "workers") == model.but(best.spec, "workers")]
    sizes = sorted((cell for cell in kin if len(cell.by_block()) >= intervals.MINIMUM), key=replicas)
    steps = list(pairwise(sizes))
    if not steps:
        return group.told(best, Reason(code=ALONE))
    take, confidence = sizes[0], 1.0 - group.error(len(steps))
    for smaller, larger in steps:
        gain = _gain(smaller, larger, confidence)
        if gain.low is None or gain.low < GAIN:
            mine = Reason(code=KNEE_FIRST if take is sizes[0] else KNEE_LAST)
            maybe = gain.high is None or gain.high >= GAIN
            beyond = Reason(code=MAYBE_GAIN if maybe else GAIN_BEYOND, cells=(larger.cell_id,), ratio=gain)
            return group.told(take, mine, beyond)
        take = larger
    return group.told(take, Reason(code=KNEE_LARGEST))


def _gain(smaller: model.Cell, larger: model.Cell, confidence: float) -> Ratio:
    """The share of the speed that each added worker gains, with its interval."""
    ratio = intervals.ratio_interval(smaller.by_block(), larger.by_block(), confidence)
    workers = [fields.count(cell.spec.get("workers")) or 0 for cell in (smaller, larger)]
    added = max(1, workers[1] - workers[0])
    center, low, high = (
        None if one is None else one ** (1.0 / added) - 1.0 for one in (ratio.center, ratio.low, ratio.high)
    )
    return Ratio(center or 0.0, low, high, ratio.n, None, ratio.paired)


# --- limits -----------------------------------------------------------------------------------------------------------


def _within_limits(group: _Group) -> Decision:
    """The smallest, cheapest or fastest of the cells that are certain to keep the limits."""
    goal = group.goal
    limits = [one for one in (goal.max_seconds, goal.max_cost) if one is not None]
    # One-sided: both ends of an interval share its error.
    confidence = 1.0 - 2.0 * group.error(len(group.cells) * len(limits))
    kept = {
        cell_id: _keeps(cell, group.costs.get(cell_id, {}), goal, confidence) for cell_id, cell in group.cells.items()
    }
    certain = [group.cells[one] for one, keeps in kept.items() if keeps is True]
    maybe = [one for one, keeps in kept.items() if keeps is None]
    if not certain:
        return group.told(None, Reason(code=NONE_MEETS), *_open(maybe))
    order, by = _order(group)
    take = min(certain, key=order)
    better = [one for one in maybe if order(group.cells[one]) < order(take)]
    return group.told(take, Reason(code=MEETS, values={"by": by}), *_open(better))


def _open(cells: Sequence[str]) -> list[Reason]:
    return [Reason(code=MAYBE_MEETS, cells=tuple(cells))] if cells else []


def _order(group: _Group) -> tuple[Callable[[model.Cell], Any], str]:
    """By what the cells that keep the limits are told apart."""
    if group.goal.kind == COST:
        return lambda cell: (cell.cost if cell.cost is not None else float("inf"), replicas(cell)), "cheapest"
    if group.goal.max_seconds is not None:
        return replicas, "smallest"
    return lambda cell: (cell.center(cell.response) or 0.0, replicas(cell)), "fastest"


def _keeps(cell: model.Cell, costs: Mapping[int, float], goal: Goal, confidence: float) -> bool | None:
    """Whether a cell keeps all limits with this confidence; None where that is not decided."""
    told = [
        _below(values, limit, confidence)
        for values, limit in ((cell.values(cell.response), goal.max_seconds), (list(costs.values()), goal.max_cost))
        if limit is not None
    ]
    return False if False in told else None if None in told else True


def _below(values: Sequence[float], limit: float, confidence: float) -> bool | None:
    positive = [value for value in values if value > 0]
    if not positive:
        return None
    found = intervals.median_interval(positive, confidence)
    if found.low is None or found.high is None:
        return None
    return True if found.high <= limit else False if found.low > limit else None
