# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/venv and tools/python, with a stand-in for the interpreter where a real one would take long."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def call(checkout: Path, *command: str, python: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": python}
    return subprocess.run(
        command, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    for name in ("venv", "python"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools" / name)
    (tmp_path / "needs.txt").write_text("# nothing\n")
    return tmp_path


def test_venv_installs_once_and_again_when_the_file_changes(checkout: Path) -> None:
    command = ("tools/venv", ".venv-x", "needs.txt")
    first = call(checkout, *command, python=sys.executable)
    second = call(checkout, *command, python=sys.executable)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "installing needs.txt" in first.stdout
    assert second.stdout == ""
    (checkout / "needs.txt").write_text("# still nothing\n")
    assert "installing needs.txt" in call(checkout, *command, python=sys.executable).stdout


def test_venv_that_cannot_install_says_so_and_is_not_taken_for_current(checkout: Path) -> None:
    (checkout / "needs.txt").write_text("./not-there\n")
    command = ("tools/venv", ".venv-x", "needs.txt")
    for attempt in ("first", "second"):
        done = call(checkout, *command, python=sys.executable)
        assert done.returncode == 1, attempt
        assert "pip could not install needs.txt into .venv-x" in done.stderr


def test_venv_of_another_python_is_made_anew(checkout: Path) -> None:
    command = ("tools/venv", ".venv-x", "needs.txt")
    call(checkout, *command, python=sys.executable)
    left_over = checkout / ".venv-x" / "left-over"
    left_over.touch()
    interpreter = checkout / ".venv-x" / "bin" / "python"
    interpreter.unlink()
    interpreter.write_text("#!/bin/sh\necho 3.9.1\n")
    interpreter.chmod(0o755)
    done = call(checkout, *command, python=sys.executable)
    assert "made anew" in done.stdout
    assert not left_over.exists()


@pytest.mark.parametrize("script", ["echo 'no such version' >&2; exit 127", "exit 1"])
def test_python_names_what_is_needed_when_none_works(checkout: Path, script: str) -> None:
    shim = checkout / "python3.12"
    shim.write_text(f"#!/bin/sh\n{script}\n")
    shim.chmod(0o755)
    done = call(checkout, "tools/python", python=str(shim))
    assert done.returncode == 1
    assert str(shim) in done.stderr
    assert "3.11, 3.12 or 3.13" in done.stderr
    assert len(done.stderr.splitlines()) == 1
