"""What Ansible itself costs per run: a sweep of many runs with a trainer that does nothing.

Twelve cells in as many blocks as it takes. Prints the wall time per run and the controller's memory in the first and in the
last quarter of the sweep. The trainer itself takes about 0.1 s of each run (starts of Python), which is not Ansible's.
Usage: python tests/benchmarks/ansible_cost.py [runs, default 204]
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/integration/files/tiny_trainer.py"


def resident(pid: int) -> float:
    """MiB of the controller itself, without its workers."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as results:
        variables = {
            "sweep_results_dir": results,
            "sweep_study": "cost",
            "sweep_series": [{"ps": [0, 1, 2, 3], "workers": [1, 2, 3]}],
            "sweep_repeats": runs // 12,
            "sweep_attempts": 1,
            "training_command": f"exec {sys.executable} -I -S {TINY} 1 0 ok",
            "training_steps": 1,
        }
        binary = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [binary, "playbooks/sweep.yml", "-e", json.dumps(variables)]
        verdict = re.compile(r"run \d+/\d+ .*(valid|suspect|void):")
        with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            marks = [(time.monotonic(), resident(process.pid)) for line in process.stdout if verdict.search(line)]
        steps = [later - earlier for (earlier, _before), (later, _after) in pairwise(marks)]
        memory = [mebibytes for _moment, mebibytes in marks]
        quarter = max(1, len(steps) // 4)
        print(f"{len(marks)} runs, exit code {process.returncode}")
        print(f"median wall time a run: {median(steps):.3f} s (range {min(steps):.3f} to {max(steps):.3f})")
        print(f"first quarter {median(steps[:quarter]):.3f} s, last quarter {median(steps[-quarter:]):.3f} s a run")
        print(
            f"controller's memory: {memory[quarter]:.0f} MiB after the first quarter, {memory[-1]:.0f} MiB at the end"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 204)
