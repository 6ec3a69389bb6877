# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a cell is not faster: the station that is full in its runs, and the remedy (docs/causes.md). PRIVATE, can break at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ..records.record import Record
from .stations import (
    FULL,
    LINK,
    PROCESSORS,
    PS,
    SHARED,
    SYNCHRONOUS,
    WORKERS,
    Station,
    Straggler,
    changed,
    is_complete,
    is_one_machine,
    replicas_of,
    stations_of,
    straggler_of,
)

__all__ = [
    "FULL",
    "LINK",
    "PROCESSORS",
    "PS",
    "SHARED",
    "WORKERS",
    "Station",
    "Straggler",
    "stations_of",
    "straggler_of",
]

# The processors are named before a fuller station where they are at most this much less full: a limit of all replicas
# together is the machine.
CLOSE = 0.03
# A replica that its limit holds back for this share of the time is slowed by it, however little it uses on average.
HELD = 0.25
# From this share of the processors on the programs of others are named.
FOREIGN = 0.10
HELD_BACK, STRAGGLER, LATENCY, UNKNOWN = "held_back", "straggler", "latency", "unknown"
# Of equally full stations the first is named.
ORDER = (PROCESSORS, LINK, PS, SHARED, WORKERS)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a cell is not faster. `kind` is that of a station, or held_back, straggler, latency or unknown."""

    kind: str
    stations: tuple[Station, ...] = ()
    station: Station | None = None
    straggler: Straggler | None = None
    # Facts of the runs that change the remedy: processes, nodes that are one machine, workers in step, and any ps.
    is_local: bool = True
    is_one_machine: bool = True
    is_in_step: bool = False
    has_ps: bool = True

    @property
    def ceiling(self) -> float | None:
        """The lowest ceiling of all stations, in global steps per second."""
        return min((one.ceiling for one in self.stations if one.ceiling is not None), default=None)


def cause_of(runs: Sequence[Record]) -> Cause:
    """Why the cell of these runs is not faster; medians over the runs that tell. Without evidence the kind is `unknown`."""
    everyone = [(run, replicas_of(run)) for run in runs]
    told = [(run, found, replicas) for run, replicas in everyone if (found := stations_of(run, replicas))]
    # A few runs of an older version, or without counters, do not speak for the others.
    if not told or 2 * len(told) < len(runs):
        return Cause(kind=UNKNOWN)
    stations = tuple(
        _middle([one for _run, found, _replicas in told for one in found if one.kind == kind], len(told))
        for kind in ORDER
    )
    known = tuple(one for one in stations if one is not None)
    straggler = _common_straggler([straggler_of(run, replicas) for run, _found, replicas in told])
    all_known = all(is_complete(*one) for one in told)
    kind, station = _kind_of(known, straggler, all_known=all_known)
    spec = runs[0].spec
    return Cause(
        kind=kind,
        stations=known,
        station=station,
        straggler=straggler,
        is_local=spec.get("backend", "processes") == "processes",
        is_one_machine=is_one_machine(runs[0]),
        is_in_step=spec.get("strategy") in SYNCHRONOUS,
        has_ps=spec.get("ps") != 0,
    )


def _middle(stations: Sequence[Station], runs: int) -> Station | None:
    """The median of one kind; None if fewer than half of the runs have it."""
    if 2 * len(stations) < max(1, runs):
        return None
    name, often = Counter(one.name for one in stations).most_common(1)[0]
    ceilings = [one.ceiling for one in stations if one.ceiling is not None]
    middle = {key: median(getattr(one, key) for one in stations) for key in ("utilisation", "held", "foreign")}
    return changed(
        stations[0],
        name=name if 2 * often > len(stations) else "",
        ceiling=median(ceilings) if ceilings else None,
        full=round(median(one.full for one in stations)),
        **middle,
    )


def _common_straggler(found: Sequence[Straggler | None]) -> Straggler | None:
    """The same worker in more than half of the runs."""
    indices = Counter(one.index for one in found if one is not None)
    if not indices:
        return None
    index, often = indices.most_common(1)[0]
    times = median(one.times for one in found if one is not None and one.index == index)
    return Straggler(index=index, times=times) if 2 * often > len(found) else None


def _first(full: Sequence[Station]) -> Station:
    """The one to name of some full stations."""
    # Processors that others fill are no cause where the run has a limit of its own: without the others that would remain.
    own = [one for one in full if one.utilisation - one.foreign >= FULL] or full
    most = max(own, key=lambda one: one.utilisation)
    processors = next((one for one in own if one.kind == PROCESSORS), most)
    return processors if processors.utilisation >= most.utilisation - CLOSE else most


def _kind_of(
    stations: Sequence[Station], straggler: Straggler | None, *, all_known: bool
) -> tuple[str, Station | None]:
    full = [one for one in stations if one.is_full]
    if full:
        first = _first(full)
        return first.kind, first
    held = [one for one in stations if one.held >= HELD]
    if held:
        return HELD_BACK, max(held, key=lambda one: one.held)
    if straggler:
        return STRAGGLER, None
    return (LATENCY, None) if all_known else (UNKNOWN, None)
