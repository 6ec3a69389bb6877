# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calibration kernels of a study's earlier runs. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._common.fields import finite, mapping

# The median of so many last ones: a machine that has changed for good is the machine of the runs to come.
LAST = 100


def earlier_seconds(records: Iterable[Mapping[str, Any]], told: Mapping[str, Any], *, hostname: Any) -> list[float]:
    """Seconds of the last kernels that did the same work as the given one, on the same machine."""
    found = []
    for record in records:
        kernel = mapping(mapping(record.get("evidence")).get("calibration"))
        seconds, machine = finite(kernel.get("seconds")), mapping(record.get("provenance")).get("hostname")
        if seconds is not None and kernel.get("kernel") == told.get("kernel") and machine == hostname:
            found.append(seconds)
    return found[-LAST:]
