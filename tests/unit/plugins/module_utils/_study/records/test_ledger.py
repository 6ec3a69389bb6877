# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of records, and what a crash, a full disk or somebody else may leave in its place."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import LedgerError
from ansible_collections.tfscale.study.plugins.module_utils._common.format import plain
from ansible_collections.tfscale.study.plugins.module_utils._study.records import ledger
from ansible_collections.tfscale.study.plugins.module_utils._study.records.ledger import FileLedger
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import ledgers

FOREIGN = [
    b"hello\n",
    b'{"a": 1}\n',
    b"[]\n",
    b"\n",
    b"3\n",
    b"null\n",
    b"\xff\xfe\n",
    b"[" * 100_000 + b"\n",
    b"hello",
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def record(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"schema": 1, "run_id": f"0123456789ab-{number}", "attempt": 1, "verdict": {"verdict": "valid"}, **more}


def written(folder: Path, *numbers: int) -> FileLedger:
    book = FileLedger(folder / "ledger.jsonl")
    for number in numbers:
        book.append(record(number))
    return book


def test_append_makes_the_folder_and_adds_one_line(tmp_path: Path) -> None:
    book = written(tmp_path / "results" / "mnist", 1, 2)
    assert list(book.records()) == [record(1), record(2)]
    assert book.path.read_bytes().count(b"\n") == 2


@given(values=st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=4))
def test_append_gives_back_what_it_was_given(values: list[dict[str, Any]]) -> None:
    records = [{**value, **record(number)} for number, value in enumerate(values)]
    with tempfile.TemporaryDirectory() as folder:
        book = FileLedger(Path(folder, "ledger.jsonl"))
        for one in records:
            assert book.append(one) is None
        assert list(book.records()) == plain(records)


@given(value=JSON)
def test_decode_reads_what_python_reads(value: Any) -> None:
    one = record(1, evidence=value)
    assert ledger.decode(ledger.encode(one)) == plain(json.loads(ledger.encode(one)))


