# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` says at its end is what continuous integration believes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import checks


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        (["==== 12 passed in 3.45s ====\n"], {"passed": 12}),
        (
            ["= 2 failed, 10 passed, 1 skipped, 3 errors in 61.20s (0:01:01) =\n"],
            {"failed": 5, "passed": 10, "skipped": 1},
        ),
        (["1 passed in 0.10s\n", "2 passed, 1 xfailed, 1 xpassed in 0.20s\n"], {"passed": 4, "failed": 1}),
        (["Found 3 errors in 2 files\n", "All checks passed!\n", "run 4/15 valid: 2000 steps in 4.1 s\n"], {}),
    ],
)
def test_counts_of_closing_lines(lines: list[str], counts: dict[str, int]) -> None:
    assert checks.counts_of(lines) == counts


@pytest.mark.parametrize(
    ("code", "counts", "expected"),
    [
        (0, {"passed": 4, "skipped": 1}, (4, 0, 1)),
        (0, {}, (1, 0, 0)),
        (1, {"passed": 4, "failed": 2}, (4, 2, 0)),
        (2, {}, (0, 1, 0)),
        (2, {"passed": 4}, (4, 1, 0)),
        (0, {"skipped": 3}, (0, 0, 3)),
    ],
)
def test_passed_and_failed(code: int, counts: dict[str, int], expected: tuple[int, int, int]) -> None:
    assert checks.Part("unit", code, 1.0, counts).passed_and_failed() == expected


def test_closing_sums_and_names_the_part_that_failed() -> None:
    lines = checks.closing([checks.Part("lint", 2, 3.2), checks.Part("unit", 0, 61.0, {"passed": 7, "skipped": 1})])
    assert lines[1].split() == ["lint", "3", "s", "FAILED"]
    assert lines[2].split() == ["unit", "61", "s", "ok"]
    assert lines[-1] == "7 passed, 1 failed, 1 skipped"


@pytest.mark.parametrize("words", [["--group", "bad", "good"], ["--group", "bad", "--group", "good"]])
def test_main_runs_every_part_although_one_fails(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Makefile").write_text("bad:\n\t@exit 3\ngood:\n\t@echo 5 passed in 0.01s\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    assert checks.main(words) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "5 passed, 1 failed, 0 skipped"


def test_main_is_content_when_every_part_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Makefile").write_text("good:\n\t@echo 5 passed in 0.01s\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    assert checks.main(["--group", "good"]) == 0
