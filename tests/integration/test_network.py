# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study where the kernel gives replicas no network of their own; test_sweep.py has the others."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.fixtures.playbook import ROOT, Playbook

from .conftest import NO_NETWORK

ONE_CELL = {"sweep_series": [{"ps": [1], "workers": [1]}], "sweep_repeats": 2}


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can give up a right")
def test_sweep_goes_on_and_says_once_that_the_kernel_refuses(playbook: Playbook) -> None:
    command = [
        "setpriv",
        "--bounding-set=-sys_admin",
        *playbook.command("sweep", **ONE_CELL, training_network="loopback"),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=playbook.environment(), text=True, capture_output=True, timeout=300, check=False
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 0, said
    assert [record["evidence"]["network"] for record in playbook.records()] == ["host", "host"]
    assert said.count(NO_NETWORK) == 1, said
    assert "(Operation not permitted)" in said
