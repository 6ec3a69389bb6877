# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for, what is left, and whether it goes together."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._common.quantity import Replica
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import capacity
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.capacity import Cell
from hypothesis import given, settings
from hypothesis import strategies as st

MIB = 2**20


def container(cpu: str = "", *, limit: str = "", **more: Any) -> dict[str, Any]:
    resources = {name: {"cpu": value} for name, value in (("requests", cpu), ("limits", limit)) if value}
    return {"name": "x", **({"resources": resources} if resources else {}), **more}


def replica(**requests: float) -> Replica:
    return Replica(requests, {})


@pytest.mark.parametrize(
    ("resources", "requests", "limits"),
    [
        ({}, {}, {}),
        ({"cpu": "500m", "memory": "1Gi"}, {"cpu": 0.5, "memory": 1024.0 * MIB}, {}),
        ({"requests": {"cpu": 2}}, {"cpu": 2.0}, {}),
        ({"limits": {"cpu": "1"}}, {"cpu": 1.0}, {"cpu": 1.0}),
        (
            {"requests": {"cpu": "100m"}, "limits": {"cpu": 1, "nvidia.com/gpu": "1"}},
            {"cpu": 0.1, "nvidia.com/gpu": 1.0},
            {"cpu": 1.0, "nvidia.com/gpu": 1.0},
        ),
        ({"requests": None, "limits": None}, {}, {}),
    ],
)
def test_replica_of_resources(resources: Any, requests: Any, limits: Any) -> None:
    assert Replica.of("training_ps_resources", resources) == Replica(requests, limits)


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        ({"cpu": "much"}, r"training_ps_resources.requests.cpu is 'much': give an amount such as 500m, 2 or 1Gi"),
        ({"limits": {"memory": "1 GB"}}, r"training_ps_resources.limits.memory is '1 GB': give an amount"),
        (
            {"requests": "500m"},
            r"training_ps_resources.requests is '500m': give amounts such as {cpu: 500m, memory: 1Gi}",
        ),
    ],
)
def test_replica_of_bad_input_gets_a_sentence(resources: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Replica.of("training_ps_resources", resources)


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container()]}, None),
        ({"containers": [container("100m"), container("1")]}, 1.1),
        ({"containers": [container("1")], "initContainers": [container("3"), container("2")]}, 3.0),
        ({"containers": [container("2")], "initContainers": [container("1")]}, 2.0),
        # A sidecar runs on beside all that start after it.
        ({"containers": [container("1")], "initContainers": [container("2", restartPolicy="Always")]}, 3.0),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("2", restartPolicy="Always"), container("4")],
            },
            6.0,
        ),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, 1.25),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "5"}}}, 5.0),
        ({"containers": [container("1")], "initContainers": None, "overhead": None, "resources": None}, 1.0),
    ],
)
def test_pod_amounts(spec: Any, cpu: float | None) -> None:
    assert capacity.pod_amounts(spec).get("cpu") == (pytest.approx(cpu) if cpu else None)


def test_pod_amounts_of_limits() -> None:
    assert capacity.pod_amounts({"containers": [container("1", limit="2")]}, "limits") == {"cpu": 2.0}


def test_free_of_a_node_is_what_its_pods_leave() -> None:
    specs = [{"containers": [container("500m")]}, {"containers": [container()]}]
    free = capacity.free_of({"cpu": "2", "memory": "4Gi", "pods": "110"}, specs)
    assert free == {"cpu": 1.5, "memory": 4096.0 * MIB, "pods": 108.0}


ONE, TWO = {"cpu": 1.0, "pods": 10.0}, {"cpu": 2.0, "pods": 10.0}
HALF, WHOLE = replica(cpu=0.5), replica(cpu=1.0)


@pytest.mark.parametrize(
    ("ps", "workers", "nodes", "evenly", "somehow"),
    [
        (1, 1, [], False, False),
        (0, 1, [ONE], True, True),
        (1, 1, [ONE], False, False),
        (2, 0, [ONE], True, True),
        (2, 1, [TWO], True, True),
        (3, 1, [TWO], False, False),
        (1, 1, [ONE, ONE], True, True),
        # Four replicas on two nodes are two each: one big node does not help.
        (2, 2, [ONE, TWO], True, True),
        (1, 3, [ONE, {"cpu": 8.0, "pods": 10.0}], False, True),
        # The ps must share a node for the workers to fit.
        (2, 2, [ONE, {"cpu": 3.0, "pods": 10.0}], True, True),
        # A node that others hold more than all of takes nothing, and stands in the way only where it must take some.
        (0, 1, [ONE, {"cpu": -1.0, "pods": 10.0}], True, True),
        (0, 2, [TWO, {"cpu": -1.0, "pods": 10.0}], False, True),
        # The number of pods is limited too.
        (2, 0, [{"cpu": 8.0, "pods": 1.0}], False, False),
        # What a node does not know it does not have.
        (0, 1, [{"pods": 10.0}], False, False),
    ],
)
def test_fits(ps: int, workers: int, nodes: Any, evenly: bool, somehow: bool) -> None:
    cell = Cell("x", len(nodes), ps, workers)
    assert capacity.fits(cell, HALF, WHOLE, nodes, evenly=True) is evenly
    assert capacity.fits(cell, HALF, WHOLE, nodes, evenly=False) is somehow


