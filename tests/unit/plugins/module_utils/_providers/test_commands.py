# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are missing, fail, never end or do what they should."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._providers.commands import ProgramError, call, last_lines


def test_call_returns_what_was_printed_to_stdout() -> None:
    assert (
        call(["sh", "-c", "cat; echo $WORD; echo aside >&2"], timeout=60, text="in ", env={"WORD": "out"}) == "in out\n"
    )


def test_call_without_text_gives_nothing_to_read() -> None:
    assert call(["cat"], timeout=60) == ""


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["kind-is-not-here"], None, "the program kind-is-not-here is not on PATH: install it"),
        (["sh", "-c", "echo no such image >&2; exit 3"], 3, "ended with 3: no such image"),
        (["sh", "-c", "exit 4"], 4, "ended with 4: it said nothing"),
        (["sleep", "9"], None, "`sleep 9` did not end within 0 s"),
        (["/"], None, "the program / cannot be started: "),
    ],
)
def test_call_that_fails_is_a_sentence(words: list[str], code: int | None, sentence: str) -> None:
    with pytest.raises(ProgramError) as caught:
        call(words, timeout=0.2 if words[0] == "sleep" else 60)
    assert sentence in str(caught.value)
    assert caught.value.code == code


def test_call_names_where_a_known_program_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramError, match="the program kind is not on PATH: install it from https://kind"):
        call(["kind", "version"], timeout=60)


def test_call_leaves_a_lock_with_the_program(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        probe = f"import os; os.fstat({file.fileno()})"
        assert call([sys.executable, "-c", probe], timeout=60, keep=[file.fileno()]) == ""
        with pytest.raises(ProgramError, match="Bad file descriptor"):
            call([sys.executable, "-c", probe], timeout=60)
    assert os.path.exists(tmp_path / "lock")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n\n  \nb\n", "a\nb"),
        ("\x1b[1mbold\x1b[0m\nspin 1\rspin 2\rdone", "bold\ndone"),
        ("\n".join(map(str, range(20))), "\n".join(map(str, range(8, 20)))),
        ("", ""),
        ("\x1b]0;owned\x07no\u202e room\x9b2J\r\nnul\x00", "no room\nnul"),
    ],
)
def test_last_lines_are_for_people(text: str, lines: str) -> None:
    assert last_lines(text) == lines
