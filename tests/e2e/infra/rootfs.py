# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root file systems without a container registry: debootstrap from the package mirror that this machine's apt uses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.infra.base import (
    InfraError,
    cache_root,
    filled,
    gently,
    install_packages,
    only_one,
    run,
    short_hash,
    step,
)

# What a container never reads. Licences (usr/share/doc/*/copyright) go too: these images leave no test machine.
NEEDLESS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/lib/udev/hwdb.d",
    "usr/lib/udev/hwdb.bin",
    "var/cache/apt",
    "var/cache/debconf",
    "var/lib/apt/lists",
    "var/log",
)


def codename() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise InfraError("This system names no release in /etc/os-release; building images needs Debian or a relative.")


def mirror() -> str:
    """Where apt gets this release's main archive from, as the machine was set up."""
    fields = "$(CODENAME) $(COMPONENT) $(REPO_URI)"
    targets = run("apt-get", "indextargets", "--format", fields, "Created-By: Packages").splitlines()
    for target in targets:
        release, component, address = target.split()
        if release == codename() and component == "main":
            return address
    raise InfraError(f"apt knows no mirror of {codename()} main; see `apt-get indextargets`.")


def rootfs(name: str, packages: Sequence[str]) -> Path:
    """Return a folder of the cache that holds a minimal Debian with these packages."""
    key = short_hash(codename(), *sorted(packages))
    target = cache_root() / "rootfs" / f"{name}-{codename()}-{key}"
    with only_one("rootfs"):
        if target.is_dir():
            return target
        install_packages(["debootstrap"], "The images need a Debian base system")
        archives = cache_root() / "debs"
        archives.mkdir(exist_ok=True)
        with step(f"debootstrap {name}"), filled(target) as folder:
            command = ("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", f"--cache-dir={archives}")
            env = {"DEBIAN_FRONTEND": "noninteractive"}
            try:
                run(*gently(*command, codename(), folder, mirror()), env=env, timeout=3600)
            except InfraError:
                _release_mounts(folder)
                raise
            _prune(folder)
        for other in target.parent.glob(f"{name}-*"):
            if other != target:
                shutil.rmtree(other)
    return target


def _release_mounts(folder: Path) -> None:
    """An interrupted debootstrap may leave /proc mounted below the folder that is about to be removed."""
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        point = line.split()[1]
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", point], check=False)


def _prune(folder: Path) -> None:
    for needless in NEEDLESS:
        path = folder / needless
        if path.is_dir():
            for entry in path.iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        elif path.exists():
            path.unlink()
    (folder / "etc" / "resolv.conf").unlink(missing_ok=True)
    (folder / "etc" / "hostname").write_text("localhost\n")


def closure(folder: Path, programs: Sequence[str]) -> list[str]:
    """The files that these programs of a root file system need: themselves, links on the way, libraries.

    Debian's /bin, /sbin and /lib are links into /usr; each file has one name here, the real one.
    """
    found: list[str] = []
    waiting = list(programs)
    while waiting:
        name = re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", waiting.pop())
        if name in found:
            continue
        path = folder / name.lstrip("/")
        if path.is_symlink():
            goal = path.readlink()
            waiting.append(os.path.normpath(Path(name).parent / goal))
        elif not path.is_file():
            raise InfraError(f"{name} is not in {folder}")
        else:
            waiting += re.findall(r"(?:=> |^\s)(/\S+)", run_in(folder, "ldd", name), re.MULTILINE)
        found.append(name)
    return found


def run_in(folder: Path, *command: str) -> str:
    """Run in a root file system; a program that says no (ldd on a script) has nothing to say."""
    words = ["chroot", str(folder), *command]
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=120).stdout
