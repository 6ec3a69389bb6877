# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a cell is not faster, and the remedy, in the report's language (docs/causes.md). PRIVATE, can break at any time."""

from __future__ import annotations

import re

from .._study.analysis import causes
from .._study.analysis.causes import Cause, Station
from .messages.catalogue import Catalogue

# From this share of the time on a full limit is said to throttle. The kernel may count a part of it for the pod, where no container sees it.
THROTTLED = 0.05
# Causes that a higher limit would lift, were there processors for it.
LIMITED = (causes.PS, causes.WORKERS, causes.HELD_BACK)
NAMED = (causes.PROCESSORS, causes.PS, causes.WORKERS, causes.LINK)


def said(cause: Cause, say: Catalogue) -> str:
    """A sentence; empty where the cause is unknown."""
    if cause.kind == causes.STRAGGLER and cause.straggler:
        key = "cause_straggler_in_step" if cause.is_in_step else "cause_straggler"
        return say(key, worker=cause.straggler.index, times=say.fixed(cause.straggler.times, 1))
    if cause.kind == causes.LATENCY:
        known = [
            say(f"latency_{one.kind}", share=say.percent(one.utilisation))
            for one in cause.stations
            if one.kind in NAMED
        ]
        return say("cause_latency" if cause.has_ps else "cause_latency_without_ps", known=", ".join(known))
    return "" if cause.station is None else _OF_STATIONS[cause.kind](cause.station, say)


def remedy(cause: Cause, say: Catalogue) -> str:
    """A sentence; empty where none is known."""
    if cause.kind == causes.LATENCY:
        return _most(cause, say)
    if cause.kind == causes.STRAGGLER:
        return say("remedy_straggler")
    if cause.station is None:
        return ""
    place = "local" if cause.is_one_machine else "nodes"
    if cause.kind == causes.PROCESSORS:
        return say(f"remedy_processors_{place}" if cause.station.foreign < causes.FOREIGN else f"remedy_others_{place}")
    kind = causes.PS if cause.station.kind == causes.PS else "worker"
    variable = "training_cpus" if cause.is_local else f"training_{kind}_resources"
    processors = next((one for one in cause.stations if one.kind == causes.PROCESSORS and one.is_full), None)
    if processors and cause.kind in LIMITED:
        return say(f"remedy_limit_{place}", share=say.percent(processors.utilisation), variable=variable)
    return say(f"remedy_{cause.kind}", variable=variable)


def short(cause: Cause, say: Catalogue) -> str:
    """The kind and its utilisation, for a table; empty where the cause is unknown."""
    if cause.kind == causes.STRAGGLER and cause.straggler:
        return say("short_straggler", worker=cause.straggler.index)
    if cause.kind == causes.LATENCY:
        return say("short_latency")
    if cause.station is None:
        return ""
    share = cause.station.held if cause.kind == causes.HELD_BACK else cause.station.utilisation
    return say(f"short_{cause.kind}", share=say.percent(share))


def sentences(cause: Cause, say: Catalogue) -> list[str]:
    return [one for one in (said(cause, say), remedy(cause, say)) if one]


def _most(cause: Cause, say: Catalogue) -> str:
    ceilings = [(one.ceiling, one.kind) for one in cause.stations if one.ceiling]
    if not ceilings or cause.is_in_step:
        return ""
    ceiling, kind = min(ceilings, key=lambda one: one[0])
    return say(f"most_{kind}", speed=say.speed(ceiling))


def _of_processors(station: Station, say: Catalogue) -> str:
    share = say.percent(station.utilisation)
    share = say("share_at_least", share=share) if station.is_bound else share
    if station.foreign >= causes.FOREIGN:
        share = say("share_of_others", share=share, others=say.percent(station.foreign))
    count = {"n": station.capacity, "count": say.spelled(station.capacity), "share": share}
    if station.of > 1 and station.full == station.of:
        return say("cause_processors_nodes", nodes=station.of, **count)
    if station.name:
        return say("cause_processors_node", node=station.name, **count)
    return say("cause_processors", **count)


def _named(station: Station, say: Catalogue) -> str:
    """Its replicas, which their logs and pods name in English, as a list of the language."""
    return say.listed(re.split(", | and ", station.name)) if station.name else ""


def _limit(station: Station, say: Catalogue) -> str:
    return say("share_of_processors", n=station.capacity, share=say.percent(station.utilisation))


def _of_ps(station: Station, say: Catalogue) -> str:
    key = "cause_ps_throttled" if station.held >= THROTTLED else "cause_ps"
    return say(key, replica=_named(station, say) or say("a_ps"), limit=_limit(station, say))


def _of_workers(station: Station, say: Catalogue) -> str:
    key = "cause_worker" if station.name else "cause_workers"
    key = f"{key}_throttled" if station.held >= THROTTLED else key
    return say(key, limit=_limit(station, say), **({"replica": _named(station, say)} if station.name else {}))


def _of_shared(station: Station, say: Catalogue) -> str:
    share = say.percent(station.utilisation)
    return say(
        "cause_shared", n=station.capacity, replicas=_named(station, say) or say("several_replicas"), share=share
    )


def _of_link(station: Station, say: Catalogue) -> str:
    used, most = say.number(station.utilisation * station.capacity), say.number(station.capacity)
    return say("cause_link", replica=_named(station, say) or say("the_ps"), used=used, most=most)


def _of_held(station: Station, say: Catalogue) -> str:
    share = say.percent(station.held)
    if station.name or station.kind == causes.PS:
        return say("cause_held_back", replica=_named(station, say) or say("a_ps"), share=share)
    return say("cause_held_back_workers", share=share)


_OF_STATIONS = {
    causes.PROCESSORS: _of_processors,
    causes.SHARED: _of_shared,
    causes.PS: _of_ps,
    causes.WORKERS: _of_workers,
    causes.LINK: _of_link,
    causes.HELD_BACK: _of_held,
}
