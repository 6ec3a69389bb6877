# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replicas of one run as processes of this machine: start, observation, accounting and end.

This module never uses TensorFlow. The caller has imported it, and a fork shares that import with every replica: 8 workers
start in 2.2 s instead of 13.2 s (docs/performance.md).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from trainer import calibration, network, procfs
from trainer.arrivals import Arrivals
from trainer.network import LaunchError, Network
from trainer.run_folder import RunFolder

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 0.5
# After the last worker a ps has nothing left to save, and the run's verdict waits for its end.
GRACE_AFTER_SUCCESS_SECONDS = 0.15
# Seconds between two attempts to write the end of a run to a full disk.
SAVE_SECONDS = 1.0
CANNOT_EXECUTE = 127

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to start a run."""

    run_dir: str
    ps: int
    workers: int
    argv: list[str] = field(default_factory=list)
    command: bool = False
    env: dict[str, str] = field(default_factory=dict)
    # Of workers, with {chief_host}, {chief_port} and {index} for what the launcher alone knows.
    environment: dict[str, str] = field(default_factory=dict)
    # Whether worker 0 is the chief of TF_CONFIG, and the run ends with it.
    chief: bool = False
    # Whether to keep the times at which worker 0's log grew.
    arrivals: bool = False
    threads: int = 0
    cpus: int = 0
    port_range: str = ""
    network: str = ""
    cwd: str = ""

    def __post_init__(self) -> None:
        for name, lowest in (("ps", 0), ("workers", 1), ("threads", 0), ("cpus", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
                raise LaunchError(f"{name} is {value!r}, but must be a whole number of at least {lowest}")
        if not self.run_dir or not os.path.isabs(self.run_dir):
            raise LaunchError(f"run_dir is {self.run_dir!r}, but must be an absolute path")
        if self.command and not self.argv:
            raise LaunchError("--command is given, but no program follows")
        if self.network not in network.CHOICES:
            raise LaunchError(
                f"network is {self.network!r}, but must be one of {', '.join(network.CHOICES[1:])}, or empty"
            )

    @property
    def is_alone(self) -> bool:
        """Whether the run gets a separate network: our trainer needs no other host, but a program may download its data."""
        return self.network == "loopback" or not (self.network or self.command)


@dataclass(kw_only=True)
class Replica:
    """One process of the run; its fields have the names of state.json."""

    replica: str
    index: int
    host: str
    log: str
    pid: int = 0
    pid_start: int = 0
    state: str = "pending"
    exit_code: int | None = None
    signal: int | None = None
    cpu_seconds: float = 0.0
    rss_peak_bytes: int = 0
    started_wall: float = 0.0
    ended_wall: float | None = None
    # The outcome where the exit code does not show it, and the reason.
    fate: str = ""
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it failed. A ps never ends by itself during a run, so any end of it is a failure."""
        return self.ended_wall is not None and (self.replica == "ps" or self.exit_code != 0)

    def end(self, *, status: int, usage: resource.struct_rusage, wall: float) -> None:
        code = os.waitstatus_to_exitcode(status)
        self.exit_code, self.signal = (code, None) if code >= 0 else (None, -code)
        self.cpu_seconds = round(usage.ru_utime + usage.ru_stime, 6)
        self.rss_peak_bytes = usage.ru_maxrss * 1024
        self.ended_wall = wall

    def describe(self) -> str:
        if self.fate:
            return f"{self.replica} {self.index} {self.fate}"
        if self.signal is not None:
            return f"{self.replica} {self.index} was killed by signal {self.signal}"
        return f"{self.replica} {self.index} exited with code {self.exit_code}"


@dataclass(frozen=True, kw_only=True)
class Exit:
    """The result of wait4 for one child."""

    pid: int
    status: int
    usage: resource.struct_rusage


