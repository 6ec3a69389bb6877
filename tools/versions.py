# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit tests and two integration tests with other versions of ansible-core, kubernetes.core and Python.

Each row of ROWS gets an environment of tools/venv. A row without its interpreter, or for which pip finds no package, is "not tried",
with the reason; the closing line counts these rows apart from those that passed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.checks import counts_of

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".cache/versions"
CACHE = Path(os.environ.get("TFSCALE_CACHE") or Path.home() / ".cache/tfscale")
TESTED_BY = ("pytest", "pytest-ansible", "pytest-xdist", "hypothesis", "jsonschema")
TESTS = (
    "tests/unit",
    # Every kind of refused input, then a study with a program of milliseconds and its report.
    "tests/integration/test_sweep.py::test_sweep_bad_input_gets_a_sentence_before_anything_starts",
    "tests/integration/test_sweep.py::test_sweep_completes_and_then_does_nothing",
)


def pins(*files: str) -> dict[str, str]:
    """The requirement of each package in these files."""
    lines = [line for name in files for line in (ROOT / name).read_text().splitlines() if line and line[0] != "#"]
    return {re.split(r"[=<>~]", line)[0]: line for line in lines}


PINNED = pins("requirements.txt", "requirements-kubernetes.txt")


@dataclass(frozen=True)
class Row:
    """One combination; the bundle `ansible` is where kubernetes.core is taken from."""

    python: str
    core: str
    bundle: str

    def __str__(self) -> str:
        return f"Python {self.python}, {self.core}, {self.bundle}"


OLDEST = ("ansible-core==2.16.*", PINNED["ansible"])
OURS = (PINNED["ansible-core"], PINNED["ansible"])
NEWEST = ("ansible-core", "ansible")
# Python 3.11 with our own versions is `make test`; 2.16 supports no Python after 3.12.
ROWS = (
    Row("3.11", *OLDEST),
    Row("3.12", *OLDEST),
    Row("3.12", *OURS),
    Row("3.13", *OURS),
    Row("3.12", *NEWEST),
    Row("3.13", *NEWEST),
    Row("3.14", *NEWEST),
)


class NotTriedError(Exception):
    """This machine or its package index lacks a part of the row."""


@dataclass
class Outcome:
    python: str
    core: str = ""
    collection: str = ""
    reason: str = ""
    code: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        if self.reason:
            return "not tried"
        return "passed" if self.code == 0 and self.counts.get("passed") else "failed"

    def line(self) -> str:
        head = f"{self.core or '-':9} {self.collection or '-':16} {self.python:7} {self.state:9} {self.seconds:5.0f} s"
        told = self.reason or ", ".join(f"{number} {word}" for word, number in self.counts.items()) or "no tests ran"
        return f"{head}  {told}"


def interpreter(python: str) -> str:
    """One that works: a shim of pyenv may be there without the version behind it."""
    name = shutil.which(f"python{python}")
    if name is None or subprocess.run([name, "-c", "import venv"], capture_output=True, check=False).returncode:
        raise NotTriedError(f"no python{python} with venv on this machine")
    return name


def pip(python: str, *arguments: str) -> str:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotTriedError(f"pip: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def versions(python: str, *wanted: str) -> list[str]:
    """The version of each package that pip would install for this Python."""
    report = pip(python, "install", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-", *wanted)
    found = {one["metadata"]["name"].lower(): one["metadata"]["version"] for one in json.loads(report)["install"]}
    return [found[re.split(r"[=<>~]", name)[0]] for name in wanted]


def collections_of(python: str, bundle: str) -> Path:
    """A folder with kubernetes.core alone: the bundle itself would ask for one version of ansible-core."""
    place = CACHE / "collections" / f"ansible-{bundle}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place.parent) as folder:
            pip(python, "download", "--no-deps", "--only-binary", ":all:", "--dest", folder, f"ansible=={bundle}")
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                core = [name for name in wheel.namelist() if name.startswith("ansible_collections/kubernetes/core/")]
                wheel.extractall(f"{folder}/all", core)
            os.rename(f"{folder}/all", place)
    return place


def environment(python: str, core: str) -> Path:
    """Made by tools/venv from our own pins, but for ansible-core."""
    ours = {name: line for name, line in PINNED.items() if name not in ("ansible", "ansible-core")}
    tests = pins("requirements-test.txt")
    lines = [f"ansible-core=={core}", *ours.values(), *(tests[name] for name in TESTED_BY)]
    name = f"{core}-{Path(python).name}"
    WORK.mkdir(parents=True, exist_ok=True)
    needs = WORK / f"{name}.txt"
    needs.write_text("\n".join(lines) + "\n")
    folder = WORK / f"venv-{name}"
    command = ["tools/venv", str(folder.relative_to(ROOT)), str(needs.relative_to(ROOT))]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHON": python, "PYTHON_NEWEST": "3.14"},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr, flush=True)
        raise NotTriedError(next((line for line in done.stderr.splitlines() if "ERROR" in line), done.stderr.strip()))
    return folder


def place_collections(made: Path, collections: Path) -> None:
    """Put them where the bundle would: Python and pytest-ansible look nowhere else. Another row may have left its own there."""
    [packages] = made.glob("lib/python*/site-packages")
    link = packages / "ansible_collections"
    link.unlink(missing_ok=True)
    link.symlink_to(collections / "ansible_collections")


def run(row: Row, tests: Sequence[str]) -> Outcome:
    print(f"==== {row}", flush=True)
    outcome = Outcome(row.python)
    started = time.monotonic()
    try:
        python = interpreter(row.python)
        outcome.core, bundle = versions(python, row.core, row.bundle)
        collections = collections_of(python, bundle)
        manifest = json.loads((collections / "ansible_collections/kubernetes/core/MANIFEST.json").read_text())
        outcome.collection = f"{manifest['collection_info']['version']} ({bundle})"
        made = environment(python, outcome.core)
        place_collections(made, collections)
    except NotTriedError as error:
        outcome.reason = str(error)
        return outcome
    env = {
        **os.environ,
        "PATH": f"{made}/bin:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    command = [f"{made}/bin/python", "-m", "pytest", "-n", "2", "--dist", "loadfile", *tests]
    lines = []
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
        for line in process.stdout:
            lines.append(line)
            print(line, end="", flush=True)
    outcome.code, outcome.counts, outcome.seconds = process.returncode, counts_of(lines), time.monotonic() - started
    return outcome


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="append", help="only the rows whose text has this: 2.16, 3.13", metavar="TEXT")
    parser.add_argument("tests", nargs="*", default=TESTS, help="instead of the usual tests")
    given = parser.parse_args(argv)
    rows = [row for row in ROWS if given.row is None or any(text in str(row) for text in given.row)]
    outcomes = [run(row, given.tests) for row in rows]
    states = [outcome.state for outcome in outcomes]
    print(f"==== versions\n{'core':9} {'kubernetes.core':16} {'Python':7}")
    print("\n".join(outcome.line() for outcome in outcomes))
    print(f"rows: {', '.join(f'{states.count(state)} {state}' for state in ('passed', 'failed', 'not tried'))}")
    return 0 if "failed" not in states and "passed" in states else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
