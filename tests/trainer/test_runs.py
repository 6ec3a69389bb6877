"""Real clusters: parameter servers and workers as processes, on TensorFlow's own runtime."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import ROOT, Forker, RunCluster, free_addresses, runner

SMALL = ["--dataset", "synthetic", "--synthetic_examples", "6000", "--seed", "3"]
ORDER = ["process_start", "imported", "session_ready", "start_line", "target_reached", "eval", "summary", "exit"]


def loss_of(replica: Any) -> list[float]:
    return [event["loss"] for event in replica.named("progress")]


@pytest.mark.parametrize(
    ("model", "strategy"),
    [
        ("mlp", "async_ps"),
        ("mlp", "sync_ps"),
        ("cnn", "async_ps"),
        pytest.param("cnn", "sync_ps", marks=pytest.mark.full),
    ],
)
def test_fast_trains(run_cluster: RunCluster, strategy: str, model: str) -> None:
    flags = ["--strategy", strategy, "--model", model, "--train_steps", "200", "--telemetry_every", "20"]
    outcome = run_cluster(*SMALL, *flags, workers=2)
    assert outcome.succeeded(), outcome
    assert [event["event"] for event in outcome.chief.events if event["event"] != "progress"] == ORDER
    assert outcome.chief.one("eval")["accuracy"] > 0.95
    assert loss_of(outcome.chief)[-1] < loss_of(outcome.chief)[0]
    assert outcome.workers[1].named("eval") == outcome.workers[1].named("target_reached") == []
    assert outcome.ps[0].events[1]["tensorflow"].startswith("2.")
    assert [event["event"] for event in outcome.ps[0].events] == ["process_start", "imported", "session_ready"]


def test_workers_start_together_at_step_zero(run_cluster: RunCluster) -> None:
    outcome = run_cluster(*SMALL, "--train_steps", "100", ps=2, workers=3)
    assert outcome.succeeded(), outcome
    starts = [worker.one("start_line") for worker in outcome.workers]
    ready = [replica.one("session_ready")["mono"] for replica in [*outcome.ps, *outcome.workers]]
    assert {start["global_step"] for start in starts} == {0}
    assert min(start["mono"] for start in starts) > max(ready)


def test_global_step_is_one_for_each_asynchronous_gradient(run_cluster: RunCluster) -> None:
    outcome = run_cluster(*SMALL, "--train_steps", "150", "--telemetry_every", "1", workers=3)
    assert outcome.succeeded(), outcome
    taken = sum(worker.one("summary")["local_steps"] for worker in outcome.workers)
    # Each of the others may have had one gradient on its way when the last step was seen.
    assert 150 <= taken <= 150 + 2
    assert outcome.chief.one("summary")["examples"] == outcome.chief.one("summary")["local_steps"] * 20


@pytest.mark.parametrize("aggregate", [1, 2, 3])
def test_sync_ps_ends_whatever_is_aggregated(run_cluster: RunCluster, aggregate: int) -> None:
    flags = ["--sync_replicas", "--replicas_to_aggregate", str(aggregate), "--train_steps", "30"]
    outcome = run_cluster(*SMALL, *flags, workers=2)
    assert outcome.succeeded(), outcome
    assert outcome.chief.one("target_reached")["global_step"] >= 30


def test_progress_keeps_the_cadence(run_cluster: RunCluster) -> None:
    outcome = run_cluster(*SMALL, "--train_steps", "300", "--telemetry_every", "50")
    steps = [event["global_step"] for event in outcome.chief.named("progress")]
    assert steps == [50, 100, 150, 200, 250, 300]


def test_seed_makes_one_worker_repeatable(run_cluster: RunCluster) -> None:
    flags = [*SMALL, "--strategy", "sync_ps", "--train_steps", "60", "--telemetry_every", "10", "--threads", "1"]
    first, second = (run_cluster(*flags).chief for _repeat in range(2))
    assert loss_of(first) == loss_of(second)
    other = run_cluster(*flags, "--seed", "4").chief
    assert loss_of(other) != loss_of(first)


@pytest.mark.parametrize("preset", ["fast", "thesis"])
def test_nan_stops_the_run_and_names_the_step(run_cluster: RunCluster, preset: str) -> None:
    flags = ["--preset", preset, "--learning_rate", "1e30", "--telemetry_every", "10"]
    outcome = run_cluster(*SMALL, *flags)
    assert outcome.chief.code == 3
    assert re.fullmatch(r"loss became (nan|inf) at global step \d+", outcome.chief.one("error")["reason"])
    assert outcome.chief.one("exit")["code"] == 3
    assert outcome.chief.named("target_reached") == []


def test_bytes_per_ps_are_told(run_cluster: RunCluster) -> None:
    outcome = run_cluster(*SMALL, "--train_steps", "5", ps=2)
    per_ps = outcome.chief.one("summary")["bytes_per_ps"]
    parameters = (784 * 100 + 100 + 100 * 10 + 10) * 4
    # Adam keeps two moments of each parameter, and two powers of beta on each ps; the global step takes 8 bytes.
    assert sum(per_ps) == 3 * parameters + 2 * 2 * 4 + 8
    assert max(per_ps) - min(per_ps) <= 8


def final_parameters(run_cluster: RunCluster, folder: Path, *flags: str, ps: int = 2) -> Any:
    """As one vector, in the order of the network."""
    import numpy as np
    import tensorflow as tf

    outcome = run_cluster("--seed", "1", "--threads", "1", "--checkpoint_dir", str(folder), *flags, ps=ps)
    assert outcome.succeeded(), outcome.chief.text
    held = tf.train.load_checkpoint(str(folder))
    if held.has_tensor("parameters"):
        return held.get_tensor("parameters")
    names = ("layer_linear/weights/hid_w", "layer_linear/bias/hid_b", "softmax_layer/sm_w", "softmax_layer/sm_b")
    return np.concatenate([held.get_tensor(name).ravel() for name in names])


def test_fast_ends_with_the_parameters_of_the_thesis(run_cluster: RunCluster, tmp_path: Path) -> None:
    """One worker and one seed, in step: after 200 steps nothing but float32's rounding is between them.

    Asynchronously the thesis' loop reads the step before its own gradient goes in, and makes one step more.
    """
    import numpy as np

    flags = ("--strategy", "sync_ps", "--train_steps", "200")
    thesis = final_parameters(run_cluster, tmp_path / "thesis", "--preset", "thesis", *flags)
    fast = final_parameters(run_cluster, tmp_path / "fast", *flags)
    assert np.abs(thesis - fast).max() < 1e-5


@pytest.fixture(scope="module")
def thesis(forker: Forker, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """The parameters of the thesis' loop, and after how many steps."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("thesis")
    flags = ("--preset", "thesis", "--train_steps", "200")
    ended_with = final_parameters(runner(forker, folder), folder / "kept", *flags)
    return ended_with, str(tf.train.load_checkpoint(str(folder / "kept")).get_tensor("global_step"))


