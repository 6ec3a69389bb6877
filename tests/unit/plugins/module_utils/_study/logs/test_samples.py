# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counters of pods with a program of one's own: the shell's loop, its lines, and the use that they tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import USAGE, LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import read_run
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.samples import LOOP, Sample
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.usage import usage_of
from ansible_collections.tfscale.study.plugins.module_utils._study.records import checks

# As pods of Kubernetes 1.33 showed them; of the long files the first lines.
PROC = {
    "uptime": "708.27 217.96\n",
    "stat": "cpu  73126 27485 17460 21796 688 0 417 310 0 0\ncpu0 36000 13000 8000 10000 300 0 200 155 0 0\n",
    "self/status": "Name:\tsh\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0\n",
}
VERSION_1 = {
    "cpu/cpu.stat": "nr_periods 31\nnr_throttled 30\nthrottled_time 2400000000\nnr_bursts 0\nburst_time 0\n",
    "cpu/cpu.cfs_quota_us": "20000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "cpuacct/cpuacct.usage": "620000000\n",
    "memory/memory.stat": "cache 270336\nrss 540672\nrss_huge 0\n",
}
VERSION_2 = {
    "cpu.stat": (
        "usage_usec 620000\nuser_usec 500000\nsystem_usec 120000\nnr_periods 31\nnr_throttled 30\nthrottled_usec 2400000\n"
        "nr_bursts 0\nburst_usec 0\n"
    ),
    "cpu.max": "20000 100000\n",
    "memory.stat": "anon 540672\nfile 270336\nkernel 200704\n",
}
UNLIMITED = {
    "cpu.max": "max 100000\n",
    "cpu.stat": "usage_usec 620000\nuser_usec 500000\nsystem_usec 120000\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
}
# The whole machine's group has no limit and no such counters.
ROOT_GROUP = {"cpu.stat": "usage_usec 620000\nuser_usec 500000\nsystem_usec 120000\n"}
SHELLS = [shell for shell in ("/bin/dash", "/bin/bash", "/bin/sh") if os.access(shell, os.X_OK)]


def planted(folder: Path, groups: dict[str, str]) -> str:
    """The loop, which reads the files of a folder in place of the kernel's."""
    for name, text in {**{f"proc/{name}": text for name, text in PROC.items()}, **groups}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return LOOP.replace("/sys/fs/cgroup", str(folder)).replace("/proc/", f"{folder}/proc/")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for one in running:
        # The container's end would end the loop.
        os.killpg(one.pid, signal.SIGKILL)
        one.communicate()


