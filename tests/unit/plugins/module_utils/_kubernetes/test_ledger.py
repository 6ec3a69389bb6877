# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that nobody writes twice, and a lock that a dead controller lets go of (tests/e2e/test_ledger.py: on a real server)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import lease
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import ledger as cluster_ledger
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ledger import ClusterLedger
from ansible_collections.tfscale.study.plugins.module_utils._study.records import ledger

from tests.fixtures.ledgers import SPEC, mnist, record
from tests.fixtures.objects import Store

NOON = 1_790_000_000.0
ALIVE = {100: 5000, 200: 6000}
CONFIGMAPS = "/api/v1/namespaces/tfscale/configmaps"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/tfscale/leases/{cluster_ledger.prefix('mnist')}"


class Clock:
    def __init__(self, wall: float = NOON) -> None:
        self.wall = wall

    def __call__(self) -> float:
        return self.wall


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock=clock)


def book_of(store: Store, study: str = "mnist") -> ClusterLedger:
    return ClusterLedger(store, "tfscale", study)


def lock_of(
    store: Store,
    pid: int = 100,
    *,
    host: str = "a",
    space: str = "x-1",
    now: Callable[[], float] = lambda: NOON,
    alive: dict[int, int] | None = None,
) -> LeaseLock:
    started = (ALIVE if alive is None else alive).get
    return LeaseLock(store, "tfscale", "mnist", pid, host=host, space=space, now=now, started=started)


def test_append_keeps_one_immutable_configmap_a_record(store: Store) -> None:
    one = record(SPEC, 1, seconds=4.0)
    assert book_of(store).append(one) is None
    [(path, made)] = store.objects.items()
    assert path == f"{CONFIGMAPS}/{cluster_ledger.prefix('mnist')}-{one['run_id']}-1"
    assert made["immutable"] is True
    assert made["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "tfscale.study",
        "tfscale.study/study": "mnist",
        "tfscale.study/record": "true",
    }
    assert made["metadata"]["annotations"] == {
        "tfscale.study/run": one["run_id"],
        "tfscale.study/attempt": "1",
    }
    assert made["data"] == {"record": ledger.encode(one).decode()}


def test_records_reads_what_was_appended_in_the_servers_order(store: Store, clock: Clock) -> None:
    book, told = book_of(store), mnist()
    for number, one in enumerate(told):
        clock.wall = NOON + number // 3
        book.append(one)
    # As a store may list them.
    store.objects = dict(reversed(store.objects.items()))
    assert list(book.records()) == told


def test_records_of_another_study_are_not_read(store: Store) -> None:
    book_of(store).append(record(SPEC, 1, seconds=4.0))
    assert list(book_of(store, "other").records()) == []
    assert book_of(store, "other").find(record(SPEC, 1, seconds=4.0)["run_id"], 1) is None


def test_find_gives_the_record_of_one_attempt(store: Store) -> None:
    one = record(SPEC, 1, seconds=4.0)
    book_of(store).append(one)
    assert book_of(store).find(one["run_id"], 1) == one
    assert book_of(store).find(one["run_id"], 2) is None


def test_append_of_the_same_record_is_no_second_one(store: Store) -> None:
    one = record(SPEC, 1, seconds=4.0)
    for _request_sent_again in range(2):
        assert book_of(store).append(one) is None
    assert list(book_of(store).records()) == [one]


def test_append_of_what_another_controller_recorded_is_refused(store: Store) -> None:
    first, second = (record(SPEC, 1, seconds=seconds) for seconds in (4.0, 5.0))
    book_of(store).append(first)
    with pytest.raises(LedgerError, match=r"ConfigMap tfscale/tfscale-\S+ is there already: another controller has"):
        book_of(store).append(second)
    assert list(book_of(store).records()) == [first]


def test_append_of_a_number_that_is_none_writes_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        book_of(store).append(record(SPEC, 1, seconds=4.0) | {"timings": {"train_seconds": float("nan")}})
    assert store.objects == {}


def test_repair_has_nothing_to_do(store: Store) -> None:
    assert book_of(store).repair() is None
    assert store.requests == 0


@pytest.mark.parametrize("notes", [25, 40_000])
def test_append_spares_notes_where_a_record_is_too_long(store: Store, notes: int) -> None:
    one = record(SPEC, 1, seconds=4.0)
    one["evidence"] = {**one["evidence"], "notes": ["x" * 100] * notes}
    warning = book_of(store).append(one)
    kept = next(book_of(store).records())["evidence"]["notes"]
    if notes == 25:
        assert warning is None
        assert kept == one["evidence"]["notes"]
    else:
        left = "39980 more were left out, because a ConfigMap takes 1 MiB"
        assert kept == ["x" * 100] * 20 + [left]
        assert warning == f"the record of run {one['run_id']} was too long for a ConfigMap: {left} of its notes"


