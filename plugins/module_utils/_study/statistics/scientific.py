# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""numpy and scipy, imported when needed: most steps compare nothing. PRIVATE, can break at any time."""

from __future__ import annotations

from typing import Any

from ..._common.errors import InputError

MISSING = "comparisons need Python's packages numpy and scipy: pip install -r requirements.txt"


def numpy() -> Any:
    try:
        import numpy as np
    except ImportError as error:
        raise InputError(MISSING) from error
    return np


def special() -> Any:
    """scipy.special takes a third of the time of scipy.stats."""
    try:
        from scipy import special as module
    except ImportError as error:
        raise InputError(MISSING) from error
    return module
