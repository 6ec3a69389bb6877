# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replica's task from flags, environment and TF_CONFIG.

Only the standard library is imported, so that bad input is refused at once.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

STRATEGIES = ("async_ps", "sync_ps", "tf2_ps", "mirrored")
# These use TensorFlow 2 and have their own training loops, so presets do not apply.
TF2_STRATEGIES = ("tf2_ps", "mirrored")
PRESETS = ("thesis", "fast")
MODELS = ("mlp", "cnn")
DATASETS = ("mnist", "fashion_mnist", "synthetic")
JOBS = ("ps", "worker")

# Steps in one call of TensorFlow, with the preset `fast`: ten share the fixed cost of a call.
ROUNDS = 10

# An export puts this mark into its SavedModel, in the folder for other programs' files, and overwrites only marked folders.
EXPORT_MARK = Path("assets.extra", "tfscale")


class ConfigError(Exception):
    """Bad input; the text is one sentence that names the given value and the allowed ones."""


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The dataset to train on. Runs that differ only in their seed share a published dataset, loaded once."""

    dataset: str = "mnist"
    data_dir: str = ""
    synthetic_shape: tuple[int, int, int] = (28, 28, 1)
    synthetic_classes: int = 10
    synthetic_examples: int = 60_000
    synthetic_seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Config:
    """The complete task of one replica."""

    job_name: str
    task_index: int
    ps_hosts: tuple[str, ...]
    worker_hosts: tuple[str, ...]
    data: DataConfig
    strategy: str = "async_ps"
    preset: str = "fast"
    model: str = "mlp"
    log_dir: str = ""
    export_dir: str = ""
    checkpoint_dir: str = ""
    checkpoint_seconds: float = 60.0
    restore: bool = False
    long_running: bool = False
    ready_file: str = ""
    hidden_units: int = 100
    train_steps: int = 2000
    batch_size: int = 20
    learning_rate: float = 0.001
    telemetry_every: int = 100
    target_accuracy: float | None = None
    eval_every: int = 100
    rounds: int = ROUNDS
    threads: int = 0
    num_gpus: int = 0
    existing_servers: bool = False
    replicas_to_aggregate: int = 0
    seed: int | None = None

    @property
    def is_chief(self) -> bool:
        return self.job_name == "worker" and self.task_index == 0

    @property
    def worker_seed(self) -> int | None:
        """The seed for the order of examples: with a common one all workers would train on the same batches."""
        return None if self.seed is None else self.seed + self.task_index


@dataclass(frozen=True, kw_only=True)
class Place:
    """This replica's position in the cluster."""

    job_name: str
    task_index: int
    ps_hosts: tuple[str, ...]
    worker_hosts: tuple[str, ...]


def parse(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> Config:
    """Read and check all settings; raise ConfigError for invalid ones."""
    flags = _parser().parse_args(argv)
    strategy = _strategy(flags)
    place = _place(flags, os.environ if environ is None else environ, needs_ps=strategy != "mirrored")
    config = Config(
        **vars(place),
        data=data_config(flags),
        strategy=strategy,
        preset=_choice("--preset", flags.preset, PRESETS),
        model=_choice("--model", flags.model, MODELS),
        seed=_seed(flags),
        log_dir=flags.log_dir,
        export_dir=flags.export_dir,
        checkpoint_dir=flags.checkpoint_dir,
        checkpoint_seconds=_positive("--checkpoint_seconds", flags.checkpoint_seconds),
        restore=flags.restore or flags.long_running,
        long_running=flags.long_running,
        ready_file=flags.ready_file,
        hidden_units=_integer("--hidden_units", flags.hidden_units, minimum=1),
        train_steps=_integer("--train_steps", flags.train_steps, minimum=0),
        batch_size=_integer("--batch_size", flags.batch_size, minimum=1),
        learning_rate=_positive("--learning_rate", flags.learning_rate),
        telemetry_every=_integer("--telemetry_every", flags.telemetry_every, minimum=1),
        target_accuracy=_share("--target_accuracy", flags.target_accuracy),
        eval_every=_integer("--eval_every", flags.eval_every, minimum=1),
        rounds=_rounds(flags, strategy),
        threads=_integer("--threads", flags.threads, minimum=0),
        num_gpus=_integer("--num_gpus", flags.num_gpus, minimum=0),
        existing_servers=flags.existing_servers,
        replicas_to_aggregate=_integer("--replicas_to_aggregate", flags.replicas_to_aggregate, minimum=0),
    )
    _check_together(config)
    return config


def parse_shared(argv: Sequence[str]) -> tuple[DataConfig, str, str]:
    """Read only the dataset, preset and strategy, which all replicas share; `parse` checks the other flags."""
    flags, _rest = _parser().parse_known_args(argv)
    return data_config(flags), _choice("--preset", flags.preset, PRESETS), _strategy(flags)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see `python -m trainer --help`")


def add_data_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", default="mnist", metavar="|".join(DATASETS))
    parser.add_argument("--data_dir", default="", help="folder with the dataset; default: the user's cache folder")
    parser.add_argument("--synthetic_shape", default="28x28x1", help="height x width x channels")
    parser.add_argument("--synthetic_classes", default="10")
    parser.add_argument("--synthetic_examples", default="60000")
    parser.add_argument("--seed", default=None, help="makes weights and the order of examples repeatable")


def data_parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=prog, allow_abbrev=False)
    add_data_flags(parser)
    return parser


