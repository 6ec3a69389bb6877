# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the nodes on which runs may be, and reads back which they are. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.format import counted
from .._common.words import words
from .._kubernetes import api as kubernetes_api
from .._kubernetes import held_studies as held
from .._kubernetes.api import Api, ApiError
from .._kubernetes.nodes import NODES, candidates, considered, labels_of, name_of, obstacles, summary, told
from .._kubernetes.options import AUTH_ARG_SPEC
from .._study.design.inputs import integer

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    **held.HELD_ARG_SPEC,
    "namespace": {"type": "str", "default": ""},
    "method": {"type": "str", "choices": ["label", "resize", "none"], "default": "label"},
    "count": {"type": "int"},
    "label": {"type": "str", "default": "tfscale.study/active"},
    "node_selector": {"type": "dict", "default": {}},
}
REQUIRED_IF = [("method", "label", ("count",)), ("method", "resize", ("count",))]
ACTIVE = "true"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
# Of our own domain: every node that is not active loses this label, and no other label.
LABEL = re.compile(r"tfscale\.study/[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?", re.ASCII)

Node = Mapping[str, Any]


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    selector = words(params["node_selector"])
    try:
        if params["method"] == "none":
            return _look(kubernetes_api.connect(params), selector)
        _check(params)
        if params["method"] == "resize":
            return _recount(kubernetes_api.connect(params), params["count"], selector)
        return _label(kubernetes_api.connect(params), params, selector, check_mode=context.check_mode)
    except (InputError, ApiError) as error:
        raise StepError(f"{error}.") from error


def _check(params: Mapping[str, Any]) -> None:
    integer("count", params["count"], minimum=0)
    if not LABEL.fullmatch(params["label"]):
        raise InputError(f"label is {params['label']!r}: give tfscale.study/ and a name, such as tfscale.study/active")


def _look(api: Api, selector: Mapping[str, str]) -> dict[str, Any]:
    """Who may not see nodes has none to tell of; the pods will say where they ran."""
    try:
        nodes = candidates(api.list(NODES)[0], selector)
    except ApiError as error:
        if error.status != 403:
            raise
        return _result([], [], [], f"The nodes are not known: {error}.")
    found = [summary(node) for node in nodes]
    return _result(nodes, nodes, nodes, f"{counted(len(nodes), 'node')} can carry runs: {told(found)}.")


def _recount(api: Api, count: int, selector: Mapping[str, str]) -> dict[str, Any]:
    """Spot machines are taken away and pools repair themselves: on other nodes the run would be one of another cell."""
    nodes, _version = api.list(NODES)
    usable = candidates(nodes, selector)
    if len(usable) != count:
        why = obstacles(nodes, selector)
        raise InputError(
            f"{counted(count, 'node')} must carry the run, but the cluster has {len(usable)} that can ({_names(usable)})"
            f"{f'; {why}' if why else ''}: nodes have come or gone since the pool was resized; start the study again"
        )
    return _result(
        usable, usable, usable, f"{counted(count, 'node')} can carry runs: {told(list(map(summary, usable)))}."
    )


def _label(api: Api, params: Mapping[str, Any], selector: Mapping[str, str], *, check_mode: bool) -> dict[str, Any]:
    label, count = params["label"], params["count"]
    nodes, _version = api.list(NODES)
    usable = candidates(nodes, selector)
    if len(usable) < count:
        raise InputError(_too_few(count, nodes, usable, selector))
    before = [node for node in nodes if labels_of(node).get(label) == ACTIVE]
    wanted = usable[:count]
    names = set(map(name_of, wanted))
    wrong = [node for node in nodes if labels_of(node).get(label) != (ACTIVE if name_of(node) in names else None)]
    verb = "is" if count == 1 else "are"
    if not wrong:
        return _result(before, wanted, usable, f"{_counted(wanted)} {verb} active already.")
    held.check(params, f"The choice of nodes ({_names(before)})", held.on_cluster(api, params), verb="is changed")
    if check_mode:
        return _result(before, wanted, usable, f"{_counted(wanted)} would be active.", changed=True)
    for node in wrong:
        value = ACTIVE if name_of(node) in names else None
        api.patch(f"{NODES}/{name_of(node)}", {"metadata": {"labels": {label: value}}})
    after, _version = api.list(NODES, labelSelector=f"{label}={ACTIVE}")
    if set(map(name_of, after)) != names:
        raise InputError(
            f"nodes {_names(after)} carry the label {label} although {_names(wanted)} should: somebody else sets it;"
            " let only one study run on a cluster at a time"
        )
    return _result(before, considered(after, {}), usable, f"{_counted(wanted)} {verb} active.", changed=True)


def _too_few(count: int, nodes: Sequence[Node], usable: Sequence[Node], selector: Mapping[str, str]) -> str:
    chosen = f" with the labels of training_node_selector {dict(selector)}" if selector else ""
    why = obstacles(nodes, selector)
    return (
        f"{counted(count, 'node')} must carry the run, but the cluster has {len(usable)}{chosen} that can"
        f" ({_names(usable)}){f'; {why}' if why else ''}: give fewer in sweep_nodes, or add nodes"
    )


def _result(
    before: Sequence[Node], after: Sequence[Node], usable: Sequence[Node], msg: str, *, changed: bool = False
) -> dict[str, Any]:
    return {
        "changed": changed,
        "nodes": [summary(node) for node in after],
        "candidates": [name_of(node) for node in usable],
        "diff": {
            "before": {"active": sorted(map(name_of, before))},
            "after": {"active": sorted(map(name_of, after))},
        },
        "msg": msg,
    }


def _counted(nodes: Sequence[Node]) -> str:
    names = f" ({_names(nodes)})" if nodes else ""
    return f"{counted(len(nodes), 'node')}{names}"


def _names(nodes: Sequence[Node]) -> str:
    return ", ".join(map(name_of, nodes)) or "none"