def test_append_of_a_record_that_no_configmap_takes_gets_a_sentence(store: Store) -> None:
    one = record(SPEC, 1, seconds=4.0) | {"evidence": {"pods": "x" * (1 << 20)}}
    with pytest.raises(LedgerError, match=r"record of run \S+ has \d+ bytes, but a ConfigMap takes 1048576: keep this"):
        book_of(store).append(one)
    assert store.objects == {}


@pytest.mark.parametrize(
    "data",
    [None, {}, {"other": "x"}, {"record": ""}, {"record": "x"}, {"record": "{}"}, {"record": "[" * 100_000}],
    ids=["none", "empty", "another", "blank", "text", "no-record", "deep"],
)
def test_a_configmap_that_is_no_record_gets_a_sentence(store: Store, data: Any) -> None:
    one = record(SPEC, 1, seconds=4.0)
    book_of(store).append(one)
    [made] = store.objects.values()
    made["data"] = data
    sentence = r"ConfigMap tfscale/tfscale-\S+-1-1 is not a record of study mnist: delete it, or take its label"
    with pytest.raises(LedgerError, match=sentence):
        list(book_of(store).records())
    with pytest.raises(LedgerError, match=sentence):
        book_of(store).find(one["run_id"], 1)


def test_a_copy_of_a_record_is_not_counted_twice(store: Store) -> None:
    book_of(store).append(record(SPEC, 1, seconds=4.0))
    [made] = store.objects.values()
    store.objects[f"{CONFIGMAPS}/copy"] = {**made, "metadata": {**made["metadata"], "name": "copy"}}
    with pytest.raises(LedgerError, match="ConfigMap tfscale/copy is not a record of study mnist"):
        list(book_of(store).records())


@pytest.mark.parametrize("name", ["Mnist", "-a", "a" * 64, "größe", ""])
def test_a_study_that_no_label_can_carry_gets_a_sentence(store: Store, name: str) -> None:
    with pytest.raises(LedgerError, match=r"study_dir ends in '.*', which cannot name a study in the cluster"):
        book_of(store, name)
    with pytest.raises(LedgerError, match="cannot name a study in the cluster"):
        LeaseLock(store, "tfscale", name, 100)


def test_a_namespace_that_is_not_there_gets_a_sentence(clock: Clock) -> None:
    store = Store(namespaces=(), clock=clock)
    for act in (lambda: book_of(store).append(record(SPEC, 1, seconds=4.0)), lock_of(store).acquire):
        with pytest.raises(LedgerError, match=r"namespace tfscale does not exist: .*give another"):
            act()
    assert list(book_of(store).records()) == []
    assert lock_of(store).check() is None


@pytest.mark.parametrize(
    ("method", "path", "act"),
    [
        ("LIST", CONFIGMAPS, lambda store: list(book_of(store).records())),
        ("GET", f"{CONFIGMAPS}/{cluster_ledger.prefix('mnist')}-a-1", lambda store: book_of(store).find("a", 1)),
        ("POST", CONFIGMAPS, lambda store: book_of(store).append(record(SPEC, 1, seconds=4.0))),
        ("GET", LEASE, lambda store: lock_of(store).check()),
        ("GET", LEASE, lambda store: lock_of(store).renew()),
        ("POST", LEASE.rpartition("/")[0], lambda store: lock_of(store).acquire()),
        ("GET", LEASE, lambda store: lock_of(store).release()),
    ],
)
def test_a_refusal_of_the_server_gets_its_sentence(
    store: Store, method: str, path: str, act: Callable[[Store], Any]
) -> None:
    store.refuse(method, path, 403, 'User "eve" cannot do resource "things"')
    with pytest.raises(LedgerError, match="user eve may not do things in namespace tfscale: give that right"):
        act(store)


def test_acquire_names_the_owner(store: Store, clock: Clock) -> None:
    mine = {"pid": 100, "start_time": 5000, "host": "a", "since": NOON}
    assert lock_of(store).acquire() == (mine, True)
    assert lock_of(store).check() == mine
    [(path, lease)] = store.objects.items()
    assert path == LEASE
    assert lease["spec"] == {
        "holderIdentity": "a/100/5000/x-1",
        "leaseDurationSeconds": 120,
        "acquireTime": "2026-09-21T14:13:20.000000Z",
        "renewTime": "2026-09-21T14:13:20.000000Z",
        "leaseTransitions": 0,
    }
    assert lease["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "tfscale.study",
        "tfscale.study/study": "mnist",
    }


