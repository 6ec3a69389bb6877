"""The target accuracy: evaluations during the training, and the end of all workers at the first that reaches it."""

from __future__ import annotations

import io
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


def check_times(outcome: Outcome) -> list[dict[str, Any]]:
    """The evaluations of the chief, whose moments lie within the training, in order, before their lines were written."""
    evaluations, start = outcome.chief.named("eval"), outcome.chief.one("start_line")["mono"]
    moments = [one["since_start"] for one in evaluations]
    assert moments == sorted(moments)
    assert all(one["since_start"] + one["seconds"] <= one["mono"] - start + 0.01 for one in evaluations)
    ended = outcome.chief.one("target_reached")["mono"] - start
    assert moments[-1] == pytest.approx(ended, abs=0.01)
    return evaluations


@pytest.mark.parametrize(
    ("flags", "ps", "workers"),
    [
        (["--strategy", "async_ps"], 2, 3),
        (["--strategy", "async_ps", "--preset", "thesis"], 1, 2),
        (["--strategy", "sync_ps"], 1, 3),
        pytest.param(["--strategy", "sync_ps", "--preset", "thesis"], 1, 2, marks=FULL),
        pytest.param(["--strategy", "sync_ps", "--replicas_to_aggregate", "2"], 1, 3, marks=FULL),
        pytest.param(["--strategy", "async_ps", "--model", "cnn"], 1, 2, marks=FULL),
        (["--strategy", "tf2_ps"], 1, 2),
        (["--strategy", "mirrored"], 0, 2),
    ],
)
def test_run_ends_at_the_target(run_cluster: RunCluster, flags: list[str], ps: int, workers: int) -> None:
    target = ["--target_accuracy", "0.5", "--eval_every", "20", "--train_steps", "20000"]
    outcome = run_cluster(*SMALL, *flags, *target, ps=ps, workers=workers)
    assert outcome.succeeded(), outcome
    evaluations = check_times(outcome)
    *before, reaching, _last = evaluations
    assert all(one["accuracy"] < 0.5 <= reaching["accuracy"] for one in before)
    assert all(one["global_step"] >= 20 for one in evaluations)
    ended = outcome.chief.one("target_reached")
    assert ended["by"] == "accuracy"
    assert reaching["global_step"] <= ended["global_step"] < 10000
    summary = outcome.chief.one("summary")
    assert summary["eval_count"] == len(evaluations) - 1
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
    assert len(evaluations) >= 2


def test_evaluation_equals_the_accuracy_of_the_training_graph() -> None:
    """By numpy, from the same parameters: names, scaling and slices are those of the network."""
    from trainer import evaluation

    place = ["--job_name", "worker", "--task_index", "0", "--ps_hosts", "a:1", "--worker_hosts", "b:1"]
    log = EventLog(replica="worker", index=0, clock=Clock(), stream=io.StringIO())
    config = configuration.parse([*place, *SMALL], {})
    context = Context(config=config, log=log, clock=Clock(), usage=Usage())
    draw = np.random.default_rng(1)
    shapes = {"layer_linear/weights/hid_w": (784, 100), "layer_linear/bias/hid_b": (100,)}
    shapes |= {"softmax_layer/sm_w": (100, 10), "softmax_layer/sm_b": (10,)}
    given = {name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    images, classes = context.dataset.test
    hidden = np.maximum(images / 255.0 @ given["layer_linear/weights/hid_w"] + given["layer_linear/bias/hid_b"], 0)
    scores = hidden @ given["softmax_layer/sm_w"] + given["softmax_layer/sm_b"]
    expected = float(np.mean(scores.argmax(1) == classes))
    assert evaluation.TestSet(context).accuracy(given) == pytest.approx(expected, abs=0.002)
