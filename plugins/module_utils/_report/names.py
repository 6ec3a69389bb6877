# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells as a reader calls them: `4 workers` beside `2 workers and 1 ps`. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._common import fields
from .._study.analysis import model
from .._study.design.cell import label
from .messages.catalogue import Catalogue

NAMED = 3  # more cells than this in one sentence are counted, not named
PARTS = ("workers", "ps", "nodes")


class Names:
    """Names the cells of one group. A cell that differs from `beside` in nothing but its workers is called by these."""

    def __init__(self, cells: Sequence[model.Cell], beside: model.Cell | None, say: Catalogue) -> None:
        self.cells = {cell.cell_id: cell for cell in cells}
        self.beside, self.say = beside, say
        self.factors = model.factors_of([cell.spec for cell in cells])

    def whole(self, cell: model.Cell) -> str:
        """By all its counts, or by its label where other factors vary, too."""
        parts = self._parts(cell)
        return self.say("cell", parts=self.say.listed(parts)) if parts else label(cell.spec, self.factors)

    def name(self, cell_id: str) -> str:
        cell = self.cells[cell_id]
        return self.say("cell", parts=self._workers(cell)) if self.is_kin(cell) else self.whole(cell)

    def number(self, cell_id: str) -> int:
        """Which form a verb beside the name takes: that of one, or of several."""
        cell = self.cells[cell_id]
        parts = [self._workers(cell)] if self.is_kin(cell) else self._parts(cell)
        return 2 if len(parts) > 1 or (parts and cell.spec.get("workers") != 1) else 1

    def about(self, key: str, cell_ids: Sequence[str], **values: Any) -> str:
        """The text about one cell, about some by their names, or about more by their number."""
        cell_ids = [one for one in self.cells if one in cell_ids]
        if len(cell_ids) == 1:
            return self.say(key, n=self.number(cell_ids[0]), cell=self.name(cell_ids[0]), **values)
        if len(cell_ids) > NAMED:
            return self.say(f"{key}_count", n=len(cell_ids), **values)
        return self.say(f"{key}_cells", cells=self.listed(cell_ids), **values)

    def listed(self, cell_ids: Sequence[str]) -> str:
        """Some names; by their labels where one of several names would itself be a list."""
        if len(cell_ids) < 2 or all(self.is_kin(self.cells[one]) for one in cell_ids):
            return self.say.listed([self.name(one) for one in cell_ids])
        return self.say.listed([label(self.cells[one].spec, self.factors) for one in cell_ids])

    def is_kin(self, cell: model.Cell) -> bool:
        if self.beside is None or not self._has_workers(cell):
            return False
        return all(cell.spec.get(one) == self.beside.spec.get(one) for one in self.factors if one != "workers")

    def _has_workers(self, cell: model.Cell) -> bool:
        return fields.count(cell.spec.get("workers")) is not None

    def _workers(self, cell: model.Cell) -> str:
        return self.say("part_workers", n=fields.count(cell.spec.get("workers")) or 0)

    def _parts(self, cell: model.Cell) -> list[str]:
        """Empty where something else than counts varies, or a count is unknown."""
        counts = {name: fields.count(cell.spec.get(name)) for name in PARTS if name in self.factors}
        if set(self.factors) - set(PARTS) or None in counts.values():
            return []
        # A training without ps is not one with "0 ps".
        told = {name: n for name, n in counts.items() if n or name == "workers"}
        return [self.say(f"part_{name}", n=n) for name, n in told.items()]
