"""Real ansible-playbook runs, each in a results folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.playbook import ROOT, Playbook

NO_NETWORK = "The kernel gives replicas no separate network"
TINY = ROOT / "tests/integration/files/tiny_trainer.py"


def tiny_command(steps: int = 20, pace: float = 0.002, fault: str = "ok") -> str:
    return f"exec {sys.executable} -I -S {TINY} {steps} {pace} {fault}"


def tiny_study(results: Path) -> dict[str, Any]:
    return {
        "sweep_results_dir": str(results),
        "sweep_study": "tiny",
        "sweep_series": [{"ps": [1], "workers": [1, 2]}],
        "sweep_repeats": 2,
        "training_command": tiny_command(),
        "training_steps": 20,
        # Other programs of the machine shall not decide about a test of the flow.
        "training_max_foreign_share": 1.0,
        "training_max_steal_share": 1.0,
        "training_max_drift_share": 1.0,
        "training_max_skew_share": 1.0,
        "training_max_rise_share": 1.0,
    }


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path, tiny_study(tmp_path))


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
