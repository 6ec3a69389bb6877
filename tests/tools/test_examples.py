# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/examples hold for programs of one's own."""

from __future__ import annotations

import importlib.machinery
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import read_run

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
PROGRAM = """
import time, tfscale_log
met = []
tfscale_log.start(lambda: met.append(1))
for step in range(1, 11):
    with tfscale_log.waiting():
        time.sleep(0.002)
    tfscale_log.progress(step, 1 / step)
tfscale_log.evaluation(10, 0.95)
tfscale_log.finish(10)
assert met
"""


def said(folder: Path, **env: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(EXAMPLES), **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    (folder / "worker-0.log").write_text(ended.stdout)
    return ended.stdout


@pytest.mark.parametrize("log_format", ["tfscale", "auto"])
def test_tfscale_log_tells_every_figure(tmp_path: Path, log_format: str) -> None:
    said(tmp_path, TASK_INDEX="0")
    run = read_run(tmp_path, LogFormat.of(log_format), 10)
    timings = run.timings()
    assert run.trouble() == ""
    assert timings["train_seconds"] >= 0.02
    assert (timings["global_steps"], timings["accuracy"], timings["loss"]) == (10, 0.95, 0.1)
    assert timings["wait_seconds"] >= 0.02
    assert timings["cpu_seconds"] > 0
    assert timings["start_global_step"] == 0


def test_tfscale_log_lets_only_the_first_process_of_a_worker_speak(tmp_path: Path) -> None:
    assert said(tmp_path, LOCAL_RANK="1") == ""


def test_programs_find_tfscale_log_beside_them() -> None:
    """No folder of its name may lie there: Python would take the folder for the module."""
    found = importlib.machinery.PathFinder.find_spec("tfscale_log", [str(EXAMPLES)])
    assert found
    assert found.origin == str(EXAMPLES / "tfscale_log.py")


def test_tfscale_log_is_short_and_needs_nothing() -> None:
    lines = (EXAMPLES / "tfscale_log.py").read_text().splitlines()
    imports = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imports <= set(sys.stdlib_module_names)
    assert len(lines) <= 100
