# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace that is made, used as it is, or removed because it was made here."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_namespace
from ansible_collections.tfscale.study.plugins.module_utils._study.design.workloads import WORKLOADS

from tests.fixtures.nodes import Cluster

PATH = "/api/v1/namespaces/tfscale"
OURS = {"app.kubernetes.io/managed-by": "tfscale.study"}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
FORBIDDEN = 'User "bob" cannot create resource "namespaces" in API group ""'


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: made)
    return made


def run(*, check_mode: bool = False, naps: list[float] | None = None, **arguments: Any) -> dict[str, Any]:
    checked = ArgumentSpecValidator(study_namespace.ARGUMENT_SPEC).validate({"name": "tfscale", **arguments})
    assert checked.error_messages == []
    now = naps if naps is not None else []
    return study_namespace.execute(
        checked.validated_parameters, Context(check_mode=check_mode, clock=lambda: sum(now), sleep=now.append)
    )


def failure(*, check_mode: bool = False, **arguments: Any) -> str:
    with pytest.raises(StepError) as caught:
        run(check_mode=check_mode, **arguments)
    return str(caught.value)


def there(api: Cluster, labels: dict[str, str], **metadata: Any) -> None:
    api.objects[PATH] = {"metadata": {"name": "tfscale", "labels": dict(labels), **metadata}}


def test_execute_present_makes_a_namespace_of_ours(api: Cluster) -> None:
    result = run(labels=RESTRICTED)
    assert (result["changed"], result["msg"]) == (True, "Namespace tfscale was made.")
    assert result["diff"] == {"before": {}, "after": {"labels": {**RESTRICTED, **OURS}}}
    assert api.objects[PATH]["metadata"]["labels"] == {**RESTRICTED, **OURS}
    assert run(labels=RESTRICTED)["changed"] is False


def test_execute_present_in_check_mode_makes_nothing(api: Cluster) -> None:
    assert run(check_mode=True)["changed"] is True
    assert api.objects == {}


def test_execute_present_waits_until_pods_are_admitted(api: Cluster) -> None:
    naps: list[float] = []
    account = f"{PATH}/serviceaccounts/default"
    asked = []
    get = api.get

    def late(path: str, **query: Any) -> dict[str, Any]:
        asked.append(path)
        if asked.count(account) in (1, 2):
            return get(f"{PATH}/nothing")
        return get(path, **query)

    api.get = late  # type: ignore[method-assign]
    run(naps=naps)
    assert len(naps) == 2


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_present_completes_the_labels_of_its_own(api: Cluster, check_mode: bool) -> None:
    there(api, {**OURS, "team": "a"})
    assert run(labels={**RESTRICTED, "spare": True}, check_mode=check_mode)["changed"] is True
    completed = {**OURS, **RESTRICTED, "team": "a", "spare": "true"}
    assert (api.objects[PATH]["metadata"]["labels"] == completed) is not check_mode


def test_execute_present_leaves_a_namespace_of_others_as_it_is(api: Cluster) -> None:
    there(api, {"team": "a"})
    result = run(labels=RESTRICTED)
    assert (result["changed"], result["msg"], api.patched) == (False, "Namespace tfscale is there.", [])


def test_execute_present_without_the_right_to_look_takes_it_to_be_there(api: Cluster) -> None:
    api.refuse("GET", PATH, 403, "no")
    for state in ("present", "absent"):
        assert run(state=state)["changed"] is False
    assert "is taken to be there: we may not look at namespaces" in run()["msg"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("My_Space", "cluster_namespace is 'My_Space': give up to 63 lower-case letters, digits and dashes."),
        ("-x", "cluster_namespace is '-x': give"),
        ("x" * 64, "cluster_namespace is 'xxx"),
    ],
)
def test_execute_refuses_a_name_with_a_sentence(api: Cluster, name: str, sentence: str) -> None:
    assert failure(name=name).startswith(sentence)


def test_execute_present_names_the_missing_right(api: Cluster) -> None:
    api.refuse("POST", "/api/v1/namespaces", 403, FORBIDDEN)
    sentence = failure()
    assert sentence.startswith("namespace tfscale is missing, and user bob may not create namespaces: give that right")
    assert sentence.endswith("give its name as cluster_namespace.")


def test_execute_present_lets_somebody_else_be_faster(api: Cluster) -> None:
    api.refuse("POST", "/api/v1/namespaces", 409)
    api.objects[f"{PATH}/serviceaccounts/default"] = {"metadata": {"name": "default"}}
    assert run()["changed"] is True


def test_execute_present_in_a_namespace_that_is_being_deleted(api: Cluster) -> None:
    there(api, OURS, deletionTimestamp="2026-01-01T00:00:00Z")
    assert failure() == "namespace tfscale is being deleted: wait until it is gone, or give another cluster_namespace."


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_absent_removes_what_was_made_here(api: Cluster, check_mode: bool) -> None:
    run()
    assert run(state="absent", check_mode=check_mode)["changed"] is True
    assert (PATH in api.objects) is check_mode


