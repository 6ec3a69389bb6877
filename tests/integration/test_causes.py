# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted causes: real trainings of which one part is made scarce, recorded as a study does, and the cause that is named."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._report import cause_words
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import ENGLISH
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_record, training_wait
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import causes
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record

from tests.fixtures.playbook import ROOT
from tests.fixtures.runs import planned_run

PYTHON = ROOT / ".venv-trainer/bin/python"
DATA = ("--dataset", "synthetic", "--synthetic_examples", "2000")
CPU_CGROUP = Path("/sys/fs/cgroup/cpu")
# A cgroup whose processes come before all other programs of the machine, where root makes it.
FIRST_CGROUP = CPU_CGROUP / f"tfscale-test-{os.getpid()}"
FIRST = ("sh", "-c", f'echo $$ > {FIRST_CGROUP}/cgroup.procs; exec "$@"', "sh")
# Runs of a test on a machine that others use, too.
ATTEMPTS = 3
pytestmark = [pytest.mark.slow, pytest.mark.full]

has_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes cgroups and networks")
has_cgroups = pytest.mark.skipif(
    not os.access(CPU_CGROUP / "cgroup.procs", os.W_OK), reason="no cgroup of version 1 with controller cpu can be made"
)
has_two = pytest.mark.skipif(len(os.sched_getaffinity(0)) != 2, reason="the planted cells are those of two processors")


def _first() -> tuple[str, ...]:
    return FIRST if FIRST_CGROUP.is_dir() else ()


def _remove(cgroup: Path) -> None:
    end = time.monotonic() + 10
    while (cgroup / "cgroup.procs").read_text().strip() and time.monotonic() < end:
        time.sleep(0.1)
    cgroup.rmdir()


@pytest.fixture(autouse=True)
def come_first() -> Iterator[None]:
    if os.geteuid() or not os.access(CPU_CGROUP / "cgroup.procs", os.W_OK):
        yield
        return
    FIRST_CGROUP.mkdir()
    (FIRST_CGROUP / "cpu.shares").write_text("262144")
    try:
        yield
    finally:
        _remove(FIRST_CGROUP)


