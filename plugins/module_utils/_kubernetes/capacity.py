# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of replicas, free amounts of nodes and quotas, and whether the replicas fit. PRIVATE, can break at any time.

Amounts are floats by the names that Kubernetes gives them: cpu, memory, pods, nvidia.com/gpu and so on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._common.errors import InputError
from .._common.format import gibibytes
from .._common.quantity import Amounts, Replica, amount

# Sums of decimal fractions are not exact.
SLACK = 1e-9


# Of a ps and of a worker.
Replicas = tuple[Replica, Replica]


@dataclass(frozen=True)
class Cell:
    """The part of a cell that decides its requests, and where they may be."""

    label: str
    nodes: int
    ps: int
    workers: int
    evenly: bool = False


def amounts(given: Mapping[str, Any] | None) -> dict[str, float]:
    """Of what an API server says, which is well-formed."""
    return {key: amount(value) or 0.0 for key, value in (given or {}).items()}


def added(parts: Iterable[Amounts]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total.get(key, 0.0) + value
    return total


def pod_amounts(spec: Mapping[str, Any], kind: str = "requests") -> dict[str, float]:
    """What a pod holds of its node: the more of its containers together and of each start-up container in its turn.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    running: dict[str, float] = {}
    most: dict[str, float] = {}
    for container in spec.get("initContainers") or ():
        own = amounts((container.get("resources") or {}).get(kind))
        together = added([running, own])
        most = _larger(most, together)
        if container.get("restartPolicy") == "Always":
            running = together
    containers = [amounts((one.get("resources") or {}).get(kind)) for one in spec["containers"]]
    of_containers = _larger(most, added([running, *containers]))
    of_pod = amounts((spec.get("resources") or {}).get(kind))
    return added([{**of_containers, **of_pod}, amounts(spec.get("overhead"))])


def _larger(one: Amounts, other: Amounts) -> dict[str, float]:
    return {key: max(one.get(key, 0.0), other.get(key, 0.0)) for key in {**one, **other}}


def free_of(allocatable: Mapping[str, Any], specs: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The free amounts of a node that runs these pods."""
    node = amounts(allocatable)
    held = added({**pod_amounts(spec), "pods": 1.0} for spec in specs)
    return {key: value - held.get(key, 0.0) for key, value in node.items()}


def replicas_of(given: Mapping[str, Any]) -> Replicas:
    """What a ps and a worker ask for."""
    unknown = sorted(set(given) - {"ps", "worker"})
    if unknown:
        raise InputError(f"resources has {unknown[0]!r}: give ps and worker")
    ps, worker = (Replica.of(f"training_{kind}_resources", given.get(kind) or {}) for kind in ("ps", "worker"))
    return ps, worker


Holds = Callable[[Amounts, int, int], bool]


def fits(cell: Cell, ps: Replica, worker: Replica, free: Sequence[Amounts], *, evenly: bool) -> bool:
    """Whether any placement of all replicas exists; `evenly`: the nodes' counts of replicas differ by one at most.

    The scheduler may still miss the only one there is: False is certain, True is not.
    """
    if not free:
        return False
    holds = _holds(ps, worker)
    if not evenly:
        return _most_somehow(cell.ps, cell.workers, free, holds) >= cell.workers
    each, more = divmod(cell.ps + cell.workers, len(free))
    return bool(_reached(each, more, cell.ps, free, holds).get(more, 0) >> cell.ps & 1)


def most_workers(ps: int, replicas: Replicas, free: Sequence[Amounts], *, evenly: bool, limit: int) -> int:
    """The largest number of workers that fits beside so many ps, up to a limit; 0 where none does."""
    if not free:
        return 0
    holds = _holds(*replicas)
    limit = min(limit, int(sum(max(0.0, node.get("pods", 0.0)) for node in free)))
    somehow = int(max(0.0, _most_somehow(ps, limit, free, holds)))
    return _most_evenly(ps, somehow, free, holds) if evenly else somehow


def _holds(ps: Replica, worker: Replica) -> Holds:
    asked = ({**ps.requests, "pods": 1.0}, {**worker.requests, "pods": 1.0})
    names = {**asked[0], **asked[1]}

    def holds(node: Amounts, a: int, b: int) -> bool:
        wanted = {key: a * asked[0].get(key, 0.0) + b * asked[1].get(key, 0.0) for key in names}
        # Others may hold more of a node than it has: who wants nothing there is not refused.
        return all(not value or value <= node.get(key, 0.0) * (1 + SLACK) + SLACK for key, value in wanted.items())

    return holds


def _most_evenly(ps: int, limit: int, free: Sequence[Amounts], holds: Holds) -> int:
    """From the top: a smaller number need not fit where a larger one does, for fewer workers move ps to other nodes."""
    nodes = len(free)
    for each in range((ps + limit) // nodes, -1, -1):
        reached = _reached(each, nodes - 1, ps, free, holds)
        for more in range(nodes - 1, -1, -1):
            workers = each * nodes + more - ps
            if 0 < workers <= limit and reached.get(more, 0) >> ps & 1:
                return workers
    return 0


def _reached(each: int, most: int, ps: int, free: Sequence[Amounts], holds: Holds) -> dict[int, int]:
    """Node by node: which numbers of ps can have been placed (the bits), by how many nodes have one replica more."""
    reached = {0: 1}
    for node in free:
        following: dict[int, int] = {}
        for extra in (0, 1):
            count = each + extra
            here = [a for a in range(min(ps, count) + 1) if holds(node, a, count - a)]
            for before, bits in reached.items():
                for a in here if before + extra <= most else ():
                    following[before + extra] = following.get(before + extra, 0) | bits << a
        reached = following
    return reached


def _most_somehow(ps: int, workers: int, free: Sequence[Amounts], holds: Holds) -> float:
    """Node by node: the most workers that fit beside so many ps; minus infinity if the ps do not fit."""
    best: list[float] = [0.0] + [-math.inf] * ps
    for node in free:
        here = [_most_workers(holds, node, a, workers) for a in range(ps + 1)]
        best = [max(best[a - one] + here[one] for one in range(a + 1)) for a in range(ps + 1)]
    return min(best[ps], workers)


def _most_workers(holds: Holds, node: Amounts, ps: int, limit: int) -> float:
    """Bisection: what fits, fits with fewer workers too."""
    if not holds(node, ps, 0):
        return -math.inf
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(node, ps, middle) else (low, middle - 1)
    return low


def asked_of_quota(cell: Cell, ps: Replica, worker: Replica) -> dict[str, float]:
    requests = added([_times(cell.ps, ps.requests), _times(cell.workers, worker.requests)])
    limits = added([_times(cell.ps, ps.limits), _times(cell.workers, worker.limits)])
    return _by_quota(requests, limits, cell.ps + cell.workers)


def _times(count: int, one: Amounts) -> Amounts:
    return {key: count * value for key, value in one.items()} if count else {}


def held_of_quota(specs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What pods that are there count for."""
    requests, limits = (added(pod_amounts(spec, kind) for spec in specs) for kind in ("requests", "limits"))
    return _by_quota(requests, limits, len(specs))


def _by_quota(requests: Amounts, limits: Amounts, pods: int) -> dict[str, float]:
    """By the names that a ResourceQuota may use. https://kubernetes.io/docs/concepts/policy/resource-quotas/"""
    asked = {f"requests.{key}": value for key, value in requests.items()}
    asked |= {f"limits.{key}": value for key, value in limits.items()}
    asked |= {key: value for key, value in requests.items() if key in ("cpu", "memory")}
    return {**asked, "pods": float(pods), "count/pods": float(pods)}


def exceeded(hard: Amounts, used: Amounts, asked: Amounts) -> list[str]:
    """Each limit of a quota that is passed, as a part of a sentence."""
    over = [key for key in sorted(hard) if key in asked and asked[key] > _left(hard, used, key)]
    return [
        f"{key} {shown(key, asked[key])}, of {shown(key, hard[key])} are {shown(key, used.get(key, 0.0))} in use"
        for key in over
    ]


def most_of_quota(hard: Amounts, used: Amounts, ps: int, replicas: Replicas, *, limit: int) -> int:
    """The most workers that a quota admits beside so many ps, up to a limit; -1 where it does not admit the ps."""
    low, high = -1, limit
    while low < high:
        middle = (low + high + 1) // 2
        over = exceeded(hard, used, asked_of_quota(Cell("", 1, ps, middle), *replicas))
        low, high = (low, middle - 1) if over else (middle, high)
    return low


def scarcest(node: Amounts, replica: Replica) -> str:
    """The resource that limits the number of such replicas on a node."""
    asked = {key: value for key, value in {"pods": 1.0, **replica.requests}.items() if value}
    return min(sorted(asked), key=lambda key: node.get(key, 0.0) / asked[key])


def _left(hard: Amounts, used: Amounts, key: str) -> float:
    return hard[key] * (1 + SLACK) + SLACK - used.get(key, 0.0)


def shown(key: str, value: float) -> str:
    """4.1, or 3.1 GiB where it is memory."""
    return gibibytes(int(max(0.0, value))) if key.endswith(("memory", "storage")) else f"{round(max(0.0, value), 3):g}"


def told(one: Amounts) -> str:
    """`1 cpu and 2 GiB memory`"""
    parts = [f"{shown(key, value)} {key}" for key, value in sorted(one.items())]
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "nothing"