def _parser() -> argparse.ArgumentParser:
    # argparse leaves numbers as text: the functions below check them and word every error.
    parser = data_parser("python -m trainer")
    parser.add_argument("--job_name", default="", metavar="ps|worker", help="else JOB_NAME or TF_CONFIG")
    parser.add_argument("--task_index", default="", help="else JOB_COMPLETION_INDEX, POD_NAME or TF_CONFIG")
    parser.add_argument("--ps_hosts", default="", metavar="HOST:PORT,...", help="else PS_HOSTS or TF_CONFIG")
    parser.add_argument("--worker_hosts", default="", metavar="HOST:PORT,...", help="else WORKER_HOSTS or TF_CONFIG")
    parser.add_argument("--strategy", default="", metavar="|".join(STRATEGIES))
    parser.add_argument("--preset", default="fast", metavar="|".join(PRESETS))
    parser.add_argument("--model", default="mlp", metavar="|".join(MODELS))
    parser.add_argument("--log_dir", default="", help="folder for TensorBoard's event files; none without it")
    parser.add_argument("--export_dir", default="", help="folder for the chief's SavedModel; none without it")
    parser.add_argument("--checkpoint_dir", default="", help="folder where the chief saves parameters; none without it")
    parser.add_argument("--checkpoint_seconds", default="60", help="seconds between two checkpoints")
    parser.add_argument("--restore", action="store_true", help="start from the last checkpoint, if there is one")
    parser.add_argument(
        "--long_running", action="store_true", help="keep training while replicas are replaced; implies --restore"
    )
    parser.add_argument("--ready_file", default="", help="file to create once this worker trains; none without it")
    parser.add_argument("--hidden_units", default="100")
    parser.add_argument("--train_steps", default="2000", help="global steps; 0: until stopped from outside")
    parser.add_argument("--batch_size", default="20")
    parser.add_argument("--learning_rate", default="0.001")
    parser.add_argument("--telemetry_every", default="100", help="global steps between two progress events (fast)")
    parser.add_argument(
        "--target_accuracy", default="", help="share of the test set at which the training ends; none without it"
    )
    parser.add_argument("--eval_every", default="100", help="global steps between two evaluations, with a target")
    parser.add_argument(
        "--rounds", default="", help="steps in one call of TensorFlow (fast); default: 10, or all if fewer"
    )
    parser.add_argument("--threads", default="0", help="threads of each TensorFlow pool; 0: TensorFlow's choice")
    parser.add_argument("--num_gpus", default="0", help="GPUs of this machine; worker i takes number i modulo these")
    parser.add_argument("--existing_servers", action="store_true", help="use the server at this worker's address")
    parser.add_argument("--sync_replicas", action="store_true", help="the same as --strategy sync_ps")
    parser.add_argument("--replicas_to_aggregate", default="0", help="gradients in one step of sync_ps; 0: all workers")
    return parser


