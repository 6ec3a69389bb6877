# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As many workers as are said to fit are placed by a real scheduler, and not one more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._steps import cluster_capacity_info

from tests.e2e.infra.base import InfraError
from tests.e2e.infra.cluster import Cluster
from tests.e2e.steps import execute, failure
from tests.e2e.test_gate import PROGRAM, STEPS
from tests.fixtures.playbook import ROOT, Playbook

SCHEMA = json.loads((ROOT / "docs/record.schema.json").read_text())
# Of a thing that nothing else asks for there is just as much as the test says, whatever else runs in the cluster.
THING = "tfscale.test/thing"
WORKER = {"requests": {THING: 1}, "limits": {THING: 1}}
PATIENCE = 120.0
SPREAD = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}


class Things:
    """A cluster with things on its nodes, and a namespace in it."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        nodes = json.loads(cluster.kubectl("get", "nodes", "--output=json"))["items"]
        names = [one["metadata"]["name"] for one in nodes]
        self.nodes = sorted(name for name in names if not name.endswith("control-plane"))[:2]

    def give(self, *amounts: int | None) -> None:
        """To each node; nothing is taken away."""
        for name, amount in zip(self.nodes, amounts, strict=True):
            patch = json.dumps({"status": {"capacity": {THING: amount and str(amount)}}})
            words = ("patch", "node", name, "--subresource=status", "--type=merge", f"--patch={patch}")
            self.cluster.kubectl(*words)
        # The kubelet makes it allocatable.
        eventually(lambda: [self.allocatable(name) for name in self.nodes] == [amount or 0 for amount in amounts])

    def allocatable(self, name: str) -> int:
        status = json.loads(self.cluster.kubectl("get", "node", name, "--output=json"))["status"]
        return int(status["allocatable"].get(THING, 0))

    def kubectl(self, *words: str, **more: Any) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *words, **more)

    def look(self, **given: Any) -> dict[str, Any]:
        where: dict[str, Any] = {"kubeconfig": str(self.cluster.kubeconfig), "namespace": self.namespace}
        resources = {"worker": WORKER, "ps": {"cpu": "10m"}}
        return execute(cluster_capacity_info, **where, **{"resources": resources, "ps": 0, **given})

    def add(self, group: str, count: int, *, evenly: bool = False, **spec: Any) -> None:
        """Pods that need no image to be placed, and never leave."""
        labels = {"e2e": group}
        spread = [{**SPREAD, "nodeTaintsPolicy": "Honor", "labelSelector": {"matchLabels": labels}}] if evenly else []
        security: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        container = {"name": "x", "image": "tfscale.test/none:1", "imagePullPolicy": "Never", "resources": WORKER}
        pod_security = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
        about = {
            "terminationGracePeriodSeconds": 0,
            "securityContext": pod_security,
            "topologySpreadConstraints": spread,
        }
        containers = [{**container, "securityContext": security}]
        items = [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"generateName": f"{group}-", "labels": labels},
                "spec": {**about, "containers": containers, **spec},
            }
            for _number in range(count)
        ]
        self.kubectl("create", "--filename=-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def placed(self, group: str) -> tuple[int, int]:
        """How many pods have found room, and how many the scheduler has told that there is none."""
        pods = json.loads(self.kubectl("get", "pods", f"--selector=e2e={group}", "--output=json"))["items"]
        told = [
            condition["status"]
            for pod in pods
            for condition in pod["status"].get("conditions", ())
            if condition["type"] == "PodScheduled"
        ]
        return told.count("True"), told.count("False")


def eventually(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found


@pytest.fixture
def things(cluster: Cluster, namespace: str) -> Iterator[Things]:
    there = Things(cluster, namespace)
    there.give(3, 5)
    yield there
    there.give(None, None)


@pytest.mark.parametrize(("spread", "workers"), [("DoNotSchedule", 7), pytest.param("", 8, marks=pytest.mark.full)])
def test_as_many_fit_as_the_scheduler_places(things: Things, spread: str, workers: int) -> None:
    found = things.look(spread=spread)
    assert found["workers"] == workers
    assert f"{THING} on node" in found["msg"]
    assert [one["free"][THING] for one in found["nodes"]] == [3, 5]
    things.add("all", workers + 1, evenly=bool(spread))
    eventually(lambda: things.placed("all") == (workers, 1))
    full = things.look(spread=spread)
    assert full["workers"] == (0 if not spread else 1)
    assert [one["requested"][THING] for one in full["nodes"]] == ([3, 5] if not spread else [3, 4])


@pytest.mark.full
def test_a_quota_limits_as_its_admission_does(things: Things) -> None:
    things.kubectl("create", "quota", "small", "--hard=pods=4")
    eventually(lambda: things.look()["quotas"] == [{"name": "small", "hard": {"pods": 4}, "left": {"pods": 4}}])
    found = things.look(ps=1)
    assert (found["workers"], found["limit"]) == (3, "quota small (pods 5, of 4 are 0 in use)")
    things.add("four", 4)
    with pytest.raises(InfraError, match="exceeded quota"):
        things.add("one", 1)


@pytest.fixture
def classes(cluster: Cluster, namespace: str) -> Iterator[dict[str, str]]:
    """Priority classes, by what they are good for."""
    names = {kind: f"{namespace}-{kind}" for kind in ("low", "high", "polite")}
    for kind, name in names.items():
        policy = "Never" if kind == "polite" else "PreemptLowerPriority"
        value = 10 if kind == "low" else 1000
        words = ("create", "priorityclass", name, f"--value={value}", f"--preemption-policy={policy}")
        cluster.kubectl(*words)
    yield names
    cluster.kubectl("delete", "priorityclass", *names.values())


@pytest.mark.full
def test_pods_of_a_lower_priority_give_way_as_the_scheduler_makes_them(things: Things, classes: dict[str, str]) -> None:
    things.add("low", 6, priorityClassName=classes["low"])
    eventually(lambda: things.placed("low") == (6, 0))
    assert things.look(spread="")["workers"] == 2
    assert things.look(spread="", priority_class=classes["high"])["workers"] == 2
    assert things.look(spread="", priority_class=classes["low"], preemptible=True)["workers"] == 2
    assert things.look(spread="", priority_class=classes["polite"], preemptible=True)["workers"] == 2
    found = things.look(spread="", priority_class=classes["high"], preemptible=True)
    assert found["workers"] == 8
    assert sum(one["preemptible"][THING] for one in found["nodes"]) == 6

    things.add("polite", 3, priorityClassName=classes["polite"])
    eventually(lambda: things.placed("polite") == (2, 1))
    things.kubectl("delete", "pods", "--selector=e2e=polite", "--wait=true")
    things.add("high", 8, priorityClassName=classes["high"])
    eventually(lambda: things.placed("high") == (8, 0))
    assert things.placed("low") == (0, 0)


@pytest.mark.full
def test_who_may_less_is_told_so(things: Things) -> None:
    who = {"impersonate_user": "eve"}
    for verb, resources in (("list", "pods"), ("list", "resourcequotas")):
        things.kubectl("create", "role", f"{verb}-{resources}", f"--verb={verb}", f"--resource={resources}")
        things.kubectl("create", "rolebinding", f"{verb}-{resources}", f"--role={verb}-{resources}", "--user=eve")
    where: dict[str, Any] = {"kubeconfig": str(things.cluster.kubeconfig), "namespace": things.namespace}
    assert "may not list nodes" in failure(cluster_capacity_info, **where, **who)
    name = f"nodes-{things.namespace}"
    things.cluster.kubectl("create", "clusterrole", name, "--verb=list", "--resource=nodes")
    try:
        things.cluster.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", "--user=eve")
        eventually(lambda: is_let_in(things, **who))
        found = things.look(**who)
        assert found["workers"] == 7
        [warning] = found["warnings"]
        assert "was not counted" in warning
        told = failure(cluster_capacity_info, **where, **who, preemptible=True, priority_class="system-node-critical")
        assert "give this user the right to get priorityclasses" in told
    finally:
        things.cluster.kubectl("delete", "clusterrolebinding,clusterrole", name, "--ignore-not-found")


def is_let_in(things: Things, **who: Any) -> bool:
    """Roles take effect a little after they were made."""
    words = ("auth", "can-i", "list", "nodes", f"--as={who['impersonate_user']}")
    try:
        return things.cluster.kubectl(*words).strip() == "yes"
    except InfraError:
        return False


@pytest.fixture
def playbook(things: Things, toolbox: str, tmp_path: Path) -> Playbook:
    variables = {
        "cluster_provider": "existing",
        "cluster_name": "e2e",
        "cluster_kubeconfig": str(things.cluster.kubeconfig),
        "cluster_namespace": things.namespace,
        "cluster_nodes_method": "none",
        "image_delivery": "none",
        "training_backend": "job",
        "training_image": toolbox,
        "training_image_pull_policy": "Never",
        "training_run_as_user": 10001,
        "training_command": PROGRAM,
        "training_log_format": "^(?P<time>[0-9.]+) step=(?P<step>[0-9]+) loss=(?P<loss>[0-9]+)",
        "training_worker_resources": WORKER,
        "training_env": {"PACE": "0.05"},
        "training_steps": STEPS,
        "sweep_results_dir": str(tmp_path),
        "sweep_study": "fitting",
        "sweep_nodes": 1,
        "sweep_ps": 0,
        "sweep_workers": "1,fit",
        "sweep_repeats": 1,
    }
    return Playbook(tmp_path, variables, "inventories/kind", things.cluster.environment(), seconds=1800)


@pytest.mark.full
@pytest.mark.parametrize("ledger", ["cluster", "files"])
def test_a_study_takes_what_fits_and_keeps_it(playbook: Playbook, things: Things, ledger: str) -> None:
    things.add("others", 4, nodeName=things.nodes[1])
    first = playbook.run("sweep", sweep_ledger=ledger)
    assert first.returncode == 0, first.stdout + first.stderr
    # Three things here and one there, evenly: two and one.
    assert f"fit: workers=3 with nodes=1 ps=0, the limit is {THING} on node {things.nodes[1]}" in first.stdout
    assert "2 cells x 1 block = 2 runs" in first.stdout

    things.kubectl("delete", "pods", "--selector=e2e=others", "--wait=true")
    again = playbook.run("sweep", sweep_ledger=ledger)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "fit: workers=3 with nodes=1 ps=0, as in the study's first runs" in again.stdout
    assert "changed=0" in again.stdout, again.stdout
    kept = records(playbook, things, ledger)
    assert sorted(record["spec"]["workers"] for record in kept) == [1, 3]
    for record in kept:
        jsonschema.Draft202012Validator(SCHEMA).validate(record)
        assert list(record["fits"].values()) == [3]

    other = playbook.run("sweep", "--check", sweep_ledger=ledger, sweep_study="another")
    assert "fit: workers=7 with nodes=1 ps=0" in other.stdout, other.stdout + other.stderr


def records(playbook: Playbook, things: Things, ledger: str) -> list[dict[str, Any]]:
    if ledger == "files":
        return playbook.records("fitting")
    found = things.kubectl("get", "configmaps", "--selector=tfscale.study/record=true", "--output=json")
    return [json.loads(one["data"]["record"]) for one in json.loads(found)["items"]]
