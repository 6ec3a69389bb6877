"""Imports TensorFlow once and forks replicas, as the launcher does, in few lines: tests need no launcher to test the trainer.

Reads requests, a JSON line each: the name of a function below and its arguments. Answers with what it returns.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable

from trainer import __main__ as trainer


def start(argv: list[str], log: str) -> int:
    """One replica, which adds to a log."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        # As if it had been started by itself: so it starts anew.
        sys.orig_argv = [sys.executable, "-m", "trainer", *argv]
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        code = trainer.main(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(pid: int) -> int | None:
    """The exit code of a replica that was started by itself; it is asked for until there is one, and not again."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def run(argvs: list[list[str]], logs: list[str], seconds: float) -> list[int]:
    """A whole cluster, of which the ps come first, to its exit codes.

    A ps that was stopped after the workers has -9, like everything that outlived its seconds.
    """
    for log in logs:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(log)
    pids = [start(argv, log) for argv, log in zip(argvs, logs, strict=True)]
    workers = {pid for pid, argv in zip(pids, argvs, strict=True) if "worker" in argv}
    codes: dict[int, int] = {}
    deadline = time.monotonic() + seconds
    while set(pids) - set(codes):
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            codes[pid] = os.waitstatus_to_exitcode(status)
        elif workers <= set(codes) or any(codes.values()) or time.monotonic() > deadline:
            for left in set(pids) - set(codes):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(left, signal.SIGKILL)
        else:
            time.sleep(0.005)
    return [codes[pid] for pid in pids]


if __name__ == "__main__":
    trainer.preload(sys.argv[1:])
    # The answers' own stream: what a library prints must not get between them.
    answers = os.fdopen(os.dup(1), "w")
    known: dict[str, Callable[..., object]] = {"run": run, "start": start, "ended": ended}
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(known[name](**arguments)), file=answers, flush=True)
