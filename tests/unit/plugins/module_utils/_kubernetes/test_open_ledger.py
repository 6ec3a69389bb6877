# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a study do the same whether its ledger is a file or in the cluster."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError, StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import lease_keeper
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import open_ledger as ledger
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import ApiError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ledger import ClusterLedger
from ansible_collections.tfscale.study.plugins.module_utils._study.records.ledger import FileLedger
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

from tests.fixtures.objects import Store
from tests.fixtures.sweeps import Controller

MINE, PARENT = os.getpid(), os.getppid()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store()
    monkeypatch.setattr(ledger, "connect", lambda _params: there)
    # Another process would renew a copy of that store (test_lease_keeper.py).
    monkeypatch.setattr(lease_keeper, "start", lambda _params: None)
    return there


@pytest.fixture(params=["files", "cluster"])
def kept(request: pytest.FixtureRequest, store: Store) -> str:
    return str(request.param)


def controller(folder: Path, kept: str = "cluster", owner: int = MINE, **more: Any) -> Controller:
    return Controller(folder, owner_pid=owner, ledger=kept, namespace="tfscale", **more)


def test_open_ledger_chooses_by_the_parameter(tmp_path: Path, store: Store) -> None:
    params = {"study_dir": str(tmp_path / "mnist"), "namespace": "tfscale", "owner_pid": MINE}
    book, lock = ledger.open_ledger({**params, "ledger": "files"})
    assert (type(book), type(lock)) == (FileLedger, StudyLock)
    book, lock = ledger.open_ledger({**params, "ledger": "cluster"})
    assert (type(book), type(lock)) == (ClusterLedger, LeaseLock)
    assert ledger.open_ledger({**params, "ledger": "cluster", "owner_pid": None})[1] is None


def test_open_ledger_of_files_needs_no_kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    # Other tests may have loaded it.
    monkeypatch.setitem(sys.modules, "ansible_collections.kubernetes.core.plugins.module_utils.k8s", None)
    done = controller(tmp_path, "files")
    assert len(done.sweep()) == 6
    with pytest.raises(StepError, match=r"Python's package .* is missing: `make setup-kubernetes`"):
        controller(tmp_path).plan()


@pytest.mark.parametrize("namespace", ["", "Mine", "a/b", "-a", "a" * 64, "a\n"])
def test_open_ledger_refuses_what_no_namespace_can_be(tmp_path: Path, store: Store, namespace: str) -> None:
    with pytest.raises(StepError, match=r"cluster_namespace is .*: give a name of at most 63 lower-case letters"):
        Controller(tmp_path, owner_pid=MINE, ledger="cluster", namespace=namespace).plan()


def test_a_sweep_runs_once_and_reports(tmp_path: Path, kept: str) -> None:
    one = controller(tmp_path, kept)
    assert one.hold()["changed"] is True
    assert len(set(one.sweep())) == 6
    assert one.sweep() == []
    assert one.report()["counts"]["valid"] == 6
    assert (tmp_path / "mnist" / "report.html").exists()
    assert (tmp_path / "mnist" / "ledger.jsonl").exists() == (kept == "files")
    assert one.hold("absent")["changed"] is True


def test_another_controller_goes_on_where_the_first_one_ended(tmp_path: Path, store: Store) -> None:
    first, second = controller(tmp_path / "a"), controller(tmp_path / "b")
    begun = first.sweep(most=3)
    rest = second.sweep()
    assert len(begun) == len(rest) == 3
    assert not set(begun) & set(rest)
    assert second.plan()["complete"] is True
    # A third one has nothing but the cluster.
    assert controller(tmp_path / "c").report()["counts"]["runs"] == 6


def test_an_attempt_is_recorded_once(tmp_path: Path, kept: str) -> None:
    one = controller(tmp_path, kept)
    run = one.plan()["runs"][0]
    results = [one.record(run), one.record(run, log_format="thesis")]
    assert [result["changed"] for result in results] == [True, False]
    assert results[0]["record"] == results[1]["record"]


def test_two_controllers_record_one_attempt_once(tmp_path: Path, store: Store) -> None:
    one, other = controller(tmp_path / "a"), controller(tmp_path / "b", max_steal_share=0.5)
    run, same = one.plan()["runs"][0], other.plan()["runs"][0]
    store.meanwhile = lambda: one.record(run)
    with pytest.raises(
        StepError, match=r"another controller has recorded this attempt; .*; the run's logs are kept in"
    ):
        other.record(same)
    assert one.plan()["counts"]["done"] == 1