def test_execute_absent_keeps_what_others_made(api: Cluster) -> None:
    there(api, {"team": "a"})
    result = run(state="absent")
    assert (result["changed"], result["msg"]) == (False, "Namespace tfscale stays: tfscale.study did not create it.")
    assert PATH in api.objects


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("group", "resource"), [("/apis/apps/v1", "statefulsets"), ("/api/v1", "persistentvolumeclaims")]
)
def test_execute_absent_keeps_a_long_running_training(
    api: Cluster, group: str, resource: str, check_mode: bool
) -> None:
    run()
    labels = {"tfscale.study/training": "mine", **OURS}
    api.objects[f"{group}/namespaces/tfscale/{resource}/x"] = {"metadata": {"name": "x", "labels": labels}}
    result = run(state="absent", check_mode=check_mode)
    assert (result["changed"], PATH in api.objects) == (False, True)
    assert result["msg"] == (
        f"Namespace tfscale stays: it contains {resource}/x of training mine; remove it first (training_state: absent)."
    )


def put(api: Cluster, path: str, name: str, labels: dict[str, str] | None = None, **more: Any) -> None:
    group, _slash, resource = path.rpartition("/")
    api.objects[f"{group}/namespaces/tfscale/{resource}/{name}"] = {
        "metadata": {"name": name, "labels": labels, **more}
    }


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_absent_keeps_the_records_of_a_study(api: Cluster, check_mode: bool) -> None:
    run()
    put(api, "/api/v1/configmaps", "r", {**OURS, "tfscale.study/record": "true", "tfscale.study/study": "mnist"})
    result = run(state="absent", check_mode=check_mode)
    assert (result["changed"], PATH in api.objects) == (False, True)
    assert result["msg"].startswith(
        "Namespace tfscale stays: it contains records of study mnist, such as configmaps/r;"
    )


@pytest.mark.parametrize("labels", [None, {}, {"app.kubernetes.io/managed-by": "Helm"}])
@pytest.mark.parametrize(("group", "resource"), [*study_namespace.CONTENTS, *(one.place for one in WORKLOADS)])
def test_execute_absent_keeps_what_others_have_put_there(
    api: Cluster, group: str, resource: str, labels: dict[str, str] | None
) -> None:
    run()
    put(api, f"{group}/{resource}", "theirs", labels)
    put(api, "/api/v1/services", "own", OURS)
    result = run(state="absent")
    assert (result["changed"], PATH in api.objects) == (False, True)
    assert result["msg"] == f"Namespace tfscale stays: it contains {resource}/theirs, which is not ours."


def test_execute_absent_takes_what_every_namespace_has_for_nobodys(api: Cluster) -> None:
    run()
    put(api, "/api/v1/configmaps", "kube-root-ca.crt")
    put(api, "/api/v1/serviceaccounts", "default")
    put(api, "/api/v1/secrets", "default-token-x7k2q")
    put(api, "/apis/rbac.authorization.k8s.io/v1/rolebindings", "system:deployers")
    put(api, "/api/v1/pods", "of-a-set", ownerReferences=[{"kind": "StatefulSet"}])
    put(api, "/api/v1/configmaps", "own", OURS)
    api.refuse("LIST", "/api/v1/namespaces/tfscale/secrets", 403)
    api.refuse("LIST", "/apis/batch/v1/namespaces/tfscale/cronjobs", 404)
    assert run(state="absent")["changed"] is True
    assert PATH not in api.objects


def test_execute_absent_that_cannot_look_keeps_all(api: Cluster) -> None:
    run()
    api.refuse("LIST", "/api/v1/namespaces/tfscale/secrets", 500)
    assert "refused LIST" in failure(state="absent")
    assert PATH in api.objects


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("state", "verb"), [("present", "is changed"), ("absent", "is removed")])
def test_execute_leaves_the_namespace_of_a_study_that_somebody_runs(
    api: Cluster, state: str, verb: str, check_mode: bool
) -> None:
    """Its labels decide which pods are admitted, and its pods go with it."""
    run()
    LeaseLock(api, "tfscale", "mnist", 7, host="far").acquire()
    before = dict(api.objects)
    given: dict[str, Any] = {"state": state, "labels": RESTRICTED}
    told = failure(**given, check_mode=check_mode)
    facts = [
        "Namespace tfscale",
        "study mnist",
        "process 7 on host far since 2",
        f"cluster_teardown_held: true it {verb}",
    ]
    assert [fact for fact in facts if fact not in told] == []
    assert (api.objects, api.patched) == (before, [])
    assert run()["changed"] is False
    assert run(**given, end_held=True)["changed"] is True


def test_execute_absent_finds_nothing_to_do(api: Cluster) -> None:
    assert run(state="absent")["msg"] == "Namespace tfscale does not exist."


def test_execute_absent_waits_and_gives_up(api: Cluster) -> None:
    there(api, OURS)
    api.delete = lambda *_path, **_query: {}  # type: ignore[method-assign]
    assert (
        failure(state="absent", timeout=5) == "namespaces/tfscale did not go in time: look at the load of the cluster."
    )


def test_execute_with_a_server_that_fails_says_so(api: Cluster) -> None:
    api.refuse("GET", PATH, 500)
    assert "refused GET" in failure()
