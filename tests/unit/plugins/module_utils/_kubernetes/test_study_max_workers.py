# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The word `fit` becomes a number once for a study."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import ApiError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.study_max_workers import StudyMaxWorkers

from tests.fixtures.node_objects import node, pod
from tests.fixtures.objects import Store

GIB = 2**30
PODS = {"backend": "job", "cluster": "mine"}
PLACEMENT = {"resources": {"worker": {"cpu": 1}}}


def fits(
    spec: Any = None, *, records: Iterable[Any] = (), memory: int | None = 8 * GIB, cpus: int = 4, **params: Any
) -> StudyMaxWorkers:
    given = {"namespace": "tfscale", "placement": PLACEMENT, "fits": {}, "replica_memory_bytes": GIB, **params}
    return StudyMaxWorkers(
        given, PODS if spec is None else spec, records=lambda: records, memory=lambda: memory, cpus=lambda: cpus
    )


def product(workers: list[Any], nodes: tuple[int, ...] = (1,), ps: tuple[int, ...] = (1,)) -> dict[str, list[Any]]:
    return {"nodes": list(nodes), "ps": list(ps), "workers": workers}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store()
    for one in (node("n1"), node("n2")):
        there.objects[f"/api/v1/nodes/{one['metadata']['name']}"] = one
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    return there


def test_resolved_without_the_word_asks_nobody(store: Store) -> None:
    one = fits()
    assert list(one.resolved([product([1, 2])])) == [product([1, 2])]
    assert (one.numbers, one.lines, store.requests) == ({}, [], 0)


def test_resolved_has_a_number_for_each_number_of_nodes_and_ps(store: Store) -> None:
    one = fits(placement={"resources": {"ps": {"cpu": 1}, "worker": {"cpu": 1}}})
    found = list(one.resolved([product([1, "fit"], nodes=(1, 2), ps=(0, 1)), product([7])]))
    assert found == [
        product([1, 2], (1,), (0,)),
        product([1, 1], (1,), (1,)),
        product([1, 4], (2,), (0,)),
        product([1, 3], (2,), (1,)),
        product([7]),
    ]
    assert one.lines[-1] == "  fit: workers=3 with nodes=2 ps=1, the limit is cpu on nodes n1, n2"
    # One look for all.
    assert store.requests == 3


def test_resolved_has_a_number_for_each_spread(store: Store) -> None:
    store.objects["/api/v1/pods/busy"] = pod("busy", "n1", cpu="1")
    one, axis = fits(), {"spreads": ["DoNotSchedule", "PodAffinity", ""]}
    found = list(one.resolved([{**product(["fit"], nodes=(2,), ps=(0,)), **axis}]))
    assert [(each["spreads"], each["workers"]) for each in found] == [
        (["DoNotSchedule"], [3]),
        (["PodAffinity"], [3]),
        ([""], [3]),
    ]
    assert one.lines[0].startswith("  fit: workers=3 with nodes=2 ps=0 spread=DoNotSchedule, the limit is")
    # The usual spread has the number that a study without the axis has kept.
    plain = fits()
    list(plain.resolved([product(["fit"], nodes=(2,), ps=(0,))]))
    assert set(plain.numbers) < set(one.numbers)


def test_resolved_counts_all_nodes_where_none_are_chosen(store: Store) -> None:
    assert list(fits(placement={**PLACEMENT, "nodes_method": "none"}).resolved([product(["fit"])])) == [product([4])]


def test_resolved_keeps_what_was_found_before(store: Store) -> None:
    first = fits()
    list(first.resolved([product(["fit"])]))
    store.objects["/api/v1/pods/new"] = pod("new", "n1")
    again = fits(fits=first.numbers)
    assert list(again.resolved([product(["fit"])])) == [product([2])]
    assert again.lines == ["  fit: workers=2 with nodes=1 ps=1, as found before"]
    assert list(fits().resolved([product(["fit"])])) == [product([1])]


def test_resolved_keeps_before_all_what_the_study_began_with(store: Store) -> None:
    first = fits()
    list(first.resolved([product(["fit"])]))
    key = next(iter(first.numbers))
    records = [{"run_id": "old"}, {"fits": {key: 5}}, {"fits": {key: 6}}, {"fits": None}]
    again = fits(records=records, fits=first.numbers)
    assert list(again.resolved([product(["fit"])])) == [product([5])]
    assert again.lines == ["  fit: workers=5 with nodes=1 ps=1, as in the study's first runs"]
    assert again.numbers == {key: 5}


@pytest.mark.parametrize("other", [{"cluster": "yours"}, {"worker_resources": "{}"}, {"backend": "statefulset"}])
def test_resolved_looks_again_where_something_else_decides(store: Store, other: dict[str, str]) -> None:
    one, two = fits(), fits({**PODS, **other})
    for each in (one, two):
        list(each.resolved([product(["fit"])]))
    assert not one.numbers.keys() & two.numbers.keys()
    same = fits({**PODS, "batch_size": 7})
    list(same.resolved([product(["fit"])]))
    assert same.numbers == one.numbers


