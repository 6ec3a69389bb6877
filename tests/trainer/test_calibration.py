# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixed piece of work before a run."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from trainer import calibration


def clock_of(slices: list[float]) -> Iterator[float]:
    now = 0.0
    for seconds in slices:
        yield now
        now += seconds
        yield now


def test_calibrate_is_the_median_slice_times_the_slices() -> None:
    slices = [0.01] * 12 + [0.5] * 8
    ticks = clock_of(slices)
    found = calibration.calibrate(clock=lambda: next(ticks), work=lambda: None)
    assert found == {"kernel": f"integers-1 on Python {platform.python_version()}", "seconds": 0.2}
    assert next(ticks, None) is None


def test_calibrate_shows_a_slower_processor() -> None:
    ticks = clock_of([0.013] * calibration.SLICES)
    assert calibration.calibrate(clock=lambda: next(ticks), work=lambda: None)["seconds"] == 0.26


def test_work_is_the_same_each_time() -> None:
    # A change of the work is another kernel, whose name must change as well.
    assert (calibration.work(10), calibration.NAME) == (267834847, "integers-1")
