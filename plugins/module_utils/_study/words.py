# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value of YAML as the word that a container, a label or a build is given. PRIVATE, can break at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any


def word(value: Any) -> str:
    """YAML's and Kubernetes' own words: `true`, where Python says True."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, (bool, Mapping, list, tuple)) else str(value)


def words(values: Mapping[Any, Any]) -> dict[str, str]:
    return {word(name): word(value) for name, value in values.items()}
