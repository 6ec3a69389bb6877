"""A trainer without TensorFlow that prints our timing log: sweeps with it take milliseconds a run.

Arguments: steps, seconds a step, and what the last worker does at half time (`ok`, `exit`, `nan`, `hang`).
"""

import json
import os
import sys
import time

steps, pace, fault = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
cluster = json.loads(os.environ["TF_CONFIG"])
replica, index = cluster["task"]["type"], int(cluster["task"]["index"])
last = index == len(cluster["cluster"]["worker"]) - 1


def log(event: str, **fields: object) -> None:
    times = {"wall": time.time(), "mono": time.monotonic()}
    line = {"v": 1, "event": event, "replica": replica, "index": index, **times, **fields}
    print(":::TFSCALE " + json.dumps(line), flush=True)


if replica == "ps":
    time.sleep(600)
log("start_line", global_step=0)
began = time.monotonic()
for step in range(1, steps + 1):
    # Up to its own moment: what one step is late does not make the next one late.
    time.sleep(max(0.0, began + step * pace - time.monotonic()))
    log("progress", global_step=step, local_step=step, loss=1.0 / step)
    if last and step == steps // 2 and fault == "exit":
        sys.exit("the disk is full")
    if last and step == steps // 2 and fault == "nan":
        log("error", reason=f"loss became nan at global step {step}")
        sys.exit(3)
    if last and step == steps // 2 and fault == "hang":
        time.sleep(600)
log("target_reached", global_step=steps)
log("eval", global_step=steps, accuracy=0.95)
log("summary", cpu_seconds=0.01, rss_peak_bytes=1, throttled_seconds=0.0, wait_seconds=0.0, local_steps=steps)
log("exit", code=0)