@pytest.mark.parametrize("act", ["acquire", "renew"])
def test_acquire_and_renew_prolong_the_own_lock(store: Store, act: str) -> None:
    held, _changed = lock_of(store).acquire()
    answer = getattr(lock_of(store, now=lambda: NOON + 60), act)()
    assert answer == ((held, False) if act == "acquire" else held)
    [lease] = store.objects.values()
    assert lease["spec"]["renewTime"] == "2026-09-21T14:14:20.000000Z"
    assert lease["spec"]["acquireTime"] == "2026-09-21T14:13:20.000000Z"
    assert lease["spec"]["leaseTransitions"] == 0


def test_acquire_in_check_mode_writes_nothing(store: Store) -> None:
    lock, changed = lock_of(store).acquire(check_mode=True)
    assert (lock["pid"], changed, store.objects) == (100, True, {})
    lock_of(store).acquire()
    before = json.dumps(store.objects)
    assert lock_of(store, now=lambda: NOON + 60).acquire(check_mode=True)[1] is False
    assert json.dumps(store.objects) == before


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({}, r"since 2026-09-21 14:13:20 UTC; wait for it, or stop it\Z"),
        ({"host": "b"}, r"since .* UTC; wait for it, or stop it; .* its lock expires in 90 s\Z"),
        ({"space": "x-2"}, r"since .* UTC; wait for it, or stop it; .* its lock expires in 90 s\Z"),
    ],
    ids=["same-host", "other-host", "other-container"],
)
@pytest.mark.parametrize("act", ["acquire", "check", "renew"])
def test_a_study_that_another_holds_is_refused(
    store: Store, clock: Clock, where: dict[str, Any], sentence: str, act: str
) -> None:
    lock_of(store).acquire()
    before = json.dumps(store.objects)
    clock.wall += 30
    with pytest.raises(
        LedgerError, match=f"study mnist in namespace tfscale is held by process 100 on host a {sentence}"
    ):
        getattr(lock_of(store, 200, **where), act)()
    assert json.dumps(store.objects) == before


@pytest.mark.parametrize("alive", [{200: 6000}, {100: 5001, 200: 6000}], ids=["dead", "pid-used-again"])
def test_acquire_takes_over_from_a_dead_process_of_this_host_at_once(store: Store, alive: dict[int, int]) -> None:
    lock_of(store).acquire()
    lock, changed = lock_of(store, 200, alive=alive).acquire()
    assert (lock["pid"], changed) == (200, True)
    [lease] = store.objects.values()
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("a/200/6000/x-1", 1)


@pytest.mark.parametrize("where", [{"host": "b"}, {"space": "x-2"}], ids=["host", "container"])
def test_acquire_does_not_judge_processes_that_it_cannot_see(store: Store, where: dict[str, Any]) -> None:
    lock_of(store).acquire()
    with pytest.raises(LedgerError, match="is held by process 100 on host a"):
        lock_of(store, 200, alive={200: 6000}, **where).acquire()


@pytest.mark.parametrize(("seconds", "free"), [(119, False), (120, True), (100_000, True)])
def test_acquire_takes_over_what_was_not_renewed(store: Store, clock: Clock, seconds: float, free: bool) -> None:
    lock_of(store).acquire()
    clock.wall += seconds
    other = lock_of(store, 200, host="b")
    if free:
        assert other.check() is None
        assert other.acquire()[1] is True
        with pytest.raises(LedgerError, match="is held by process 200 on host b"):
            lock_of(store).renew()
    else:
        with pytest.raises(LedgerError, match="expires in 1 s"):
            other.acquire()


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_acquire_trusts_the_servers_clock_alone(store: Store, clock: Clock, skew: float) -> None:
    lock_of(store, now=lambda: NOON + skew).acquire()
    clock.wall += 100
    with pytest.raises(LedgerError, match="expires in 20 s"):
        lock_of(store, 200, host="b", now=lambda: NOON - skew).acquire()


def test_acquire_of_a_lease_without_its_fields_history_goes_by_its_own_time(store: Store) -> None:
    lock_of(store).acquire()
    del store.objects[LEASE]["metadata"]["managedFields"]
    with pytest.raises(LedgerError, match="expires in 20 s"):
        lock_of(store, 200, host="b", now=lambda: NOON + 100).acquire()


