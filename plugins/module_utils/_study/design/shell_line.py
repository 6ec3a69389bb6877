# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What in a line for the shell hides how its program ended. PRIVATE, can break at any time.

It looks at the outermost line only, and at the line of a shell that it starts with -c: a warning, and no parser of shells.
"""

from __future__ import annotations

import re
import shlex

# Quoted and escaped text, substitutions, redirections and comments hold no operator of the line.
_BLANK = re.compile(
    r"\\\n|\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|\$\{[^}]*\}|&>>?|\d*[<>]{1,2}[&|]?|(?:(?<=\s)|^)#[^\n]*", re.DOTALL
)
_SUBSTITUTION = re.compile(r"\$\([^()]*\)")
_OPERATOR = re.compile(r"\|\||&&|\|&?|&|;+|\n+")
# What prepares for a program, and what has nothing to tell of one.
_MINOR = frozenset({"", ":", ".", "[", "cd", "echo", "export", "mkdir", "printf", "set", "sleep", "source", "test"})
_MINOR |= frozenset({"true", "trap", "ulimit", "umask", "unset", "wait"})
_FAILING = frozenset({"exit", "false", "kill", "return"})
_COMPOUND = re.compile(r"(?:^|[\s;&|])(?:case|for|if|until|while|\{)\s|<<")
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|k|z)?sh\Z")


def hiding(line: str) -> str:
    """The operator behind which an exit code is lost; empty where the line ends as its program does."""
    if inner := _inner(line):
        return hiding(inner)
    plain = _BLANK.sub(" ", line)
    while (reduced := _SUBSTITUTION.sub(" x ", plain)) != plain:
        plain = reduced
    operators = [found[0][0] if found[0][0] in ";\n" else found[0] for found in _OPERATOR.finditer(plain)]
    commands = [command.split() for command in _OPERATOR.split(plain)]
    for place, operator in enumerate(operators):
        if _hides(operator, commands[place], commands[place + 1 :], line):
            return "the end of a line" if operator == "\n" else operator
    return "!" if commands[-1][:1] == ["!"] else ""


def _inner(line: str) -> str:
    """The script behind a shell's -c, where an option makes a pipe fail with its first command as well."""
    try:
        words = shlex.split(line)
    except ValueError:
        return ""
    words = words[1:] if words[:1] == ["exec"] else words
    if not words or not _SHELL.match(words[0]):
        return ""
    for place, word in enumerate(words[1:-1], start=1):
        if re.match(r"-[a-z]*c\Z", word):
            return " ".join(
                ["set", *words[1:place], *([word.replace("c", "")] if len(word) > 2 else []), "\n", words[place + 1]]
            )
    return ""


def _hides(operator: str, command: list[str], later: list[list[str]], line: str) -> bool:
    if operator in ("|", "|&"):
        return not re.search(r"\bpipefail\b", line)
    following = _name(later[0])
    if operator == "||":
        return following not in _FAILING
    if operator == "&":
        # A helper beside the program is no concern; a program that nobody waits for by its number is.
        return all(_name(one) in _MINOR and not (_name(one) == "wait" and len(one) > 1) for one in later)
    if operator in (";", "\n"):
        lost = _name(command) not in _MINOR and any(later)
        return (
            lost
            and following != "exit"
            and not re.search(r"\bset\s+-\w*e|\berrexit\b", line)
            and not _COMPOUND.search(line)
        )
    return False


def _name(command: list[str]) -> str:
    """Behind what is set for it alone."""
    return next((word for word in command if word != "exec" and not re.match(r"\w+=", word)), "")
