"""Flags, environment and TF_CONFIG: what is understood, and the sentence for what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trainer import config as configuration
from trainer.config import ConfigError

PS, WORKERS = "a:1,b:2", "c:3,d:4,e:5"
PLACE = ["--job_name", "worker", "--task_index", "1", "--ps_hosts", PS, "--worker_hosts", WORKERS]


def tf_config(kind: str = "worker", index: Any = 2, **cluster: list[str]) -> str:
    hosts = cluster or {"ps": ["p:1"], "worker": ["u:1", "v:2", "w:3"]}
    return json.dumps({"cluster": hosts, "task": {"type": kind, "index": index}})


def test_parse_defaults_are_the_studys() -> None:
    config = configuration.parse(PLACE, {})
    assert (config.strategy, config.preset, config.model, config.data.dataset) == ("async_ps", "fast", "mlp", "mnist")
    assert (config.hidden_units, config.train_steps, config.batch_size, config.learning_rate) == (100, 2000, 20, 0.001)
    assert (config.telemetry_every, config.threads, config.seed, config.log_dir) == (100, 0, None, "")
    assert config.ps_hosts == ("a:1", "b:2")
    assert config.worker_hosts == ("c:3", "d:4", "e:5")


@pytest.mark.parametrize(
    ("argv", "environ", "expected"),
    [
        (PLACE, {}, ("worker", 1)),
        (PLACE[:2] + PLACE[4:], {"JOB_COMPLETION_INDEX": "2"}, ("worker", 2)),
        (PLACE[:2] + PLACE[4:], {"POD_NAME": "tf-worker-2"}, ("worker", 2)),
        (PLACE[:2] + PLACE[4:], {"JOB_COMPLETION_INDEX": "1", "POD_NAME": "tf-worker-2"}, ("worker", 1)),
        (PLACE[:2] + PLACE[4:], {"POD_NAME": "no-number"}, ("worker", 0)),
        (PLACE[2:], {"JOB_NAME": "ps"}, ("ps", 1)),
        (PLACE, {"JOB_NAME": "ps", "JOB_COMPLETION_INDEX": "0", "TF_CONFIG": tf_config()}, ("worker", 1)),
        ([], {"TF_CONFIG": tf_config()}, ("worker", 2)),
        ([], {"TF_CONFIG": tf_config("ps", 0)}, ("ps", 0)),
        ([], {"TF_CONFIG": tf_config("chief", 0, ps=["p:1"], chief=["c:1"], worker=["w:1"])}, ("worker", 0)),
        ([], {"TF_CONFIG": tf_config("worker", 0, ps=["p:1"], chief=["c:1"], worker=["w:1"])}, ("worker", 1)),
        ([], {"PS_HOSTS": PS, "WORKER_HOSTS": WORKERS, "JOB_NAME": "ps", "POD_NAME": "ps-1"}, ("ps", 1)),
    ],
)
def test_parse_place(argv: list[str], environ: dict[str, str], expected: tuple[str, int]) -> None:
    config = configuration.parse(argv, environ)
    assert (config.job_name, config.task_index) == expected


def test_parse_hosts_flag_then_variable_then_tf_config() -> None:
    environ = {"PS_HOSTS": "x:1", "TF_CONFIG": tf_config("ps", 0)}
    assert configuration.parse([], environ).ps_hosts == ("x:1",)
    assert configuration.parse([], environ).worker_hosts == ("u:1", "v:2", "w:3")
    assert configuration.parse(["--ps_hosts", "y:2"], environ).ps_hosts == ("y:2",)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--strategy", "gossip"], "--strategy is 'gossip', but must be one of async_ps, sync_ps, tf2_ps, mirrored"),
        (["--preset", "slow"], "--preset is 'slow', but must be one of thesis, fast"),
        (["--model", "gpt"], "--model is 'gpt', but must be one of mlp, cnn"),
        (["--dataset", "imagenet"], "--dataset is 'imagenet', but must be one of mnist, fashion_mnist, synthetic"),
        (["--job_name", "boss"], "--job_name is 'boss', but must be one of ps, worker"),
        (["--task_index", "3"], "--task_index is 3, but must be less than 3, the number of --worker_hosts"),
        (["--task_index", "-1"], "--task_index is '-1', but must be a whole number of at least 0"),
        (["--train_steps", "-1"], "--train_steps is '-1', but must be a whole number of at least 0"),
        (["--train_steps", "many"], "--train_steps is 'many'"),
        (["--train_steps", "1" * 30], "--train_steps is"),
        (["--batch_size", "0"], "--batch_size is '0', but must be a whole number of at least 1"),
        (["--batch_size", "2.5"], "--batch_size is '2.5'"),
        (["--hidden_units", "0"], "--hidden_units is '0'"),
        (["--learning_rate", "0"], "--learning_rate is '0', but must be a number above 0"),
        (["--learning_rate", "-1"], "--learning_rate is '-1'"),
        (["--learning_rate", "nan"], "--learning_rate is 'nan'"),
        (["--learning_rate", "inf"], "--learning_rate is 'inf'"),
        (["--telemetry_every", "0"], "--telemetry_every is '0', but must be a whole number of at least 1"),
        (["--target_accuracy", "0"], "--target_accuracy is '0', but must be a share above 0 and below 1"),
        (["--target_accuracy", "1.1"], "--target_accuracy is '1.1', but must be a share above 0 and below 1"),
        (["--target_accuracy", "95 %"], "--target_accuracy is '95 %', but must be a share above 0 and below 1"),
        (["--target_accuracy", "nan"], "--target_accuracy is 'nan'"),
        (["--eval_every", "0"], "--eval_every is '0', but must be a whole number of at least 1"),
        (
            ["--target_accuracy", "0.9", "--eval_every", "30", "--train_steps", "20"],
            "--eval_every is 30, but --train_steps is 20: give at most that",
        ),
        (["--target_accuracy", "0.9", "--train_steps", "0"], "with --train_steps 0 the training has no end"),
        (["--target_accuracy", "0.9", "--long_running"], "with --long_running the training has no end"),
        (
            ["--target_accuracy", "0.9", "--rounds", "30", "--eval_every", "20"],
            "--rounds is 30, but --eval_every is 20: give at most that",
        ),
        (["--rounds", "0"], "--rounds is '0', but must be a whole number of at least 1"),
        (["--rounds", "30", "--train_steps", "20"], "--rounds is 30, but --train_steps is 20: give at most that"),
        (["--rounds", "30", "--telemetry_every", "5"], "--rounds is 30, but --telemetry_every is 5: give at most that"),
        (
            ["--rounds", "30", "--train_steps", "0", "--telemetry_every", "20"],
            "--rounds is 30, but --telemetry_every is 20",
        ),
        (["--threads", "-2"], "--threads is '-2'"),
        (["--num_gpus", "-1"], "--num_gpus is '-1', but must be a whole number of at least 0"),
        (["--num_gpus", "1", "--strategy", "tf2_ps"], "--num_gpus is 1, but --strategy tf2_ps trains on processors"),
        (["--rounds", "5", "--strategy", "sync_ps"], "--rounds is 5, but --strategy sync_ps makes one step in a call"),
        (["--rounds", "5", "--preset", "thesis"], "--rounds is 5, but --preset thesis makes one step in a call"),
        (["--strategy", "mirrored"], "--strategy mirrored has no ps, but --ps_hosts names 2: give none"),
        (["--strategy", "tf2_ps", "--preset", "thesis"], "--preset thesis is a loop for async_ps and sync_ps"),
        (["--strategy", "tf2_ps", "--checkpoint_dir", "/x"], "--checkpoint_dir is for async_ps and sync_ps"),
        (["--strategy", "tf2_ps", "--existing_servers"], "--existing_servers is for async_ps and sync_ps"),
        (
            ["--strategy", "tf2_ps", "--long_running"],
            "--long_running lets workers come and go, but --strategy tf2_ps waits",
        ),
        (["--seed", "-1"], "--seed is '-1', but must be a whole number from 0 to 2147483647"),
        (["--synthetic_shape", "28x28"], "--synthetic_shape is '28x28', but must be HEIGHTxWIDTHxCHANNELS"),
        (["--synthetic_classes", "1"], "--synthetic_classes is '1', but must be a whole number from 2 to 256"),
        (["--synthetic_examples", "9"], "--synthetic_examples is '9'"),
        (["--sync_replicas", "--strategy", "async_ps"], "--sync_replicas means --strategy sync_ps"),
        (["--replicas_to_aggregate", "2"], "--strategy async_ps aggregates nothing"),
        (["--existing_servers", "--job_name", "ps"], "--existing_servers connects a worker to a running server"),
        (["--ps_hosts", "a"], "--ps_hosts holds 'a', but every address must be HOST:PORT"),
        (["--worker_hosts", "a:1,b:70000"], "--worker_hosts holds 'b:70000'"),
        (["--checkpoint_seconds", "0"], "--checkpoint_seconds is '0', but must be a number above 0"),
        (["--restore"], "--restore needs the folder of the checkpoints: give --checkpoint_dir"),
        (
            ["--long_running", "--sync_replicas"],
            "--long_running lets workers come and go, but --strategy sync_ps waits for all",
        ),
        (["--no_such_flag"], "unrecognized arguments: --no_such_flag"),
        (["--batch"], "unrecognized arguments: --batch"),
    ],
)
def test_parse_bad_input_is_a_sentence(flags: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.parse([*PLACE, *flags], {})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "the list of ps addresses is empty; give --ps_hosts, PS_HOSTS or TF_CONFIG"),
        ({"PS_HOSTS": "a:1"}, "the list of worker addresses is empty; give --worker_hosts, WORKER_HOSTS"),
        ({"PS_HOSTS": "a:1", "WORKER_HOSTS": "b:1"}, "--job_name is '', but must be one of ps, worker"),
        ({"TF_CONFIG": "{"}, "TF_CONFIG is '{', but must be JSON like"),
        ({"TF_CONFIG": "[1]"}, "TF_CONFIG is '[1]', but must be JSON like"),
        ({"TF_CONFIG": tf_config(index="x")}, "but must be JSON like"),
        ({"TF_CONFIG": tf_config("evaluator", 0)}, "--job_name is 'evaluator'"),
    ],
)
def test_parse_bad_environment_is_a_sentence(environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.parse([], environ)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "strategy"),
    [([], "async_ps"), (["--sync_replicas"], "sync_ps"), (["--strategy", "sync_ps", "--sync_replicas"], "sync_ps")],
)
def test_parse_sync_replicas_is_the_thesis_spelling(flags: list[str], strategy: str) -> None:
    assert configuration.parse([*PLACE, *flags], {}).strategy == strategy


@pytest.mark.parametrize(("flags", "seed", "worker_seed"), [([], None, None), (["--seed", "5"], 5, 6)])
def test_worker_seed_differs_by_worker(flags: list[str], seed: int | None, worker_seed: int | None) -> None:
    config = configuration.parse([*PLACE, *flags], {})
    assert (config.seed, config.worker_seed) == (seed, worker_seed)


@pytest.mark.parametrize(("job", "index", "chief"), [("worker", 0, True), ("worker", 1, False), ("ps", 0, False)])
def test_is_chief_worker_zero_only(job: str, index: int, chief: bool) -> None:
    config = configuration.parse([*PLACE, "--job_name", job, "--task_index", str(index)], {})
    assert config.is_chief is chief


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({"XDG_CACHE_HOME": "/x"}, "/x/tfscale/data"), ({"XDG_CACHE_HOME": ""}, ".cache/tfscale/data")],
)
def test_default_data_dir_follows_the_cache(environ: dict[str, str], expected: str) -> None:
    assert str(configuration.default_data_dir(environ)).endswith(expected)


def test_parse_shared_leaves_other_flags_alone() -> None:
    argv = [
        "--preset",
        "thesis",
        "--dataset",
        "synthetic",
        "--synthetic_shape",
        "4x5x3",
        "--learning_rate",
        "wrong",
        "--whatever",
    ]
    shared, preset, strategy = configuration.parse_shared(argv)
    assert (shared.synthetic_shape, preset, strategy) == ((4, 5, 3), "thesis", "async_ps")


@pytest.mark.parametrize(("dataset", "same"), [("mnist", True), ("fashion_mnist", True), ("synthetic", False)])
def test_parse_shared_published_data_do_not_depend_on_the_seed(dataset: str, same: bool) -> None:
    one, other = (configuration.parse_shared(["--dataset", dataset, "--seed", seed])[0] for seed in ("1", "2"))
    assert (one == other) is same


@pytest.mark.parametrize(
    ("flags", "rounds"),
    [
        ((), 10),
        (("--train_steps", "4"), 4),
        (("--telemetry_every", "1"), 1),
        (("--train_steps", "0"), 10),
        (("--rounds", "50"), 50),
        (("--rounds", "50", "--train_steps", "0"), 50),
    ],
)
def test_rounds_reach_neither_beyond_the_end_nor_a_report(flags: tuple[str, ...], rounds: int) -> None:
    given = ["--job_name", "worker", "--task_index", "0", "--ps_hosts", "h:1", "--worker_hosts", "h:2"]
    assert configuration.parse([*given, *flags], {}).rounds == rounds
