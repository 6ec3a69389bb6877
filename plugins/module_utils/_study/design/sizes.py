# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes whose training is to be predicted, as a user asks for them. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._common.errors import InputError
from ..._common.format import shown
from ..._common.yaml_text import structure
from . import inputs

EXAMPLE = "[{workers: 16, ps: 2}]"


@dataclass(frozen=True, kw_only=True)
class Size:
    """What is asked: counts, and `processors` of each node, which may be a fraction. None is as it was measured."""

    workers: int
    ps: int | None = None
    nodes: int | None = None
    processors: float | None = None


def sizes_of(name: str, value: Any) -> list[Size]:
    """The sizes that a list of mappings asks for, or one sentence (InputError) on the first that cannot be."""
    given = structure(value)
    if not isinstance(given, (list, tuple)) or not given:
        raise inputs.wrong(name, value, f"a list such as {EXAMPLE}")
    return [_size(f"{name}[{number}]", one) for number, one in enumerate(given)]


def _size(name: str, given: Any) -> Size:
    if not isinstance(given, Mapping):
        raise inputs.wrong(name, given, "a mapping such as {workers: 16, ps: 2}")
    for key in given:
        if key not in CHECKS:
            raise InputError(f"{name} has the key {shown(key)}: give workers and, if need be, ps, nodes and processors")
    if "workers" not in given:
        raise inputs.wrong(name, given, "its workers, such as {workers: 16, ps: 2}")
    return Size(**{key: CHECKS[key](f"{name}.{key}", one) for key, one in given.items()})


CHECKS: dict[str, Any] = {
    "workers": lambda name, value: inputs.integer(name, value, minimum=1),
    "ps": lambda name, value: inputs.integer(name, value, minimum=0),
    "nodes": lambda name, value: inputs.integer(name, value, minimum=1),
    "processors": lambda name, value: inputs.positive(name, value, maximum=inputs.MOST),
}
