# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults planted in real runs: each is caught with the reason of its own row of docs/validity.md.

The launcher is ours and the processes are real; a program of milliseconds stands in for the trainer, and twice it is the trainer with
a changed line. Faults of pods are planted in tests/e2e; docs/validity.md says which test plants which.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_runs import ROOT, LocalStudy, mutated_source, planted_source
from tests.fixtures.reasons import row_of, rows_of

# The machine is shared: other programs shall not decide about a planted fault, nor be taken for it.
UNDISTURBED = {"max_steal_share": 1.0, "max_foreign_share": 1.0, "max_drift_share": 1.0}
REGEX = r"time=(?P<time>[\d.]+) step=(?P<step>\d+)"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_source(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def study(tmp_path: Path, source: Path) -> LocalStudy:
    return LocalStudy(folder=tmp_path, source=source, thresholds=UNDISTURBED)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Other programs that take all of the machine."""
    loops = [multiprocessing.get_context("fork").Process(target=_spin, daemon=True) for _one in range(processes)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.join()


def _spin() -> None:
    while True:
        pass


FAILED, SHORT = "a replica failed, was killed or evicted", "the training ended before its last step"
# Fault, row of the table, words of the reason, and how it is planted.
QUICK: list[tuple[str, str, str, dict[str, Any]]] = [
    ("killed", FAILED, "worker 1 was killed by signal 9", {"who": 1}),
    ("checkpoint", "the training began at another step than 0", "step 700", {}),
    ("ends early", SHORT, "step 900 of 2000", {"who": None}),
    (
        "counted twice",
        "the workers' steps do not add up to the global steps",
        "1000 steps.* 2000: .*twice",
        {"who": None},
    ),
    ("clock ahead", "two workers' clocks disagree", "worker 1 is (1.9|2|2.1) s before", {"who": 1}),
    ("learns nothing", "the accuracy is under the floor", r"0\.310.* mlp on mnist", {}),
]
SLOW: list[tuple[str, str, str, dict[str, Any]]] = [
    ("exits", FAILED, "worker 1 exited with code 1.*the disk is full", {"who": 1}),
    ("nan", FAILED, "worker 0 exited with code 3.*loss became nan at global step 1000", {}),
    ("ps exits", FAILED, "ps 0 exited with code 0", {"who": None, "seconds": 1.0}),
    ("launcher killed", "the run ended without a replica to blame", "launcher .* was killed", {}),
    ("hangs", "the deadline passed before the last step", "after step 900", {"who": None, "deadline": 1.0}),
    ("infinite loss", "the loss or the accuracy became NaN or infinite", "loss became inf at global step 1100", {}),
    ("no start line", "a worker did not report the start line", "1 of 2 workers", {"who": 1}),
    ("other lines", "the chief's log has no steps or no times", "'hello'", {}),
    ("no clock", "the chief's log has no steps or no times", "tells no time", {}),
    ("no target", "the chief's log has no time at the target", "no step at the target", {}),
    ("trains twice", SHORT, "a second training begins", {"who": None}),
    ("lost", "the workers' steps do not add up to the global steps", "4000 steps.* 2000: .*lost", {"who": None}),
    ("throttled", "a replica was throttled", "worker 1 .* 40 %", {"who": 1}),
    ("late", "the workers started apart", r"start lines lie 0\.[4-9]", {"who": 1, "seconds": 1.2}),
    ("rising", "no steady state", "the speed rose by", {"seconds": 1.2, "who": None}),
    ("clock back", "the chief's clock went back", r"worker 0 went back by 0\.[45]", {"seconds": 1.2}),
    ("clock set", "a replica's clocks disagree", "worker 1 disagree.* 40 s", {"who": 1}),
    (
        "clock of another hour",
        "a replica's clock does not fit the run's",
        "worker 0 is (60 min|1 h) off",
        {"workers": 1},
    ),
    (
        "milliseconds",
        "the log's time does not fit the run's",
        "it counts milliseconds",
        {"who": None, "workers": 1, "log_format": REGEX},
    ),
]


@pytest.mark.parametrize(
    ("fault", "row", "words", "given"),
    [*QUICK, *(pytest.param(*one, marks=pytest.mark.full) for one in SLOW)],
    ids=[one[0] for one in QUICK + SLOW],
)
def test_planted_fault_is_caught_with_its_own_reason(
    study: LocalStudy, fault: str, row: str, words: str, given: dict[str, Any]
) -> None:
    record = study.planted(fault, **given)
    judged = record["verdict"]
    reasons = [reason for reason in judged["reasons"] if row_of(judged["verdict"], reason) == row]
    assert len(reasons) == 1, judged
    assert re.search(words, reasons[0]), judged


def test_planted_nothing_is_valid(study: LocalStudy) -> None:
    record = study.planted("ok", workers=3, seconds=1.1)
    assert record["verdict"] == {"verdict": "valid", "reasons": []}
    assert {name for name, value in record["evidence"]["checks"].items() if value is None} == {
        "calibration_drift_share"
    }


@pytest.mark.full
def test_planted_foreign_load_is_caught(study: LocalStudy) -> None:
    study = LocalStudy(
        folder=study.folder, source=study.source, thresholds={"max_steal_share": 1.0, "max_drift_share": 1.0}
    )
    with busy(2):
        record = study.planted("ok", seconds=1.0)
    assert rows_of(record) == ["load of other programs"], record["verdict"]


@pytest.mark.full
def test_planted_slower_processor_is_caught_by_the_kernel(study: LocalStudy) -> None:
    given = {"max_steal_share": 1.0, "max_foreign_share": 1.0}
    study = LocalStudy(folder=study.folder, source=study.source, thresholds=given)
    for block in range(1, 7):
        assert study.planted("ok", block)["verdict"]["verdict"] != "void"
    slow = study.source / "trainer/slow"
    slow.touch()
    try:
        record = study.planted("ok", 7)
    finally:
        slow.unlink()
    assert rows_of(record) == ["the calibration kernel drifted"], record["evidence"]
    # One and a half times the work, on a machine that has a spread of its own.
    assert 0.25 < record["evidence"]["checks"]["calibration_drift_share"] < 1.0


FAST = "presets/fast.py"


@pytest.mark.full
@pytest.mark.parametrize(
    ("old", "new", "row", "words"),
    [
        (
            "progress.local_steps += rounds",
            "progress.local_steps += 2 * rounds",
            "the workers' steps do not add up to the global steps",
            "steps were lost",
        ),
        (
            "tf.cast(images, tf.float32) / PIXEL_MAX",
            "tf.cast(images, tf.float32) * 0.0",
            "the accuracy is under the floor",
            "every sound training of mlp on mnist",
        ),
    ],
    ids=["counts twice", "sees nothing"],
)
def test_fault_of_the_real_trainer_is_caught(tmp_path: Path, old: str, new: str, row: str, words: str) -> None:
    source = mutated_source(tmp_path / "source", FAST, old, new)
    python = str(ROOT / ".venv-trainer/bin/python")
    study = LocalStudy(folder=tmp_path / "study", source=source, python=python, thresholds=UNDISTURBED)
    record = study.run(train_steps=1000)
    assert rows_of(record) == [row], record["verdict"]
    assert words in record["verdict"]["reasons"][0]


CPU_GROUPS = Path("/sys/fs/cgroup/cpu")


@pytest.fixture
def limited_python(tmp_path: Path) -> Iterator[str]:
    """Our trainer's Python in a cgroup that gives it a fifth of a processor."""
    group = CPU_GROUPS / f"tfscale-test-{os.getpid()}"
    group.mkdir()
    (group / "cpu.cfs_quota_us").write_text("20000")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho $$ > {group}/cgroup.procs\nexec {ROOT}/.venv-trainer/bin/python "$@"\n')
    python.chmod(0o755)
    yield str(python)
    end = time.monotonic() + 30
    while (group / "cgroup.procs").read_text().strip() and time.monotonic() < end:
        for pid in map(int, (group / "cgroup.procs").read_text().split()):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    group.rmdir()


@pytest.mark.full
@pytest.mark.skipif(
    os.geteuid() != 0 or not (CPU_GROUPS / "cpu.cfs_quota_us").parent.is_dir(),
    reason="needs root and cgroups of version 1",
)
def test_cpu_limit_of_the_real_trainer_is_caught(tmp_path: Path, limited_python: str) -> None:
    study = LocalStudy(
        folder=tmp_path / "study", python=limited_python, thresholds={**UNDISTURBED, "max_rise_share": 1.0}
    )
    record = study.run(train_steps=100, deadline=120.0)
    assert "a replica was throttled" in rows_of(record), record["verdict"]
    assert record["evidence"]["checks"]["throttled_share"] > 0.3
