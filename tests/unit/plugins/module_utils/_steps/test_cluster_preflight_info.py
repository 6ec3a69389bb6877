# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sentence for each thing that would go wrong later (tests/e2e/test_preflight.py: on a real cluster)."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._steps import cluster_preflight_info

from tests.fixtures import kueue
from tests.fixtures.node_objects import RUN, node, pod, quota
from tests.fixtures.objects import Store

DEFAULTS = {name: option.get("default") for name, option in cluster_preflight_info.ARGUMENT_SPEC.items()}
RESOURCES = {"ps": {"cpu": "100m", "memory": "384Mi"}, "worker": {"cpu": "500m", "memory": "768Mi"}}
SMALL = {"nodes": 2, "ps": 1, "workers": 2}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store()
    there.objects["/api/v1/namespaces/tfscale"] = {"metadata": {"name": "tfscale"}}
    for one in (node("worker1"), node("worker2"), node("worker10")):
        there.objects[f"/api/v1/nodes/{one['metadata']['name']}"] = one
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    return there


def look(*cells: dict[str, Any], **given: Any) -> dict[str, Any]:
    said: list[str] = []
    params = {**DEFAULTS, "cells": list(cells), "resources": RESOURCES, **given}
    result = cluster_preflight_info.execute(params, Context(say=said.append))
    assert said == []
    return result


def test_execute_tells_what_it_found(store: Store) -> None:
    store.objects["/api/v1/pods/dns"] = pod("dns", "worker2")
    before = dict(store.objects)
    result = look(SMALL)
    assert [one["name"] for one in result["nodes"]] == ["worker1", "worker2", "worker10"]
    assert [one["free"]["cpu"] for one in result["nodes"]] == [2.0, 1.0, 2.0]
    assert [one["allocatable"]["cpu"] for one in result["nodes"]] == [2.0, 2.0, 2.0]
    assert {"get pods/log", "create jobs.batch", "patch nodes"} <= set(result["rights"])
    assert result["msg"] == f"Namespace tfscale is ready: {len(result['rights'])} rights given, 3 nodes for 1 cell."
    assert result["changed"] is False
    assert "warnings" not in result
    assert store.objects == before


@pytest.mark.parametrize(
    ("backend", "kind", "other"), [("job", "Job", "statefulset"), ("statefulset", "StatefulSet", "job")]
)
def test_execute_names_a_kind_that_the_cluster_does_not_know(store: Store, backend: str, kind: str, other: str) -> None:
    look(backend=backend)
    store.apis = {path: names - {f"{backend}s"} for path, names in store.apis.items()}
    with pytest.raises(StepError, match=rf"{backend}.* {kind} \(.*does not know.*or give {other}\.$"):
        look(backend=backend)


@pytest.mark.parametrize(
    ("backend", "own", "other"),
    [("job", "jobs.batch", "statefulsets.apps"), ("statefulset", "statefulsets.apps", "jobs.batch")],
)
def test_execute_asks_for_all_rights_on_the_chosen_backend_alone(
    store: Store, backend: str, own: str, other: str
) -> None:
    store.denied = {f"create {other}", f"deletecollection {other}"}
    rights = look(backend=backend)["rights"]
    assert {f"create {own}", f"deletecollection {own}"} <= set(rights)
    # Cleanup lists every kind that the cluster knows.
    assert [right for right in rights if other in right] == [f"list {other}"]
    store.denied = {f"create {own}"}
    with pytest.raises(StepError, match=f"may not create {own}"):
        look(backend=backend)
    store.denied = {f"list {other}"}
    with pytest.raises(StepError, match=f"may not list {other}"):
        look(backend=backend)


EXTENSIONS = {
    "/apis/jobset.x-k8s.io/v1alpha2": {"jobsets"},
    "/apis/trainer.kubeflow.org/v1alpha1": {"trainjobs", "trainingruntimes"},
}


def of_backend(name: str, **more: Any) -> dict[str, Any]:
    return {"label": name, "spec": {**SMALL, "backend": name, **more}}


def test_execute_checks_every_backend_of_the_cells_and_no_other(store: Store) -> None:
    cells = [of_backend("jobset"), of_backend("trainjob")]
    with pytest.raises(StepError, match="sweep_backends has 'jobset', which needs JobSet"):
        look(*cells, backend="job")
    store.apis |= EXTENSIONS
    store.denied = {"create jobs.batch", "create statefulsets.apps"}
    rights = set(look(*cells, backend="job")["rights"])
    assert {"create jobsets.jobset.x-k8s.io", "create trainjobs.trainer.kubeflow.org"} <= rights
    assert {"create trainingruntimes.trainer.kubeflow.org", "list jobs.batch"} <= rights
    assert "get clustertrainingruntimes.trainer.kubeflow.org" not in rights
    store.denied = {"delete trainingruntimes.trainer.kubeflow.org"}
    with pytest.raises(StepError, match="may not delete trainingruntimes"):
        look(*cells, backend="job")