def test_fits_to_the_last_bit() -> None:
    """Ten times a tenth is a little less, or more, than one."""
    assert capacity.fits(Cell("x", 1, 0, 10), HALF, replica(cpu=0.1), [{"cpu": 1.0, "pods": 10.0}], evenly=True)
    assert capacity.fits(Cell("x", 1, 0, 3), HALF, replica(cpu=0.1), [{"cpu": 0.3, "pods": 10.0}], evenly=True)


@pytest.mark.parametrize("evenly", [True, False])
def test_fits_of_a_large_run_takes_no_time(evenly: bool) -> None:
    nodes = [{"cpu": 10.0, "pods": 110.0}] * 100
    assert capacity.fits(Cell("x", 100, 10, 990), HALF, WHOLE, nodes, evenly=evenly)
    assert not capacity.fits(Cell("x", 100, 10, 1000), HALF, WHOLE, nodes, evenly=evenly)


def brute_force(ps: int, workers: int, asked: tuple[float, float], nodes: list[float], *, evenly: bool) -> bool:
    """Every placement there is."""
    for places in product(range(len(nodes)), repeat=ps + workers):
        counts = [places.count(node) for node in range(len(nodes))]
        held = [0.0] * len(nodes)
        for number, node in enumerate(places):
            held[node] += asked[0 if number < ps else 1]
        balanced = not evenly or max(counts) - min(counts) <= 1
        if balanced and all(used <= free for used, free in zip(held, nodes, strict=True)):
            return True
    return False


@settings(max_examples=200)
@given(
    ps=st.integers(0, 3),
    workers=st.integers(1, 4),
    asked=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    nodes=st.lists(st.integers(0, 8), min_size=1, max_size=3),
    evenly=st.booleans(),
)
def test_fits_is_what_trying_everything_finds(
    ps: int, workers: int, asked: tuple[int, int], nodes: list[int], evenly: bool
) -> None:
    found = capacity.fits(
        Cell("x", len(nodes), ps, workers),
        replica(cpu=float(asked[0])),
        replica(cpu=float(asked[1])),
        [{"cpu": float(free), "pods": 100.0} for free in nodes],
        evenly=evenly,
    )
    expected = brute_force(ps, workers, (asked[0], asked[1]), [float(free) for free in nodes], evenly=evenly)
    assert found is expected


@settings(max_examples=200)
@given(
    ps=st.integers(0, 3),
    asked=st.tuples(st.integers(0, 4), st.integers(1, 4)),
    nodes=st.lists(st.integers(0, 8), min_size=1, max_size=3),
    evenly=st.booleans(),
    limit=st.integers(0, 5),
)
def test_most_workers_is_the_largest_number_that_fits(
    ps: int, asked: tuple[int, int], nodes: list[int], evenly: bool, limit: int
) -> None:
    replicas = replica(cpu=float(asked[0])), replica(cpu=float(asked[1]))
    free: list[dict[str, float]] = [{"cpu": float(one), "pods": 100.0} for one in nodes]
    fitting = [
        workers
        for workers in range(1, limit + 1)
        if capacity.fits(Cell("x", len(free), ps, workers), *replicas, free, evenly=evenly)
    ]
    found = capacity.most_workers(ps, replicas, free, evenly=evenly, limit=limit)
    assert found == max(fitting, default=0)


def test_most_workers_where_fewer_do_not_fit() -> None:
    """The second node takes no ps: beside four ps on the first it must carry three workers, or four."""
    nodes = [{"cpu": 2.0, "disk": 9.0, "pods": 10.0}, {"cpu": 4.0, "pods": 10.0}]
    replicas = replica(cpu=0.5, disk=1.0), replica(cpu=1.0)
    cells = [Cell("x", 2, 4, workers) for workers in range(1, 6)]
    assert [capacity.fits(cell, *replicas, nodes, evenly=True) for cell in cells] == [False, False, True, True, False]
    assert capacity.most_workers(4, replicas, nodes, evenly=True, limit=99) == 4
    assert capacity.most_workers(4, replicas, nodes, evenly=True, limit=2) == 0


