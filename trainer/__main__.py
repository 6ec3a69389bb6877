# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One replica: it reads its task, trains or serves, and logs the outcome.

Exit codes: 0 done, 2 bad input (one sentence on stderr), 3 the loss became NaN or infinite, 1 anything else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer import config as configuration
from trainer import data, event_log, lazy_tensorflow, presets, shutdown, strategies
from trainer.config import Config, ConfigError
from trainer.context import Context
from trainer.fetch import DataError
from trainer.timing import Clock, Usage

CRASHED, BAD_INPUT, NON_FINITE = 1, 2, 3
# mallopt(3); 32 MiB is the largest M_MMAP_THRESHOLD that glibc accepts.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MOST_FROM_HEAP_BYTES, KEPT_BYTES = 32 << 20, 256 << 20


def preload(argv: Sequence[str]) -> None:
    """Import modules and read the dataset, which forked replicas then share. Make no object of TensorFlow: its threads do
    not survive a fork."""
    # Each replica reports bad input in its own log, so the parent does not.
    try:
        wanted, preset, strategy = configuration.parse_shared(argv)
    except ConfigError:
        return
    reading = threading.Thread(target=_read_data, args=(wanted, preset), name="data")
    reading.start()
    _import_tensorflow()
    strategies.load(strategy)
    presets.load(preset)
    lazy_tensorflow.import_used()
    reading.join()


def _read_data(wanted: configuration.DataConfig, preset: str) -> None:
    with contextlib.suppress(DataError):
        (data.load_floats if preset == "thesis" else data.load)(wanted)


def main(argv: Sequence[str]) -> int:
    """Run one replica; return its exit code."""
    clock, usage = Clock(), Usage()
    try:
        config = configuration.parse(argv)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    if config.long_running or config.checkpoint_dir:
        shutdown.exit_on_sigterm()
    log = event_log.EventLog(replica=config.job_name, index=config.task_index, clock=clock)
    log.event("process_start")
    code = _run(config, log, clock, usage)
    log.event("exit", code=code)
    return code


def _run(config: Config, log: event_log.EventLog, clock: Clock, usage: Usage) -> int:
    try:
        if config.job_name == "worker":
            _check_data(config)
            _check_folders(config)
        log.event("imported", tensorflow=_import_tensorflow())
        _check_gpus(config)
        context = Context(config=config, log=log, clock=clock, usage=usage)
        strategies.load(config.strategy)(context)
        context.summary()
    except (ConfigError, DataError) as error:
        return _fail(log, str(error), BAD_INPUT)
    except event_log.NonFiniteLossError as error:
        return _fail(log, str(error), NON_FINITE)
    except Exception as error:
        traceback.print_exc()
        return _fail(log, event_log.gist(error), CRASHED)
    return 0


def _check_data(config: Config) -> None:
    """Load the data first: bad data end the replica before it spends seconds on importing TensorFlow."""
    examples = data.load(config.data).train_examples
    if config.batch_size > examples:
        raise ConfigError(
            f"--batch_size is {config.batch_size}, but must be at most {examples}, the examples to train on"
        )


def _check_folders(config: Config) -> None:
    if config.ready_file:
        # An earlier container of the same pod may have left it, or this process before its restart.
        _remove_ready(Path(config.ready_file))
    folders = {"--log_dir": config.log_dir, "--export_dir": config.export_dir}
    if config.is_chief:
        folders["--checkpoint_dir"] = config.checkpoint_dir
    for flag, folder in folders.items():
        if not folder:
            continue
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{flag} is {folder!r}, but this folder cannot be created: {error.strerror}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError(f"{flag} is {folder!r}, but this user may not write there")
    if config.export_dir:
        configuration.check_export_dir(Path(config.export_dir))


def _remove_ready(path: Path) -> None:
    """Remove the file if it is empty: a worker never writes into it."""
    if not os.path.lexists(path):
        return
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_size:
        raise ConfigError(f"--ready_file is {str(path)!r}, which is there and not an empty file; give another path")
    path.unlink()


def _check_gpus(config: Config) -> None:
    """Ask TensorFlow, which alone knows whether it can use the GPUs."""
    from trainer import cluster

    cluster.check_gpus(config)


def _fail(log: event_log.EventLog, reason: str, code: int) -> int:
    log.event("error", reason=reason)
    print(reason, file=sys.stderr)
    return code


def _import_tensorflow() -> str:
    """Import TensorFlow; return its version."""
    # Level 2 hides TensorFlow's notes about processors and plugins, and still shows errors (3).
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _keep_memory()
    with lazy_tensorflow.importing(), _quiet_stderr():
        import tensorflow.compat.v1 as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    return str(tf.version.VERSION)


def _keep_memory() -> None:
    """Have the C library keep the memory of large tensors for the next ones.

    With 1000 hidden units a training is 6 to 11 % faster than with memory that the kernel provides anew, page by page
    (docs/performance.md).
    """
    with contextlib.suppress(AttributeError):  # another library than glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, MOST_FROM_HEAP_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hide the lines that native code writes before its log level applies; show them if the import fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # TensorFlow's servers cannot be stopped, and Python's regular exit would wait for their threads.
    os._exit(exit_code)
