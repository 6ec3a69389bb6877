"""Runs a program in which only the chief trains: python3 chief.py PROGRAM ... as training_command, with processes and in pods.

It makes worker 0 the chief of TF_CONFIG and renumbers the other workers. A server of such a program joins forever, but a run succeeds
when every worker has exited with 0. This program therefore ends a server with 0 when nobody listens on the chief's port any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

LOOK_SECONDS = 0.5


def with_chief(config: dict[str, Any]) -> dict[str, Any]:
    """The same cluster with worker 0 as its chief."""
    cluster, task = dict(config["cluster"]), dict(config["task"])
    first, *workers = cluster.pop("worker")
    cluster["chief"] = [first]
    if workers:
        cluster["worker"] = workers
    if task["type"] == "worker":
        task = {"type": "worker", "index": task["index"] - 1} if task["index"] else {"type": "chief", "index": 0}
    return {"cluster": cluster, "task": task}


def listens(address: str) -> bool:
    host, _colon, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
        return True
    return False


def serve(program: subprocess.Popen[bytes], chief: str) -> int:
    """Until the program ends, or the chief is gone that was there."""
    was_there = False
    while program.poll() is None:
        is_there = listens(chief)
        if was_there and not is_there:
            program.kill()
            program.wait()
            return 0
        was_there = was_there or is_there
        time.sleep(LOOK_SECONDS)
    return program.returncode


def main() -> int:
    config = with_chief(json.loads(os.environ["TF_CONFIG"]))
    os.environ["TF_CONFIG"] = json.dumps(config)
    if config["task"]["type"] == "chief":
        os.execvp(sys.argv[1], sys.argv[1:])
    program = subprocess.Popen(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda _number, _frame: program.terminate())
    return serve(program, config["cluster"]["chief"][0])


if __name__ == "__main__":
    sys.exit(main())
