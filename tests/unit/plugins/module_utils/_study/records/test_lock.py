# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a study, and what becomes of the lock of a dead owner."""

from __future__ import annotations

import errno
import fcntl
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common import files
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

ROOT = Path(__file__).resolve().parents[6]
NOON = 1_790_000_000.0
# Processes by their start time; every other one is dead.
ALIVE = {100: 5000, 200: 6000}


def lock_of(
    folder: Path, pid: int = 100, *, host: str = "a", space: str = "boot-1", alive: dict[int, int] | None = None
) -> StudyLock:
    started = (ALIVE if alive is None else alive).get
    return StudyLock(folder, pid, host=host, space=space, now=lambda: NOON, started=started)


def stored(folder: Path) -> Any:
    return json.loads((folder / "ledger.lock").read_text())


def test_acquire_makes_the_folder_and_names_the_owner(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "mnist"
    lock, changed = lock_of(folder).acquire()
    assert changed
    assert (
        lock
        == stored(folder)
        == {"pid": 100, "start_time": 5000, "host": "a", "space": "boot-1", "since": NOON, "parts": [""]}
    )
    assert [path.name for path in folder.iterdir()] == ["ledger.lock"]


def test_acquire_again_changes_nothing(tmp_path: Path) -> None:
    first, _changed = lock_of(tmp_path).acquire()
    assert lock_of(tmp_path).acquire() == (first, False)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("a", r"study .* is held by process 100 on host a since 2026-09-21 14:13:20 UTC; wait for it, or stop it\Z"),
        ("b", r"study .* on host a since .*; wait for it, or delete .*/ledger\.lock if that controller is gone\Z"),
    ],
)
def test_acquire_of_a_study_that_another_holds_is_refused(tmp_path: Path, host: str, sentence: str) -> None:
    lock_of(tmp_path).acquire()
    before = stored(tmp_path)
    for check_mode in (False, True):
        with pytest.raises(LedgerError, match=sentence):
            lock_of(tmp_path, 200, host=host).acquire(check_mode=check_mode)
    assert stored(tmp_path) == before


@pytest.mark.parametrize("alive", [{200: 6000}, {100: 5001, 200: 6000}], ids=["dead", "pid-used-again"])
def test_acquire_takes_over_from_a_dead_owner(tmp_path: Path, alive: dict[int, int]) -> None:
    lock_of(tmp_path).acquire()
    lock, changed = lock_of(tmp_path, 200, alive=alive).acquire()
    assert changed
    assert lock["pid"] == stored(tmp_path)["pid"] == 200


def test_acquire_does_not_judge_processes_of_another_host(tmp_path: Path) -> None:
    lock_of(tmp_path, 300, host="b").acquire()
    with pytest.raises(LedgerError, match="held by process 300 on host b"):
        lock_of(tmp_path).acquire()


def test_acquire_in_check_mode_writes_nothing(tmp_path: Path) -> None:
    lock, changed = lock_of(tmp_path / "new").acquire(check_mode=True)
    assert changed
    assert lock["pid"] == 100
    assert list(tmp_path.iterdir()) == []


def test_release_removes_the_own_lock(tmp_path: Path) -> None:
    held, _changed = lock_of(tmp_path).acquire()
    assert lock_of(tmp_path).release(check_mode=True) == (held, True)
    assert (tmp_path / "ledger.lock").exists()
    assert lock_of(tmp_path).release() == (held, True)
    assert lock_of(tmp_path).release() == (None, False)
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_several_parts_goes_with_the_last(tmp_path: Path) -> None:
    east, west = (
        StudyLock(tmp_path, 100, part=part, host="a", space="boot-1", started=ALIVE.get) for part in ("east", "west")
    )
    assert east.acquire()[1]
    assert west.acquire()[1]
    assert not east.acquire()[1]
    assert stored(tmp_path)["parts"] == ["east", "west"]
    assert east.release()[1]
    with pytest.raises(LedgerError, match="held by process 100"):
        lock_of(tmp_path, 200).acquire()
    assert west.release()[1]
    assert not (tmp_path / "ledger.lock").exists()


@pytest.mark.parametrize(("pid", "host"), [(200, "a"), (100, "b")])
def test_release_leaves_the_lock_of_another(tmp_path: Path, pid: int, host: str) -> None:
    held, _changed = lock_of(tmp_path).acquire()
    assert lock_of(tmp_path, pid, host=host).release() == (held, False)
    assert stored(tmp_path) == held


def test_release_without_a_folder_changes_nothing(tmp_path: Path) -> None:
    assert lock_of(tmp_path / "new").release() == (None, False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "x", "[]", "{}", '{"pid": null}', "null", '{"pid": "a", "since": 1}'])
def test_a_lock_that_is_none_gets_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "ledger.lock").write_text(content)
    for act in (lock_of(tmp_path).acquire, lock_of(tmp_path).release):
        with pytest.raises(LedgerError, match=r"ledger\.lock is not a lock of ours; delete it if no sweep runs"):
            act()


@pytest.mark.parametrize("folder", ["/proc/nothing/mnist", "/dev/null/mnist"])
def test_acquire_where_nothing_can_be_written_gets_a_sentence(folder: str) -> None:
    with pytest.raises(
        LedgerError, match=rf"sweep_results_dir: {folder} cannot be written: (No such|Not a|Permission)"
    ):
        lock_of(Path(folder)).acquire()


