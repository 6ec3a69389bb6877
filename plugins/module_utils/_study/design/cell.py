# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of cells and runs. PRIVATE, can break at any time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(spec: Mapping[str, Any]) -> str:
    """The one way to write a specification down: the same cell has the same text on every machine."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def cell_id(spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(spec).encode("ascii")).hexdigest()[:12]


def run_id(cell: str, block: int) -> str:
    return f"{cell}-{block}"
