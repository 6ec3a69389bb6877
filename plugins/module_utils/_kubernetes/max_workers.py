# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many workers fit into a cluster now, and which resource limits them. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from .._common.errors import InputError
from .._common.format import counted
from .._common.quantity import Amounts
from .._common.words import words
from .._study.design.inputs import EVENLY, SPREADS
from . import capacity, free_capacity, nodes
from .api import Api
from .capacity import Cell, Replicas
from .free_capacity import Quota, Seen

# Documented by the fragment `capacity`.
CAPACITY_ARG_SPEC: dict[str, dict[str, Any]] = {
    "resources": {"type": "dict", "default": {}},
    "node_selector": {"type": "dict", "default": {}},
    "spread": {"type": "str", "choices": list(SPREADS), "default": EVENLY},
    "priority_class": {"type": "str", "default": ""},
    "preemptible": {"type": "bool", "default": False},
}
# More than any cluster runs, so that only the cluster and its quotas limit.
NO_LIMIT = 1_000_000
MOST_NAMED = 4


class Most(NamedTuple):
    """The largest number of workers, and what keeps it from being larger as a part of a sentence."""

    workers: int
    limit: str


@dataclass(frozen=True, kw_only=True)
class ClusterCapacity:
    """Capacity of a cluster at one moment."""

    seen: Seen
    replicas: Replicas
    evenly: bool
    usable: Sequence[Mapping[str, Any]]
    # Amounts by node: left beside all other pods, and left beside the pods that do not give way to ours.
    free: Mapping[str, Amounts]
    available: Mapping[str, Amounts]
    quotas: Sequence[Quota]
    # Why not more nodes are usable.
    obstacles: str

    @classmethod
    def look(cls, api: Api, namespace: str, given: Mapping[str, Any]) -> ClusterCapacity:
        """`given` as in CAPACITY_ARG_SPEC."""
        replicas = capacity.replicas_of(given["resources"])
        seen = free_capacity.look(api, namespace)
        if seen.nodes is None:
            raise InputError(
                "the free capacity is unknown, because this user may not list nodes: give that right, or numbers of workers"
            )
        selector = words(given["node_selector"])
        usable = nodes.candidates(seen.nodes, selector)
        free = seen.free_on(usable)
        floor = free_capacity.floor_of(api, seen.pods, given)
        return cls(
            seen=seen,
            replicas=replicas,
            evenly=given["spread"] == EVENLY,
            usable=usable,
            free=free,
            available=free if floor is None else seen.free_on(usable, floor=floor),
            quotas=seen.quotas(given["priority_class"]),
            obstacles=nodes.obstacles(seen.nodes, selector),
        )

    def most(self, ps: int, wanted: int) -> Most:
        """On the first nodes by name, as node_set takes them, or on all of them where `wanted` is 0."""
        if len(self.usable) < max(1, wanted):
            asked = f"nodes is {wanted}, but " if wanted else ""
            found = f"{counted(len(self.usable), 'node')} that can carry runs ({', '.join(self.available) or 'none'})"
            why = f"; {self.obstacles}" if self.obstacles else ""
            raise InputError(f"{asked}the cluster has {found}{why}: {'give fewer, or ' if wanted else ''}add some")
        available = dict(islice(self.available.items(), wanted or None))
        admitted, quota = self._admitted(ps)
        workers = capacity.most_workers(
            ps, self.replicas, list(available.values()), evenly=self.evenly, limit=max(0, admitted)
        )
        if workers == admitted or admitted < 0:
            return Most(workers, quota)
        return Most(workers, self._lack(ps, available))

    def _admitted(self, ps: int) -> tuple[int, str]:
        """By the quota that admits the fewest."""
        least, why = NO_LIMIT, ""
        for quota in self.quotas:
            most = capacity.most_of_quota(quota.hard, quota.used, ps, self.replicas, limit=least)
            if most < least:
                asked = capacity.asked_of_quota(Cell("", 1, ps, most + 1), *self.replicas)
                [first, *_others] = capacity.exceeded(quota.hard, quota.used, asked)
                least, why = most, f"quota {quota.name} ({first})"
        return least, why

    def _lack(self, ps: int, available: Mapping[str, Amounts]) -> str:
        """The scarcest resource of each node; with an even spread only the node with the least free capacity counts."""
        ps_fit = capacity.fits(Cell("", len(available), ps, 0), *self.replicas, list(available.values()), evenly=False)
        scarce = self.replicas[1] if ps_fit else self.replicas[0]
        holding = {
            name: capacity.most_workers(0, (scarce, scarce), [left], evenly=False, limit=NO_LIMIT)
            for name, left in available.items()
        }
        if self.evenly:
            tightest = min(holding, key=lambda name: holding[name])
            if any(holding[name] > holding[tightest] for name in holding):
                holding = {tightest: holding[tightest]}
        lacking: dict[str, list[str]] = {}
        for name in holding:
            lacking.setdefault(capacity.scarcest(available[name], scarce), []).append(name)
        return " and ".join(f"{key} on {_named(names)}" for key, names in sorted(lacking.items()))


def _named(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return f"node{'s' if len(every) > 1 else ''} {', '.join(every[:MOST_NAMED])}{more}"