def test_execute_asks_for_rights_on_an_extension_only_where_it_is_installed(store: Store) -> None:
    assert not any("jobsets" in right or "train" in right for right in look(backend="job")["rights"])


def test_execute_looks_for_the_runtime_of_a_cell(store: Store) -> None:
    store.apis |= EXTENSIONS
    cell = of_backend("trainjob", ps=0, runtime="torch")
    store.denied = {"get clustertrainingruntimes.trainer.kubeflow.org -A"}
    with pytest.raises(StepError, match=r"may not get clustertrainingruntimes.* in the cluster"):
        look(cell)
    store.denied = set()
    with pytest.raises(StepError, match="training_runtime is 'torch', but the cluster has no such"):
        look(cell)
    store.schemas["TrainJob"] = {"trainer"}
    with pytest.raises(StepError, match="podSpecOverrides"):
        look(cell)


def test_execute_takes_pods_of_a_runtime_of_the_cluster_to_go_where_they_fit(store: Store) -> None:
    """The spread does not reach them: four fit on one node and two on the other."""
    store.apis |= EXTENSIONS
    template = {
        "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
        "spec": {"template": {"spec": {"containers": [{"name": "node"}]}}},
    }
    place = "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes/torch"
    spec = {"template": {"spec": {"replicatedJobs": [{"name": "node", "template": template}]}}}
    store.objects[place] = {"metadata": {"name": "torch"}, "spec": spec}
    store.objects["/api/v1/pods/dns"] = pod("dns", "worker2")
    cell = of_backend("trainjob", ps=0, workers=6, runtime="torch")
    look(cell)
    with pytest.raises(StepError, match="can never fit"):
        look(of_backend("trainjob", ps=0, workers=6))


def test_execute_asks_for_no_right_on_another_kind_that_the_cluster_does_not_know(store: Store) -> None:
    store.denied = {"list statefulsets.apps"}
    del store.apis["/apis/apps/v1"]
    assert not any("statefulsets" in right for right in look(backend="job")["rights"])


def test_execute_in_check_mode_is_the_same(store: Store) -> None:
    params = {**DEFAULTS, "cells": [SMALL]}
    assert cluster_preflight_info.execute(params, Context(check_mode=True, say=print)) == look(SMALL)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"namespace": "a b"}, "cluster_namespace is 'a b': give a name of at most 63 lower-case letters"),
        ({"needs": [{"verb": "get"}]}, r"needs has {'verb': 'get'}: give verb, resource"),
        ({"resources": {"chief": {}}}, "resources has 'chief': give ps and worker"),
        ({"resources": {"ps": {"cpu": "x"}}}, r"training_ps_resources.requests.cpu is 'x': give an amount"),
        ({"cells": [{"ps": 1, "workers": 1}]}, r"cells\[0\].nodes is null: give a whole number from 1"),
        ({"cells": [SMALL, {**SMALL, "workers": 0}]}, r"cells\[1\].workers is 0: give a whole number from 1"),
    ],
)
def test_execute_of_bad_input_gets_a_sentence_and_asks_nothing(store: Store, given: Any, sentence: str) -> None:
    with pytest.raises(StepError, match=sentence):
        look(**given)
    assert store.requests == 0


@pytest.mark.parametrize(
    ("status", "message", "sentence"),
    [
        (401, "Unauthorized", r"cluster \S+ does not accept our credentials \(401\): renew them"),
        (503, "starting", r"cluster \S+ refused GET \S+ \(503"),
    ],
)
def test_execute_of_a_server_that_refuses_at_all(store: Store, status: int, message: str, sentence: str) -> None:
    store.refuse("GET", "/api/v1/namespaces/tfscale", status, message)
    with pytest.raises(StepError, match=sentence):
        look()


def test_execute_where_the_namespace_may_be_made(store: Store) -> None:
    assert look(namespace="new")["msg"].startswith("Namespace new can be created: ")


def test_execute_where_the_namespace_may_not_be_made(store: Store) -> None:
    store.denied = {"create namespaces -A"}
    with pytest.raises(
        StepError, match=r"namespace new does not exist, and this user may not create it: .* or give another"
    ):
        look(namespace="new")


