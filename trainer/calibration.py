# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fixed piece of work whose time shows how fast this machine is right before a run.

It is processor time: other programs that take turns with this one are seen elsewhere, as foreign load, and would hide a processor that
became slower (its clock, its temperature, its neighbours on the same core). docs/validity.md has the spread of both.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from statistics import median
from typing import Any

# About 0.2 s in all on a processor of 2023.
SLICES, ROUNDS = 20, 100_000
# A change of the work needs a new name: times of two kernels are never compared.
NAME = "integers-1"


def work(rounds: int = ROUNDS) -> int:
    """Make so many steps of a linear congruential generator, each on the result of the last."""
    value = 1
    for _round in range(rounds):
        value = (value * 1103515245 + 12345) & 0x7FFFFFFF
    return value


def calibrate(*, clock: Callable[[], float] = time.thread_time, work: Callable[[], Any] = work) -> dict[str, Any]:
    """Return the kernel's name, with the Python that runs it, and its processor seconds: the median slice times the slices."""
    slices = []
    for _slice in range(SLICES):
        began = clock()
        work()
        slices.append(clock() - began)
    return {"kernel": f"{NAME} on Python {platform.python_version()}", "seconds": round(SLICES * median(slices), 6)}
