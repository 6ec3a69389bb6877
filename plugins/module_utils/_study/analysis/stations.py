# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stations of a run, by what its record tells of the use of processors and links (docs/causes.md). PRIVATE, can break at any time.

A station is a part that a step needs and that others may have to wait for: the processors of a node, the CPU limit of a replica, the
link of a node. Its service demand D is its busy time for one global step. From measured quantities alone follow its utilisation
U = X D at the speed X (the utilisation law), and the ceiling of the speed, 1 / D (the bottleneck bound).

Sources: Denning and Buzen, The operational analysis of queueing network models, ACM Computing Surveys 10/3, 1978; Lazowska, Zahorjan,
Graham and Sevcik, Quantitative System Performance, 1984, chapters 3 and 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ..._common.fields import count, finite, mapping, mappings
from ..records.record import Record

# From this utilisation on a station counts as full, and its queue makes the others wait.
FULL = 0.85
# A worker is a straggler whose step takes so many times as long as the others', or that makes so many times fewer steps.
SLOW = 1.5

PROCESSORS, SHARED, PS, WORKERS, LINK = "processors", "shared", "ps", "workers", "link"
SYNCHRONOUS = ("sync_ps", "mirrored")
ONE_HOST = "kind"  # the provider whose nodes are containers of one host


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
    # Whether the utilisation is the least that it can be, as the whole run shows.
    is_bound: bool = False
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


Replicas = Sequence[Mapping[str, Any]]


def stations_of(run: Record, replicas: Replicas | None = None) -> list[Station]:
    """The fullest station of each kind that the run's evidence tells of; empty where it tells nothing.

    Here and below `replicas` are those of `replicas_of`, where they are known already.
    """
    seconds, speed = run.timing("train_seconds"), run.timing("steps_per_second")
    if not seconds or seconds <= 0 or not speed or speed <= 0:
        return []
    nodes = machines_of(run)
    replicas = replicas_of(run) if replicas is None else replicas
    parts = (
        _processors(nodes, speed) if nodes else _of_whole_run(run, seconds),
        _shared(replicas, seconds),
        _ps(replicas, nodes, seconds, speed),
        _workers(replicas, seconds, is_synchronous=run.spec.get("strategy") in SYNCHRONOUS),
        _links(replicas, finite(run.provenance.get("link_mbit")), seconds, speed),
    )
    return [found for part in parts if (found := _fullest(list(part))) is not None]


def machines_of(run: Record) -> list[dict[str, Any]]:
    """What each machine's processors did, with the names of its nodes.

    Nodes of one boot ID are one machine, and so are all of Kind, which are containers of their host: each counts all its processors.
    """
    boots = {str(one.get("name")): one.get("boot_id") for one in mappings(run.provenance.get("nodes"))}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for node in mappings(run.evidence.get("processors")):
        name = str(node.get("node") or "")
        machine = (
            ONE_HOST if run.spec.get("provider") == ONE_HOST else f"boot {boots[name]}" if boots.get(name) else name
        )
        found.setdefault(machine, []).append(node)
    return [_machine(nodes) for nodes in found.values()]


