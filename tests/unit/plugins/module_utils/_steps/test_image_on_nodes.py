# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking all nodes for an image, with a cluster whose DaemonSets are made here."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._common.process import identity, process_space
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.image_check import ASKER, check_id
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.nodes import NODES
from ansible_collections.tfscale.study.plugins.module_utils._steps import image_on_nodes

from tests.fixtures.nodes import Cluster, node

SETS = "/apis/apps/v1/namespaces/tfscale/daemonsets"
PODS = "/api/v1/namespaces/tfscale/pods"
EVENTS = "/api/v1/namespaces/tfscale/events"
SAME = {"imageID": "x@sha256:aa", "state": {"running": {}}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"imageID": "", "state": {"waiting": {"reason": reason, "message": message}}}


class Daemons(Cluster):
    """Makes a pod on every node of a DaemonSet; `becomes` says for each node what its container is, second by second."""

    def __init__(self, **becomes: Any) -> None:
        super().__init__(*map(node, becomes))
        self.becomes = becomes
        self.now = 0.0
        self.refused_pods = ""
        self.made: dict[str, Any] = {}
        self.ended: list[tuple[str, float]] = []

    def create(self, path: str, document: Mapping[str, Any], **query: Any) -> dict[str, Any]:
        made = super().create(path, document)
        self.made = made
        name = made["metadata"]["name"]
        self.objects[f"{path}/{name}"]["metadata"]["generation"] = 1
        self.objects[f"{path}/{name}"]["status"] = {
            "observedGeneration": 1,
            "desiredNumberScheduled": len(self.becomes),
        }
        for one in () if self.refused_pods else self.becomes:
            self._run(one, made["spec"]["template"]["metadata"]["labels"])
        if self.refused_pods:
            self.objects[f"{EVENTS}/e"] = {"metadata": {"name": "e"}, "message": self.refused_pods}
        return made

    def _run(self, where: str, labels: Mapping[str, str]) -> None:
        metadata = {"name": where, "labels": dict(labels)}
        self.objects[f"{PODS}/{where}"] = {"metadata": metadata, "spec": {"nodeName": where}, "status": {}}

    def list(self, path: str, **query: Any) -> tuple[list[dict[str, Any]], str]:
        found, version = super().list(path, **query)
        for one in found if path == PODS else ():
            becomes = self.becomes[one["metadata"]["name"]]
            at = max((when for when in becomes if when <= self.now), default=None)
            one["status"]["containerStatuses"] = [] if at is None else [becomes[at]]
        return found, version

    def delete(self, path: str, options: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        removed = super().delete(path, options)
        self.ended.append((path, self.now))
        for where in self.becomes:
            self.objects.pop(f"{PODS}/{where}", None)
        return removed

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def remains(self) -> bool:
        return any(path.startswith((SETS, PODS)) for path in self.objects)


def run(api: Daemons, monkeypatch: pytest.MonkeyPatch, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: api)
    given = {"image": "x:1", "namespace": "tfscale", "pull_policy": "Never", "timeout": 60, **arguments}
    checked = ArgumentSpecValidator(image_on_nodes.ARGUMENT_SPEC).validate(given)
    assert checked.error_messages == []
    params = checked.validated_parameters
    lines: list[str] = []
    result = image_on_nodes.execute(
        params, Context(check_mode=check_mode, say=lines.append, clock=lambda: api.now, sleep=api.sleep)
    )
    assert check_mode or lines == ["image x:1: asking every node for it"]
    return result


def failure(api: Daemons, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> str:
    with pytest.raises(StepError) as caught:
        run(api, monkeypatch, **arguments)
    assert not api.remains
    return str(caught.value)


def test_execute_returns_what_all_nodes_have(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={0: SAME}, w2={3: {**SAME, "imageID": "y@sha256:aa"}})
    result = run(api, monkeypatch)
    assert (result["changed"], result["digest"]) == (False, "sha256:aa")
    assert result["nodes"] == [{"name": "w1", "image_id": "x@sha256:aa"}, {"name": "w2", "image_id": "y@sha256:aa"}]
    assert result["msg"] == "Image x:1 is on 2 nodes: sha256:aa."
    assert not api.remains
    assert api.now >= 3


def test_execute_in_check_mode_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={0: SAME})
    result = run(api, monkeypatch, check_mode=True)
    assert (result["changed"], api.requests) == (False, 0)
    assert result["msg"] == "Every node would be asked for image x:1."


def test_execute_with_a_program_that_cannot_start_still_knows_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = {"imageID": "x@sha256:aa", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "no sleep"}}}
    assert run(Daemons(w1={0: crashed}), monkeypatch)["digest"] == "sha256:aa"


