# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many interrupts of a real local sweep are lost, how long it takes until it is over, and what is left.

Four calls in turn are interrupted on each study, so that each goes on where the one before was; then a last one ends it.
Prints a line for each way: a key press at a random moment, a key press in a hook of fork (made 50 ms wide), and signals to the one
process. Usage: .venv-test/bin/python tests/benchmarks/interrupts.py [times as many, default 1] [way]
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fixtures.playbook import Playbook
from tests.fixtures.terminal import Terminal, forked_at

TIMES = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
# The fork hooks come in both kinds that a controller runs itself.
WAYS = {"key": 40, "key before a fork": 10, "key after a fork": 10, "SIGINT": 8, "SIGTERM": 8, "window closed": 8}
HOOKS = {"key before a fork": "before", "key after a fork": "after_in_parent"}
SPREAD_SECONDS = 8.0
OVER_SECONDS = 5.0
BLOCKS = 60


@dataclass
class Tally:
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    left: int = 0
    tracebacks: int = 0


def study_in(folder: Path) -> Playbook:
    trainer = f"exec {sys.executable} -I -S {ROOT}/tests/integration/files/tiny_trainer.py 3 0.001 ok"
    variables = {
        "sweep_results_dir": str(folder),
        "sweep_study": "tiny",
        "sweep_series": [{"ps": [1], "workers": [1]}],
        "sweep_repeats": BLOCKS,
        "sweep_attempts": 1,
        "training_command": trainer,
        "training_steps": 3,
        "training_max_foreign_share": 1.0,
        "training_max_steal_share": 1.0,
    }
    return Playbook(folder, variables)


def interrupt(terminal: Terminal, way: str, moment: Path) -> None:
    if way in HOOKS:
        assert terminal.read_until(moment.exists, 120), terminal.text
    else:
        assert terminal.read_until(lambda: "study tiny" in terminal.text, 120), terminal.text
        terminal.read(random.uniform(0, SPREAD_SECONDS))
    if way.startswith("key"):
        terminal.press()
    elif way == "window closed":
        terminal.hang_up()
    else:
        os.kill(terminal.pid, getattr(signal, way))


def call(playbook: Playbook, way: str, tally: Tally) -> None:
    moment = playbook.results / "moment"
    moment.unlink(missing_ok=True)
    env = forked_at(HOOKS[way], random.randint(1, 40), moment) if way in HOOKS else {}
    before = playbook.records()
    terminal = Terminal.of(Playbook(playbook.results, playbook.variables, env=env), "sweep")
    try:
        interrupt(terminal, way, moment)
        since = time.monotonic()
        lost = terminal.read(OVER_SECONDS) or terminal.code == 0
        tally.seconds.append(time.monotonic() - since)
        tally.lost += lost
        tally.left += bool(terminal.left_after(OVER_SECONDS))
        bad = lost or "Traceback" in terminal.text or "[ERROR]" in terminal.text
        tally.tracebacks += "Traceback" in terminal.text
        if bad:
            print(f"--- {way}: {terminal.code}\n{terminal.text}", flush=True)
    finally:
        terminal.close()
    after = playbook.records()
    assert after[: len(before)] == before
    assert len({record["run_id"] for record in after}) == len(after)


def measure(way: str, presses: int, folder: Path) -> Tally:
    tally = Tally()
    for number in range(presses):
        if number % 4 == 0:
            playbook = study_in(Path(tempfile.mkdtemp(dir=folder)))
        call(playbook, way, tally)
    last = playbook.run("sweep", sweep_repeats=len(playbook.records()) + 1)
    assert last.returncode == 0, last.stdout + last.stderr
    return tally


def main() -> None:
    print(f"{'way':<20} presses  lost  left  tracebacks  over after (s): median, worst", flush=True)
    with tempfile.TemporaryDirectory(prefix="interrupts-") as folder:
        for way, presses in WAYS.items():
            if way in (sys.argv[2:] or WAYS):
                tally = measure(way, max(1, round(presses * TIMES)), Path(folder))
                figures = f"{len(tally.seconds):>7}  {tally.lost:>4}  {tally.left:>4}  {tally.tracebacks:>10}"
                print(
                    f"{way:<20} {figures}  {median(tally.seconds):.2f}, {max(tally.seconds):.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
