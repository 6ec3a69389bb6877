"""Stands in for trainer/__main__.py: it prints our timing log in milliseconds a run, and plants one fault.

The launcher forks it as it forks the trainer, so a study takes its runs for those of our trainer. TFSCALE_PLANT is JSON: `fault`,
`steps`, `seconds` of the training, and `who`, the index of the worker with the fault.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LOOKS = 20


def preload(argv: Sequence[str]) -> None:
    """There is nothing to import."""


class Replica:
    def __init__(self, plan: dict[str, Any]) -> None:
        cluster = json.loads(os.environ["TF_CONFIG"])
        self.kind, self.index = cluster["task"]["type"], int(cluster["task"]["index"])
        self.workers = len(cluster["cluster"]["worker"])
        self.steps, self.seconds = plan.get("steps", 2000), plan.get("seconds", 0.3)
        is_it = self.kind == "worker" and self.index == plan.get("who", 0)
        self.fault = plan["fault"] if is_it or plan.get("who") is None else "ok"
        self.wall_off = self.mono_off = self.met = 0.0
        self.events = Path(os.environ["TFSCALE_RUN_DIR"]) / "events"

    def log(self, event: str, **fields: Any) -> None:
        times = {"wall": time.time() + self.wall_off, "mono": time.monotonic() + self.mono_off}
        if self.fault == "no clock":
            times = {}
        line = {"v": 1, "event": event, "replica": self.kind, "index": self.index, **times, **fields}
        print("hello" if self.fault == "other lines" else ":::TFSCALE " + json.dumps(line), flush=True)

    def meet(self) -> None:
        """As our trainer's start line: nobody goes on before all are there."""
        self.events.mkdir(exist_ok=True)
        (self.events / f"ready-{self.index}").touch()
        while len(list(self.events.iterdir())) < self.workers:
            time.sleep(0.001)
        self.met = time.monotonic()

    def run(self) -> int:
        self.wall_off = {"clock ahead": 2.0, "clock of another hour": 3600.0}.get(self.fault, 0.0)
        self.log("process_start")
        self.log("imported", tensorflow="2.21.0")
        self.log("session_ready")
        if self.kind == "ps":
            time.sleep(0.2 if self.fault == "ps exits" else 600)
            return 0
        self.meet()
        if self.fault == "late":
            time.sleep(0.4 * self.seconds)
        if self.fault != "no start line":
            self.log("start_line", global_step=700 if self.fault == "checkpoint" else 0)
        return self.train()

    def train(self) -> int:
        for look in range(1, LOOKS + 1):
            done = look / LOOKS
            # The speed of `rising` grows in proportion to the time.
            share = done**0.5 if self.fault == "rising" else done
            time.sleep(max(0.0, self.met + self.seconds * share - time.monotonic()))
            if look == LOOKS // 2:
                code = self.half_time()
                if code is not None:
                    return code
            step = round(self.steps * done)
            loss = float("inf") if self.fault == "infinite loss" and look > LOOKS // 2 else 1.0 / step
            self.progress(step, loss)
        return self.end()

    def progress(self, step: int, loss: float) -> None:
        if self.fault == "milliseconds":
            print(f"time={1000 * time.time():.3f} step={step}", flush=True)
        else:
            self.log("progress", global_step=step, local_step=step // self.workers, loss=loss)

    def half_time(self) -> int | None:
        match self.fault:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "launcher killed":
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(600)
            case "hangs":
                time.sleep(600)
            case "exits":
                self.log("error", reason="the disk is full")
                return 1
            case "nan":
                self.log("error", reason=f"loss became nan at global step {self.steps // 2}")
                return 3
            case "ends early":
                return 0
            case "trains twice":
                self.log("start_line", global_step=0)
            case "clock back":
                self.mono_off = -0.5
            case "clock set":
                self.wall_off = 40.0
        return None

    def end(self) -> int:
        if self.index == 0 and self.fault != "no target":
            self.log("target_reached", global_step=self.steps)
            self.log("eval", global_step=self.steps, accuracy=0.31 if self.fault == "learns nothing" else 0.95)
        times = {"counted twice": 0.5, "lost": 2.0}.get(self.fault, 1.0)
        held = 0.4 * self.seconds if self.fault == "throttled" else 0.0
        seconds = {"compute": self.seconds - held, "ps": 0.0, "input": 0.0, "telemetry": 0.0, "throttled": held}
        self.log("summary", cpu_seconds=0.01, local_steps=round(times * self.steps / self.workers), seconds=seconds)
        self.log("exit", code=0)
        return 0


def main(_argv: Sequence[str]) -> int:
    return Replica(json.loads(os.environ["TFSCALE_PLANT"])).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
