# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines end as their program does, compared with what a real shell says of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.shell_line import hiding
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("line", "operator"),
    [
        ("PROGRAM | cat", "|"),
        ("PROGRAM 2>&1 | tee log", "|"),
        ("PROGRAM|cat", "|"),
        ("PROGRAM || true", "||"),
        ("PROGRAM && echo done || echo failed", "||"),
        ("PROGRAM; echo done", ";"),
        ("PROGRAM;true", ";"),
        ("PROGRAM\necho done", "the end of a line"),
        ("PROGRAM &", "&"),
        ("PROGRAM & sleep 0", "&"),
        ("PROGRAM & wait", "&"),
        ("cd / && PROGRAM | cat", "|"),
        ("sh -c 'PROGRAM | cat'", "|"),
        ("exec bash -c 'PROGRAM; echo done'", ";"),
        ("bash -ec 'PROGRAM | cat'", "|"),
    ],
)
def test_hiding_names_the_operator_behind_which_a_real_shell_ends_well(
    line: str, operator: str, tmp_path: Path
) -> None:
    done = subprocess.run(["/bin/sh", "-c", line.replace("PROGRAM", "(exit 3)")], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert hiding(line) == operator


@pytest.mark.parametrize(
    "line",
    [
        "PROGRAM",
        "cd / && PROGRAM",
        "cd /; PROGRAM",
        "export A='1 | 2'; PROGRAM --x \"a | b; c &\" 2>&1 >/dev/null",
        "PROGRAM || exit 3",
        "PROGRAM; exit $?",
        "PROGRAM & wait $!",
        "sleep 0 & PROGRAM",
        "A=1 PROGRAM # | nothing",
        "set -e; PROGRAM; echo done",
        "bash -c 'set -o pipefail; PROGRAM | cat'",
        "bash -o pipefail -c 'PROGRAM | cat'",
        "bash -ec 'PROGRAM; echo done'",
        "echo $(echo a | cat) >/dev/null; PROGRAM",
        "echo a\\|b >/dev/null && PROGRAM",
        "PROGRAM \\\n --more",
    ],
)
def test_hiding_leaves_alone_what_ends_as_the_program_does(line: str) -> None:
    script = "program() { return 3; }\n" + line.replace("PROGRAM", "program") if "bash" not in line else line
    script = script.replace("PROGRAM", "(exit 3)")
    assert subprocess.run(["/bin/sh", "-c", script], check=False).returncode == 3
    assert hiding(line) == ""


@pytest.mark.parametrize(
    "line",
    ["tensorboard & exec PROGRAM", "for i in 1 2; do PROGRAM; done", "if [ -f x ]; then PROGRAM; fi", "", "   ", "'"],
)
def test_hiding_does_not_judge_what_it_does_not_know(line: str) -> None:
    assert hiding(line) == ""


@given(
    st.lists(
        st.sampled_from(["a", " ", "'", '"', "|", "&", ";", "\n", "$(", ")", "\\", "#", "-c", "sh", "!"]) | st.text()
    ).map("".join)
)
def test_hiding_of_anything_never_raises(line: str) -> None:
    assert isinstance(hiding(line), str)
