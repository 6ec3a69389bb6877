# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints, and trainings that outlive their replicas: real processes that are started, told to stop and killed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from tests.trainer.conftest import ROOT, TOKEN, Forked, Forker, RunCluster, _environment, free_addresses

# A busy machine may take long for what takes seconds.
SECONDS = 120.0
USUAL = ("--seed", "1", "--dataset", "synthetic", "--synthetic_examples", "2000", "--threads", "1")


class Group:
    """Replicas one by one, each with the log of all its lives."""

    def __init__(self, folder: Path, flags: tuple[str, ...], forker: Forker | None, *, ps: int, workers: int) -> None:
        self.folder = folder
        self._forker = forker
        self.checkpoints = folder / "checkpoints"
        self._flags = flags
        addresses = free_addresses(ps + workers)
        self._hosts = ["--ps_hosts", ",".join(addresses[:ps]), "--worker_hosts", ",".join(addresses[ps:])]
        self.processes: dict[tuple[str, int], Forked | subprocess.Popen[bytes]] = {}
        self.places = [("ps", index) for index in range(ps)] + [("worker", index) for index in range(workers)]

    def start(self, *places: tuple[str, int], other: tuple[str, ...] = ()) -> None:
        for job, index in places or self.places:
            place = ["--job_name", job, "--task_index", str(index), *self._hosts]
            kept = ["--checkpoint_dir", str(self.checkpoints), "--ready_file", str(self.ready(job, index))]
            words = [*place, *USUAL, *kept, *self._flags, *other]
            log = self.folder / f"{job}-{index}.log"
            self.processes[job, index] = Forked(self._forker, words, log) if self._forker else program(words, log)

    def ready(self, job: str, index: int) -> Path:
        return self.folder / f"{job}-{index}.ready"

    def stop(self, job: str, index: int, number: int = signal.SIGTERM) -> int:
        process = self.processes[job, index]
        process.send_signal(number)
        return process.wait(SECONDS)

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    def events(self, event: str, index: int = 0) -> list[dict[str, Any]]:
        log = self.folder / f"worker-{index}.log"
        lines = log.read_text().splitlines() if log.exists() else []
        events = [
            json.loads(line.removeprefix(TOKEN)) for line in lines if line.startswith(TOKEN) and line.endswith("}")
        ]
        return [one for one in events if one["event"] == event]

    def step(self, index: int = 0) -> int:
        """The newest one that this worker has told of."""
        return max((one["global_step"] for one in self.events("progress", index)[-1:]), default=0)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            logs = {path.name: path.read_text()[-2000:] for path in self.folder.glob("*.log")}
            assert time.monotonic() < end, logs
            time.sleep(0.05)


def program(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """As a container starts it."""
    with log.open("ab") as file:
        command = [sys.executable, "-m", "trainer", *words]
        return subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=file, stderr=file)


