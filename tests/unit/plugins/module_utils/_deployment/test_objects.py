# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long-running training as it is and as it is wanted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._deployment.objects import (
    LongRunningTraining,
    checked,
    config_maps_of,
    essence,
    group_of,
    index_of,
    is_ready,
    is_same,
    merged,
    revision_of,
    split,
    state_of,
)
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import ApiError

from tests.fixtures.long_running import APPS, CORE, LABELS, NAME, NAMESPACE, LongRunningCluster, manifests

CONFIG, PS, WORKER = manifests()


@pytest.fixture
def cluster() -> LongRunningCluster:
    return LongRunningCluster()


@pytest.fixture
def training(cluster: LongRunningCluster) -> LongRunningTraining:
    return LongRunningTraining(cluster, NAMESPACE, NAME)


def test_groups_are_those_that_are_there(cluster: LongRunningCluster, training: LongRunningTraining) -> None:
    assert list(training.groups()) == ["ps", "worker"]
    del cluster.objects[f"{APPS}/{NAME}-ps"]
    assert list(training.groups()) == ["worker"]


def test_read_tells_a_namespace_that_is_missing_from_an_object(
    cluster: LongRunningCluster, training: LongRunningTraining
) -> None:
    assert training.read("Service", "none") is None
    cluster.refuse("GET", f"{CORE}/services/none", 404, 'namespaces "tfscale" not found')
    with pytest.raises(ApiError, match="namespaces"):
        training.read("Service", "none")


def test_put_makes_what_is_missing_and_replaces_what_is_there(
    cluster: LongRunningCluster, training: LongRunningTraining
) -> None:
    meta = {"name": "s", "labels": LABELS}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"clusterIP": "None"}}
    assert training.put(service)[0] is None
    live, after = training.put({**service, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}})
    assert live is not None
    assert "ports" not in live["spec"]
    assert after["spec"]["ports"] == [{"port": 1}]


@pytest.mark.parametrize("key", sorted(LABELS))
@pytest.mark.parametrize("kind", ["ConfigMap", "Service", "PersistentVolumeClaim", "NetworkPolicy", "Deployment"])
def test_put_leaves_an_object_of_others(
    cluster: LongRunningCluster, training: LongRunningTraining, kind: str, key: str
) -> None:
    """One of a chart, or of another training."""
    theirs = {"kind": kind, "metadata": {"name": "s", "labels": {**LABELS, key: "other"}}, "data": {"password": "x"}}
    cluster.create(training.path(kind), theirs)
    before, cluster.writes = dict(cluster.objects), []
    for try_only in (True, False):
        with pytest.raises(InputError, match=f"{kind} tfscale/s is there and is not ours .it has no label {key}="):
            training.put({"kind": kind, "metadata": {"name": "s", "labels": LABELS}}, try_only=try_only)
    assert (cluster.objects, cluster.writes) == (before, [])


