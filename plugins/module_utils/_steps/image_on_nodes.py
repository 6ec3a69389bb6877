# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that every node has the same image. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.format import counted, readable
from .._kubernetes import api as kubernetes_api
from .._kubernetes.api import Api, ApiError
from .._kubernetes.image_check import (
    CHECK,
    Seen,
    asker_of,
    check_id,
    disagreement,
    document,
    expected,
    is_asked_for,
    problem,
    read,
)
from .._kubernetes.labels import MANAGED
from .._kubernetes.nodes import NODES, candidates, name_of, obstacles
from .._kubernetes.options import AUTH_ARG_SPEC
from .._kubernetes.ownership import check_owner
from .._kubernetes.ownership import read as read_object

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    "image": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "digest": {"type": "str", "default": ""},
    "pull_policy": {"type": "str", "choices": ["Always", "IfNotPresent", "Never"], "default": "IfNotPresent"},
    # Names, not secrets.
    "pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "run_as_user": {"type": "int"},
    "node_selector": {"type": "dict", "default": {}},
    "tolerations": {"type": "list", "elements": "dict", "default": []},
    "study": {"type": "str", "default": ""},
    "timeout": {"type": "float", "default": 600.0},
}
PAUSE_SECONDS = 0.3
# So long the others are waited for once a node is known to have no image: the sentence shall name them all.
SETTLE_SECONDS = 5.0
# So long an admitted DaemonSet may take to make its pods before its events are asked why there are none.
REFUSED_SECONDS = 3.0
REMOVE_SECONDS = 60.0


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    image = params["image"]
    if context.check_mode:
        msg = f"Every node would be asked for image {image}."
        return {"changed": False, "digest": "", "nodes": [], "msg": msg}
    try:
        check = _Check(kubernetes_api.connect(params), params, context)
        context.say(f"image {image}: asking every node for it")
        seen = check.ask()
        _judge(image, seen, params["digest"])
    except (InputError, ApiError) as error:
        raise StepError(f"{error}.") from error
    msg = f"Image {image} is on {counted(len(seen), 'node')}: {seen[0].digest}."
    nodes = [{"name": one.node, "image_id": one.image_id} for one in seen]
    return {"changed": False, "digest": seen[0].digest, "nodes": nodes, "msg": msg}


def _judge(image: str, seen: Sequence[Seen], digest: str) -> None:
    wrong = problem(image, seen) or disagreement(image, seen, digest)
    if wrong:
        raise InputError(wrong)


