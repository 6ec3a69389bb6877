# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why laws do not speak, and which laws do, as English clauses. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping

from .._common.format import listed
from .._study.analysis import laws
from .._study.statistics import law_choice
from .._study.statistics.law_choice import Reason
from .._study.statistics.scaling_laws import AMDAHL, PS_AWARE, QUEUEING, USL
from .._study.statistics.words import number

NAMES = {
    AMDAHL: "Amdahl's law",
    USL: "the USL",
    QUEUEING: "the queueing law",
    PS_AWARE: "the ps-aware regression",
}


def named(law: str, bounds: Mapping[str, float]) -> str:
    """`the USL`, or `the USL (k = 0)` where a parameter is at its bound."""
    ends = listed([f"{name} = {value:g}" for name, value in bounds.items()])
    return f"{NAMES[law]} ({ends})" if ends else NAMES[law]


def refusal(given: Reason) -> str:
    """A clause that begins with a small letter and has no full stop."""
    return WORDS[given.code].format(**{key: _shown(value) for key, value in given.values.items()})


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return listed([str(one) for one in value])
    if isinstance(value, float):
        return number(value)
    return NAMES.get(str(value), str(value))


WORDS = {
    law_choice.ONE_SIZE: "only {sizes} workers were measured, and a law needs {needed} different numbers of workers",
    law_choice.FEW_SIZES: "only {sizes} workers were measured, and a law needs {needed} different numbers of workers",
    law_choice.FEW_BLOCKS: "ps={ps} workers={workers} has {blocks} valid runs, and a law needs {needed} of each cell",
    law_choice.EQUAL_TIMES: "all times are {seconds} s, with {sizes} workers alike: they tell nothing of what workers share",
    law_choice.MISSED: (
        "these data do not tell what happens beyond {workers} workers: by the times of up to {by} workers {law} says {center} s"
        " ({low}-{high}) for {workers}, and {measured} s were measured (ps={ps})"
    ),
    law_choice.NO_LAW: "no law can be fitted to these runs",
    laws.BEYOND: "workers is {workers}, and laws speak up to {most}, 4 times the largest number measured ({largest})",
    laws.BELOW: "workers is {workers}, and laws speak from a quarter of the smallest number measured ({smallest})",
    laws.NO_PS: "ps is {ps}, and the laws that may speak know of ps={known} only",
    laws.NO_NODES: "nodes is {nodes}, and nodes={known} were measured: no law tells of others",
    laws.NO_QUEUEING: "processors is {processors}, and only the queueing law tells of other processors, which does not hold here",
    laws.NO_PROCESSORS: "processors is {processors}, and the processors of the nodes were not measured",
}
