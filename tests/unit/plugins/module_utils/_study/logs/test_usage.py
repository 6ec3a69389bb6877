# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The use of processors and links, from summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import read_run
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.usage import usage_of

from tests.fixtures.runs import line, write_log

SPENT = {"compute": 1.0, "ps": 2.0, "input": 0.25, "telemetry": 0.125, "throttled": 0.5}


def use(allowed: str = "0-1", *, busy: float = 1.5, seconds: float = 2.0, **more: Any) -> dict[str, Any]:
    first, _dash, last = allowed.partition("-")
    numbers = [str(number) for number in range(int(first), int(last or first) + 1)]
    counted = {"busy": dict.fromkeys(numbers, busy), "steal": dict.fromkeys(numbers, 0.125)}
    return {"seconds": seconds, "cpu_seconds": 1.0, "allowed_cpus": allowed, "cpu_limit": None, **counted, **more}


def usage(
    folder: Path, nodes: dict[tuple[str, int], str | None], *trained: dict[str, Any], **chief: Any
) -> dict[str, Any]:
    for index, one in enumerate(trained):
        said = {"trained": one, "local_steps": 100 * (index + 1), "seconds": SPENT, **(chief if index == 0 else {})}
        write_log(folder, f"worker-{index}", [line("summary", index=index, **said)])
    return usage_of(read_run(folder, LogFormat.of("tfscale"), 300), nodes)


HERE: dict[tuple[str, int], str | None] = {("ps", 0): None, ("worker", 0): None, ("worker", 1): None}
PODS: dict[tuple[str, int], str | None] = {("ps", 0): "n1", ("worker", 0): "n1", ("worker", 1): "n2"}


def test_use_of_processes_on_one_machine(tmp_path: Path) -> None:
    found = usage(tmp_path, HERE, use(), use(), ps=[use(cpu_seconds=0.5)])
    assert found["processors"] == [
        {
            "node": None,
            "cpus": 2,
            "cpu_limit": None,
            "seconds": 2.0,
            "busy_seconds": 3.0,
            "steal_seconds": 0.25,
            "own_seconds": 2.5,
        }
    ]
    assert found["replicas"]["ps", 0]["cpu_seconds"] == 0.5
    assert found["replicas"]["worker", 1]["local_steps"] == 200
    assert found["replicas"]["worker", 1]["working_seconds"] == 1.875
    assert [found["replicas"][name]["cpu_limit"] for name in HERE] == [None, None, None]


def test_processors_of_processes_with_some_each_are_added_up(tmp_path: Path) -> None:
    found = usage(tmp_path, HERE, use("1", busy=2.0), use("0", busy=9.0), ps=[use("0", busy=1.0)])
    assert (found["processors"][0]["cpus"], found["processors"][0]["busy_seconds"]) == (2, 3.0)
    assert {one["cpu_limit"] for one in found["replicas"].values()} == {1.0}
    assert found["replicas"]["worker", 0]["allowed_cpus"] == "1"


def test_worker_that_took_longer_is_seen_in_the_chiefs_seconds(tmp_path: Path) -> None:
    found = usage(tmp_path, HERE, use("0", busy=1.0), use("1", busy=2.0, seconds=4.0), ps=[use("0")])
    assert found["processors"][0]["busy_seconds"] == 2.0


def test_container_of_all_processes_limits_the_machine_and_a_pods_container_the_pod(tmp_path: Path) -> None:
    trained = [use(cpu_limit=1.5, throttled_seconds=0.5), use(cpu_limit=1.5, throttled_seconds=0.5)]
    here = usage(tmp_path / "here", HERE, *trained, ps=[use()])
    assert here["processors"][0]["cpu_limit"] == 1.5
    assert here["replicas"]["worker", 0]["cpu_limit"] is None
    assert here["replicas"]["worker", 0]["throttled_seconds"] is None
    pods = usage(tmp_path / "pods", PODS, *trained, ps=[use()])
    assert [one["cpu_limit"] for one in pods["processors"]] == [None, None]
    assert pods["replicas"]["worker", 0]["cpu_limit"] == 1.5
    assert pods["replicas"]["worker", 0]["throttled_seconds"] == 0.5


def test_each_node_has_its_processors(tmp_path: Path) -> None:
    found = usage(tmp_path, PODS, use(), use(busy=0.5), ps=[use()])
    assert [(one["node"], one["busy_seconds"], one["own_seconds"]) for one in found["processors"]] == [
        ("n1", 3.0, 2.0),
        ("n2", 1.0, 1.0),
    ]


def test_only_traffic_between_nodes_crosses_a_link(tmp_path: Path) -> None:
    pods = usage(tmp_path / "pods", PODS, use(), use(), ps=[use()], step_bytes_per_ps=[1000])
    links = {name: one["link_bytes"] for name, one in pods["replicas"].items()}
    assert links == {("ps", 0): 200_000, ("worker", 0): None, ("worker", 1): 200_000}
    here = usage(tmp_path / "here", HERE, use(), use(), ps=[use()], step_bytes_per_ps=[1000])
    assert here["replicas"]["ps", 0]["link_bytes"] == 300_000


def test_ps_that_was_not_read_leaves_the_own_share_unknown(tmp_path: Path) -> None:
    found = usage(tmp_path, HERE, use(), use())
    assert found["processors"][0]["own_seconds"] is None
    assert ("ps", 0) not in found["replicas"]


def test_log_without_these_figures_tells_nothing(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [line("summary", cpu_seconds=1.0)])
    assert usage_of(read_run(tmp_path, LogFormat.of("tfscale"), 300), HERE) == {"replicas": {}, "processors": []}


@pytest.mark.parametrize(
    "trained",
    [
        {"seconds": "x", "busy": [1], "allowed_cpus": "0-1"},
        {"seconds": -1.0, "allowed_cpus": "0-99999", "busy": {"0": 1e400}},
        {"allowed_cpus": "a-b", "cpu_seconds": -1, "cpu_limit": "2"},
        {"allowed_cpus": 7, "seconds": 0},
    ],
)
def test_any_summary_is_read(tmp_path: Path, trained: dict[str, Any]) -> None:
    found = usage(tmp_path, HERE, trained, trained, ps=[3, trained], step_bytes_per_ps=["x", None])
    assert found["processors"][0]["busy_seconds"] is None
    assert found["replicas"]["worker", 0]["link_bytes"] is None
