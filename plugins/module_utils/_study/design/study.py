# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course of a study within its budget, its forecast, and what is said of both. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._common.errors import InputError
from ..._common.format import counted, duration_range, figure_range
from ..records.record import Record
from . import budget, forecast
from .course import Course


class Study:
    """`spec` is that of all cells; `params` are those of sweep_plan_info. A budget that is spent before the first block is refused."""

    def __init__(self, params: Mapping[str, Any], spec: Mapping[str, Any], course: Course) -> None:
        self.name, self.cluster = params["study"], params["spec"].get("cluster", "local")
        self.course = course
        cells, records = course.asked.cells, course.asked.records
        limits = budget.Budget.of(params, spec)
        self._experience = forecast.Experience(records, limits.prices)
        here = budget.of_cluster(records, spec)
        # Why the next block is not begun although it is wanted.
        self.shortage = self._shortage(limits, here)
        if self.shortage:
            course.plan = course.plan.settled()
        self._currency = limits.currency
        time, price = forecast.of_plan(self._experience, course.plan, cells, course.futures())
        # A block that has begun is finished, whatever the budget says.
        self._time, price = (time, price) if self._has_begun else limits.within(here, time, price)
        # Processes of this machine have no price.
        self._price = None if spec.get("backend", "processes") == "processes" else price

    @property
    def _has_begun(self) -> bool:
        """Whether the next block goes on: it is finished whatever the budget says, so that a killed study decides as if it had not been."""
        plan, asked = self.course.plan, self.course.asked
        return bool(plan.missing) and plan.missing[0].block == asked.history.top(cell.cell_id for cell in asked.cells)

    def _shortage(self, limits: budget.Budget, records: list[Record]) -> str:
        plan = self.course.plan
        planned = [(run.cell, run.block) for run in plan.next_block]
        time = self._experience.total(planned)
        lacking = limits.lacks(records, planned, time, self._experience.price(planned, time))
        if not plan.missing or self._has_begun:
            return ""
        if lacking and not records:
            raise InputError(f"{lacking}: give more, or a smaller study")
        return lacking

    @property
    def _to_come(self) -> str:
        """`about 2 min (1 to 4), 0.3 USD (0.2 to 0.6)`"""
        price = self._price and f", {figure_range(*self._price)} {self._currency}"
        return f"about {duration_range(*self._time)}{price or ''}"

    def said(self) -> list[str]:
        """Announcements before the next block; a block that goes on was announced before."""
        if self._has_begun:
            return []
        return [*self.course.stopped, self.ended()] if self.shortage else self.course.said(self._to_come)

    def ended(self) -> str:
        """After how many runs there is no further block, and why; empty where all that was asked for is there."""
        if not self.shortage:
            return self.course.ended()
        still = self.course.open_in_words
        return f"ended after {self.course.runs}: {self.shortage}" + (f"; {still}" if still else "")

    def head(self) -> str:
        """`study mnist on cluster local: 6 cells x 4 blocks = 24 runs, about 2 min (1 to 4)`"""
        course = self.course
        head = f"study {self.name} on cluster {self.cluster}: {course.size}"
        if self.shortage or (course.is_adaptive and not course.plan.missing):
            return f"{head}, {self.ended()}"
        return head + course.so_far(self._to_come)

    def message(self, logs: str) -> str:
        course, plan = self.course, self.course.plan
        if course.has_failed:
            named = ", ".join(f"{cell.label} ({reason})" for cell, reason in plan.failed.values())
            cells = counted(len(course.asked.cells), "cell")
            return f"{len(plan.failed)} of {cells} failed: {named}; the logs are in {logs}"
        return course.to_go if plan.missing else self.ended() or course.complete

    @property
    def forecast(self) -> dict[str, Any]:
        price = self._price and {
            "likely": self._price.seconds,
            "low": self._price.low,
            "high": self._price.high,
            "currency": self._currency,
        }
        return {**self._time._asdict(), "price": price}

    @property
    def counts(self) -> dict[str, int]:
        course, plan = self.course, self.course.plan
        return {
            "cells": len(course.asked.cells),
            "open": course.open,
            "blocks": course.design.blocks,
            "runs": plan.runs,
            "most": plan.most,
            "done": plan.done,
            "void": plan.given_up,
            "spared": plan.spared,
            "missing": len(plan.missing),
        }
