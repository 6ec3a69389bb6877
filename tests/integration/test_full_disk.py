# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study on a disk that is full: it says so, and goes on when there is room again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.disk import small_disk
from tests.fixtures.playbook import Playbook
from tests.fixtures.processes import needs_root
from tests.integration.conftest import tiny_command


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    with small_disk(tmp_path / "disk") as limit:
        yield limit


@pytest.mark.slow
@needs_root
@pytest.mark.full
def test_a_study_says_that_its_disk_is_full_and_goes_on_when_there_is_room(
    playbook: Playbook, disk: Callable[..., Path], tmp_path: Path
) -> None:
    """`yes` stands for a program that prints more than there is room for."""
    results = disk(size=40 << 10)
    talkative = tmp_path / "talkative"
    talkative.touch()
    small = {
        "sweep_results_dir": str(results),
        "sweep_series": [{"ps": [1], "workers": [1]}],
        "sweep_repeats": 1,
        "training_command": f"[ $JOB_NAME = ps ] || [ ! -e {talkative} ] || yes; {tiny_command()}",
    }
    study = Playbook(results, {**playbook.variables, **small})
    told = f"the disk of {results}/tiny/logs/"

    # No room to start: nothing is recorded.
    done = study.run("sweep", sweep_attempts=1)
    output = done.stdout + done.stderr
    assert (done.returncode == 0, told in output, study.records()) == (False, True, [])

    # Room to start, but none for its log: the run is void with that reason.
    disk(size=1 << 20)
    done = study.run("sweep", sweep_attempts=1)
    output += done.stdout + done.stderr
    assert told in done.stdout
    assert [record["verdict"]["verdict"] for record in study.records()] == ["void"]
    assert "is full (No space left on device; 0 bytes and" in str(study.records()[0]["verdict"]["reasons"])

    # Room for all of it.
    disk(size=8 << 20)
    talkative.unlink()
    done = study.run("sweep", sweep_attempts=2)
    output += done.stdout + done.stderr
    assert done.returncode == 0, output
    assert [record["verdict"]["verdict"] for record in study.records()] == ["void", "valid"]
    assert "Traceback" not in output