class _Check:
    def __init__(self, api: Api, params: Mapping[str, Any], context: Context) -> None:
        self._api = api
        self._document = document(params)
        self._selector = dict(params["node_selector"])
        self._timeout = params["timeout"]
        self._context = context
        self._nodes: list[dict[str, Any]] | None = None
        self._uid: str | None = None
        self._namespace = params["namespace"]
        self._sets = f"/apis/apps/v1/namespaces/{self._namespace}/daemonsets"
        self._pods = f"/api/v1/namespaces/{self._namespace}/pods"
        self._name = self._document["metadata"]["name"]
        self._labels = f"{CHECK}={check_id(params['image'])}"
        self._owner = {**MANAGED, CHECK: check_id(params["image"])}

    def ask(self) -> list[Seen]:
        """What became of the pod on every node that can carry a run; the pods are gone afterwards."""
        self._nodes = self._known_nodes()
        self._create()
        try:
            return self._wait()
        finally:
            # What a server that is away keeps is removed by the next check or by training_cleanup.
            with contextlib.suppress(ApiError):
                self._remove(self._uid)

    def _known_nodes(self) -> list[dict[str, Any]] | None:
        """Who may not see nodes relies on the DaemonSet's own count."""
        try:
            return self._api.list(NODES)[0]
        except ApiError as error:
            if error.status != 403:
                raise
            return None

    def _create(self) -> None:
        end = self._context.clock() + self._timeout
        while not self._is_made():
            is_late = self._context.clock() >= end
            live = read_object(self._api, f"{self._sets}/{self._name}")
            if live is not None:
                check_owner(live, self._owner, f"DaemonSet {self._namespace}/{self._name}")
                asked = is_asked_for(live)
                if is_late and (asked or self._context.clock() >= end + REMOVE_SECONDS):
                    raise InputError(
                        f"image {self._image} is still being asked for by {asker_of(live)} after {self._timeout:.0f} s: wait"
                        " for it, or give image_timeout more seconds"
                    )
                if asked is False or (asked is None and is_late):
                    # A check that was killed left it, perhaps with another policy.
                    self._remove(live["metadata"].get("uid"))
            # Another controller's answers must come first.
            self._context.sleep(PAUSE_SECONDS)

    def _is_made(self) -> bool:
        try:
            self._uid = self._api.create(self._sets, self._document)["metadata"].get("uid")
        except ApiError as error:
            if error.status != 409:
                raise
            return False
        return True

    def _wait(self) -> list[Seen]:
        began = self._context.clock()
        end = began + self._timeout
        while True:
            wanted, pods = self._look()
            seen = self._usable(pods)
            # Pods that are still missing might be the ones that tell of a node without the image.
            if wanted is not None and len(pods) >= wanted and all(one.is_final for one in seen):
                return seen or self._none()
            if wanted and not pods and self._context.clock() >= began + REFUSED_SECONDS:
                self._raise_refusal()
            if problem(self._image, [one for one in seen if one.is_final]):
                end = min(end, self._context.clock() + SETTLE_SECONDS)
            if self._context.clock() >= end:
                return self._late(seen)
            self._context.sleep(PAUSE_SECONDS)

    @property
    def _image(self) -> str:
        return str(self._document["spec"]["template"]["spec"]["containers"][0]["image"])

    def _look(self) -> tuple[int | None, list[Seen]]:
        wanted = expected(self._api.get(f"{self._sets}/{self._name}"))
        pods, _version = self._api.list(self._pods, labelSelector=self._labels)
        return wanted, sorted(map(read, pods), key=lambda one: one.node)

    def _usable(self, pods: Sequence[Seen]) -> list[Seen]:
        """A DaemonSet also serves nodes that are cordoned or away, where no run would be."""
        if self._nodes is None:
            return list(pods)
        names = {name_of(node) for node in candidates(self._nodes, self._selector)}
        return [one for one in pods if one.node in names]

    def _late(self, seen: list[Seen]) -> list[Seen]:
        final = [one for one in seen if one.is_final]
        if problem(self._image, final):
            return final
        silent = ", ".join(
            f"{one.node} ({one.message or one.reason or 'no answer'})" for one in seen if not one.is_final
        )
        raise InputError(
            f"not every node had image {self._image} after {self._timeout:.0f} s: {silent or 'no pod was created'};"
            " look at its pods, or give image_timeout more seconds"
        )

    def _none(self) -> list[Seen]:
        why = obstacles(self._nodes or [], self._selector)
        raise InputError(
            f"no node can carry a run{f' ({why})' if why else ''}: add nodes, or correct training_node_selector"
        )

    def _raise_refusal(self) -> None:
        path = f"/api/v1/namespaces/{self._namespace}/events"
        chosen = f"involvedObject.name={self._name},reason=FailedCreate"
        try:
            events, _version = self._api.list(path, fieldSelector=chosen)
        except ApiError as error:
            if error.status != 403:
                raise
            return
        if events:
            raise InputError(
                f"namespace {self._namespace} refuses pods of image {self._image}: {readable(events[-1].get('message', ''))}"
            )

    def _remove(self, uid: str | None) -> None:
        """Return when the pods are gone too: they would be foreign load to the first run."""
        try:
            options = {"preconditions": {"uid": uid}} if uid else None
            self._api.delete(f"{self._sets}/{self._name}", options, propagationPolicy="Background")
        except ApiError as error:
            if error.status == 409:
                # Another one of its name is another controller's.
                return
            if error.status != 404:
                raise
        end = self._context.clock() + REMOVE_SECONDS
        while self._usable(self._look_pods()) and self._context.clock() < end:
            self._context.sleep(PAUSE_SECONDS)

    def _look_pods(self) -> list[Seen]:
        pods, _version = self._api.list(self._pods, labelSelector=self._labels)
        return list(map(read, pods))
