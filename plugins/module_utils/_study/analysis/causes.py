# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a cell is not faster: operational analysis of its runs. PRIVATE, can break at any time.

A station is a part that a step needs and that others may have to wait for: the processors of a node, the CPU limit of a replica, the
link of a node. Its service demand D is its busy time for one global step. From measured quantities alone follow its utilisation
U = X D at the speed X (the utilisation law), and the ceiling of the speed, 1 / D (the bottleneck bound). docs/causes.md explains both.

Sources: Denning and Buzen, The operational analysis of queueing network models, ACM Computing Surveys 10/3, 1978; Lazowska, Zahorjan,
Graham and Sevcik, Quantitative System Performance, 1984, chapters 3 and 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ..._common.fields import count, finite, mapping, mappings
from ..records.record import Record

# From this utilisation on a station counts as full, and its queue makes the others wait.
FULL = 0.85
# The processors are named before a fuller station where they are at most this much less full: a limit of all replicas
# together is the machine.
CLOSE = 0.03
# A replica that its limit holds back for this share of the time is slowed by it, however little it uses on average.
HELD = 0.25
# From this share of the time on a full limit is said to throttle. The kernel may count a part of it for the pod, where no container sees it.
THROTTLED = 0.05
# From this share of the processors on the programs of others are named.
FOREIGN = 0.10
# A worker is a straggler whose step takes so many times as long as the others', or that makes so many times fewer steps.
SLOW = 1.5

PROCESSORS, SHARED, PS, WORKERS, LINK = "processors", "shared", "ps", "workers", "link"
HELD_BACK, STRAGGLER, LATENCY, UNKNOWN = "held_back", "straggler", "latency", "unknown"
# Of equally full stations the first is named.
ORDER = (PROCESSORS, LINK, PS, SHARED, WORKERS)
SYNCHRONOUS = ("sync_ps", "mirrored")
WORDS = ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True, kw_only=True)
class Station:
    """The fullest station of its kind in a run, or the median of the runs of a cell."""

    kind: str
    # The node or the replicas; empty for the processors of this machine, and where it differs between runs.
    name: str = ""
    # Busy share of the time, from 0 to 1.
    utilisation: float
    # Global steps per second that this station allows; None where more workers bring more of it.
    ceiling: float | None = None
    # Processors, or Mbit/s in each direction.
    capacity: float
    # Share of the time in which the kernel held the replica back.
    held: float = 0.0
    # Share of the processors' time that other programs and other virtual machines took.
    foreign: float = 0.0
    # Number of the stations of this kind, and of the full ones.
    of: int = 1
    full: int = 0

    def demand(self, speed: float) -> float:
        """Busy seconds for one global step at this speed in global steps per second."""
        return self.utilisation / speed

    @property
    def is_full(self) -> bool:
        return self.utilisation >= FULL


@dataclass(frozen=True, kw_only=True)
class Straggler:
    """The slowest worker. `times` is how many times as long as the others it needs for a step."""

    index: int
    times: float


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


# --- one run --------------------------------------------------------------------------------------------------------


def stations_of(run: Record) -> list[Station]:
    """The fullest station of each kind that the run's evidence tells of; empty where it tells nothing."""
    seconds, speed = run.timing("train_seconds"), run.timing("steps_per_second")
    if not seconds or seconds <= 0 or not speed or speed <= 0:
        return []
    replicas, nodes = _replicas(run), mappings(run.evidence.get("processors"))
    parts = (
        _processors(nodes, speed),
        _shared(replicas, seconds),
        _ps(replicas, nodes, seconds, speed),
        _workers(replicas, seconds, is_synchronous=run.spec.get("strategy") in SYNCHRONOUS),
        _links(replicas, finite(run.provenance.get("link_mbit")), seconds, speed),
    )
    return [found for part in parts if (found := _fullest(list(part))) is not None]


