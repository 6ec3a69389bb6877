# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The use of processors and links during the training, from the logs of a run. PRIVATE, can break at any time.

A worker's summary has its own use between the start line and its last step (`trained`); the chief's has that of each ps (`ps`). Where
a program prints none, the lines of its pod's sampler tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..._common.fields import count, finite, mapping
from .replica_log import CHIEF, SPENT, RunLog
from .samples import Sample

Name = tuple[str, int]
# A smaller part of the training says too little of the whole.
LEAST_SHARE = 0.5
# A list of processors as Linux writes it. More numbers than any machine has processors are not read.
_LIST = re.compile(r"\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*")
_MOST_PROCESSORS = 1 << 13


def usage_of(log: RunLog, nodes: Mapping[Name, str | None]) -> dict[str, Any]:
    """Return `replicas`, the use of each by (replica, index), and `processors`, one mapping for each node.

    `nodes` names all replicas of the run, each with its node; None is this machine. Seconds, bytes and processors; a figure that
    the logs do not contain is None. Never raises.
    """
    told = {**uses(log), **dict(_told(log))}
    seen = [name for name in _reference_first(nodes) if name in told]
    cgroups = Counter((nodes[name], str(told[name].get("cgroup"))) for name in seen)
    places = list(dict.fromkeys(nodes[name] for name in seen))
    processors = [_processors(place, [name for name in nodes if nodes[name] == place], told) for place in places]
    cpus = {one["node"]: one["cpus"] for one in processors}
    links = _link_bytes(log, nodes)
    return {
        "replicas": {
            name: {
                **_replica(
                    told[name], cpus.get(nodes[name]), has_own_cgroup=_has_own(nodes[name], told[name], cgroups)
                ),
                "link_bytes": links.get(name),
            }
            for name in seen
        },
        "processors": processors,
    }


def _told(log: RunLog) -> Iterator[tuple[Name, Mapping[str, Any]]]:
    for (replica, index), one in log.logs.items():
        trained = mapping(one.summary.get("trained"))
        if replica == "worker" and trained:
            yield (
                (replica, index),
                {**trained, "local_steps": one.summary.get("local_steps"), "spent": one.summary.get("seconds")},
            )
    of_ps = log.chief.summary.get("ps")
    seconds = mapping(log.chief.summary.get("trained")).get("seconds")
    for index, used in enumerate(of_ps if isinstance(of_ps, list) else ()):
        if mapping(used):
            yield ("ps", index), {**used, "seconds": seconds}


def uses(log: RunLog) -> dict[tuple[str, int], dict[str, Any]]:
    """The use of each replica during the training, with the keys of a use in docs/timing-log.md.

    It is measured between the first and the last look within the training, and scaled to its whole duration.
    """
    seconds = log.timings()["train_seconds"]
    inside = [sample.wall for sample in log.chief.samples if sample.is_training]
    if not seconds or len(inside) < 2:
        return {}
    found = {}
    for name, one in log.logs.items():
        samples = [sample for sample in one.samples if inside[0] <= sample.wall <= inside[-1]]
        if use := _use(samples, seconds):
            found[name] = use | {"rss_peak_bytes": max((s.rss_bytes for s in one.samples if s.rss_bytes), default=None)}
    return found


def _use(samples: Sequence[Sample], seconds: float) -> dict[str, Any]:
    if len(samples) < 2 or samples[-1].wall - samples[0].wall < LEAST_SHARE * seconds:
        return {}
    first, last = samples[0], samples[-1]
    scale = seconds / (last.wall - first.wall)

    def difference(name: str) -> float | None:
        before, after = getattr(first, name), getattr(last, name)
        return None if before is None or after is None or after < before else round((after - before) * scale, 6)

    return {
        "seconds": seconds,
        "cpu_seconds": difference("cpu_seconds"),
        "throttled_seconds": difference("throttled_seconds"),
        "cpu_limit": last.cpu_limit,
        "allowed_cpus": last.allowed_cpus,
        **_shares(last.allowed_cpus, seconds, *(difference(name) for name in ("busy", "steal", "whole"))),
    }


def _shares(
    allowed: str, seconds: float, busy: float | None, steal: float | None, whole: float | None
) -> dict[str, Mapping[str, float]]:
    """Each processor's part, where the pod may use all of them: the kernel's first line has their sum."""
    numbers = _numbers(allowed)
    if busy is None or steal is None or not whole or round(whole / seconds) != len(numbers):
        return {}
    each = {"busy": busy / len(numbers), "steal": steal / len(numbers)}
    return {name: dict.fromkeys(map(str, numbers), share) for name, share in each.items()}


def _reference_first(names: Iterable[Name]) -> list[Name]:
    """The chief, whose clock times the training, then the ps, which the chief has read, then the other workers."""
    return sorted(names, key=lambda name: (name != CHIEF, name))


