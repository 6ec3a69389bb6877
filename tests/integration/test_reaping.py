# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever ends a run, nothing of it is left: real processes, whose program leaves children in sessions of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.processes.backend import ProcessBackend
from ansible_collections.tfscale.study.plugins.module_utils._backends.processes.reaper import Group
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError

ROOT = Path(os.environ.get("TFSCALE_ROOT", Path(__file__).resolve().parents[2]))
PATIENCE_SECONDS = 60
# A child that has left its parent's session and would outlive it.
PROGRAM = 'setsid sleep 300 & echo started; case "$JOB_NAME-$TASK_INDEX" in {last}) {end};; *) exec sleep 300;; esac'


def members(run_dir: Path) -> list[int]:
    """Return the live processes that carry the mark of this run."""
    mark = f"TFSCALE_RUN_DIR={run_dir}".encode()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if mark in Path("/proc", name, "environ").read_bytes().split(b"\0"):
                found.append(int(name))
    return found


def await_true(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, condition
        time.sleep(0.02)


def launch(run_dir: Path, *, last: str = "none", end: str = "exit 0", owner: int = 0) -> subprocess.Popen[str]:
    program = ["sh", "-c", PROGRAM.format(last=last, end=end)]
    place = ["--ps", "1", "--workers", "2", "--run_dir", str(run_dir)]
    command = [sys.executable, "-m", "trainer.launch", *place, "--owner_pid", str(owner), "--command", "--", *program]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def is_running(run_dir: Path) -> bool:
    """Three replicas and the three children they leave in the background."""
    return len(members(run_dir)) >= 6


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "run"
    for pid in members(tmp_path / "run"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def state_of(run_dir: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((run_dir / "state.json").read_text())
    return state


@pytest.mark.parametrize(
    ("last", "end", "code", "failed"),
    [
        ("worker-*", "exit 0", 0, None),
        ("worker-1", "exit 7", 7, {"replica": "worker", "index": 1}),
        ("worker-1", "kill -9 $$", 137, {"replica": "worker", "index": 1}),
        ("ps-0", "exit 0", 1, {"replica": "ps", "index": 0}),
    ],
)
def test_run_leaves_nothing_after_its_end(
    run_dir: Path, last: str, end: str, code: int, failed: dict[str, Any] | None
) -> None:
    launcher = launch(run_dir, last=last, end=end)
    output, _errors = launcher.communicate(timeout=PATIENCE_SECONDS)
    await_true(lambda: not members(run_dir))
    assert (launcher.returncode, state_of(run_dir)["first_failure"]) == (code, failed), output
    assert state_of(run_dir)["ended_wall"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_run_leaves_nothing_after_a_signal(run_dir: Path, number: int, code: int) -> None:
    launcher = launch(run_dir)
    await_true(lambda: is_running(run_dir))
    launcher.send_signal(number)
    output, _errors = launcher.communicate(timeout=PATIENCE_SECONDS)
    await_true(lambda: not members(run_dir))
    assert launcher.returncode == code, output
    assert {one["state"] for one in state_of(run_dir)["replicas"]} == {"stopped"}


def test_run_leaves_nothing_after_its_owner_was_killed(run_dir: Path) -> None:
    owner = subprocess.Popen(["sleep", "300"])
    launcher = launch(run_dir, owner=owner.pid)
    await_true(lambda: is_running(run_dir))
    owner.kill()
    owner.wait()
    launcher.communicate(timeout=PATIENCE_SECONDS)
    await_true(lambda: not members(run_dir))
    assert launcher.returncode == 1


def test_run_leaves_nothing_after_its_launcher_was_killed(run_dir: Path) -> None:
    launcher = launch(run_dir)
    await_true(lambda: is_running(run_dir))
    launcher.kill()
    launcher.communicate(timeout=PATIENCE_SECONDS)
    await_true(lambda: not members(run_dir))
    assert state_of(run_dir)["ended_wall"] is None


def test_the_plugins_read_every_state_that_a_launcher_writes(run_dir: Path) -> None:
    launcher = launch(run_dir, last="worker-1", end="sleep 1; exit 7")
    await_true(lambda: is_running(run_dir))
    seen = ProcessBackend(run_dir).observe()
    assert ([one.state for one in seen.replicas], seen.lost, seen.ended_wall) == (["running"] * 3, "", None)
    launcher.communicate(timeout=PATIENCE_SECONDS)
    seen = ProcessBackend(run_dir).observe()
    assert seen.first_failure is not None
    assert (seen.first_failure.ending, seen.first_failure.log) == (
        "worker 1 exited with code 7",
        str(run_dir / "worker-1.log"),
    )
    assert seen.evidence["host"]["foreign_share"] is not None


def test_a_launcher_killed_before_its_first_replica_is_a_lost_run(run_dir: Path, tmp_path: Path) -> None:
    """The first word stands, and nobody waits for a second one."""
    (tmp_path / "hook").mkdir()
    hook = "import os, signal\nos.register_at_fork(before=lambda: ARMED and os.kill(os.getpid(), signal.SIGKILL))\n"
    hook += "ARMED = []\nimport gc\nfreeze = gc.freeze\ngc.freeze = lambda: (ARMED.append(1), freeze())\n"
    (tmp_path / "hook" / "sitecustomize.py").write_text(hook)
    command = [sys.executable, "-m", "trainer.launch", "--run_dir", str(run_dir), "--command", "--", "true"]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path / "hook")}, check=False)
    assert killed.returncode == -signal.SIGKILL
    seen = ProcessBackend(run_dir).observe()
    assert "was killed" in seen.lost
    assert {one.state for one in seen.replicas} == {"pending"}
    assert Group(run_dir).remove() is False


def test_a_run_in_the_foreground_is_removed(run_dir: Path) -> None:
    launcher = launch(run_dir)
    await_true(lambda: is_running(run_dir))
    assert len(Group(run_dir).living()) == 3
    assert Group(run_dir).remove() is True
    launcher.communicate(timeout=PATIENCE_SECONDS)
    assert (launcher.returncode, members(run_dir)) == (143, [])


def test_a_run_that_is_removed_ends_in_order(run_dir: Path, tmp_path: Path) -> None:
    """Its launcher asks the replicas first; one that is killed before looks like a failure of the run."""
    told, ready = tmp_path / "told", tmp_path / "ready"
    waits = f"trap 'sleep 0.1; touch {told}; exit 0' TERM; touch {ready}; sleep 300 & wait"
    launcher = launch(run_dir, last="worker-1", end=waits)
    await_true(lambda: is_running(run_dir) and ready.exists())
    assert Group(run_dir).remove() is True
    launcher.communicate(timeout=PATIENCE_SECONDS)
    assert told.exists()
    assert (launcher.returncode, members(run_dir)) == (143, [])


def ask(path: Path, **request: Any) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE_SECONDS)
        client.connect(str(path))
        client.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(client.makefile().readline())
        return answer


