# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that holds records twice, merged by hand or by git, says to every reader what it said before, and a warning."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._steps import (
    speed_gate_info,
    study_fetch,
    study_record,
    study_report,
    sweep_plan_info,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import gate, model
from ansible_collections.tfscale.study.plugins.module_utils._study.design.forecast import Experience
from ansible_collections.tfscale.study.plugins.module_utils._study.records import sealed
from ansible_collections.tfscale.study.plugins.module_utils._study.records.history import History
from ansible_collections.tfscale.study.plugins.module_utils._study.records.ledger import FileLedger

from tests.fixtures import ledgers, runs
from tests.fixtures.ledgers import SPEC, record

BEFORE, AFTER = ({**SPEC, "variant": name} for name in ("before", "after"))
GATE = [
    one
    for block, ratio in enumerate((1.15, 1.16, 1.14, 1.15), start=1)
    for one in (record(BEFORE, block, seconds=4.0), record(AFTER, block, seconds=4.0 * ratio))
]
DOUBLED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "every line": lambda lines: [line for line in lines for _twice in range(2)],
    "the whole": lambda lines: lines * 2,
    "the ends of lines of another system": lambda lines: lines + [line[:-1] + b"\r\n" for line in lines],
    "some": lambda lines: lines + lines[1:3],
}


def defaults(step: Any, **given: Any) -> dict[str, Any]:
    return {name: option.get("default") for name, option in step.ARGUMENT_SPEC.items()} | given


def planned(folder: Path) -> Any:
    fixed = {key: value for key, value in SPEC.items() if key not in ("nodes", "ps", "workers")}
    params = defaults(
        sweep_plan_info, study="mnist", study_dir=str(folder), spec=fixed, workers="1,2,4", ps="1,2", repeats=5
    )
    return sweep_plan_info.execute(params, Context(), memory=lambda: 2**33, cpus=lambda: 4)


def gated(folder: Path) -> Any:
    params = defaults(speed_gate_info, study_dir=str(folder), max_slowdown="0.05")
    return speed_gate_info.execute(params, Context())


def reported(folder: Path) -> Any:
    params = defaults(study_report, study_dir=str(folder), ledger="files")
    result = study_report.execute(params, Context())
    return result, (folder / "cells.csv").read_text(), (folder / "runs.csv").read_text()


@pytest.mark.parametrize("how", DOUBLED)
@pytest.mark.parametrize(
    ("read", "records"),
    [(planned, ledgers.mnist()), (gated, GATE), (reported, ledgers.mnist())],
    ids=["plan", "gate", "report"],
)
def test_every_reader_counts_an_attempt_once(
    tmp_path: Path, read: Callable[[Path], Any], records: list[dict[str, Any]], how: str
) -> None:
    path = ledgers.write(tmp_path / "mnist", records)
    before = read(tmp_path / "mnist")
    lines = Path(path).read_bytes().splitlines(keepends=True)
    Path(path).write_bytes(b"".join(DOUBLED[how](lines)))
    after = read(tmp_path / "mnist")
    result = after if isinstance(after, dict) else after[0]
    [warning] = result.pop("warnings")
    extra = len(DOUBLED[how](lines)) - len(lines)
    assert f"{path} has {extra} records of attempts that it has already: the last of each counts" in warning
    if read is reported:
        before[0]["changed"] = result["changed"] = False
    assert after == before


# What each reader makes of records, wherever they come from.
READERS: dict[str, Callable[[list[Any]], Any]] = {
    "plan": History.of,
    "forecast": lambda records: Experience(records).of_cell(records[0]["cell_id"], records[0]["spec"]),
    "gate": lambda records: gate.Contest.of(records, records),
    "report": lambda records: model.study_of(records, "mnist"),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "double", [lambda all_: all_ * 2, lambda all_: all_ + all_[:1]], ids=["the whole", "the first"]
)
def test_every_reader_counts_an_attempt_once_without_a_ledger(name: str, double: Callable[[list[Any]], Any]) -> None:
    # One run: a second one would be told from a single one by its narrower forecast.
    records = [record(BEFORE, 1, seconds=4.0), record(AFTER, 1, seconds=5.0)]
    assert READERS[name](double(records)) == READERS[name](records)


