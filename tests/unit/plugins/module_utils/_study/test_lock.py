# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a study, and what becomes of the lock of a dead owner."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.ledger import LedgerError
from ansible_collections.tfscale.study.plugins.module_utils._study.lock import StudyLock

NOON = 1_790_000_000.0
# Processes by their start time; every other one is dead.
ALIVE = {100: 5000, 200: 6000}


def lock_of(folder: Path, pid: int = 100, *, host: str = "a", alive: dict[int, int] | None = None) -> StudyLock:
    return StudyLock(folder, pid, host=host, now=lambda: NOON, started=(ALIVE if alive is None else alive).get)


def stored(folder: Path) -> Any:
    return json.loads((folder / "ledger.lock").read_text())


def test_acquire_makes_the_folder_and_names_the_owner(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "mnist"
    lock, changed = lock_of(folder).acquire()
    assert changed
    assert lock == stored(folder) == {"pid": 100, "start_time": 5000, "host": "a", "since": NOON, "parts": [""]}
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
    east, west = (StudyLock(tmp_path, 100, part=part, host="a", started=ALIVE.get) for part in ("east", "west"))
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
    lock = StudyLock(folder, pid, host="a", started=lambda number: number)
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