def answers(path: Path) -> bool:
    """A socket has its name before anybody listens."""
    try:
        return bool(ask(path, op="ping")["ok"])
    except OSError:
        return False


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    path = tmp_path / "s"
    owner = subprocess.Popen(["sleep", "300"])
    command = [sys.executable, "-m", "trainer.launch", "--serve", str(path), "--owner_pid", str(owner.pid)]
    launcher = subprocess.Popen(command, cwd=ROOT)
    await_true(lambda: answers(path))
    yield path, launcher, owner
    for process in (owner, launcher):
        process.kill()
        process.wait()


def start_in(path: Path, run_dir: Path) -> dict[str, Any]:
    program = ["sh", "-c", PROGRAM.format(last="none", end="exit 0")]
    return ask(path, op="start", run_dir=str(run_dir), ps=1, workers=2, command=True, argv=program)


def test_service_removes_only_the_run_it_is_asked_for(service: Any, run_dir: Path, tmp_path: Path) -> None:
    path, _launcher, _owner = service
    assert start_in(path, run_dir)["changed"] is True
    assert start_in(path, run_dir)["changed"] is False
    assert start_in(path, tmp_path / "other")["ok"] is True
    await_true(lambda: is_running(run_dir) and is_running(tmp_path / "other"))
    assert ask(path, op="remove", run_dir=str(run_dir)) == {"ok": True, "changed": True}
    assert not [one for one in state_of(run_dir)["replicas"] if Path("/proc", str(one["pid"])).exists()]
    await_true(lambda: not members(run_dir))
    assert is_running(tmp_path / "other")
    assert ask(path, op="remove", run_dir=str(run_dir)) == {"ok": True, "changed": False}


def test_group_asks_the_service_of_its_run(service: Any, run_dir: Path, tmp_path: Path) -> None:
    path, launcher, _owner = service
    for folder in (run_dir, tmp_path / "other"):
        assert start_in(path, folder)["ok"] is True
    await_true(lambda: is_running(run_dir) and is_running(tmp_path / "other"))
    assert Group(run_dir).remove() is True
    assert (members(run_dir), launcher.poll()) == ([], None)
    assert is_running(tmp_path / "other")


def test_group_asks_no_other_program_on_the_socket_of_its_service(service: Any, run_dir: Path) -> None:
    """Somebody else may listen where a launcher did."""
    path, _launcher, _owner = service
    start_in(path, run_dir)
    await_true(lambda: is_running(run_dir))
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(BackendError, match="another program listens there"):
            Group(run_dir).remove()


@pytest.mark.parametrize("victim", ["launcher", "owner", "stop"])
def test_service_leaves_nothing(service: Any, run_dir: Path, victim: str) -> None:
    path, launcher, owner = service
    start_in(path, run_dir)
    await_true(lambda: is_running(run_dir))
    if victim == "stop":
        assert ask(path, op="stop") == {"ok": True}
    else:
        {"launcher": launcher, "owner": owner}[victim].kill()
        owner.poll()
        if victim == "owner":
            owner.wait()
    launcher.wait(timeout=PATIENCE_SECONDS)
    await_true(lambda: not members(run_dir))


BAD_REQUESTS: list[tuple[dict[str, Any], str | None]] = [
    ({"op": "dance"}, "op is 'dance', but must be one of ping, preload, start, remove, stop"),
    ({"op": "start", "run_dir": "x", "ps": 1, "workers": 1}, "run_dir is 'x', but must be an absolute path"),
    ({"op": "start", "run_dir": "/x", "ps": 1, "workers": 0}, "workers is 0"),
    ({"op": "start", "run_dir": "/x", "ps": 1}, "the start request is incomplete"),
    ({"op": "start", "run_dir": "/x", "ps": 1, "workers": 1, "colour": 1}, "unknown fields: colour"),
    ({"op": "remove", "run_dir": 7}, None),
    ({"op": "start", "run_dir": 7, "ps": 1, "workers": 1}, "the start request is incomplete"),
    ({"op": "preload", "argv": 7}, ""),
]


def test_service_answers_bad_requests_and_lives_on(service: Any) -> None:
    path, _launcher, _owner = service
    for request, sentence in BAD_REQUESTS:
        answer = ask(path, **request)
        assert answer["ok"] is (sentence is None), request
        assert (sentence or "") in answer.get("error", ""), request
        assert ask(path, op="ping")["ok"] is True, request
