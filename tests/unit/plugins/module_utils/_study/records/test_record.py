# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record is read with care, and a doubled one counts once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record, records_of, times_of
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.ledgers import SPEC, record, void

TARGETED = {**SPEC, "target_accuracy": 0.95}


@pytest.mark.parametrize(
    ("spec", "timings", "seconds", "is_censored"),
    [
        (SPEC, {}, 4.0, False),
        # Records of schema 1 before targets have no such figure, and need none.
        (SPEC, {"seconds_to_accuracy": 2.0}, 4.0, False),
        (TARGETED, {"seconds_to_accuracy": 2.0}, 2.0, False),
        (TARGETED, {"seconds_to_accuracy": None}, None, True),
        (TARGETED, {}, None, True),
        (TARGETED, {"seconds_to_accuracy": -2.0}, None, True),
        (TARGETED, {"seconds_to_accuracy": "soon"}, None, True),
        (TARGETED, {"seconds_to_accuracy": 2.0, "train_seconds": None}, None, False),
        ({**SPEC, "target_accuracy": "high"}, {}, 4.0, False),
    ],
)
def test_seconds_are_those_to_the_target_where_there_is_one(
    spec: dict[str, Any], timings: dict[str, Any], seconds: float | None, is_censored: bool
) -> None:
    document = record(spec, 1, seconds=4.0)
    found = Record.of({**document, "timings": {**document["timings"], **timings}})
    assert (found.seconds, found.is_censored) == (seconds, is_censored)
    assert times_of([found]) == ({found.cell_id: {1: seconds}} if seconds else {})
    assert Record.of(void(spec, 1, "killed")).is_censored is False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "study",
    "run_id",
    "cell_id",
    "block",
    "attempt",
    "spec",
    "fits",
    "timings",
    "evidence",
    "verdict",
    "provenance",
)


def test_of_a_whole_record_has_its_parts_and_no_trouble() -> None:
    document = record(SPEC, 2, seconds=4.0, fits={"0123": 3})
    found = Record.of(document)
    for name in set(FIELDS) - {"verdict"}:
        assert getattr(found, name) == document[name]
    assert (found.verdict, found.reasons, found.trouble) == ("valid", (), "")
    assert Record.of(found) is found


def test_a_record_cannot_be_changed() -> None:
    found: Any = Record.of(record(SPEC, 1, seconds=4.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.block = 2
    for part in (found.spec, found.timings, found.evidence, found.provenance):
        with pytest.raises(TypeError):
            part["more"] = 1


@given(st.one_of(JSON, st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON))))
def test_of_any_document_reads_it_and_names_what_is_missing(document: Any) -> None:
    found = Record.of(document)
    assert found.block >= 0
    assert found.attempt >= 1
    assert found.verdict in ("valid", "suspect", "void")
    assert found.why
    assert found.measured in (True, False)
    assert found.recorded is None or found.recorded >= 0
    assert found.cost({"*": 1.0}) is None or not found.cost({"*": 0.0})
    assert sum(found.shares.values()) == pytest.approx(1 if found.shares else 0)
    assert set(found.settings) == set(found.spec)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (None, ["run_id", "cell_id", "block", "attempt", "spec", "verdict"]),
        ({**record(SPEC, 1, seconds=4.0), "block": "1"}, ["block"]),
        ({**record(SPEC, 1, seconds=4.0), "run_id": 7, "attempt": 0}, ["run_id", "attempt"]),
        (record(SPEC, 1, seconds=4.0, verdict="splendid"), ["verdict"]),
    ],
)
def test_of_a_damaged_document_names_what_it_lacks(document: Any, named: list[str]) -> None:
    found = Record.of(document)
    assert found.trouble.removeprefix("its record has no usable ").split(", ") == named
    assert (found.verdict == "void") == ("verdict" in named)


def test_a_verdict_that_is_none_counts_as_void() -> None:
    found = Record.of(record(SPEC, 1, seconds=4.0, verdict="splendid"))
    assert (found.is_fit, found.measured) == (False, False)
    assert "verdict" in found.why