@pytest.mark.parametrize(("ps", "rounds"), [pytest.param(1, "10", marks=pytest.mark.full), (2, "1"), (3, "10")])
def test_fast_asynchronously_ends_with_the_parameters_of_the_thesis(
    thesis: tuple[Any, str], run_cluster: RunCluster, tmp_path: Path, ps: int, rounds: str
) -> None:
    """For async_ps `fast` builds Adam by itself. In step the second batch of examples is dropped, so not against that."""
    ended_with, made = thesis
    flags = ("--train_steps", made, "--rounds", rounds)
    fast = final_parameters(run_cluster, tmp_path / "fast", *flags, ps=ps)
    assert np.abs(ended_with - fast).max() < 1e-5


def test_fast_of_many_rounds_in_a_call_is_the_same_training(run_cluster: RunCluster, tmp_path: Path) -> None:
    import numpy as np

    one, ten = (
        final_parameters(
            run_cluster, tmp_path / rounds, "--train_steps", "200", "--rounds", rounds, ps=3 - int(rounds) // 5
        )
        for rounds in ("1", "10")
    )
    assert np.median(np.abs(one - ten)) < 1e-6


@pytest.mark.parametrize("rounds", ["1", "10"])
def test_fast_goes_no_further_beyond_the_last_step_than_it_says(run_cluster: RunCluster, rounds: str) -> None:
    outcome = run_cluster(*SMALL, "--train_steps", "200", "--rounds", rounds, workers=3)
    assert outcome.succeeded(), outcome
    steps = sum(worker.one("summary")["local_steps"] for worker in outcome.workers)
    assert 200 <= steps <= 200 + int(rounds) * 3


def test_mnist_reaches_the_thesis_accuracy(run_cluster: RunCluster) -> None:
    outcome = run_cluster("--seed", "1", "--threads", "1", ps=2, workers=2)
    assert outcome.succeeded(), outcome
    assert outcome.chief.one("eval")["accuracy"] >= 0.93


