# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels of a study that may be compared."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.records.calibration import LAST, earlier_seconds

KERNEL = {"kernel": "integers-1 on Python 3.11.7", "seconds": 0.2}


def record(seconds: Any = 0.2, hostname: str = "here", **changes: Any) -> dict[str, Any]:
    calibration = {**KERNEL, "seconds": seconds, **changes}
    return {"evidence": {"calibration": calibration}, "provenance": {"hostname": hostname}}


def test_earlier_seconds_keeps_the_same_work_on_the_same_machine() -> None:
    records = [record(0.1), record(0.2, "there"), record(0.3, kernel="integers-2 on Python 3.11.7"), record(0.4)]
    assert earlier_seconds(records, KERNEL, hostname="here") == [0.1, 0.4]


@pytest.mark.parametrize(
    "junk", [{}, {"evidence": None}, {"evidence": {"calibration": 3}}, record(None), record("0.2"), {"provenance": 1}]
)
def test_earlier_seconds_passes_over_records_without_any(junk: dict[str, Any]) -> None:
    assert earlier_seconds([junk, record(0.3)], KERNEL, hostname="here") == [0.3]


def test_earlier_seconds_keeps_the_last() -> None:
    records = [record(float(number)) for number in range(LAST + 5)]
    assert earlier_seconds(records, KERNEL, hostname="here") == [float(number) for number in range(5, LAST + 5)]
