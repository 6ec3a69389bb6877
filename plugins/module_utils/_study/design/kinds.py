# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values: a check returns the value that is meant, or raises the sentence that bad input gets. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..._common.yaml_text import structure
from . import inputs
from .inputs import A_YEAR, MOST, wrong

Check = Callable[[str, Any], Any]
# Those of which Ansible's filter `bool` knows what they mean.
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def choice(*words: str) -> Check:
    return partial(inputs.choice, allowed=words)


def whole(minimum: int = 0, maximum: int = MOST) -> Check:
    return partial(inputs.integer, minimum=minimum, maximum=maximum)


def seconds(minimum: float = 0) -> Check:
    return partial(inputs.number, minimum=minimum, maximum=A_YEAR)


def flag(name: str, value: Any) -> bool:
    word = str(value).lower() if isinstance(value, (bool, int, str)) else ""
    if word not in YES + NO:
        raise wrong(name, value, "true or false")
    return word in YES


def word(pattern: str = r"[^\x00-\x1f\x7f]+", allowed: str = "a word", *, empty: bool = False) -> Check:
    """A text of one line; `empty`: or none, as the variable's description says."""

    def check(name: str, value: Any) -> str:
        if isinstance(value, str) and (re.fullmatch(pattern, value, re.ASCII) or (empty and not value)):
            return value
        raise wrong(name, value, f"{allowed}, or nothing ('')" if empty else allowed)

    return check


def either(first: Check, nothing: Any = "") -> Check:
    """What may also be left empty."""
    return lambda name, value: value if value == nothing else first(name, value)


def share(name: str, value: Any) -> float:
    return inputs.number(name, value, maximum=1)


def mapping(example: str, *, keys: Check | None = None, values: Check | None = None) -> Check:
    def check(name: str, value: Any) -> dict[str, Any]:
        given = structure(value)
        if not isinstance(given, Mapping):
            raise wrong(name, value, f"a mapping such as {example}, or {{}}")
        for key, one in given.items():
            (keys or word())(f"a key of {name}", key)
            if values:
                values(f"{name}.{key}", one)
        return dict(given)

    return check


def sequence(of: Check, example: str) -> Check:
    def check(name: str, value: Any) -> list[Any]:
        given = structure(value)
        if not isinstance(given, (list, tuple)):
            raise wrong(name, value, f"a list such as {example}, or []")
        return [of(f"{name}[{position}]", one) for position, one in enumerate(given)]

    return check


def both(of: Check, example: str) -> Check:
    """What ps and workers each have of their own."""

    def check(name: str, value: Any) -> dict[str, Any]:
        given = structure(value)
        if not isinstance(given, Mapping) or sorted(map(str, given)) != ["ps", "worker"]:
            raise wrong(name, value, f"ps and worker, such as {example}")
        return {kind: of(f"{name}.{kind}", one) for kind, one in given.items()}

    return check


def of_pod(example: str, *needed: str) -> Check:
    """A part of a pod, which Kubernetes itself knows best."""

    def check(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(value.get(key), str) for key in needed):
            raise wrong(name, value, f"a part of a pod, such as {example}")
        return dict(value)

    return check


def nested(check: Check) -> Check:
    return lambda name, value: check(name, structure(value))
