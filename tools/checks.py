# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run make targets as the parts of one check, and close with how long each took and how many tests passed.

A part that fails does not end the others: one run tells everything. The closing line counts the tests of every part;
a part without tests (a linter) counts as one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

CLOSING_LINE = re.compile(r"\b\d+ \w+.* in \d+\.\d+s\b")
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed)\b")
OUTCOME_OF = {"error": "failed", "errors": "failed", "xfailed": "passed", "xpassed": "failed"}


@dataclass
class Part:
    """One make target, run."""

    name: str
    code: int
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)

    def passed_and_failed(self) -> tuple[int, int, int]:
        """Tests passed, failed and skipped; without tests, or when the target broke outside of them, itself."""
        passed, failed, skipped = (self.counts.get(key, 0) for key in ("passed", "failed", "skipped"))
        if self.code == 0:
            return passed or (0 if skipped else 1), failed, skipped
        return passed, failed or 1, skipped


def counts_of(lines: list[str]) -> dict[str, int]:
    """Add up what the closing lines of pytest say (`12 passed, 1 skipped in 3.45s`)."""
    counts: dict[str, int] = {}
    for line in lines:
        if CLOSING_LINE.search(line):
            for number, word in COUNT.findall(line):
                outcome = OUTCOME_OF.get(word, word)
                counts[outcome] = counts.get(outcome, 0) + int(number)
    return counts


def run_part(name: str, *, live: bool) -> Part:
    """Run one target; its output appears at once, or in one piece when others run beside it."""
    started = time.monotonic()
    lines = [f"==== {name}\n"]
    if live:
        print(lines.pop(), end="", flush=True)
    with subprocess.Popen(
        ["make", "--keep-going", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
        for line in process.stdout:
            lines.append(line)
            if live:
                print(line, end="", flush=True)
    part = Part(name, process.returncode, time.monotonic() - started, counts_of(lines))
    if not live:
        print("".join(lines), end="", flush=True)
    return part


def closing(parts: list[Part]) -> list[str]:
    """A table of the parts and the line that counts."""
    sums = [sum(column) for column in zip(*(part.passed_and_failed() for part in parts), strict=True)]
    table = [f"{part.name:15} {part.seconds:6.0f} s  {'ok' if part.code == 0 else 'FAILED'}" for part in parts]
    return ["==== parts", *table, f"{sums[0]} passed, {sums[1]} failed, {sums[2]} skipped"]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted = "run these two at a time, and the groups after each other"
    parser.add_argument("--group", nargs="+", action="append", default=[], metavar="TARGET", help=wanted)
    parts: list[Part] = []
    for group in parser.parse_args(argv).group:
        with ThreadPoolExecutor(max_workers=2) as pool:
            parts += pool.map(partial(run_part, live=len(group) == 1), group)
    print("\n".join(closing(parts)), flush=True)
    return 1 if any(part.code for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
