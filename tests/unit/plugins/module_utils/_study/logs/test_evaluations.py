# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluations in logs of all formats: which count, when they were, and which reaches the target."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.evaluations import KEPT, Evaluation
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import read_run
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.replica_log import RunLog

from tests.fixtures.runs import STARTED, line, worker_log, write_log

OURS = "tfscale"
TARGET = 0.95


def run_of(folder: Path, lines: list[bytes], *, fmt: str = OURS, target: float | None = TARGET) -> RunLog:
    write_log(folder, "worker-0", lines)
    return read_run(folder, LogFormat.of(fmt), 2000, STARTED, STARTED + 6.0, target)


def evaluated(at: float, step: Any, accuracy: Any, **more: Any) -> bytes:
    return line("eval", at=at, global_step=step, accuracy=accuracy, **more)


def log_with(*evaluations: bytes) -> list[bytes]:
    """A whole log, whose last evaluation (0.948 at step 2000) is left out."""
    lines = [*evaluations, *(one for one in worker_log() if b'"eval"' not in one)]
    return sorted(lines, key=_clock)


def _clock(one: bytes) -> float:
    found = re.search(rb'"mono":([\d.]+)', one)
    return float(found[1]) if found else math.inf


def test_first_evaluation_at_the_target_counts_with_the_moment_of_its_parameters(tmp_path: Path) -> None:
    told = [
        evaluated(2.0, 300, 0.91, since_start=0.4, seconds=0.1),
        evaluated(3.0, 700, 0.95, since_start=1.25, seconds=0.2),
        evaluated(4.0, 1100, 0.97, since_start=2.4, seconds=0.1),
    ]
    run = run_of(tmp_path, log_with(*told))
    assert run.evaluations == [(300, 0.4, 0.91), (700, 1.25, 0.95), (1100, 2.4, 0.97)]
    assert run.reached == Evaluation(700, 1.25, 0.95)
    timings = run.timings()
    assert (timings["seconds_to_accuracy"], timings["steps_to_accuracy"]) == (1.25, 700)
    assert run.errors == []


def test_earlier_evaluation_told_after_a_later_one_is_the_first(tmp_path: Path) -> None:
    told = [
        evaluated(3.0, 900, 0.97, since_start=1.4),
        evaluated(3.1, 700, 0.94, since_start=1.2),
        evaluated(3.2, 800, 0.96, since_start=1.3),
    ]
    run = run_of(tmp_path, log_with(*told))
    assert run.reached == Evaluation(800, 1.3, 0.96)
    assert [one.global_step for one in run.evaluations] == [700, 800, 900]


def test_cost_of_the_evaluations_comes_from_the_chiefs_summary(tmp_path: Path) -> None:
    costs: dict[str, Any] = {"eval_count": 3, "eval_seconds": 0.5, "eval_cpu_seconds": 0.4}
    lines = log_with(evaluated(2.0, 300, 0.91))
    run = run_of(tmp_path, [*lines, line("summary", at=5.8, **costs)])
    assert {key: run.timings()[key] for key in costs} == costs
    run = run_of(tmp_path, [*lines, line("summary", at=5.8, eval_count=-1, eval_seconds="much", eval_cpu_seconds=-0.1)])
    assert {key: run.timings()[key] for key in costs} == dict.fromkeys(costs)


def test_without_a_target_nothing_is_kept(tmp_path: Path) -> None:
    run = run_of(tmp_path, log_with(evaluated(2.0, 300, 0.99)), target=None)
    assert (run.evaluations, run.reached) == ([], None)
    assert "seconds_to_accuracy" not in run.timings()


def test_run_that_does_not_reach_the_target_has_no_time_to_it(tmp_path: Path) -> None:
    run = run_of(tmp_path, log_with(evaluated(2.0, 300, 0.91)))
    assert run.reached is None
    assert run.timings()["seconds_to_accuracy"] is None
    assert run.timings()["train_seconds"] == 4.0


