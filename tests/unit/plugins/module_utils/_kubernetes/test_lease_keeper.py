# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study stays its controller's through waits of any length, and not a moment longer than the controller lives."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import lease_keeper
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LEASE_SECONDS, LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_lock

from tests.fixtures.objects import Store
from tests.fixtures.simulator import Simulator, kubeconfig, serving

ALIVE = {100: 1, 200: 2}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/tfscale/leases"


class World:
    """Two controllers on two hosts, and one clock for them and the server; only who sleeps moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store = Store(clock=lambda: self.now)
        self.mine, self.theirs = (
            LeaseLock(
                self.store, "tfscale", "mnist", pid, host=host, space=host, now=lambda: self.now, started=ALIVE.get
            )
            for pid, host in ((100, "a"), (200, "b"))
        )
        self.during: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.during()

    def beat(self, until: float) -> None:
        lease_keeper.beat(self.mine.renew, lambda: self.now < until, clock=lambda: self.now, sleep=self.sleep)

    def refused(self) -> None:
        with pytest.raises(LedgerError, match="is held by process 100 on host a"):
            self.theirs.acquire()


def test_beat_keeps_the_lease_through_a_wait_of_ten_minutes() -> None:
    world = World()
    world.mine.acquire()
    world.during = world.refused
    world.beat(600.0)
    assert world.now == 600.0
    # Without it, the Lease is anybody's after its time.
    world.now += LEASE_SECONDS
    assert world.theirs.acquire()[1] is True


def test_beat_bears_a_server_that_is_away_for_less_than_the_lease() -> None:
    world = World()
    world.mine.acquire()
    path = f"{LEASES}/{world.mine.name}"

    def away() -> None:
        world.store.refused.clear()
        if 60.0 < world.now < 150.0:
            world.store.refuse("GET", path, 503 if world.now < 100.0 else 401)
        else:
            world.refused()

    world.during = away
    world.beat(600.0)
    assert world.now == 600.0


def test_beat_ends_when_the_study_was_let_go_or_lost() -> None:
    world = World()
    world.mine.acquire()
    world.mine.release()
    world.beat(600.0)
    assert world.now == 0.0
    world.theirs.acquire()
    world.beat(600.0)
    assert (world.now, world.theirs.check() is not None) == (0.0, True)


@pytest.fixture
def cluster() -> Iterator[Simulator]:
    with serving(Simulator(uid="u")) as simulator:
        yield simulator


@pytest.fixture
def pids(tmp_path: Path, cluster: Simulator, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of the processes that are started; they look and renew many times a second."""
    monkeypatch.setattr(lease_keeper, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(lease_keeper, "LOOK_SECONDS", 0.01)
    found: list[int] = []
    start = lease_keeper.start
    monkeypatch.setattr(lease_keeper, "start", lambda params: found.append(start(params)))
    kubeconfig(tmp_path / "kubeconfig", cluster.url)
    return found


def hold(folder: Path, owner: int, state: str = "present") -> dict[str, Any]:
    params = {name: option.get("default") for name, option in study_lock.ARGUMENT_SPEC.items()}
    params |= {"study_dir": str(folder / "mnist"), "state": state, "owner_pid": owner, "ledger": "cluster"}
    params["kubeconfig"] = str(folder / "kubeconfig")
    return study_lock.execute(params, Context())


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def renewed(cluster: Simulator) -> str:
    leases = [one for path, one in cluster.objects.items() if path.startswith(LEASES)]
    return str(leases[0]["spec"]["renewTime"]) if leases else ""


def test_held_study_is_renewed_while_no_step_runs_and_its_owner_lives(
    tmp_path: Path, cluster: Simulator, pids: list[int]
) -> None:
    with subprocess.Popen(["sleep", "600"]) as owner:
        try:
            hold(tmp_path, owner.pid)
            for _time in range(3):
                before = renewed(cluster)
                until(lambda before=before: renewed(cluster) != before)  # type: ignore[misc]
            # Held already: one process is enough.
            assert hold(tmp_path, owner.pid)["changed"] is False
            assert len(pids) == 1
        finally:
            owner.kill()
    # Its process ends with its owner, and leaves the Lease to run out.
    assert os.waitpid(pids[0], 0)[1] == 0
    assert renewed(cluster)


def test_process_ends_when_the_study_is_let_go(tmp_path: Path, cluster: Simulator, pids: list[int]) -> None:
    hold(tmp_path, os.getpid())
    hold(tmp_path, os.getpid(), "absent")
    try:
        assert os.waitpid(pids[0], 0)[1] == 0
    except BaseException:
        os.kill(pids[0], signal.SIGKILL)
        raise
    assert renewed(cluster) == ""