@pytest.fixture
def group(forker: Forker, tmp_path: Path) -> Iterator[Callable[..., Group]]:
    made: list[Group] = []

    def make(*flags: str, ps: int = 1, workers: int = 1, forked: bool = True) -> Group:
        made.append(Group(tmp_path, flags, forker if forked else None, ps=ps, workers=workers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("preset", "strategy"),
    [
        ("fast", "async_ps"),
        pytest.param("thesis", "sync_ps", marks=pytest.mark.full),
        pytest.param("thesis", "async_ps", marks=pytest.mark.full),
        pytest.param("fast", "sync_ps", marks=pytest.mark.full),
    ],
)
def test_a_run_that_is_asked_to_goes_on_from_the_last_checkpoint(
    run_cluster: RunCluster, tmp_path: Path, preset: str, strategy: str
) -> None:
    kept = ("--checkpoint_dir", str(tmp_path / "kept"), "--preset", preset, "--strategy", strategy)
    first = run_cluster(*USUAL, *kept, "--train_steps", "60", workers=2)
    assert first.succeeded(), first.chief.text
    saved = first.chief.named("checkpoint_saved")[-1]
    assert saved["global_step"] >= 60
    assert saved["seconds"] > 0
    # Another number of ps, as after a change of size.
    second = run_cluster(*USUAL, *kept, "--train_steps", "90", "--restore", ps=2, workers=2)
    assert second.succeeded(), second.chief.text
    assert second.chief.one("restored")["global_step"] == saved["global_step"]
    assert [worker.one("start_line")["global_step"] for worker in second.workers] == [saved["global_step"]] * 2
    assert second.chief.one("target_reached")["global_step"] >= 90
    fresh = run_cluster(*USUAL, *kept, "--train_steps", "20", workers=2)
    assert fresh.chief.one("start_line")["global_step"] == 0


def test_restored_parameters_are_those_that_were_saved(run_cluster: RunCluster, tmp_path: Path) -> None:
    kept = ("--dataset", "mnist", "--seed", "1", "--checkpoint_dir", str(tmp_path / "kept"))
    trained = run_cluster(*kept, "--train_steps", "400", ps=2).chief.one("eval")["accuracy"]
    # One step more, and too small a one to change much.
    again = run_cluster(*kept, "--train_steps", "401", "--learning_rate", "1e-9", "--restore").chief.one("eval")
    assert trained > 0.8
    assert abs(again["accuracy"] - trained) < 0.002


def test_a_checkpoint_is_told_of_with_the_step_that_it_holds(tmp_path: Path) -> None:
    """Other workers go on between the chief's look at the step and the moment when it is written."""
    import tensorflow.compat.v1 as tf

    from tests.trainer.test_graph import build
    from trainer.checkpoint import Checkpoints

    told: list[int] = []
    log: Any = SimpleNamespace(event=lambda _name, **fields: told.append(fields["global_step"]))
    context = replace(build("fast", "--checkpoint_dir", str(tmp_path))[2], log=log)
    server = tf.train.Server({"worker": {1: free_addresses(1)[0]}}, job_name="worker", task_index=1)
    with tf.Graph().as_default(), tf.Session(server.target) as session:
        step = tf.Variable(7, name="global_step", dtype=tf.int64)
        session.run(step.initializer)
        checkpoints = Checkpoints(context, step)
        checkpoints.save_from(session)
        write, other_worker = checkpoints._saver.save, tf.assign_add(step, 1)

        def save(*arguments: Any, **options: Any) -> str:
            session.run(other_worker)
            return str(write(*arguments, **options))

        checkpoints._saver.save = save
        checkpoints.save()
        assert checkpoints.restore(session) == 8
    assert told == [8, 8]


def test_the_chief_writes_although_the_variables_lie_on_the_ps() -> None:
    from tests.trainer.test_graph import build
    from trainer.checkpoint import Checkpoints

    graph, loop, context = build("fast")
    with graph.as_default():
        Checkpoints(context, loop.global_step)
    devices = {op.device for op in graph.get_operations() if op.type in ("SaveV2", "RestoreV2", "MergeV2Checkpoints")}
    assert {device.split("/")[1] for device in devices} == {"job:worker"}


def test_a_chief_that_is_told_to_stop_saves_first(group: Callable[..., Group]) -> None:
    flags = ("--train_steps", "0", "--telemetry_every", "10", "--checkpoint_seconds", "3600")
    site = group(*flags, workers=2, forked=False)
    site.start()
    site.until(lambda: site.step() >= 50)
    assert site.stop("worker", 0) == 128 + signal.SIGTERM
    [saved] = site.events("checkpoint_saved")
    assert saved["global_step"] >= 50
    assert (site.checkpoints / "checkpoint").exists()
    assert site.stop("ps", 0) == 128 + signal.SIGTERM


def test_checkpoints_are_made_every_so_many_seconds_and_the_last_ones_kept(group: Callable[..., Group]) -> None:
    site = group("--train_steps", "0", "--checkpoint_seconds", "0.3")
    site.start()
    site.until(lambda: len(site.events("checkpoint_saved")) >= 5)
    site.stop("worker", 0)
    steps = [one["global_step"] for one in site.events("checkpoint_saved")]
    assert steps == sorted(set(steps))
    assert len(list(site.checkpoints.glob("*.index"))) == 3


LONG_RUNNING = ("--long_running", "--train_steps", "0", "--telemetry_every", "10", "--checkpoint_seconds", "0.5")


@pytest.mark.parametrize("preset", ["fast", pytest.param("thesis", marks=pytest.mark.full)])
def test_a_ps_that_is_killed_sends_the_training_back_to_the_last_checkpoint(
    group: Callable[..., Group], preset: str
) -> None:
    site = group(*LONG_RUNNING, "--preset", preset, ps=2, workers=2)
    site.start()
    site.until(lambda: site.step() >= 50 and site.events("checkpoint_saved"))
    site.stop("ps", 1, signal.SIGKILL)
    site.until(lambda: site.events("ps_lost"))
    # TensorFlow's message begins with a ruler or with the place that saw the error.
    assert re.match(r"\w+Error: (?!From /)\w", site.events("ps_lost")[0]["reason"])
    site.start(("ps", 1))
    site.until(lambda: site.events("restored"))
    [restored] = site.events("restored")
    before = [one["global_step"] for one in site.events("checkpoint_saved") if one["mono"] < restored["mono"]]
    # The others train on while the chief reads what it saves.
    assert restored["global_step"] >= before[-1]
    began = len(site.events("progress", 1))

    def later() -> list[int]:
        return [one["global_step"] for one in site.events("progress") if one["mono"] > restored["mono"]]

    site.until(lambda: len(later()) > 5 and len(site.events("progress", 1)) > began)
    assert min(later()) >= restored["global_step"]
    # Under the same process numbers, so that no container restarts, but with nothing of TensorFlow left from before.
    assert all(site.processes["worker", index].poll() is None for index in range(2))
    assert len(site.events("process_start")) == 2


@pytest.mark.parametrize(
    ("kind", "message", "reason"),
    [
        ("CancelledError", "", "CancelledError: no reason given"),
        ("UnknownError", "Stream removed", "UnknownError: Stream removed"),
    ],
)
def test_a_worker_begins_again_whatever_tensorflow_says_of_a_lost_ps(
    monkeypatch: pytest.MonkeyPatch, kind: str, message: str, reason: str
) -> None:
    import tensorflow.compat.v1 as tf

    from trainer import cluster, shutdown
    from trainer.strategies import parameter_server

    with tf.Graph().as_default():
        error = getattr(tf.errors, kind)(None, tf.constant(1).op, message)
    told: list[Any] = []
    worker: Any = object.__new__(parameter_server.Worker)
    log = SimpleNamespace(event=lambda *event, **fields: told.extend((*event, fields)))
    worker._context = SimpleNamespace(config=None, log=log, progress=SimpleNamespace(local_steps=1))
    worker._checkpoints, worker._loop = None, SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(worker, "_open", Mock(side_effect=error), raising=False)
    monkeypatch.setattr(cluster, "await_ps", lambda _config: None)
    monkeypatch.setattr(shutdown, "restart", Mock(side_effect=SystemExit))
    with pytest.raises(SystemExit):
        worker.run_until_stopped()
    assert told == ["ps_lost", {"reason": reason}]


@pytest.mark.full
def test_a_ps_that_comes_back_without_what_it_held_is_given_it_by_a_chief_that_began_anew(
    group: Callable[..., Group],
) -> None:
    """Twice: what a process hands on to the one that it becomes must not add up while steps are made."""
    site = group(*LONG_RUNNING)
    site.start()
    for lost in (1, 2):
        site.until(partial(trained_on, site, site.step()))
        assert site.stop("ps", 0) == 128 + signal.SIGTERM
        site.until(partial(told, site, "ps_lost", lost))
        site.start(("ps", 0))
        site.until(partial(told, site, "restored", lost))
    assert site.processes["worker", 0].poll() is None


def trained_on(site: Group, steps: int) -> bool:
    return site.step() > steps + 30 and bool(site.events("checkpoint_saved"))


def told(site: Group, event: str, times: int) -> bool:
    return len(site.events(event)) == times


@pytest.mark.parametrize("job", ["ps", "worker"])
def test_a_replica_that_is_told_to_stop_before_it_trains_ends_at_once(group: Callable[..., Group], job: str) -> None:
    site = group(*LONG_RUNNING)
    site.start((job, 0))
    log = site.folder / f"{job}-0.log"
    # A worker finds no ps and would wait for one without end.
    word = '"imported"' if job == "worker" else '"process_start"'
    site.until(lambda: log.exists() and word in log.read_text())
    assert site.stop(job, 0) == 128 + signal.SIGTERM


def test_a_worker_is_ready_when_it_has_made_a_step_and_not_before(group: Callable[..., Group]) -> None:
    site = group(*LONG_RUNNING)
    site.ready("worker", 0).touch()  # left by a container before this one
    site.start(("worker", 0))
    site.until(lambda: site.events("imported"))
    assert not site.ready("worker", 0).exists()
    site.start(("ps", 0))
    site.until(lambda: site.ready("worker", 0).exists())
    assert site.events("start_line")


@pytest.mark.parametrize("preset", ["fast", "thesis"])
def test_a_worker_of_another_network_than_that_of_the_ps_gets_a_sentence(
    group: Callable[..., Group], preset: str
) -> None:
    site = group("--long_running", "--train_steps", "0", "--telemetry_every", "10", "--preset", preset, workers=2)
    site.start()
    site.until(lambda: site.step(1) >= 10)
    site.stop("worker", 1)
    site.start(("worker", 1), other=("--hidden_units", "30"))
    assert site.processes["worker", 1].wait(SECONDS) == 2
    reason = site.events("error", 1)[0]["reason"]
    assert reason.startswith("the ps hold ")
    # Of the fast one in one piece, as it lies on a single ps.
    sizes = {"thesis": ("784x100", "784x30"), "fast": ("79510", "23860")}[preset]
    assert f"{sizes[0]}, but this worker's flags make it {sizes[1]}: " in reason
    assert "Traceback" not in (site.folder / "worker-1.log").read_text()


def test_a_worker_that_comes_back_joins_where_the_others_are(group: Callable[..., Group]) -> None:
    site = group(*LONG_RUNNING, workers=2)
    site.start()
    site.until(lambda: site.step(1) >= 20)
    site.stop("worker", 1, signal.SIGKILL)
    there = site.step()
    site.start(("worker", 1))
    site.until(lambda: site.events("resumed", 1)[1:])
    assert site.events("resumed", 1)[-1]["global_step"] >= there
    assert not site.events("restored")


def test_a_chief_that_comes_back_goes_on_from_what_the_ps_hold(group: Callable[..., Group]) -> None:
    site = group(*LONG_RUNNING[:-1], "3600", workers=2)
    site.start()
    site.until(lambda: site.step() >= 50)
    # A thread looks for the first step now and then.
    site.until(site.ready("worker", 0).exists)
    site.stop("worker", 0, signal.SIGKILL)
    there = site.step(1)
    site.start(("worker", 0))
    site.until(lambda: site.events("resumed"))
    assert site.events("resumed")[0]["global_step"] >= there


def test_a_training_that_ends_stays_and_is_restored_as_it_ended(group: Callable[..., Group]) -> None:
    site = group("--long_running", "--train_steps", "80", "--telemetry_every", "10")
    site.start()
    site.until(lambda: site.events("eval"))
    time.sleep(0.5)
    assert site.processes["worker", 0].poll() is None
    assert site.events("checkpoint_saved")[-1]["global_step"] >= 80
    for place in site.places:
        assert site.stop(*place) == 128 + signal.SIGTERM
    site.start()
    site.until(lambda: len(site.events("eval")) == 2)
    assert site.events("restored")[0]["global_step"] >= 80


def test_a_checkpoint_of_another_network_gets_a_sentence(run_cluster: RunCluster, tmp_path: Path) -> None:
    kept = ("--checkpoint_dir", str(tmp_path / "kept"))
    assert run_cluster(*USUAL, *kept, "--train_steps", "10").succeeded()
    outcome = run_cluster(*USUAL, *kept, "--train_steps", "20", "--hidden_units", "30", "--restore")
    assert outcome.chief.code == 2
    reason = outcome.chief.one("error")["reason"]
    assert "of another network: " in reason
    assert reason.endswith("give the flags it was saved with, or another folder")
    assert "Traceback" not in outcome.chief.text


def test_a_checkpoint_that_is_broken_gets_a_sentence(run_cluster: RunCluster, tmp_path: Path) -> None:
    kept = ("--checkpoint_dir", str(tmp_path / "kept"))
    assert run_cluster(*USUAL, *kept, "--train_steps", "10").succeeded()
    for index in (tmp_path / "kept").glob("*.index"):
        index.write_bytes(b"rubbish")
    outcome = run_cluster(*USUAL, *kept, "--train_steps", "20", "--restore")
    assert outcome.chief.code == 2
    assert "cannot be read as a checkpoint" in outcome.chief.one("error")["reason"]
