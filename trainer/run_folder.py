# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of one run: what a run makes there, whose it is, and the state that proves both."""

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
# Our trainer's; a program of a user's own keeps there what must not outlive its attempt.
FOLDERS = ("checkpoints", "events", "model")
# Its chief was killed while it exported.
_DRAFT_FOLDER = ".model.draft"
# Replicas' logs, and how TensorFlow names what a program of a user's own lets it write.
_FILES = re.compile(r"(ps|worker)-[0-9]+\.log|checkpoint|model\.ckpt.*|graph\.pbtxt|events\.out\.tfevents\..*")
# The last word of a run of many replicas; incompressible, so that it takes its room on every file system.
BALLAST_BYTES = 1 << 16
_FULL = (errno.ENOSPC, errno.EDQUOT)


class RunFolder:
    """One run's folder. Nothing in it is believed, removed or overwritten that a launcher has not made."""

    def __init__(self, path: str) -> None:
        # One name for one folder: a link on the way to it would make two runs of one.
        self.path = Path(os.path.realpath(path))

    def claim(self) -> None:
        """Empty it of an earlier run: an old checkpoint must never shorten a run."""
        with self._telling():
            self.path.mkdir(parents=True, exist_ok=True)
            found = list(os.scandir(self.path))
            if found:
                self._prove([entry.name for entry in found])
            strange = sorted(entry.name for entry in found if not _is_made_by_runs(entry))
            if strange:
                raise LaunchError(
                    f"{self.path} (run_dir) holds {strange[0]}, which no run makes: move it elsewhere, or name a new"
                    f" directory (its programs may write into {', '.join(FOLDERS)})"
                )
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                elif entry.name != STATE:  # it stays the proof until the next one takes its place
                    os.unlink(entry.path)

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace state.json in one step: a reader sees the old or the new one, never half of it."""
        with self._telling():
            draft = self.path / DRAFT
            draft.write_text(json.dumps({"version": VERSION, "run_dir": str(self.path), **state}), encoding="ascii")
            draft.replace(self.path / STATE)

    def open_log(self, name: str) -> int:
        with self._telling():
            return os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)

    def keep_room(self) -> None:
        """For the run's last word: its logs may fill the disk."""
        with self._telling():
            (self.path / BALLAST).write_bytes(os.urandom(BALLAST_BYTES))

    def free_room(self) -> None:
        with contextlib.suppress(OSError):
            (self.path / BALLAST).unlink()

    def _prove(self, names: list[str]) -> None:
        """Raise unless a launcher has said, in this very folder, that it is a run's."""
        if names == [DRAFT] and self._is_our_draft():
            return
        state = self._told() if STATE in names else {}
        if not isinstance(state.get("run_dir"), str):
            raise LaunchError(
                f"{self.path} (run_dir) holds files that no run of ours has written; name a new or empty directory"
            )
        if state["run_dir"] != str(self.path):
            raise LaunchError(
                f"{self.path} (run_dir) holds the run of {state['run_dir']}, moved or copied;"
                " name a new or empty directory"
            )
        if state.get("ended_wall") is None and _is_another_launcher(state):
            raise LaunchError(
                f"{self.path} (run_dir) holds a run that goes on; stop its launcher, process {state['launcher_pid']},"
                " or name a new or empty directory"
            )

    def _told(self) -> Mapping[str, Any]:
        """Empty where state.json is not a launcher's."""
        path = self.path / STATE
        if path.is_symlink() or not path.is_file():
            return {}
        try:
            state = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return {}
        return state if isinstance(state, dict) and state.get("version") == VERSION else {}

    def _is_our_draft(self) -> bool:
        """As far as it goes, it begins as ours does: its launcher was killed, or the disk was full, in the middle of it."""
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
    """Whether the launcher that wrote this lives, and is not this very process, which starts the run anew."""
    pid, launcher = state.get("launcher_pid"), f"{state.get('launcher_pid')}:{state.get('launcher_start')}"
    if not isinstance(pid, int) or not procfs.is_ours(pid) or not procfs.is_alive(launcher):
        return False
    return procfs.environment(pid).get(procfs.LAUNCHER_MARK) == launcher