def test_records_of_takes_the_last_record_of_an_attempt_in_the_place_of_the_first() -> None:
    first, other, second = (record(SPEC, block, seconds=4.0) for block in (1, 2, 3))
    again = {**first, "timings": {"train_seconds": 9.0}}
    found = records_of([first, other, again, second, other])
    assert [one.block for one in found] == [1, 2, 3]
    assert found[0].timing("train_seconds") == 9.0


def test_records_of_keeps_attempts_apart_and_runs_without_a_name() -> None:
    attempts = [void(SPEC, 1, "killed", attempt=1), record(SPEC, 1, seconds=4.0, attempt=2)]
    assert [one.attempt for one in records_of(attempts)] == [1, 2]
    nameless = {"cell_id": "a", "block": 1}
    assert len(records_of([nameless, nameless])) == 2


@pytest.mark.parametrize("key", ["ps_resources", "worker_resources"])
def test_of_a_record_of_version_0_3_has_real_mappings(key: str) -> None:
    text = '{"limits": {"memory": "1Gi"}, "requests": {"cpu": 2}}'
    old, new = (
        Record.of(record({**SPEC, key: value}, 1, seconds=4.0))
        for value in (text, {"requests": {"cpu": 2}, "limits": {"memory": "1Gi"}})
    )
    assert old.spec == new.spec
    assert old.spec[key] == {"limits": {"memory": "1Gi"}, "requests": {"cpu": 2}}
    assert old.settings == new.settings == {**SPEC, key: text}


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        ({}, True),
        ({"verdict": "suspect"}, True),
        ({"verdict": "void"}, False),
        ({"verdict": "splendid"}, False),
        ({"timings": {}}, False),
        ({"timings": {"train_seconds": None}}, False),
        ({"timings": {"train_seconds": "4.0"}}, False),
        ({"timings": {"train_seconds": True}}, False),
        ({"timings": {"train_seconds": float("nan")}}, False),
        ({"timings": {"train_seconds": 0.0}}, False),
        ({"timings": {"train_seconds": 4}}, True),
        ({"timings": ["train_seconds"]}, False),
    ],
)
def test_measured_is_only_with_a_verdict_and_a_time(changes: dict[str, Any], measured: bool) -> None:
    assert Record.of(record(SPEC, 1, seconds=4.0, **changes)).measured is measured


@pytest.mark.parametrize(
    "junk",
    [
        {},
        {"spec": None, "timings": 3, "verdict": "valid"},
        {"verdict": {"reasons": None}},
        {"block": "one", "attempt": None},
    ],
)
def test_of_a_document_that_lacks_everything_is_void(junk: dict[str, Any]) -> None:
    run = Record.of(junk)
    assert run.verdict == "void"
    assert run.reasons == ()
    assert (run.block, run.attempt) == (0, 1)


@pytest.mark.parametrize(("reasons", "expected"), [(["a", 3], ("a", "3")), ("killed", ()), (None, ()), ({"a": 1}, ())])
def test_of_reads_reasons_only_from_a_list(reasons: Any, expected: tuple[str, ...]) -> None:
    assert Record.of({"verdict": {"verdict": "void", "reasons": reasons}}).reasons == expected


@pytest.mark.parametrize(
    ("wall", "expected"), [(1.5e9, 1.5e9), (0, 0.0), (-1, None), (1e300, None), (float("inf"), None), ("now", None)]
)
def test_recorded_is_a_time_of_this_calendar(wall: Any, expected: float | None) -> None:
    assert Record.of({"provenance": {"recorded_wall": wall}}).recorded == expected


@pytest.mark.parametrize(
    ("key", "value", "measured"),
    [("workers", "two", False), ("ps", None, False), ("workers", -1, False), ("ps", 0, True), ("nodes", None, True)],
)
def test_of_a_cell_that_does_not_say_what_it_was_is_not_measured(key: str, value: Any, measured: bool) -> None:
    assert Record.of({**record(SPEC, 1, seconds=4.0), "spec": {**SPEC, key: value}}).measured is measured


def test_log_is_relative_to_the_report() -> None:
    run = Record.of(record(SPEC, 3, seconds=4.0, attempt=2, run_id="abc-3"))
    assert run.log == "logs/abc-3/attempt-2"
