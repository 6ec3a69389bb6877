"""What Ansible itself costs per run: a sweep of many runs with a trainer that does nothing.

Prints the wall time per run in the first and in the last quarter of the sweep, and the controller's peak memory.
Usage: python tests/benchmarks/ansible_cost.py [runs, default 200]
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/integration/files/tiny_trainer.py"


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as results:
        variables = {
            "sweep_results_dir": results,
            "sweep_study": "cost",
            "sweep_series": [{"ps": [1], "workers": [1]}],
            "sweep_repeats": runs,
            "sweep_attempts": 1,
            "training_command": f"exec {sys.executable} -I -S {TINY} 1 0 ok",
            "training_steps": 1,
        }
        binary = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [binary, "playbooks/sweep.yml", "-e", json.dumps(variables)]
        verdict = re.compile(r"run \d+/\d+ .*(valid|suspect|void):")
        with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            times = [time.monotonic() for line in process.stdout if verdict.search(line)]
        steps = [later - earlier for earlier, later in pairwise(times)]
        quarter = max(1, len(steps) // 4)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{len(times)} runs, exit code {process.returncode}")
        print(f"median wall time a run: {median(steps):.3f} s (range {min(steps):.3f} to {max(steps):.3f})")
        print(f"first quarter {median(steps[:quarter]):.3f} s, last quarter {median(steps[-quarter:]):.3f} s a run")
        print(f"peak memory of the largest process: {peak:.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