def test_execute_where_nobody_may_look_at_namespaces(store: Store) -> None:
    store.refuse("GET", "/api/v1/namespaces/tfscale", 403)
    assert look()["msg"].startswith("Namespace tfscale is ready: ")


def test_execute_of_a_namespace_that_is_going(store: Store) -> None:
    store.objects["/api/v1/namespaces/tfscale"]["metadata"]["deletionTimestamp"] = "2026-11-25T00:00:00Z"
    with pytest.raises(StepError, match="namespace tfscale is being deleted: wait until it is gone, or give another"):
        look()


def test_execute_names_every_right_that_is_missing(store: Store) -> None:
    store.denied = {"create jobs.batch", "get pods/log", "patch nodes -A", "get leases.coordination.k8s.io"}
    with pytest.raises(StepError) as caught:
        look(ledger="cluster")
    assert str(caught.value) == (
        "user eve may not get pods/log; create jobs.batch; get leases.coordination.k8s.io in namespace tfscale, and not"
        " patch nodes in the cluster: give these rights (docs/examples/rbac.yml has all that are needed)."
    )


@pytest.mark.parametrize(
    ("denied", "given"),
    [
        ("patch nodes -A", {"nodes_method": "none"}),
        ("get leases.coordination.k8s.io", {"ledger": "files"}),
        ("create jobs.batch", {"needs": [{"verb": "get", "resource": "pods"}]}),
        ("create jobs.batch", {"needs": []}),
    ],
)
def test_execute_does_not_ask_for_what_is_not_needed(store: Store, denied: str, given: Any) -> None:
    store.denied = {denied}
    look(**given)


@pytest.mark.parametrize("needs", [None, []])
def test_execute_asks_for_what_is_needed_beside(store: Store, needs: Any) -> None:
    more = [{"verb": "create", "resource": "persistentvolumeclaims"}]
    assert "create persistentvolumeclaims" in look(needs=needs, more_needs=more)["rights"]
    store.denied = {"create persistentvolumeclaims"}
    with pytest.raises(StepError, match="user eve may not create persistentvolumeclaims in namespace tfscale"):
        look(needs=needs, more_needs=more)


@pytest.mark.parametrize("there", [True, False])
def test_execute_tells_whether_the_namespace_is_there(store: Store, there: bool) -> None:
    if not there:
        del store.objects["/api/v1/namespaces/tfscale"]
    assert look()["namespace_exists"] is there


def test_execute_of_a_quota_that_is_too_small(store: Store) -> None:
    store.objects["/api/v1/namespaces/tfscale/resourcequotas/small"] = quota(
        "small", {"pods": "4", "requests.cpu": "1", "services": "1"}, {"pods": "1", "requests.cpu": "0"}
    )
    look({**SMALL, "workers": 1})
    with pytest.raises(StepError) as caught:
        look({**SMALL, "workers": 1}, {**SMALL, "workers": 3, "label": "ps=1 workers=3"})
    assert str(caught.value) == (
        "cell ps=1 workers=3 asks for more than quota small of namespace tfscale leaves: pods 4, of 4 are 1 in use;"
        " requests.cpu 1.6, of 1 are 0 in use; have it raised, or give fewer workers or smaller resources."
    )


def test_execute_of_a_cell_that_never_fits(store: Store) -> None:
    store.objects["/api/v1/pods/greedy"] = pod("greedy", "worker2", cpu="1700m")
    with pytest.raises(StepError) as caught:
        look(SMALL, {"nodes": 2, "ps": 1, "workers": 3, "label": "nodes=2 workers=3"})
    assert str(caught.value) == (
        "cell nodes=2 workers=3 can never fit: it puts 1 ps with 0.1 cpu and 0.38 GiB memory and 3 workers with 0.5 cpu and"
        " 0.75 GiB memory each, evenly on 2 nodes, but worker1 has 2 cpu, 4 GiB memory and 110 pods free, worker2 has"
        " 0.3 cpu, 4 GiB memory and 109 pods free; give smaller training_ps_resources or training_worker_resources, fewer"
        " workers, or more nodes."
    )


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({}, False),
        ({"spread": "ScheduleAnyway"}, True),
        ({"spread": ""}, True),
        # The third node takes what the second cannot.
        ({"nodes_method": "none"}, True),
        ({"nodes_method": "recreate"}, True),
        ({"resources": {"ps": {"cpu": "1"}, "worker": {"cpu": "150m"}}}, True),
        ({"resources": {}}, True),
    ],
)
def test_execute_places_replicas_as_the_run_will(store: Store, given: Any, fits: bool) -> None:
    store.objects["/api/v1/pods/greedy"] = pod("greedy", "worker2", cpu="1700m")
    cell = {"nodes": 2, "ps": 1, "workers": 3}
    if fits:
        look(cell, **given)
    else:
        with pytest.raises(StepError, match="can never fit"):
            look(cell, **given)


