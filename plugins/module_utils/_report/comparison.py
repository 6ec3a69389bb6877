# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study beside others in words: each cell, each refusal, and all of them (docs/compare-studies.md). PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._study.analysis.studies import Pair, Refused
from .messages.catalogue import ENGLISH, Catalogue

DIGITS = 3  # a ratio of 1.003 is not one of 1


def cell(name: str, pair: Pair, say: Catalogue = ENGLISH) -> str:
    """A cell beside that of the baseline `name`, without a full stop."""
    ratio = pair.ratio
    told: dict[str, Any] = {
        "cell": pair.cell.label,
        "verdict": say(f"compared_{_key(pair.verdict)}"),
        "ratio": say.fixed(ratio.center, DIGITS),
        "baseline": name,
        "runs": say("compared_runs", here=len(pair.cell.by_block()), n=len(pair.other.by_block())),
    }
    key = "compared_cell"
    if pair.is_calibrated:
        key, told["measured"] = f"{key}_calibrated", say.fixed(pair.measured.center, DIGITS)
    if ratio.low is None or ratio.high is None:
        return say(f"{key}_unknown", **told)
    return say(key, low=say.fixed(ratio.low, DIGITS), high=say.fixed(ratio.high, DIGITS), **told)


def refused(name: str, given: Refused, say: Catalogue = ENGLISH) -> str:
    return say("not_compared", why=unlike(given, say), baseline=name)


def unlike(given: Refused, say: Catalogue = ENGLISH) -> str:
    """Why two cells are not compared, without a full stop."""
    if given.censored:
        (here, of_here), (there, of_there) = given.censored
        counts: dict[str, Any] = {"here": here, "of_here": of_here, "there": there, "of_there": of_there}
        return say("unlike_censored", cell=given.cell.label, **counts)
    none = say("unlike_none")
    return say("unlike", cell=given.cell.label, field=given.field, here=given.here or none, there=given.there or none)


def summary(
    study: str, baselines: Sequence[str], counts: Mapping[str, int], margin: float, say: Catalogue = ENGLISH
) -> str:
    """How many cells have which verdict; `counts` also has those that are "not compared"."""
    told = [say(f"count_{_key(verdict)}", n=number) for verdict, number in counts.items() if number]
    return say(
        "compared_all", study=study, baselines=say.listed(baselines), counts=", ".join(told), margin=say.percent(margin)
    )


def _key(verdict: str) -> str:
    return verdict.replace(" ", "_")
