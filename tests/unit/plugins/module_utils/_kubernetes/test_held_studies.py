# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies of other controllers are named before anything of theirs is removed; our own, and those of the dead, are not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import held_studies as held
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.labels import STUDY, TRAINING
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ledger import prefix
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

from tests.fixtures.objects import Store

# A process that lives, and that these tests are not.
OTHER = os.getppid()
LEASES = "/apis/coordination.k8s.io/v1"


def params(**given: Any) -> dict[str, Any]:
    return {"end_held": False, "owner_pid": os.getpid(), "results_dir": "", "part": "", **given}


def lease(store: Store, study: str, pid: int = OTHER, *, label: str = STUDY, **more: Any) -> LeaseLock:
    lock = LeaseLock(store, "tfscale", study, pid, label=label, **more)
    lock.acquire()
    return lock


def named(store: Store, **given: Any) -> list[str]:
    return list(held.in_cluster(store, params(), **given))


@pytest.mark.parametrize("namespace", ["", "tfscale"])
def test_in_cluster_names_study_holder_and_since(namespace: str) -> None:
    store = Store()
    lease(store, "mnist", host="far", now=lambda: 1795548930.0)
    store.server_clock = lambda: 60.0
    [told] = named(store, namespace=namespace)
    assert told.startswith("study mnist in namespace tfscale is held by process ")
    assert f"process {OTHER} on host far since 2026-11-24 19:35:30 UTC" in told
    assert "its lock expires in 60 s" in told


def test_in_cluster_names_a_training_that_is_being_upgraded() -> None:
    store = Store()
    lease(store, "mine", label=TRAINING)
    [told] = named(store)
    assert told.startswith(f"training mine in namespace tfscale is held by process {OTHER}")
    assert named(store, namespace="tfscale", labels={TRAINING: "mine"}) == [told]
    assert named(store, namespace="tfscale", labels={TRAINING: "other", STUDY: None}) == []


@pytest.mark.parametrize(
    ("pid", "more"),
    [(os.getpid(), {}), (OTHER, {"started": lambda _pid: 7}), (2**22 + 1, {})],
    ids=["own", "another process of that number", "dead"],
)
def test_in_cluster_does_not_name_what_nobody_else_holds(pid: int, more: dict[str, Any]) -> None:
    store = Store()
    lease(store, "mnist", pid, **more)
    assert named(store) == []


def test_in_cluster_does_not_name_a_lease_of_others_or_one_that_is_over() -> None:
    store = Store()
    lease(store, "old", host="far")
    store.server_clock = lambda: 1000.0
    metadata = {"name": "leader", "labels": {"app": "x"}}
    store.create(f"{LEASES}/namespaces/tfscale/leases", {"metadata": metadata, "spec": {"holderIdentity": "x"}})
    odd = {"app.kubernetes.io/managed-by": "tfscale.study", STUDY: "No-Name"}
    store.create(f"{LEASES}/namespaces/tfscale/leases", {"metadata": {"name": "odd", "labels": odd}})
    assert named(store) == []


def test_in_cluster_without_the_right_to_list_asks_for_the_one_of_the_study() -> None:
    store = Store()
    lease(store, "mnist", host="far")
    store.refuse("LIST", f"{LEASES}/namespaces/tfscale/leases", 403)
    given: dict[str, Any] = {"namespace": "tfscale", "labels": {STUDY: "mnist", TRAINING: None}}
    assert len(named(store, **given)) == 1
    assert named(store, namespace="tfscale") == []
    for number, study in enumerate(("mnist", "mnist", "other")):
        labels = {"app.kubernetes.io/managed-by": "tfscale.study", STUDY: study}
        store.create("/api/v1/namespaces/tfscale/configmaps", {"metadata": {"name": f"c{number}", "labels": labels}})
    assert len(named(store, namespace="tfscale")) == 1
    store.refuse("GET", f"{LEASES}/namespaces/tfscale/leases/{prefix('mnist')}", 403)
    assert named(store, **given) == []


def study(folder: Path, name: str, pid: int = OTHER, **more: Any) -> None:
    StudyLock(folder / name, pid, **more).acquire()


@pytest.mark.parametrize(("part", "names"), [("", ["a", "b"]), ("kind1", ["a"]), ("kind2", ["b"]), ("kind3", [])])
def test_in_folder_names_studies_of_this_cluster(tmp_path: Path, part: str, names: list[str]) -> None:
    study(tmp_path, "a", part="kind1")
    study(tmp_path, "b", part="kind2")
    study(tmp_path, "own", os.getpid(), part="kind1")
    study(tmp_path, "dead", OTHER, started=lambda _pid: 7)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "ledger.lock").write_text("of mine")
    found = list(held.in_folder(params(results_dir=str(tmp_path), part=part)))
    assert [one.partition(" is held by process ")[0] for one in found] == [f"study {tmp_path / name}" for name in names]
    assert all(f"is held by process {OTHER} on host " in one and " since 2" in one for one in found)


def test_in_folder_without_one_has_none() -> None:
    assert list(held.in_folder(params())) == []


def test_above_finds_the_study_in_whose_folder_a_run_lies(tmp_path: Path) -> None:
    study(tmp_path, "a")
    study(tmp_path, "b")
    runs = [tmp_path / "a" / "logs" / "r1", tmp_path / "a" / "logs" / "r2", tmp_path / "c" / "logs"]
    [told] = held.above(runs, {"owner_pid": None})
    assert told.startswith(f"study {tmp_path / 'a'} is held by process {OTHER}")


def pod(store: Store, study: str, number: int = 0, **metadata: Any) -> None:
    labels = {"app.kubernetes.io/managed-by": "tfscale.study", STUDY: study, "tfscale.study/run": "r-1"}
    meta = {"name": f"tf-{study}-{number}", "namespace": "tfscale", "labels": labels, **metadata}
    store.create("/api/v1/namespaces/tfscale/pods", {"metadata": meta})


def test_unclaimed_names_a_study_that_runs_from_another_folder(tmp_path: Path) -> None:
    store = Store()
    for number in (0, 1):
        pod(store, "theirs", number)
    pod(store, "ending", deletionTimestamp="2026-01-01T00:00:00Z")
    pod(store, "by-lease")
    lease(store, "by-lease", started=lambda _pid: 7)
    pod(store, "here")
    study(tmp_path, "here", OTHER, started=lambda _pid: 7)
    [told] = held.unclaimed(store, params(results_dir=str(tmp_path)), "tfscale")
    assert told.startswith(
        "study theirs in namespace tfscale has pods since 1970-01-01T00:00:00Z, such as tf-theirs-0,"
    )
    assert told.endswith("and its controller is not known here")
    store.refuse("GET", f"{LEASES}/namespaces/tfscale/leases/{prefix('theirs')}", 403)
    assert len(list(held.unclaimed(store, params(results_dir=str(tmp_path)), "tfscale"))) == 1
    # Who removes the objects of its own study, or of one run, names no folder.
    assert list(held.unclaimed(store, params(), "tfscale")) == []


def test_check_names_all_and_what_ends_them(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        held.check(params(), "Kind cluster one", iter(["study a is held"]), iter(["study b is held"]))
    assert str(caught.value) == (
        "Kind cluster one is left as it is, because others work with it: study a is held; study b is held. With"
        " cluster_teardown_held: true it is removed all the same"
    )
    held.check(params(), "x", iter([]))
    held.check(params(end_held=True), "x", iter(["study a is held"]))