@pytest.mark.parametrize("told", [b"NaN", b"-Infinity", rb'"\udcff"', b"[" * 200 + b"]" * 200, b"1" * 40])
def test_decode_reads_what_older_versions_wrote(told: bytes) -> None:
    line = ledger.encode(record(1, evidence={"told": 0})).replace(b'"told":0', b'"told":' + told)
    found = ledger.decode(line)
    assert found is not None
    assert found["run_id"] == "0123456789ab-1"
    assert "told" in found["evidence"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("lone \udcff", "lone \ufffd"),
        ("\x1b]0;title\x07red \x1b[31m", "red "),
        ("one\ntwo\u2028three\0", "one two three "),
        ("del \x7f C1 \x9b31m bidi \u202e", "del   C1  bidi  "),
        ("whole \U0001f600 °", "whole \U0001f600 °"),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_records_of_older_versions_hold_nothing_that_acts(
    tmp_path: Path, said: str, shown: str, ascii_only: bool
) -> None:
    old = record(1, verdict={"verdict": "void", "reasons": [said]}, spec={said: [said]})
    text = json.dumps(old, ensure_ascii=ascii_only) + "\n"
    (tmp_path / "ledger.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
    book = FileLedger(tmp_path / "ledger.jsonl")
    expected = record(1, verdict={"verdict": "void", "reasons": [shown]}, spec={shown: [shown]})
    assert list(book.records()) == [book.find(old["run_id"], 1)] == [expected]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_append_refuses_what_json_does_not_know(tmp_path: Path, value: float) -> None:
    book = written(tmp_path, 1)
    with pytest.raises(ValueError, match="JSON"):
        book.append(record(2, loss=value))
    assert list(book.records()) == [record(1)]


def test_records_of_no_file_are_none(tmp_path: Path) -> None:
    assert list(FileLedger(tmp_path / "no" / "ledger.jsonl").records()) == []


def test_records_reads_what_the_report_reads(tmp_path: Path) -> None:
    assert list(FileLedger(ledgers.write(tmp_path, ledgers.mnist())).records()) == ledgers.mnist()


@pytest.mark.parametrize("cut", range(len(ledger.encode(record(3))) + 1))
def test_a_ledger_torn_at_any_byte_keeps_its_whole_records(tmp_path: Path, cut: int) -> None:
    book = written(tmp_path, 1, 2)
    last = ledger.encode(record(3))
    with book.path.open("ab") as file:
        file.write(last[:cut])
    whole = [record(1), record(2)] + ([record(3)] if cut >= len(last) - 1 else [])
    assert list(book.records()) == whole
    warning = book.append(record(4))
    assert list(book.records()) == [*whole, record(4)]
    torn = tmp_path / "ledger.jsonl.torn"
    assert (warning is not None) == torn.exists() == (0 < cut < len(last) - 1)
    assert not torn.exists() or torn.read_bytes() == last[:cut]


@given(data=st.data())
def test_a_ledger_cut_anywhere_loses_no_whole_record(data: st.DataObject) -> None:
    lines = [ledger.encode(record(number)) for number in range(1, 4)]
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    zeros = data.draw(st.sampled_from([0, 0, 512])) if content[:cut].endswith(b"\n") or cut == 0 else 0
    with tempfile.TemporaryDirectory() as folder:
        book = FileLedger(Path(folder, "ledger.jsonl"))
        book.path.write_bytes(content[:cut] + b"\0" * zeros)
        before = list(book.records())
        assert before == [record(1), record(2), record(3)][: len(before)]
        assert len(before) >= content[:cut].count(b"\n")
        book.append(record(9))
        assert list(book.records()) == [*before, record(9)]


def test_repair_says_what_it_cut_and_is_quiet_the_second_time(tmp_path: Path) -> None:
    book = written(tmp_path, 1)
    with book.path.open("ab") as file:
        file.write(b'{"schema":1,"st')
    warning = book.repair()
    assert warning == f"{book.path} ended in half a record (15 bytes), as after a crash: moved to ledger.jsonl.torn"
    assert book.path.read_bytes() == ledger.encode(record(1))
    assert book.repair() is None


def test_repair_of_no_file_makes_none(tmp_path: Path) -> None:
    assert FileLedger(tmp_path / "ledger.jsonl").repair() is None
    assert list(tmp_path.iterdir()) == []


def test_repair_finds_the_end_of_a_very_long_line(tmp_path: Path) -> None:
    book = written(tmp_path, 1)
    with book.path.open("ab") as file:
        file.write(b'{"schema":1,"study":"' + b"x" * 200_000)
    assert book.repair() is not None
    assert list(book.records()) == [record(1)]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    book = FileLedger(tmp_path / "ledger.jsonl")
    book.path.write_bytes(content + b"more\n" if content.endswith(b"\n") else content)
    before = book.path.read_bytes()
    sentence = (
        "ledger.jsonl is not a ledger of ours: line 1 is not a record; move it away or choose another sweep_study"
    )
    with pytest.raises(LedgerError, match=sentence):
        list(book.records())
    with pytest.raises(LedgerError, match=sentence):
        book.append(record())
    assert book.path.read_bytes() == before
    assert not any(path.suffix == ".torn" for path in tmp_path.iterdir())


@pytest.mark.parametrize("line", [b"hello\n", b'{"schema":1}\n', b'{"schema":1,"run_id":"a-1","verdict\n', b"hello"])
def test_records_names_the_line_that_is_none(tmp_path: Path, line: bytes) -> None:
    book = written(tmp_path, 1, 2)
    with book.path.open("ab") as file:
        file.write(line)
    with pytest.raises(LedgerError, match="line 3 is not a record"):
        list(book.records())


def test_append_behind_somebody_elses_text_is_refused(tmp_path: Path) -> None:
    book = written(tmp_path, 1, 2)
    with book.path.open("ab") as file:
        file.write(b"a note of mine")
    with pytest.raises(LedgerError, match="line 3 is not a record"):
        book.append(record(3))


@pytest.mark.parametrize(
    ("run_id", "attempt", "found"),
    [("0123456789ab-2", 1, True), ("0123456789ab-2", 2, False), ("0123456789ab-9", 1, False)],
)
def test_find_gives_the_record_of_one_attempt(tmp_path: Path, run_id: str, attempt: int, found: bool) -> None:
    assert written(tmp_path, 1, 2, 3).find(run_id, attempt) == (record(2) if found else None)


def test_recent_reads_the_end_of_a_large_ledger_alone(tmp_path: Path) -> None:
    book = FileLedger(tmp_path / "ledger.jsonl")
    assert book.recent() == []
    records = [record(number, filling="x" * 2000) for number in range(1, 1001)]
    book.path.write_bytes(b"not even a ledger of ours\n" + b"".join(map(ledger.encode, records)) + b'{"schema":1,"run')
    found = book.recent()
    assert found == records[-len(found) :]
    assert 400 < len(found) < 550


def test_find_without_a_file_finds_nothing(tmp_path: Path) -> None:
    assert FileLedger(tmp_path / "ledger.jsonl").find("0123456789ab-1", 1) is None


def test_a_folder_in_the_ledgers_place_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    book = FileLedger(tmp_path / "ledger.jsonl")
    for act in (lambda: list(book.records()), lambda: book.append(record()), book.repair, lambda: book.find("a", 1)):
        with pytest.raises(LedgerError, match=r"ledger.jsonl cannot be .*: Is a directory; give .* its permissions"):
            act()


@pytest.mark.parametrize("outcome", ["short", "error"])
def test_append_on_a_full_disk_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    book, write = written(tmp_path, 1), os.write

    def full(descriptor: int, data: bytes) -> int:
        count = write(descriptor, data[:10])
        if outcome == "error":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return count

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LedgerError, match=r"cannot be written: no space is left in .* .No space left on device"):
        book.append(record(2))
    assert book.path.read_bytes() == ledger.encode(record(1))


def _append_many(path: str, first: int) -> None:
    for number in range(first, first + 50):
        FileLedger(path).append(record(number, padding="x" * 5000))


def test_append_from_several_processes_mixes_no_lines(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.jsonl")
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_append_many, args=(path, first)) for first in (100, 200, 300)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = sorted(int(one["run_id"].partition("-")[2]) for one in FileLedger(path).records())
    assert found == [*range(100, 150), *range(200, 250), *range(300, 350)]


def test_encode_puts_the_schema_first_and_is_plain_ascii() -> None:
    line = ledger.encode({"run_id": "a-1", "study": "größe", "schema": 1})
    assert line.startswith(ledger.OPENING)
    assert line.isascii()
    assert json.loads(line)["study"] == "größe"
