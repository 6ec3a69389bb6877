"""Real ansible-playbook runs, each in a results folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/integration/files/tiny_trainer.py"


@dataclass(frozen=True)
class Playbook:
    """One call of ansible-playbook with the variables of a tiny study."""

    results: Path
    variables: dict[str, Any]

    def command(self, name: str, *options: str, **variables: Any) -> list[str]:
        extra = json.dumps({**self.variables, **variables})
        binary = str(Path(sys.executable).with_name("ansible-playbook"))
        return [binary, f"playbooks/{name}.yml", "-e", extra, *options]

    def run(self, name: str, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(name, *options, **variables),
            cwd=ROOT,
            env=environment(),
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )

    def start(self, name: str, **variables: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(name, **variables),
            cwd=ROOT,
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def records(self, study: str = "tiny") -> list[dict[str, Any]]:
        ledger = self.results / study / "ledger.jsonl"
        return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}


def tiny_command(steps: int = 20, pace: float = 0.002, fault: str = "ok") -> str:
    return f"exec {sys.executable} -I -S {TINY} {steps} {pace} {fault}"


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    variables = {
        "sweep_results_dir": str(tmp_path),
        "sweep_study": "tiny",
        "sweep_series": [{"ps": [1], "workers": [1, 2]}],
        "sweep_repeats": 2,
        "training_command": tiny_command(),
        "training_steps": 20,
        # Other programs of the machine shall not decide about a test of the flow.
        "training_max_foreign_share": 1.0,
        "training_max_steal_share": 1.0,
    }
    return Playbook(tmp_path, variables)


@pytest.fixture
def living() -> Callable[[Path], list[str]]:
    """Command lines of living processes that belong to runs under a folder."""

    def find(folder: Path) -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                belongs = f"TFSCALE_RUN_DIR={folder}".encode() in (process / "environ").read_bytes()
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if belongs and line:
                found.append(line)
        return found

    return find