@pytest.mark.parametrize(
    ("ps", "memory", "each", "cpus", "workers", "limit"),
    [
        (1, 8 * GIB, GIB, 4, 4, "processors"),
        (3, 4 * GIB, GIB, 4, 1, "memory"),
        (1, None, GIB, 4, 4, "processors"),
        (1, GIB, 0, 4, 4, "processors"),
    ],
)
def test_resolved_on_this_machine(ps: int, memory: int | None, each: int, cpus: int, workers: int, limit: str) -> None:
    one = fits({}, memory=memory, cpus=cpus, replica_memory_bytes=each, placement={})
    assert list(one.resolved([product(["fit"], ps=(ps,))])) == [product([workers], ps=(ps,))]
    assert one.lines == [f"  fit: workers={workers} with nodes=1 ps={ps}, the limit is this machine's {limit}"]


def test_resolved_where_no_worker_fits_says_what_limits(store: Store) -> None:
    with pytest.raises(InputError, match="no worker fits with nodes=1 ps=4, the limit is this machine's memory: wait"):
        list(fits({}, memory=2 * GIB).resolved([product(["fit"], ps=(4,))]))
    with pytest.raises(InputError, match="no worker fits with nodes=1 ps=1, the limit is cpu on node n1: wait"):
        list(fits(placement={"resources": {"worker": {"cpu": 3}}}).resolved([product(["fit"])]))


def test_resolved_on_nodes_that_are_still_to_be_made_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="cluster_nodes_method 'recreate' creates the nodes only later: give numbers"):
        list(fits(placement={**PLACEMENT, "nodes_method": "recreate"}).resolved([product(["fit"])]))


def test_resolved_in_a_cluster_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_params: Any) -> Any:
        raise ApiError("cluster x does not answer")

    monkeypatch.setattr(kubernetes_api, "connect", away)
    with pytest.raises(
        InputError, match=r"must exist \(playbooks/provision.yml creates it\): cluster x does not answer"
    ):
        list(fits().resolved([product(["fit"])]))


# --- a search for a size ----------------------------------------------------------------------------------------------


def test_fitting_counts_what_finds_room_and_none_beyond_the_nodes_there_are(store: Store) -> None:
    one = fits(search={"goal": "time"})
    assert [one.fitting(nodes, 0) for nodes in (1, 2, 3)] == [2, 4, 0]
    assert store.requests > 0
    # No room is no number that a record can keep.
    assert sorted(one.numbers.values()) == [2, 4]


@pytest.mark.parametrize("method", ["resize", "recreate"])
def test_fitting_of_a_cluster_that_can_grow_takes_further_nodes_for_like_those_there(store: Store, method: str) -> None:
    one = fits(search={"goal": "time"}, placement={**PLACEMENT, "nodes_method": method})
    assert [one.fitting(nodes, 0) for nodes in (1, 2, 3, 5)] == [2, 4, 6, 10]
    assert one.fit(4, 0) == 8
    assert store.requests > 0


def test_fitting_holds_for_the_whole_study(store: Store) -> None:
    first = fits(search={"goal": "time"})
    assert first.fitting(1, 0) == 2
    store.objects["/api/v1/namespaces/kube-system/pods/p"] = pod("p", "n1", cpu="1")
    assert fits(search={"goal": "time"}).fitting(1, 0) == 1
    again = fits(search={"goal": "time"}, fits=first.numbers)
    assert again.fitting(1, 0) == 2


@pytest.mark.parametrize(
    ("memory", "each", "room"), [(8 * GIB, GIB, 7), (GIB, GIB, 0), (None, GIB, None), (GIB, 0, None)]
)
def test_fitting_on_this_machine_is_limited_by_memory(memory: int | None, each: int, room: int | None) -> None:
    one = fits({"backend": "processes"}, memory=memory, replica_memory_bytes=each, search={"goal": "time"})
    assert one.fitting(1, 1) == room


def test_fit_of_a_search_that_finds_no_room_names_its_variable(store: Store) -> None:
    with pytest.raises(InputError) as caught:
        fits(search={"goal": "time"}, placement={"resources": {"worker": {"cpu": 64}}}).fit(1, 0)
    assert "autosize_max_workers asks for fit, but no worker fits" in str(caught.value)
    assert store.requests > 0


def test_fitting_without_the_right_to_list_nodes_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_params: Any) -> Any:
        raise ApiError("nodes is forbidden")

    monkeypatch.setattr(kubernetes_api, "connect", refused)
    assert fits(search={"goal": "time"}).fitting(1, 0) is None