class Group:
    """The replicas of one run, from the request to the last exit."""

    def __init__(self, request: Request, *, service: str = "", wall: Callable[[], float] = time.time) -> None:
        self.request = request
        self.service = service
        self.folder = RunFolder(request.run_dir)
        self.replicas: list[Replica] = []
        self.first_failure: Replica | None = None
        self.ended_wall: float | None = None
        self.network = Network()
        self.is_saved = True
        self._wall = wall
        self._started_wall = wall()
        self.arrivals: Arrivals | None = None
        self._is_stopping = False
        self._kill_at = 0.0
        self._save_at = 0.0
        self._calibration: dict[str, Any] = {}
        self._host_start: dict[str, float] = {}
        self._host_end: dict[str, float] | None = None

    @property
    def run_dir(self) -> Path:
        return self.folder.path

    @property
    def live(self) -> list[Replica]:
        return [replica for replica in self.replicas if replica.pid and replica.ended_wall is None]

    @property
    def deciding(self) -> list[Replica]:
        """The workers that must succeed: all of them, or the chief, whose servers never end by themselves."""
        workers = [replica for replica in self.replicas if replica.replica == "worker"]
        return workers[:1] if self.request.chief else workers

    @property
    def exit_code(self) -> int:
        """The run's exit code in the manner of a shell: 128 + signal after a replica that a signal ended."""
        failure = self.first_failure
        if failure is None:
            return 0 if all(replica.state == "succeeded" for replica in self.deciding) else 1
        # A ps that exits early has failed, even with code 0.
        return 128 + failure.signal if failure.signal is not None else failure.exit_code or 1

    def start(self) -> None:
        self.folder.claim()
        count = self.request.ps + self.request.workers
        self.network = network.of(count, self.request.port_range, alone=self.request.is_alone)
        self._describe_replicas([f"127.0.0.1:{port}" for port in self.network.ports])
        # Before the run's clock starts, and before its replicas take processor time from it.
        self._calibration = calibration.calibrate()
        self._started_wall = self._wall()
        # After the import and before the first fork: otherwise the launcher's own CPU time would count as foreign load.
        self._host_start = procfs.host_cpu(self._wall())
        gc.freeze()
        try:
            # Before the first log: if the launcher dies now, state.json still marks the folder as a run's.
            self.folder.save(self.state())
            self.folder.keep_room()
            for position, replica in enumerate(self.replicas):
                self._fork(replica, position)
        except LaunchError:
            self.stop(grace=0.0)
            raise
        except OSError as error:
            self.stop(grace=0.0)
            raise LaunchError(f"cannot start {len(self.replicas)} processes: {error.strerror}") from error
        finally:
            gc.unfreeze()
            self.network.close()
        self.save()

    def take(self, exits: Iterable[Exit], now: float) -> None:
        """Record the given exits and decide whether the run continues."""
        by_pid = {one.pid: one for one in exits}
        ended = [replica for replica in self.live if replica.pid in by_pid]
        for replica in ended:
            one = by_pid[replica.pid]
            replica.end(status=one.status, usage=one.usage, wall=self._wall())
            if replica is not self.first_failure:
                replica.state = "stopped" if self._is_stopping else "succeeded"
        if ended and not self._is_stopping:
            self._conclude(ended, now)
        if ended:
            self._finish_when_empty()
            self.save()

    def stop(self, *, grace: float, now: float | None = None) -> None:
        """Ask every live replica to end; after the grace period `enforce` kills the rest."""
        self._is_stopping = True
        self._kill_at = (time.monotonic() if now is None else now) + grace
        self._signal(signal.SIGTERM if grace else signal.SIGKILL)

    def enforce(self, now: float) -> None:
        if self._is_stopping and self.live and now >= self._kill_at:
            self._signal(signal.SIGKILL)
        if not self.is_saved and not self.live and now >= self._save_at:
            self._save_at = now + SAVE_SECONDS
            self.save()

    def wake_at(self) -> float | None:
        """Return the time of the next call of `enforce`, or None."""
        if not self.live:
            return None if self.is_saved else self._save_at
        return self._kill_at if self._is_stopping else None

    def state(self) -> dict[str, Any]:
        failure = self.first_failure
        return {
            "launcher_pid": os.getpid(),
            "launcher_start": procfs.start_time(os.getpid()),
            "service": self.service,
            "started_wall": self._started_wall,
            "ended_wall": self.ended_wall,
            "first_failure": failure and {"replica": failure.replica, "index": failure.index},
            "replicas": [vars(replica) for replica in self.replicas],
            "host": {"start": self._host_start, "end": self._host_end},
            "network": {"kind": self.network.kind, "refused": self.network.refused},
            "calibration": self._calibration,
            "chief": self.request.chief,
        }

    def save(self) -> None:
        """Write state.json; give the run up if that fails, because nobody could observe it."""
        try:
            self.folder.save(self.state())
            self.is_saved = True
        except LaunchError as error:
            self.is_saved = False
            self._give_up(str(error))
        if not self.live:
            # The next attempt can use the reserved disk space.
            self.folder.free_room()

    def _give_up(self, reason: str) -> None:
        if self.first_failure is None:
            self.first_failure = self.replicas[self.request.ps]  # the chief, whose log is read
            self.first_failure.state, self.first_failure.fate = "failed", "was given up"
        self.first_failure.reason = reason
        self.stop(grace=0.0)

    def _describe_replicas(self, hosts: list[str]) -> None:
        names = [("ps", i) for i in range(self.request.ps)] + [("worker", i) for i in range(self.request.workers)]
        self.replicas = [
            Replica(replica=name, index=index, host=host, log=str(self.run_dir / f"{name}-{index}.log"))
            for (name, index), host in zip(names, hosts, strict=True)
        ]

    def _conclude(self, ended: list[Replica], now: float) -> None:
        if all(replica.ended_wall is not None and replica.exit_code == 0 for replica in self.deciding):
            self.stop(grace=GRACE_AFTER_SUCCESS_SECONDS, now=now)
            for replica in ended:
                replica.state = "succeeded" if replica.replica == "worker" else "stopped"
            return
        failures = [replica for replica in ended if replica.failed]
        for replica in failures:
            replica.state = "failed"
        if failures:
            # If several ended together, the killed one is the cause: the others have lost their peer.
            self.first_failure = min(failures, key=lambda r: r.signal is None)
            self.stop(grace=GRACE_SECONDS, now=now)

    def _finish_when_empty(self) -> None:
        if self.live:
            return
        procfs.kill_where(lambda environment: environment.get(procfs.RUN_MARK) == str(self.run_dir))
        self._host_end = procfs.host_cpu(self._wall())
        self.ended_wall = self._wall()

    def _signal(self, number: int) -> None:
        for replica in self.live:
            try:
                os.killpg(replica.pid, number)
            except ProcessLookupError:  # forked, but not yet the leader of a group of its own
                os.kill(replica.pid, number)

    def _fork(self, replica: Replica, position: int) -> None:
        environment = self._environment(replica)
        sys.stdout.flush()
        sys.stderr.flush()
        launcher = os.getpid()
        log = self.folder.open_log(Path(replica.log).name)
        try:
            if self.request.arrivals and (replica.replica, replica.index) == ("worker", 0):
                path = Path(replica.log)
                self.arrivals = Arrivals(path, self.folder.open_log(path.with_suffix(".times").name))
            pid = os.fork()
            if pid == 0:
                _become_replica(
                    self.request, replica, environment, self.network, log=log, launcher=launcher, position=position
                )
        finally:
            os.close(log)
        replica.pid, replica.pid_start, replica.state = pid, procfs.start_time(pid) or 0, "running"
        replica.started_wall = self._wall()

    def _hosts(self, name: str) -> list[str]:
        return [replica.host for replica in self.replicas if replica.replica == name]

    def _environment(self, replica: Replica) -> dict[str, str]:
        hosts = {name: self._hosts(name) for name in ("ps", "worker")}
        threads = str(self.request.threads)
        limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        return {
            **(dict.fromkeys(limits, threads) if self.request.threads else {}),
            **(self._place(replica.index, hosts["worker"][0]) if replica.replica == "worker" else {}),
            **self.request.env,
            "TF_CONFIG": json.dumps(self._tf_config(replica, hosts)),
            "PS_HOSTS": ",".join(hosts["ps"]),
            "WORKER_HOSTS": ",".join(hosts["worker"]),
            "JOB_NAME": replica.replica,
            "TASK_INDEX": str(replica.index),
            "JOB_COMPLETION_INDEX": str(replica.index),
            procfs.RUN_MARK: str(self.run_dir),
            procfs.LAUNCHER_MARK: procfs.identity(os.getpid()),
        }

    def _place(self, index: int, chief: str) -> dict[str, str]:
        host, _colon, port = chief.rpartition(":")
        known = {"chief_host": host, "chief_port": port, "index": str(index)}
        return {name: value.format_map(known) for name, value in self.request.environment.items()}

    def _tf_config(self, replica: Replica, hosts: dict[str, list[str]]) -> dict[str, Any]:
        cluster, task, index = dict(hosts), replica.replica, replica.index
        if self.request.chief:
            cluster |= {"chief": hosts["worker"][:1], "worker": hosts["worker"][1:]}
            if task == "worker":
                task, index = ("worker", index - 1) if index else ("chief", 0)
        return {
            "cluster": {name: addresses for name, addresses in cluster.items() if addresses},
            "task": {"type": task, "index": index},
        }


