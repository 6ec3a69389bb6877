# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records as a tidy frame, also in a notebook as the documentation says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from statistics import median

from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.frame import runs_frame

from tests.fixtures import ledgers

ROOT = Path(__file__).resolve().parents[6]


def test_runs_frame_has_a_row_for_each_run_and_whole_numbers() -> None:
    records = ledgers.mnist()
    frame = runs_frame(records)
    assert list(frame.run_id) == [one["run_id"] for one in records]
    assert str(frame.workers.dtype) == str(frame.global_steps.dtype) == "Int64"
    assert list(frame.train_seconds.dropna()) == [
        one["timings"]["train_seconds"] for one in records if one["timings"].get("train_seconds") is not None
    ]


def test_runs_frame_counts_a_doubled_record_once() -> None:
    records = ledgers.mnist()
    assert runs_frame([*records, *records]).equals(runs_frame(records))


def test_runs_frame_of_no_records_is_empty() -> None:
    assert len(runs_frame([])) == 0


def test_the_notebook_of_the_documentation_runs(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/report.md").read_text(), re.DOTALL)
    ledgers.write(tmp_path / "results/mnist", ledgers.mnist())
    (tmp_path / "collections").symlink_to(ROOT / "collections")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    times = [
        one["timings"]["train_seconds"]
        for one in ledgers.mnist()
        if one["verdict"]["verdict"] != "void" and (one["spec"]["ps"], one["spec"]["workers"]) == (2, 2)
    ]
    [told] = re.findall(r"^ +2 +([\d.]+)$", done.stdout.partition("\n2 ")[2], re.MULTILINE)
    assert float(told) == round(median(times), len(told.partition(".")[2]))