FOREIGN: dict[str, dict[str, Any]] = {
    "a share in percent": {"accuracy": 97.1},
    "below zero": {"accuracy": -0.1},
    "no number": {"accuracy": "0.99"},
    "null": {"accuracy": None},
    "NaN": {"accuracy": float("nan")},
    "a list": {"accuracy": [0.99]},
    "a moment behind its line": {"accuracy": 0.99, "since_start": 2.5},
    "a moment before the start": {"accuracy": 0.99, "since_start": -1.0},
    "a moment in words": {"accuracy": 0.99, "since_start": "soon"},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_value_reaches_no_target(tmp_path: Path, kind: str) -> None:
    fields = {"global_step": 700, **FOREIGN[kind]}
    run = run_of(tmp_path, log_with(line("eval", at=3.0, **fields), evaluated(4.0, 900, 0.5)))
    assert run.reached is None
    assert [one.global_step for one in run.evaluations] == [900]
    assert any("1 evaluations of worker 0 do not count" in note for note in run.errors)


@pytest.mark.parametrize(
    "cut", [b'{"v":1,"event":"eval","rep', b'{"v":9,"event":"eval","replica":"worker","index":0,"accuracy":0.99}']
)
def test_malformed_line_reaches_no_target(tmp_path: Path, cut: bytes) -> None:
    run = run_of(tmp_path, log_with(b":::TFSCALE " + cut))
    assert run.reached is None
    assert len(run.errors) == 1


def test_evaluation_before_the_start_line_or_of_another_worker_does_not_count(tmp_path: Path) -> None:
    early = [line("eval", at=1.0, global_step=0, accuracy=0.99)]
    write_log(tmp_path, "worker-1", log_with(evaluated(2.0, 300, 0.99)))
    assert run_of(tmp_path, [*early, *log_with(evaluated(2.0, 300, 0.5))]).reached is None


@pytest.mark.parametrize(
    ("fmt", "lines", "reached"),
    [
        (
            r"t=(?P<time>\S+) step (?P<step>\d+)(?: acc=(?P<accuracy>\S+))?",
            [b"t=10 step 0", b"t=12 step 500 acc=0.90", b"t=13 step 800", b"t=15 step 1000 acc=0.96"],
            (1000, 5.0, 0.96),
        ),
        # The line of an evaluation has neither step nor time: those of the line before it.
        (
            r"t=(?P<time>\S+) step (?P<step>\d+)|test accuracy (?P<accuracy>\S+)",
            [b"t=10 step 0", b"test accuracy 0.1", b"t=12 step 500", b"test accuracy 0.96", b"t=15 step 1000"],
            (500, 2.0, 0.96),
        ),
        (
            "thesis",
            [
                f"{STARTED + 1:.2f}: Worker 0: training step 1 done (global step: 1)".encode(),
                f"{STARTED + 4:.2f}: Worker 0: training step 9 done (global step: 17)".encode(),
                b"Accuracy at local_step 10: 0.9512",
            ],
            (17, 3.0, 0.9512),
        ),
    ],
)
def test_other_formats_tell_evaluations_as_their_lines_allow(
    tmp_path: Path, fmt: str, lines: list[bytes], reached: tuple[int, float, float]
) -> None:
    assert run_of(tmp_path, lines, fmt=fmt).reached == pytest.approx(reached)


def test_long_log_is_thinned_evenly_and_keeps_what_matters(tmp_path: Path) -> None:
    count = 5000
    told = [evaluated(1.5 + 3.0 * n / count, n, 0.5 if n != 3333 else 0.96) for n in range(1, count)]
    run = run_of(tmp_path, log_with(*told))
    steps = [one.global_step for one in run.evaluations]
    assert len(steps) <= 2 * KEPT + 2
    assert steps == sorted(steps)
    assert run.reached is not None
    assert run.reached.global_step == 3333
    assert {3333, count - 1} <= set(steps)
    assert max(after - before for before, after in pairwise(steps)) <= 2 * count / KEPT


def test_evaluations_can_be_written_as_json(tmp_path: Path) -> None:
    run = run_of(tmp_path, log_with(evaluated(2.0, 300, 1)))
    assert json.loads(json.dumps([one._asdict() for one in run.evaluations])) == [
        {"global_step": 300, "seconds": 0.5, "accuracy": 1}
    ]
