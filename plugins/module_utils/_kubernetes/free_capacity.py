# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes and quotas of a cluster have left for runs. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from .._common.errors import InputError
from .._common.quantity import Amounts
from . import capacity
from .api import Api, ApiError
from .labels import MANAGED, RUN
from .nodes import NODES, name_of

PODS = "/api/v1/pods"
PRIORITY_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
# The others hold nothing any more.
LIVING = "status.phase!=Succeeded,status.phase!=Failed"

UNSEEN_PODS = "What pods of other namespaces hold was not counted: this user may not list pods of all namespaces."
# How a quota says of which priority classes it counts pods.
SELECTS: dict[str, Callable[[str, Sequence[str]], bool]] = {
    "In": lambda ours, names: ours in names,
    "NotIn": lambda ours, names: ours not in names,
    "Exists": lambda ours, _names: bool(ours),
    "DoesNotExist": lambda ours, _names: not ours,
}

Document = Mapping[str, Any]
Listed = tuple[list[dict[str, Any]], str]


@dataclass(frozen=True)
class Quota:
    """A limit of a namespace; `used` is without what is left of runs that are over."""

    name: str
    hard: Amounts
    used: Amounts


@dataclass(frozen=True)
class Seen:
    """What the API server tells one user; None is what it does not let that user see."""

    namespace: str
    nodes: Sequence[Document] | None
    # Of all namespaces, if that user may see them; else of this one.
    pods: Sequence[Document]
    sees_all_pods: bool
    limits: Sequence[Document]

    def free_on(self, nodes: Sequence[Document], *, floor: int | None = None) -> dict[str, dict[str, float]]:
        """Free amounts by node, in the given order: beside all other pods, or beside those with at least the priority `floor`."""
        held: dict[str, list[Document]] = {}
        for pod in self.pods:
            if not self._is_ours(pod) and (floor is None or _priority(pod) >= floor):
                held.setdefault(pod["spec"].get("nodeName", ""), []).append(pod["spec"])
        return {name_of(node): capacity.free_of(allocatable_of(node), held.get(name_of(node), [])) for node in nodes}

    def without_those_that_end(self) -> Seen:
        """As a run finds it that waits in a queue until others have ended."""
        return replace(self, pods=[pod for pod in self.pods if pod["spec"].get("restartPolicy", "Always") == "Always"])

    def quotas(self, priority_class: str = "") -> list[Quota]:
        """Those of all pods, and those of our priority class: one with another scope counts by rules of its own.

        A pod that might be preempted counts until it is gone: quotas are asked before the scheduler is.
        """
        ours = capacity.held_of_quota([pod["spec"] for pod in self.pods if self._is_ours(pod)])
        found = []
        for one in self.limits:
            if not _counts(one["spec"], priority_class):
                continue
            used = capacity.amounts((one.get("status") or {}).get("used"))
            others = {key: max(0.0, value - ours.get(key, 0.0)) for key, value in used.items()}
            found.append(Quota(one["metadata"]["name"], capacity.amounts(one["spec"].get("hard")), others))
        return found

    def _is_ours(self, pod: Document) -> bool:
        """Left of a run that is over: whoever holds the study removes it before a run begins."""
        labels = pod["metadata"].get("labels") or {}
        return pod["metadata"]["namespace"] == self.namespace and RUN in labels and MANAGED.items() <= labels.items()


def _counts(spec: Document, priority_class: str) -> bool:
    """https://kubernetes.io/docs/concepts/policy/resource-quotas/#resource-quota-per-priorityclass"""
    if spec.get("scopes"):
        return False
    if not spec.get("scopeSelector"):
        return True
    wanted = spec["scopeSelector"].get("matchExpressions") or ()
    return bool(wanted) and all(
        one.get("scopeName") == "PriorityClass"
        and one.get("operator") in SELECTS
        and SELECTS[one["operator"]](priority_class, one.get("values") or ())
        for one in wanted
    )


def _priority(pod: Document) -> int:
    return int(pod["spec"].get("priority") or 0)


def floor_of(api: Api, pods: Sequence[Document], given: Mapping[str, Any]) -> int | None:
    """The priority below which pods give way to ours; None where all pods count.

    https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
    """
    priority_class = given["priority_class"]
    if not given["preemptible"]:
        return None
    if not priority_class:
        raise InputError(
            "training_preemptible is true, but training_priority_class names no priority class: give one that others yield to"
        )
    try:
        found = api.get(f"{PRIORITY_CLASSES}/{priority_class}")
        value, policy = found["value"], found.get("preemptionPolicy")
    except ApiError as error:
        if error.status == 404:
            raise InputError(
                f"training_priority_class is {priority_class!r}, which the cluster does not have: create it, or give another"
            ) from error
        if error.status != 403:
            raise
        # Who may not look at classes may see a pod that has it.
        spec = next((pod["spec"] for pod in pods if pod["spec"].get("priorityClassName") == priority_class), None)
        if spec is None:
            raise InputError(
                f"the priority of class {priority_class} is not known: give this user the right to get priorityclasses,"
                " or give training_preemptible=false"
            ) from error
        value, policy = spec.get("priority"), spec.get("preemptionPolicy")
    return None if policy == "Never" else int(value or 0)


def allocatable_of(node: Document) -> Mapping[str, Any]:
    allocatable: Mapping[str, Any] = (node.get("status") or {}).get("allocatable") or {}
    return allocatable


def look(api: Api, namespace: str) -> Seen:
    """Side by side, because each is a question of its own."""
    within = f"/api/v1/namespaces/{namespace}"
    with ThreadPoolExecutor(3) as pool:
        nodes = pool.submit(api.list, NODES)
        pods = pool.submit(api.list, PODS, fieldSelector=LIVING)
        quotas = pool.submit(api.list, f"{within}/resourcequotas")
    everywhere = _seen(pods)
    here = everywhere if everywhere is not None else api.list(f"{within}/pods", fieldSelector=LIVING)[0]
    # A quota that one may not see still refuses pods; the wait then tells of it.
    return Seen(namespace, _seen(nodes), here, everywhere is not None, _seen(quotas) or [])


def _seen(answer: Future[Listed]) -> list[dict[str, Any]] | None:
    try:
        return answer.result()[0]
    except ApiError as error:
        if error.status != 403:
            raise
        return None
