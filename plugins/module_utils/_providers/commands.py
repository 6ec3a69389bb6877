# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls programs such as docker and kind, and says in a sentence why one did not do it. PRIVATE, can break at any time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Protocol

from .._common.errors import BackendError
from .._common.format import readable

LAST_LINES = 12
# Where each is found, for the sentence that says it is missing.
SOURCES = {
    "docker": "install a Docker engine, or podman and cluster_engine: podman",
    "podman": "install podman, or a Docker engine and cluster_engine: docker",
    "kind": "install it from https://kind.sigs.k8s.io",
}


class Call(Protocol):
    """Runs a program to its end and returns what it printed; raises ProgramError when it cannot or will not."""

    def __call__(
        self,
        words: Sequence[str],
        *,
        timeout: float,
        env: Mapping[str, str] | None = None,
        text: str | None = None,
        keep: Sequence[int] = (),
    ) -> str: ...


class ProgramError(BackendError):
    """A program is missing, took too long or failed; `code` is its exit code, `said` its last lines."""

    def __init__(self, text: str, *, code: int | None = None, said: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.said = said


def call(
    words: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    text: str | None = None,
    keep: Sequence[int] = (),
) -> str:
    """`keep` are open files that the program holds as long as it lives, even if we are killed."""
    name = words[0]
    try:
        done = subprocess.run(
            words,
            check=False,
            env={**os.environ, **(env or {})},
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            pass_fds=tuple(keep),
        )
    except FileNotFoundError as error:
        advice = SOURCES.get(name, "install it")
        raise ProgramError(f"the program {name} is not on PATH: {advice}") from error
    except OSError as error:
        raise ProgramError(f"the program {name} cannot be started: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"`{_shown(words)}` did not end within {timeout:.0f} s") from error
    if done.returncode:
        said = last_lines(f"{done.stdout}\n{done.stderr}")
        raise ProgramError(
            f"`{_shown(words)}` ended with {done.returncode}: {said or 'it said nothing'}",
            code=done.returncode,
            said=said,
        )
    return done.stdout


def last_lines(text: str, most: int = LAST_LINES) -> str:
    """Without the colours and the spinner's frames of a program that writes for a terminal."""
    lines = [readable(line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n")]
    return "\n".join([line for line in lines if line][-most:])


def _shown(words: Sequence[str]) -> str:
    return readable(" ".join(words), 120)
