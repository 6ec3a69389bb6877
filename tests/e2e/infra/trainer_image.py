# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base images of docker/Dockerfile where no registry is reached: Debian's own Python.

Usage: python -m tests.e2e.infra.trainer_image          prints `export` lines: BASE_IMAGE, BUILD_IMAGE, IMAGE_PYTHON
       python -m tests.e2e.infra.trainer_image NAME     builds the trainer's image under this name
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.e2e.infra import engine
from tests.e2e.infra.base import HERE, ROOT, InfraError, only_one, run, say, short_hash, step
from tests.e2e.infra.images import (
    SEARCH_PATH,
    add_programs,
    add_skeleton,
    import_image,
    is_present,
    owned_by_root,
    remove_others,
)
from tests.e2e.infra.rootfs import codename, rootfs

PACKAGES = ("python3", "python3-venv", "binutils", "ca-certificates", "libstdc++6")
TOOLS = (
    *("sh", "cat", "cp", "date", "env", "find", "grep", "head", "hostname", "id"),
    *("ls", "mkdir", "mv", "rm", "sleep", "tail", "uname", "wc"),
)
# What wheels expect of a system (manylinux): C++'s library and the names that glibc had before it became one file.
LIBRARIES = ("libstdc++", "libgcc_s", "libc", "libdl", "libm", "libpthread", "librt", "libutil", "libresolv", "libanl")
# Parts of the standard library that no image without a screen and a package manager uses.
NEEDLESS = re.compile(r"/(test|idlelib|lib2to3|ensurepip|tkinter|turtledemo|pydoc_data)(/|$)")


def _add_python(archive: tarfile.TarFile, base: Path) -> None:
    library = next((base / "usr/lib").glob("python3.*"))
    compiled = sorted(library.glob("lib-dynload/*.so"))
    wanted = [path for name in LIBRARIES for path in (base / "usr/lib").glob(f"*-linux-gnu/{name}.so.*")]
    add_skeleton(archive)
    add_programs(archive, base, (*TOOLS, "python3"), (*compiled, *wanted))

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        # `compiled` are there already, and Docker refuses an archive that names a file twice.
        return None if NEEDLESS.search(entry.name) or "/lib-dynload/" in entry.name else owned_by_root(entry)

    for name in (f"usr/lib/{library.name}", "usr/lib/locale", "etc/ssl/certs/ca-certificates.crt"):
        if (base / name).exists():
            archive.add(base / name, name, filter=kept)


def base_images() -> dict[str, str]:
    """Return what docker/build reads from its environment; make the images that are missing."""
    key = short_hash(codename(), *PACKAGES, *((HERE / name).read_bytes() for name in ("images.py", "rootfs.py")))
    key = short_hash(key, Path(__file__).read_bytes())
    names = {"BASE_IMAGE": f"tfscale.test/python:{key}", "BUILD_IMAGE": f"tfscale.test/python-build:{key}"}
    base = rootfs("python", PACKAGES)
    with only_one("python-image"):
        if not all(map(is_present, names.values())):
            with step("base images of the trainer"):
                import_image(names["BUILD_IMAGE"], lambda archive: archive.add(base, "."), f"ENV {SEARCH_PATH}")
                changes = (f"ENV {SEARCH_PATH}", "ENV LANG=C.UTF-8")
                import_image(names["BASE_IMAGE"], lambda archive: _add_python(archive, base), *changes)
            for name in names.values():
                remove_others(name)
    version = next((base / "usr/lib").glob("python3.*")).name.removeprefix("python")
    return {**names, "IMAGE_PYTHON": version}


def build(name: str) -> None:
    with step(f"build {name}"):
        environment = {**engine.environment(), **base_images()}
        run(ROOT / "docker" / "build", name, env=environment, timeout=3600)


def main(argv: list[str]) -> int:
    try:
        engine.start()
        if argv:
            build(argv[0])
            return 0
        for name, value in base_images().items():
            print(f"export {name}={value}")
    except (InfraError, subprocess.SubprocessError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
