# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long 2 parameter servers and some workers take from the launch until the last worker stands at the start line.

Three ways, interleaved: every replica imports TensorFlow itself, one launcher that has to import it first (cold), and
a launcher that has imported it for an earlier run (warm). Prints medians and ranges.
Usage: .venv-trainer/bin/python tests/benchmarks/startup.py [repeats, default 3] [workers, default 8]
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(os.environ.get("TFSCALE_ROOT", Path(__file__).resolve().parents[2]))
PS = 2
WORKERS = int(sys.argv[2]) if len(sys.argv) > 2 else 8
FLAGS = ["--train_steps", "1000000", "--threads", "1", "--seed", "1"]
PATIENCE_SECONDS = 180
TOKEN = ":::TFSCALE "


def start_lines(run_dir: Path) -> list[float]:
    walls = []
    for log in run_dir.glob("worker-*.log"):
        events = [json.loads(line[len(TOKEN) :]) for line in log.read_text().splitlines() if line.startswith(TOKEN)]
        walls += [event["wall"] for event in events if event["event"] == "start_line"]
    return walls


def await_start_lines(run_dir: Path, began: float) -> float:
    end = time.monotonic() + PATIENCE_SECONDS
    while len(walls := start_lines(run_dir)) < WORKERS:
        if time.monotonic() > end:
            raise SystemExit(f"only {len(walls)} of {WORKERS} workers stand at the start line; see {run_dir}")
        time.sleep(0.1)
    return max(walls) - began


def free_hosts() -> list[str]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _number in range(PS + WORKERS)]
    hosts = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    for listener in listeners:
        listener.close()
    return hosts


def import_each(run_dir: Path) -> float:
    run_dir.mkdir()
    hosts = free_hosts()
    places = [("ps", i) for i in range(PS)] + [("worker", i) for i in range(WORKERS)]
    cluster = ["--ps_hosts", ",".join(hosts[:PS]), "--worker_hosts", ",".join(hosts[PS:])]
    began, processes = time.time(), []
    for job, index in places:
        command = [sys.executable, "-m", "trainer", "--job_name", job, "--task_index", str(index), *cluster, *FLAGS]
        with open(run_dir / f"{job}-{index}.log", "wb") as log:
            processes.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT))
    try:
        return await_start_lines(run_dir, began)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def cold(run_dir: Path) -> float:
    began = time.time()
    place = ["--ps", str(PS), "--workers", str(WORKERS), "--run_dir", str(run_dir), "--owner_pid", str(os.getpid())]
    command = [sys.executable, "-m", "trainer.launch", *place, "--", *FLAGS]
    launcher = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        return await_start_lines(run_dir, began)
    finally:
        launcher.send_signal(signal.SIGTERM)
        launcher.wait()


def ask(path: Path, **request: Any) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(client.makefile().readline())
    if not answer["ok"]:
        raise SystemExit(answer["error"])
    return answer


def warm(path: Path, run_dir: Path) -> float:
    began = time.time()
    ask(path, op="start", run_dir=str(run_dir), ps=PS, workers=WORKERS, argv=FLAGS)
    try:
        return await_start_lines(run_dir, began)
    finally:
        ask(path, op="remove", run_dir=str(run_dir))


def main(repeats: int) -> None:
    seconds: dict[str, list[float]] = {"import in each": [], "cold launcher": [], "warm launcher": []}
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "s"
        command = [sys.executable, "-m", "trainer.launch", "--serve", str(path), "--owner_pid", str(os.getpid())]
        service = subprocess.Popen(command, cwd=ROOT)
        while not path.exists():
            time.sleep(0.02)
        ask(path, op="preload", argv=FLAGS)
        for number in range(repeats):
            seconds["import in each"].append(import_each(folder / f"each-{number}"))
            seconds["cold launcher"].append(cold(folder / f"cold-{number}"))
            seconds["warm launcher"].append(warm(path, folder / f"warm-{number}"))
        ask(path, op="stop")
        service.wait()
    for way, values in seconds.items():
        print(f"{way}: median {median(values):.2f} s (range {min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
