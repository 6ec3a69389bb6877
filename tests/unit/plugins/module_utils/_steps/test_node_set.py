# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes are selected, which are read back, and the message when that is impossible."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.nodes import NODES
from ansible_collections.tfscale.study.plugins.module_utils._steps import node_set
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

from tests.fixtures.nodes import Cluster, node

LABEL = {"tfscale.study/active": "true"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(node("cp", control_plane=True), node("w10"), node("w2", cpu="500m"), node("w1"))
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: made)
    return made


def run(*, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    validator = ArgumentSpecValidator(node_set.ARGUMENT_SPEC, required_if=node_set.REQUIRED_IF)
    checked = validator.validate(arguments)
    assert checked.error_messages == []
    return node_set.execute(checked.validated_parameters, Context(check_mode=check_mode))


def failure(*, check_mode: bool = False, **arguments: Any) -> str:
    with pytest.raises(StepError) as caught:
        run(check_mode=check_mode, **arguments)
    return str(caught.value)


def active(result: dict[str, Any]) -> list[str]:
    return [one["name"] for one in result["nodes"]]


def test_execute_labels_the_first_nodes_by_name(api: Cluster) -> None:
    result = run(count=2)
    assert result["changed"] is True
    assert result["nodes"] == [
        {"name": "w1", "machine_type": None, "boot_id": None, "cpus": 1, "memory_bytes": 2**31},
        {"name": "w2", "machine_type": None, "boot_id": None, "cpus": 0.5, "memory_bytes": 2**31},
    ]
    assert result["candidates"] == ["w1", "w2", "w10"]
    assert result["diff"] == {"before": {"active": []}, "after": {"active": ["w1", "w2"]}}
    assert result["msg"] == "2 nodes (w1, w2) are active."
    assert sorted(api.labelled()) == ["w1", "w2"]


def test_execute_asks_little(api: Cluster) -> None:
    """It is called before every run: one list when nothing changes, else one patch a node and one list more."""
    run(count=2)
    assert api.requests == 1 + 1 + 2 + 1 + 2  # with the Leases; the fixture's own patch reads what it wrote
    api.requests = 0
    assert run(count=2)["changed"] is False
    assert api.requests == 1


def test_execute_takes_the_label_from_all_others(api: Cluster) -> None:
    for name in ("cp", "w10"):
        api.objects[f"{NODES}/{name}"]["metadata"]["labels"] |= LABEL
    api.objects[f"{NODES}/w2"]["metadata"]["labels"]["tfscale.study/active"] = "no"
    result = run(count=1)
    assert active(result) == ["w1"]
    assert result["diff"]["before"] == {"active": ["cp", "w10"]}
    assert api.labelled() == ["w1"]


def test_execute_resize_counts_and_changes_nothing(api: Cluster) -> None:
    result = run(method="resize", count=3)
    assert (result["changed"], active(result)) == (False, ["w1", "w2", "w10"])
    told = failure(method="resize", count=2)
    assert "2 nodes must carry the run, but the cluster has 3 that can (w1, w2, w10): nodes have come or gone" in told
    assert api.patched == []


def test_execute_is_idempotent(api: Cluster) -> None:
    run(count=1)
    api.patched.clear()
    result = run(count=1)
    assert (result["changed"], api.patched) == (False, [])
    assert active(result) == ["w1"]
    assert result["msg"] == "1 node (w1) is active already."


def test_execute_count_zero_takes_all_labels(api: Cluster) -> None:
    run(count=3)
    result = run(count=0)
    assert (active(result), api.labelled(), result["msg"]) == ([], [], "0 nodes are active.")


def test_execute_in_check_mode_labels_nothing(api: Cluster) -> None:
    result = run(count=2, check_mode=True)
    assert (result["changed"], api.patched) == (True, [])
    assert active(result) == ["w1", "w2"]
    assert result["msg"] == "2 nodes (w1, w2) would be active."


@pytest.mark.parametrize(("label", "selector"), [("gpu", "gpu"), ("true", True)])
def test_execute_with_another_label_and_a_selector(api: Cluster, label: str, selector: Any) -> None:
    api.objects[f"{NODES}/w10"] = node("w10", labels={"pool": label}, taint="gpu:NoSchedule")
    result = run(count=1, label="tfscale.study/mine", node_selector={"pool": selector})
    assert active(result) == ["w10"]
    assert api.labelled("tfscale.study/mine") == ["w10"]


@pytest.mark.parametrize(
    ("count", "more", "sentence"),
    [
        (
            4,
            {},
            "4 nodes must carry the run, but the cluster has 2 that can (w1, w10); w2 is not Ready: Kubelet stopped posting.:"
            " give fewer in sweep_nodes, or add nodes.",
        ),
        (
            1,
            {"node_selector": {"pool": "gpu"}},
            "1 node must carry the run, but the cluster has 0 with the labels of training_node_selector {'pool': 'gpu'} that"
            " can (none): give fewer in sweep_nodes, or add nodes.",
        ),
        (-1, {}, "count is -1: give a whole number from 0."),
        *(
            (1, {"label": label}, f"label is '{label}': give tfscale.study/ and a name, such as tfscale.study/active.")
            for label in (
                "not a label",
                "pool",
                "example.com/mine",
                "kubernetes.io/hostname",
                "tfscale.study/",
                "x-tfscale.study/a",
            )
        ),
    ],
)
def test_execute_refuses_with_a_sentence(api: Cluster, count: int, more: dict[str, Any], sentence: str) -> None:
    api.objects[f"{NODES}/w2"] = node("w2", ready="False")
    assert failure(count=count, **more) == sentence
    assert api.patched == []


@pytest.mark.parametrize(("method", "verb"), [("PATCH", "patch"), ("LIST", "list")])
def test_execute_without_the_right_names_verb_and_resource(api: Cluster, method: str, verb: str) -> None:
    path = NODES if method == "LIST" else f"{NODES}/w1"
    api.refuse(method, path, 403, f'User "bob" cannot {verb} resource "nodes" in API group ""')
    assert failure(count=1).startswith(f"user bob may not {verb} nodes: give that right")


def test_execute_notices_that_somebody_else_labels(api: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    patch = api.patch

    def disturbed(path: str, document: Any, **more: Any) -> dict[str, Any]:
        api.objects[f"{NODES}/w10"]["metadata"]["labels"] |= LABEL
        return patch(path, document, **more)

    monkeypatch.setattr(api, "patch", disturbed)
    assert failure(count=1) == (
        "nodes w10, w1 carry the label tfscale.study/active although w1 should: somebody else sets it; let only one study"
        " run on a cluster at a time."
    )


def held_by_lease(api: Cluster, _folder: Path) -> None:
    LeaseLock(api, "theirs", "mnist", 7, host="far").acquire()


def held_by_file(_api: Cluster, folder: Path) -> None:
    StudyLock(folder / "mnist", 7, host="far", part="one").acquire()


def held_by_pods(api: Cluster, _folder: Path) -> None:
    labels = {
        "app.kubernetes.io/managed-by": "tfscale.study",
        "tfscale.study/study": "mnist",
        "tfscale.study/run": "r-1",
    }
    api.create("/api/v1/namespaces/theirs/pods", {"metadata": {"name": "tf-r-1-0", "labels": labels}})


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize(
    ("hold", "facts"),
    [
        (held_by_lease, ["study mnist in namespace theirs", "process 7 on host far since 2"]),
        (held_by_file, ["mnist is held by process 7 on host far since 2"]),
        (held_by_pods, ["study mnist in namespace theirs has pods", "tf-r-1-0"]),
    ],
)
def test_execute_leaves_the_nodes_of_a_study_that_somebody_runs(
    api: Cluster, tmp_path: Path, hold: Any, facts: list[str], count: int, check_mode: bool
) -> None:
    """Their next pods would go to other nodes than their record says."""
    run(count=1)
    hold(api, tmp_path)
    api.patched.clear()
    given: dict[str, Any] = {"count": count, "results_dir": str(tmp_path), "part": "one", "namespace": "tfscale"}
    told = failure(**given, check_mode=check_mode)
    assert [fact for fact in [*facts, "of nodes (w1)", "cluster_teardown_held"] if fact not in told] == []
    assert (api.patched, api.labelled()) == ([], ["w1"])
    # To ask for what is there disturbs nobody.
    assert run(**{**given, "count": 1})["changed"] is False
    run(**given, end_held=True)
    assert len(api.labelled()) == count


def test_execute_who_sees_one_namespace_looks_into_that_one(api: Cluster, tmp_path: Path) -> None:
    api.refuse("LIST", "/apis/coordination.k8s.io/v1/leases", 403)
    api.refuse("LIST", "/api/v1/configmaps", 403)
    api.refuse("LIST", "/api/v1/pods", 403)
    held_by_lease(api, tmp_path)
    given: dict[str, Any] = {"count": 1, "results_dir": str(tmp_path)}
    assert run(**given, namespace="tfscale")["changed"] is True
    assert "study mnist" in failure(**{**given, "count": 2}, namespace="theirs")
    assert run(count=2)["changed"] is True


def test_execute_of_the_owner_itself_goes_on(api: Cluster) -> None:
    LeaseLock(api, "tfscale", "mnist", os.getpid()).acquire()
    assert run(count=1, owner_pid=os.getpid())["changed"] is True


def test_execute_method_none_touches_nothing(api: Cluster) -> None:
    result = run(method="none")
    assert (result["changed"], api.patched) == (False, [])
    assert active(result) == ["w1", "w2", "w10"]
    assert result["msg"] == "3 nodes can carry runs: w1 (1 CPU, 2 GiB), w2 (0.5 CPU, 2 GiB), w10 (1 CPU, 2 GiB)."


def test_execute_method_none_without_the_right_knows_no_nodes(api: Cluster) -> None:
    api.refuse("LIST", NODES, 403, 'User "bob" cannot list resource "nodes" in API group ""')
    result = run(method="none", count=2)
    assert (result["changed"], result["nodes"]) == (False, [])
    assert result["msg"].startswith("The nodes are not known: user bob may not list nodes")


def test_execute_method_none_with_a_broken_server_fails(api: Cluster) -> None:
    api.refuse("LIST", NODES, 500)
    assert "refused LIST" in failure(method="none")
