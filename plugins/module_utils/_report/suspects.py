# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentence of an answer about suspect runs: their share, and whether the answer hangs on them. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .._study.analysis import model
from .._study.analysis.compared import compare
from .._study.records.validity import SUSPECT
from .._study.statistics.comparison import Comparison
from .._study.statistics.intervals import Ratio
from .names import NAMED, Names

# A larger share of a study's measured runs is named, whether the answer hangs on it or not.
NAMED_SHARE = 0.10
SLOWER, TIED, FASTEST, UNKNOWN = "slower", "tied", "fastest", "unknown"


@dataclass(frozen=True)
class Without:
    """A group of cells compared without its suspect runs.

    `suspect` of `runs` measured runs are; `changed` has the cells that become slower than the fastest or no longer are, with
    their place; `unknown` those that have too few other runs.
    """

    suspect: int
    runs: int
    changed: Mapping[str, str]
    unknown: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.suspect / self.runs if self.runs else 0.0

    @property
    def matters(self) -> bool:
        return bool(self.changed)


def without(cells: Sequence[model.Cell], comparison: Comparison) -> Without:
    """Compare the cells once more, from the valid runs alone; `comparison` is the one of all measured runs."""
    measured = [run for cell in cells for run in cell.measured]
    suspect = sum(run.verdict == SUSPECT for run in measured)
    if not suspect:
        return Without(0, len(measured), {}, ())
    kept = [replace(cell, runs=tuple(run for run in cell.runs if run.verdict != SUSPECT)) for cell in cells]
    other = compare(cells, kept)
    before = places(comparison)
    now = {cell_id: _place_now(cell_id, comparison, other) for cell_id in before}
    # Which of the leading cells is the fastest is chance; and without the fastest nothing is said of the others.
    changed = {
        cell_id: place
        for cell_id, place in now.items()
        if UNKNOWN not in (place, before[cell_id], now.get(comparison.best))
        and (place == SLOWER) != (before[cell_id] == SLOWER)
    }
    lost = tuple(cell_id for cell_id, place in now.items() if place == UNKNOWN != before[cell_id])
    return Without(suspect, len(measured), changed, lost)


def _place_now(cell_id: str, comparison: Comparison, other: Comparison) -> str:
    """Its place in the other comparison; unknown where only the number of runs keeps it from its old one."""
    before, now = places(comparison)[cell_id], places(other).get(cell_id, UNKNOWN)
    is_weaker = before == SLOWER and now == TIED and not _moved(comparison.ratios[cell_id], other.ratios[cell_id])
    return UNKNOWN if is_weaker else now


def _moved(before: Ratio, now: Ratio) -> bool:
    """Whether the distance itself is another one: fewer runs alone make an interval wider, and prove nothing."""
    return now.low is None or now.high is None or not now.low <= before.center <= now.high


def places(comparison: Comparison) -> dict[str, str]:
    """Each cell's place in a comparison."""
    found = dict.fromkeys(comparison.unknown, UNKNOWN)
    found |= dict.fromkeys(comparison.slower, SLOWER) | dict.fromkeys(comparison.tied, TIED)
    return found | ({comparison.best: FASTEST} if comparison.best else {})


def sentence(cells: Sequence[model.Cell], comparison: Comparison, names: Names) -> str:
    """For the end of an answer; empty where few runs are suspect and none of them matters."""
    found, say = without(cells, comparison), names.say
    if not found.matters and found.share <= NAMED_SHARE:
        return ""
    counts = {"n": found.suspect, "runs": found.runs}
    if found.matters:
        return say("suspect_matters", changes=_changes(found.changed, names), **counts)
    if found.suspect == found.runs:
        return say("suspect_all", n=found.suspect)
    if found.unknown:
        return say("suspect_unknown", cells=_named(found.unknown, names), **counts)
    return say("suspect_some", **counts)


def _changes(changed: Mapping[str, str], names: Names) -> str:
    by_place: dict[str, list[str]] = {}
    for cell_id, place in changed.items():
        by_place.setdefault(place, []).append(cell_id)
    ordered = [place for place in (FASTEST, TIED, SLOWER) if place in by_place]
    return names.say.listed([names.about(f"would_{place}", by_place[place]) for place in ordered])


def _named(cell_ids: Sequence[str], names: Names) -> str:
    if len(cell_ids) > NAMED:
        return names.say("cells", n=len(cell_ids))
    return names.listed(cell_ids)
