# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cells of a study need another block: a decision after every block, from the fourth on. PRIVATE, can break at any time.

A cell is closed as slower as soon as that is certain. The others go on until all of them are certain to be as fast as the
fastest within the margin. All looks together err no more often than one comparison does. docs/statistics.md explains the
method and has the simulated error rates and savings.

Sources:
  Error spent by looks: sequential.py. Several comparisons in group-sequential tests, stepping down: Ye, Li, Liu and Yao,
    Statistics in Medicine 32 (2013) 1112-1124.
  Elimination of cells: Paulson, Annals of Mathematical Statistics 35 (1964) 174-180.
  As fast within a margin, two one-sided tests: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from .comparison import MARGIN, ONE_PLOT, Comparison, Limits, Terms, complete_table, plots_of, ratios_of, step_down
from .intervals import CONFIDENCE, Ratio, median_interval
from .scientific import numpy
from .sequential import FIRST, levels

OPEN, SLOWER, SAME = "open", "slower", "same"
AUTO = "auto"  # in place of a number of blocks
AUTOSIZE = "autosize"  # the same, of a search for a size (analysis/autosize.py)
NEVER: Mapping[str, frozenset[int]] = MappingProxyType({})

Times = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How certain a study has to be. `margin` is a share of the fastest cell's time, `last` the number of blocks at most.

    `target_ci` is the half width wanted of each cell's own interval, as a share of its time; None does not ask for any.
    """

    margin: float = MARGIN
    target_ci: float | None = None
    last: int = 20
    confidence: float = CONFIDENCE


@dataclass(frozen=True)
class State:
    """Of one cell. `block` is the look that closed it, 0 while it is open; `ratio` is that to the fastest cell then.

    `same` is as fast as the fastest within the margin. The fastest itself has no ratio.
    """

    state: str = OPEN
    block: int = 0
    ratio: Ratio | None = None


@dataclass(frozen=True)
class Decision:
    """After `looks` blocks. `leader` is the fastest cell so far, empty before the first look."""

    leader: str = ""
    looks: int = 0
    states: Mapping[str, State] = field(default_factory=dict)
    # Cells that need another block.
    open: tuple[str, ...] = ()


def look(logs: Any, active: Any, rules: Rules, beside: int = 0, plots: Any = None) -> tuple[Any, Limits, Any]:
    """One look at many studies: the cells not yet slower, the limits, and which cells are as fast as the fastest.

    `logs` has the shape (studies, blocks, cells), `active` (studies, cells): the cells that were not slower before. `beside`
    further cells are open, but have gaps. `plots` are as in comparison.Terms.
    """
    np, place = numpy(), min(logs.shape[1], rules.last) - FIRST

    def level(error: float) -> float:
        return float(levels(rules.last, error)[place])

    terms = Terms(error=1.0 - rules.confidence, level=level, beside=beside, plots=plots)
    left, told = step_down(logs, active, terms)
    within = left & (told.high < math.log1p(rules.margin))
    within[np.arange(len(told.leader)), told.leader] = True
    return left, told, within


def decide(
    cells: Times,
    rules: Rules,
    failed: Mapping[str, frozenset[int]] = NEVER,
    plots: Mapping[str, Hashable] = ONE_PLOT,
) -> Decision:
    """Replay the looks of a study from its records: the same records give the same decisions, whoever asks.

    `cells` are seconds by block. `failed` are the blocks in which a cell has used up its attempts. A block can be looked at
    when every open cell has a time in it or has failed in it. `plots` are as in compare_with_best.
    """
    decision = Decision(states=dict.fromkeys(cells, State()), open=tuple(cells))
    blocks = range(1, rules.last + 1)
    table = _Table.of(cells, blocks)
    for block in blocks:
        over = (block in cells[name] or block in failed.get(name, ()) for name in decision.open)
        if not decision.open or not all(over):
            break
        decision = _after(decision, table, rules, block, plots)
    return decision


@dataclass(frozen=True)
class _Table:
    """The times of all cells, and their logarithms with the shape (cells, blocks), nan where there is no time."""

    cells: Times
    places: Mapping[str, int]
    logs: Any

    @classmethod
    def of(cls, cells: Times, blocks: Sequence[int]) -> _Table:
        nan = math.nan
        rows = [[times.get(block, nan) for block in blocks] for times in cells.values()]
        places = {name: place for place, name in enumerate(cells)}
        return cls(cells, places, numpy().log(numpy().array(rows, dtype=float).reshape(len(rows), len(blocks))))

    def until(self, name: str, block: int) -> dict[int, float]:
        return {at: of for at, of in self.cells[name].items() if at <= block}

    def complete(self, names: Sequence[str], block: int) -> tuple[list[str], Any]:
        """The cells and the logarithms of the largest table without a gap up to this block; shape (1, blocks, cells)."""
        np = numpy()
        places = [self.places[name] for name in names]
        logs = self.logs[places, :block]
        if len(names) == 1:
            return list(names), logs[:, ~np.isnan(logs[0])].T[None]
        if not np.isnan(logs).any():
            return list(names), logs.T[None]
        kept, blocks = complete_table({name: self.until(name, block) for name in names})
        places = [self.places[name] for name in kept]
        return kept, self.logs[np.ix_(places, [at - 1 for at in blocks])].T[None]


def _after(decision: Decision, table: _Table, rules: Rules, block: int, plots: Mapping[str, Hashable]) -> Decision:
    """The decision after this block."""
    active = [name for name in table.cells if decision.states[name].state != SLOWER]
    if block < FIRST:
        return replace(decision, looks=block)
    names, logs = table.complete(active, block)
    if logs.shape[1] < FIRST:
        return replace(decision, looks=block)
    everyone = numpy().ones((1, len(names)), dtype=bool)
    left, told, within = look(logs, everyone, rules, len(active) - len(names), plots_of(names, plots))
    ratios, states = ratios_of(names, told, logs.shape[1]), dict(decision.states)
    for name, is_left in zip(names, left[0], strict=True):
        states[name] = State(OPEN if is_left else SLOWER, 0 if is_left else block, ratios.get(name))
    # Cells with gaps are not in the table; they are open until the others are decided.
    going = [name for name in active if states[name].state == OPEN]
    if len(going) == int(left.sum()) and within[left].all():
        states |= {name: State(SAME, block, ratios.get(name)) for name in going}
        going = []
    if rules.target_ci is not None:
        wanted = {*going, *(name for name in table.cells if _is_wide(table.until(name, block), rules))}
        going = [name for name in table.cells if name in wanted]
    return Decision(names[int(told.leader[0])], block, states, tuple(going))


def _is_wide(times: Mapping[int, float], rules: Rules) -> bool:
    if rules.target_ci is None:
        return False
    own = median_interval(list(times.values()), rules.confidence)
    return own.low is None or own.high is None or math.log(own.high / own.low) / 2.0 > math.log1p(rules.target_ci)


def comparison_of(decision: Decision, margin: float) -> Comparison:
    """The comparison that a report shows of an adaptive study: each cell has the interval that closed it."""
    ratios = {name: state.ratio for name, state in decision.states.items() if state.ratio and name != decision.leader}
    ordered = sorted(ratios, key=lambda name: ratios[name].center)
    slower = tuple(name for name in ordered if decision.states[name].state == SLOWER)
    tied = tuple(name for name in ordered if name not in slower)
    unknown = tuple(name for name in decision.states if name not in ratios and name != decision.leader)
    return Comparison(decision.leader, ratios, tied, slower, unknown, margin)
