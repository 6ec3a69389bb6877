# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the parameter servers and workers of a run as processes of this machine and leaves none behind.

    python -m trainer.launch --ps 2 --workers 4 --run_dir DIR [-- flags of the trainer]
    python -m trainer.launch --ps 1 --workers 2 --run_dir DIR --command -- program [arguments]
    python -m trainer.launch --serve SOCKET --owner_pid PID

Exit codes of a run: 0 every worker succeeded, 2 bad input, 124 the deadline passed, otherwise the first failure's.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import fcntl
import importlib
import json
import os
import selectors
import signal
import socket
import stat
import sys
import time
import traceback
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from trainer import procfs
from trainer.network import LaunchError
from trainer.replicas import GRACE_SECONDS, Exit, Group, Request
from trainer.run_folder import RunFolder

PR_SET_CHILD_SUBREAPER = 36
OWNER_SECONDS = 0.3
IDLE_SECONDS = 60.0
# A killed process ends within milliseconds; a busy loop would take CPU time from the measured run.
SHORTEST_WAIT_SECONDS = 0.02
LONGEST_REQUEST_BYTES = 1 << 20
BAD_INPUT, OWNER_GONE, DEADLINE_PASSED = 2, 1, 124
LOCK_HEAD = "tfscale launcher "
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Launcher:
    """Runs all groups in one thread: a fork copies only the calling thread, and a lock of another would stay held."""

    def __init__(self, *, owner: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.groups: dict[str, Group] = {}
        self.selector = selectors.DefaultSelector()
        self.signals: list[int] = []
        self._owner = owner
        self._clock = clock
        self._catch_signals()

    def start(self, group: Group) -> None:
        key = str(group.run_dir)
        self.groups[key] = group
        try:
            group.start()
        except LaunchError:
            if not group.live:
                del self.groups[key]
            raise
        finally:
            # Also where a later replica could not be started and the first ones are still to be stopped.
            if key in self.groups and group.arrivals and group.arrivals.descriptor >= 0:
                self.selector.register(group.arrivals.descriptor, selectors.EVENT_READ, group.arrivals.look)

    def owner_is_gone(self) -> bool:
        return bool(self._owner) and not procfs.is_alive(self._owner)

    def step(self, *, until: float | None = None) -> None:
        """Sleep until the next event or until `until`, then act on it."""
        for key, _events in self.selector.select(self._timeout(until)):
            key.data()
        now = self._clock()
        exits = list(_exits({replica.pid for group in self.groups.values() for replica in group.live}))
        for group in list(self.groups.values()):
            group.take(exits, now)
            group.enforce(now)
            if not group.live and group.is_saved:
                del self.groups[str(group.run_dir)]
                self._forget(group)

    def _forget(self, group: Group) -> None:
        if group.arrivals:
            group.arrivals.look()
            if group.arrivals.descriptor >= 0:
                self.selector.unregister(group.arrivals.descriptor)
            group.arrivals.close()

    def stop_all(self, *, grace: float) -> None:
        """Return when no replica is left."""
        for group in self.groups.values():
            group.stop(grace=grace)
        while any(group.live for group in self.groups.values()):
            self.step()

    def _timeout(self, until: float | None) -> float | None:
        now = self._clock()
        waits = [at - now for at in (until, *(group.wake_at() for group in self.groups.values())) if at is not None]
        if self._owner:
            waits.append(OWNER_SECONDS)
        return max(SHORTEST_WAIT_SECONDS, min(waits)) if waits else None

    def _catch_signals(self) -> None:
        reading, writing = socket.socketpair()
        for end in (reading, writing):
            end.setblocking(False)
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in STOP_SIGNALS:
            signal.signal(number, lambda received, _frame: self.signals.append(received))

        def drain(_keep: socket.socket = writing) -> None:
            with contextlib.suppress(BlockingIOError):
                reading.recv(4096)

        self.selector.register(reading, selectors.EVENT_READ, drain)


def _exits(leaders: Container[int]) -> Iterator[Exit]:
    """Reap all ended processes, including orphans that the kernel gives to this subreaper.

    Kill the rest of a leader's group before reaping the leader: until then no other group can have its number.
    """
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None:
            return
        if ended.si_pid in leaders:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(ended.si_pid, signal.SIGKILL)
        pid, status, usage = os.wait4(ended.si_pid, 0)
        yield Exit(pid=pid, status=status, usage=usage)


def preload(argv: Sequence[str]) -> None:
    """Import TensorFlow once for all later replicas."""
    try:
        importlib.import_module("trainer.__main__").preload(argv)
    except ImportError as error:
        raise LaunchError(
            f"{sys.executable} (training_python) cannot import {error.name or error}; `make setup-trainer` makes"
            " an environment that can"
        ) from error


class Service:
    """Answers requests on a socket, one line of JSON each, as long as its owner lives."""

    def __init__(self, launcher: Launcher, *, owned: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._launcher = launcher
        self._owned = owned
        self._clock = clock
        self._idle_since = clock()
        self._address = ""
        self._stopping = False
        self._removing: list[tuple[socket.socket, str]] = []

    def run(self, listener: socket.socket) -> None:
        self._address = listener.getsockname()
        listener.setblocking(False)
        self._launcher.selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        while not self._is_over():
            self._launcher.step(until=None if self._owned else self._idle_since + IDLE_SECONDS)
            if self._launcher.groups:
                self._idle_since = self._clock()
            self._answer_removed()
        # Without an owner nobody needs a graceful end.
        self._launcher.stop_all(grace=0.0 if self._launcher.owner_is_gone() else GRACE_SECONDS)
        self._answer_removed()

    def handle(self, request: dict[str, Any], client: socket.socket) -> dict[str, Any] | None:
        """Return the answer, or None if it follows after the processes have ended."""
        operation = request.pop("op", None)
        match operation:
            case "ping":
                return {"ok": True, "pid": os.getpid()}
            case "preload":
                preload(request.get("argv", []))
                return {"ok": True}
            case "start":
                return self._start(request)
            case "remove":
                return self._remove(str(request.get("run_dir")), client)
            case "stop":
                self._stopping = True
                return {"ok": True}
        raise LaunchError(f"op is {operation!r}, but must be one of ping, preload, start, remove, stop")

    def _start(self, fields_given: dict[str, Any]) -> dict[str, Any]:
        request = _request_of(fields_given)
        running = self._running(request.run_dir)
        if running:
            return {"ok": True, "changed": False, "state": running.state()}
        group = Group(request, service=self._address)
        if not request.command:
            preload(request.argv)
        self._launcher.start(group)
        return {"ok": True, "changed": True, "state": group.state()}

    def _remove(self, run_dir: str, client: socket.socket) -> dict[str, Any] | None:
        group = self._running(run_dir)
        if group is None:
            return {"ok": True, "changed": False}
        group.stop(grace=GRACE_SECONDS)
        self._removing.append((client, str(group.run_dir)))
        return None

    def _running(self, run_dir: str) -> Group | None:
        group = self._launcher.groups.get(str(RunFolder(run_dir).path))
        return group if group and group.live else None

    def _is_over(self) -> bool:
        idle = not self._owned and not self._launcher.groups and self._clock() - self._idle_since >= IDLE_SECONDS
        return idle or self._stopping or bool(self._launcher.signals) or self._launcher.owner_is_gone()

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _address = listener.accept()
        except OSError:
            return
        client.setblocking(False)
        received = bytearray()
        self._launcher.selector.register(client, selectors.EVENT_READ, lambda: self._read(client, received))

    def _read(self, client: socket.socket, received: bytearray) -> None:
        try:
            part = client.recv(65536)
        except OSError:
            part = b""
        received += part
        if part and b"\n" not in part and len(received) < LONGEST_REQUEST_BYTES:
            return
        self._launcher.selector.unregister(client)
        if b"\n" not in received:
            client.close()
            return
        answer = self._answer(bytes(received.partition(b"\n")[0]), client)
        if answer is not None:
            _send(client, answer)

    def _answer(self, line: bytes, client: socket.socket) -> dict[str, Any] | None:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise LaunchError("the request is not a JSON object")
            return self.handle(request, client)
        except LaunchError as error:
            return {"ok": False, "error": str(error)}
        except ValueError as error:
            return {"ok": False, "error": f"the request cannot be read: {error}"}
        except Exception as error:  # a crash of the launcher would end all its other runs
            traceback.print_exc()
            return {"ok": False, "error": f"the launcher failed: {error!r}"}

    def _answer_removed(self) -> None:
        gone = [(client, run_dir) for client, run_dir in self._removing if self._running(run_dir) is None]
        self._removing = [waiting for waiting in self._removing if waiting not in gone]
        for client, _run_dir in gone:
            _send(client, {"ok": True, "changed": True})


def _send(client: socket.socket, answer: dict[str, Any]) -> None:
    client.settimeout(1.0)
    with client, contextlib.suppress(OSError):
        client.sendall(json.dumps(answer).encode() + b"\n")


def _request_of(given: dict[str, Any]) -> Request:
    unknown = sorted(given.keys() - {field.name for field in fields(Request)})
    if unknown:
        raise LaunchError(f"the start request has unknown fields: {', '.join(unknown)}")
    try:
        return Request(**given)
    except TypeError as error:
        raise LaunchError(f"the start request is incomplete: {error}") from error


def stand_guard() -> None:
    """Fork a guard that outlives a killed launcher and then kills the children that its programs have left."""
    launcher = procfs.identity(os.getpid())
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        return
    try:
        os.setsid()
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        os.close(writing)
        os.read(reading, 1)  # returns when the launcher dies, because it holds the other end
        procfs.kill_where(lambda environment: environment.get(procfs.LAUNCHER_MARK) == launcher)
    finally:
        os._exit(0)


def _prepare(owner_pid: int) -> str:
    """Make this process the subreaper of its runs and start its guard; return the owner's identity."""
    owner = procfs.identity(owner_pid) if owner_pid else ""
    if owner and not procfs.is_alive(owner):
        raise LaunchError(f"owner_pid is {owner_pid}, but there is no such process")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    procfs.reap_orphans()
    stand_guard()
    return owner


def serve(path: Path, *, owner_pid: int) -> int:
    owner = _prepare(owner_pid)
    with _alone(Path(f"{path}.lock")) as alone:
        if not alone:
            return 0  # another launcher was faster and serves this caller as well
        with _bound(path) as listener:
            listener.listen(16)
            Service(Launcher(owner=owner), owned=bool(owner)).run(listener)
    return 0


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Yield whether this launcher holds the lock. Its content proves that a launcher made the file; no other is changed."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+") as lock:
        if not stat.S_ISREG(os.fstat(lock.fileno()).st_mode) or lock.read(len(LOCK_HEAD)) not in ("", LOCK_HEAD):
            raise LaunchError(f"{path} is not the lock of a launcher; give another socket (--serve)")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        lock.seek(0)
        lock.truncate()
        print(f"{LOCK_HEAD}{procfs.identity(os.getpid())}", file=lock, flush=True)
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    """Bind a socket at this path, replacing one without a listener. At the end remove it and the log of this launcher."""
    with socket.socket(socket.AF_UNIX) as listener:
        if os.path.lexists(path):
            _check_is_deserted(path)
            path.unlink()
        listener.bind(str(path))
        bound, log = path.stat(), Path(f"{path}.log")
        try:
            yield listener
        finally:
            for left, ours in ((path, bound), (log, os.fstat(1))):
                with contextlib.suppress(OSError):
                    if os.path.samestat(left.lstat(), ours):
                        left.unlink()


def _check_is_deserted(path: Path) -> None:
    deserted = False
    if stat.S_ISSOCK(path.lstat().st_mode):
        with socket.socket(socket.AF_UNIX) as client:
            deserted = client.connect_ex(str(path)) == errno.ECONNREFUSED
    if not deserted:
        raise LaunchError(f"{path} (--serve) is a file, or a socket in use; give another path")


def run(request: Request, *, owner_pid: int, deadline: float) -> int:
    owner = _prepare(owner_pid)
    if not request.command:
        preload(request.argv)
    launcher = Launcher(owner=owner)
    group = Group(request)
    launcher.start(group)
    if group.network.refused:
        print(f"the replicas listen on all addresses of this machine: {group.network.refused}", file=sys.stderr)
    until = time.monotonic() + deadline if deadline else None
    while group.live and not (launcher.signals or launcher.owner_is_gone()):
        launcher.step(until=until)
        if until is not None and time.monotonic() >= until:
            break
    cut_short = bool(group.live)
    launcher.stop_all(grace=GRACE_SECONDS)
    code, reason = _verdict(group, launcher, deadline=deadline) if cut_short else (group.exit_code, _outcome(group))
    state = group.state()
    print(f"{_count(request)}: {reason} after {state['ended_wall'] - state['started_wall']:.1f} s; {request.run_dir}")
    return code


def _verdict(group: Group, launcher: Launcher, *, deadline: float) -> tuple[int, str]:
    """Return the exit code of a run that was stopped, and the reason."""
    if group.first_failure:
        return group.exit_code, _outcome(group)
    if launcher.signals:
        return 128 + launcher.signals[0], f"stopped by {signal.Signals(launcher.signals[0]).name}"
    if launcher.owner_is_gone():
        return OWNER_GONE, "stopped because its owner is gone"
    return DEADLINE_PASSED, f"stopped at the deadline of {deadline:g} s"


def _outcome(group: Group) -> str:
    failure = group.first_failure
    if failure is None:
        return "all workers succeeded"
    if failure.reason:
        return f"{failure.describe()}: {failure.reason}"
    lines = Path(failure.log).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    # The line goes to a terminal, so control characters of a replica are removed.
    shown = "".join(char if char.isprintable() else " " for char in lines[-1][:200]) if lines else ""
    return failure.describe() + (f" ({shown})" if shown else "")


def _count(request: Request) -> str:
    return f"{request.ps} ps and {request.workers} worker{'s' if request.workers > 1 else ''}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise LaunchError(f"{message}; see `python -m trainer.launch --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m trainer.launch", description=(__doc__ or "").partition("\n")[0], allow_abbrev=False
    )
    parser.add_argument("--serve", type=Path, metavar="SOCKET", help="answer requests on this socket")
    parser.add_argument("--ps", type=int, default=1, help="number of parameter servers")
    parser.add_argument("--workers", type=int, default=1, help="number of workers")
    parser.add_argument("--run_dir", default="", help="new or empty folder for logs, events and state.json")
    parser.add_argument("--threads", type=int, default=0, help="threads of each replica; 0: as many as it likes")
    parser.add_argument("--cpus", type=int, default=0, help="processors of each replica; 0: all")
    parser.add_argument("--port_range", default="", metavar="FIRST-LAST", help="ports to use; default: any")
    parser.add_argument("--network", default="", help="loopback: replicas see only each other; host; default: loopback")
    parser.add_argument("--deadline", type=float, default=0.0, help="seconds until the run is stopped; 0: never")
    parser.add_argument("--owner_pid", type=int, default=0, help="stop everything when this process is gone")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="environment of the replicas")
    parser.add_argument("--command", action="store_true", help="what follows -- is a program, not flags of the trainer")
    return parser


def _foreground_request(options: argparse.Namespace, argv: list[str]) -> Request:
    malformed = [pair for pair in options.env if not pair.partition("=")[0] or "=" not in pair]
    if malformed:
        raise LaunchError(f"--env is {malformed[0]!r}, but must be NAME=VALUE")
    return Request(
        run_dir=os.path.abspath(options.run_dir) if options.run_dir else "",
        ps=options.ps,
        workers=options.workers,
        argv=argv,
        command=options.command,
        env=dict(pair.split("=", 1) for pair in options.env),
        threads=options.threads,
        cpus=options.cpus,
        port_range=options.port_range,
        network=options.network,
    )


def main(argv: Sequence[str]) -> int:
    cut = list(argv).index("--") if "--" in argv else len(argv)
    try:
        options = _parser().parse_args(argv[:cut])
        if options.serve:
            return serve(options.serve.absolute(), owner_pid=options.owner_pid)
        request = _foreground_request(options, list(argv[cut + 1 :]))
        return run(request, owner_pid=options.owner_pid, deadline=options.deadline)
    except (LaunchError, OSError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def carry_mark() -> None:
    """Execute this program again with its own mark: /proc shows the launcher's environment for every forked replica."""
    mark = procfs.identity(os.getpid())
    if os.environ.get(procfs.LAUNCHER_MARK) != mark:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, procfs.LAUNCHER_MARK: mark})


if __name__ == "__main__":
    carry_mark()
    sys.exit(main(sys.argv[1:]))
