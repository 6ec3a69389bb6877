# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study may take on a cluster, in minutes and money, and whether its next block fits into the rest. PRIVATE, can break at any time.

All that the ledger holds of the study on this cluster counts, void runs too: their time is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._common.errors import InputError
from ..._common.fields import count, mappings
from ..._common.format import counted, duration, figure, shown
from ..._common.yaml_text import structure
from ..records.record import Record
from . import variables
from .blocks import Cell
from .forecast import Forecast
from .search_inputs import SWEEP, role_of


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`minutes` of runs and `cost` of their nodes in `currency`; None is no limit. `prices` are those of a node's hour by machine type."""

    minutes: float | None
    cost: float | None
    prices: Mapping[str, float]
    currency: str
    # Whose variables these are.
    role: str = SWEEP

    @classmethod
    def of(cls, params: Mapping[str, Any], spec: Mapping[str, Any]) -> Budget:
        role = role_of(params)
        minutes, cost = f"{role}_budget_minutes", f"{role}_budget_cost"
        given = variables.check(
            {
                minutes: params["budget_minutes"],
                cost: params["budget_cost"],
                "report_prices": params["prices"],
                "report_currency": params["currency"],
            }
        )
        prices = {str(kind): float(price) for kind, price in structure(given["report_prices"]).items()}
        if given[cost] != "" and spec.get("backend", "processes") == "processes":
            raise InputError(
                f"{cost} is {shown(params['budget_cost'])}, but processes of this machine have no price: give {minutes}"
            )
        return cls(
            minutes=None if given[minutes] == "" else float(given[minutes]),
            cost=None if given[cost] == "" else float(given[cost]),
            prices=prices,
            currency=given["report_currency"],
            role=role,
        )

    def lacks(
        self, records: Sequence[Record], planned: Sequence[tuple[Cell, int]], time: Forecast, price: Forecast | None
    ) -> str:
        """Why the next block is not begun; empty when it is. `planned` are its cells, with its time and its price if that is known."""
        if self.minutes is not None:
            used = sum(record.timing("total_seconds") or 0.0 for record in records)
            if used + time.seconds > 60 * self.minutes:
                return _words(
                    f"{self.role}_budget_minutes", f"{self.minutes:g} min", duration(used), duration(time.seconds), used
                )
        if self.cost is not None:
            used = self._used(records)
            wanted = self._most(planned, time) if price is None else price.seconds
            if used + wanted > self.cost:
                asked = f"{self.cost:g} {self.currency}"
                return _words(f"{self.role}_budget_cost", asked, self._money(used), self._money(wanted), used)
        return ""

    def within(
        self, records: Sequence[Record], time: Forecast, price: Forecast | None
    ) -> tuple[Forecast, Forecast | None]:
        """The forecasts of time and price, as far as the rest of the budget lets the study go on."""
        if self.minutes is not None:
            used = sum(record.timing("total_seconds") or 0.0 for record in records)
            time, price = _held(time, price, 60 * self.minutes - used)
        if self.cost is not None and price is not None:
            held, likewise = _held(price, time, self.cost - self._used(records))
            time, price = likewise or time, held
        return time, price

    def _used(self, records: Sequence[Record]) -> float:
        used = 0.0
        for record in records:
            if (record.timing("total_seconds") or 0.0) > 0:
                cost = record.cost(self.prices)
                if cost is None:
                    raise self._unknown(record)
                used += cost
        return used

    def _unknown(self, record: Record) -> InputError:
        cost, minutes = f"{self.role}_budget_cost", f"{self.role}_budget_minutes"
        kinds = {str(node.get("machine_type")) for node in mappings(record.provenance.get("nodes"))}
        lacking = sorted(kind for kind in kinds if kind not in self.prices)
        if not kinds:
            return InputError(
                f"{cost} cannot be held: the record of run {record.run_id} names no nodes (the account may not list them);"
                f" give {minutes}"
            )
        return InputError(
            f"report_prices has no price for {counted(len(lacking), 'machine type')} of the study ({', '.join(lacking)}), which"
            f' {cost} needs: give it, or "*" for any other'
        )

    def _most(self, planned: Sequence[tuple[Cell, int]], time: Forecast) -> float:
        """With as many nodes as any of the cells has, of the dearest kind."""
        nodes = max((count(cell.spec.get("nodes")) or 1 for cell, _block in planned), default=1)
        return nodes * max(self.prices.values()) * time.seconds / 3600

    def _money(self, cost: float) -> str:
        return f"{figure(cost)} {self.currency}"


def _held(one: Forecast, other: Forecast | None, left: float) -> tuple[Forecast, Forecast | None]:
    """The first one is no more than what is left, and the other one is less by the same share."""
    shares = [min(1.0, max(0.0, left) / value) if value > 0 else 1.0 for value in one]
    held = [Forecast(*(value * share for value, share in zip(of, shares, strict=True))) for of in (one, other) if of]
    return held[0], held[1] if other else None


def _words(name: str, asked: str, used: str, wanted: str, spent: float) -> str:
    if not spent:
        return f"{name} is {asked}, but the first block takes about {wanted}"
    return f"the budget of {asked} ({name}) is spent: {used} are used, and the next block takes about {wanted}"


def of_cluster(records: Iterable[Record], spec: Mapping[str, Any]) -> list[Record]:
    """The records of the study on one cluster: each cluster has a budget of its own, as it has a plan of its own."""
    return [record for record in records if record.spec.get("cluster") == spec.get("cluster")]