def processors(position: int, cpus: int) -> set[int] | None:
    """Return the CPUs of the replica at this position, assigned round robin, or None for all CPUs."""
    allowed = sorted(os.sched_getaffinity(0))
    if not cpus or cpus >= len(allowed):
        return None
    return {allowed[(position * cpus + offset) % len(allowed)] for offset in range(cpus)}


def _become_replica(
    request: Request,
    replica: Replica,
    environment: dict[str, str],
    meeting: Network,
    *,
    log: int,
    launcher: int,
    position: int,
) -> NoReturn:
    """Run the child process; never return into the launcher's code."""
    code = 1
    try:
        meeting.enter()
        _leave_launcher(log, launcher=launcher)
        os.environ.update(environment)
        if request.cwd:
            os.chdir(request.cwd)
        cpus = processors(position, request.cpus)
        if cpus:
            os.sched_setaffinity(0, cpus)
        code = _execute(request.argv) if request.command else _train(request, replica, environment)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _leave_launcher(log: int, *, launcher: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:
        os._exit(1)  # the launcher died before prctl took effect
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, target)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    # The launcher's streams may buffer; a replica's lines must reach its log at once.
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", write_through=True)


def _execute(argv: list[str]) -> int:
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        print(f"{argv[0]} cannot be started: {error.strerror}", file=sys.stderr)
    return CANNOT_EXECUTE


def _train(request: Request, replica: Replica, environment: dict[str, str]) -> int:
    argv = ["--job_name", replica.replica, "--task_index", str(replica.index)]
    argv += ["--ps_hosts", environment["PS_HOSTS"], "--worker_hosts", environment["WORKER_HOSTS"]]
    argv += ["--log_dir", str(Path(environment[procfs.RUN_MARK]) / "events")]
    argv += ["--threads", str(request.threads)] if request.threads else []
    program = importlib.import_module("trainer.__main__")
    return int(program.main([*argv, *request.argv]))