def test_execute_does_not_wait_for_nodes_that_carry_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={0: SAME}, cordoned={}, away={})
    api.objects[f"{NODES}/cordoned"] = node("cordoned", cordoned=True)
    api.objects[f"{NODES}/away"] = node("away", ready="Unknown")
    assert [one["name"] for one in run(api, monkeypatch)["nodes"]] == ["w1"]


def test_execute_without_the_right_to_see_nodes_relies_on_the_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={0: SAME}, w2={1: SAME})
    api.refuse("LIST", NODES, 403)
    assert len(run(api, monkeypatch)["nodes"]) == 2


def test_execute_removes_what_a_killed_check_left(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={0: SAME})
    run(api, monkeypatch)
    api.objects[f"{SETS}/{api.made['metadata']['name']}"] = api.made
    assert run(api, monkeypatch)["digest"] == "sha256:aa"
    assert not api.remains


@pytest.mark.parametrize(
    ("becomes", "arguments", "sentence"),
    [
        (
            {"w1": {0: SAME}, "w2": {1: waiting("ErrImageNeverPull")}},
            {},
            "image x:1 is not on node w2: put it there (image_delivery kind or push), or let the nodes pull it"
            " (training_image_pull_policy IfNotPresent).",
        ),
        (
            {"w1": {1: waiting("ErrImageNeverPull")}, "w2": {4: waiting("ErrImageNeverPull")}},
            {},
            "image x:1 is not on any node (w1, w2): put it there",
        ),
        (
            {"w1": {1: waiting("ErrImageNeverPull")}, "w2": {30: SAME}},
            {},
            "image x:1 is not on node w1: put it there",
        ),
        (
            {"w1": {0: waiting("ErrImagePull", "eof"), 20: waiting("ImagePullBackOff", "denied")}},
            {},
            "node w1 cannot pull image x:1 (denied): check its name",
        ),
        (
            {"w1": {0: SAME}, "w2": {0: {**SAME, "imageID": "x@sha256:bb"}}},
            {},
            "nodes have different images under the name x:1 (w1 sha256:aa, w2 sha256:bb): deliver it again",
        ),
        (
            {"w1": {0: SAME}},
            {"digest": "sha256:cc"},
            "nodes have different images under the name x:1 (w1 sha256:aa instead",
        ),
        (
            {"w1": {0: SAME}, "w2": {0: waiting("ErrImagePull", "eof")}},
            {},
            "not every node had image x:1 after 60 s: w2 (eof); look at its pods, or give image_timeout more seconds.",
        ),
        ({"w1": {}}, {"timeout": 5}, "not every node had image x:1 after 5 s: w1 (no answer); look"),
        ({}, {}, "no node can carry a run: add nodes, or correct training_node_selector."),
    ],
)
def test_execute_says_what_is_wrong_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, becomes: dict[str, Any], arguments: dict[str, Any], sentence: str
) -> None:
    assert failure(Daemons(**becomes), monkeypatch, **arguments).startswith(sentence)


def test_execute_ends_soon_after_the_first_node_without_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={1: waiting("ErrImageNeverPull")}, w2={})
    failure(api, monkeypatch)
    assert api.now < 10


def test_execute_names_why_no_pod_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={0: SAME})
    api.refused_pods = "exceeded quota: pods=0"
    assert failure(api, monkeypatch) == "namespace tfscale refuses pods of image x:1: exceeded quota: pods=0."
    api = Daemons(w1={0: SAME})
    api.refused_pods = "exceeded quota"
    api.refuse("LIST", EVENTS, 403)
    assert failure(api, monkeypatch).startswith("not every node had image x:1 after 60 s: no pod was created")


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("POST", SETS, 403, "user bob may not create daemonsets in namespace tfscale"),
        ("LIST", NODES, 500, "refused LIST"),
    ],
)
def test_execute_tells_what_the_server_refused(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str, status: int, sentence: str
) -> None:
    api = Daemons(w1={0: SAME})
    api.refuse(method, path, status, 'User "bob" cannot create resource "daemonsets" in API group "apps"')
    assert sentence in failure(api, monkeypatch)


