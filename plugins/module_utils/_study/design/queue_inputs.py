# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables go with a queue of Kueue. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._common.errors import InputError
from . import workloads
from .inputs import one_of


def check_queue(given: Mapping[str, Any]) -> None:
    queue = given.get("training_queue")
    if given.get("training_gang") and queue == "":
        raise InputError(
            "training_gang is true, but training_queue is '': give a queue, because only Kueue starts all pods of a run together,"
            " or training_gang false"
        )
    if queue and given.get("training_backend") == "processes":
        raise InputError(
            f"training_queue is {queue!r}, but training_backend is 'processes', which no queue admits: give no queue, or"
            f" training_backend {one_of(workloads.names())}"
        )
    if queue and given.get("training_long_running"):
        raise InputError(
            f"training_queue is {queue!r}, but training_long_running is true: give no queue, because Kueue lets nobody change the"
            " number and the resources of pods that it has admitted, as an upgrade does"
        )