@pytest.mark.parametrize(
    ("own", "given", "fits"),
    [({"spread": "PodAffinity"}, "DoNotSchedule", True), ({"spread": "DoNotSchedule"}, "", False), ({}, "", True)],
)
def test_execute_places_replicas_by_the_spread_of_their_cell(store: Store, own: Any, given: str, fits: bool) -> None:
    store.objects["/api/v1/pods/greedy"] = pod("greedy", "worker2", cpu="1700m")
    cell = {"label": "one", "spec": {"nodes": 2, "ps": 1, "workers": 3, **own}}
    if fits:
        look(cell, spread=given)
    else:
        with pytest.raises(StepError, match=r"cell one can never fit: .*evenly"):
            look(cell, spread=given)


def test_execute_does_not_count_what_is_left_of_a_run(store: Store) -> None:
    store.objects["/api/v1/pods/left"] = pod("left", "worker1", cpu="2", namespace="tfscale", labels=RUN)
    look({"nodes": 1, "ps": 1, "workers": 2})


def test_execute_takes_cells_as_the_planner_returns_them(store: Store) -> None:
    with pytest.raises(StepError, match="cell workers=9 can never fit"):
        look({"cell_id": "0123456789ab", "label": "workers=9", "spec": {**SMALL, "workers": 9, "model": "mlp"}})
    with pytest.raises(StepError, match="cell nodes=1 ps=0 workers=9 can never fit"):
        look({"nodes": 1, "ps": 0, "workers": 9})


def test_execute_of_a_cell_with_too_many_nodes_says_why(store: Store) -> None:
    store.objects["/api/v1/nodes/worker2"] = node("worker2", unschedulable=True)
    with pytest.raises(StepError) as caught:
        look({"nodes": 3, "ps": 1, "workers": 2})
    assert str(caught.value) == (
        "cell nodes=3 ps=1 workers=2 asks for 3 nodes, but the cluster has 2 that can carry runs (worker1, worker10);"
        " worker2 is cordoned: give fewer in sweep_nodes, or add nodes."
    )


def test_execute_considers_the_selected_nodes_only(store: Store) -> None:
    assert [one["name"] for one in look(node_selector={"zone": 2})["nodes"]] == ["worker2"]
    with pytest.raises(StepError, match=r"asks for 2 nodes, but the cluster has 1 that can carry runs \(worker2\)"):
        look(SMALL, node_selector={"zone": 2})


def test_execute_names_a_few_of_many_nodes(store: Store) -> None:
    for number in range(20, 30):
        store.objects[f"/api/v1/nodes/worker{number}"] = node(f"worker{number}", cpu="100m")
    with pytest.raises(StepError, match=r"worker20 has .* free \(and 9 more nodes\); give smaller"):
        look({"nodes": 13, "ps": 1, "workers": 30})


def test_execute_without_the_right_to_see_nodes_warns(store: Store) -> None:
    store.refuse("LIST", "/api/v1/nodes", 403)
    result = look({"nodes": 99, "ps": 1, "workers": 99}, nodes_method="none")
    assert result["warnings"] == ["It was not checked whether every cell fits: this user may not list nodes."]
    assert result["nodes"] == []
    assert "warnings" not in look(nodes_method="none")


def test_execute_without_the_right_to_see_all_pods_warns_and_checks_what_it_can(store: Store) -> None:
    store.refuse("LIST", "/api/v1/pods", 403)
    told = "What pods of other namespaces hold was not counted: this user may not list pods of all namespaces."
    assert look(SMALL)["warnings"] == [told]
    with pytest.raises(StepError, match="can never fit"):
        look({**SMALL, "workers": 9})


@pytest.mark.parametrize("own", [{"requests": {"cpu": "3"}}, '{"requests": {"cpu": "3"}}'], ids=["mapping", "text"])
def test_execute_of_a_variant_with_resources_of_its_own(store: Store, own: Any) -> None:
    spec = {**SMALL, "worker_resources": own}
    with pytest.raises(
        StepError, match=r"^cell after can never fit: it puts 1 ps with .* and 2 workers with 3 cpu each"
    ):
        look({"label": "before", "spec": SMALL}, {"label": "after", "spec": spec})
    store.objects["/q"] = quota("q", {"requests.cpu": "5"})
    look({"label": "before", "spec": {**SMALL, "ps_resources": {"requests": {"cpu": "1"}}}})


