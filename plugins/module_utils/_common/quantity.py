# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts as Kubernetes writes them: 500m, 2, 1.5, .5, 2Gi, 512M, 1e-3. PRIVATE, can break at any time.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .errors import InputError
from .format import shown

Amounts = Mapping[str, float]
UNITS = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)}
UNITS |= {name: Decimal(1000) ** power for power, name in enumerate(("k", "M", "G", "T", "P", "E"), 1)}
UNITS |= {name: Decimal(1024) ** power for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_QUANTITY = re.compile(
    r"\+?(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)(?:(?P<unit>[numkMGTPE]?|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]{1,18}))",
    re.ASCII,
)
# The server rounds up to the least and caps at the most.
LEAST, MOST = 1e-9, float(2**63 - 1)


def amount(value: Any) -> float | None:
    """In processors or bytes; None is what is no amount of something: also a negative one, and one without a digit."""
    found = None if isinstance(value, bool) else _QUANTITY.fullmatch(str(value))
    if not found:
        return None
    number = Decimal(found["number"])
    # What is beyond that is beyond the bounds of any number of digits that fits into a line.
    exact = (
        number.scaleb(max(-9999, min(int(found["exponent"]), 9999)))
        if found["exponent"]
        else number * UNITS[found["unit"]]
    )
    return min(max(float(min(exact, Decimal(MOST))), LEAST), MOST) if number else 0.0


# A bare number from 1 to a million, or 512m, can only be a slip: no node has so few bytes.
LEAST_MEMORY = 2**20
MOST_CPUS = 10_000


def cpus(name: str, value: Any) -> float:
    number = amount(value)
    if number is None or number > MOST_CPUS:
        raise InputError(f"{name} is {shown(value)}: give processors such as 2, 0.5 or 500m, or 0 for no limit")
    return round(number, 3)


def memory(name: str, value: Any) -> int:
    """In bytes."""
    number = amount(value)
    if number is None or 0 < number < LEAST_MEMORY or number == MOST:
        raise InputError(f"{name} is {shown(value)}: give memory such as 2Gi or 512Mi, or 0 for no limit")
    return int(number)


@dataclass(frozen=True)
class Replica:
    """What one replica asks for."""

    requests: Amounts
    limits: Amounts

    @classmethod
    def of(cls, name: str, resources: Mapping[str, Any]) -> Replica:
        """From the resources of a container, or from requests alone; what has only a limit requests that limit."""
        whole = resources if {"requests", "limits"} & set(resources) else {"requests": resources}
        limits = _parsed(f"{name}.limits", whole.get("limits") or {})
        return cls({**limits, **_parsed(f"{name}.requests", whole.get("requests") or {})}, limits)


def _parsed(name: str, given: Any) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise InputError(f"{name} is {given!r}: give amounts such as {{cpu: 500m, memory: 1Gi}}")
    parsed = {str(key): amount(value) for key, value in given.items()}
    wrong = next((key for key, value in parsed.items() if value is None), None)
    if wrong is not None:
        raise InputError(f"{name}.{wrong} is {given[wrong]!r}: give an amount such as 500m, 2 or 1Gi")
    return {key: value for key, value in parsed.items() if value is not None}