def _compete(folder: Path, pid: int, won: Any) -> None:
    lock = StudyLock(folder, pid, host="a", space="boot-1", started=lambda number: number)
    try:
        won.put((pid, lock.acquire()[1]))
    except LedgerError:
        won.put((pid, False))


def test_acquire_has_one_winner_when_a_dead_owner_is_taken_over(tmp_path: Path) -> None:
    lock_of(tmp_path, 999).acquire()
    context = multiprocessing.get_context("fork")
    won = context.SimpleQueue()
    processes = [context.Process(target=_compete, args=(tmp_path, pid, won)) for pid in range(1, 9)]
    for process in processes:
        process.start()
    winners = [pid for pid, changed in (won.get() for _process in processes) if changed]
    for process in processes:
        process.join()
    assert len(winners) == 1
    assert stored(tmp_path)["pid"] == winners[0]


@pytest.mark.parametrize("alive", [{100: 5000, 200: 6000}, {200: 6000}], ids=["seen-by-chance", "not-seen"])
def test_acquire_does_not_judge_processes_of_another_container(tmp_path: Path, alive: dict[int, int]) -> None:
    """Of the same machine and with the same host name: a number means another process there."""
    lock_of(tmp_path).acquire()
    with pytest.raises(LedgerError, match=r"on host a .* in another container, or delete .*ledger\.lock if"):
        lock_of(tmp_path, 200, space="boot-2", alive=alive).acquire()
    with pytest.raises(LedgerError, match="in another container"):
        lock_of(tmp_path, 100, space="boot-2").check()
    assert lock_of(tmp_path, 100, space="boot-2").release()[1] is False
    assert stored(tmp_path)["space"] == "boot-1"


@pytest.mark.parametrize("host", ["a", "b"])
@pytest.mark.parametrize("is_local", [True, False])
def test_acquire_after_a_restart_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, is_local: bool
) -> None:
    """On its own disk the owner of a former boot is gone, whatever the machine was called; a shared folder may be another's."""
    monkeypatch.setattr(files, "is_local", lambda folder: is_local and folder == tmp_path)
    lock_of(tmp_path, space="former-1").acquire()
    if is_local:
        assert lock_of(tmp_path, 200, host=host).acquire()[1]
        assert stored(tmp_path)["pid"] == 200
        return
    with pytest.raises(LedgerError, match=r"or delete .* if that controller is gone") as caught:
        lock_of(tmp_path, 200, host=host).acquire()
    assert "container" not in str(caught.value)
    assert stored(tmp_path)["pid"] == 100


OLD = {"pid": 100, "start_time": 5000, "host": "a", "since": NOON}


@pytest.mark.parametrize("old", [OLD, {**OLD, "parts": ["east"]}], ids=["0.2", "0.3"])
def test_acquire_judges_a_lock_of_an_earlier_version(tmp_path: Path, old: dict[str, Any]) -> None:
    """It tells no more than the host: a living owner is seen, a missing one may live in another container."""
    path = tmp_path / "ledger.lock"
    path.write_text(json.dumps(old))
    with pytest.raises(LedgerError, match=r"held by process 100 on host a .*; wait for it, or stop it"):
        lock_of(tmp_path, 200).acquire()
    for host, alive in (("a", {200: 6000}), ("b", ALIVE)):
        with pytest.raises(
            LedgerError, match=r"held by process 100 on host a .* or delete .* if that controller is gone"
        ):
            lock_of(tmp_path, 200, host=host, alive=alive).acquire()
    assert json.loads(path.read_text()) == old
    part = old.get("parts", [""])[0]
    own = StudyLock(tmp_path, 100, part=part, host="a", space="boot-1", started=ALIVE.get)
    assert own.check() is not None
    assert own.release()[1]
    assert not path.exists()


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_acquire_has_one_winner_where_folders_cannot_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """As on NFS, which locks a folder for its own machine alone; another file system may know no second names."""
    monkeypatch.setattr(fcntl, "flock", lambda _descriptor, _operation: None)
    if not links:

        def refuse(_source: Path, _target: Path) -> None:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

        monkeypatch.setattr(os, "link", refuse)
    here, there = (lock_of(tmp_path, 100, host=name) for name in "ab")

    def start_of(pid: int) -> int | None:
        """Called between the look and the taking."""
        if not (tmp_path / "ledger.lock").exists():
            assert here.acquire()[1]
        return ALIVE.get(pid)

    monkeypatch.setattr(there, "_started", start_of)
    with pytest.raises(LedgerError, match="held by process 100 on host a"):
        there.acquire()
    assert stored(tmp_path)["host"] == "a"
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.lock"]


HOLD = """
import sys
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import LedgerError, StudyLock
try:
    print("holds" if StudyLock(sys.argv[1], int(sys.argv[2]), host="twin").acquire()[1] else "held", flush=True)
except LedgerError as error:
    print(error, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root makes pid namespaces")
def test_acquire_in_two_containers_of_one_name_has_one_winner(tmp_path: Path) -> None:
    """Each is process 1 of its own numbering, and of one machine with one host name."""
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", HOLD, str(tmp_path), "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    containers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _number in range(2)
    ]
    try:
        said = [container.stdout.readline().strip() for container in containers if container.stdout]
    finally:
        for container in containers:
            container.communicate()
    refused = [line for line in said if line != "holds"]
    assert len(refused) == 1, said
    assert "is held by process 1 on host twin since" in refused[0]
    assert "in another container" in refused[0]
