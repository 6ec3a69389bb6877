# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports once in the controller what its workers would each import again. PRIVATE, can break at any time.

Ansible forks a worker for each task. The strategy loads an action's class before it forks the first of them, so what the
action's file imports is there in all of them. A decision between two blocks then costs no import of scipy (0.3 s).
"""

from __future__ import annotations

import contextlib
import importlib
import os

# numpy and scipy each bring an OpenBLAS, which starts a thread for each processor when it is loaded. A process with threads
# is not forked, so there is one thread; the arrays of a study are small.
_THREADS = "OPENBLAS_NUM_THREADS"


def preload() -> None:
    """scipy.special; where it is missing, a step that needs it says so."""
    given = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    with contextlib.suppress(ImportError):
        importlib.import_module("scipy.special")
    # A training inherits the environment: it must not learn of this.
    if given is None:
        del os.environ[_THREADS]
    else:
        os.environ[_THREADS] = given
