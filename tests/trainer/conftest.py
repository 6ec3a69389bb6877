"""Clusters of real replicas for the tests, all forked from one import of TensorFlow."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.side_by_side import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]
ROOT = Path(__file__).resolve().parents[2]
TOKEN = ":::TFSCALE "


@dataclass(frozen=True)
class Replica:
    """What one replica left behind."""

    code: int
    text: str

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.text.splitlines()
        return [json.loads(line.removeprefix(TOKEN)) for line in lines if line.startswith(TOKEN)]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]

    def one(self, event: str) -> dict[str, Any]:
        found = self.named(event)
        assert len(found) == 1, (event, self.text)
        return found[0]


@dataclass(frozen=True)
class Outcome:
    """What a cluster left behind."""

    ps: list[Replica]
    workers: list[Replica]

    @property
    def chief(self) -> Replica:
        return self.workers[0]

    def succeeded(self) -> bool:
        return all(worker.code == 0 for worker in self.workers)


RunCluster = Callable[..., Outcome]


def free_addresses(count: int) -> list[str]:
    listeners = [socket.socket() for _number in range(count)]
    try:
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


class Forker:
    """Talks to forker.py."""

    def __init__(self) -> None:
        # By path: the folder of this file stays out of the child's way of finding modules.
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forker.py"))],
            cwd=ROOT,
            env={**_environment(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, name: str, **arguments: Any) -> Any:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps([name, arguments]) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def run(self, argvs: list[list[str]], logs: list[Path], seconds: float) -> list[int]:
        codes: list[int] = self.ask("run", argvs=argvs, logs=[str(log) for log in logs], seconds=seconds)
        return codes

    def close(self) -> None:
        self._child.communicate(timeout=30)


class Forked:
    """One replica that was forked, in the manner of Popen."""

    def __init__(self, forker: Forker, argv: list[str], log: Path) -> None:
        self._forker = forker
        self._code: int | None = None
        self.pid: int = forker.ask("start", argv=argv, log=str(log))

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._forker.ask("ended", pid=self.pid)
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 60) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            assert time.monotonic() < end, self.pid
            time.sleep(0.01)
        return code


def _environment() -> dict[str, str]:
    ours = ("PS_HOSTS", "WORKER_HOSTS", "JOB_NAME", "POD_NAME", "JOB_COMPLETION_INDEX", "TF_CONFIG")
    return {name: value for name, value in os.environ.items() if name not in ours}


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    one = Forker()
    yield one
    one.close()


def runner(forker: Forker, folder: Path) -> RunCluster:
    # `seconds` ends what hangs. A loop of the thesis took more than 60 s on a machine whose processors others used.
    def run(*flags: str, ps: int = 1, workers: int = 1, seconds: float = 240) -> Outcome:
        addresses = free_addresses(ps + workers)
        hosts = ["--ps_hosts", ",".join(addresses[:ps]), "--worker_hosts", ",".join(addresses[ps:])]
        places = [("ps", i) for i in range(ps)] + [("worker", i) for i in range(workers)]
        argvs = [["--job_name", job, "--task_index", str(i), *hosts, *flags] for job, i in places]
        logs = [folder / f"{job}-{i}.log" for job, i in places]
        codes = forker.run(argvs, logs, seconds)
        replicas = [Replica(code, log.read_text()) for code, log in zip(codes, logs, strict=True)]
        return Outcome(ps=replicas[:ps], workers=replicas[ps:])

    return run


@pytest.fixture
def run_cluster(forker: Forker, tmp_path: Path) -> RunCluster:
    return runner(forker, tmp_path)
