# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's counters: lines that are made up, and the use that a real training reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trainer.counters import Counters, cgroup_folders, processors
from trainer.timing import Usage

from .conftest import Outcome, RunCluster

TICKS = os.sysconf("SC_CLK_TCK")
STAT = "77 (a) b (c) S 1 77 77 0 -1 0 1 0 0 0 {user} {system} 0 0 20 0 9 0 100 0 0\n"


def lines(*, user: int = 100, system: int = 50, busy: int = 300, cgroup: str = "") -> list[str]:
    cpus = [f"cpu  {9 * busy} 0 0 0", *(f"cpu{n} {busy} 10 20 999 5 1 2 7 0 0" for n in range(4)), "intr 5 6 7"]
    status = ["Name:\tpython", "VmHWM:\t    2048 kB", "Cpus_allowed:\t5", "Cpus_allowed_list:\t0,2-3"]
    return [STAT.format(user=user, system=system), *status, *cpus, *cgroup.splitlines()]


def test_counters_are_recognised_by_their_form() -> None:
    found = Counters.of(lines(cgroup="usage_usec 9\nthrottled_usec 2500000\n50000 100000\n"))
    assert found.cpu_seconds == 150 / TICKS
    assert found.rss_peak_bytes == 2048 * 1024
    assert found.allowed_cpus == "0,2-3"
    assert (found.throttled_seconds, found.cpu_limit) == (2.5, 0.5)
    assert found.cpus[3] == pytest.approx((333 / TICKS, 7 / TICKS))


@pytest.mark.parametrize(
    ("cgroup", "limit", "throttled"),
    [
        ("max 100000\n", None, None),
        ("throttled_time 3000000000\n100000\n150000\n", 1.5, 3.0),
        ("throttled_time 0\n100000\n-1\n", None, 0.0),
        ("", None, None),
        ("throttled_usec x\n", None, None),
    ],
    ids=["version 2 without limit", "version 1", "version 1 without limit", "no cgroup", "broken"],
)
def test_limit_of_both_versions(cgroup: str, limit: float | None, throttled: float | None) -> None:
    found = Counters.of(lines(cgroup=cgroup))
    assert (found.cpu_limit, found.throttled_seconds) == (limit, throttled)


def test_use_between_two_looks_is_of_the_allowed_processors() -> None:
    before, after = Counters.of(lines()), Counters.of(lines(user=200, busy=500))
    used = after.used_since(before)
    assert used["cpu_seconds"] == 100 / TICKS
    assert used["busy"] == dict.fromkeys(("0", "2", "3"), 200 / TICKS)
    assert used["throttled_seconds"] is None


def test_nothing_is_known_of_other_lines() -> None:
    assert Counters.of(["", "x", "cpu x y", "VmHWM:", "1 2 3"]) == Counters()


def test_processors_of_a_list() -> None:
    assert processors("0-2,8") == [0, 1, 2, 8]
    assert processors("") == []


def test_cgroup_folders_of_both_versions() -> None:
    found = [str(one) for one in cgroup_folders(["4:cpu,cpuacct:/x", "3:memory:/y", "0::/z"], Path("/r"))]
    assert found == ["/r/cpu,cpuacct/x", "/r/cpu/x", "/r/cpu", "/r/z", "/r"]


def test_usage_of_a_training_is_that_of_its_time_alone(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/\n")
    (tmp_path / "cpu.stat").write_text("throttled_usec 4000000\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    usage = Usage(cgroup_root=tmp_path, membership=tmp_path / "cgroup")
    assert usage.trained == {}
    usage.begin()
    (tmp_path / "cpu.stat").write_text("throttled_usec 5500000\n")
    sum(range(300_000))
    usage.end()
    used = usage.trained
    assert (used["throttled_seconds"], used["cpu_limit"]) == (1.5, 0.5)
    assert 0 < used["cpu_seconds"] < usage.figures()["cpu_seconds"]
    assert used["seconds"] > 0
    assert used["busy"].keys() == {str(number) for number in os.sched_getaffinity(0)}


def uses(outcome: Outcome) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    assert outcome.succeeded(), [worker.text for worker in outcome.workers]
    summaries = [worker.one("summary") for worker in outcome.workers]
    assert [("ps" in summary) for summary in summaries[1:]] == [False] * len(summaries[1:])
    return [summary["trained"] for summary in summaries], summaries[0].get("ps", [])


@pytest.mark.parametrize(
    "strategy", ["async_ps", *(pytest.param(one, marks=pytest.mark.full) for one in ("sync_ps", "tf2_ps"))]
)
def test_training_tells_the_use_of_every_replica(run_cluster: RunCluster, strategy: str) -> None:
    flags = ["--dataset", "synthetic", "--synthetic_examples", "500", "--train_steps", "300", "--threads", "1"]
    outcome = run_cluster("--strategy", strategy, *flags, ps=2, workers=2)
    workers, ps = uses(outcome)
    assert len(ps) == 2
    chief = outcome.chief
    took = chief.one("target_reached")["mono"] - chief.one("start_line")["mono"]
    assert workers[0]["seconds"] == pytest.approx(took, rel=0.1, abs=0.02)
    own = sum(one["cpu_seconds"] for one in (*workers, *ps))
    busy = sum(workers[0]["busy"].values())
    assert all(one["cpu_seconds"] > 0 for one in workers)
    # Ticks of 10 ms for each, and for each processor.
    assert own <= busy + 0.1 + 0.1 * took
    assert all(one["rss_peak_bytes"] > 50_000_000 for one in ps)
    assert {one["cgroup"] for one in ps} == {workers[0]["cgroup"]}
    parameters = 28 * 28 * 100 + 100 + 100 * 10 + 10
    assert chief.one("summary")["step_bytes_per_ps"] == [4 * parameters // 2] * 2


def test_training_in_a_ring_tells_the_use_of_its_workers(run_cluster: RunCluster) -> None:
    flags = ["--dataset", "synthetic", "--synthetic_examples", "500", "--train_steps", "60", "--threads", "1"]
    workers, ps = uses(run_cluster("--strategy", "mirrored", *flags, ps=0, workers=2))
    assert ps == []
    assert all(one["cpu_seconds"] > 0 for one in workers)
