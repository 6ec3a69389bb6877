"""A trainer without TensorFlow whose times are planted: a law of the number of workers, a drift of each block, a spread of each run.

It prints our timing log and really takes the time that it tells: some hundred milliseconds. Arguments: the law, the study's seed,
and the spread of a run as the standard deviation of the logarithm of its time, or several by commas for 1, 2, 4 ... workers.
TIMES in the environment makes it a version that takes so many times as long.
"""

import json
import math
import os
import random
import re
import sys
import time
from collections.abc import Callable

DRIFT = 0.05
# Seconds of w workers. Amdahl: b + a/w. USL: (a/w)(1 + s(w-1) + k w(w-1)), after Gunther.
LAWS: dict[str, Callable[[int], float]] = {
    "flat": lambda w: 0.15,
    "amdahl": lambda w: 0.05 + 0.25 / w,
    "slower": lambda w: 0.1 + 0.05 * w,
    "usl": lambda w: 0.3 / w * (1 + 0.05 * (w - 1) + 0.2 * w * (w - 1)),
}


def seconds(law: str, workers: int, block: int, seed: int, spreads: tuple[float, ...], times: float = 1.0) -> float:
    drift = random.Random(f"{seed}-{block}").gauss(0.0, DRIFT)
    spread = spreads[min(workers.bit_length(), len(spreads)) - 1]
    noise = random.Random(f"{seed}-{block}-{workers}" + (f"-{times}" if times != 1 else "")).gauss(0.0, spread)
    return times * LAWS[law](workers) * math.exp(drift + noise)


def main(law: str, seed: str, spreads: str) -> None:
    cluster = json.loads(os.environ["TF_CONFIG"])
    index, workers = int(cluster["task"]["index"]), len(cluster["cluster"]["worker"])
    (block,) = re.findall(r"/[0-9a-f]{12}-([0-9]+)/", os.environ["TFSCALE_RUN_DIR"] + "/")
    times = float(os.environ.get("TIMES", "1"))
    planted = seconds(law, workers, int(block), int(seed), tuple(map(float, spreads.split(","))), times)
    wall, mono = time.time(), time.monotonic()

    def log(event: str, after: float, **fields: object) -> None:
        # Late by nothing: what the machine's clock adds to a sleep is no part of what is planted.
        time.sleep(max(0.0, mono + after - time.monotonic()))
        times = {"wall": wall + after, "mono": mono + after}
        print(
            ":::TFSCALE "
            + json.dumps({"v": 1, "event": event, "replica": "worker", "index": index, **times, **fields}),
            flush=True,
        )

    log("start_line", 0.0, global_step=0)
    for step in range(1, 11):
        log("progress", planted * step / 10, global_step=step, local_step=step, loss=1.0 / step)
    log("target_reached", planted, global_step=10)
    log("eval", planted, global_step=10, accuracy=0.95)
    log("summary", planted, cpu_seconds=0.01, rss_peak_bytes=1, throttled_seconds=0.0, wait_seconds=0.0, local_steps=10)
    log("exit", planted, code=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
