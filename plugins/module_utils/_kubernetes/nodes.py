# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of a cluster can carry a run, and why the others cannot. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._common.format import gibibytes, readable
from .._common.quantity import amount

NODES = "/api/v1/nodes"
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
MACHINE_TYPE = "node.kubernetes.io/instance-type"
REPELLING = ("NoSchedule", "NoExecute")

Node = Mapping[str, Any]


def name_of(node: Node) -> str:
    return str(node["metadata"]["name"])


def labels_of(node: Node) -> Mapping[str, str]:
    labels: Mapping[str, str] = node["metadata"].get("labels") or {}
    return labels


def is_control_plane(node: Node) -> bool:
    return any(label in labels_of(node) for label in CONTROL_PLANE)


def obstacle(node: Node, *, taints: bool = True) -> str:
    """Why no pod of ours would run there; empty when it would. With `taints` off, those are the pods' own affair."""
    conditions = {one["type"]: one for one in node.get("status", {}).get("conditions") or []}
    ready = conditions.get("Ready", {})
    if ready.get("status") != "True":
        told = readable(ready.get("message") or ready.get("reason") or "the kubelet has not reported yet")
        return f"not Ready: {told}"
    if node["spec"].get("unschedulable"):
        return "cordoned"
    repelling = [one for one in node["spec"].get("taints") or [] if one["effect"] in REPELLING]
    if taints and repelling:
        return f"tainted {repelling[0]['key']}:{repelling[0]['effect']}"
    return ""


def considered(nodes: Iterable[Node], selector: Mapping[str, str]) -> list[Node]:
    """The nodes that are meant for runs, by name: those of the selector, without the control plane where others are."""
    chosen = [node for node in nodes if all(labels_of(node).get(key) == value for key, value in selector.items())]
    workers = [node for node in chosen if not is_control_plane(node)]
    return sorted(workers or chosen, key=_order)


def candidates(nodes: Iterable[Node], selector: Mapping[str, str]) -> list[Node]:
    """Those of them that can run pods now. Who selects nodes answers for their taints (training_tolerations)."""
    return [node for node in considered(nodes, selector) if not obstacle(node, taints=not selector)]


def obstacles(nodes: Iterable[Node], selector: Mapping[str, str]) -> str:
    """As a list for a sentence: `kind-worker2 is not Ready: ...; kind-worker3 is cordoned`."""
    found = [(name_of(node), obstacle(node, taints=not selector)) for node in considered(nodes, selector)]
    return "; ".join(f"{name} is {why}" for name, why in found if why)


def summary(node: Node) -> dict[str, Any]:
    """What a record keeps of a node: its name, its type (by which a cloud charges), its boot, and what pods may ask for there."""
    allocatable = node.get("status", {}).get("allocatable") or {}
    info = node.get("status", {}).get("nodeInfo") or {}
    return {
        "name": name_of(node),
        "machine_type": labels_of(node).get(MACHINE_TYPE),
        # Nodes of one boot are one machine, as those of Kind.
        "boot_id": info.get("bootID") or None,
        "cpus": amount(allocatable.get("cpu", "")),
        "memory_bytes": _whole(amount(allocatable.get("memory", ""))),
    }


def told(nodes: Sequence[Mapping[str, Any]]) -> str:
    """`kind-worker (1 CPU, 2 GiB), kind-worker2 (...)` from summaries."""
    return ", ".join(f"{node['name']}{_size(node)}" for node in nodes) or "none"


def _size(node: Mapping[str, Any]) -> str:
    if node["cpus"] is None or node["memory_bytes"] is None:
        return ""
    return f" ({node['cpus']:g} CPU, {gibibytes(node['memory_bytes'])})"


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _order(node: Node) -> list[Any]:
    """worker2 before worker10; parts alternate between text and number, so that only like is compared."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name_of(node))]
