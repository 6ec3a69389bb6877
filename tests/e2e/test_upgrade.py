# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of real StatefulSets: what is renewed in which order, what is taken back, and what a killed controller leaves.

A shell script stands in for the trainer; test_long_running.py upgrades a real training.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._deployment.objects import LongRunningTraining
from ansible_collections.tfscale.study.plugins.module_utils._deployment.upgrade import Journal
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import connect
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_upgrade

from tests.e2e import workloads
from tests.e2e.infra.cluster import Cluster

NAME = "lasting"
LABELS = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/training": NAME}
SERVE = "exec sleep 1000000"
CRASH = "sleep 1; exit 3"
NEVER_READY = {"readinessProbe": {"exec": {"command": ["/bin/sh", "-c", "false"]}, "periodSeconds": 1}}
TIMEOUT = 300.0
FULL = pytest.mark.full


def manifests(
    image: str, *, worker: str = SERVE, version: str = "1", workers: int = 2, worker_image: str = "", **container: Any
) -> list[dict[str, Any]]:
    """As role training makes them; `version` is an environment variable of the workers."""
    data = {"WORKERS": str(workers)}
    config = f"{NAME}-{hashlib.sha256(json.dumps(data).encode()).hexdigest()[:10]}"
    meta = {"name": config, "labels": LABELS}
    groups = [
        _group("ps", 1, image, SERVE, config, {}),
        _group(
            "worker",
            workers,
            worker_image or image,
            worker,
            config,
            {"env": [{"name": "VERSION", "value": version}]} | container,
        ),
    ]
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "immutable": True, "data": data}, *groups]


def _group(
    kind: str, count: int, image: str, command: str, config: str, container: Mapping[str, Any]
) -> dict[str, Any]:
    made = workloads.stateful_set(kind, count, image, command)
    labels = {**LABELS, "tfscale.study/replica": kind}
    spec = made["spec"]
    spec["selector"]["matchLabels"] = spec["template"]["metadata"]["labels"] = labels
    trainer = spec["template"]["spec"]["containers"][0]
    trainer |= {"command": ["sh", "-c", command], "envFrom": [{"configMapRef": {"name": config}}], **container}
    return {**made, "metadata": {"name": f"{NAME}-{kind}", "labels": LABELS}}


class Site:
    """A long-running training in a namespace of its own."""

    def __init__(self, cluster: Cluster, namespace: str, image: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.image = image
        self.said: list[str] = []
        api = connect({"kubeconfig": str(cluster.kubeconfig)}, patience=60)
        self.training = LongRunningTraining(api, namespace, NAME)
        for one in manifests(image):
            self.training.put(one)
        self.until(lambda: self.ready() == ["ps-0", "worker-0", "worker-1"])

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < end, self.kubectl("get", "pods,events")
            time.sleep(0.2)

    def kubectl(self, *words: str, text: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *words, text=text)

    def pods(self) -> dict[str, Any]:
        found = json.loads(self.kubectl("get", "pods", "--output=json"))["items"]
        return {one["metadata"]["name"].removeprefix(f"{NAME}-"): one for one in found}

    def ready(self) -> list[str]:
        return sorted(
            name
            for name, pod in self.pods().items()
            if any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))
        )

    def versions(self) -> list[str]:
        workers = [pod for name, pod in sorted(self.pods().items()) if name.startswith("worker")]
        return [pod["spec"]["containers"][0]["env"][0]["value"] for pod in workers]

    def uids(self) -> dict[str, str]:
        return {name: pod["metadata"]["uid"] for name, pod in self.pods().items()}

    def call(self, definition: Any = None, *, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        return call(str(self.cluster.kubeconfig), self.namespace, definition, self.said.append, check_mode, given)

    def fail(self, definition: Any, **given: Any) -> tuple[str, dict[str, Any]]:
        with pytest.raises(StepError) as caught:
            self.call(definition, **given)
        print(caught.value)
        return str(caught.value), caught.value.result

    def new(self, **given: Any) -> list[dict[str, Any]]:
        return manifests(self.image, **{"version": "2", **given})

    def journal(self) -> dict[str, Any]:
        return Journal(self.training).read()

    def kill_when(self, condition: Callable[[dict[str, Any]], bool], definition: Any, **given: Any) -> None:
        """An upgrade by another process, which is killed as soon as its journal says so."""
        where = (str(self.cluster.kubeconfig), self.namespace, definition, print, False, given)
        other = multiprocessing.get_context("spawn").Process(target=call, args=where)
        other.start()
        try:
            self.until(lambda: condition(self.journal()) or not other.is_alive())
            assert other.is_alive(), "it was over before it could be killed"
        finally:
            other.kill()
            other.join()


def call(
    kubeconfig: str,
    namespace: str,
    definition: Any,
    say: Callable[[str], None],
    check_mode: bool,
    given: dict[str, Any],
) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in training_upgrade.ARGUMENT_SPEC.items()}
    params |= {"kubeconfig": kubeconfig, "namespace": namespace, "name": NAME, "definition": definition}
    usual = {"owner_pid": os.getpid(), "timeout": TIMEOUT, "min_ready_seconds": 2.0}
    return training_upgrade.execute({**params, **usual, **given}, Context(check_mode=check_mode, say=say))


@pytest.fixture
def site(cluster: Cluster, namespace: str, toolbox: str) -> Site:
    return Site(cluster, namespace, toolbox)


