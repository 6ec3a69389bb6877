# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller imports for its workers, each time in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from ansible_collections.tfscale.study.plugins.plugin_utils.preload import preload
{before}
preload()
print("scipy.special" in sys.modules, len(os.listdir("/proc/self/task")), os.environ.get("OPENBLAS_NUM_THREADS"))
"""


@pytest.mark.parametrize(
    ("before", "given", "told"),
    [
        ("", None, "True 1 None"),
        # What the user gave is left to his trainings.
        ("", "2", "True 1 2"),
        ("sys.modules['scipy'] = None", None, "False 1 None"),
    ],
)
def test_preload_leaves_neither_threads_nor_an_environment(before: str, given: str | None, told: str) -> None:
    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    env |= {"PYTHONPATH": os.pathsep.join(sys.path)} | ({"OPENBLAS_NUM_THREADS": given} if given else {})
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == told
