# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection into a temporary folder, look at what is inside, and let Galaxy's importer judge it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMPORTER = ROOT / ".venv-importer" / "bin"
# What a user of the tarball alone needs: the roles read the trainer out of the collection.
NEEDED = ("trainer/launch.py", "trainer/requirements.txt", "meta/runtime.yml", "playbooks/sweep.yml")
UNWANTED = re.compile(r"(^|/)\.|__pycache__|^(collections|results|tools)/|\.tar\.gz$")
COMPLAINT = re.compile(r"^(WARNING|ERROR|CRITICAL):? |The import failed")


def build(folder: Path) -> Path:
    program = Path(sys.executable).parent / "ansible-galaxy"
    subprocess.run([str(program), "collection", "build", str(ROOT), "--output-path", str(folder)], check=True)
    return next(folder.glob("*.tar.gz"))


def faults_of(tarball: Path) -> list[str]:
    """Name what the tarball lacks and what does not belong into it."""
    with tarfile.open(tarball) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]
    missing = [f"{name} is not in the tarball" for name in NEEDED if name not in names]
    return missing + [f"{name} does not belong into the tarball" for name in names if UNWANTED.search(name)]


def complaints_of_importer(tarball: Path, folder: Path) -> list[str]:
    """Run Galaxy's importer; what it warns of counts, although it exits with 0 then."""
    # The documentation of our modules needs a fragment of kubernetes.core; Ansible looks for collections on Python's path, too.
    dependency = folder / "dependencies" / "ansible_collections" / "kubernetes" / "core"
    dependency.parent.mkdir(parents=True)
    dependency.symlink_to(Path(sysconfig.get_path("purelib"), "ansible_collections", "kubernetes", "core"))
    environment = {
        **os.environ,
        "PATH": f"{IMPORTER}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "dependencies"),
    }
    done = subprocess.run(
        [str(IMPORTER / "python"), "-m", "galaxy_importer.main", str(tarball)],
        cwd=folder, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    print(done.stdout)
    complaints = [line for line in done.stdout.splitlines() if COMPLAINT.search(line)]
    return complaints or ([f"galaxy-importer exited with {done.returncode}"] if done.returncode else [])


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="tfscale-collection-") as temporary:
        tarball = build(Path(temporary))
        faults = faults_of(tarball) + complaints_of_importer(tarball, Path(temporary))
    for fault in faults:
        print(f"collection: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
