# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of one run: its files, its owner, and the state file that proves both."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer import procfs
from trainer.network import LaunchError

VERSION = 1
STATE, DRAFT, BALLAST = "state.json", ".state.json", ".ballast"
# Folders of our trainer. A user's program may keep files there that must not outlive its attempt.
FOLDERS = ("checkpoints", "events", "model")
# A chief that is killed during its export leaves this folder.
_DRAFT_FOLDER = ".model.draft"
# Replicas' logs, and TensorFlow's names for the files of a user's program.
_FILES = re.compile(
    r"(ps|worker)-[0-9]+\.(log|times)|hostfile|checkpoint|model\.ckpt.*|graph\.pbtxt|events\.out\.tfevents\..*"
)
# Disk space for the final state of a run with many replicas; random bytes, because a file system may compress others.
BALLAST_BYTES = 1 << 16
_FULL = (errno.ENOSPC, errno.EDQUOT)


class RunFolder:
    """One run's folder. It trusts, removes and overwrites only files that a launcher has made."""

    def __init__(self, path: str) -> None:
        # A folder needs one name: through a symbolic link one run would look like two.
        self.path = Path(os.path.realpath(path))

    def claim(self) -> None:
        """Remove an earlier run's files: an old checkpoint must never shorten a run."""
        with self._telling():
            self.path.mkdir(parents=True, exist_ok=True)
            found = list(os.scandir(self.path))
            if found:
                self._prove([entry.name for entry in found])
            strange = sorted(entry.name for entry in found if not _is_made_by_runs(entry))
            if strange:
                raise LaunchError(
                    f"{self.path} (run_dir) holds {strange[0]}, which no run creates: move it elsewhere, or give a new"
                    f" directory (its programs may write into {', '.join(FOLDERS)})"
                )
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                elif entry.name != STATE:  # it stays as the proof until the next one replaces it
                    os.unlink(entry.path)

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace state.json atomically: a reader sees the old or the new one, never a part."""
        with self._telling():
            draft = self.path / DRAFT
            draft.write_text(json.dumps({"version": VERSION, "run_dir": str(self.path), **state}), encoding="ascii")
            draft.replace(self.path / STATE)

    def open_log(self, name: str) -> int:
        with self._telling():
            return os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)

    def keep_room(self) -> None:
        """Reserve disk space for the final state, because the run's logs may fill the disk."""
        with self._telling():
            (self.path / BALLAST).write_bytes(os.urandom(BALLAST_BYTES))

    def free_room(self) -> None:
        with contextlib.suppress(OSError):
            (self.path / BALLAST).unlink()

    def _prove(self, names: list[str]) -> None:
        """Raise LaunchError unless state.json proves that a launcher made a run in this very folder."""
        if names == [DRAFT] and self._is_our_draft():
            return
        state = self._told() if STATE in names else {}
        if not isinstance(state.get("run_dir"), str):
            raise LaunchError(f"{self.path} (run_dir) contains files that no run wrote; give a new or empty directory")
        if state["run_dir"] != str(self.path):
            raise LaunchError(
                f"{self.path} (run_dir) contains the run of {state['run_dir']}, which was moved or copied;"
                " give a new or empty directory"
            )
        if state.get("ended_wall") is None and _is_another_launcher(state):
            raise LaunchError(
                f"{self.path} (run_dir) contains a run that is still running; stop its launcher, process {state['launcher_pid']},"
                " or give a new or empty directory"
            )

    def _told(self) -> Mapping[str, Any]:
        """Return state.json, or nothing if no launcher wrote it."""
        path = self.path / STATE
        if path.is_symlink() or not path.is_file():
            return {}
        try:
            state = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return {}
        return state if isinstance(state, dict) and state.get("version") == VERSION else {}

    def _is_our_draft(self) -> bool:
        """Whether the draft is the beginning of a state of ours: a killed launcher or a full disk leaves such a file."""
        path = self.path / DRAFT
        if path.is_symlink() or not path.is_file():
            return False
        ours = json.dumps({"version": VERSION, "run_dir": str(self.path)}).encode().removesuffix(b"}")
        return path.read_bytes()[: len(ours)] == ours[: path.stat().st_size]

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise LaunchError(f"{self.path} (run_dir) cannot be used: {error.strerror}") from error
            raise LaunchError(
                f"the disk of {self.path} (run_dir) is full ({error.strerror}; {self._room()}); make room there, then"
                " start the run again"
            ) from error

    def _room(self) -> str:
        there = next(path for path in (self.path, *self.path.parents) if path.exists())
        about = os.statvfs(there)
        return f"{about.f_bavail * about.f_frsize} bytes and {about.f_favail} files are free"


def _is_made_by_runs(entry: os.DirEntry[str]) -> bool:
    if entry.name in (*FOLDERS, _DRAFT_FOLDER):
        return entry.is_dir(follow_symlinks=False)
    named = entry.name in (STATE, DRAFT, BALLAST) or _FILES.fullmatch(entry.name) is not None
    return named and entry.is_file(follow_symlinks=False)


def _is_another_launcher(state: Mapping[str, Any]) -> bool:
    """Whether another launcher wrote this state and is alive; this process may restart its own run."""
    pid, launcher = state.get("launcher_pid"), f"{state.get('launcher_pid')}:{state.get('launcher_start')}"
    if not isinstance(pid, int) or not procfs.is_ours(pid) or not procfs.is_alive(launcher):
        return False
    return procfs.environment(pid).get(procfs.LAUNCHER_MARK) == launcher
