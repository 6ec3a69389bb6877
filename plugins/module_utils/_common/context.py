# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a step is run, beside its parameters. PRIVATE, can break at any time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


def _silent(_line: str) -> None:
    """A module has nobody to tell before its result."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Modules and actions make it; tests bring their own clock, so that no wait takes time."""

    check_mode: bool = False
    say: Callable[[str], None] = _silent
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
