# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for runs that end well, badly and not at all; no test takes any time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.backend import KubernetesBackend
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError, StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import training_wait
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import Follower

from tests.fixtures import clusters, kueue, runs, states
from tests.fixtures.disk import SMALL, fill, small_disk

KEYS = {
    "changed",
    "outcome",
    "failed_replica",
    "replicas",
    "started_wall",
    "ended_wall",
    "duration",
    "log_dir",
    "evidence",
}


class World:
    """A run directory in which things happen while somebody sleeps."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.now = 1000.0
        self.said: list[str] = []
        self.sleeps: list[float] = []
        self._events: list[tuple[float, Callable[[], None]]] = []

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        self._events.append((1000.0 + seconds, happen))

    def becomes(self, seconds: float, state: Any) -> None:
        self.at(seconds, lambda: states.write(self.run_dir, state))

    def logs(self, seconds: float, *lines: bytes, name: str = "worker-0.log") -> None:
        def write() -> None:
            with (self.run_dir / name).open("ab") as log:
                log.write(b"".join(line + b"\n" for line in lines))

        self.at(seconds, write)

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds < 60
        self.sleeps.append(seconds)
        self.now += seconds
        due = [event for event in self._events if event[0] <= self.now + 1e-9]
        self._events = [event for event in self._events if event not in due]
        for _moment, happen in due:
            happen()

    def wait(self, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        spec = training_wait.ARGUMENT_SPEC
        defaults = {name: option.get("default") for name, option in spec.items()}
        given = {"run_dir": str(self.run_dir), "train_steps": 2000, "deadline": 60.0, "poll_seconds": 0.1, **params}
        return training_wait.execute(
            {**defaults, **given},
            Context(check_mode=check_mode, say=self.said.append, clock=lambda: self.now, sleep=self.sleep),
        )

    def fail(self, **params: Any) -> tuple[str, dict[str, Any]]:
        with pytest.raises(StepError) as caught:
            self.wait(**params)
        return str(caught.value), caught.value.result


@pytest.fixture
def world(tmp_path: Path) -> World:
    states.write(tmp_path, states.running(tmp_path))
    return World(tmp_path)


def progress(step: int, at: float) -> bytes:
    return runs.line("progress", at=at, global_step=step, local_step=step, loss=0.5)


def test_execute_of_a_run_that_ends_well(world: World) -> None:
    world.logs(1.0, runs.line("start_line", at=1.0, global_step=0))
    world.logs(5.0, progress(2000, 4.8))
    world.becomes(5.0, states.succeeded(world.run_dir))
    result = world.wait()
    assert set(result) == KEYS | {"msg"}
    assert (result["outcome"], result["changed"], result["failed_replica"]) == ("succeeded", False, None)
    assert (result["started_wall"], result["ended_wall"]) == (states.STARTED, states.STARTED + 5.0)
    assert result["duration"] == pytest.approx(5.0)
    assert result["log_dir"] == str(world.run_dir)
    assert [one["state"] for one in result["replicas"]] == ["stopped", "succeeded", "succeeded"]
    assert result["evidence"]["restarts"] == 0
    assert result["evidence"]["host"]["foreign_share"] == 0.2
    assert result["msg"] == "2 workers succeeded after step 2000."


def test_execute_of_a_run_that_is_over_does_not_sleep(world: World) -> None:
    states.write(world.run_dir, states.succeeded(world.run_dir))
    result = world.wait()
    assert (result["outcome"], result["duration"], world.sleeps) == ("succeeded", 0.0, [])


def test_execute_goes_on_until_the_last_process_is_gone(world: World) -> None:
    halfway = {**states.succeeded(world.run_dir), "ended_wall": None, "host": states.running(world.run_dir)["host"]}
    world.becomes(2.0, halfway)
    world.becomes(2.5, states.succeeded(world.run_dir))
    result = world.wait()
    assert result["duration"] == pytest.approx(2.5)
    assert result["evidence"]["host"]["steal_share"] == 0.1


def test_execute_says_how_far_the_run_is(world: World) -> None:
    world.logs(1.0, runs.line("start_line", at=1.0, global_step=0))
    for second in range(2, 13):
        world.logs(float(second), progress(100 * (second - 1), float(second)))
    world.becomes(13.0, states.succeeded(world.run_dir))
    world.wait(label="run 4/15  ps=2 workers=4")
    at_once, later, last = world.said
    assert at_once == "run 4/15  ps=2 workers=4   step 100/2000  5 %  100 steps/s  19 s left"
    # Five seconds later, give or take one look into the log.
    assert later.startswith("run 4/15  ps=2 workers=4   step 600/2000  30 %  100 steps/s  14 s left")
    assert last.startswith("run 4/15  ps=2 workers=4   step 1100/2000  55 %")


def test_execute_says_nothing_of_a_run_that_does_not_move(world: World) -> None:
    world.logs(1.0, runs.line("process_start", at=0.1), runs.line("start_line", at=1.0, global_step=0))
    world.becomes(20.0, states.succeeded(world.run_dir))
    world.wait()
    assert world.said == []


def failing(world: World, name: str = "worker", index: int = 1, **facts: Any) -> None:
    failure = states.failing(world.run_dir, name, index, **facts)
    world.becomes(2.0, failure)
    world.becomes(2.3, states.ended(failure))


def test_execute_of_a_killed_worker_names_it_and_the_step(world: World) -> None:
    world.logs(1.0, progress(640, 1.0))
    world.logs(1.0, b"half a thought", name="worker-1.log")
    failing(world, signal=9)
    msg, result = world.fail()
    assert msg.startswith("worker 1 was killed by signal 9 after step 640;")
    assert set(result) == KEYS
    assert result["outcome"] == "failed"
    assert result["failed_replica"] == {
        "replica": "worker",
        "index": 1,
        "exit_code": None,
        "signal": 9,
        "ending": "worker 1 was killed by signal 9",
        "reason": "",
        "log_tail": ["half a thought"],
    }
    assert result["duration"] == pytest.approx(2.3)
    assert [one["state"] for one in result["replicas"]] == ["stopped", "stopped", "failed"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param([b"Traceback:", b"ValueError: no data", b"", b"  "], "ValueError: no data", id="last line"),
        pytest.param([b"usage", runs.line("exit", code=3)], "usage", id="telemetry is no reason"),
        pytest.param(
            [runs.line("error", reason="a"), runs.line("error", reason="loss became nan"), b"at exit"],
            "loss became nan",
            id="what it tells us itself",
        ),
        pytest.param([b":::TFSCALE {half"], "", id="half a line"),
        pytest.param([runs.line("error"), b"x"], "", id="an error without a reason"),
        pytest.param([b"\xff\xfe\x00 no\x1b[31m"], "\ufffd\ufffd no", id="not text"),
        pytest.param([b"10 %\r20 %\rfull disk\r"], "full disk", id="a progress bar"),
        pytest.param([runs.line("error", reason="a\udcff\x1b[31m\r\nb")], "a\ufffd b", id="what acts on a terminal"),
        pytest.param([b"1 %\b\b\b2 %\r\n\x1b]0;t\x07full\xc2\x9b0m\r\n"], "full", id="a terminal's own"),
        pytest.param([], "", id="silent"),
    ],
)
def test_execute_of_a_worker_that_gave_up_tells_why(world: World, lines: list[bytes], reason: str) -> None:
    world.logs(1.0, *lines, name="worker-1.log")
    failing(world, exit_code=3)
    msg, result = world.fail()
    assert msg.startswith("worker 1 exited with code 3" + (f": {reason}" if reason else ""))
    assert result["failed_replica"]["reason"] == reason


def test_execute_of_a_failed_replica_without_a_log(world: World) -> None:
    failing(world, "ps", 0, exit_code=0)
    msg, result = world.fail()
    assert msg.startswith("ps 0 exited with code 0")
    assert (result["failed_replica"]["log_tail"], result["failed_replica"]["reason"]) == ([], "")


def test_execute_keeps_the_end_of_a_huge_log(world: World) -> None:
    world.logs(1.0, b"\x00" * 10_000_000, *(b"%d" % number for number in range(20)), b"x" * 5000, name="worker-1.log")
    failing(world, exit_code=1)
    _msg, result = world.fail()
    *numbers, longest = result["failed_replica"]["log_tail"]
    assert numbers == [str(number) for number in range(11, 20)]
    assert len(longest) == 300
    assert set(longest) <= {"x", "."}


def test_execute_of_a_run_whose_launcher_died(world: World) -> None:
    world.becomes(1.0, {**states.running(world.run_dir), "launcher_start": 1})
    msg, result = world.fail()
    assert "launcher" in msg
    assert (result["outcome"], result["failed_replica"], result["ended_wall"]) == ("failed", None, None)
    assert result["evidence"]["host"]["steal_share"] is None


def test_execute_of_a_run_that_was_stopped_by_somebody(world: World) -> None:
    world.logs(0.5, progress(10, 0.5))
    world.becomes(1.0, states.ended(states.running(world.run_dir)))
    msg, result = world.fail()
    assert msg.startswith("the run was stopped from outside after step 10")
    assert result["failed_replica"] is None


@pytest.mark.parametrize("steps", [2000, 0])
def test_execute_at_the_deadline(world: World, steps: int) -> None:
    world.logs(1.0, progress(400, 1.0))
    msg, result = world.fail(train_steps=steps, deadline=60.0)
    for told in ("60 s", "training_deadline", "step 400", str(world.run_dir)):
        assert told in msg
    assert set(result) == KEYS
    assert (result["outcome"], result["failed_replica"], result["ended_wall"]) == ("deadline", None, None)
    assert result["duration"] == pytest.approx(60.0)


def test_execute_of_a_run_that_ends_in_the_last_moment_is_no_deadline(world: World) -> None:
    world.becomes(60.0, states.succeeded(world.run_dir))
    assert world.wait(deadline=60.0)["outcome"] == "succeeded"


def test_execute_without_a_deadline_waits_on(world: World) -> None:
    world.becomes(5000.0, states.succeeded(world.run_dir))
    assert world.wait(deadline=0.0, poll_seconds=10.0)["duration"] == pytest.approx(5000.0)


def test_execute_reads_the_format_of_another_program(world: World) -> None:
    world.logs(1.0, b"iteration 12 of many")
    world.becomes(2.0, states.succeeded(world.run_dir))
    world.wait(train_steps=0, log_format=r"iteration (?P<step>\d+)", label="own")
    assert world.said == ["own   step 12"]


def test_execute_does_not_read_the_log_at_every_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    polls: list[float] = []
    monkeypatch.setattr(Follower, "poll", lambda _self: polls.append(world.now))
    world.becomes(4.0, states.succeeded(world.run_dir))
    world.wait(poll_seconds=0.02)
    assert len(world.sleeps) == pytest.approx(200, abs=2)
    assert len(polls) <= 22


def test_execute_in_check_mode_waits_for_nothing(world: World) -> None:
    result = world.wait(check_mode=True, run_dir=str(world.run_dir / "none"))
    assert result["changed"] is False
    assert world.sleeps == []


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"log_format": "("}, "training_log_format is '('"),
        ({"deadline": -1.0}, "training_deadline is -1.0: give a number from 0"),
        ({"deadline": float("nan")}, "training_deadline is nan"),
        ({"queue_deadline": -1.0}, "queue_deadline is -1.0: give a number from 0"),
        ({"start_seconds": float("nan")}, "start_seconds is nan"),
        ({"deadline": 0.0, "train_steps": 0}, "training_steps is 0, which trains without end: give training_deadline"),
        ({"poll_seconds": 0.0}, "poll_seconds is 0.0: give a number from 0.001"),
        ({"progress_seconds": -1.0}, "progress_seconds is -1.0: give a number from 0"),
    ],
)
def test_execute_refuses_in_a_sentence(world: World, params: dict[str, Any], sentence: str, check_mode: bool) -> None:
    msg, _result = world.fail(check_mode=check_mode, **params)
    assert msg.startswith(sentence)


def test_execute_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    msg, result = World(tmp_path / "none").fail()
    assert "where no run was started: start one with process_group" in msg
    assert result == {}


def test_execute_names_a_state_that_cannot_be_read(world: World) -> None:
    world.becomes(1.0, "{half")
    msg, _result = world.fail()
    assert str(world.run_dir / "state.json") in msg


class Cluster(World):
    """A run of Jobs whose pods do what the script of the watch says; its threads run while somebody sleeps."""

    def __init__(self, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(run_dir)
        self.api = clusters.FakeApi()
        self.api.lists["jobs"] = [clusters.workload("ps", 1), clusters.workload("worker", 2)]
        self.api.lists["pods"] = [
            clusters.pod(kind, index, state=clusters.running())
            for kind, index in (("ps", 0), ("worker", 0), ("worker", 1))
        ]
        self.auth: dict[str, Any] = {}
        self.chief_ends = False
        monkeypatch.setattr(training_wait, "connect", self.connect)
        backend = functools.partial(
            KubernetesBackend,
            clock=lambda: self.now,
            sleep=self.sleep,
            wall=lambda: clusters.CREATED_WALL + self.now - 1000.0,
            start=self.start,
        )
        monkeypatch.setattr(training_wait, "KubernetesBackend", backend)

    def start(self, target: Any) -> None:
        """Each thread's work is done at once. The first one watches until nothing more is told; the second one follows."""
        if not self.api.on_exhausted:
            self.api.on_exhausted = target.__self__.stop
        elif not self.chief_ends:
            return
        self.at(0.1, target)

    def connect(self, auth: Any) -> clusters.FakeApi:
        self.auth = auth
        return self.api

    def log(self, kind: str, index: int, *blocks: bytes) -> None:
        self.api.logs[f"tf-{clusters.RUN_ID}-1-{kind}-{index}", False] = list(blocks)

    def wait(self, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        run = {"backend": "job", "namespace": "tfscale", "run_id": clusters.RUN_ID, "attempt": 1}
        return super().wait(check_mode=check_mode, **{**run, **params})


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(tmp_path / "run" / "attempt-1", monkeypatch)


def test_execute_of_pods_that_end_well(cluster: Cluster) -> None:
    cluster.chief_ends = True
    done = [clusters.event("MODIFIED", clusters.pod("worker", index, state=clusters.terminated(0))) for index in (0, 1)]
    cluster.api.watches = [[*done]]
    for index in (0, 1):
        cluster.log(
            "worker",
            index,
            runs.line("start_line", at=1.0, index=index, global_step=0),
            b"\n",
            progress(2000, 4.8),
            b"\n",
        )
    cluster.log("ps", 0, b"up\n")
    result = cluster.wait(nodes=["node-a"], context="kind-study")
    assert set(result) == KEYS | {"msg"}
    assert result["msg"] == "2 workers succeeded after step 2000."
    assert (result["started_wall"], result["ended_wall"]) == (clusters.CREATED_WALL, clusters.CREATED_WALL + 40)
    assert [one["state"] for one in result["replicas"]] == ["running", "succeeded", "succeeded"]
    assert result["evidence"]["active_nodes"] == ["node-a"]
    assert sorted(path.name for path in cluster.run_dir.glob("*.log")) == ["ps-0.log", "worker-0.log", "worker-1.log"]
    assert cluster.auth["context"] == "kind-study"


def test_execute_of_a_pod_that_was_killed_tells_the_clusters_reason(cluster: Cluster) -> None:
    killed = clusters.pod("worker", 1, state=clusters.terminated(137, reason="OOMKilled"), memory="256Mi")
    cluster.api.watches = [[clusters.event("MODIFIED", killed)]]
    cluster.log("worker", 1, b"half a thought\n")
    msg, result = cluster.fail()
    why = "it took more than its memory limit of 256Mi (OOMKilled): our trainer's worker wants 768Mi"
    assert msg == f"worker 1 was killed by signal 9: {why}; the logs are in {cluster.run_dir}."
    assert result["failed_replica"]["reason"] == why
    assert result["failed_replica"]["ending"] == "worker 1 was killed by signal 9"
    assert result["failed_replica"]["log_tail"] == ["half a thought"]


def test_execute_of_a_pod_that_only_exited_takes_its_last_word(cluster: Cluster) -> None:
    exited = clusters.pod("worker", 1, state=clusters.terminated(3))
    cluster.api.watches = [[clusters.event("MODIFIED", exited)]]
    cluster.log("worker", 1, b"no data\n")
    msg, result = cluster.fail()
    assert msg.startswith("worker 1 exited with code 3: no data; the logs are in ")
    assert result["failed_replica"]["reason"] == "no data"


def test_execute_of_pods_at_the_deadline_names_what_one_waits_for(cluster: Cluster) -> None:
    cluster.api.lists["pods"][2] = clusters.pod("worker", 1)
    pod_name = f"tf-{clusters.RUN_ID}-1-worker-1"
    cluster.api.lists["events"] = [clusters.warning(pod_name, "FailedMount", 'configmap "tf" not found')]
    msg, result = cluster.fail(deadline=2.0)
    assert result["outcome"] == "deadline"
    assert '1 of 1 ps and 1 of 2 workers are running; worker 1 has not started: configmap "tf" not found.' in msg


def in_queue(cluster: Cluster, *, admitted_after: float) -> None:
    for kind, one in zip(("ps", "worker"), cluster.api.lists["jobs"], strict=True):
        one["metadata"] |= {"uid": f"uid-{kind}", "labels": {"kueue.x-k8s.io/queue-name": "team"}}
    cluster.api.lists["workloads"] = [kueue.pending("uid-ps"), kueue.pending("uid-worker")]
    granted = [kueue.admitted("uid-ps"), kueue.admitted("uid-worker", 10)]
    cluster.at(admitted_after, lambda: cluster.api.lists.update(workloads=granted))


def test_execute_of_pods_in_a_queue_starts_the_deadline_with_their_admission(cluster: Cluster) -> None:
    in_queue(cluster, admitted_after=300.0)
    msg, result = cluster.fail(deadline=20.0)
    assert result["outcome"] == "deadline"
    assert "20 s (training_deadline)" in msg
    assert result["duration"] == pytest.approx(321.0, abs=2.0)
    assert result["started_wall"] == clusters.CREATED_WALL + 40
    assert result["evidence"]["queue"] == {"name": "team", "cluster_queue": "team-cq", "seconds": 40.0}
    waits = [line for line in cluster.said if "waiting for quota in queue team" in line]
    assert kueue.NO_QUOTA in waits[0]
    assert len(waits) == pytest.approx(60, abs=3)


def test_execute_of_pods_that_their_queue_does_not_admit(cluster: Cluster) -> None:
    in_queue(cluster, admitted_after=300.0)
    msg, result = cluster.fail(queue_deadline=60.0, deadline=20.0)
    assert (result["outcome"], result["started_wall"]) == ("failed", None)
    for told in ("60 s", "training_queue_deadline", "queue team", kueue.NO_QUOTA):
        assert told in msg


def test_execute_of_pods_that_nobody_deployed(cluster: Cluster) -> None:
    cluster.api.lists["jobs"] = []
    msg, result = cluster.fail()
    assert msg == f"run {clusters.RUN_ID} (attempt 1) has no job of workers in namespace tfscale: deploy it first."
    assert result == {}


def test_execute_whose_logs_cannot_be_written(cluster: Cluster) -> None:
    cluster.run_dir.parent.parent.joinpath("run").write_text("a file")
    msg, _result = cluster.fail()
    assert msg == (
        f"The logs cannot be written into run_dir {cluster.run_dir}: Not a directory; give {cluster.run_dir} its"
        " permissions, or another folder."
    )


def test_execute_whose_logs_find_no_room_says_so(cluster: Cluster) -> None:
    """A run whose logs are lost is no run that has failed."""
    done = [clusters.event("MODIFIED", clusters.pod("worker", index, state=clusters.terminated(0))) for index in (0, 1)]
    cluster.api.watches = [[*done]]
    cluster.log("worker", 0, b"one\n")
    with small_disk(cluster.run_dir.parent) as limit:
        disk = limit(size=SMALL)
        cluster.run_dir.mkdir()
        fill(disk)
        msg, _result = cluster.fail()
        assert f"run_dir {cluster.run_dir}: no space is left in {cluster.run_dir} (No space left on device)" in msg
        assert list(cluster.run_dir.iterdir()) == []


def test_execute_renews_the_hold_on_a_study_in_the_cluster(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[float] = []

    def keeper(params: dict[str, Any], clock: Callable[[], float]) -> Callable[[], None]:
        assert (params["ledger"], params["owner_pid"]) == ("cluster", 42)
        return lambda: kept.append(clock())

    monkeypatch.setattr(training_wait, "keeper", keeper)
    world.becomes(10.0, states.succeeded(world.run_dir))
    world.wait(ledger="cluster", study_dir=str(world.run_dir), owner_pid=42)
    assert 10 < len(kept) <= 10 / training_wait.FOLLOW_SECONDS + 2


def test_execute_a_study_that_was_taken_over_ends_the_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> None:
        raise LedgerError("study mnist is held by another controller")

    monkeypatch.setattr(training_wait, "keeper", lambda params, clock: lost)
    with pytest.raises(StepError, match="held by another"):
        world.wait(ledger="cluster", study_dir=str(world.run_dir), owner_pid=42)
