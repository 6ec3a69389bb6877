# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a new cluster can run pods that find each other by name. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._common.errors import BackendError
from .._common.format import counted
from .api import Api, ApiError
from .nodes import NODES, Node, name_of, obstacle

DNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
PAUSE_SECONDS = 0.5


def wait_until_ready(
    api: Api,
    names: Iterable[str],
    *,
    seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> list[dict[str, Any]]:
    """The nodes, once all of these names are ready and names are resolved: Ready nodes come some time before that."""
    wanted = set(names)
    end = clock() + seconds
    while True:
        try:
            nodes, _version = api.list(NODES)
            missing = lacking(nodes, wanted) or _dns_missing(api)
        except ApiError as error:
            # Also 403: a server that has just started does not know anybody's rights yet.
            missing = str(error)
        if not missing:
            return [node for node in nodes if name_of(node) in wanted]
        if clock() >= end:
            raise BackendError(f"the cluster was not ready after {seconds:.0f} s: {missing}")
        sleep(PAUSE_SECONDS)


def wait_for_count(
    api: Api,
    label: str,
    count: int,
    *,
    seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> list[dict[str, Any]]:
    """The nodes with this label (`key=value`), once they are `count` and all ready: those that leave are gone by then."""
    end = clock() + seconds
    while True:
        try:
            nodes, _version = api.list(NODES, labelSelector=label)
            why = [
                f"{name_of(node)} is {obstacle(node, taints=False)}" for node in nodes if obstacle(node, taints=False)
            ]
            missing = "; ".join([f"it has {len(nodes)}"] * (len(nodes) != count) + why)
        except ApiError as error:
            if error.status == 401:
                raise
            missing = str(error)
        if not missing:
            return nodes
        if clock() >= end:
            raise BackendError(f"after {seconds:.0f} s the cluster has not {counted(count, 'ready node')}: {missing}")
        sleep(PAUSE_SECONDS)


def lacking(nodes: Iterable[Node], wanted: Iterable[str]) -> str:
    known = {name_of(node): obstacle(node, taints=False) for node in nodes}
    found = [f"node {name} is {known.get(name, 'not there')}" for name in sorted(wanted) if known.get(name, "x")]
    return "; ".join(found)


def _dns_missing(api: Api) -> str:
    try:
        status = api.get(DNS).get("status") or {}
    except ApiError as error:
        if error.status != 404:
            raise
        status = {}
    return "" if condition_of(status, "Available").get("status") == "True" else "coredns does not resolve names yet"


def condition_of(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next((one for one in status.get("conditions") or () if one.get("type") == name), {})
