# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/venv and tools/python, with a stand-in for the interpreter where a real one would take long."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def call(checkout: Path, *command: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": python, "TFSCALE_CACHE": str(checkout / "cache")}
    return subprocess.run(
        command, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def checkout_of(folder: Path, cache: Path) -> Path:
    (folder / "tools").mkdir(parents=True)
    (folder / "cache").symlink_to(cache)
    for name in ("venv", "python", "lock.py"):
        shutil.copy(ROOT / "tools" / name, folder / "tools" / name)
    (folder / "needs.txt").write_text("# nothing\n")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: to make an environment takes seconds."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def checkout(tmp_path: Path, cache: Path) -> Path:
    return checkout_of(tmp_path / "checkout", cache)


def test_venv_installs_once_for_all_checkouts_and_again_when_the_file_changes(checkout: Path, cache: Path) -> None:
    (checkout / "needs.txt").write_text("# something\n")
    command = ("tools/venv", ".venv-x", "needs.txt")
    first = call(checkout, *command)
    assert first.returncode == 0, first.stderr
    assert "installing needs.txt" in first.stdout
    other = checkout_of(checkout.parent / "other", cache)
    (other / "needs.txt").write_text("# something\n")
    for place in (checkout, other):
        assert call(place, *command).stdout == ""
        assert (place / ".venv-x").resolve() == (checkout / ".venv-x").resolve()
    (other / "needs.txt").write_text("# something else\n")
    assert "installing needs.txt" in call(other, *command).stdout
    assert (other / ".venv-x").resolve() != (checkout / ".venv-x").resolve()


@pytest.mark.full
def test_venv_keeps_what_was_asked_for_before(checkout: Path) -> None:
    (checkout / "more.txt").write_text("# nothing more\n")
    call(checkout, "tools/venv", ".venv-x", "needs.txt", "more.txt")
    assert call(checkout, "tools/venv", ".venv-x", "needs.txt").stdout == ""
    assert (checkout / ".venv-x" / "complete").read_text().split() == ["more.txt", "needs.txt"]


def test_venv_that_cannot_install_says_so_and_is_not_taken_for_current(checkout: Path) -> None:
    (checkout / "needs.txt").write_text("./not-there\n")
    command = ("tools/venv", ".venv-x", "needs.txt")
    done = call(checkout, *command)
    assert done.returncode == 1
    assert "pip could not install needs.txt into .venv-x" in done.stderr
    assert not (checkout / ".venv-x").exists()


@pytest.mark.full
def test_venv_whose_python_is_gone_is_made_anew(checkout: Path) -> None:
    command = ("tools/venv", ".venv-x", "needs.txt")
    call(checkout, *command)
    (checkout / ".venv-x" / "bin" / "python").unlink()
    done = call(checkout, *command)
    assert "installing needs.txt" in done.stdout, done.stderr
    assert (checkout / ".venv-x" / "bin" / "python").exists()


def test_venv_takes_the_place_of_a_folder_of_version_0_3(checkout: Path) -> None:
    (checkout / ".venv-x").mkdir()
    (checkout / ".venv-x" / ".stamp-needs.txt").write_text("0\n")
    assert call(checkout, "tools/venv", ".venv-x", "needs.txt").returncode == 0
    assert (checkout / ".venv-x").is_symlink()


def test_venv_leaves_the_folder_of_somebody_else(checkout: Path) -> None:
    theirs = checkout / ".venv-x" / "bin" / "python"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    done = call(checkout, "tools/venv", ".venv-x", "needs.txt")
    assert done.returncode == 1
    assert ".venv-x" in done.stderr
    assert theirs.read_text() == "theirs"


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


def test_python_takes_a_newer_one_only_where_that_is_asked_for(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = checkout / "python3.14"
    newer.write_text(f"""#!{sys.executable}
import sys
sys.version_info = (3, 14, 0, "final", 0)
exec(sys.argv[2])
""")
    newer.chmod(0o755)
    assert call(checkout, "tools/python", python=str(newer)).returncode == 1
    monkeypatch.setenv("PYTHON_NEWEST", "3.14")
    assert call(checkout, "tools/python", python=str(newer)).stdout.strip() == str(newer)


def publish(checkout: Path, text: str) -> None:
    """A package index with one package, whose content is this text."""
    with zipfile.ZipFile(checkout / "thing-1.0-py3-none-any.whl", "w") as wheel:
        files = {
            "thing.py": text,
            "thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n",
            "thing-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "thing-1.0.dist-info/RECORD": "",
        }
        for name, content in files.items():
            wheel.writestr(zipfile.ZipInfo(name), content)  # without the time, which would be in the hash


def test_venv_takes_only_what_the_lock_names_and_the_pins_where_none_fits(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(checkout))
    (checkout / "needs.txt").write_text("thing==1.0\n")
    publish(checkout, "good = True")
    written = call(checkout, sys.executable, "tools/lock.py", "write", "needs.txt")
    assert written.returncode == 0, written.stderr
    assert "thing==1.0 --hash=sha256:" in (checkout / written.stdout.strip()).read_text()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert call(checkout, sys.executable, "tools/lock.py", "find", python, "needs.txt").stdout != "\n"
    assert call(checkout, sys.executable, "tools/lock.py", "find", "3.99", "needs.txt").stdout == "\n"

    publish(checkout, "good = False")
    refused = call(checkout, "tools/venv", ".venv-x", "needs.txt")
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert not (checkout / ".venv-x/complete").exists()
    publish(checkout, "good = True")
    assert call(checkout, "tools/venv", ".venv-x", "needs.txt").returncode == 0

    (checkout / "needs.txt").write_text("thing==1.0 # and a lock of something older\n")
    assert call(checkout, sys.executable, "tools/lock.py", "find", python, "needs.txt").stdout == "\n"
