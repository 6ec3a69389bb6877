# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value of YAML as the word that a container, a label or a build is given. PRIVATE, can break at any time.

Helm's rules are those of sigs.k8s.io/yaml (https://github.com/yaml/go-yaml/blob/v2/resolve.go) and of Go's `%v`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

TRUE, FALSE, NOTHING = ("y", "yes", "on", "true"), ("n", "no", "off", "false"), ("null",)
# Of words, Helm knows three ways to write them: yes, Yes and YES.
NAMED: dict[str, Any] = {
    written: value
    for names, value in ((TRUE, True), (FALSE, False), (NOTHING, None))
    for name in names
    for written in (name, name.capitalize(), name.upper())
} | {"": None, "~": None}
NAMED |= {f"{sign}.{name}": float(f"{sign}inf") for sign in ("", "+", "-") for name in ("inf", "Inf", "INF")}
NAMED |= {f".{name}": float("nan") for name in ("nan", "NaN", "NAN")}
_WHOLE = re.compile(r"([-+]?)(?:0[oO]?([0-7]+)|(0[xX][0-9a-fA-F]+|0[bB][01]+|0|[1-9][0-9]*))", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)


def word(value: Any) -> str:
    """YAML's and Kubernetes' own words: `true`, where Python says True."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, (bool, Mapping, list, tuple)) else str(value)


def words(values: Mapping[Any, Any]) -> dict[str, str]:
    return {word(name): word(value) for name, value in values.items()}


def flags(arguments: Mapping[str, Any]) -> list[str]:
    """{"train_steps": 10, "long_running": True, "export_dir": ""} -> --train_steps=10 --long_running"""
    given = {name: value for name, value in arguments.items() if value not in (None, "") and value is not False}
    return [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]


def helm_value(plain: str) -> Any:
    """What Helm reads where a values file has a word without quotes: 1e3 is a number to it, 2024-01-01 and 12:30 are text."""
    if plain in NAMED:
        return NAMED[plain]
    if not plain.startswith(tuple("+-.0123456789")):
        return plain
    digits = plain.replace("_", "")
    found = _WHOLE.fullmatch(digits)
    if found:
        whole = int(f"{found[1]}{'0o' + found[2] if found[2] else found[3]}", 0)
        if -(2**63) <= whole < 2**64:
            return whole
    number = float(digits) if _FLOAT.fullmatch(digits) else float("inf")
    return plain if number in (float("inf"), float("-inf")) else number


def helm_word(value: Any) -> str:
    """What Helm writes of it: numbers are Go's float64, so 1.0 is 1 and 1000000 is 1e+06."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return word(value)
    exact = Decimal(repr(float(value))).normalize()
    if -4 <= exact.adjusted() < 6:
        return f"{exact:f}"
    return f"{float(value):.{len(exact.as_tuple().digits) - 1}e}"
