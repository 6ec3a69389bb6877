# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one line of a log to an event, in every format. PRIVATE, can break at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..._common.errors import InputError
from ..._common.fields import count, finite
from ..._common.format import readable
from .events import BrokenLineError, Event, Reader, number, unread, whole
from .named_formats import NAMED, json_reader

TOKEN = b":::TFSCALE"
VERSION = 1
# How each line of a pod's sampler begins, whatever the format of its program's lines.
USAGE = TOKEN + b' {"v":1,"event":"usage",'
_NUMERIC = frozenset({int, float, type(None)})
_WHOLE = frozenset({int, type(None)})
GROUPS = ("time", "step", "accuracy", "loss")
AUTO = "auto"

# What json.loads does, without its search for white space: this is called for every line.
_decode = json.JSONDecoder().raw_decode
# The time has a bounded length, and no digit before it: a search must not begin anew at every digit of a long row of them.
_THESIS_STEP = re.compile(
    rb"(?:(?<![\d.])(?P<time>\d{1,20}(?:\.\d{1,20})?)[:_ ]{1,3})?Worker[ _](?P<index>\d{1,9}):[ _]training[ _]step[ _]"
    rb"(?P<local>\d+)[ _]done[ _]\(global[ _]step:[ _]?(?P<step>\d+)\)"
)
_THESIS_ACCURACY = re.compile(rb"Accuracy[ _]at[ _]local[ _]step[ _]\d+:[ _](?P<accuracy>[-+.\w]+)")
_THESIS_ELAPSED = re.compile(rb"Training[ _]elapsed[ _]time:[ _](?P<seconds>[-+.\w]+)[ _]s")


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How a line becomes an event; `read` gives None for a line of somebody else and raises BrokenLineError."""

    name: str
    read: Reader
    groups: frozenset[str] = frozenset(GROUPS)
    # Of a format whose readers remember former lines: one for each log.
    new_reader: Callable[[], Reader] | None = None

    @property
    def is_ours(self) -> bool:
        return self.name == "tfscale"

    @property
    def is_recognised(self) -> bool:
        """Whether the log itself must tell its format (recognised.py)."""
        return self.name == AUTO

    @property
    def takes_arrivals(self) -> bool:
        """Whether the time at which a line came counts where the line tells none."""
        return self.is_recognised or self.new_reader is not None

    def reader(self) -> Reader:
        return self.new_reader() if self.new_reader else self.read

    @classmethod
    def of(cls, name_or_regex: Any) -> LogFormat:
        """A format by its name, or a regular expression with named groups."""
        if name_or_regex in ("tfscale", ""):
            return cls("tfscale", read_tfscale)
        if name_or_regex == "thesis":
            return cls("thesis", _read_thesis)
        if name_or_regex == AUTO:
            return cls(AUTO, _read_nothing)
        if isinstance(name_or_regex, str) and name_or_regex in NAMED:
            return cls(name_or_regex, _read_nothing, new_reader=NAMED[name_or_regex])
        if isinstance(name_or_regex, str) and name_or_regex.startswith("json:"):
            return cls(name_or_regex, _read_nothing, new_reader=json_reader(name_or_regex))
        pattern = _pattern_of(name_or_regex)
        return cls(str(name_or_regex), partial(_read_regex, pattern), frozenset(pattern.groupindex))


def _pattern_of(text: Any) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
        problem = _problem_of(set(pattern.groupindex))
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        problem = f"which is no regular expression ({error})"
    if problem:
        raise InputError(
            f"training_log_format is {text!r}, {problem}: give {', '.join((AUTO, 'tfscale', 'thesis', *NAMED))} or a regular"
            " expression with the named groups step or accuracy, and time and loss where the log has them"
        )
    return pattern


def _problem_of(groups: set[str]) -> str:
    unknown = sorted(groups - set(GROUPS))
    if unknown:
        return f"whose group {unknown[0]!r} is not known"
    return "" if groups & {"step", "accuracy"} else "which has neither a group step nor a group accuracy"


def _read_nothing(_line: bytes) -> Event | None:
    return None


def read_tfscale(line: bytes) -> Event | None:
    start = line.find(TOKEN)
    if start < 0:
        return None
    text = line[start + len(TOKEN) :].strip().decode("utf-8", "replace")
    try:
        said, end = _decode(text)
    except (ValueError, RecursionError):
        raise BrokenLineError("is half a line or no JSON") from None
    if end != len(text):
        raise BrokenLineError("has more behind its JSON")
    if not isinstance(said, dict) or not isinstance(said.get("event"), str):
        raise BrokenLineError("has no event")
    if said.get("v") != VERSION:
        raise BrokenLineError(f"has version {readable(str(said.get('v'))[:20])}, but only version {VERSION} is known")
    replica, index = said.get("replica"), count(said.get("index"))
    if not isinstance(replica, str) or index is None:
        raise BrokenLineError("does not say which replica it comes from")
    wall, mono = finite(said.get("wall")), finite(said.get("mono"))
    if "\\" in text or not text.isascii():
        # Half a character, an end of a line or an escape sequence may stand in JSON, but not in a ledger or on a terminal.
        said = {name: readable(value) if isinstance(value, str) else value for name, value in said.items()}
    loss, step = said.get("loss"), said.get("global_step")
    # Nearly every line is one of progress, and this is called for each.
    is_usual = (
        loss.__class__ in _NUMERIC
        and step.__class__ in _WHOLE
        and not (wall is None or mono is None or "accuracy" in said)
    )
    return Event(said["event"], replica, index, wall, mono, said, "" if is_usual else _trouble_of(said))


def _trouble_of(said: dict[str, Any]) -> str:
    """Of one of our own lines. What is a number but no finite one is judged elsewhere."""
    kinds = dict.fromkeys(("wall", "mono", "loss", "accuracy", "since_start"), _NUMERIC) | {"global_step": _WHOLE}
    wrong = [name for name in kinds if type(said.get(name)) not in kinds[name]]
    value = said[wrong[0]] if wrong else None
    return (
        unread(wrong[0], value if isinstance(value, (str, int, float)) else f"a {type(value).__name__}")
        if wrong
        else ""
    )


def _read_thesis(line: bytes) -> Event | None:
    if found := _THESIS_STEP.search(line):
        return _event_of_step(found)
    if found := _THESIS_ACCURACY.search(line):
        return _event_of_number("eval", "accuracy", found["accuracy"])
    if found := _THESIS_ELAPSED.search(line):
        return _event_of_number("elapsed", "seconds", found["seconds"])
    return None


def _event_of_number(event: str, name: str, said: bytes) -> Event:
    value = number(said)
    trouble = unread(name, said.decode("utf-8", "replace")) if value is None else ""
    return Event(event, "worker", 0, None, None, {name: value}, trouble)


def _event_of_step(found: re.Match[bytes]) -> Event:
    wall = finite(number(found["time"])) if found["time"] else None
    step = whole(found["step"])
    trouble = unread("step", found["step"].decode()) if step is None else ""
    fields = {"global_step": step, "local_step": whole(found["local"])}
    return Event("progress", "worker", int(found["index"]), wall, None, fields, trouble)


def _read_regex(pattern: re.Pattern[str], line: bytes) -> Event | None:
    found = pattern.search(line.decode("utf-8", "replace"))
    if found is None:
        return None
    said = {group: text for group, text in found.groupdict().items() if text is not None}
    fields: dict[str, Any] = {group: whole(text) if group == "step" else number(text) for group, text in said.items()}
    wall = finite(fields.pop("time", None))
    if wall is None and "time" in said:
        raise BrokenLineError(f"{unread('time', said['time'])} of seconds")
    trouble = (
        next(unread(name, said[name]) for name in fields if fields[name] is None) if None in fields.values() else ""
    )
    if "step" not in fields:
        return Event("eval", "worker", 0, wall, None, fields, trouble)
    fields["global_step"] = fields.pop("step")
    return Event("progress", "worker", 0, wall, None, fields, trouble)