def _place(flags: argparse.Namespace, environ: Mapping[str, str], *, needs_ps: bool) -> Place:
    tf_config = _tf_config(environ.get("TF_CONFIG", ""))
    ps_hosts = _hosts("ps", flags.ps_hosts or environ.get("PS_HOSTS", ""), tf_config.ps_hosts, needed=needs_ps)
    worker_hosts = _hosts("worker", flags.worker_hosts or environ.get("WORKER_HOSTS", ""), tf_config.worker_hosts)
    job_name = _choice("--job_name", flags.job_name or environ.get("JOB_NAME") or tf_config.job_name, JOBS)
    given = flags.task_index or environ.get("JOB_COMPLETION_INDEX", "") or _ordinal(environ.get("POD_NAME", ""))
    task_index = _integer("--task_index", given or str(tf_config.task_index), minimum=0)
    hosts = ps_hosts if job_name == "ps" else worker_hosts
    if task_index >= len(hosts):
        raise ConfigError(
            f"--task_index is {task_index}, but must be less than {len(hosts)}, the number of --{job_name}_hosts"
        )
    return Place(job_name=job_name, task_index=task_index, ps_hosts=ps_hosts, worker_hosts=worker_hosts)


def _tf_config(text: str) -> Place:
    """Read TF_CONFIG as TensorFlow's own resolver does; its task `chief` is our worker 0."""
    try:
        document: Any = json.loads(text or "{}")
        cluster, task = document.get("cluster", {}), document.get("task", {})
        chiefs, workers = tuple(cluster.get("chief", ())), tuple(cluster.get("worker", ()))
        kind, index = task.get("type", ""), int(task.get("index", 0))
        return Place(
            job_name="worker" if kind == "chief" else kind,
            task_index=index + len(chiefs) if kind == "worker" else index,
            ps_hosts=tuple(cluster.get("ps", ())),
            worker_hosts=chiefs + workers,
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"TF_CONFIG is {text[:80]!r}, but must be JSON like "
            '{"cluster": {"ps": [...], "worker": [...]}, "task": {"type": "worker", "index": 0}}'
        ) from error


def _hosts(job: str, text: str, default: tuple[str, ...], *, needed: bool = True) -> tuple[str, ...]:
    hosts = tuple(part.strip() for part in text.split(",") if part.strip()) or default
    if hosts and not needed:
        raise ConfigError(f"--strategy mirrored has no ps, but --{job}_hosts names {len(hosts)}: give none")
    if needed and not hosts:
        raise ConfigError(
            f"the list of {job} addresses is empty; give --{job}_hosts, {job.upper()}_HOSTS or TF_CONFIG as HOST:PORT,..."
        )
    for host in hosts:
        match = re.fullmatch(r"\S+:(\d{1,5})", str(host))
        if not match or not 1 <= int(match[1]) <= 65535:
            raise ConfigError(f"--{job}_hosts holds {host!r}, but every address must be HOST:PORT")
    return hosts


def _ordinal(pod_name: str) -> str:
    """The number at the end of a StatefulSet's pod, as in worker-3."""
    match = re.search(r"-(\d+)$", pod_name)
    return match[1] if match else ""


def _strategy(flags: argparse.Namespace) -> str:
    default = "sync_ps" if flags.sync_replicas else "async_ps"
    strategy = _choice("--strategy", flags.strategy or default, STRATEGIES)
    if flags.sync_replicas and strategy != "sync_ps":
        raise ConfigError(f"--sync_replicas means --strategy sync_ps, but --strategy is {strategy!r}; give only one")
    return strategy


def data_config(flags: argparse.Namespace) -> DataConfig:
    match = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})x([1-9]\d{0,3})", flags.synthetic_shape)
    if not match:
        raise ConfigError(
            f"--synthetic_shape is {flags.synthetic_shape!r}, but must be HEIGHTxWIDTHxCHANNELS, as in 28x28x1"
        )
    made: dict[str, Any] = {
        "synthetic_shape": (int(match[1]), int(match[2]), int(match[3])),
        "synthetic_classes": _integer("--synthetic_classes", flags.synthetic_classes, minimum=2, maximum=256),
        "synthetic_examples": _integer("--synthetic_examples", flags.synthetic_examples, minimum=10),
        "synthetic_seed": _seed(flags) or 0,
    }
    dataset = _choice("--dataset", flags.dataset, DATASETS)
    data_dir = flags.data_dir or str(default_data_dir())
    return DataConfig(dataset=dataset, data_dir=data_dir, **(made if dataset == "synthetic" else {}))


def _seed(flags: argparse.Namespace) -> int | None:
    return None if flags.seed in (None, "") else _integer("--seed", flags.seed, minimum=0, maximum=2**31 - 1)


def default_data_dir(environ: Mapping[str, str] | None = None) -> Path:
    cache = (os.environ if environ is None else environ).get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "tfscale" / "data"


