# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds or starts the launcher that serves one controller, and asks it. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import stat
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._common.errors import BackendError
from ..._common.format import readable

PING_SECONDS = 5.0
# An import of TensorFlow from a cold disk on a busy machine.
START_SECONDS = 180.0
UP_SECONDS = 60.0
LOOK_SECONDS = 0.01
# What the kernel takes as the address of a Unix socket.
LONGEST_ADDRESS = 107


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """The launcher of one owner, one Python and one trainer."""

    python: str
    source_dir: str
    owner_pid: int | None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def socket(self) -> Path:
        identity = json.dumps([self.owner_pid, self.python, self.source_dir])
        return _folder() / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.sock"

    def start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start a run; its state as state.json will have it."""
        self.bring_up()
        if not request["command"]:
            # Before the run's clock starts: the import of TensorFlow is the launcher's, once, and no run's start-up.
            ask(self.socket, {"op": "preload", "argv": request["argv"]}, timeout=START_SECONDS)
        state: dict[str, Any] = ask(self.socket, {"op": "start", **request}, timeout=START_SECONDS)["state"]
        return state

    def bring_up(self) -> None:
        if _pings(self.socket):
            return
        process = self._spawn()
        end = self.clock() + UP_SECONDS
        while not _pings(self.socket):
            if process.poll():
                raise BackendError(f"the launcher ended at once: {self._last_words()}")
            if self.clock() >= end:
                raise BackendError(f"the launcher did not answer within {UP_SECONDS:g} s; see {self._log}")
            self.sleep(LOOK_SECONDS)

    @property
    def _log(self) -> Path:
        return Path(f"{self.socket}.log")

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [self.python, "-m", "trainer.launch", "--serve", str(self.socket)]
        command += ["--owner_pid", str(self.owner_pid)] if self.owner_pid else []
        if not Path(self.source_dir, "trainer").is_dir():
            raise BackendError(f"training_source_dir is {self.source_dir!r}: give the folder that holds trainer/")
        try:
            with open(self._log, "wb") as log:
                return subprocess.Popen(
                    command,
                    cwd=self.source_dir,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            if error.filename == str(self._log):
                raise BackendError(
                    f"TMPDIR is {tempfile.gettempdir()!r}, where nothing can be written ({error.strerror}): free some space"
                    " there, or give another folder"
                ) from error
            raise BackendError(
                f"training_python is {self.python!r}, which cannot be run ({error.strerror}): give a Python with"
                " TensorFlow; `make setup-trainer` builds one in .venv-trainer"
            ) from error

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return readable(lines[-1]) if lines else f"it left no word in {self._log}"


def ask(path: Path, request: Mapping[str, Any], *, timeout: float, pid: int | None = None) -> dict[str, Any]:
    """The answer of whoever listens there; of this process alone where one is named."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
            if pid not in (None, _listener(connection)):
                raise BackendError(
                    f"{path} is not answered by the launcher (process {pid}): another program listens there"
                )
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline())
    except TimeoutError as error:
        raise BackendError(f"the launcher did not answer {request['op']} within {timeout:g} s") from error
    except (OSError, ValueError) as error:
        raise BackendError(f"the launcher went away during {request['op']}: {error}") from error
    if not isinstance(answer, dict) or not answer.get("ok"):
        told = answer.get("error") if isinstance(answer, dict) else answer
        raise BackendError(readable(str(told)))
    return answer


def _listener(connection: socket.socket) -> int:
    """The process that opened the socket, as the kernel has it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def _pings(path: Path) -> bool:
    with contextlib.suppress(BackendError):
        return bool(ask(path, {"op": "ping"}, timeout=PING_SECONDS)["ok"])
    return False


def _folder() -> Path:
    """A folder that is nobody else's: whoever can write a socket's folder can answer in its name."""
    folder = Path(tempfile.gettempdir(), f"tfscale-{os.geteuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
        raise BackendError(f"{folder} is not a folder of yours alone: remove it, or set TMPDIR to another folder")
    if len(str(folder)) + len("/0123456789abcdef.sock") > LONGEST_ADDRESS:
        raise BackendError(f"TMPDIR is {tempfile.gettempdir()!r}, which is too long for a socket: give a shorter one")
    return folder
