# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The axes of a space, and the products of their values. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._common.errors import InputError
from ..._common.format import shown
from . import workloads
from .inputs import FIT, SPREADS, STRATEGIES, choices, integers, items_of, one_of


class Axis(NamedTuple):
    """What a specification calls its value, and the words that it takes; else it takes numbers."""

    key: str
    words: Sequence[str] = ()


# In the order in which cells are told.
AXES = {
    "backends": Axis("backend", ("processes", *workloads.names())),
    "strategies": Axis("strategy", STRATEGIES),
    "nodes": Axis("nodes"),
    "ps": Axis("ps"),
    "workers": Axis("workers"),
    "processes_per_worker": Axis("processes_per_worker"),
    "spreads": Axis("spread", SPREADS),
}
# Without values of its own each cell has the one of the training.
OPTIONAL = ("backends", "strategies", "processes_per_worker", "spreads")


def series(value: Any, plain: Mapping[str, Any], *, lowest_ps: int) -> list[dict[str, list[Any]]]:
    """The products of a space. An axis that an item leaves out is the plain variable's."""
    items = [] if value == "" else items_of(value)
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, Mapping) for item in items):
        raise InputError(
            f"sweep_series is {shown(value)}: give a list such as [{{ps: [2], workers: [1, 2, 4]}}], or an empty one"
        )
    if not items:
        return [_product("sweep_", plain, lowest_ps=lowest_ps)]
    products = []
    for position, item in enumerate(items):
        unknown = sorted(str(key) for key in item if key not in AXES)
        if unknown:
            raise InputError(f"sweep_series[{position}] has {shown(unknown[0])}: give {one_of(tuple(AXES))}")
        given = _product(f"sweep_series[{position}].", item, lowest_ps=lowest_ps)
        rest = {axis: plain[axis] for axis in plain if axis not in item}
        products.append({**_product("sweep_", rest, lowest_ps=lowest_ps), **given})
    return products


def _product(prefix: str, axes: Mapping[str, Any], *, lowest_ps: int) -> dict[str, list[Any]]:
    product: dict[str, list[Any]] = {}
    for axis, value in axes.items():
        name = f"{prefix}{axis}"
        if AXES[axis].words:
            product[axis] = choices(name, value, AXES[axis].words)
        else:
            lowest, word = lowest_ps if axis == "ps" else 1, FIT if axis == "workers" else ""
            product[axis] = integers(name, value, lowest, word=word)
    return product