def check_export_dir(folder: Path) -> None:
    """Refuse a folder with other files: an export replaces the whole folder."""
    if folder.exists() and any(folder.iterdir()) and not (folder / EXPORT_MARK).is_file():
        raise ConfigError(
            f"--export_dir is {str(folder)!r}, which contains files that no export wrote; give a new folder"
        )


def _check_together(config: Config) -> None:
    if config.num_gpus and config.strategy == "tf2_ps":
        raise ConfigError(f"--num_gpus is {config.num_gpus}, but --strategy tf2_ps trains on processors: give 0")
    if config.existing_servers and config.job_name == "ps":
        raise ConfigError("--existing_servers connects a worker to a running server, but --job_name is 'ps'")
    if config.restore and not config.checkpoint_dir and not config.long_running:
        raise ConfigError("--restore needs the folder of the checkpoints: give --checkpoint_dir")
    if config.long_running and config.strategy != "async_ps":
        raise ConfigError(
            f"--long_running lets workers come and go, but --strategy {config.strategy} waits for all of them: give async_ps"
        )
    _check_target(config)
    _check_tf2(config)
    if config.replicas_to_aggregate and config.strategy != "sync_ps":
        raise ConfigError(
            f"--replicas_to_aggregate is {config.replicas_to_aggregate}, but --strategy {config.strategy} aggregates nothing"
        )


def _check_target(config: Config) -> None:
    if config.target_accuracy is None:
        return
    if config.long_running or not config.train_steps:
        endless = "--long_running" if config.long_running else "--train_steps 0"
        raise ConfigError(
            f"--target_accuracy is {config.target_accuracy}, but with {endless} the training has no end: give the last step"
        )
    if config.eval_every > config.train_steps:
        raise ConfigError(
            f"--eval_every is {config.eval_every}, but --train_steps is {config.train_steps}: give at most that"
        )


def _check_tf2(config: Config) -> None:
    """Refuse settings that only the presets' loops support."""
    if config.strategy not in TF2_STRATEGIES:
        return
    if config.preset != "fast":
        raise ConfigError(
            f"--preset {config.preset} is a loop for async_ps and sync_ps, but --strategy is {config.strategy!r}: give fast"
        )
    given = {
        "--checkpoint_dir": config.checkpoint_dir,
        "--existing_servers": config.existing_servers,
    }
    for flag, value in given.items():
        if value:
            raise ConfigError(
                f"{flag} is for async_ps and sync_ps, but --strategy is {config.strategy!r}: leave it out"
            )


def _choice(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}, but must be one of {', '.join(allowed)}")
    return value


def _integer(name: str, text: str, *, minimum: int, maximum: int = 2**63 - 1) -> int:
    allowed = f"from {minimum} to {maximum}" if maximum < 2**63 - 1 else f"of at least {minimum}"
    if not re.fullmatch(r"-?\d{1,18}", text) or not minimum <= int(text) <= maximum:
        raise ConfigError(f"{name} is {text!r}, but must be a whole number {allowed}")
    return int(text)


def _rounds(flags: argparse.Namespace, strategy: str) -> int:
    """Limit the steps in one call, so that none goes far beyond the last step or skips a progress report."""
    steps = int(flags.train_steps) or math.inf
    limits = [(steps, "--train_steps"), (int(flags.telemetry_every), "--telemetry_every")]
    if flags.target_accuracy:
        limits.append((int(flags.eval_every), "--eval_every"))
    most, which = min(limits)
    if not flags.rounds:
        return int(min(ROUNDS, most))
    rounds = _integer("--rounds", flags.rounds, minimum=1)
    which_one = f"--preset {flags.preset}" if flags.preset == "thesis" else f"--strategy {strategy}"
    if flags.preset == "thesis" or strategy == "sync_ps":
        raise ConfigError(f"--rounds is {rounds}, but {which_one} makes one step in a call: leave it out")
    if rounds > most:
        raise ConfigError(f"--rounds is {rounds}, but {which} is {most}: give at most that")
    return rounds


def _share(name: str, text: str) -> float | None:
    try:
        value = float(text or "0.5")
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise ConfigError(f"{name} is {text!r}, but must be a share above 0 and below 1, as in 0.95")
    return value if text else None


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise ConfigError(f"{name} is {text!r}, but must be a number above 0")
    return value
