# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger and the lock in a real API server: what it lets happen once, happens once."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError, StepError
from ansible_collections.tfscale.study.plugins.module_utils._common.process import start_time
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import Api, ApiError, connect
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ledger import ClusterLedger

from tests.e2e.infra.cluster import Cluster
from tests.fixtures.ledgers import SPEC, record
from tests.fixtures.sweeps import Controller

COMPETITORS = 8
# Processes that start on a busy machine.
START_SECONDS = 60.0


@pytest.fixture
def api(cluster: Cluster) -> Api:
    return connect({"kubeconfig": str(cluster.kubeconfig)}, patience=60)


@pytest.fixture
def controller(cluster: Cluster, namespace: str, tmp_path: Path) -> Callable[..., Controller]:
    """A controller with an empty disk of its own."""

    def make(name: str, owner_pid: int | None = None) -> Controller:
        where = {"kubeconfig": str(cluster.kubeconfig), "ledger": "cluster", "namespace": namespace}
        return Controller(tmp_path / name, owner_pid=owner_pid or os.getpid(), **where)

    return make


@pytest.fixture
def living() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Processes that do nothing but live."""
    made: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        made.append(subprocess.Popen(["sleep", "600"]))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()


def compete(act: Callable[[int], Any]) -> list[Any]:
    """What so many processes get when they act at the same moment."""
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(COMPETITORS), context.SimpleQueue()

    def take_part(number: int) -> None:
        gate.wait(START_SECONDS)
        try:
            answers.put(("done", act(number)))
        except LedgerError as error:
            answers.put(("refused", str(error)))

    processes = [context.Process(target=take_part, args=(number,)) for number in range(COMPETITORS)]
    for process in processes:
        process.start()
    found = [answers.get() for _process in processes]
    for process in processes:
        process.join()
    return found


def test_a_second_controller_goes_on_where_the_first_one_ended(controller: Callable[..., Controller]) -> None:
    first, second = controller("a"), controller("b")
    first.hold()
    begun = first.sweep(most=3)
    first.hold("absent")
    assert second.hold()["changed"] is True
    rest = second.sweep()
    assert (len(begun), len(rest)) == (3, 3)
    assert not set(begun) & set(rest)
    report = controller("c").report()
    assert report["counts"]["valid"] == 6
    assert second.hold("absent")["changed"] is True


def test_records_are_immutable_and_come_back_as_they_were(api: Api, namespace: str) -> None:
    book, one = ClusterLedger(api, namespace, "mnist"), record(SPEC, 1, seconds=4.0)
    book.append(one)
    assert list(book.records()) == [book.find(one["run_id"], 1)] == [one]
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    [item] = api.list(path, labelSelector="tfscale.study/record=true")[0]
    with pytest.raises(ApiError, match="immutable"):
        api.patch(f"{path}/{item['metadata']['name']}", {"data": {"record": "{}"}})


@pytest.mark.full
def test_one_of_many_controllers_records_an_attempt(cluster: Cluster, api: Api, namespace: str) -> None:
    def append(number: int) -> None:
        own = connect({"kubeconfig": str(cluster.kubeconfig)}, patience=60)
        ClusterLedger(own, namespace, "mnist").append(record(SPEC, 1, seconds=4.0 + number))

    answers = compete(append)
    assert sorted(kind for kind, _told in answers) == ["done"] + ["refused"] * (COMPETITORS - 1)
    assert all("another controller has recorded this attempt" in told for kind, told in answers if kind == "refused")
    assert len(list(ClusterLedger(api, namespace, "mnist").records())) == 1


@pytest.mark.parametrize("before", ["free", pytest.param("dead", marks=pytest.mark.full)])
def test_one_of_many_controllers_gets_the_lock(cluster: Cluster, api: Api, namespace: str, before: str) -> None:
    if before == "dead":
        LeaseLock(api, namespace, "mnist", 1, started=lambda _pid: 1).acquire()

    def acquire(number: int) -> bool:
        own = connect({"kubeconfig": str(cluster.kubeconfig)}, patience=60)
        # Hosts that cannot see each other's processes; the dead one was of this host.
        host = None if before == "dead" else f"host-{number}"
        started: Callable[[int], int | None] = lambda pid: 5 if pid >= 100 else None  # noqa: E731
        return LeaseLock(own, namespace, "mnist", 100 + number, host=host, started=started).acquire()[1]

    answers = compete(acquire)
    assert sorted(kind for kind, _told in answers) == ["done"] + ["refused"] * (COMPETITORS - 1)
    assert all("is held by process 10" in told for kind, told in answers if kind == "refused")


@pytest.mark.full
def test_a_living_controller_keeps_the_study_and_a_killed_one_loses_it(
    controller: Callable[..., Controller], living: Callable[[], subprocess.Popen[bytes]]
) -> None:
    holder = living()
    controller("a", holder.pid).hold()
    with pytest.raises(StepError, match=f"is held by process {holder.pid} on host .*; wait for it, or stop it"):
        controller("b").hold()
    holder.kill()
    holder.wait()
    assert controller("b").hold()["lock"]["pid"] == os.getpid()
    with pytest.raises(StepError, match=f"is held by process {os.getpid()}"):
        controller("c", living().pid).record(controller("c").plan()["runs"][0])


@pytest.mark.full
def test_a_controller_of_another_host_loses_the_study_when_it_renews_no_more(
    api: Api, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease.LEASE_SECONDS", 10)

    def lock(host: str, skew: float = 0.0) -> LeaseLock:
        # A clock that is an hour wrong changes nothing: the server's counts.
        return LeaseLock(api, namespace, "mnist", os.getpid(), host=host, now=lambda: time.time() + skew)

    lock("a", skew=-3600).acquire()
    until = time.monotonic() + 15
    while time.monotonic() < until:
        lock("a", skew=-3600).renew()
        with pytest.raises(LedgerError, match=r"on host a since .* its lock expires in \d+ s"):
            lock("b").acquire()
        time.sleep(1)
    time.sleep(12)
    assert lock("b").acquire()[1] is True
    with pytest.raises(LedgerError, match="on host b since"):
        lock("a").renew()


@pytest.mark.full
def test_a_record_as_large_as_a_configmap_takes(api: Api, namespace: str) -> None:
    book, one = ClusterLedger(api, namespace, "mnist"), record(SPEC, 1, seconds=4.0)
    empty = len(json.dumps({**one, "evidence": {"pods": ""}}, separators=(",", ":"))) + 1 + len("record")
    for block, spare, fits in ((1, 0, True), (2, -1, False)):
        large = {**record(SPEC, block, seconds=4.0), "evidence": {"pods": "x" * ((1 << 20) - empty - spare)}}
        if fits:
            assert book.append(large) is None
        else:
            with pytest.raises(LedgerError, match=r"keep this study with sweep_ledger=files"):
                book.append(large)
    assert len(list(book.records())) == 1


@pytest.mark.full
def test_a_thousand_records_are_read_in_their_order(api: Api, namespace: str) -> None:
    book = ClusterLedger(api, namespace, "mnist")
    told = [record({**SPEC, "workers": workers}, 1, seconds=4.0) for workers in range(1, 1001)]
    for number, one in enumerate(told):
        one["provenance"] = {**one["provenance"], "recorded_wall": float(number)}
        book.append(one)
    assert list(book.records()) == told


@pytest.mark.full
def test_the_lock_of_this_very_process_is_its_start_time(api: Api, namespace: str) -> None:
    held, _changed = LeaseLock(api, namespace, "mnist", os.getpid()).acquire()
    assert held["start_time"] == start_time(os.getpid())