def _machine(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """As the first of its nodes saw it; its replicas are those of all."""
    names = [str(node.get("node") or "") for node in nodes]
    own = [_amount(node.get("own_seconds")) for node in nodes]
    whole = None if None in own else sum(seconds or 0.0 for seconds in own)
    return {**nodes[0], "node": names[0] if len(nodes) == 1 else "", "nodes": names, "own_seconds": whole}


def is_one_machine(run: Record) -> bool:
    """Whether more nodes bring no more processors, as far as is known."""
    if run.spec.get("backend", "processes") == "processes" or run.spec.get("provider") == ONE_HOST:
        return True
    return len(machines_of(run)) == 1 < len(mappings(run.evidence.get("processors")))


def replicas_of(run: Record) -> list[dict[str, Any]]:
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
    return changed(first, ceiling=min(ceilings, default=None), of=len(stations), full=full)


def changed(station: Station, **changes: Any) -> Station:
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


def _of_whole_run(run: Record, seconds: float) -> Iterator[Station]:
    """The processors of this machine where the log does not tell of the training alone, as with a program of the user's own.

    The launcher has seen the whole run. Were every processor busy before and after the training, this much of the training would
    still be busy: a lower bound. Where that is not full, nothing is known.
    """
    host, whole = mapping(run.evidence.get("host")), run.timing("total_seconds")
    cpus, foreign, stolen = (_amount(host.get(key)) for key in ("cpus", "foreign_share", "steal_share"))
    own = run.timing("cpu_seconds")
    if not cpus or foreign is None or own is None or whole is None or whole < seconds:
        return
    idle = max(0.0, 1.0 - foreign - (stolen or 0.0) - own / (cpus * whole)) * whole
    least = 1.0 - idle / seconds
    if least >= FULL:
        others = min(least, foreign + (stolen or 0.0))
        yield Station(kind=PROCESSORS, utilisation=least, capacity=cpus, foreign=others, is_bound=True)


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
    cpus = {name: _amount(node.get("cpus")) for node in nodes for name in node["nodes"]}
    for one in replicas:
        if one["replica"] != "ps":
            continue
        limit = _amount(one.get("cpu_limit")) or cpus.get(str(one["node"] or ""))
        used = _amount(one.get("cpu_seconds"))
        if limit and used is not None:
            busy = _share(used, limit * seconds)
            ceiling = speed / busy if busy > 0 else None
            yield Station(
                kind=PS, name=_name(one), utilisation=busy, ceiling=ceiling, capacity=limit, held=_held(one, seconds)
            )


def _workers(replicas: Iterable[Mapping[str, Any]], seconds: float, *, is_synchronous: bool) -> Iterator[Station]:
    """The workers' limits. More workers bring more of them, so there is no ceiling."""
    found = []
    for one in replicas:
        limit = _amount(one.get("cpu_limit")) if one["replica"] == "worker" else None
        used = _amount(one.get("cpu_seconds")) if limit else None
        if limit and used is not None:
            busy, held = _share(used, limit * seconds), _held(one, seconds)
            found.append(Station(kind=WORKERS, name=_name(one), utilisation=busy, capacity=limit, held=held))
    if found and not is_synchronous:
        # Asynchronous workers do not wait for the one at its limit: all together count.
        busy, held = (median(getattr(one, key) for one in found) for key in ("utilisation", "held"))
        found = [changed(found[0], name="" if len(found) > 1 else found[0].name, utilisation=busy, held=held)]
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


def straggler_of(run: Record, replicas: Replicas | None = None) -> Straggler | None:
    """The one worker that is clearly slower than the others, by its time for a step if they go in step, else by its steps."""
    is_synchronous = run.spec.get("strategy") in SYNCHRONOUS
    paces: dict[int, float] = {}
    seconds = run.timing("train_seconds")
    for one in replicas_of(run) if replicas is None else replicas:
        if one["replica"] != "worker":
            continue
        index, steps = count(one["index"]), count(one.get("local_steps"))
        work = _amount(one.get("working_seconds")) if is_synchronous else seconds
        if index is not None and steps and work:
            paces[index] = work / steps
    if len(paces) < 2:
        return None
    slowest = max(paces, key=lambda index: paces[index])
    others = median(pace for index, pace in paces.items() if index != slowest)
    times = paces[slowest] / others
    return Straggler(index=slowest, times=times) if times >= SLOW else None


def is_complete(run: Record, stations: Iterable[Station], replicas: Replicas) -> bool:
    """Whether every part that may be full was measured."""
    measured = [one["replica"] for one in replicas if _amount(one.get("cpu_seconds")) is not None]
    everyone = [("ps", run.spec.get("ps")), ("worker", run.spec.get("workers"))]
    counted = all(measured.count(kind) >= (count(number) or 0) for kind, number in everyone)
    return counted and not run.spec.get("gpus") and any(one.kind == PROCESSORS for one in stations)
