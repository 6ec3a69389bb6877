"""The thesis' claims on a Kind cluster with three nodes, made and removed: the table of docs/thesis.md.

As in the thesis, nodes share the machine, and a pod may use an eighth of it. Needs what `make e2e` needs.
Usage: python tests/benchmarks/thesis_on_kind.py [variables for playbooks/thesis.yml as JSON]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.e2e.conftest import provisioned
from tests.e2e.infra import engine

RESULTS = ROOT / "results"
PODS = 8  # as many as the thesis' machine had processors, with one for each pod
VARIABLES: dict[str, Any] = {
    "cluster_name": "tfscale-thesis",
    "cluster_nodes": 3,
    "thesis_nodes": "1,2,3",
    "thesis_workers": "1,2,4,6",
    "thesis_fixed_workers": 4,
    "thesis_ps": "1,2",
    "thesis_steps": 100,
    "thesis_repeats": 5,
    "training_max_throttled_share": 1,  # the limits are meant
}


def limits(memory: str) -> dict[str, Any]:
    cpu = f"{1000 * (os.cpu_count() or 1) // PODS}m"
    return {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": cpu, "memory": memory}}


def main() -> None:
    given = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    pods = {"training_ps_resources": limits("768Mi"), "training_worker_resources": limits("1536Mi")}
    playbook = provisioned(RESULTS, **{**VARIABLES, **pods, "sweep_results_dir": str(RESULTS), **given})
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors", flush=True)
    began = time.monotonic()
    try:
        subprocess.run(playbook.command("thesis"), cwd=ROOT, env=playbook.environment(), check=False)
        print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
    finally:
        subprocess.run(
            playbook.command("teardown", cluster_teardown_held=True), cwd=ROOT, env=playbook.environment(), check=False
        )
        engine.stop()


if __name__ == "__main__":
    main()
