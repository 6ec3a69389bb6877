# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of the infrastructure shares: versions, cache, commands that explain their failure, timed steps."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
OUTPUT = ROOT / "tests" / "output"

KUBERNETES = "1.34.4"  # 1.35 and later refuse cgroup v1 unless told otherwise
# What kubeadm of that version asks for by name, so that no image patch is needed.
ETCD, ETCD_TAG = "3.6.5", "3.6.5-0"
COREDNS = "1.12.1"
PAUSE_TAG = "3.10.1"
CRI_TOOLS = "1.34.0"
LOCAL_PATH = "0.0.30"
KIND = "0.33.0"
KWOK = "0.8.0"
HELM = "3.19.5"
JOBSET = "0.10.1"
KUEUE = "0.17.0"
TRAINER = "2.2.0"  # the oldest whose TrainJobs this Kueue can start: it writes their `runtimePatches`


class InfraError(Exception):
    """A sentence that says what was asked, what was seen and what to do."""


def short_hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def versions_key() -> str:
    """One folder of the cache for each set of versions."""
    return f"k8s-{KUBERNETES}-" + short_hash(ETCD_TAG, COREDNS, PAUSE_TAG, CRI_TOOLS, LOCAL_PATH, KIND, KWOK)[:8]


def cache_root() -> Path:
    base = os.environ.get("TFSCALE_CACHE")
    if base:
        return Path(base) / "e2e"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfscale" / "e2e"


def cache() -> Path:
    folder = cache_root() / versions_key()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def bin_folder() -> Path:
    return cache() / "bin"


def search_path() -> str:
    """PATH with the programs built here first."""
    built = str(bin_folder())
    return ":".join([built, *(place for place in os.environ["PATH"].split(":") if place != built)])


def say(text: str) -> None:
    print(f"e2e: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print how long a part took, also when it failed."""
    started = time.monotonic()
    outcome = "FAILED"
    try:
        yield
        outcome = "done"
    finally:
        say(f"{name}: {outcome} in {time.monotonic() - started:.1f} s")


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Two runs at once must not fill one folder together: the second says that it waits, then finds the work done."""
    folder = cache_root()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process of this machine makes or removes {name}: waiting for its end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    text: str | None = None,
    timeout: float = 600,
    quietly: bool = True,
) -> str:
    """Run a command to its end and return what it printed; a failure becomes a sentence with the last lines."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            check=False,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quietly else None,
            text=True,
            timeout=timeout,
        )
    except FileNotFoundError as error:
        raise InfraError(f"{words[0]} is not installed here; it was needed for: {' '.join(words)}") from error
    except subprocess.TimeoutExpired as error:
        raise InfraError(f"{' '.join(words)} did not end within {timeout:.0f} s") from error
    if done.returncode:
        tail = "\n".join(((done.stderr or "") + done.stdout).strip().splitlines()[-25:])
        raise InfraError(f"{' '.join(words)} ended with {done.returncode}:\n{tail}")
    return done.stdout


def succeeds(*command: str | Path, env: Mapping[str, str] | None = None, timeout: float = 60) -> bool:
    try:
        run(*command, env=env, timeout=timeout)
    except InfraError:
        return False
    return True


def gently(*command: str | Path) -> tuple[str | Path, ...]:
    """Builds give way to whatever else the machine does."""
    return ("nice", "-n", "19", *command)


@contextlib.contextmanager
def filled(target: Path) -> Iterator[Path]:
    """Give a new folder that becomes `target` only when the block ends well, so that an interruption leaves no half."""
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_name(f".{target.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    try:
        yield making
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    shutil.rmtree(target, ignore_errors=True)
    making.rename(target)


def install_packages(names: Iterable[str], reason: str) -> None:
    """Install packages of Debian where they are missing and we may."""
    missing = [name for name in names if not succeeds("dpkg", "-s", name)]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise InfraError(f"{reason}: install the packages {', '.join(missing)} (Debian's names), then run this again.")
    with step(f"install {' '.join(missing)}"):
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        run(*gently("apt-get", "update", "-qq"), env=env)
        run(*gently("apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing), env=env, timeout=1800)