def test_put_that_only_tries_changes_nothing(cluster: LongRunningCluster, training: LongRunningTraining) -> None:
    _config, _ps, wanted = manifests(image="trainer:2")
    before = cluster.get(f"{APPS}/{NAME}-worker")
    live, tried = training.put(wanted, try_only=True)
    assert live == cluster.get(f"{APPS}/{NAME}-worker") == before
    assert tried["spec"]["template"]["spec"]["containers"][0]["image"] == "trainer:2"
    # What the server fills in is in both, so that it is no difference.
    assert tried["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"


def test_put_of_the_same_is_no_difference(training: LongRunningTraining) -> None:
    for one in manifests():
        live, tried = training.put(one, try_only=True)
        assert is_same(live, tried)


@pytest.mark.parametrize("status", [404, 409])
def test_delete_pod_takes_only_this_one(
    cluster: LongRunningCluster, training: LongRunningTraining, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def delete(path: str, options: Any) -> None:
        asked.append((path, options))
        raise ApiError("gone", status=status)

    monkeypatch.setattr(cluster, "delete", delete)
    training.delete_pod({"metadata": {"name": "mnist-worker-1", "uid": "7"}})
    assert asked == [(f"{CORE}/pods/mnist-worker-1", {"preconditions": {"uid": "7"}})]


def test_delete_of_what_is_gone_is_done(training: LongRunningTraining) -> None:
    training.delete("ConfigMap", "none")


def test_merged_keeps_what_others_put_beside_and_takes_what_is_no_longer_wanted() -> None:
    live = {
        "kind": "StatefulSet",
        "metadata": {"name": "x", "uid": "1", "resourceVersion": "3", "labels": {"team": "a"}, "managedFields": []},
        "spec": {"revisionHistoryLimit": 3, "template": {"old": 1}},
        "status": {"replicas": 2},
    }
    wanted = {
        "kind": "StatefulSet",
        "metadata": {"name": "x", "labels": {"ours": "b"}},
        "spec": {"template": {"new": 1}},
    }
    assert merged(live, wanted) == {
        "kind": "StatefulSet",
        "metadata": {"name": "x", "uid": "1", "labels": {"team": "a", "ours": "b"}},
        "spec": {"revisionHistoryLimit": 3, "template": {"new": 1}},
    }


def test_merged_replaces_data_as_a_whole() -> None:
    live = {"metadata": {"name": "x"}, "data": {"a": "1", "b": "2"}}
    assert merged(live, {"metadata": {"name": "x"}, "data": {"a": "1"}})["data"] == {"a": "1"}


def test_essence_is_without_what_the_server_writes() -> None:
    meta = {
        "name": "x",
        "uid": "1",
        "generation": 2,
        "annotations": {"deployment.kubernetes.io/revision": "3", "a": "b"},
    }
    assert essence({"metadata": meta, "status": {}, "spec": {}}) == {
        "metadata": {"name": "x", "annotations": {"a": "b"}},
        "spec": {},
    }
    assert essence(None) == {}


def test_split_tells_groups_from_what_they_need() -> None:
    assert split([CONFIG, PS, WORKER]) == ([CONFIG], {"ps": PS, "worker": WORKER})


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ([{"kind": "Pod", "metadata": {"name": "x"}}], "definition[0] is 'Pod': give manifests of ConfigMap, "),
        ([CONFIG, "text"], "definition[1] is 'text'"),
        ([{"kind": "Service", "metadata": {}}], "definition[0] is 'Service'"),
        (
            [{"kind": "Service", "metadata": {"name": "s", "labels": {**LABELS, "tfscale.study/training": "x"}}}],
            "definition[0] (Service s) has 'x' for the label tfscale.study/training: give 'mnist'",
        ),
        (
            [{"kind": "Service", "metadata": {"name": "s", "labels": {"tfscale.study/training": NAME}}}],
            "definition[0] (Service s) has None for the label app.kubernetes.io/managed-by: give 'tfscale.study'",
        ),
        ([{"kind": "Job", "metadata": {"name": "j", "labels": LABELS}}], "definition[0] is 'Job': give manifests of"),
        (
            [PS],
            "definition has the StatefulSets mnist-ps: give mnist-worker and, unless the training needs none, mnist-ps",
        ),
        (
            [WORKER, {**PS, "metadata": {**PS["metadata"], "name": "x"}}],
            "definition has the StatefulSets mnist-worker, x",
        ),
    ],
)
def test_checked_names_what_is_wrong(definition: list[Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(definition, NAME)
    assert words in str(caught.value)


def test_checked_takes_a_training_without_ps() -> None:
    assert checked([CONFIG, WORKER], NAME) == [CONFIG, WORKER]


def test_state_of_tells_of_a_group(cluster: LongRunningCluster) -> None:
    live = cluster.get(f"{APPS}/{NAME}-worker")
    pods = [pod for pod in cluster.pods.values() if group_of(pod) == "worker"]
    assert [index_of(pod) for pod in pods] == [0, 1]
    state = state_of(live, pods)
    assert state.pop("revision") == revision_of(pods[0])
    assert state == {
        "replicas": 2,
        "ready": 2,
        "image": "trainer:1",
        "command": ["trainer", "--learning_rate=0.1"],
        "resources": {},
    }


@pytest.mark.parametrize(
    ("meta", "conditions", "ready"),
    [
        ({}, [{"type": "Ready", "status": "True"}], True),
        ({}, [{"type": "Ready", "status": "False"}], False),
        ({}, [], False),
        ({"deletionTimestamp": "now"}, [{"type": "Ready", "status": "True"}], False),
    ],
)
def test_is_ready_is_not_a_pod_that_ends(meta: dict[str, Any], conditions: list[Any], ready: bool) -> None:
    assert is_ready({"metadata": meta, "status": {"conditions": conditions}}) is ready


def test_config_maps_of_are_those_of_the_environment() -> None:
    assert list(config_maps_of(WORKER)) == [CONFIG["metadata"]["name"]]


def test_essence_of_a_service_has_no_address_that_was_dealt_out() -> None:
    meta = {"name": "s", "uid": "1"}
    dealt = {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 1}]}
    assert essence({"kind": "Service", "metadata": meta, "spec": dealt}) == {
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 1}]},
    }
    asked_for = {"clusterIP": "None", "clusterIPs": ["None"]}
    assert essence({"kind": "Service", "metadata": meta, "spec": asked_for})["spec"] == asked_for
