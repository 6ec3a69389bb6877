"""Imports TensorFlow once and forks replicas, as the launcher does, in forty lines: tests need no launcher to test the trainer.

Reads one JSON line per cluster: {"argvs": [[...], ...], "logs": [...], "seconds": n}; the ps come first. Answers with the
exit codes, one per replica: a ps that was stopped after the workers had -9, like everything that outlived its seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time

from trainer import __main__ as trainer


def fork(argv: list[str], log: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        code = trainer.main(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def run(argvs: list[list[str]], logs: list[str], seconds: float) -> list[int]:
    pids = [fork(argv, log) for argv, log in zip(argvs, logs, strict=True)]
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
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), file=answers, flush=True)