@pytest.mark.parametrize("there", [False, True], ids=["new", "expired"])
def test_acquire_has_one_winner(store: Store, clock: Clock, there: bool) -> None:
    if there:
        lock_of(store, 300, host="c").acquire()
        clock.wall += 500
    store.meanwhile = lock_of(store, 200, host="b").acquire
    with pytest.raises(LedgerError, match="is held by process 200 on host b"):
        lock_of(store).acquire()
    assert store.objects[LEASE]["spec"]["holderIdentity"] == "b/200/6000/x-1"


def test_acquire_whose_answer_was_lost_is_ours_all_the_same(store: Store) -> None:
    store.meanwhile = lock_of(store).acquire
    assert lock_of(store).acquire()[0]["pid"] == 100


def test_acquire_takes_a_lease_that_was_let_go(store: Store) -> None:
    lock_of(store, 200, host="b").acquire()
    store.objects[LEASE]["spec"]["holderIdentity"] = ""
    assert lock_of(store).acquire()[1] is True


def test_acquire_gives_up_where_somebody_is_always_faster(store: Store) -> None:
    store.refuse("POST", LEASE.rpartition("/")[0], 409, "already exists")
    with pytest.raises(LedgerError, match="409"):
        lock_of(store).acquire()
    assert store.requests == 2 * lease.TRIES


def test_renew_of_a_lock_that_was_removed_changes_nothing(store: Store) -> None:
    assert lock_of(store).renew() is None
    lock_of(store).acquire()
    store.meanwhile = store.objects.clear
    assert lock_of(store).renew() is None
    assert store.objects == {}


def test_release_removes_the_own_lock(store: Store) -> None:
    held, _changed = lock_of(store).acquire()
    assert lock_of(store).release(check_mode=True) == (held, True)
    assert LEASE in store.objects
    assert lock_of(store).release() == (held, True)
    assert lock_of(store).release() == (None, False)
    assert store.objects == {}


@pytest.mark.parametrize("other", [{"pid": 200}, {"host": "b"}, {"space": "x-2"}])
def test_release_leaves_the_lock_of_another(store: Store, other: dict[str, Any]) -> None:
    held, _changed = lock_of(store).acquire()
    assert lock_of(store, **other).release() == (held, False)
    assert LEASE in store.objects


def test_release_leaves_what_another_took_over_meanwhile(store: Store, clock: Clock) -> None:
    lock_of(store).acquire()

    def take_over() -> None:
        clock.wall += 500
        lock_of(store, 200, host="b").acquire()

    store.meanwhile = take_over
    lock, changed = lock_of(store).release()
    assert (changed, lock and lock["pid"]) == (False, 200)
    assert store.objects[LEASE]["spec"]["holderIdentity"] == "b/200/6000/x-1"


@pytest.mark.parametrize(
    "spec",
    [
        {"holderIdentity": "kube-scheduler_1"},
        {"holderIdentity": "a/b/c/d", "acquireTime": "x", "renewTime": "x"},
        {"holderIdentity": "a/1/2/3"},
    ],
)
def test_a_lease_that_is_no_lock_of_ours_gets_a_sentence(store: Store, spec: dict[str, Any]) -> None:
    lock_of(store).acquire()
    store.objects[LEASE]["spec"] = spec
    for act in (lock_of(store).acquire, lock_of(store).check, lock_of(store).renew, lock_of(store).release):
        with pytest.raises(LedgerError, match=r"Lease tfscale/tfscale-.* is not a lock of ours; delete it if no sweep"):
            act()


def test_an_owner_that_never_lived_is_taken_over_at_once(store: Store) -> None:
    lock_of(store, 999).acquire()
    assert lock_of(store).acquire()[1] is True


@pytest.mark.parametrize(
    "labels", [{}, {"app": "x"}, {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/study": "other"}]
)
@pytest.mark.parametrize("holder", ["", "somebody", "a/1/1/x-1"])
@pytest.mark.parametrize("act", ["acquire", "renew", "release", "check"])
def test_lease_of_others_is_left_alone(store: Store, act: str, holder: str, labels: dict[str, str]) -> None:
    """One of the same name that nobody holds is free for whoever made it, not for us."""
    spec = {"holderIdentity": holder, "acquireTime": "2020-01-01T00:00:00Z", "renewTime": "2020-01-01T00:00:00Z"}
    store.create(
        LEASE.rpartition("/")[0], {"metadata": {"name": LEASE.rpartition("/")[2], "labels": labels}, "spec": spec}
    )
    before = json.dumps(store.objects)
    with pytest.raises(LedgerError, match=r"Lease tfscale/tfscale-\w+ is there and is not ours .it has no label"):
        getattr(lock_of(store), act)()
    assert json.dumps(store.objects) == before
