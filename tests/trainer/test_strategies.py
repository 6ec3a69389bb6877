"""The strategies of TensorFlow 2: the same contract, log and start line as the others, and the same mathematics."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer import config as configuration
from trainer.context import Context
from trainer.data import Batches
from trainer.event_log import EventLog
from trainer.timing import Clock, Usage

from .conftest import RunCluster

SMALL = ["--dataset", "synthetic", "--synthetic_examples", "6000", "--seed", "3", "--threads", "1"]
ORDER = ["process_start", "imported", "session_ready", "start_line", "target_reached", "eval", "summary", "exit"]
PARAMETERS = 784 * 100 + 100 + 100 * 10 + 10


def ps_of(strategy: str, wanted: int) -> int:
    return 0 if strategy == "mirrored" else wanted


@pytest.mark.parametrize(("strategy", "ps"), [("tf2_ps", 1), ("tf2_ps", 2), ("mirrored", 0)])
def test_trains_by_the_contract(run_cluster: RunCluster, tmp_path: Path, strategy: str, ps: int) -> None:
    flags = ["--strategy", strategy, "--train_steps", "605", "--telemetry_every", "150", "--log_dir", str(tmp_path)]
    outcome = run_cluster(*SMALL, *flags, ps=ps, workers=2)
    assert outcome.succeeded(), outcome
    assert [event["event"] for event in outcome.chief.events if event["event"] != "progress"] == ORDER
    assert outcome.chief.one("target_reached")["global_step"] == 605
    assert outcome.chief.one("eval")["accuracy"] > 0.95
    losses = [event["loss"] for event in outcome.chief.named("progress")]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert {worker.one("start_line")["global_step"] for worker in outcome.workers} == {0}
    assert outcome.workers[1].named("eval") == outcome.workers[1].named("target_reached") == []
    assert list((tmp_path / "worker-0").glob("events.out.tfevents.*"))
    took = outcome.chief.one("target_reached")["mono"] - outcome.chief.one("start_line")["mono"]
    for seconds in (worker.one("summary")["seconds"] for worker in outcome.workers):
        # Which is larger depends on the load of the machine.
        assert min(seconds["compute"], seconds["ps"]) > 0
        assert 0.8 * took < sum(seconds.values()) < 1.2 * took
    local_steps = [worker.one("summary")["local_steps"] for worker in outcome.workers]
    if strategy == "mirrored":
        assert local_steps == [605, 605]
    else:
        # Whoever is free takes the next ones; none is lost, and none is made beyond the last.
        assert sum(local_steps) == 605
        assert min(local_steps) > 0


def test_nobody_starts_before_all_are_there(run_cluster: RunCluster) -> None:
    for strategy in ("tf2_ps", "mirrored"):
        outcome = run_cluster(*SMALL, "--strategy", strategy, "--train_steps", "20", ps=ps_of(strategy, 2), workers=3)
        assert outcome.succeeded(), outcome
        starts = [worker.one("start_line")["mono"] for worker in outcome.workers]
        ready = [replica.one("session_ready")["mono"] for replica in [*outcome.ps, *outcome.workers]]
        assert min(starts) > max(ready)


def test_tf2_ps_splits_the_parameters_evenly(run_cluster: RunCluster) -> None:
    outcome = run_cluster(*SMALL, "--strategy", "tf2_ps", "--train_steps", "10", ps=3)
    per_ps = outcome.chief.one("summary")["bytes_per_ps"]
    # With Adam's two moments, its powers of beta, and the counts of steps and of microseconds.
    assert sum(per_ps) == 3 * 4 * PARAMETERS + 3 * 2 * 4 + 16
    assert max(per_ps) - min(per_ps) <= 12 + 16


@pytest.mark.parametrize("strategy", ["tf2_ps", "mirrored"])
def test_nan_stops_the_run_and_names_the_step(run_cluster: RunCluster, strategy: str) -> None:
    flags = ["--strategy", strategy, "--learning_rate", "1e30", "--telemetry_every", "10", "--train_steps", "500"]
    outcome = run_cluster(*SMALL, *flags, ps=ps_of(strategy, 1))
    assert outcome.chief.code == 3
    assert outcome.chief.one("error")["reason"].startswith("loss became nan at global step ")
    assert outcome.chief.named("target_reached") == []


def exported(run_cluster: RunCluster, folder: Path, *flags: str, ps: int, workers: int = 1) -> np.ndarray:
    """The final parameters as one vector, in the order of the network."""
    import tensorflow as tf

    outcome = run_cluster(*SMALL, "--export_dir", str(folder), *flags, ps=ps, workers=workers)
    assert outcome.succeeded(), outcome
    held = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    names = ("layer_linear/weights/hid_w", "layer_linear/bias/hid_b", "softmax_layer/sm_w", "softmax_layer/sm_b")
    return np.concatenate([held.get_tensor(name).ravel() for name in names])


def test_one_worker_ends_with_the_parameters_of_fast(run_cluster: RunCluster, tmp_path: Path) -> None:
    """With one worker and one seed all strategies are the same training; nothing but float32's rounding is between them."""
    steps = ("--train_steps", "200")
    fast = exported(run_cluster, tmp_path / "fast", *steps, ps=2)
    for strategy, rounds in (("tf2_ps", "1"), ("tf2_ps", "10"), ("mirrored", "10")):
        flags = ("--strategy", strategy, "--rounds", rounds, *steps)
        found = exported(run_cluster, tmp_path / f"{strategy}-{rounds}", *flags, ps=ps_of(strategy, 2))
        assert np.abs(found - fast).max() < 1e-5, (strategy, rounds)


