# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity on the checkout, for the Python that runs this file.

ansible-test insists on a real folder .../ansible_collections/tfscale/study (a symlink does not do) and finds no
collection that lies in site-packages, hence a copy of the files git knows of, with kubernetes.core beside it. Tests and
tools that are not packed stay out: half of its time is pylint's, and ruff and mypy judge them.
Its environments are kept for all checkouts: two minutes the first time, then half a minute.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(
    os.environ.get("TFSCALE_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "tfscale")
)
HOME = CACHE / "sanity"

# ansible-test downloads get-pip.py from a site that package mirrors do not carry; what it finds here it does not fetch.
GET_PIP = '''\
"""Stands in for get-pip.py: pip out of the interpreter, then what the caller asked for from the configured index."""
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"])
packages = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
'''
PIP_VERSIONS = ("24_2", "25_2")  # ansible-core 2.19 and 2.21


def is_packed(path: str) -> bool:
    """Whether users get it with the collection, as galaxy.yml says."""
    return not path.startswith(("tests/", "tools/")) or path.startswith(("tests/unit/", "tests/config.yml"))


def known_files() -> list[str]:
    """Paths of the files that git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for path in listed.split("\0") if path and (ROOT / path).is_file()]


def copy_collection(target: Path) -> None:
    for path in filter(is_packed, known_files()):
        destination = target / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, destination)


def link_dependencies(tree: Path) -> None:
    bundle = Path(sysconfig.get_path("purelib")) / "ansible_collections"
    (tree / "kubernetes").mkdir()
    (tree / "kubernetes" / "core").symlink_to(bundle / "kubernetes" / "core")


def pip_settings() -> str:
    """Return the machine's own settings of pip; ansible-test passes on neither HOME nor PIP_* variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = [line.partition("=") for line in listed.splitlines() if "=" in line]
    settings = {name.rpartition(".")[2]: value.strip("'") for name, _sign, value in pairs}
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in settings.items()), ""])


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two checkouts at once must not fill one environment together."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def prepare_home() -> None:
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in PIP_VERSIONS:
        (cache / f"get_pip_{version}.py").write_text(GET_PIP)
    settings = HOME / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(pip_settings())


def main() -> int:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    programs = Path(sys.executable).parent
    environment = {**os.environ, "HOME": str(HOME), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    with only_one(), tempfile.TemporaryDirectory(prefix="tfscale-sanity-") as temporary:
        prepare_home()
        tree = Path(temporary) / "ansible_collections"
        collection = tree / "tfscale" / "study"
        copy_collection(collection)
        link_dependencies(tree)
        command = [str(programs / "ansible-test"), "sanity", "--python", python, "--venv", "--color", "no"]
        return subprocess.run([*command, *sys.argv[1:]], cwd=collection, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