def test_execute_reports_the_first_error_although_removing_fails_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={1: waiting("ErrImageNeverPull")})
    api.refuse("DELETE", f"{SETS}/tf-image-{check_id('x:1')}", 500)
    with pytest.raises(StepError, match="image x:1 is not on node w1"):
        run(api, monkeypatch)


@pytest.mark.parametrize(
    "labels", [{}, {"app.kubernetes.io/managed-by": "Helm"}, {"app.kubernetes.io/managed-by": "tfscale.study"}]
)
def test_execute_leaves_a_daemonset_of_others(monkeypatch: pytest.MonkeyPatch, labels: dict[str, str]) -> None:
    api = Daemons(w1={0: SAME})
    twin = f"{SETS}/tf-image-{check_id('x:1')}"
    api.objects[twin] = {"metadata": {"name": twin.rpartition("/")[2], "labels": labels}, "spec": {"theirs": True}}
    with pytest.raises(StepError, match=r"DaemonSet tfscale/tf-image-\w+ is there and is not ours"):
        run(api, monkeypatch)
    assert api.objects[twin]["spec"] == {"theirs": True}


HERE, SPACE, OTHER = socket.gethostname(), process_space(), os.getppid()


def asked_by(api: Daemons, asker: str) -> str:
    """The DaemonSet of another controller's check of the same image."""
    twin = f"{SETS}/tf-image-{check_id('x:1')}"
    labels = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/image-check": check_id("x:1")}
    metadata = {"name": twin.rpartition("/")[2], "uid": "theirs", "labels": labels, "annotations": {ASKER: asker}}
    api.objects[twin] = {"metadata": metadata, "spec": {"theirs": True}}
    return twin


@pytest.mark.parametrize("asker", [f"{HERE}/{identity(OTHER)}/{SPACE}", f"far/7:1/{SPACE}", f"{HERE}/7:1/other-space"])
def test_execute_waits_for_the_check_of_another_controller(monkeypatch: pytest.MonkeyPatch, asker: str) -> None:
    api = Daemons(w1={0: SAME})
    twin = asked_by(api, asker)
    sleep, seen = api.sleep, []

    def until_it_ends(seconds: float) -> None:
        sleep(seconds)
        seen.append(api.objects.get(twin, {}).get("spec") == {"theirs": True})
        if api.now >= 5 and seen[-1]:
            del api.objects[twin]

    monkeypatch.setattr(api, "sleep", until_it_ends)
    assert run(api, monkeypatch)["digest"] == "sha256:aa"
    assert sum(seen) == pytest.approx(5 / image_on_nodes.PAUSE_SECONDS, abs=1)
    assert len(api.ended) == 1


@pytest.mark.parametrize(
    ("asker", "seconds"),
    [
        ("", 1),
        ("x", 1),
        (f"{HERE}/{OTHER}:1/{SPACE}", 1),  # the number was given to another process
        (f"{HERE}/{2**22 + 1}:1/{SPACE}", 1),
        (f"{HERE}/x:1/{SPACE}", 1),
        (f"far/7:1/{SPACE}", 61),  # as long as any check takes
    ],
)
def test_execute_removes_the_check_of_a_controller_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, asker: str, seconds: float
) -> None:
    api = Daemons(w1={0: SAME})
    twin = asked_by(api, asker)
    assert run(api, monkeypatch)["digest"] == "sha256:aa"
    assert seconds - 1 <= api.ended[0][1] <= seconds
    assert (len(api.ended), twin in api.objects) == (2, False)


def test_execute_leaves_the_check_of_a_controller_that_still_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={0: SAME})
    twin = asked_by(api, f"{HERE}/{identity(OTHER)}/{SPACE}")
    with pytest.raises(StepError) as caught:
        run(api, monkeypatch)
    told = str(caught.value)
    assert [fact for fact in ("x:1", HERE, str(OTHER), "60 s", "image_timeout") if fact not in told] == []
    assert api.objects[twin]["spec"] == {"theirs": True}


def test_execute_removes_no_check_that_came_after_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Daemons(w1={3: SAME})
    sleep = api.sleep

    def replaced(seconds: float) -> None:
        sleep(seconds)
        name = f"{SETS}/tf-image-{check_id('x:1')}"
        if name in api.objects:
            api.objects[name]["metadata"]["uid"] = "theirs"

    monkeypatch.setattr(api, "sleep", replaced)
    assert run(api, monkeypatch)["digest"] == "sha256:aa"
    assert api.ended == []
