"""The target accuracy: evaluations during the training, and the end of all workers at the first that reaches it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trainer import config as configuration
from trainer.context import Context
from trainer.event_log import EventLog
from trainer.timing import Clock, Usage

from .conftest import Outcome, RunCluster

SMALL = ["--dataset", "synthetic", "--synthetic_examples", "6000", "--seed", "3", "--threads", "1"]
FULL = pytest.mark.full


def context_of(stream: io.StringIO, clock: Clock, *flags: str) -> Context:
    place = ["--job_name", "worker", "--task_index", "0", "--ps_hosts", "a:1", "--worker_hosts", "b:1"]
    log = EventLog(replica="worker", index=0, clock=clock, stream=stream)
    return Context(config=configuration.parse([*place, *SMALL, *flags], {}), log=log, clock=clock, usage=Usage())


def check_times(outcome: Outcome) -> list[dict[str, Any]]:
    """The evaluations of the chief in the order of their moments, which lie within the training and before their lines."""
    evaluations, start = outcome.chief.named("eval"), outcome.chief.one("start_line")["mono"]
    assert all(one["since_start"] + one["seconds"] <= one["mono"] - start + 0.01 for one in evaluations)
    ended = outcome.chief.one("target_reached")["mono"] - start
    assert evaluations[-1]["since_start"] == pytest.approx(ended, abs=0.01)
    # Copies that were passed over come after the newer one that reached the target.
    return sorted(evaluations, key=lambda one: float(one["since_start"]))


@pytest.mark.parametrize(
    ("flags", "ps", "workers"),
    [
        (["--strategy", "async_ps"], 2, 3),
        pytest.param(["--strategy", "async_ps", "--preset", "thesis"], 1, 2, marks=FULL),
        (["--strategy", "sync_ps"], 1, 3),
        pytest.param(["--strategy", "sync_ps", "--preset", "thesis"], 1, 2, marks=FULL),
        pytest.param(["--strategy", "sync_ps", "--replicas_to_aggregate", "2"], 1, 3, marks=FULL),
        pytest.param(["--strategy", "async_ps", "--model", "cnn"], 1, 2, marks=FULL),
        pytest.param(["--strategy", "tf2_ps"], 1, 2, marks=FULL),
        (["--strategy", "mirrored"], 0, 2),
    ],
)
def test_run_ends_at_the_target(run_cluster: RunCluster, flags: list[str], ps: int, workers: int) -> None:
    target = ["--target_accuracy", "0.5", "--eval_every", "20", "--train_steps", "20000"]
    outcome = run_cluster(*SMALL, *flags, *target, ps=ps, workers=workers)
    assert outcome.succeeded(), outcome
    evaluations = check_times(outcome)
    reaching = next(one for one in evaluations if one["accuracy"] >= 0.5)
    steps = [one["global_step"] for one in evaluations]
    assert steps == sorted(steps)
    assert steps[0] >= 20
    ended = outcome.chief.one("target_reached")
    assert ended["by"] == "accuracy"
    assert reaching["global_step"] <= ended["global_step"] < 10000
    summary = outcome.chief.one("summary")
    assert 1 <= summary["eval_count"] <= len(evaluations) - 1
    assert 0 < summary["eval_cpu_seconds"] <= summary["eval_seconds"] + 0.02
    assert all("eval_count" not in worker.one("summary") for worker in outcome.workers[1:])


def test_run_that_does_not_reach_the_target_makes_all_its_steps(run_cluster: RunCluster) -> None:
    flags = ["--target_accuracy", "0.9999999", "--eval_every", "50", "--train_steps", "200", "--learning_rate", "1e-6"]
    outcome = run_cluster(*SMALL, *flags, workers=2)
    assert outcome.succeeded(), outcome
    ended = outcome.chief.one("target_reached")
    assert (ended["by"], ended["global_step"] >= 200) == ("steps", True)
    evaluations = check_times(outcome)
    assert [one["global_step"] // 50 for one in evaluations][-1] == 4
    # Its 200 steps may be over before the thread has had a processor: the planted clock below shows that evaluations below the
    # target let the training go on.
    assert outcome.chief.one("summary")["eval_count"] < len(evaluations)


class Slow:
    """A training of 1000 steps a second, and a test set that takes as long as 250 of its steps. The accuracy is step / 1000."""

    def __init__(self) -> None:
        self.now = 0.0
        self.is_stopped = False

    def mono(self) -> float:
        self.now += 0.001
        return self.now

    def step(self) -> int:
        return int(1000 * self.now)

    def parameters(self) -> dict[str, Any]:
        return {"step": self.step()}

    def stop(self) -> None:
        self.is_stopped = True

    def accuracy(self, parameters: dict[str, Any], meanwhile: Callable[[], None] = lambda: None) -> float:
        for _slice in range(10):
            self.now += 0.025
            meanwhile()
        return float(parameters["step"]) / 1000


def test_first_copy_at_the_target_is_found_although_a_newer_one_is_evaluated_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from trainer import evaluation

    slow, stream = Slow(), io.StringIO()
    monkeypatch.setattr(evaluation, "TestSet", lambda _context: slow)
    context = context_of(stream, Clock(mono=slow.mono), "--target_accuracy", "0.9", "--eval_every", "50")
    made = evaluation.Evaluator(context, step=slow.step, parameters=slow.parameters, stop=slow.stop)
    slow.now = 0.0
    made.start()
    deadline = time.monotonic() + 20
    while not slow.is_stopped and time.monotonic() < deadline:
        time.sleep(0.01)
    made.finish()
    told = [json.loads(line.partition(" ")[2]) for line in stream.getvalue().splitlines()]
    steps = [one["global_step"] for one in told]
    # The one that ended the training, then those that were passed over before it, up to the first at the target.
    ended = next(number for number, step in enumerate(steps) if step >= 900)
    assert ended >= 2
    passed_over = steps[ended + 1 :]
    assert passed_over == sorted(passed_over)
    assert [step >= 900 for step in passed_over] == [False] * (len(passed_over) - 1) + [True]
    assert 900 <= passed_over[-1] < 960 <= steps[ended]
    assert context.progress.eval_count == ended + 1


def test_evaluation_equals_the_accuracy_of_the_training_graph() -> None:
    """By numpy, from the same parameters: names, scaling and slices are those of the network."""
    from trainer import evaluation

    context = context_of(io.StringIO(), Clock())
    draw = np.random.default_rng(1)
    shapes = {"layer_linear/weights/hid_w": (784, 100), "layer_linear/bias/hid_b": (100,)}
    shapes |= {"softmax_layer/sm_w": (100, 10), "softmax_layer/sm_b": (10,)}
    given = {name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    images, classes = context.dataset.test
    hidden = np.maximum(images / 255.0 @ given["layer_linear/weights/hid_w"] + given["layer_linear/bias/hid_b"], 0)
    scores = hidden @ given["softmax_layer/sm_w"] + given["softmax_layer/sm_b"]
    expected = float(np.mean(scores.argmax(1) == classes))
    assert evaluation.TestSet(context).accuracy(given) == pytest.approx(expected, abs=0.002)