def launch(folder: Path, *options: str, ps: int, workers: int, flags: tuple[str, ...] = (), program: str = "") -> Path:
    """Run a training to its end. `program` is a line for the shell; "$@" in it are the flags."""
    size = ["--run_dir", str(folder / "run"), "--ps", str(ps), "--workers", str(workers), "--threads", "1", *options]
    given = [*DATA, *flags]
    what = ["--command", "--", "sh", "-c", program, "sh", *given] if program else ["--", *given]
    command = [*_first(), str(PYTHON), "-m", "trainer.launch", *size, *what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "run"


def recorded(folder: Path, run_dir: Path, **spec: Any) -> Record:
    """The record that a study makes of a run that has ended."""
    defaults = {name: option.get("default") for name, option in training_wait.ARGUMENT_SPEC.items()}
    wait = training_wait.execute({**defaults, "run_dir": str(run_dir), "train_steps": spec["train_steps"]}, Context())
    return record_of(folder, run_dir, wait, {}, **spec)


def record_of(folder: Path, run_dir: Path, wait: dict[str, Any], provenance: dict[str, Any], **spec: Any) -> Record:
    run = planned_run(folder, log_dir=str(run_dir))
    run["spec"] = {**run["spec"], **spec}
    defaults = {name: option.get("default") for name, option in study_record.ARGUMENT_SPEC.items()}
    given: dict[str, Any] = {"study_dir": str(folder), "run": run, "wait": wait, "provenance": provenance}
    given |= {"max_foreign_share": 1.0, "max_steal_share": 1.0}
    return Record.of(study_record.execute({**defaults, **given}, Context())["record"])


def words(found: causes.Cause) -> str:
    return cause_words.said(found, ENGLISH)


def planted(folder: Path, kind: str, make: Callable[[Path], Record]) -> tuple[causes.Cause, Record]:
    """The cause of a run; other programs of this machine may hide it, and then the run is repeated."""
    for attempt in range(ATTEMPTS):
        record = make(folder / f"attempt-{attempt}")
        assert record.is_fit, record.why
        found = causes.cause_of([record])
        # Shown where a test fails.
        print(f"{record.timing('steps_per_second')} steps/s: {words(found)}")
        print("\n".join(map(str, (*found.stations, found.straggler))))
        if found.kind == kind or all(one.foreign < causes.FOREIGN for one in found.stations):
            return found, record
    return pytest.skip(f"other programs used this machine in {ATTEMPTS} of {ATTEMPTS} runs")


def cause(folder: Path, kind: str, make: Callable[[Path], Record]) -> causes.Cause:
    return planted(folder, kind, make)[0]


@has_two
def test_four_workers_on_two_processors_find_them_full(tmp_path: Path) -> None:
    def run(folder: Path) -> Record:
        run_dir = launch(folder, ps=1, workers=4, flags=("--train_steps", "4000"))
        return recorded(folder, run_dir, ps=1, workers=4, train_steps=4000)

    found, record = planted(tmp_path, causes.PROCESSORS, run)
    assert found.kind == causes.PROCESSORS
    assert words(found).startswith("The two processors are full (")
    assert found.ceiling
    assert found.ceiling >= (record.timing("steps_per_second") or 0)


@has_two
def test_worker_alone_on_its_processor_is_at_its_limit(tmp_path: Path) -> None:
    """The ps is on the other processor, and has little to do because the batches are large."""

    def run(folder: Path) -> Record:
        flags = ("--train_steps", "300", "--batch_size", "1500")
        return recorded(
            folder, launch(folder, "--cpus", "1", ps=1, workers=1, flags=flags), ps=1, workers=1, train_steps=300
        )

    found = cause(tmp_path, causes.WORKERS, run)
    assert found.kind == causes.WORKERS
    assert "reached by worker 0 (" in words(found)
    assert "of 1 processor" in words(found)


@has_two
def test_one_worker_and_its_ps_leave_the_machine_waiting(tmp_path: Path) -> None:
    """They work in turn, each with one thread, and no processor is full."""

    def run(folder: Path) -> Record:
        flags = ("--train_steps", "600", "--hidden_units", "1000", "--rounds", "1")
        return recorded(folder, launch(folder, ps=1, workers=1, flags=flags), ps=1, workers=1, train_steps=600)

    found = cause(tmp_path, causes.LATENCY, run)
    assert found.kind == causes.LATENCY
    assert found.ceiling


@pytest.fixture
def quota(come_first: None) -> Iterator[Path]:
    """A cgroup with three tenths of a processor."""
    made = FIRST_CGROUP / "quota"
    made.mkdir()
    for name, value in (("cpu.shares", 262144), ("cpu.cfs_period_us", 20000), ("cpu.cfs_quota_us", 6000)):
        (made / name).write_text(str(value))
    yield made
    _remove(made)


def in_cgroup(folder: Path, *, job: str, index: str = "*") -> str:
    """A program that puts one replica into the cgroup and becomes the trainer."""
    join = f"echo $$ > {shlex.quote(str(folder / 'cgroup.procs'))}"
    place = f'case "$JOB_NAME $TASK_INDEX" in {shlex.quote(job)}\\ {index}) {join};; esac'
    return f'{place}; exec {shlex.quote(str(PYTHON))} -m trainer --task_index "$TASK_INDEX" "$@"'


@has_root
@has_cgroups
def test_ps_with_a_small_quota_is_named(tmp_path: Path, quota: Path) -> None:
    def run(folder: Path) -> Record:
        program = in_cgroup(quota, job="ps", index="1")
        run_dir = launch(folder, ps=2, workers=2, flags=("--train_steps", "1000"), program=program)
        return recorded(folder, run_dir, ps=2, workers=2, train_steps=1000)

    found = cause(tmp_path, causes.PS, run)
    assert found.kind == causes.PS
    assert " ps 1 (" in words(found)
    assert "of 0.3 processors" in words(found)


@has_root
@has_cgroups
def test_worker_with_a_small_quota_is_named_in_step(tmp_path: Path, quota: Path) -> None:
    def run(folder: Path) -> Record:
        flags = ("--train_steps", "300", "--strategy", "sync_ps")
        run_dir = launch(folder, ps=1, workers=3, flags=flags, program=in_cgroup(quota, job="worker", index="2"))
        return recorded(folder, run_dir, ps=1, workers=3, train_steps=300, strategy="sync_ps")

    found = cause(tmp_path, causes.WORKERS, run)
    assert found.station
    assert (found.kind, found.station.name) == (causes.WORKERS, "worker 2")


def test_slow_worker_in_step_is_named_by_its_index(tmp_path: Path) -> None:
    """Worker 1 computes larger batches, and the other waits for it."""
    size = 'if [ "$JOB_NAME $TASK_INDEX" = "worker 1" ]; then set -- "$@" --batch_size 800; fi'
    program = f'{size}; exec {shlex.quote(str(PYTHON))} -m trainer --task_index "$TASK_INDEX" "$@"'

    def run(folder: Path) -> Record:
        flags = ("--train_steps", "400", "--strategy", "sync_ps")
        run_dir = launch(folder, ps=1, workers=2, flags=flags, program=program)
        record = recorded(folder, run_dir, ps=1, workers=2, train_steps=400, strategy="sync_ps")
        straggler = causes.straggler_of(record)
        assert straggler
        assert straggler.index == 1
        assert straggler.times > 2
        return record

    assert words(cause(tmp_path, causes.STRAGGLER, run)).startswith("Worker 1 needs ")


@pytest.fixture
def slow_link() -> Iterator[tuple[str, str]]:
    """Two networks joined by a link that carries 100 Mbit/s from the first to the second; the names of both.

    The other direction is fast. With both slow, few workers would fill neither, because parameters and gradients take turns.
    """
    names = (f"tfa{os.getpid()}", f"tfb{os.getpid()}")

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    for name in names:
        ip("netns", "add", name)
    try:
        ip("link", "add", names[0], "type", "veth", "peer", "name", names[1])
        for number, name in enumerate(names, 1):
            ip("link", "set", name, "netns", name)
            ip("-n", name, "addr", "add", f"10.199.0.{number}/24", "dev", name)
            for device in ("lo", name):
                ip("-n", name, "link", "set", device, "up")
        shape = f"tc qdisc add dev {names[0]} root tbf rate 100mbit burst 64kb latency 50ms"
        command = ["ip", "netns", "exec", names[0], *shape.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this kernel shapes no traffic: {done.stderr.strip()}")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def across(folder: Path, places: tuple[str, str], *, workers: int, flags: list[str]) -> Path:
    """Run a training with its ps in the first network and its workers in the second; return the folder of its logs."""
    names = [("ps", 0), *(("worker", index) for index in range(workers))]
    hosts = ["--ps_hosts", "10.199.0.1:22222"]
    hosts += ["--worker_hosts", ",".join(f"10.199.0.2:{22222 + index}" for index in range(workers))]
    folder.mkdir(parents=True)
    replicas = []
    for kind, index in names:
        argv = ["--job_name", kind, "--task_index", str(index), *hosts, *flags]
        with (folder / f"{kind}-{index}.log").open("wb") as log:
            command = [*_first(), "ip", "netns", "exec", places[kind == "worker"], str(PYTHON), "-m", "trainer", *argv]
            replicas.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT))
    try:
        assert [one.wait(timeout=240) for one in replicas[1:]] == [0] * workers, (folder / "worker-0.log").read_text()
    finally:
        for replica in replicas:
            replica.kill()
            replica.wait()
    return folder


@has_root
@pytest.mark.skipif(not (shutil.which("tc") and shutil.which("ip")), reason="tc and ip make the slow link")
def test_slow_link_to_the_ps_is_named(tmp_path: Path, slow_link: tuple[str, str]) -> None:
    """The ps is at one end, the workers are at the other."""

    def run(folder: Path) -> Record:
        began = time.time()
        flags = ["--train_steps", "150", "--hidden_units", "300", "--threads", "1", *DATA]
        logs = across(folder / "run", slow_link, workers=4, flags=flags)
        names = [{"replica": "ps", "index": 0}, *({"replica": "worker", "index": index} for index in range(4))]
        wait = {"outcome": "succeeded", "replicas": names, "started_wall": began, "ended_wall": time.time()}
        return record_of(folder, logs, wait, {"link_mbit": 100.0}, ps=1, workers=4, train_steps=150)

    found = cause(tmp_path, causes.LINK, run)
    assert found.kind == causes.LINK
    assert "of 100 Mbit/s (training_link_mbit)" in words(found)
