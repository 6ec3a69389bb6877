# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes and quotas of a cluster have left for runs. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._backend.kubernetes_api import Api, ApiError
from ansible_collections.tfscale.study.plugins.module_utils._backend.labels import MANAGED, RUN
from ansible_collections.tfscale.study.plugins.module_utils._backend.nodes import NODES, name_of
from ansible_collections.tfscale.study.plugins.module_utils._study import capacity

PODS = "/api/v1/pods"
# The others hold nothing any more.
LIVING = "status.phase!=Succeeded,status.phase!=Failed"

Document = Mapping[str, Any]
Listed = tuple[list[dict[str, Any]], str]


@dataclass(frozen=True)
class Quota:
    """A limit of a namespace; `used` is without what is left of runs that are over."""

    name: str
    hard: capacity.Amounts
    used: capacity.Amounts


@dataclass(frozen=True)
class Seen:
    """What the API server tells one user; None is what it does not let that user see."""

    namespace: str
    nodes: Sequence[Document] | None
    # Of all namespaces, if that user may see them; else of this one.
    pods: Sequence[Document]
    sees_all_pods: bool
    limits: Sequence[Document]

    def room_on(self, nodes: Sequence[Document]) -> dict[str, dict[str, float]]:
        """By name, in the order of the nodes: what they have beside the pods of others."""
        held: dict[str, list[Document]] = {}
        for pod in self.pods:
            if not self._is_ours(pod):
                held.setdefault(pod["spec"].get("nodeName", ""), []).append(pod["spec"])
        return {name_of(node): capacity.room_of(allocatable_of(node), held.get(name_of(node), [])) for node in nodes}

    def quotas(self) -> list[Quota]:
        """Those of all pods: one with a scope counts some of them only, by rules of its own."""
        ours = capacity.held_of_quota([pod["spec"] for pod in self.pods if self._is_ours(pod)])
        found = []
        for one in self.limits:
            if one["spec"].get("scopes") or one["spec"].get("scopeSelector"):
                continue
            used = capacity.amounts((one.get("status") or {}).get("used"))
            others = {key: max(0.0, value - ours.get(key, 0.0)) for key, value in used.items()}
            found.append(Quota(one["metadata"]["name"], capacity.amounts(one["spec"].get("hard")), others))
        return found

    def _is_ours(self, pod: Document) -> bool:
        """Left of a run that is over: whoever holds the study removes it before a run begins."""
        labels = pod["metadata"].get("labels") or {}
        return pod["metadata"]["namespace"] == self.namespace and RUN in labels and MANAGED.items() <= labels.items()


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