def _has_own(node: str | None, used: Mapping[str, Any], cgroups: Mapping[tuple[str | None, str], int]) -> bool:
    """A pod has a cgroup of its own, at the same place as every other pod. Processes usually share one."""
    return node is not None or cgroups[node, str(used.get("cgroup"))] == 1 < sum(cgroups.values())


def _replica(used: Mapping[str, Any], cpus: int | None, *, has_own_cgroup: bool) -> dict[str, Any]:
    allowed = _numbers(used.get("allowed_cpus"))
    limits = [float(len(allowed))] if allowed and cpus is not None and len(allowed) < cpus else []
    if has_own_cgroup and (quota := _amount(used.get("cpu_limit"))):
        limits.append(quota)
    return {
        "cpu_seconds": _amount(used.get("cpu_seconds")),
        "throttled_seconds": _amount(used.get("throttled_seconds")) if has_own_cgroup else None,
        "cpu_limit": min(limits, default=None),
        "allowed_cpus": str(used.get("allowed_cpus")) if allowed else None,
        "rss_peak_bytes": count(used.get("rss_peak_bytes")),
        "local_steps": count(used.get("local_steps")),
        "working_seconds": _working(mapping(used.get("spent"))),
    }


def _working(spent: Mapping[str, Any]) -> float | None:
    """The time of a worker in which the others would have to wait for it."""
    parts = [_amount(spent.get(part)) for part in SPENT if part != "ps"]
    known = [part for part in parts if part is not None]
    return round(sum(known), 6) if known else None


def _processors(node: str | None, names: list[Name], told: Mapping[Name, Mapping[str, Any]]) -> dict[str, Any]:
    """The processors that the replicas of a node may use: seconds of all programs and of the replicas, during the training."""
    seen = [told[name] for name in _reference_first(names) if name in told]
    window = next((found for one in seen if (found := _amount(one.get("seconds")))), None)
    shares: dict[int, tuple[float, float]] = {}
    for one in seen:
        seconds, busy, steal = _amount(one.get("seconds")), mapping(one.get("busy")), mapping(one.get("steal"))
        for number in _numbers(one.get("allowed_cpus")) if seconds else ():
            used, stolen = _amount(busy.get(str(number))), _amount(steal.get(str(number)))
            if used is not None and seconds:
                shares.setdefault(number, (used / seconds, (stolen or 0.0) / seconds))
    own = [_amount(told.get(name, {}).get("cpu_seconds")) for name in names]
    known = [value for value in own if value is not None]
    is_shared = node is None and len({str(one.get("cgroup")) for one in seen}) == 1
    quotas = [quota for one in seen if is_shared and (quota := _amount(one.get("cpu_limit")))]
    return {
        "node": node,
        "cpus": len(shares) or None,
        # Of all replicas together, where they share a container.
        "cpu_limit": min(quotas, default=None),
        "seconds": window,
        "busy_seconds": _scaled([busy for busy, _steal in shares.values()], window),
        "steal_seconds": _scaled([steal for _busy, steal in shares.values()], window),
        "own_seconds": round(sum(known), 6) if len(known) == len(own) else None,
    }


def _scaled(shares: list[float], seconds: float | None) -> float | None:
    return round(sum(shares) * seconds, 6) if shares and seconds else None


def _link_bytes(log: RunLog, nodes: Mapping[Name, str | None]) -> dict[Name, int]:
    """Bytes that cross the link of each replica in each direction: a step pulls all parameters and pushes as many gradients.

    Replicas of one node exchange them within it. Of processes of one machine all are counted.
    """
    sizes = log.chief.summary.get("step_bytes_per_ps")
    each = [count(size) for size in sizes] if isinstance(sizes, list) else []
    steps = {name: count(one.summary.get("local_steps")) for name, one in log.logs.items() if name[0] == "worker"}
    workers = [name for name in nodes if name[0] == "worker"]
    if not each or None in each or any(steps.get(name) is None for name in workers):
        return {}
    found: dict[Name, int] = {}
    for index, size in enumerate(each):
        for worker in workers:
            there, here = nodes.get(("ps", index)), nodes[worker]
            if there is None or there != here:
                crossed = (size or 0) * (steps[worker] or 0)
                found["ps", index] = found.get(("ps", index), 0) + crossed
                found[worker] = found.get(worker, 0) + crossed
    return found


def _amount(value: Any) -> float | None:
    number = finite(value)
    return number if number is not None and number >= 0 else None


def _numbers(listed: Any) -> list[int]:
    """The processors in a list such as 0-3,8; empty where it is none."""
    if not isinstance(listed, str) or not _LIST.fullmatch(listed):
        return []
    found: set[int] = set()
    for part in listed.split(","):
        first, _dash, last = part.partition("-")
        found.update(range(int(first), min(int(last or first), int(first) + _MOST_PROCESSORS) + 1))
    return sorted(found)