def start(running: list[subprocess.Popen[str]], script: str, line: str, shell: str = "/bin/sh") -> Any:
    env = {"PATH": os.environ["PATH"], "JOB_NAME": "worker", "TASK_INDEX": "1"}
    words = [shell, "-c", script, "/bin/sh", "-c", line]
    pipes: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    running.append(subprocess.Popen(words, env=env, text=True, start_new_session=True, **pipes))
    return running[-1]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("groups", "known"),
    [
        (VERSION_1, (0.62, 2.4, 0.2, 540672)),
        (VERSION_2, (0.62, 2.4, 0.2, 540672)),
        ({**VERSION_2, **UNLIMITED}, (0.62, 0.0, None, 540672)),
        ({**VERSION_1, "cpu/cpu.cfs_quota_us": "-1\n"}, (0.62, 2.4, None, 540672)),
        (ROOT_GROUP, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
    ids=["version 1", "version 2", "no limit", "no limit, version 1", "root group", "no cgroup"],
)
def test_loop_prints_the_counters_of_both_versions(
    tmp_path: Path, started: list[subprocess.Popen[str]], shell: str, groups: dict[str, str], known: tuple[Any, ...]
) -> None:
    process = start(started, planted(tmp_path, groups), "sleep 60", shell)
    assert process.stderr.readline() == "\n"
    line = process.stderr.readline().encode()
    assert line.startswith(USAGE)
    said = json.loads(line.removeprefix(b":::TFSCALE"))
    assert (said["replica"], said["index"]) == ("worker", 1)
    sample = Sample.of(said, is_training=True)
    assert sample is not None
    assert (sample.cpu_seconds, sample.throttled_seconds, sample.cpu_limit, sample.rss_bytes) == known
    assert (sample.busy, sample.steal, sample.whole, sample.allowed_cpus) == (1184.88, 3.1, 1412.82, "0-1")


def test_loop_leaves_process_exit_code_and_signals_to_the_program(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    script = planted(tmp_path, VERSION_2)
    process = start(started, script, "trap 'exit 9' TERM; echo $$ $#; while :; do sleep 0.05; done")
    assert process.stdout.readline().split() == [str(process.pid), "0"]
    process.terminate()
    assert process.wait(10) == 9
    assert start(started, script, "kill -KILL $$").wait(10) == -signal.SIGKILL


def test_program_runs_although_the_counters_cannot_be_read(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    process = start(started, planted(tmp_path / "missing", {}).replace("cd ", "cd /no/such"), "exit 3")
    assert process.wait(10) == 3


def usage_line(at: float, *, used: float = 0.0, held: float = 0.0, busy: float = 0.0, **more: Any) -> bytes:
    """A line of the loop `at` seconds after its start, with counters since then in seconds."""
    said = {
        "v": 1,
        "event": "usage",
        "replica": "worker",
        "index": 0,
        "wall": 1_790_000_000,
        "began": 50.0,
        "uptime": 50.0 + at,
        "cpu": f"usage_usec {round(used * 1e6)} nr_periods 1 nr_throttled 1 throttled_usec {round(held * 1e6)} ",
        "limit": "20000 100000 ",
        "memory": "anon 540672 file 270336",
        "processors": f"cpu  {round(busy * 100)} 0 0 {round((2 * at - busy) * 100)} 0 0 0 0 0 0",
        "allowed": "0-1",
        **more,
    }
    return b":::TFSCALE " + json.dumps(said, separators=(",", ":")).encode()


FORMAT = LogFormat.of(r"time=(?P<time>[\d.]+) step=(?P<step>\d+)")
NODES: dict[tuple[str, int], str | None] = {("ps", 0): "n1", ("worker", 0): "n1", ("worker", 1): "n2"}


def log_of(folder: Path, *, first: float = 2.0, last: float = 12.0, samples: bool = True, **more: Any) -> Any:
    """A chief that trains from second `first` to `last`, a worker, a ps: 0.3, 0.2 and 0.5 processors, the worker held back a quarter."""
    lines = []
    for second in range(15):
        if first <= second <= last:
            step = round(100 * (second - first) / (last - first))
            lines.append(f"time={second} step={step}".encode())
        # What a replica does before and after the training counts for nothing.
        own = min(max(second - first, 0.0), last - first)
        if samples:
            lines.append(usage_line(second + 0.2, used=5 + 0.3 * own, busy=1.5 * (second + 0.2), **more))
    (folder / "worker-0.log").write_bytes(b"\n".join(lines) + b"\n")
    for name, used, held in (("worker-1", 0.2, 0.25), ("ps-0", 0.5, 0.0)):
        looks = [usage_line(t + 0.5, used=used * t, held=held * t, busy=t, **more) for t in range(15) if samples]
        (folder / f"{name}.log").write_bytes(b"\n".join([b"hello", *looks]) + b"\n")
    return read_run(folder, FORMAT, 100)


def test_use_of_every_replica_during_the_training(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    found = usage_of(log, NODES)
    replicas = found["replicas"]
    assert log.timings()["train_seconds"] == 10
    assert {name: one["cpu_seconds"] for name, one in replicas.items()} == pytest.approx(
        {("worker", 0): 3.0, ("ps", 0): 5.0, ("worker", 1): 2.0}
    )
    assert replicas["worker", 1]["throttled_seconds"] == pytest.approx(2.5)
    assert {one["cpu_limit"] for one in replicas.values()} == {0.2}
    assert {one["rss_peak_bytes"] for one in replicas.values()} == {540672}
    here, there = found["processors"]
    assert (here["node"], here["cpus"], there["cpus"]) == ("n1", 2, 2)
    assert [here["busy_seconds"], there["busy_seconds"]] == pytest.approx([15.0, 10.0])
    held = checks.throttled(log, {})
    assert held is not None
    assert (held[0], round(held[1], 6)) == ("worker 1", 0.25)
    # Neither an event of the program nor an error.
    assert (log.chief.events, log.logs["worker", 1].events) == (11, 0)
    assert not [note for note in log.errors if "worker-1" in note]


@pytest.mark.parametrize(
    "given",
    [
        {"samples": False},
        {"first": 2.0, "last": 3.0},
        {"wall": 0},
        {"cpu": 7, "limit": None, "memory": [], "processors": {}, "allowed": 1},
        {"cpu": "usage_usec 620000 ", "limit": "max 100000", "memory": "", "processors": "cpu 1", "allowed": "x"},
    ],
    ids=["no lines", "too short a training", "no clock", "strange fields", "no counters of a pod"],
)
def test_what_the_lines_do_not_tell_is_not_known(tmp_path: Path, given: dict[str, Any]) -> None:
    log = log_of(tmp_path, **given)
    found = usage_of(log, NODES)
    assert {one["cpu_seconds"] for one in found["replicas"].values()} <= {None}
    assert not any(one["busy_seconds"] for one in found["processors"])
    assert checks.throttled(log, {}) is None


def test_processors_of_a_node_are_not_known_where_a_pod_may_use_some(tmp_path: Path) -> None:
    found = usage_of(log_of(tmp_path, allowed="0"), NODES)
    assert found["replicas"]["worker", 0]["cpu_seconds"] == pytest.approx(3.0)
    assert found["processors"][0]["busy_seconds"] is None


def test_log_of_the_loop_alone_is_empty(tmp_path: Path) -> None:
    (tmp_path / "worker-0.log").write_bytes(b"\n" + usage_line(1.0) + b"\n\n" + usage_line(2.0) + b"\n")
    assert "it is empty" in read_run(tmp_path, FORMAT, 100).trouble()