def context_of(*flags: str) -> Context:
    place = ["--job_name", "worker", "--task_index", "0", "--worker_hosts", "a:1,b:1", "--strategy", "mirrored"]
    log = EventLog(replica="worker", index=0, clock=Clock(), stream=io.StringIO())
    return Context(config=configuration.parse([*place, *SMALL, *flags], {}), log=log, clock=Clock(), usage=Usage())


def averaged(context: Context, workers: int) -> np.ndarray:
    """What `workers` that average their gradients end with, in NumPy (Kingma and Ba 2015, in the order of TensorFlow)."""
    import tensorflow as tf

    from trainer.strategies import tf2_common

    config, (images, classes) = context.config, context.dataset.train
    vector = tf2_common.Vector(context)
    flat = vector.start.astype(np.float64)
    m, v = np.zeros_like(flat), np.zeros_like(flat)
    orders = [
        Batches(len(classes), config.batch_size, seed=(config.seed or 0) + n).take(config.train_steps)
        for n in range(workers)
    ]
    for step in range(config.train_steps):
        gradients = []
        for order in orders:
            _loss, gradient = vector.gradient(tf.constant(flat, tf.float32), images[order[step]], classes[order[step]])
            gradients.append(gradient.numpy().astype(np.float64))
        mean = np.mean(gradients, axis=0)
        m, v = 0.9 * m + 0.1 * mean, 0.999 * v + 0.001 * mean**2
        rate = config.learning_rate * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        flat -= rate * m / (np.sqrt(v) + 1e-8)
    return flat


def test_mirrored_averages_the_gradients_of_all_workers(run_cluster: RunCluster, tmp_path: Path) -> None:
    steps = ("--train_steps", "30")
    found = exported(run_cluster, tmp_path / "model", "--strategy", "mirrored", *steps, ps=0, workers=2)
    expected = averaged(context_of(*steps), workers=2)
    assert np.abs(found - expected).max() < 1e-4
    # One worker alone would be somewhere else.
    assert np.abs(found - averaged(context_of(*steps), workers=1)).max() > 1e-3


class Gpus:
    """Stands in for TensorFlow's list of devices: there is no GPU here."""

    def __init__(self, monkeypatch: Any, count: int) -> None:
        import tensorflow as tf

        self.visible: list[str] | None = None
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda _kind: [f"gpu{n}" for n in range(count)])
        monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda _gpu, _on: None)
        monkeypatch.setattr(tf.config, "set_visible_devices", self._see)
        monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda _threads: None)
        monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", lambda _threads: None)

    def _see(self, devices: list[str], _kind: str) -> None:
        self.visible = devices


@pytest.mark.parametrize(
    ("task", "num_gpus", "there", "visible"),
    [(0, 0, 2, []), (0, 2, 2, ["gpu0"]), (1, 2, 2, ["gpu1"]), (2, 2, 4, ["gpu0"]), (1, 1, 1, ["gpu0"])],
)
def test_mirrored_worker_sees_its_gpu_alone(
    monkeypatch: pytest.MonkeyPatch, task: int, num_gpus: int, there: int, visible: list[str]
) -> None:
    from trainer.strategies import tf2_common

    gpus = Gpus(monkeypatch, there)
    flags = ("--task_index", str(task), "--worker_hosts", "a:1,b:1,c:1", "--num_gpus", str(num_gpus))
    tf2_common.configure(context_of(*flags).config)
    assert gpus.visible == visible


@pytest.mark.parametrize("strategy", ["async_ps", "mirrored"])
def test_gpus_that_are_not_there_get_a_sentence(run_cluster: RunCluster, strategy: str) -> None:
    outcome = run_cluster(*SMALL, "--strategy", strategy, "--num_gpus", "1", ps=ps_of(strategy, 1))
    assert outcome.chief.code == 2
    assert outcome.chief.one("error")["reason"].startswith("--num_gpus is 1, but TensorFlow 2")
    assert " finds 0 on this machine: give at most that number" in outcome.chief.one("error")["reason"]
    assert "session_ready" not in {event["event"] for event in outcome.chief.events}
