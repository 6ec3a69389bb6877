# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptive studies through real ansible-playbook and processes, with a program whose times are planted.

The same times are given to the planner on paper: the study must do run for run what follows from them.
"""

from __future__ import annotations

import re
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.laws import PROGRAM, law_trainer
from tests.fixtures.planted import Planted
from tests.fixtures.playbook import Playbook

WORKERS = (1, 2, 4)
MOST = 20


@dataclass(frozen=True)
class Case:
    """What is planted, and what must come of it: the fastest numbers of workers, and those that are slower."""

    law: str
    spreads: str
    fastest: set[int]
    slower: set[int]


CASES = {
    "all equal": Case("flat", "0.01", {1, 2, 4}, set()),
    "Amdahl": Case("amdahl", "0.03", {4}, {1, 2}),
    "USL, unequal spread": Case("usl", "0.02,0.02,0.10", {2}, {1, 4}),
}


def planted_seconds(case: Case, workers: int, block: int) -> float:
    return float(law_trainer().seconds(case.law, workers, block, 1, tuple(map(float, case.spreads.split(",")))))


def on_paper(folder: Path, case: Case) -> tuple[list[tuple[int, int]], list[str]]:
    """Workers and block of each run that follows from what is planted, and the stops that are told."""
    study = Planted(folder, of_run=lambda run: planted_seconds(case, run["spec"]["workers"], run["block"]))
    said: list[str] = []
    runs: list[tuple[int, int]] = []
    while planned := study.plan(quiet=True, said=said, workers=list(WORKERS), max_repeats=MOST)["runs"]:
        for run in planned:
            study.record(run)
            runs.append((run["spec"]["workers"], run["block"]))
    return runs, [line.replace("ps=1 ", "") for line in said if " stopped after block " in line]


@pytest.fixture
def study(playbook: Playbook) -> Playbook:
    own = {name: value for name, value in playbook.variables.items() if name not in ("sweep_repeats", "sweep_series")}
    given = {"sweep_ps": [0], "sweep_workers": list(WORKERS), "sweep_max_repeats": MOST, "training_steps": 10}
    return replace(playbook, variables={**own, **given})


def recorded(playbook: Playbook) -> list[tuple[int, int]]:
    return [(record["spec"]["workers"], record["block"]) for record in playbook.records()]


def command(case: Case) -> str:
    return f"exec {sys.executable} -I -S {PROGRAM} {case.law} 1 {case.spreads}"


def stopped(output: str) -> list[str]:
    return [
        found.replace("ps=0 ", "") for found in re.findall(r"^\[local\] (.* stopped after block .*)$", output, re.M)
    ]


def wait_for(playbook: Playbook, runs: int) -> None:
    deadline = time.monotonic() + 120
    while len(playbook.records()) < runs and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(playbook.records()) >= runs


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name == "Amdahl" else pytest.param(name, marks=pytest.mark.full) for name in CASES]
)
def test_sweep_decides_what_follows_from_the_planted_times(study: Playbook, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    expected, stops = on_paper(tmp_path / "paper", case)
    given: dict[str, Any] = {"training_command": command(case)}
    output = ""
    if name == "Amdahl":
        # The second controller decides as the first would have done.
        first = study.start("sweep", **given)
        wait_for(study, len(expected) - 2)
        first.send_signal(signal.SIGKILL)
        output = first.communicate(timeout=60)[0]
    began = time.monotonic()
    result = study.run("sweep", **given)
    seconds = time.monotonic() - began
    assert result.returncode == 0, result.stdout + result.stderr
    assert recorded(study) == expected
    told = stopped(output + result.stdout)
    assert list(dict.fromkeys(told)) == stops
    assert {
        int(line.split("workers=")[1].split()[0]) for line in told if "slower" in line or "as long" in line
    } == case.slower
    assert any(f"workers={workers} " in line and "the fastest" in line for line in told for workers in case.fastest)
    if name == "all equal":
        # One further block of all cells, and no more.
        more = study.run("sweep", sweep_again=True, **given)
        assert "all cells once more" in more.stdout, more.stdout + more.stderr
        last = expected[-1][1] + 1
        assert sorted(recorded(study)[len(expected) :]) == [(workers, last) for workers in WORKERS]
    print(f"{name}: {len(expected)} runs of {MOST * len(WORKERS)}, {seconds:.1f} s for the last call that ran any")


def test_sweep_with_a_budget_that_does_not_hold_the_first_block_starts_nothing(study: Playbook) -> None:
    result = study.run("sweep", training_command=command(CASES["Amdahl"]), sweep_budget_minutes=0.01)
    assert result.returncode != 0
    assert "sweep_budget_minutes is 0.01" in " ".join(result.stderr.split())
    assert not (study.results / "tiny").exists()