@pytest.mark.parametrize("evenly", [True, False])
def test_most_workers_of_many_nodes_takes_no_time(evenly: bool) -> None:
    nodes = [{"cpu": 10.0, "pods": 110.0}] * 100
    assert capacity.most_workers(10, (HALF, WHOLE), nodes, evenly=evenly, limit=10**6) == 995
    assert capacity.most_workers(1, (HALF, WHOLE), [], evenly=evenly, limit=10**6) == 0


@pytest.mark.parametrize(
    ("hard", "used", "workers"),
    [
        ({}, {}, 9),
        ({"pods": 5.0}, {}, 3),
        ({"pods": 5.0}, {"pods": 3.0}, 0),
        ({"pods": 1.0}, {}, -1),
        ({"cpu": 1.5}, {}, 0),
    ],
)
def test_most_of_quota(hard: Any, used: Any, workers: int) -> None:
    assert capacity.most_of_quota(hard, used, 2, (PS, WORKER), limit=9) == workers


def test_scarcest_is_what_has_room_for_the_fewest() -> None:
    free = {"cpu": 4.0, "memory": 1024.0 * MIB, "pods": 3.0}
    assert capacity.scarcest(free, replica(cpu=1.0, memory=256.0 * MIB)) == "pods"
    assert capacity.scarcest(free, replica(cpu=2.0, memory=256.0 * MIB)) == "cpu"
    assert capacity.scarcest(free, replica(cpu=0.0, gpu=1.0)) == "gpu"


PS, WORKER = Replica({"cpu": 0.5, "memory": 256.0 * MIB}, {"memory": 512.0 * MIB}), Replica({"cpu": 1.0}, {"cpu": 2.0})


def test_asked_of_quota_uses_its_names() -> None:
    assert capacity.asked_of_quota(Cell("x", 1, 2, 3), PS, WORKER) == {
        "pods": 5.0,
        "count/pods": 5.0,
        "requests.cpu": 4.0,
        "cpu": 4.0,
        "requests.memory": 512.0 * MIB,
        "memory": 512.0 * MIB,
        "limits.memory": 1024.0 * MIB,
        "limits.cpu": 6.0,
    }


def test_held_of_quota_counts_pods() -> None:
    specs = [{"containers": [container("500m", limit="1")]}, {"containers": [container("1")]}]
    assert capacity.held_of_quota(specs) == {
        "pods": 2.0,
        "count/pods": 2.0,
        "requests.cpu": 1.5,
        "cpu": 1.5,
        "limits.cpu": 1.0,
    }
    assert capacity.held_of_quota([]) == {"pods": 0.0, "count/pods": 0.0}


@pytest.mark.parametrize(
    ("hard", "used", "over"),
    [
        ({}, {}, []),
        ({"pods": 5.0}, {}, []),
        ({"pods": 5.0}, {"pods": 1.0}, ["pods 5, of 5 are 1 in use"]),
        ({"requests.cpu": 4.0, "services": 0.0}, {"requests.cpu": 0.0}, []),
        (
            {"requests.cpu": 4.5, "limits.memory": 1024.0 * MIB, "pods": 100.0},
            {"requests.cpu": 1.0, "limits.memory": 256.0 * MIB},
            ["limits.memory 1 GiB, of 1 GiB are 0.25 GiB in use", "requests.cpu 4, of 4.5 are 1 in use"],
        ),
    ],
)
def test_exceeded(hard: Any, used: Any, over: list[str]) -> None:
    assert capacity.exceeded(hard, used, capacity.asked_of_quota(Cell("x", 1, 2, 3), PS, WORKER)) == over


@pytest.mark.parametrize(
    ("one", "text"),
    [
        ({}, "nothing"),
        ({"cpu": 0.0}, "0 cpu"),
        ({"cpu": 0.1}, "0.1 cpu"),
        ({"memory": 384.0 * MIB, "cpu": 1.0}, "1 cpu and 0.38 GiB memory"),
        ({"memory": -1.0, "cpu": 1.25, "pods": 3.0}, "1.25 cpu, 0 GiB memory and 3 pods"),
    ],
)
def test_told(one: Any, text: str) -> None:
    assert capacity.told(one) == text
