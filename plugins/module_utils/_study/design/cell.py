# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of cells and runs. PRIVATE, can break at any time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

# What a specification without such a key means.
UNTOLD: Mapping[str, Any] = {
    "framework": "tensorflow",
    "processes_per_worker": 1,
    "spread": "DoNotSchedule",
    "runtime": "",
}
# Keys of a specification whose values are mappings or lists. Version 0.3 wrote them as JSON text.
NESTED = frozenset({"env", "env_from", "ps_env", "ps_resources", "worker_env", "worker_resources"})


def shown_value(key: str, spec: Mapping[str, Any], nothing: str = "None") -> str:
    """As labels and tables have it; `nothing` is what stands for a value that is missing."""
    value = spec.get(key, UNTOLD.get(key))
    return nothing if value is None else "''" if value == "" else str(value)


def label(spec: Mapping[str, Any], keys: Iterable[str]) -> str:
    """`ps=1 workers=4`, without what means nothing to a cell of this kind."""
    return " ".join(f"{key}={shown_value(key, spec)}" for key in keys if key in spec or key in UNTOLD)


def flat(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings and lists as the JSON text that version 0.3 had in their place, so that a cell keeps its name."""
    return {key: _packed(value) if isinstance(value, (Mapping, list, tuple)) else value for key, value in spec.items()}


def nested(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The other way round: text of version 0.3 as the mapping or list that it stands for."""
    # A ledger may have 100,000 records, and most have none of these.
    if NESTED.isdisjoint(spec):
        return spec
    return {key: _unpacked(value) if key in NESTED else value for key, value in spec.items()}


def _packed(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _unpacked(value: Any) -> Any:
    """Only what is packed again to the same text: any other would be another cell."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        found = json.loads(value)
        return found if _packed(found) == value else value
    except (ValueError, RecursionError):
        return value


def canonical(spec: Mapping[str, Any]) -> str:
    """The one way to write a specification down: the same cell has the same text on every machine."""
    return json.dumps(flat(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def cell_id(spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(spec).encode("ascii")).hexdigest()[:12]


def run_id(cell: str, block: int) -> str:
    return f"{cell}-{block}"