def test_fetch_copies_an_attempt_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    there = FileLedger(tmp_path / "there")
    records = [record(SPEC, block, seconds=4.0) for block in (1, 2)]
    monkeypatch.setattr(there, "records", lambda: iter(records * 2))
    monkeypatch.setattr(study_fetch, "open_ledger", lambda _params: (there, None))
    params = defaults(study_fetch, study_dir=str(tmp_path / "mnist"))
    for copied in (2, 0):
        result = study_fetch.execute(params, Context())
        assert result["records"]["copied"] == copied
    assert (tmp_path / "mnist" / "ledger.jsonl").read_bytes().count(b"\n") == 2


def test_record_finds_a_doubled_attempt_and_adds_none(tmp_path: Path) -> None:
    run = runs.planned_run(tmp_path)
    runs.write_logs(Path(run["log_dir"]))
    params = defaults(study_record, study_dir=str(tmp_path), run=run, wait=runs.ended())
    first = study_record.execute(params, Context())
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(path.read_bytes() * 2)
    again = study_record.execute(params, Context())
    assert (first["changed"], again["changed"], again["msg"]) == (True, False, first["msg"])
    assert path.read_bytes().count(b"\n") == 2


def test_a_record_in_clear_of_an_older_version_and_its_sealed_copy_are_one(tmp_path: Path) -> None:
    old = record({**SPEC, "env": '{"TOKEN": "canary"}'}, 1, seconds=4.0)
    book = FileLedger(ledgers.write(tmp_path, [old, sealed.record(old)]))
    assert list(book.records()) == [sealed.record(old)]
    assert len(book.warnings) == 1


def test_fetch_warns_of_the_folder_s_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    records = [record(SPEC, block, seconds=4.0) for block in (1, 2)]
    ledgers.write(tmp_path / "mnist", [*records[:1], *records[:1]])
    there = FileLedger(ledgers.write(tmp_path / "there", records))
    monkeypatch.setattr(study_fetch, "open_ledger", lambda _params: (there, None))
    params = defaults(study_fetch, study_dir=str(tmp_path / "mnist"))
    result = study_fetch.execute(params, Context())
    assert result["records"] == {"found": 2, "copied": 1}
    assert "has 1 record of attempts that it has already" in result["warnings"][0]


def test_of_records_that_differ_the_last_counts_and_one_is_named(tmp_path: Path) -> None:
    records = [record(SPEC, block, seconds=4.0) for block in (1, 2, 3)]
    others = [{**one, "timings": {**one["timings"], "train_seconds": 9.0}} for one in records[:2]]
    book = FileLedger(ledgers.write(tmp_path, [*records, *others, dict(reversed(records[2].items()))]))
    assert list(book.records()) == [*others, records[2]]
    assert book.find(records[0]["run_id"], 1) == others[0]
    [warning] = book.warnings
    assert "has 3 records of attempts" in warning
    assert f"2 of them differ from the one before, such as run {records[0]['run_id']}, attempt 1" in warning
    assert list(book.records()) == [*others, records[2]]
    assert len(book.warnings) == 1


def test_attempts_of_one_run_are_no_doubles(tmp_path: Path) -> None:
    records = [{**record(SPEC, 1, seconds=4.0), "attempt": attempt} for attempt in (1, 2, 3)]
    book = FileLedger(ledgers.write(tmp_path, records))
    assert (list(book.records()), list(book.warnings)) == (records, [])


def test_a_torn_end_behind_doubles_is_no_record(tmp_path: Path) -> None:
    path = Path(ledgers.write(tmp_path, [record(SPEC, 1, seconds=4.0)] * 2))
    path.write_bytes(path.read_bytes() + json.dumps(record(SPEC, 2, seconds=4.0)).encode()[:40])
    book = FileLedger(path)
    assert len(list(book.records())) == 1
    assert "1 record of attempts" in book.warnings[0]