def _replicas(run: Record) -> list[dict[str, Any]]:
    """The replicas whose use is known, with it."""
    return [
        {"replica": one.get("replica"), "index": one.get("index"), "node": one.get("node"), **mapping(one["trained"])}
        for one in mappings(run.evidence.get("replicas"))
        if mapping(one.get("trained"))
    ]


def _fullest(stations: Sequence[Station]) -> Station | None:
    if not stations:
        return None
    first = max(stations, key=lambda one: one.utilisation)
    ceilings = [one.ceiling for one in stations if one.ceiling is not None]
    full = sum(one.is_full for one in stations)
    return _with(first, ceiling=min(ceilings, default=None), of=len(stations), full=full)


def _with(station: Station, **changes: Any) -> Station:
    return Station(**{**vars(station), **changes})


def _share(part: float, whole: float) -> float:
    """At most one: /proc counts in ticks of 10 ms."""
    return min(1.0, max(0.0, part / whole))


def _processors(nodes: Iterable[Mapping[str, Any]], speed: float) -> Iterator[Station]:
    for node in nodes:
        cpus, seconds, busy = (_amount(node.get(key)) for key in ("cpus", "seconds", "busy_seconds"))
        if not cpus or not seconds or busy is None:
            continue
        own, stolen, quota = (_amount(node.get(key)) for key in ("own_seconds", "steal_seconds", "cpu_limit"))
        capacity = min(cpus, quota or cpus)
        used = _share(busy + (stolen or 0.0), cpus * seconds)
        mine = _share(busy if own is None else own, capacity * seconds)
        yield Station(
            kind=PROCESSORS,
            name=str(node.get("node") or ""),
            utilisation=max(used, mine),
            ceiling=speed / mine if mine > 0 else None,
            capacity=capacity,
            foreign=0.0 if own is None else max(0.0, used - _share(own, cpus * seconds)),
        )


def _shared(replicas: Iterable[Mapping[str, Any]], seconds: float) -> Iterator[Station]:
    """Processors that several processes were given (training_cpus), and that are not all."""
    groups: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for one in replicas:
        if one["node"] is None and _amount(one.get("cpu_limit")):
            groups.setdefault((one["node"], one.get("allowed_cpus")), []).append(one)
    for group in groups.values():
        used = [_amount(one.get("cpu_seconds")) for one in group]
        limit = _amount(group[0].get("cpu_limit"))
        if len(group) > 1 and limit and None not in used:
            busy = _share(sum(one or 0.0 for one in used), limit * seconds)
            yield Station(kind=SHARED, name=_and(map(_name, group)), utilisation=busy, capacity=limit)


def _ps(
    replicas: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]], seconds: float, speed: float
) -> Iterator[Station]:
    cpus = {node.get("node"): _amount(node.get("cpus")) for node in nodes}
    for one in replicas:
        limit = _amount(one.get("cpu_limit")) or cpus.get(one["node"])
        used = _amount(one.get("cpu_seconds"))
        if one["replica"] == "ps" and limit and used is not None:
            busy = _share(used, limit * seconds)
            ceiling = speed / busy if busy > 0 else None
            yield Station(
                kind=PS, name=_name(one), utilisation=busy, ceiling=ceiling, capacity=limit, held=_held(one, seconds)
            )


def _workers(replicas: Iterable[Mapping[str, Any]], seconds: float, *, is_synchronous: bool) -> Iterator[Station]:
    """The workers' limits. More workers bring more of them, so there is no ceiling."""
    found = []
    for one in replicas:
        limit, used = _amount(one.get("cpu_limit")), _amount(one.get("cpu_seconds"))
        if one["replica"] == "worker" and limit and used is not None:
            busy, held = _share(used, limit * seconds), _held(one, seconds)
            found.append(Station(kind=WORKERS, name=_name(one), utilisation=busy, capacity=limit, held=held))
    if found and not is_synchronous:
        # Asynchronous workers do not wait for the one at its limit: all together count.
        busy, held = (median(getattr(one, key) for one in found) for key in ("utilisation", "held"))
        found = [_with(found[0], name="" if len(found) > 1 else found[0].name, utilisation=busy, held=held)]
    yield from found


