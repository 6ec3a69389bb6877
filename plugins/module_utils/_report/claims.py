# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings on the thesis' claims as a table, as lines and for programs. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._study.analysis.claims import MEAN_SECONDS, NOT_MEASURED, Finding
from .._study.statistics.intervals import Estimate
from .._study.statistics.words import NONE
from .messages.catalogue import ENGLISH, Catalogue
from .tables import Table, heads

DIGITS = 3  # a limit of 1 / 1.05 and a bound beside it read differently


def table(findings: Iterable[Finding], say: Catalogue = ENGLISH) -> Table:
    found = list(findings)
    # Which group a finding is on matters only where there are several.
    group = ("group",) if any(one.group for one in found) else ()
    columns = ("claim", *group, "finding", "ratio", "limit", "measured", "place")
    rows = [
        (
            _claim(one, say),
            *([one.group or NONE] if group else []),
            say(f"finding_{one.verdict}"),
            _interval(one, say),
            say.fixed(one.limit, DIGITS),
            _measured(one, say),
            _place(one, say),
        )
        for one in found
    ]
    return Table(columns, heads(columns, say), tuple(rows))


def lines(findings: Iterable[Finding], say: Catalogue = ENGLISH) -> list[str]:
    """One sentence for each finding, for a terminal."""
    return [_line(one, say) for one in findings]


def document(findings: Iterable[Finding], say: Catalogue = ENGLISH) -> list[dict[str, Any]]:
    """As answer.json has them."""
    return [
        {
            "claim": one.claim.key,
            "words": _claim(one, say),
            "section": one.claim.section,
            "figures": list(one.claim.figures),
            "group": one.group,
            "finding": one.verdict.replace("_", " "),
            "measured": _measured(one, say),
            "of": one.claim.of,
            "ratio": _ratio(one),
            "at_most": one.limit,
            "over": [cell.cell_id for cell in one.over],
            "under": [cell.cell_id for cell in one.under],
        }
        for one in findings
    ]


def _line(one: Finding, say: Catalogue) -> str:
    group = f"{one.group}: " if one.group else ""
    words: dict[str, Any] = {"finding": f"{group}{say(f'finding_{one.verdict}')}", "claim": _claim(one, say)}
    if one.verdict == NOT_MEASURED:
        return say("claim_line_not_measured", needs=_measured(one, say), **words)
    limit = say.fixed(one.limit, DIGITS)
    return say("claim_line", measured=_measured(one, say), ratio=_interval(one, say), limit=limit, **words)


def _place(one: Finding, say: Catalogue) -> str:
    figures = one.claim.figures
    return say("claim_place", n=len(figures), section=one.claim.section, figures=say.listed(figures))


def _claim(one: Finding, say: Catalogue) -> str:
    return say(f"claim_{one.claim.key}")


def _ratio(one: Finding) -> Estimate | None:
    return None if one.center is None else Estimate(one.center, one.low, one.high, one.blocks)


def _interval(one: Finding, say: Catalogue) -> str:
    if one.low is None or one.high is None:
        return say.fixed(one.center, DIGITS)
    low, center, high = (say.fixed(value, DIGITS) for value in (one.low, one.center, one.high))
    return say("interval", low=low, center=center, high=high)


def _measured(one: Finding, say: Catalogue) -> str:
    if one.verdict == NOT_MEASURED:
        return say(f"needs_{one.claim.needs}")
    over, under = one.over[0], one.under[0]
    if one.claim.of == MEAN_SECONDS:
        more, fewer = (say("nodes_of_size", n=cell.spec.get("nodes") or 1) for cell in (over, under))
        return say("measured_mean_seconds", n=len(one.over), more=more, fewer=fewer)
    return say(f"measured_{one.claim.of}", over=over.label, under=under.label)
