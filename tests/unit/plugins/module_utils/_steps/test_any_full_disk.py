# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps on a real disk that is full, and again when it has room: one sentence, nothing lost, nothing half-written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._providers import gke_credential_plugin, kubeconfig
from ansible_collections.tfscale.study.plugins.module_utils._providers.creation_lock import Making
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_lock, study_record, study_report
from ansible_collections.tfscale.study.plugins.module_utils._study.records import ledger

from tests.fixtures import ledgers, runs
from tests.fixtures.disk import ROOM, fill, small_disk

Limit = Callable[..., Path]


@pytest.fixture
def limit(tmp_path: Path) -> Iterator[Limit]:
    with small_disk(tmp_path / "disk") as one:
        yield one


@pytest.fixture
def disk(limit: Limit) -> Path:
    return limit(size=2 << 20)


@pytest.fixture
def study(disk: Path) -> Path:
    folder = disk / "mnist"
    folder.mkdir()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def record(study: Path, wait: dict[str, Any] | None = None) -> dict[str, Any]:
    params = {
        "study_dir": str(study),
        "run": runs.planned_run(study),
        "wait": wait or runs.ended(),
        "owner_pid": os.getpid(),
        "ledger": "files",
        "log_format": "tfscale",
        "provenance": {},
        **{name: study_record.ARGUMENT_SPEC[name]["default"] for name in study_record.THRESHOLDS},
    }
    return study_record.execute(params, Context())


def lock(study: Path, state: str = "present") -> dict[str, Any]:
    params = {"study_dir": str(study), "state": state, "owner_pid": os.getpid(), "ledger": "files"}
    return study_lock.execute(params, Context())


def report(study: Path) -> dict[str, Any]:
    usual = {name: option.get("default") for name, option in study_report.ARGUMENT_SPEC.items()}
    params: dict[str, Any] = {**usual, "study_dir": str(study), "ledger": "files", "prices": {}}
    return study_report.execute(params, Context())


def refused(act: Callable[[], Any], study: Path) -> str:
    """The sentence of a step that finds no room and leaves all as it was."""
    before = contents(study)
    with pytest.raises(StepError) as caught:
        act()
    assert contents(study) == before
    said = str(caught.value)
    assert f"no space is left in {study}" in said
    assert "free some" in said
    return said


def old_ledger(study: Path, *, torn: bool) -> bytes:
    """Its last page is full to the brim: a line more needs another one."""
    line = ledger.encode({"schema": 1, "run_id": "x-1", "attempt": 1, "verdict": {}, "padding": ""})
    tail = b'{"schema":1,"run_id":' if torn else b""
    padding = "x" * (4096 - len(line) - len(tail))
    line = ledger.encode({"schema": 1, "run_id": "x-1", "attempt": 1, "verdict": {}, "padding": padding})
    (study / "ledger.jsonl").write_bytes(line + tail)
    return line


@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_record_on_a_full_disk_waits_for_room(disk: Path, limit: Limit, study: Path, torn: bool) -> None:
    line = old_ledger(study, torn=torn)
    runs.write_logs(study / "logs/0123456789ab-1/attempt-1")
    fill(disk)
    said = refused(lambda: record(study), study)
    assert f"the ledger {study / 'ledger.jsonl'} cannot be written" in said
    assert "the run's logs are kept in" in said
    limit(size=ROOM)
    assert record(study)["verdict"] == "valid"
    whole = (study / "ledger.jsonl").read_bytes()
    assert whole.startswith(line)
    assert whole.count(b"\n") == 2
    assert (study / "ledger.jsonl.torn").exists() is torn


def test_record_of_a_run_that_failed_on_a_full_disk_uses_up_no_attempt(disk: Path, limit: Limit, study: Path) -> None:
    """Its line would find room in the ledger's last page."""
    log_dir = study / "logs/0123456789ab-1/attempt-1"
    runs.write_logs(log_dir)
    (study / "ledger.jsonl").write_bytes(b"")
    fill(disk)
    failed = runs.failed(exit_code=1, reason="no space")
    said = refused(lambda: record(study, failed), study)
    assert said.startswith("run 0123456789ab-1 failed and is not recorded: ")
    limit(size=ROOM)
    assert record(study, failed)["verdict"] == "void"


def test_lock_on_a_full_disk_waits_for_room_and_is_released_without(disk: Path, limit: Limit, study: Path) -> None:
    fill(disk)
    refused(lambda: lock(study), study)
    limit(size=ROOM)
    assert lock(study)["changed"]
    fill(disk)
    assert lock(study, "absent")["changed"]
    assert contents(study) == {}


def test_report_on_a_full_disk_leaves_the_one_before_whole(disk: Path, limit: Limit, study: Path) -> None:
    """Also its figures, which the new one no longer has."""
    records = ledgers.mnist()
    ledgers.write(study, records)
    report(study)
    ledgers.write(study, [one for one in records if one["spec"]["ps"] == 1])
    # Some of its files find room and the others do not.
    fill(disk, leave=64 * 1024)
    said = refused(lambda: report(study), study)
    assert f"study_dir is '{study}', where the report cannot be written" in said
    limit(size=ROOM)
    before = set(contents(study))
    assert report(study)["changed"]
    assert set(contents(study)) < before


def test_mark_and_kubeconfig_on_a_full_disk_leave_nothing_half(disk: Path, limit: Limit) -> None:
    """An empty mark would be taken for somebody else's ever after."""
    path = disk / "kubeconfig"
    kubeconfig.write(path, "old")
    fill(disk)
    before = contents(disk)

    def make() -> bool:
        with Making(f"{path}.making", "Kind cluster one").hold(seconds=0):
            return kubeconfig.write(path, "new")

    for act in (make, lambda: kubeconfig.write(path, "new")):
        with pytest.raises(OSError, match="No space left"):
            act()
    gke_credential_plugin.keep(disk / "token", {"token": "secret", "until": 0})
    assert contents(disk) == before
    limit(size=ROOM)
    assert make()
    assert path.read_text() == "new"
    assert not Path(f"{path}.making").exists()


@pytest.mark.parametrize("umask", [0o027, 0o077])
def test_everything_is_written_with_the_umask(tmp_path: Path, umask: int) -> None:
    study = tmp_path / "results" / "mnist"
    before = os.umask(umask)
    try:
        lock(study)
        runs.write_logs(study / "logs/0123456789ab-1/attempt-1")
        record(study)
        report(study)
        kubeconfig.write(tmp_path / "kubeconfig", "secret")
    finally:
        os.umask(before)
    found = {str(path.relative_to(study)): stat.S_IMODE(path.stat().st_mode) for path in sorted(study.rglob("*"))}
    assert {"ledger.jsonl", "ledger.lock", "report.html", "runs.csv"} <= set(found)
    assert any(name.startswith("figures/") for name in found)
    folders = {"figures", "logs", "logs/0123456789ab-1", "logs/0123456789ab-1/attempt-1"}
    assert found == {name: (0o777 if name in folders else 0o666) & ~umask for name in found}
    assert stat.S_IMODE((tmp_path / "kubeconfig").stat().st_mode) == 0o600
