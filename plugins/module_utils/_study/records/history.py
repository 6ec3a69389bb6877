# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger says about each run. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .record import Record, records_of


@dataclass(frozen=True)
class History:
    """What a ledger says about each run: how often it was tried, whether it counts, why not."""

    attempts: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    # By cell_id, the blocks with a run that did not reach its target accuracy, and that accuracy.
    censored: dict[str, set[int]] = field(default_factory=dict)
    targets: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Any]) -> History:
        history = cls()
        for record in records_of(records):
            history._take(record)
        return history

    def _take(self, record: Record) -> None:
        run, cell = record.run_id, record.cell_id
        self.attempts[run] = max(self.attempts.get(run, 0), record.attempt)
        self.blocks[cell] = max(self.blocks.get(cell, 0), record.block)
        if record.is_fit:
            self.done.add(run)
            if record.is_censored and record.target is not None:
                self.censored.setdefault(cell, set()).add(record.block)
                self.targets[cell] = record.target
        else:
            self.reasons[run] = record.why

    def top(self, cell_ids: Iterable[str]) -> int:
        """The highest block in which any of the cells has run; 0 before the first."""
        return max((self.blocks.get(cell_id, 0) for cell_id in cell_ids), default=0)

    def is_over(self, run: str, attempts: int) -> bool:
        """Whether the run counts or has used up its attempts."""
        return run in self.done or self.attempts.get(run, 0) >= attempts
