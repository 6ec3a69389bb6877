# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reasons of verdicts in the report's language. PRIVATE, can break at any time.

A record has its reasons as English text. One whose form is known is said in the language; any other stays as it was recorded.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from .._study.records.record import Record
from .messages.catalogue import ENGLISH, Catalogue

KEY = "reason_"
NUMBER = re.compile(r"\d[\d,]*(\.\d+)?")


def of_run(run: Record, say: Catalogue) -> str:
    """All reasons of a run in one line."""
    if say.code == ENGLISH.code:
        return run.why
    return "; ".join(said(reason, say) for reason in run.reasons) or run.trouble or say("no_reason")


def last(runs: Iterable[Record], say: Catalogue) -> str:
    """The first reason of the last run that has any."""
    return next((said(run.reasons[0], say) for run in reversed(list(runs)) if run.reasons), say("no_reason"))


def said(reason: str, say: Catalogue) -> str:
    if say.code == ENGLISH.code:
        return reason
    # Behind a colon a log or a cluster may have its say, in its own words.
    head, colon, tail = reason.partition(": ")
    if whole := _known(reason, say):
        return whole
    known = _known(head, say)
    return f"{known}{colon}{tail}" if known else reason


def _known(reason: str, say: Catalogue) -> str:
    for key, form in _forms():
        if found := form.fullmatch(reason):
            return say(key, **{name: _in_figures(value, say) for name, value in found.groupdict().items()})
    return ""


def _in_figures(value: str, say: Catalogue) -> str:
    """A number, a share or a duration in the language's form; anything else as it is."""
    number, _space, unit = value.partition(" ")
    if not NUMBER.fullmatch(number) or unit not in ("", "%", "s", "min", "h"):
        return value
    figures = say.figures(number)
    return say("percent", value=figures) if unit == "%" else f"{figures} {unit}".strip()


@functools.cache
def _forms() -> list[tuple[str, re.Pattern[str]]]:
    """The English texts as patterns, those with the most words first."""
    texts = {key: text for key, text in ENGLISH.language.texts.items() if key.startswith(KEY) and isinstance(text, str)}
    forms = {key: re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(text)) for key, text in texts.items()}
    return [(key, re.compile(forms[key])) for key in sorted(texts, key=lambda key: -len(texts[key]))]
