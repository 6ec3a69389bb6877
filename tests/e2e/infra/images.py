# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of one layer, written as an archive into `docker import`."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.e2e.infra import engine
from tests.e2e.infra.base import ROOT, InfraError, run, succeeds
from tests.e2e.infra.rootfs import closure

SEARCH_PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin"
PASSWD = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"


def docker(*words: str | Path, timeout: float = 600) -> str:
    return run("docker", *words, env=engine.environment(), timeout=timeout)


def is_present(name: str) -> bool:
    return succeeds("docker", "image", "inspect", name, env=engine.environment())


def remove_others(name: str) -> None:
    """Remove what earlier sources made of the same image: it only takes up disk."""
    listed = docker("images", "--format", "{{.Repository}}:{{.Tag}}", name.rpartition(":")[0]).split()
    for other in set(listed) - {name}:
        succeeds("docker", "rmi", other, env=engine.environment())


def import_image(name: str, fill: Callable[[tarfile.TarFile], None], *changes: str) -> None:
    options = [word for change in changes for word in ("--change", change)]
    command = ["docker", "import", *options, "-", name]
    environment = {**os.environ, **engine.environment()}
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment) as process,
    ):
        with contextlib.suppress(BrokenPipeError), tarfile.open(fileobj=process.stdin, mode="w|") as archive:
            fill(archive)
        with contextlib.suppress(BrokenPipeError):
            process.communicate()
        said.seek(0)
        if process.returncode:
            raise InfraError(f"docker import of {name} ended with {process.returncode}: {said.read().strip()}")


def copy_jax(folder: Path) -> str:
    """Copy what .venv-examples (`make setup-examples`) has of JAX; the answer is the version of Python that it is for."""
    (packages,) = (ROOT / ".venv-examples/lib").glob("python3.*/site-packages")
    for name in ("jax", "jaxlib", "ml_dtypes", "numpy", "numpy.libs", "opt_einsum", "scipy", "scipy.libs"):
        shutil.copytree(packages / name, folder / name)
    return packages.parent.name.removeprefix("python")


def owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def add_folder(archive: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)


def add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o644, len(text.encode())
    archive.addfile(entry, io.BytesIO(text.encode()))


def add_skeleton(archive: tarfile.TarFile) -> None:
    """The folders and names that programs expect everywhere."""
    for name, mode in (("tmp", 0o1777), ("run", 0o755), ("etc", 0o755), ("usr/local/bin", 0o755)):
        add_folder(archive, name, mode)
    add_text(archive, "etc/passwd", PASSWD)
    add_text(archive, "etc/nsswitch.conf", "hosts: files dns\n")


def add_programs(archive: tarfile.TarFile, base: Path, programs: Iterable[str], libraries: Iterable[Path] = ()) -> None:
    """Programs of a Debian base by name, with all that they load; `libraries` are files of the base loaded by hand."""
    for name in ("bin", "sbin", "lib", "lib64"):
        add_link(archive, name, f"usr/{name}")
    folders = [base / place for place in ("usr/bin", "usr/sbin")]
    files = [folder / name for name in programs for folder in folders if (folder / name).exists()]
    for name in closure(base, [f"/{path.relative_to(base)}" for path in (*files, *libraries)]):
        archive.add(base / name.lstrip("/"), name.lstrip("/"), recursive=False)