def test_check_mode_writes_nothing(tmp_path: Path, store: Store) -> None:
    one = controller(tmp_path)
    run = one.plan()["runs"][0]
    assert one.hold(check_mode=True)["changed"] is True
    assert one.record(run, check_mode=True)["changed"] is True
    assert store.objects == {}


def test_a_held_study_is_refused(tmp_path: Path, kept: str) -> None:
    mine = controller(tmp_path, kept)
    run = mine.plan()["runs"][0]
    controller(tmp_path, kept, PARENT).hold()
    sentence = rf"is held by process {PARENT} on host .*; wait for it, or stop it"
    with pytest.raises(StepError, match=sentence):
        mine.hold()
    with pytest.raises(StepError, match=sentence):
        mine.record(run)
    assert mine.hold("absent")["changed"] is False


def test_hold_names_the_study(tmp_path: Path, store: Store) -> None:
    msg = controller(tmp_path).hold()["msg"]
    assert msg.startswith(f"Study mnist in namespace tfscale is held by process {MINE} on host ")
    assert controller(tmp_path).hold("absent")["msg"] == "Study mnist in namespace tfscale is released."


def test_record_renews_the_lock(tmp_path: Path, store: Store) -> None:
    one = controller(tmp_path)
    one.hold()
    [path] = store.objects
    before = store.objects[path]["metadata"]["resourceVersion"]
    one.record(one.plan()["runs"][0])
    assert store.objects[path]["metadata"]["resourceVersion"] != before


def test_a_server_that_does_not_answer_gets_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_params: Any) -> Any:
        raise ApiError("kubeconfig x cannot be used: it is empty")

    monkeypatch.setattr(ledger, "connect", away)
    for act in (controller(tmp_path).plan, controller(tmp_path).hold, controller(tmp_path).report):
        with pytest.raises(StepError, match="kubeconfig x cannot be used"):
            act()


class Lock:
    """Counts its renewals; an error is raised instead."""

    def __init__(self, error: Exception | None = None) -> None:
        self.renewed = 0
        self.error = error
        self.held: dict[str, Any] | None = None
        self.study = "mnist"

    def renew(self) -> dict[str, Any] | None:
        self.renewed += 1
        if self.error:
            raise self.error
        return self.held


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Lock:
    made = Lock()
    monkeypatch.setattr(ledger, "open_ledger", lambda _params: (None, made))
    return made


def test_keeper_renews_at_once_and_then_every_20_seconds(lock: Lock) -> None:
    calls = [0.0, 0.1, 19.9, 20.0, 30.0, 41.0]
    times = iter([0.0, *calls])
    keep = ledger.keeper({"ledger": "cluster"}, clock=lambda: next(times))
    for _call in calls:
        keep()
    assert lock.renewed == 3


def test_keeper_says_that_a_study_is_lost(lock: Lock) -> None:
    times = iter(range(0, 1000, 25))
    keep = ledger.keeper({"ledger": "cluster"}, clock=lambda: next(times))
    lock.held = {"pid": 1}
    keep()
    lock.held = None
    with pytest.raises(LedgerError, match="study mnist is not held by this controller any more: its Lease was deleted"):
        keep()


def test_keeper_of_a_ledger_in_files_does_nothing(lock: Lock) -> None:
    ledger.keeper({"ledger": "files"})()
    assert lock.renewed == 0


def test_keeper_of_nobody_does_nothing(tmp_path: Path, store: Store) -> None:
    ledger.keeper(
        {"ledger": "cluster", "namespace": "tfscale", "study_dir": str(tmp_path / "mnist"), "owner_pid": None}
    )()
    assert store.requests == 0


@pytest.mark.parametrize(("status", "ends"), [(0, False), (503, False), (403, True), (None, True)])
def test_keeper_bears_a_server_that_is_away_and_no_other_owner(lock: Lock, status: int | None, ends: bool) -> None:
    lock.error = LedgerError("the study is held by process 7")
    lock.error.__cause__ = None if status is None else ApiError("no", status=status)
    keep = ledger.keeper({"ledger": "cluster"})
    if ends:
        with pytest.raises(LedgerError, match="process 7"):
            keep()
    else:
        keep()
        assert lock.renewed == 1
