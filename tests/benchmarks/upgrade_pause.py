"""How long a training stands still while it is upgraded: from its last step before to its first step after.

Deploys 2 ps and 4 workers with a volume, upgrades them in several ways, and reads all workers' logs meanwhile. The pause is the
longest time in which no worker told of a step; steps lost are those the training had to make again.
Usage: python tests/benchmarks/upgrade_pause.py KUBECONFIG NAMESPACE IMAGE [repeats, default 3]
       IMAGE has the trainer and is on the nodes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOKEN = ":::TFSCALE "
NAME, PS, WORKERS = "pause", 2, 4
# Each has two versions, between which it goes to and fro.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "new learning rate, rolling": ({"training_learning_rate": 0.0005}, {"training_learning_rate": 0.001}),
    "new learning rate, recreate": (
        {"training_learning_rate": 0.0005, "upgrade_strategy": "recreate"},
        {"training_learning_rate": 0.001, "upgrade_strategy": "recreate"},
    ),
    "new ps resources, rolling": (
        {"training_ps_resources": {"requests": {"cpu": "60m", "memory": "384Mi"}}},
        {"training_ps_resources": {"requests": {"cpu": "50m", "memory": "384Mi"}}},
    ),
    "4 to 3 workers, or back": ({"training_workers": WORKERS - 1}, {"training_workers": WORKERS}),
}


class Steps:
    """What the workers tell, over all the lives of their pods."""

    def __init__(self, kubeconfig: str, namespace: str) -> None:
        self._base = ["kubectl", "--kubeconfig", kubeconfig, "--namespace", namespace, "logs", "--follow"]
        self.seen: list[tuple[float, int]] = []
        self._stopped = False
        for index in range(WORKERS):
            threading.Thread(target=self._read, args=(f"{NAME}-worker-{index}",), daemon=True).start()

    def _read(self, pod: str) -> None:
        while not self._stopped:
            command = [*self._base, "--tail=1", pod]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as log:
                for line in log.stdout or ():
                    if line.startswith(TOKEN) and '"progress"' in line:
                        event = json.loads(line.removeprefix(TOKEN))
                        self.seen.append((event["wall"], event["global_step"]))
            time.sleep(0.2)

    def stop(self) -> None:
        self._stopped = True

    def wait_for_one_after(self, wall: float) -> None:
        """Else the pause would end before it has begun: a log that is followed anew comes late."""
        while max(self.seen, default=(0.0, 0))[0] < wall + 2:
            time.sleep(0.5)

    def figures(self, since: float) -> tuple[float, int]:
        """The longest pause in seconds, and how far the global step fell back."""
        told = sorted(one for one in self.seen if one[0] >= since)
        pause = max(later[0] - earlier[0] for earlier, later in pairwise(told))
        highest = lost = 0
        for _wall, step in told:
            lost = max(lost, highest - step)
            highest = max(highest, step)
        return pause, lost


def play(name: str, variables: dict[str, Any]) -> None:
    binary = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [binary, "-i", "inventories/kind", f"playbooks/{name}.yml", "-e", json.dumps(variables)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(done.stdout)


def other_than(usual: dict[str, Any], versions: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """The version that does not stand: cases share hyperparameters."""
    first, second = versions
    return (
        second if all(usual.get(key) == value for key, value in first.items() if key.startswith("training_")) else first
    )


def main(kubeconfig: str, namespace: str, image: str, repeats: int) -> None:
    usual: dict[str, Any] = {
        "cluster_provider": "existing",
        "cluster_kubeconfig": kubeconfig,
        "cluster_namespace": namespace,
        "image_delivery": "none",
        "training_image": image,
        "training_image_pull_policy": "Never",
        "training_name": NAME,
        "training_ps": PS,
        "training_workers": WORKERS,
        "training_steps": 0,
        "training_telemetry_every": 20,
        "training_checkpoint_seconds": 5,
        "training_volume": {"size": "1Gi", "keep": False},
        "training_worker_resources": {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"memory": "1536Mi"}},
    }
    figures: dict[str, list[tuple[float, int, float]]] = {case: [] for case in CASES}
    play("deploy", usual)
    steps = Steps(kubeconfig, namespace)
    try:
        for case, versions in CASES.items():
            for _repeat in range(repeats):
                usual |= other_than(usual, versions)
                time.sleep(10)
                since = time.time()
                play("upgrade", usual)
                took = time.time() - since
                steps.wait_for_one_after(time.time())
                figures[case].append((*steps.figures(since), took))
                print(case, figures[case][-1], flush=True)
            usual.pop("upgrade_strategy", None)
    finally:
        steps.stop()
        play("deploy", {**usual, "training_state": "absent"})
    for case, found in figures.items():
        pauses = [pause for pause, _lost, _took in found]
        again = [lost for _pause, lost, _took in found]
        seconds = median(took for _pause, _lost, took in found)
        print(
            f"{case}: pause {median(pauses):.1f} s ({min(pauses):.1f} to {max(pauses):.1f}), steps made again"
            f" {median(again):.0f} (at most {max(again)}), the playbook {seconds:.0f} s; {len(found)} repeats"
        )


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(print(__doc__))
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 3)
