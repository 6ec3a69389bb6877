# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may ask for, and the sentence that tells otherwise. PRIVATE, can break at any time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

PROVIDERS = ("local",)
BACKENDS = ("processes",)
STRATEGIES = ("async_ps", "sync_ps")
PRESETS = ("fast", "thesis")
MODELS = ("mlp", "cnn")
DATASETS = ("mnist", "fashion_mnist", "synthetic")

# Choices by the key of a cell's specification: the user's variable and what it may be.
_CHOICES = {
    "provider": ("cluster_provider", PROVIDERS),
    "backend": ("training_backend", BACKENDS),
    "strategy": ("training_strategy", STRATEGIES),
    "preset": ("training_preset", PRESETS),
    "model": ("training_model", MODELS),
    "dataset": ("training_dataset", DATASETS),
}
_WHOLE_NUMBERS = {
    "batch_size": ("training_batch_size", 1),
    "hidden_units": ("training_hidden_units", 1),
    "train_steps": ("training_steps", 0),
    "telemetry_every": ("training_telemetry_every", 1),
}


class InputError(ValueError):
    """Bad input; its text is one sentence with the variable, the value and what is allowed."""


def integer(name: str, value: Any, *, minimum: int = 1) -> int:
    """A whole number, also as a string: `-e x=3` and surveys give strings."""
    try:
        number = None if isinstance(value, bool | float) else int(value)
    except (TypeError, ValueError):
        number = None
    if number is None or number < minimum:
        raise InputError(f"{name} is {value!r}: give a whole number from {minimum}")
    return number


def integers(name: str, value: Any, *, minimum: int = 1) -> list[int]:
    """Whole numbers without repetition, in the order given: 3, "3", "1,2,4" or [1, "2"]."""
    items = value.split(",") if isinstance(value, str) else value
    items = [items] if isinstance(items, int) else items
    try:
        numbers = [integer(name, item, minimum=minimum) for item in items]
    except (TypeError, InputError):
        numbers = []
    if not numbers:
        raise InputError(f'{name} is {value!r}: give whole numbers from {minimum}, such as 4 or "1,2,4"')
    return list(dict.fromkeys(numbers))


def positive(name: str, value: Any, *, or_zero: bool = False) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < 0 or (number == 0 and not or_zero):
        raise InputError(f"{name} is {value!r}: give a number {'from 0' if or_zero else 'above 0'}")
    return number


def choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    if value not in tuple(allowed):
        raise InputError(f"{name} is {value!r}: give one of {', '.join(allowed)}")
    return str(value)


def study_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", value):
        raise InputError(
            f"sweep_study is {value!r}: give a name of lower-case letters, digits, dots, dashes and underscores"
        )
    return value


def check_spec(spec: Mapping[str, Any], *, deadline: float) -> dict[str, Any]:
    """The specification with its numbers as numbers, or the first thing that is wrong with it."""
    checked = dict(spec)
    for key, (name, allowed) in _CHOICES.items():
        checked[key] = choice(name, spec.get(key), allowed)
    for key, (name, minimum) in _WHOLE_NUMBERS.items():
        checked[key] = integer(name, spec.get(key), minimum=minimum)
    checked["learning_rate"] = positive("training_learning_rate", spec.get("learning_rate"))
    if checked["train_steps"] == 0 and deadline == 0:
        raise InputError(
            "training_steps is 0, which trains without end: give steps, or a training_deadline above 0 seconds"
        )
    return checked