def test_thesis_writes_the_lines_of_the_listing(run_cluster: RunCluster, tmp_path: Path) -> None:
    logs = tmp_path / "events"
    outcome = run_cluster(*SMALL, "--preset", "thesis", "--train_steps", "40", "--log_dir", str(logs), ps=2, workers=2)
    assert outcome.succeeded(), outcome
    lines = [line for line in outcome.chief.text.splitlines() if not line.startswith(":::TFSCALE")]
    assert lines[:2] == ["Worker_0:_Initializing_session...", "Worker_0:_Session_initialization_complete."]
    assert outcome.workers[1].text.count("Worker_1:_Waiting_for_session_to_be_initialized...\n") == 1
    assert re.fullmatch(r"Training elapsed time: \d+\.\d+ s", lines[-1])
    numbers = []
    for number, line in enumerate(lines[2:-1], 1):
        if number % 10 == 1:
            assert re.fullmatch(rf"Accuracy at local_step {number}: [01]\.\d+", line)
        else:
            shape = rf"\d+\.\d{{6}}: Worker 0: training_step_{number}_done_\(global_step: (\d+)\)"
            numbers.append(int(re.fullmatch(shape, line)[1]))  # type: ignore[index]
    assert numbers == sorted(numbers)
    assert numbers[-1] >= 40
    assert [event["global_step"] for event in outcome.chief.named("progress")] == numbers
    for worker in ("worker-0", "worker-1"):
        assert all(list((logs / worker / part).glob("events.out.tfevents.*")) for part in ("train", "test"))


def test_thesis_trains_in_step_too(run_cluster: RunCluster) -> None:
    outcome = run_cluster(*SMALL, "--preset", "thesis", "--strategy", "sync_ps", "--train_steps", "30", workers=2)
    assert outcome.succeeded(), outcome
    assert outcome.chief.one("eval")["accuracy"] > 0.5


def scalars_of(file: Path) -> dict[str, list[int]]:
    """The steps of each."""
    import tensorflow as tf

    seen: dict[str, list[int]] = {}
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            seen.setdefault(value.tag, []).append(event.step)
    return seen


def test_export_loads_back_and_scalars_are_written(run_cluster: RunCluster, tmp_path: Path) -> None:
    import tensorflow as tf

    from trainer import data
    from trainer.config import DataConfig, check_export_dir

    folders = ["--log_dir", str(tmp_path / "events"), "--export_dir", str(tmp_path / "deep" / "model")]
    outcome = run_cluster(*SMALL, *folders, "--train_steps", "200", "--telemetry_every", "50", ps=2)
    assert outcome.succeeded(), outcome
    examples = data.synthetic(DataConfig(dataset="synthetic", synthetic_examples=6000, synthetic_seed=3))
    images, _labels = examples.floats(examples.test)
    (event_file,) = (tmp_path / "events" / "worker-0").iterdir()
    scalars = scalars_of(event_file)
    assert scalars["loss"] == scalars["steps_per_second"] == [50, 100, 150, 200]
    model = tf.saved_model.load(str(tmp_path / "deep" / "model"))
    probabilities = model.signatures["serving_default"](images=tf.constant(images[:200]))["probabilities"].numpy()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == examples.test[1][:200]).mean() > 0.95
    # By its mark the next export knows it; nothing else is left.
    check_export_dir(tmp_path / "deep" / "model")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]


SERVER = """
import sys
import tensorflow.compat.v1 as tf
cluster = tf.train.ClusterSpec({"ps": [sys.argv[1]], "worker": [sys.argv[2]]})
servers = [tf.train.Server(cluster, job_name=job, task_index=0) for job in ("ps", "worker")]
print("up", flush=True)
sys.stdin.read()
"""


def test_existing_servers_are_used(forker: Any, tmp_path: Path) -> None:
    addresses = free_addresses(2)
    command = [sys.executable, "-c", SERVER, *addresses]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout
        assert server.stdout.readline() == "up\n"
        hosts = ["--ps_hosts", addresses[0], "--worker_hosts", addresses[1]]
        argv = ["--job_name", "worker", *hosts, *SMALL, "--train_steps", "20", "--existing_servers"]
        codes = forker.run([argv], [tmp_path / "log"], 30)
        server.kill()
    assert codes == [0], (tmp_path / "log").read_text()
    assert '"event":"target_reached"' in (tmp_path / "log").read_text()
