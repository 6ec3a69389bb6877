# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a specification says in the place of values that may be secret. PRIVATE, can break at any time.

A cell is known by its specification, which records, tables and reports show. So that other values are another cell, and the same ones
the same cell on every controller, a digest stands for them. No key is kept, for it would have to be wherever the ledger is read;
instead the digest costs time, and all values of one environment or command share one: whoever wants to guess must guess them all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ..design.cell import cell_id, run_id

MARK = "sealed:"
# 64 ms on the machine this was written on, for us once a plan, for others at every guess.
ITERATIONS = 200_000
SECRET = (
    r"[\w.-]{0,40}(?:pass(?!e[sd]\b|ing)|pwd|secret|token(?!iz)|(?<![a-z])key|[-_.]key|apikey|cred|auth(?!or\b)|bearer|cookie|session"
    r"|signature|(?<![a-z])sas(?![a-z])|(?<![a-z])sig(?![a-z])|dsn|private)[\w.-]{0,40}"
)
# As a shell cuts a line.
WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\;|&()<>])+""", re.DOTALL)
ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.+)", re.DOTALL)
OPTION = re.compile(rf"--?{SECRET}|-u|--user|--proxy-user", re.IGNORECASE)
# What follows is a line of its own.
SCRIPT = re.compile(r"-[a-z]*c")
# The part to be sealed is what follows the first group.
WITHIN = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"([a-z][a-z0-9+.-]{0,30}://)([^/\s@'\"]+)(?=@)",
        rf"""(["']?{SECRET}["']?\s*[:=]\s*)((?:bearer |basic )?"[^"]*"|'[^']*'|(?:bearer |basic )?[^\s"',;&}}]+)""",
        r"()\b((?:gh[opsu]_|github_pat_|glpat-|xox[a-z]-|sk-|hf_|AKIA|ASIA|AIza|ya29\.|eyJ)[\w./+=-]{10,999})",
    )
]


def spec(study: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of a cell, or what a variant changes; what is sealed already stays as it is."""
    return {key: FORMS[key](study, value) if key in FORMS else value for key, value in given.items()}


def record(given: dict[str, Any]) -> dict[str, Any]:
    """One of an older version, whose specification has all values in clear, as the cell that it is now; else the same."""
    before = given.get("spec")
    # A ledger may have 100,000 records, and most have none of these.
    if not isinstance(before, (dict, Mapping)) or FORMS.keys().isdisjoint(before):
        return given
    after = spec(str(given.get("study")), before)
    if after == before:
        return given
    identity = cell_id(after)
    return {**given, "spec": after, "cell_id": identity, "run_id": run_id(identity, given.get("block", 0))}


def environment(study: str, told: Any) -> Any:
    """The names in their order and a digest of the values; where a value is a reference, that stands in clear.

    Version 0.3 gave an environment as JSON text. What is sealed already, or empty, stays as it is.
    """
    given = json.loads(told) if isinstance(told, str) and told.startswith("{") else told
    if not isinstance(given, Mapping) or not given:
        return told
    values = {name: value for name, value in given.items() if not isinstance(value, Mapping)}
    words = [f"{', '.join(sorted(values))} {digest(study, json.dumps(values, sort_keys=True))}"] if values else []
    return "; ".join(words + [f"{name} of {_source(given[name])}" for name in sorted(given.keys() - values.keys())])


def _source(reference: Mapping[str, Any]) -> str:
    kind = next(one for one in reference if one != "key")
    return f"{kind} {reference[kind]}, key {reference['key']}"


def command(study: str, line: Any) -> Any:
    """The words of a line for the shell; what looks like a secret is sealed, in scripts within it as well."""
    if not isinstance(line, str):
        return line
    values: list[str] = []
    _hidden(line, "", values)
    return _hidden(line, digest(study, json.dumps(values)), []) if values else line


def _hidden(line: str, seal: str, values: list[str]) -> str:
    """With `seal` in the place of secrets; they are added to `values`."""

    def hide(value: str) -> str:
        if not value or MARK in value or not value.strip("\"'"):
            return value
        values.append(value)
        return seal

    before = ""

    def word(found: re.Match[str]) -> str:
        nonlocal before
        last, before = before, _unquoted(found[0])
        raw, plain = found[0], before
        if OPTION.fullmatch(last):
            return hide(plain)
        if (assigned := ASSIGNMENT.fullmatch(plain)) and not SCRIPT.fullmatch(last):
            return f"{assigned['name']}={hide(assigned['value'])}"
        inner = plain
        if re.search(r"\s", plain):
            inner = _hidden(plain, seal, values)
        for pattern in WITHIN:
            inner = pattern.sub(lambda part: part[1] + hide(part[2]), inner)
        return raw if inner == plain else shlex.quote(inner)

    return WORD.sub(word, line)


def _unquoted(raw: str) -> str:
    try:
        return "".join(shlex.split(raw))
    except ValueError:
        return raw


@cache
def digest(study: str, text: str) -> str:
    """The study's name is its salt: known, but no table of digests serves two studies."""
    salt = f"tfscale.study {study}".encode()
    return MARK + hashlib.pbkdf2_hmac("sha256", text.encode("utf-8", "surrogatepass"), salt, ITERATIONS).hex()[:16]


# Keys of a specification that may hold secrets.
FORMS: Mapping[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("env", "ps_env", "worker_env"), environment),
    "command": command,
}