def _links(
    replicas: Iterable[Mapping[str, Any]], mbit: float | None, seconds: float, speed: float
) -> Iterator[Station]:
    """The link of each node; a replica whose node is not known counts as a node of its own."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for one in replicas:
        if mbit and mbit > 0 and _amount(one.get("link_bytes")) is not None:
            groups.setdefault(one["node"] or _name(one), []).append(one)
    for group in groups.values():
        crossed = sum(_amount(one.get("link_bytes")) or 0.0 for one in group)
        busy = _share(8e-6 * crossed / seconds, mbit or 1.0)
        has_ps = any(one["replica"] == "ps" for one in group)
        ceiling = speed / busy if busy > 0 and has_ps else None
        named = [one for one in group if one["replica"] == "ps"] or group
        yield Station(kind=LINK, name=_and(map(_name, named)), utilisation=busy, ceiling=ceiling, capacity=mbit or 1.0)


def _held(one: Mapping[str, Any], seconds: float) -> float:
    return _share(_amount(one.get("throttled_seconds")) or 0.0, seconds)


def _name(one: Mapping[str, Any]) -> str:
    return f"{one['replica']} {one['index']}"


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _amount(value: Any) -> float | None:
    number = finite(value)
    return number if number is not None and number >= 0 else None


def straggler_of(run: Record) -> Straggler | None:
    """The one worker that is clearly slower than the others, by its time for a step if they go in step, else by its steps."""
    is_synchronous = run.spec.get("strategy") in SYNCHRONOUS
    paces: dict[int, float] = {}
    for one in _replicas(run):
        index, steps = count(one["index"]), count(one.get("local_steps"))
        work = _amount(one.get("working_seconds")) if is_synchronous else run.timing("train_seconds")
        if one["replica"] == "worker" and index is not None and steps and work:
            paces[index] = work / steps
    if len(paces) < 2:
        return None
    slowest = max(paces, key=lambda index: paces[index])
    others = median(pace for index, pace in paces.items() if index != slowest)
    times = paces[slowest] / others
    return Straggler(index=slowest, times=times) if times >= SLOW else None


def _is_complete(run: Record, stations: Iterable[Station]) -> bool:
    """Whether every part that may be full was measured."""
    measured = [one["replica"] for one in _replicas(run) if _amount(one.get("cpu_seconds")) is not None]
    everyone = [("ps", run.spec.get("ps")), ("worker", run.spec.get("workers"))]
    counted = all(measured.count(kind) >= (count(number) or 0) for kind, number in everyone)
    return counted and not run.spec.get("gpus") and any(one.kind == PROCESSORS for one in stations)


# --- the runs of a cell -----------------------------------------------------------------------------------------------


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
    is_complete = all(_is_complete(run, found) for run, found in told)
    kind, station = _kind_of(known, straggler, is_complete=is_complete)
    return _worded(kind, station, known, straggler, runs[0])


def _middle(stations: Sequence[Station], runs: int) -> Station | None:
    """The median of one kind; None if fewer than half of the runs have it."""
    if 2 * len(stations) < max(1, runs):
        return None
    name, often = Counter(one.name for one in stations).most_common(1)[0]
    ceilings = [one.ceiling for one in stations if one.ceiling is not None]
    middle = {key: median(getattr(one, key) for one in stations) for key in ("utilisation", "held", "foreign")}
    return _with(
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
    stations: Sequence[Station], straggler: Straggler | None, *, is_complete: bool
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
    return (LATENCY, None) if is_complete else (UNKNOWN, None)


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
    said = f"the {who}{place} {'is' if cpus == 1 else 'are'} full ({_percent(station.utilisation)}{others})"
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
