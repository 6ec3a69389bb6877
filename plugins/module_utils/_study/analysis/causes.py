# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a cell is not faster: the station that is full in its runs, and the remedy (docs/causes.md). PRIVATE, can break at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
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
# From this share of the time on a full limit is said to throttle. The kernel may count a part of it for the pod, where no container sees it.
THROTTLED = 0.05
# From this share of the processors on the programs of others are named.
FOREIGN = 0.10
HELD_BACK, STRAGGLER, LATENCY, UNKNOWN = "held_back", "straggler", "latency", "unknown"
# Of equally full stations the first is named.
ORDER = (PROCESSORS, LINK, PS, SHARED, WORKERS)
WORDS = ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a cell is not faster. `kind` is that of a station, or held_back, straggler, latency or unknown."""

    kind: str
    stations: tuple[Station, ...] = ()
    station: Station | None = None
    straggler: Straggler | None = None
    # A clause, and one on the remedy; both begin with a small letter and may be empty.
    said: str = ""
    remedy: str = ""
    # For a table: the kind and its utilisation.
    short: str = ""

    @property
    def ceiling(self) -> float | None:
        """The lowest ceiling of all stations, in global steps per second."""
        return min((one.ceiling for one in self.stations if one.ceiling is not None), default=None)


def cause_of(runs: Sequence[Record]) -> Cause:
    """Why the cell of these runs is not faster; medians over the runs that tell. Without evidence the kind is `unknown`."""
    told = [(run, found) for run in runs if (found := stations_of(run))]
    # A few runs of an older version, or without counters, do not speak for the others.
    if not told or 2 * len(told) < len(runs):
        return Cause(kind=UNKNOWN)
    stations = tuple(
        _middle([one for _run, found in told for one in found if one.kind == kind], len(told)) for kind in ORDER
    )
    known = tuple(one for one in stations if one is not None)
    straggler = _common_straggler([straggler_of(run) for run, _found in told])
    all_known = all(is_complete(run, found) for run, found in told)
    kind, station = _kind_of(known, straggler, all_known=all_known)
    return _worded(kind, station, known, straggler, runs[0])


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


# --- words ------------------------------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _number(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _worded(
    kind: str, station: Station | None, stations: tuple[Station, ...], straggler: Straggler | None, run: Record
) -> Cause:
    said, remedy = "", ""
    if station is not None:
        said, remedy = _SAID[kind](station, run)
    elif kind == STRAGGLER and straggler:
        said, remedy = _of_straggler(straggler, run)
    elif kind == LATENCY:
        said, remedy = _of_latency(stations, run)
    share = None if station is None else station.held if kind == HELD_BACK else station.utilisation
    names = {SHARED: "shared processors", WORKERS: "workers' CPU limit", PS: "ps", LINK: "link to the ps"}
    short = names.get(kind, kind).replace("_", " ")
    if kind == STRAGGLER and straggler:
        short = f"worker {straggler.index} is slow"
    elif kind == LATENCY:
        short = "latency"
    return Cause(
        kind=kind,
        stations=stations,
        station=station,
        straggler=straggler,
        said=said,
        remedy=remedy,
        short="" if kind == UNKNOWN else short if share is None else f"{short} {_percent(share)}",
    )


def _is_local(run: Record) -> bool:
    return bool(run.spec.get("backend", "processes") == "processes")


def _of_processors(station: Station, run: Record) -> tuple[str, str]:
    place = f" of node {station.name}" if station.name else ""
    if station.of > 1 and station.full == station.of:
        place = f" of all {station.of} nodes"
    cpus = int(station.capacity) if station.capacity == int(station.capacity) else 0
    who = (
        f"{WORDS[cpus] if 1 < cpus < len(WORDS) else _number(station.capacity)} processors"
        if cpus != 1
        else "processor"
    )
    others = f", {_percent(station.foreign)} by other programs" if station.foreign >= FOREIGN else ""
    share = ("at least " if station.is_bound else "") + _percent(station.utilisation)
    said = f"the {who}{place} {'is' if cpus == 1 else 'are'} full ({share}{others})"
    if others:
        bigger = (
            "fewer other programs or a bigger machine do" if _is_local(run) else "fewer other programs or more nodes do"
        )
    else:
        bigger = "a bigger machine does" if _is_local(run) else "more or bigger nodes do"
    return said, f"more workers cannot help here, {bigger}"


def _limit(station: Station) -> str:
    noun = "processor" if station.capacity == 1 else "processors"
    return f"{_percent(station.utilisation)} of {_number(station.capacity)} {noun}"


def _raise(kind: str, run: Record) -> str:
    return "training_cpus" if _is_local(run) else f"training_{kind}_resources"


def _of_ps(station: Station, run: Record) -> tuple[str, str]:
    held = "throttled by its" if station.held >= THROTTLED else "at its"
    said = f"{station.name or 'a ps'} is {held} CPU limit ({_limit(station)})"
    return said, f"more workers cannot help here, more ps or a higher limit ({_raise('ps', run)}) do"


def _of_workers(station: Station, run: Record) -> tuple[str, str]:
    who, is_are, its = (station.name, "is", "its") if station.name else ("the workers", "are", "their")
    held = "throttled by" if station.held >= THROTTLED else "at"
    said = f"{who} {is_are} {held} {its} CPU limit ({_limit(station)})"
    return said, f"more workers or a higher limit ({_raise('worker', run)}) help"


def _of_shared(station: Station, _run: Record) -> tuple[str, str]:
    said = f"{station.name or 'several replicas'} share {_number(station.capacity)} processors, which are full"
    said = said.replace("1 processors, which are", "1 processor, which is")
    return (
        f"{said} ({_percent(station.utilisation)})",
        "more processors for each (training_cpus) or a bigger machine help",
    )


def _of_link(station: Station, _run: Record) -> tuple[str, str]:
    used = station.utilisation * station.capacity
    where = f"the link to {station.name}" if station.name else "the link to the ps"
    said = f"{where} carries {_number(used)} of {_number(station.capacity)} Mbit/s (training_link_mbit)"
    return said, "more workers cannot help here, more ps on other nodes do"


def _of_held(station: Station, run: Record) -> tuple[str, str]:
    kind = "ps" if station.kind == PS else "worker"
    who = station.name or ("the workers" if kind == "worker" else "a ps")
    is_are, its = ("are", "their") if who == "the workers" else ("is", "its")
    said = f"{who} {is_are} throttled by {its} CPU limit for {_percent(station.held)} of the time"
    return said, f"a higher limit ({_raise(kind, run)}) helps"


_SAID = {
    PROCESSORS: _of_processors,
    SHARED: _of_shared,
    PS: _of_ps,
    WORKERS: _of_workers,
    LINK: _of_link,
    HELD_BACK: _of_held,
}


def _of_straggler(straggler: Straggler, run: Record) -> tuple[str, str]:
    if run.spec.get("strategy") in SYNCHRONOUS:
        said = f"worker {straggler.index} needs {straggler.times:.1f} times as long for a step as the others, which wait for it"
    else:
        said = f"worker {straggler.index} needs {straggler.times:.1f} times as long for a step as the others"
    return said, "look at its node"


def _of_latency(stations: Iterable[Station], run: Record) -> tuple[str, str]:
    names = {PROCESSORS: "processors", PS: "the fullest ps", WORKERS: "the workers' limit", LINK: "the link to the ps"}
    known = [f"{names[one.kind]} {_percent(one.utilisation)}" for one in stations if one.kind in names]
    who = "workers wait for each other" if run.spec.get("ps") == 0 else "workers and ps wait for each other"
    said = f"nothing is full ({', '.join(known)}), {who}"
    lowest = min((one for one in stations if one.ceiling), key=lambda one: one.ceiling or 0.0, default=None)
    if lowest is None or lowest.ceiling is None or run.spec.get("strategy") in SYNCHRONOUS:
        return said, ""
    what = {PROCESSORS: "the processors allow", PS: "the ps allow", LINK: "the link allows"}[lowest.kind]
    return said, f"{what} {_number(lowest.ceiling)} steps/s at most"
