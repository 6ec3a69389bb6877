# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts as Kubernetes writes them: 500m, 2, 1.5, 2Gi, 512M. PRIVATE, can break at any time.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._study.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.text import shown

UNITS = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)}
UNITS |= {name: Decimal(1000) ** power for power, name in enumerate(("k", "M", "G", "T", "P", "E"), 1)}
UNITS |= {name: Decimal(1024) ** power for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_QUANTITY = re.compile(r"(?P<number>[0-9]{1,18}(?:\.[0-9]{0,9})?(?:[eE][0-9]{1,2})?)(?P<unit>[a-zA-Z]{0,2})", re.ASCII)


def amount(value: Any) -> float | None:
    """In processors or bytes; None is what Kubernetes would not read either."""
    found = _QUANTITY.fullmatch(str(value).strip())
    if isinstance(value, bool) or not found or found["unit"] not in UNITS:
        return None
    return float(Decimal(found["number"]) * UNITS[found["unit"]])


# A bare number from 1 to a million, or 512m, can only be a slip: no node has so few bytes.
LEAST_MEMORY = 2**20


def cpus(name: str, value: Any) -> float:
    number = amount(value)
    if number is None:
        raise InputError(f"{name} is {shown(value)}: give processors such as 2, 0.5 or 500m, or 0 for no limit")
    return round(number, 3)


def memory(name: str, value: Any) -> int:
    """In bytes."""
    number = amount(value)
    if number is None or 0 < number < LEAST_MEMORY:
        raise InputError(f"{name} is {shown(value)}: give memory such as 2Gi or 512Mi, or 0 for no limit")
    return int(number)
