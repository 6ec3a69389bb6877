# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a record comes from: versions, machine, seed. Whatever cannot be found out is None. PRIVATE, can break at any time."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

# The collection's folder: plugins/module_utils/_study/records/provenance.py is five steps below it.
ROOT = Path(__file__).absolute().parents[4]
PACKAGES = ("ansible-core",)
COMMIT = re.compile(r"[0-9a-f]{40,64}\Z")


def collect(root: Path = ROOT) -> dict[str, Any]:
    """Facts about the code and the machine. No environment variable and no command line: they may hold secrets."""
    return {
        "collection_version": collection_version(root),
        "git_commit": git_commit(root),
        "packages": package_versions(PACKAGES),
        "python": platform.python_version(),
        "cpu_model": _line_of("/proc/cpuinfo", r"model name\s*:\s*(.+)"),
        "cpus": os.cpu_count(),
        "memory_bytes": _memory(),
        "kernel": platform.release(),
        "hostname": socket.gethostname(),
    }


def collection_version(root: Path) -> str | None:
    """From the manifest of an installed collection, or galaxy.yml of a checkout."""
    try:
        manifest = json.loads((root / "MANIFEST.json").read_text(encoding="utf-8"))
        return str(manifest["collection_info"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return _line_of(root / "galaxy.yml", r"version:[ \t]*[\"']?([^\s\"'#]+)")


def git_commit(root: Path) -> str | None:
    """Read from the files, for git may be missing and refuses a checkout of another user."""
    try:
        folder = _git_folder(root)
        head = (folder / "HEAD").read_text(encoding="utf-8").strip()
        commit = _resolve(folder, head.removeprefix("ref: ")) if head.startswith("ref: ") else head
    except (OSError, ValueError):
        return None
    return commit if commit and COMMIT.match(commit) else None


def _git_folder(root: Path) -> Path:
    """A worktree has a file in the folder's place."""
    path = root / ".git"
    if path.is_dir():
        return path
    return root / path.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")


def _resolve(folder: Path, name: str) -> str | None:
    common = folder / "commondir"
    shared = folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder
    for place in (folder, shared):
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8").strip()
    return _line_of(shared / "packed-refs", rf"([0-9a-f]+) {re.escape(name)}$")


def package_versions(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _line_of(path: str | Path, pattern: str) -> str | None:
    """The first group of the first line that begins with the pattern."""
    try:
        found = re.search(f"^{pattern}", Path(path).read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None


def _memory() -> int | None:
    kibibytes = _line_of("/proc/meminfo", r"MemTotal:\s+(\d+) kB")
    return int(kibibytes) * 1024 if kibibytes else None
