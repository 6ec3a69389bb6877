"""What one controller needs for many clusters: wall time and memory of a study on 1, 5 and 20 of them.

The clusters are simulated (tests/fixtures/simulator.py): their pods run for half a second, so that what is measured is the controller.
Usage: python tests/benchmarks/clusters.py [blocks, default 3]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Memory(threading.Thread):
    """The most that a process had to itself, and it together with all that it started, in MiB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.alone = self.all = 0.0
        self.processes = 0
        self._pid = pid
        self.start()

    def run(self) -> None:
        while Path(f"/proc/{self._pid}/statm").exists():
            mine = [self._pid, *children(self._pid)]
            # Shared pages count once: a fork of the controller has most of them in common with it.
            sizes = [private(pid) for pid in mine]
            self.alone, self.all = (
                max(self.alone, resident(self._pid)),
                max(self.all, resident(self._pid) + sum(sizes[1:])),
            )
            self.processes = max(self.processes, len(mine))
            time.sleep(0.2)


def children(pid: int) -> list[int]:
    try:
        direct = list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return []
    return direct + [below for one in direct for below in children(one)]


def resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
    except (OSError, IndexError):
        return 0.0


def private(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def study(number: int, blocks: int) -> str:
    from tests.fixtures.simulator import clusters, inventory, variables

    with tempfile.TemporaryDirectory() as name, clusters(Path(name), number) as made:
        folder = Path(name)
        inventory(folder / "inventory.yml", made)
        extra = json.dumps({**variables(folder), "sweep_repeats": blocks})
        binary = str(Path(sys.executable).with_name("ansible-playbook"))
        words = ["-i", str(folder / "inventory.yml"), "playbooks/sweep.yml", "-f", str(number), "-e", extra]
        began = time.monotonic()
        process = subprocess.Popen(
            [binary, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        memory = Memory(process.pid)
        output, _none = process.communicate()
        seconds = time.monotonic() - began
        assert process.returncode == 0, output
        records = len((folder / "sim/ledger.jsonl").read_text().splitlines())
        requests = sum(simulator.requests for simulator, _path in made.values())
    assert records == number * blocks
    return (
        f"{number:8} {records:5} {seconds:9.1f} {seconds / number:12.1f} {memory.alone:11.0f} {memory.all:9.0f}"
        f" {memory.processes:10} {requests / records:13.1f}"
    )


if __name__ == "__main__":
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    print("clusters  runs  seconds  s/cluster  controller   all MiB  processes  requests/run")
    for number in (1, 5, 20):
        print(study(number, blocks), flush=True)
