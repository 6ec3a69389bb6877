# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks: every package of a set of requirements by its hash, for one Python and platform.

Usage: tools/lock.py write REQUIREMENTS...         resolves them with this Python's pip and writes their lock
       tools/lock.py find PYTHON REQUIREMENTS...   prints the lock that fits (PYTHON such as 3.11); nothing where there is none, and
                                                   the pins of the files alone decide
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def header(files: Sequence[str]) -> str:
    """Tells of which contents of the files a lock is."""
    contents = b"".join((ROOT / name).read_bytes() for name in sorted(files))
    return f"# tools/lock.py write {' '.join(sorted(files))} # sha256 {hashlib.sha256(contents).hexdigest()}"


def place(files: Sequence[str], python: str) -> Path:
    name = "+".join(sorted(file.removesuffix(".txt").replace("/", "-") for file in files))
    return ROOT / "locks" / f"{name}-{python}-{sysconfig.get_platform()}.txt"


def find(files: Sequence[str], python: str) -> Path | None:
    lock = place(files, python)
    fits = lock.exists() and lock.read_text().partition("\n")[0] == header(files)
    return lock if fits else None


def line(package: dict[str, Any]) -> str:
    digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"{package['metadata']['name']}=={package['metadata']['version']} --hash=sha256:{digest}"


def write(files: Sequence[str]) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = [word for name in files for word in ("--requirement", str(ROOT / name))]
    resolved = subprocess.run(
        [*pip, "--dry-run", "--ignore-installed", "--report", "-", *wanted], check=True, stdout=subprocess.PIPE
    )
    packages = json.loads(resolved.stdout)["install"]
    lock = place(files, f"{sys.version_info.major}.{sys.version_info.minor}")
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("\n".join([header(files), *sorted(map(line, packages), key=str.lower)]) + "\n")
    return lock


def main() -> None:
    match sys.argv[1:]:
        case ["write", *files] if files:
            print(write(files).relative_to(ROOT))
        case ["find", python, *files] if files:
            print(find(files, python) or "")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
