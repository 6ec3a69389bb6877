# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/examples hold for programs of one's own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CHIEF = Path(__file__).parents[2] / "docs/examples/chief.py"
# Only the chief trains; all others serve for ever.
PROGRAM = """
import json, os, socket, sys, time
config = json.loads(os.environ["TF_CONFIG"])
print(json.dumps(config), flush=True)
if config["task"]["type"] != "chief":
    time.sleep(600)
host, port = config["cluster"]["chief"][0].split(":")
with socket.create_server((host, int(port))):
    time.sleep(2)
sys.exit(int(sys.argv[1]))
"""


def addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    names = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return names


@pytest.mark.parametrize("code", [0, 3])
def test_chief_trains_and_the_others_end_with_it(tmp_path: Path, code: int) -> None:
    ps, first, second, third = addresses(4)
    cluster = {"ps": [ps], "worker": [first, second, third]}
    tasks = [("ps", 0), ("worker", 0), ("worker", 1), ("worker", 2)]
    (tmp_path / "program.py").write_text(PROGRAM)
    replicas = []
    for kind, index in tasks:
        config = json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})
        command = [sys.executable, str(CHIEF), sys.executable, str(tmp_path / "program.py"), str(code)]
        replicas.append(subprocess.Popen(command, env={**os.environ, "TF_CONFIG": config}, stdout=subprocess.PIPE))
    try:
        said = [json.loads(replica.communicate(timeout=60)[0]) for replica in replicas]
    finally:
        for replica in replicas:
            replica.kill()
    assert [replica.returncode for replica in replicas] == [0, code, 0, 0]
    assert all(one["cluster"] == {"ps": [ps], "chief": [first], "worker": [second, third]} for one in said)
    renumbered = [("ps", 0), ("chief", 0), ("worker", 0), ("worker", 1)]
    assert [(one["task"]["type"], one["task"]["index"]) for one in said] == renumbered
