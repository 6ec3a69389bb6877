# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether replicas reach each other, and who else reaches them: from loopback and from the machine's own addresses outside."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trainer import network
from trainer.network import LaunchError
from trainer.replicas import Request

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90
# What everybody may execute; the environments of the tests may lie in root's own folder.
PYTHON = "/usr/bin/python3"
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
WITHOUT_RIGHT = ["setpriv", "--bounding-set=-sys_admin"]

# The ps listens on every address, as TensorFlow's server does; the worker asks it, tells, and waits to be let go.
PROGRAM = """
import os, socket, time
host, port = os.environ["PS_HOSTS"].split(":")
if os.environ["JOB_NAME"] == "ps":
    server = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        server.accept()[0].sendall(b"in")
while True:
    try:
        said = socket.create_connection((host, int(port)), 5).recv(2)
        break
    except ConnectionRefusedError:
        time.sleep(0.01)
print("reached", os.geteuid(), flush=True)
while not os.path.exists("go"):
    time.sleep(0.01)
"""


def is_root_with_programs() -> bool:
    return os.geteuid() == 0 and bool(shutil.which("setpriv")) and Path(PYTHON).exists()


needs_root = pytest.mark.skipif(not is_root_with_programs(), reason="only root can become somebody else")


def reachable(port: int) -> list[str]:
    """The addresses of this machine where somebody answers at this port."""
    found = []
    for address in ("127.0.0.1", "::1", *outside_addresses()):
        try:
            socket.create_connection((address, port), timeout=2).close()
        except OSError:
            continue
        found.append(address)
    return found


def outside_addresses() -> Iterator[str]:
    """What other machines call this one; nothing is sent."""
    for family, somewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect((somewhere, 9))
            except OSError:
                continue
            yield asking.getsockname()[0]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Anybody's: pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory(prefix="tfscale-test-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


Watch = Callable[..., tuple[dict[str, Any], list[str], str]]


@pytest.fixture
def watch(folder: Path) -> Watch:
    """Run the launcher; its state, who reached the ps while it ran, and what it said on stderr."""

    def run(*words: str, become: list[str], python: str = PYTHON, ready: str = "reached") -> Any:
        command = [*become, python, "-B", "-m", "trainer.launch", "--run_dir", str(folder / "run"), *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stderr=subprocess.PIPE)
        try:
            await_line(folder / "run" / "worker-0.log", ready, process)
            state = json.loads((folder / "run" / "state.json").read_text())
            found = reachable(int(state["replicas"][0]["host"].rpartition(":")[2]))
            (folder / "go").touch()
            _out, said = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, said
        return state, found, said

    return run


def await_line(log: Path, ready: str, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + SECONDS
    while not log.exists() or ready not in log.read_text():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, log.read_text() if log.exists() else "no log"
        time.sleep(0.02)


def program(network_given: str) -> list[str]:
    return ["--ps", "1", "--workers", "2", "--network", network_given, "--command", "--", PYTHON, "-c", PROGRAM]


@pytest.mark.parametrize("become", [pytest.param([], id="user"), pytest.param(NOBODY, id="nobody", marks=needs_root)])
def test_replicas_with_loopback_are_reached_by_each_other_alone(watch: Watch, folder: Path, become: list[str]) -> None:
    state, found, said = watch(*program("loopback"), become=become)
    assert (state["network"], found, said) == ({"kind": "loopback", "refused": ""}, [], "")
    user = 65534 if become else os.geteuid()
    for index in range(2):
        log = folder / "run" / f"worker-{index}.log"
        assert (log.read_text(), log.stat().st_uid) == (f"reached {user}\n", user)


def test_replicas_with_host_are_reached_by_everybody(watch: Watch) -> None:
    state, found, said = watch(*program("host"), become=[])
    assert (state["network"], said) == ({"kind": "host", "refused": ""}, "")
    assert found == ["127.0.0.1", "::1", *outside_addresses()]


@needs_root
def test_run_goes_on_and_says_it_once_where_the_kernel_refuses(watch: Watch) -> None:
    state, found, said = watch(*program("loopback"), become=WITHOUT_RIGHT)
    assert state["network"] == {"kind": "host", "refused": "Operation not permitted"}
    assert "127.0.0.1" in found
    assert len(said.splitlines()) == 1
    assert "Operation not permitted" in said


@pytest.mark.slow
def test_trainer_is_out_of_reach_without_being_asked(watch: Watch) -> None:
    shape = ["--dataset", "synthetic", "--train_steps", "3000", "--batch_size", "10"]
    words = ["--ps", "2", "--workers", "2", "--threads", "1", "--", *shape]
    state, found, _said = watch(*words, become=[], python=sys.executable, ready='"progress"')
    assert (state["network"]["kind"], found) == ("loopback", [])


@needs_root
def test_enter_leaves_a_user_his_files_and_gives_him_no_rights(folder: Path) -> None:
    script = (
        "import os; from trainer import network\n"
        "one = network.of(2, '', alone=True); one.enter()\n"
        "open('mine', 'w').close(); os.chmod('mine', 0)\n"
        "print(one.kind, os.geteuid(), os.getegid(), os.stat('mine').st_uid, os.access('mine', os.R_OK))\n"
        "print(open('/proc/self/status').read())"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*NOBODY, PYTHON, "-B", "-c", script], cwd=folder, env=environment, text=True, capture_output=True, check=True
    )
    first, *status = done.stdout.splitlines()
    assert first == "loopback 65534 65534 65534 False"
    rights = {line.split()[1] for line in status if line.startswith(("CapInh", "CapPrm", "CapEff"))}
    assert rights == {"0" * 16}
    assert os.stat(folder / "mine").st_uid == 65534