@FULL
def test_an_upgrade_is_shown_made_and_found_made(site: Site) -> None:
    before = site.uids()
    shown = site.call(site.new(), check_mode=True)
    assert shown["changed"] is True
    assert list(shown["diff"]["after"]) == [f"StatefulSet {NAME}-worker"]
    assert (site.uids(), site.journal()) == (before, {})
    result = site.call(site.new())
    assert (result["changed"], site.versions()) == (True, ["2", "2"])
    # Of the ps nothing changed, so it still has what it knew.
    assert site.uids()["ps-0"] == before["ps-0"]
    assert result["diff"] == shown["diff"]
    created = {name: pod["metadata"]["creationTimestamp"] for name, pod in site.pods().items()}
    assert created["worker-1"] < created["worker-0"]
    assert site.call(site.new())["changed"] is False
    back = site.call(state="rolled_back")
    assert (back["changed"], site.versions()) == (True, ["1", "1"])
    assert back["after"]["worker"]["revision"] == result["before"]["worker"]["revision"]
    assert site.ready() == ["ps-0", "worker-0", "worker-1"]


@FULL
@pytest.mark.parametrize("strategy", ["canary", "recreate"])
def test_other_strategies_end_in_the_same(site: Site, strategy: str) -> None:
    site.call(site.new(), strategy=strategy)
    assert site.versions() == ["2", "2"]
    assert site.call(site.new(), strategy="rolling")["changed"] is False


@FULL
def test_another_size_restarts_all_and_is_taken_back_when_it_does_not_fit(site: Site) -> None:
    before = site.uids()
    result = site.call(site.new(workers=3))
    assert "from 2 to 3 workers: all replicas restart" in result["msg"]
    assert not set(before.values()) & set(site.uids().values())
    assert site.ready() == ["ps-0", "worker-0", "worker-1", "worker-2"]
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "four"}, "spec": {"hard": {"pods": "4"}}}
    site.kubectl("apply", "-f", "-", text=json.dumps(quota))
    site.until(lambda: '"used"' in site.kubectl("get", "resourcequota", "four", "--output=json"))
    message, known = site.fail(site.new(workers=5))
    assert "was not created: exceeded quota: four" in message
    assert known["after"] == known["before"]
    assert site.ready() == ["ps-0", "worker-0", "worker-1", "worker-2"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"worker_image": "tfscale.test/nothing:1"}, "image tfscale.test/nothing:1 is not on node"),
        pytest.param({"worker": CRASH}, "worker 1 exited with code 3 again and again", marks=FULL),
        pytest.param(NEVER_READY, "worker 1 did not get ready within 20 s", marks=FULL),
    ],
    ids=["image", "crash", "deaf"],
)
def test_what_does_not_work_is_taken_back(site: Site, given: dict[str, Any], words: str) -> None:
    before = site.uids()
    timeout = 20.0 if given is NEVER_READY else TIMEOUT
    message, known = site.fail(site.new(**given), timeout=timeout)
    assert words in message
    assert message.endswith(
        f"rolled back to ControllerRevisions {known['before']['ps']['revision']} and {known['before']['worker']['revision']}."
    )
    assert known["after"] == known["before"]
    assert site.ready() == ["ps-0", "worker-0", "worker-1"]
    # Those that worked were not touched.
    assert {name: site.uids()[name] for name in ("ps-0", "worker-0")} == {
        name: before[name] for name in ("ps-0", "worker-0")
    }
    assert site.call(site.new())["changed"] is True


PHASES = {
    "begun": bool,
    "half": lambda entry: entry.get("next") == 1,
    "retreating": lambda entry: entry.get("stage") == "retreating",
}


@FULL
@pytest.mark.parametrize("phase", ["half", "begun", "retreating"])
def test_a_killed_controller_leaves_no_half_an_upgrade(site: Site, phase: str) -> None:
    bad = {"worker_image": "tfscale.test/nothing:1"} if phase == "retreating" else {}
    wanted = site.new(**bad)
    site.kill_when(PHASES[phase], wanted)
    assert site.journal()["stage"] in ("upgrading", "retreating")
    if bad:
        message, _known = site.fail(wanted)
        assert "rolled back" in message
        assert site.versions() == ["1", "1"]
    else:
        assert site.call(wanted)["changed"] is True
        assert any("is resumed" in line for line in site.said)
        assert site.versions() == ["2", "2"]
    assert site.journal()["stage"] == "done"
    assert site.ready() == ["ps-0", "worker-0", "worker-1"]


@FULL
def test_a_killed_change_of_size_goes_back_before_something_else(site: Site) -> None:
    site.kill_when(lambda entry: entry.get("next") == 2, site.new(workers=3))
    site.call(manifests(site.image, version="3"))
    assert any("goes back to ControllerRevisions" in line for line in site.said)
    assert site.versions() == ["3", "3"]
    assert site.ready() == ["ps-0", "worker-0", "worker-1"]


@FULL
def test_a_second_upgrade_at_the_same_time_is_refused(site: Site) -> None:
    refused: list[str] = []

    def condition(entry: dict[str, Any]) -> bool:
        if entry and not refused:
            refused.append(site.fail(manifests(site.image, version="3"))[0])
        return bool(refused)

    site.kill_when(condition, site.new(), min_ready_seconds=30.0)
    assert f"training {NAME} in namespace {site.namespace} is held by process" in refused[0]
    assert site.call(site.new())["changed"] is True
    assert site.versions() == ["2", "2"]
