# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells of a study compared as its design asks. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from ..._common.fields import count, finite
from ..records.history import History
from ..records.record import Record
from ..statistics.adaptive import AUTO, AUTOSIZE, Rules, comparison_of
from ..statistics.comparison import MARGIN, ONE_PLOT, Comparison, compare_with_best, lower_bounds
from ..statistics.sequential import FIRST
from . import model
from .replay import Replay


def rules_of(runs: Sequence[Record]) -> Rules | None:
    """The rules of the adaptive blocks that the last of these records was measured by; None for a fixed number of blocks."""
    design = next((run.design for run in reversed(runs) if run.design), {})
    margin, last = finite(design.get("margin")), count(design.get("max_repeats"))
    if design.get("repeats") != AUTO or margin is None or not 0 < margin < 1 or last is None or last < FIRST:
        return None
    return Rules(margin=margin, target_ci=finite(design.get("target_ci")), last=last)


def is_search(runs: Sequence[Record]) -> bool:
    """Whether the last of these records is of a search for a size."""
    return next((run.design for run in reversed(runs) if run.design), {}).get("repeats") == AUTOSIZE


def margin_of(runs: Sequence[Record]) -> float:
    """Within which cells are as fast as each other, as a share of the time."""
    rules = rules_of(runs)
    return rules.margin if rules else MARGIN


def compare(cells: Sequence[model.Cell], kept: Sequence[model.Cell] | None = None) -> Comparison:
    """Hold every measured cell of a group against the fastest.

    Of an adaptive study each cell has the interval of the look that closed it: the looks are part of its error rate. A cell of which
    some run did not reach the target accuracy is not among those that are compared; it has a lower bound. `kept` are the cells with
    some of their runs, which alone are compared; the others still show how the study went on.
    """
    everybody = {cell.cell_id: cell for cell in (cells if kept is None else kept) if cell.measured}
    measured = {cell_id: cell for cell_id, cell in everybody.items() if not cell.censored}
    found = _compare(measured, [cell for cell in cells if not cell.censored])
    if len(measured) == len(everybody):
        return found
    others = {cell_id: cell.by_block() for cell_id, cell in everybody.items() if cell.censored}
    best = measured[found.best].by_block() if found.best else {}
    return replace(found, censored=lower_bounds(others, best, len(measured)))


def _compare(measured: Mapping[str, model.Cell], cells: Sequence[model.Cell]) -> Comparison:
    """`cells` with all runs of the group, measured or not."""
    times = {cell_id: cell.by_block() for cell_id, cell in measured.items()}
    runs = sorted((run for cell in cells for run in cell.runs), key=lambda run: run.recorded or 0.0)
    plots = plots_of(measured)
    rules = rules_of(runs)
    if rules:
        history = History.of(runs)
        # Older records do not tell after how many attempts a run is given up.
        attempts = count(runs[-1].design.get("attempts")) or 1
        whole, top = {cell.cell_id: cell.by_block() for cell in cells}, history.top(history.blocks)
        replay = Replay(history=history, times=whole, kept=times, rules=rules, attempts=attempts, top=top)
        decision = replay.decision([cell.cell_id for cell in cells], plots)
        if decision.leader:
            comparison = comparison_of(decision, rules.margin)
            return replace(comparison, unknown=tuple(name for name in measured if _is_unknown(name, comparison)))
    return compare_with_best(times, plots=plots)


def _is_unknown(name: str, comparison: Comparison) -> bool:
    """Also of a cell that is left out because it failed again and again."""
    return name not in comparison.ratios and name != comparison.best


def plots_of(cells: Mapping[str, model.Cell]) -> Mapping[str, Hashable]:
    """The whole plot of each cell: its number of nodes, where the design kept the cells of one number together."""
    if not any(run.design.get("by_nodes") is True for cell in cells.values() for run in cell.runs):
        return ONE_PLOT
    return {cell_id: count(cell.spec.get("nodes")) for cell_id, cell in cells.items()}
