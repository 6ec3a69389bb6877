# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of a training in a store that behaves as a server: what is renewed, what is taken back, and what a kill leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_upgrade

from tests.fixtures.long_running import APPS, CORE, LABELS, NAME, NAMESPACE, KilledError, LongRunningCluster, manifests

NEW = manifests(image="trainer:2")
WIDER = manifests(image="trainer:2", workers=4)
OWNER = 4711


class Site:
    """A training of 1 ps and 2 workers, and somebody who upgrades it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster = LongRunningCluster()
        self.now = 0.0
        self.lines: list[str] = []
        # Looked up at each call: a test may put another cluster in its place.
        monkeypatch.setattr(training_upgrade, "connect", lambda _auth: self.cluster)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def call(self, definition: Any = NEW, *, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        params = {name: option.get("default") for name, option in training_upgrade.ARGUMENT_SPEC.items()}
        params |= {"name": NAME, "definition": definition, "owner_pid": OWNER, **given}
        return training_upgrade.execute(
            params,
            Context(
                check_mode=check_mode,
                say=self.lines.append,
                clock=lambda: self.now,
                wall=lambda: self.now,
                sleep=self.sleep,
            ),
        )

    def fail(self, definition: Any = NEW, **given: Any) -> tuple[str, dict[str, Any]]:
        with pytest.raises(StepError) as caught:
            self.call(definition, **given)
        return str(caught.value), caught.value.result

    def kill_at(self, write: int, definition: Any = NEW, **given: Any) -> bool:
        """Whether there was such a write."""
        self.cluster.kill_at = write
        try:
            self.call(definition, **given)
        except KilledError:
            return True
        except StepError:
            return False
        finally:
            self.cluster.kill_at, self.cluster.writes = None, []
        return False


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


def images(ps: str, *workers: str) -> dict[str, str]:
    return {"ps-0": ps, **{f"worker-{index}": image for index, image in enumerate(workers)}}


OLD = images("trainer:1", "trainer:1", "trainer:1")
RENEWED = images("trainer:2", "trainer:2", "trainer:2")


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ({}, ["ps-0", "worker-1", "worker-0"]),
        ({"order": "workers_first"}, ["worker-1", "worker-0", "ps-0"]),
        ({"strategy": "canary"}, ["worker-1", "ps-0", "worker-0"]),
        ({"strategy": "recreate"}, ["ps-0", "worker-0", "worker-1"]),
    ],
)
def test_execute_renews_replica_by_replica(site: Site, given: dict[str, Any], order: list[str]) -> None:
    result = site.call(**given)
    assert site.cluster.renewed == order
    assert site.cluster.images() == RENEWED
    assert (result["changed"], result["undecided"]) == (True, False)
    assert [result[when]["worker"]["image"] for when in ("before", "after")] == ["trainer:1", "trainer:2"]
    assert result["after"]["worker"]["ready"] == 2
    assert result["msg"].startswith("training mnist is upgraded in ")
    assert site.cluster.journal()["stage"] == "done"


def test_execute_of_what_workers_alone_need_leaves_the_ps_alone(site: Site) -> None:
    result = site.call(manifests(rate="0.5"))
    assert site.cluster.renewed == ["worker-1", "worker-0"]
    assert "checkpoint" not in result["msg"]


def test_execute_stops_the_workers_where_only_the_ps_start_anew(site: Site) -> None:
    result = site.call(manifests(ps_image="trainer:2"), strategy="recreate")
    assert site.cluster.renewed == ["ps-0", "worker-0", "worker-1"]
    assert [line.split(": ")[1].split(" ")[0] for line in site.lines if "stopped" in line] == ["worker", "ps"]
    assert "all replicas restart" in result["msg"]


def test_execute_says_that_a_ps_loses_its_parameters(site: Site) -> None:
    assert (
        "a ps that restarts has lost its parameters: the training goes back to its last checkpoint"
        in (site.call()["msg"])
    )


def test_execute_of_another_size_restarts_all_and_says_so(site: Site) -> None:
    result = site.call(WIDER)
    assert site.cluster.renewed == ["ps-0", "worker-0", "worker-1", "worker-2", "worker-3"]
    assert result["msg"].endswith(
        "; from 2 to 4 workers: all replicas restart, because the addresses of all are fixed when TensorFlow starts."
    )
    stops = [line for line in site.lines if "stopped" in line]
    assert [line.split(": ")[1].split(" ")[0] for line in stops] == ["worker", "ps"]


def test_execute_again_changes_nothing(site: Site) -> None:
    site.call()
    site.cluster.writes = []
    result = site.call()
    assert (result["changed"], result["msg"]) == (False, "training mnist is as wanted already.")
    assert site.cluster.writes == []


def test_execute_in_check_mode_shows_what_would_change_and_writes_nothing(site: Site) -> None:
    result = site.call(manifests(rate="0.5"), check_mode=True)
    assert site.cluster.writes == []
    assert result["changed"] is True
    assert result["msg"] == "training mnist: StatefulSet mnist-worker would change."
    before, after = (result["diff"][when]["StatefulSet mnist-worker"] for when in ("before", "after"))
    assert before["spec"]["template"]["spec"]["containers"][0].pop("command") == ["trainer", "--learning_rate=0.1"]
    assert after["spec"]["template"]["spec"]["containers"][0].pop("command") == ["trainer", "--learning_rate=0.5"]
    assert before == after
    assert site.cluster.images() == OLD


def test_execute_shows_that_a_value_of_an_environment_changes_and_not_which_it_is(site: Site) -> None:
    wanted = manifests()
    worker = next(one for one in wanted if one["metadata"]["name"] == "mnist-worker" and one["kind"] == "StatefulSet")
    worker["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": "canary"}]
    result = site.call(wanted, check_mode=True)
    shown = result["diff"]["after"]["StatefulSet mnist-worker"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert (shown[0]["name"], shown[0]["value"][:7]) == ("TOKEN", "sealed:")
    assert "canary" not in str(result)


def test_execute_keeps_only_the_configuration_of_this_version_and_the_one_before(site: Site) -> None:
    first = manifests()[0]["metadata"]["name"]
    site.call(WIDER)
    second = WIDER[0]["metadata"]["name"]
    assert site.cluster.config_maps() == sorted([first, second, "mnist-upgrade"])
    third = manifests(workers=3)
    site.call(third)
    assert site.cluster.config_maps() == sorted([second, third[0]["metadata"]["name"], "mnist-upgrade"])


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (
            "missing:1",
            "image missing:1 is not on node node-a (ErrImageNeverPull): load it onto every node (role image)",
        ),
        ("crashing:1", "exited with code 1 again and again"),
        ("deaf:1", "did not get ready within 5 min"),
    ],
)
@pytest.mark.parametrize("strategy", ["rolling", "canary", "recreate"])
def test_execute_takes_back_what_does_not_work(site: Site, image: str, why: str, strategy: str) -> None:
    message, result = site.fail(manifests(image=image, ps_image="trainer:1"), strategy=strategy)
    assert message.startswith("The upgrade of training mnist did not work: worker ")
    assert why in message
    revision = result["before"]["worker"]["revision"]
    assert message.endswith(f"rolled back to ControllerRevisions {result['before']['ps']['revision']} and {revision}.")
    assert result["after"] == result["before"]
    assert result["attempted"]["worker"]["image"] == image
    assert site.cluster.images() == OLD
    assert site.cluster.journal()["stage"] == "done"
    if strategy != "recreate":
        assert "ps-0" not in site.cluster.renewed


def test_execute_of_another_size_is_taken_back_as_a_whole(site: Site) -> None:
    message, result = site.fail(manifests(image="deaf:1", ps_image="trainer:2", workers=4))
    assert "did not get ready" in message
    assert result["after"] == result["before"]
    assert site.cluster.images() == OLD


def test_execute_beyond_the_quota_is_taken_back(site: Site) -> None:
    site.cluster.quota = 4
    site.now = 600.0
    message, _result = site.fail(WIDER)
    assert "a pod of worker was not created: exceeded quota; it is rolled back" in message
    assert site.cluster.images() == OLD


def test_execute_does_not_begin_what_the_server_refuses(site: Site) -> None:
    site.cluster.refuse("PUT", f"{APPS}/mnist-worker", 422, "spec: Forbidden: updates to statefulset spec")
    message, _result = site.fail()
    assert "Forbidden: updates to statefulset spec" in message
    assert site.cluster.writes == []


def board(image: str = "board:1") -> list[dict[str, Any]]:
    meta = {"name": "mnist-tensorboard", "labels": LABELS}
    spec = {"template": {"spec": {"containers": [{"name": "board", "image": image}]}}}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"port": 6006}]}},
    ]


def image_of_the_board(site: Site) -> str:
    found = site.cluster.objects[f"{APPS.replace('statefulsets', 'deployments')}/mnist-tensorboard"]
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def test_execute_adds_and_removes_what_stands_beside_the_replicas(site: Site) -> None:
    assert list(site.call([*manifests(), *board()])["diff"]["after"]) == [
        "Deployment mnist-tensorboard",
        "Service mnist-tensorboard",
    ]
    assert site.cluster.renewed == []
    result = site.call(manifests())
    assert list(result["diff"]["before"]) == ["Deployment mnist-tensorboard", "Service mnist-tensorboard"]
    assert result["diff"]["after"] == {}
    assert not [path for path in site.cluster.objects if path.endswith("-tensorboard")]
    assert site.call(manifests())["changed"] is False
    site.call(None, state="rolled_back")
    assert image_of_the_board(site) == "board:1"


def addresses(workers: int) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"mnist-worker-{index}", "labels": LABELS},
            "spec": {"ports": [{"port": 2222}]},
        }
        for index in range(workers)
    ]


def test_addresses_come_and_go_with_their_replicas(site: Site) -> None:
    def there() -> list[str]:
        return sorted(path for path in site.cluster.objects if path.startswith(f"{CORE}/services/"))

    site.call([*manifests(), *addresses(2)])
    former = there()
    # As the server deals them out: what is made again cannot count on the same one.
    site.cluster.objects[former[1]]["spec"] |= {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}
    site.call([*manifests(workers=1), *addresses(1)])
    assert there() == former[:1]
    site.call(None, state="rolled_back")
    assert there() == former
    assert site.cluster.objects[former[1]]["spec"] == {"ports": [{"port": 2222}]}


def test_roll_back_removes_what_the_upgrade_has_added(site: Site) -> None:
    site.call([*manifests(), *board()])
    site.call(None, state="rolled_back")
    assert not [path for path in site.cluster.objects if path.endswith("-tensorboard")]


def test_execute_takes_back_what_stands_beside_the_replicas(site: Site) -> None:
    site.call([*manifests(), *board()])
    site.fail([*manifests(image="missing:1"), *board("board:2")])
    assert image_of_the_board(site) == "board:1"


# --- a controller that is killed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"strategy": "canary"}, {"strategy": "recreate"}, {"order": "workers_first"}])
@pytest.mark.parametrize("wanted", [NEW, WIDER], ids=["image", "size"])
def test_execute_killed_at_any_write_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch, wanted: Any, given: dict[str, Any]
) -> None:
    write = 0
    while True:
        site = Site(monkeypatch)
        if not site.kill_at(write, wanted, **given):
            break
        site.call(wanted, **given)
        assert site.cluster.images() == images(*["trainer:2"] * (3 if wanted is NEW else 5)), write
        assert site.cluster.journal()["stage"] == "done"
        assert site.call(wanted, **given)["changed"] is False
        write += 1
    assert write >= 5


def test_execute_killed_at_any_write_and_asked_for_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    other = manifests(image="trainer:3")
    write = 0
    while True:
        site = Site(monkeypatch)
        if not site.kill_at(write, WIDER):
            break
        site.call(other)
        assert site.cluster.images() == images("trainer:3", "trainer:3", "trainer:3"), write
        assert site.cluster.journal()["before"]["worker"]["spec"]["replicas"] == 2
        write += 1
    assert write >= 5


@pytest.mark.parametrize("image", ["missing:1", "deaf:1"])
def test_execute_killed_while_it_takes_back(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    wanted = manifests(image=image, ps_image="trainer:2", workers=3)
    write, seen = 0, 0
    while True:
        site = Site(monkeypatch)
        if not site.kill_at(write, wanted):
            break
        seen += site.cluster.objects.get(f"{CORE}/configmaps/{NAME}-upgrade", {}) != {} and (
            site.cluster.journal()["stage"] == "retreating"
        )
        message, _result = site.fail(wanted)
        assert "rolled back" in message, write
        assert site.cluster.images() == OLD, write
        write += 1
    assert seen >= 3


# --- a decision that comes later --------------------------------------------------------------------------------------


def test_confirm_ends_an_upgrade_that_waits_for_a_decision(site: Site) -> None:
    for _call in range(2):
        result = site.call(confirm=False)
        assert result["undecided"] is True
        assert result["former"]["worker"]["image"] == "trainer:1"
    assert site.cluster.journal()["stage"] == "undecided"
    assert site.call(state="confirmed")["changed"] is True
    assert site.call(state="confirmed")["changed"] is False
    assert site.cluster.images() == RENEWED


@pytest.mark.parametrize("confirm", [True, False])
def test_roll_back_returns_to_the_version_before(site: Site, confirm: bool) -> None:
    first = site.call(confirm=confirm)
    result = site.call(state="rolled_back")
    assert result["changed"] is True
    assert result["after"] == first["before"]
    assert site.cluster.images() == OLD
    again = site.call(state="rolled_back")
    assert (again["changed"], again["msg"]) == (False, "training mnist was rolled back already.")


def test_roll_back_of_an_undecided_upgrade_goes_to_what_was_confirmed(site: Site) -> None:
    site.call(confirm=False)
    site.call(manifests(image="trainer:3"), confirm=False)
    site.call(None, state="rolled_back")
    assert site.cluster.images() == OLD


def test_decisions_about_another_upgrade_are_refused(site: Site) -> None:
    site.call(confirm=False)
    for state in ("confirmed", "rolled_back"):
        message, _result = site.fail(WIDER, state=state)
        assert message == (
            "training mnist has been upgraded to something else meanwhile: look at it before you decide about it."
        )


def test_decisions_without_an_upgrade_are_refused(site: Site) -> None:
    message, _result = site.fail(None, state="rolled_back")
    assert message == "training mnist has not been upgraded yet: there is nothing to confirm or to take back."


def test_ready_waits_for_what_was_deployed(site: Site) -> None:
    site.cluster.pods.clear()
    result = site.call(None, state="ready")
    assert (result["changed"], result["msg"]) == (False, "training mnist is ready.")
    assert result["after"]["worker"]["ready"] == 2
    assert site.cluster.writes == []


def test_ready_names_what_keeps_it_from_getting_ready(site: Site) -> None:
    site.cluster = LongRunningCluster(manifests(image="missing:1", ps_image="trainer:1"))
    message, _result = site.fail(None, state="ready")
    assert message.startswith(
        "training mnist does not get ready: worker 0 did not start: image missing:1 is not on node"
    )


# --- bad input --------------------------------------------------------------------------------------------------------


def test_execute_while_another_one_upgrades_is_refused(site: Site) -> None:
    LeaseLock(site.cluster, NAMESPACE, NAME, 1, label="tfscale.study/training", host="elsewhere").acquire()
    message, _result = site.fail()
    assert message.startswith("training mnist in namespace tfscale is held by process 1 on host elsewhere since ")
    assert site.cluster.images() == OLD


def test_execute_lets_go_of_the_training(site: Site) -> None:
    site.call()
    site.fail(manifests(image="missing:1"))
    assert not [path for path in site.cluster.objects if "leases" in path]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"timeout": 0.0}, "timeout is 0"),
        ({"min_ready_seconds": -1.0}, "min_ready_seconds is -1"),
        ({"namespace": "No Name"}, "cluster_namespace is 'No Name'"),
        ({"definition": [{"kind": "Secret"}]}, "definition[0] is 'Secret': give manifests of ConfigMap, "),
        ({"definition": manifests()[:1]}, "definition has the StatefulSets none: give mnist-worker"),
        ({"definition": manifests()[2:]}, "differ in having ps"),
        ({"name": "other", "definition": None, "state": "confirmed"}, "no such training exists in namespace tfscale"),
        ({"name": "other"}, "definition[0] (ConfigMap mnist-"),
    ],
)
def test_execute_of_bad_input_starts_nothing(site: Site, given: dict[str, Any], words: str) -> None:
    message, _result = site.fail(**given)
    assert words in message
    assert message.count("\n") == 0
    assert site.cluster.images() == OLD
    assert not [write for write in site.cluster.writes if "upgrade" in write]


def test_execute_of_a_journal_that_is_not_ours(site: Site) -> None:
    site.call()
    site.cluster.objects[f"{CORE}/configmaps/{NAME}-upgrade"]["data"] = {"journal": "{"}
    message, _result = site.fail(WIDER)
    assert message == ("ConfigMap tfscale/mnist-upgrade is no journal of ours: delete it if no upgrade runs.")


def test_manifests_differ_as_the_tests_mean_it() -> None:
    _config, ps, workers = manifests()
    assert manifests(rate="0.5")[1:] == [ps, {**workers, "spec": manifests(rate="0.5")[2]["spec"]}]
    assert manifests(rate="0.5")[2]["spec"] != workers["spec"]


def foreign_twin(cluster: LongRunningCluster, path: str) -> dict[str, Any]:
    """An object of the same name that somebody else has put there."""
    cluster.objects[path]["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    return json.loads(json.dumps(cluster.objects[path]["spec" if "spec" in cluster.objects[path] else "data"]))  # type: ignore[no-any-return]


@pytest.mark.parametrize("state", ["upgraded", "rolled_back", "confirmed", "ready"])
@pytest.mark.parametrize("group", ["ps", "worker"])
def test_execute_leaves_a_statefulset_of_others(site: Site, group: str, state: str) -> None:
    path = f"{APPS}/{NAME}-{group}"
    before = foreign_twin(site.cluster, path)
    msg, _result = site.fail(state=state)
    assert msg.startswith(
        f"StatefulSet {NAMESPACE}/{NAME}-{group} is there and is not ours (it has no label app.kubern"
    )
    assert (site.cluster.objects[path]["spec"], site.cluster.writes) == (before, [])


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_changes_nothing_where_one_object_is_of_others(site: Site, check_mode: bool) -> None:
    name = WIDER[0]["metadata"]["name"]
    site.cluster.create(f"{CORE}/configmaps", {**WIDER[0], "metadata": {"name": name}, "data": {"password": "x"}})
    site.cluster.writes = []
    msg, _result = site.fail(WIDER, check_mode=check_mode)
    assert msg.startswith(f"ConfigMap {NAMESPACE}/{name} is there and is not ours")
    assert site.cluster.objects[f"{CORE}/configmaps/{name}"]["data"] == {"password": "x"}
    assert (site.cluster.writes, site.cluster.images()) == ([], OLD)


def test_execute_takes_no_config_map_of_others_for_its_journal(site: Site) -> None:
    site.call()
    path = f"{CORE}/configmaps/{NAME}-upgrade"
    before = foreign_twin(site.cluster, path)
    msg, _result = site.fail(state="rolled_back")
    assert msg.startswith(f"ConfigMap {NAMESPACE}/{NAME}-upgrade is there and is not ours")
    assert site.cluster.objects[path]["data"] == before
