# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The looks of an adaptive study, replayed from its records: its plan and its report decide the same. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from ..design.cell import run_id
from ..records.history import History
from ..statistics.adaptive import Decision, Rules, decide
from ..statistics.sequential import FIRST

# A cell without a time in so many blocks in a row takes no further part: what fails twice in all its attempts fails again.
HOPELESS = 2
NO_TIME = "its runs have no training time"

Times = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What the records say of the cells (cell_id) of an adaptive study.

    `times` are seconds by cell and block, `kept` those by which cells are compared.
    """

    history: History
    times: Times
    kept: Times
    rules: Rules
    # After so many a run is given up.
    attempts: int
    # The last block in which any cell has run; 0 before the first.
    top: int

    def decision(self, cells: Iterable[str], plots: Mapping[str, Hashable]) -> Decision:
        """On the cells of a group that are not hopeless. `plots` are as in statistics.comparison.compare_with_best."""
        going = [cell_id for cell_id in cells if not self.hopeless(cell_id)]
        gaps = {cell_id: self._gaps(cell_id) for cell_id in going}
        return decide({cell_id: self.kept.get(cell_id, {}) for cell_id in going}, self.rules, gaps, plots)

    def hopeless(self, cell_id: str) -> str:
        """Why the cell is left out; empty while it is not. The last blocks count in which its runs are over."""
        reasons: list[str] = []
        for block in range(self.history.blocks.get(cell_id, 0), 0, -1):
            run = run_id(cell_id, block)
            if block in self.times.get(cell_id, {}) or len(reasons) == HOPELESS:
                break
            if self.history.attempts.get(run) and self.history.is_over(run, self.attempts):
                reasons.append(self.history.reasons.get(run, NO_TIME))
        return reasons[0] if len(reasons) == HOPELESS else ""

    def _gaps(self, cell_id: str) -> frozenset[int]:
        """Blocks that never will have a time of the cell: it failed there, or it was not in the study or not open then."""
        found = []
        for block in range(1, min(self.top, self.rules.last) + 1):
            if block not in self.kept.get(cell_id, {}):
                run = run_id(cell_id, block)
                missed = FIRST < block < self.top and not self.history.attempts.get(run)
                found += [block] if missed or self.history.is_over(run, self.attempts) else []
        return frozenset(found)
