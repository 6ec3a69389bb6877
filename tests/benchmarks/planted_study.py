# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptive studies with planted times, through the real playbook and processes: what was told, after how many runs.

A law gives the time of each number of workers; each block and each run is drawn around it (tests/integration/files/law_trainer.py).
One line for each law and spread: runs, blocks, the fastest cell that was found and that was planted, cells called slower
although their planted time is that of the fastest, and seconds of the whole call for each run.
Usage: python tests/benchmarks/planted_study.py [seeds, default 1]
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.fixtures.laws import PROGRAM, law_trainer
from tests.fixtures.playbook import Playbook

WORKERS = (1, 2, 4, 8)
SPREADS = ("0.02", "0.05", "0.02,0.02,0.15")
MOST = 20 * len(WORKERS)


def study(folder: Path, law: str, spreads: str, seed: int) -> tuple[list[dict[str, Any]], str, float]:
    given = {
        "sweep_results_dir": str(folder),
        "sweep_study": "planted",
        "sweep_ps": [0],
        "sweep_workers": list(WORKERS),
        "training_command": f"exec {sys.executable} -I -S {PROGRAM} {law} {seed} {spreads}",
        "sweep_max_repeats": 20,
        "training_steps": 10,
        # Other programs of the machine change nothing about times that are planted.
        **{f"training_max_{name}_share": 1.0 for name in ("foreign", "steal", "drift", "skew", "rise")},
    }
    playbook, began = Playbook(folder, given, seconds=3600), time.monotonic()
    done = playbook.run("sweep")
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return playbook.records("planted"), done.stdout, time.monotonic() - began


def told(output: str, words: str) -> set[int]:
    lines = re.findall(r"workers=(\d+) stopped after block \d+: (.*)", output)
    return {int(workers) for workers, reason in lines if re.search(words, reason)}


def main(seeds: int) -> None:
    laws = {name: law_trainer().LAWS[name] for name in ("flat", "amdahl", "usl")}
    for law, spreads, seed in ((law, one, seed) for law in laws for one in SPREADS for seed in range(1, seeds + 1)):
        with tempfile.TemporaryDirectory() as text:
            records, output, seconds = study(Path(text), law, spreads, seed)
        planted = {workers: laws[law](workers) for workers in WORKERS}
        best = {workers for workers, one in planted.items() if one < 1.0001 * min(planted.values())}
        slower = told(output, "slower|times as long")
        print(
            f"{law:7} spread {spreads:15} seed {seed}: {len(records):3} runs of {MOST}, {max(one['block'] for one in records):2} blocks,"
            f" fastest {sorted(told(output, 'the fastest$')) or 'open'} of {sorted(best)}, slower {sorted(slower)}, falsely"
            f" {sorted(slower & best)}, {seconds / len(records):.2f} s a run",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
