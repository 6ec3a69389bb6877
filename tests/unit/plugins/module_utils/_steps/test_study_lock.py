# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold a study, be refused, let it go."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_lock

from tests.fixtures import ledgers

MINE, PARENT = os.getpid(), os.getppid()


def execute(folder: Path, *, owner: int | None = MINE, check_mode: bool = False, **given: Any) -> dict[str, Any]:
    said: list[str] = []
    params = {"study_dir": str(folder), "state": "present", "owner_pid": owner, "ledger": "files", **given}
    result = study_lock.execute(params, Context(check_mode=check_mode, say=said.append))
    assert said == []
    return result


def test_execute_holds_a_study_once_and_lets_it_go_once(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "mnist"
    results = [execute(folder, state=state) for state in ("present", "present", "absent", "absent")]
    assert [result["changed"] for result in results] == [True, False, True, False]
    assert [result["msg"] for result in results] == [
        f"Study {folder} is held by process {MINE} on host {socket.gethostname()}.",
        f"Study {folder} is held by process {MINE} on host {socket.gethostname()}.",
        f"Study {folder} is released.",
        f"Study {folder} was not held by this controller.",
    ]
    assert results[0]["lock"] == results[2]["lock"]
    assert results[3]["lock"] is None


@pytest.mark.parametrize("state", ["present", "absent"])
def test_execute_in_check_mode_writes_nothing(tmp_path: Path, state: str) -> None:
    result = execute(tmp_path / "mnist", state=state, check_mode=True)
    assert result["changed"] is (state == "present")
    assert list(tmp_path.iterdir()) == []


def test_execute_refuses_a_study_that_a_living_process_holds(tmp_path: Path) -> None:
    execute(tmp_path, owner=PARENT)
    with pytest.raises(StepError, match=f"is held by process {PARENT} on host .*; wait for it, or stop it"):
        execute(tmp_path)
    assert execute(tmp_path, state="absent")["changed"] is False
    assert (tmp_path / "ledger.lock").exists()


def test_execute_takes_over_from_a_dead_process(tmp_path: Path) -> None:
    execute(tmp_path, owner=PARENT)
    path = tmp_path / "ledger.lock"
    path.write_text(json.dumps({**json.loads(path.read_text()), "start_time": 1}))
    assert execute(tmp_path)["lock"]["pid"] == MINE


@pytest.mark.parametrize("owner", [None, 0, -1])
def test_execute_without_an_owner_gets_a_sentence(tmp_path: Path, owner: int | None) -> None:
    with pytest.raises(StepError, match=f"owner_pid is {owner}: give the process that holds the study"):
        execute(tmp_path, owner=owner)


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_sets_half_a_record_aside_and_warns(tmp_path: Path, check_mode: bool) -> None:
    path = ledgers.write(tmp_path, ledgers.mnist()[:2])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"schema":1,')
    result = execute(tmp_path, check_mode=check_mode)
    if check_mode:
        assert "warnings" not in result
        assert path.read_bytes() != whole
    else:
        assert result["warnings"] == [
            f"{path} ended in half a record (12 bytes), as after a crash: moved to {path.name}.torn"
        ]
        assert path.read_bytes() == whole
        assert "warnings" not in execute(tmp_path)


def test_execute_refuses_a_foreign_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("name,seconds\n1,2\n")
    with pytest.raises(StepError, match="not a ledger of ours: line 1 is not a record"):
        execute(tmp_path)
    assert (tmp_path / "ledger.jsonl").read_text() == "name,seconds\n1,2\n"


def test_execute_where_nothing_can_be_written_gets_a_sentence() -> None:
    with pytest.raises(StepError, match="sweep_results_dir: /dev/null/mnist cannot be written: Not a directory"):
        execute(Path("/dev/null/mnist"))