def test_execute_looks_for_secrets_and_their_keys(store: Store) -> None:
    within = "/api/v1/namespaces/tfscale"
    store.objects[f"{within}/secrets/hub"] = {"metadata": {"name": "hub"}, "data": {"token": "Y2FuYXJ5"}}
    store.objects[f"{within}/configmaps/places"] = {"metadata": {"name": "places"}, "binaryData": {"city": "eA=="}}

    def of(kind: str, name: str, key: str) -> dict[str, Any]:
        return {"name": "A", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key}}}

    there = [of("secret", "hub", "token"), of("configMap", "places", "city"), {"secretRef": {"name": "hub"}}]
    assert look(SMALL, references=there)["changed"] is False
    for missing, sentence in (
        (of("secret", "hub", "tokn"), "training_env needs key tokn of Secret hub, which has token: give"),
        (of("secret", "hb", "token"), "training_env needs Secret hb, which namespace tfscale does not have"),
        (
            {"configMapRef": {"name": "more"}},
            "training_env needs ConfigMap more, which namespace tfscale does not have",
        ),
    ):
        with pytest.raises(StepError, match=sentence) as caught:
            look(SMALL, references=[*there, missing])
        assert "Y2FuYXJ5" not in str(caught.value)
    # Who may not look learns it from the pods.
    store.refuse("GET", f"{within}/secrets/hb", 403)
    assert look(SMALL, references=[of("secret", "hb", "token")])["changed"] is False


# --- a queue of Kueue ---------------------------------------------------------------------------------------------------


@pytest.fixture
def queued(store: Store) -> Store:
    store.apis[kueue.API] = {"localqueues", "clusterqueues", "workloads"}
    store.objects[f"{kueue.QUEUES}/team"] = kueue.local_queue("team")
    store.objects[f"{kueue.API}/clusterqueues/team-cq"] = kueue.cluster_queue({"cpu": "1500m"})
    return store


def test_execute_with_a_queue_asks_for_the_rights_that_it_needs(queued: Store) -> None:
    own = {"get localqueues.kueue.x-k8s.io", "list localqueues.kueue.x-k8s.io", "list workloads.kueue.x-k8s.io"}
    assert own <= set(look(SMALL, backend="job", queue="team")["rights"])
    assert not own & set(look(SMALL, backend="job")["rights"])
    queued.denied = {"list workloads.kueue.x-k8s.io"}
    look(SMALL, backend="job")
    with pytest.raises(StepError, match=r"may not list workloads\.kueue\.x-k8s\.io"):
        look(SMALL, backend="job", queue="team")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"queue": "other"}, "training_queue is 'other', which namespace tfscale does not have: give team"),
        ({"queue": "team", "gang": True}, "training_gang is true"),
    ],
)
def test_execute_refuses_a_queue_that_would_not_do(queued: Store, given: Any, sentence: str) -> None:
    with pytest.raises(StepError, match=sentence):
        look(SMALL, backend="job", **given)


def test_execute_refuses_a_cell_that_its_queue_would_never_admit(queued: Store) -> None:
    with pytest.raises(StepError, match=r"cell ps=1 workers=3 can never be admitted.*1\.6 cpu.*quota of 1\.5"):
        look(SMALL, {**SMALL, "workers": 3, "label": "ps=1 workers=3"}, backend="job", queue="team")


def test_execute_without_kueue_says_so_before_any_right_is_asked_for(store: Store) -> None:
    store.denied = {"get localqueues.kueue.x-k8s.io"}
    with pytest.raises(StepError, match="the cluster does not know LocalQueue"):
        look(SMALL, backend="job", queue="team")


def test_execute_with_a_queue_counts_what_pods_hold_that_end_by_themselves_as_free(queued: Store) -> None:
    for number in (1, 2, 10):
        busy = pod(f"train-{number}", f"worker{number}", cpu="2")
        busy["spec"]["restartPolicy"] = "Never"
        queued.objects[f"/api/v1/pods/train-{number}"] = busy
    with pytest.raises(StepError, match="can never fit"):
        look(SMALL, backend="job")
    look(SMALL, backend="job", queue="team")
    queued.objects["/api/v1/pods/train-1"]["spec"]["restartPolicy"] = "Always"
    with pytest.raises(StepError, match="can never fit"):
        look(SMALL, backend="job", queue="team")