def test_of_looks_for_ports_in_the_network_itself() -> None:
    """What is taken outside is free in there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaunchError, match="choose another range with training_port_range"):
            network.of(1, f"{port}-{port}", alone=False)
        one = network.of(1, f"{port}-{port}", alone=True)
        try:
            assert (one.kind, one.ports) == ("loopback", [port])
        finally:
            one.close()


@pytest.mark.parametrize("alone", [False, True])
def test_of_says_that_a_range_is_too_small(alone: bool) -> None:
    with pytest.raises(LaunchError, match=r"only 2 ports of 20000-20001 are free, but 3 replicas need one each"):
        network.of(3, "20000-20001", alone=alone)


def test_of_leaves_the_launcher_where_it_is() -> None:
    before = os.stat("/proc/self/ns/net").st_ino, os.stat("/proc/self/ns/user").st_ino, len(os.listdir("/proc/self/fd"))
    one = network.of(1, "", alone=True)
    one.close()
    after = os.stat("/proc/self/ns/net").st_ino, os.stat("/proc/self/ns/user").st_ino, len(os.listdir("/proc/self/fd"))
    assert before == after


@pytest.mark.parametrize(
    ("given", "command", "alone"),
    [
        ("", False, True),
        ("", True, False),
        ("loopback", True, True),
        ("loopback", False, True),
        ("host", False, False),
        ("host", True, False),
    ],
)
def test_request_is_alone_unless_a_program_may_need_the_network(given: str, command: bool, alone: bool) -> None:
    argv = ["true"] if command else []
    assert Request(run_dir="/r", ps=1, workers=1, command=command, argv=argv, network=given).is_alone is alone


def test_request_refuses_a_network_that_is_not_known() -> None:
    with pytest.raises(LaunchError, match="network is 'lan', but must be one of loopback, host, or empty"):
        Request(run_dir="/r", ps=1, workers=1, network="lan")


@needs_root
def test_killed_launcher_of_a_user_leaves_nothing_in_its_network(folder: Path) -> None:
    """Processes of a user namespace are still those of the user who made it: the launcher's guard finds them."""
    script = "setsid sleep 331 & echo child $!; wait"
    words = ["--ps", "0", "--network", "loopback", "--command", "--", "sh", "-c", script]
    command = [*NOBODY, PYTHON, "-B", "-m", "trainer.launch", "--run_dir", str(folder / "run"), *words]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
    log = folder / "run" / "worker-0.log"
    await_line(log, "\n", process)
    process.kill()
    process.wait()
    child = Path("/proc", log.read_text().split()[1])
    end = time.monotonic() + 10
    while child.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not child.exists()
