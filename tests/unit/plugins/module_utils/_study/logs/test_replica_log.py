# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the logs of a run to its figures. The times of the lines are chosen so that every figure is known beforehand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import read_run, replica_logs, timings_of
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.replica_log import RunLog
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.runs import STARTED, line, worker_log, write_log, write_logs

OURS = LogFormat.of("tfscale")
THESIS = LogFormat.of("thesis")
TIMED = LogFormat.of(r"t=(?P<time>\S+) step (?P<step>\d+)(?: loss=(?P<loss>\S+))?(?: acc=(?P<accuracy>\S+))?")
UNTIMED = LogFormat.of(r"step (?P<step>\d+)")
KEYS = {
    *("train_seconds", "startup_seconds", "total_seconds", "global_steps", "steps_per_second"),
    *("steady_steps_per_second", "cpu_seconds", "rss_peak_bytes", "accuracy", "loss", "start_global_step"),
    *("wait_seconds", "throttled_seconds", "imported_seconds", "session_seconds", "spent_seconds"),
}


def run_of(folder: Path, lines: list[bytes], *, fmt: LogFormat = OURS, steps: int = 2000, **clock: float) -> RunLog:
    write_log(folder, "worker-0", lines)
    return read_run(folder, fmt, steps, clock.get("started"), clock.get("ended"))


def thesis(worker: int, local: int, step: int, at: float) -> bytes:
    return f"{STARTED + at:.6f}: Worker {worker}: training step {local} done (global step: {step})".encode()


NEVER_NEGATIVE = {
    *("train_seconds", "startup_seconds", "imported_seconds", "session_seconds"),
    *("steps_per_second", "steady_steps_per_second", "global_steps", "start_global_step"),
}


# Our own log


def test_timings_of_a_good_run(tmp_path: Path) -> None:
    timings, errors = timings_of(write_logs(tmp_path), OURS, 2000, STARTED)
    assert errors == []
    assert timings == {
        "train_seconds": 4.0,
        "startup_seconds": 1.5,
        "total_seconds": None,
        "global_steps": 2000,
        "steps_per_second": 500.0,
        "steady_steps_per_second": 500.0,
        "cpu_seconds": 5.0,
        "rss_peak_bytes": 144_000_000,
        "accuracy": 0.948,
        "loss": 0.25,
        "start_global_step": 0,
        "wait_seconds": 0.5,
        "throttled_seconds": 0.125,
        "imported_seconds": 0.5,
        "session_seconds": 1.0,
        "spent_seconds": {"compute": 1.0, "ps": 6.0, "input": 0.5, "telemetry": 0.25, "throttled": 0.0},
    }


def test_read_run_knows_the_whole_time_when_the_end_is_told(tmp_path: Path) -> None:
    assert run_of(tmp_path, worker_log(), started=STARTED, ended=STARTED + 6).timings()["total_seconds"] == 6.0


def test_read_run_counts_the_workers_at_the_start_line(tmp_path: Path) -> None:
    write_logs(tmp_path, ps=2, workers=3)
    write_log(tmp_path, "worker-3", worker_log(index=3)[:3])
    run = read_run(tmp_path, OURS, 2000)
    assert run.start_lines == 3
    assert list(run.logs) == [("ps", 0), ("ps", 1), ("worker", 0), ("worker", 1), ("worker", 2), ("worker", 3)]
    assert run.tensorflow == "2.21.0"


def test_timings_measure_by_the_clock_that_does_not_jump(tmp_path: Path) -> None:
    lines = [json.loads(one.removeprefix(b":::TFSCALE ")) for one in worker_log()]
    # The wall clock is set by an hour in the middle of the training.
    jumped = [{**said, "wall": said["wall"] + 3600 * (said.get("global_step", 0) > 1000)} for said in lines]
    run = run_of(tmp_path, [b":::TFSCALE " + json.dumps(said).encode() for said in jumped])
    assert run.timings()["train_seconds"] == 4.0
    assert run.errors == []


def test_timings_use_the_wall_clock_where_there_is_no_other(tmp_path: Path) -> None:
    run = run_of(tmp_path, [one.replace(b'"mono"', b'"other"') for one in worker_log()])
    assert run.timings()["train_seconds"] == 4.0


def test_steady_speed_leaves_the_first_tenth_out(tmp_path: Path) -> None:
    lines = [
        line("start_line", at=0.0, global_step=0),
        line("progress", at=5.0, global_step=199),
        line("progress", at=6.0, global_step=200),
        line("progress", at=7.0, global_step=1000),
        line("target_reached", at=10.0, global_step=2000),
    ]
    timings = run_of(tmp_path, lines).timings()
    assert timings["steps_per_second"] == 200.0
    assert timings["steady_steps_per_second"] == 450.0


@pytest.mark.parametrize(
    ("count", "known"),
    [
        (0, {}),
        (1, {}),
        (4, {"start_global_step": 0, "global_steps": 0}),
        (6, {"start_global_step": 0, "global_steps": 1000, "loss": 0.5}),
        (
            9,
            {
                "start_global_step": 0,
                "global_steps": 2000,
                "loss": 0.25,
                "train_seconds": 4.0,
                "steps_per_second": 500.0,
            },
        ),
    ],
)
def test_timings_of_a_run_that_broke_off_hold_what_was_seen(tmp_path: Path, count: int, known: dict[str, Any]) -> None:
    timings = run_of(tmp_path, worker_log()[:count]).timings()
    told = {key: value for key, value in timings.items() if value is not None}
    told.pop("steady_steps_per_second", None)
    assert told == known
    assert set(timings) == KEYS


def test_timings_of_endless_training_end_with_the_last_line(tmp_path: Path) -> None:
    timings = run_of(tmp_path, worker_log()[:7], steps=0).timings()
    assert timings["train_seconds"] == 3.0
    assert timings["steps_per_second"] == 500.0


def test_timings_tell_the_highest_step_that_any_worker_saw(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-1", [line("progress", index=1, at=5, global_step=2003)])
    assert run_of(tmp_path, worker_log()).timings()["global_steps"] == 2003


def test_timings_tell_a_start_that_is_not_the_first_step(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-1", [line("start_line", index=1, at=1.5, global_step=7)])
    assert run_of(tmp_path, worker_log()).timings()["start_global_step"] == 7


@pytest.mark.parametrize(("started", "expected"), [(STARTED + 1, 0.5), (STARTED + 100, None), (STARTED, 1.5)])
def test_startup_is_not_told_by_clocks_that_do_not_fit(tmp_path: Path, started: float, expected: float | None) -> None:
    assert run_of(tmp_path, worker_log(), started=started).timings()["startup_seconds"] == expected


def test_startup_is_not_longer_than_the_whole_run(tmp_path: Path) -> None:
    timings = run_of(tmp_path, worker_log(), started=STARTED, ended=STARTED + 1.2).timings()
    assert (timings["startup_seconds"], timings["session_seconds"], timings["total_seconds"]) == (None, 1.0, 1.2)


# What a run says of its own faults


@pytest.mark.parametrize("name", ["wall", "mono"])
def test_read_run_notes_a_clock_that_went_back(tmp_path: Path, name: str) -> None:
    missing = b'"wall"' if name == "mono" else b'"mono"'
    back = [line("start_line", at=10, global_step=0), line("progress", at=20, global_step=5)]
    back += [line("progress", at=7.5, global_step=6), line("target_reached", at=8, global_step=2000)]
    run = run_of(tmp_path, [one.replace(missing, b'"other"') for one in back])
    assert run.errors == ["the clock of worker 0 went back by 12.5 s"]
    assert run.chief.clock_back == 12.5
    assert run.timings()["train_seconds"] is None


def test_read_run_tells_the_clock_even_behind_many_bad_lines(tmp_path: Path) -> None:
    back = [line("progress", at=20, global_step=5), line("progress", at=7.5, global_step=6)]
    run = run_of(tmp_path, [b":::TFSCALE {"] * 1000 + back)
    assert run.errors[-1] == "the clock of worker 0 went back by 12.5 s"
    assert "and 980 more like these" in run.errors


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([line("progress", global_step=5, loss=float("nan"))], "loss became nan at global step 5"),
        ([line("progress", global_step=5, loss=float("inf"))], "loss became inf at global step 5"),
        ([line("progress", loss=float("-inf"))], "loss became -inf"),
        ([b':::TFSCALE {"v":1,"event":"eval","replica":"worker","index":0,"accuracy":1e999}'], "accuracy became inf"),
        ([line("progress", global_step=5, loss="nan")], ""),
        ([line("progress", global_step=5, loss=None)], ""),
        ([line("progress", global_step=5, loss=0.5)], ""),
    ],
)
def test_read_run_tells_numbers_that_are_none(tmp_path: Path, lines: list[bytes], told: str) -> None:
    run = run_of(tmp_path, [*lines, line("progress", global_step=9, loss=0.125)])
    assert run.non_finite == told
    assert run.timings()["loss"] == 0.125


def test_read_run_keeps_the_first_error_that_a_replica_named(tmp_path: Path) -> None:
    run = run_of(tmp_path, [line("error", reason="first"), line("error", reason="second")])
    assert run.chief.error == "first"


@pytest.mark.parametrize("reason", [None, 3, [], {"a": 1}, "x" * 5000])
def test_read_run_takes_a_reason_of_any_kind(tmp_path: Path, reason: Any) -> None:
    assert len(run_of(tmp_path, [line("error", reason=reason)]).chief.error) <= 300


@pytest.mark.parametrize(
    "value", ["9" * 400, "-1", "1.5", "true", "null", '"7"', "[7]", "NaN", "1e999", "9223372036854775808"]
)
def test_read_run_takes_a_step_that_is_none_for_none(tmp_path: Path, value: str) -> None:
    raw = line("progress", at=1, global_step="@").replace(b'"@"', value.encode())
    assert run_of(tmp_path, [raw]).timings()["global_steps"] is None


@pytest.mark.parametrize("key", ["cpu_seconds", "rss_peak_bytes", "wait_seconds", "throttled_seconds"])
@pytest.mark.parametrize("value", ["many", None, True, [], float("nan"), float("inf"), 10**400])
def test_timings_leave_out_what_is_no_number(tmp_path: Path, key: str, value: Any) -> None:
    known: dict[str, Any] = {key: 2}
    write_log(tmp_path, "worker-1", [line("summary", index=1, **known)])
    assert run_of(tmp_path, [line("summary", **{key: value})]).timings()[key] == 2


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({"compute": 1, "ps": 2.5, "input": 0, "telemetry": 0, "throttled": 0}, {"compute": 1, "ps": 2.5}),
        ({"compute": 1, "ps": "many", "input": -3, "sleep": 4}, {"compute": 1}),
        ({}, None),
        ({"sleep": 4}, None),
        (4.0, None),
        (None, None),
    ],
    ids=["all parts", "some are no amounts", "none", "others", "a number", "null"],
)
def test_timings_tell_where_the_time_went_if_a_worker_does(tmp_path: Path, seconds: Any, expected: Any) -> None:
    found = run_of(tmp_path, [line("summary", seconds=seconds)]).timings()["spent_seconds"]
    parts = dict.fromkeys(("compute", "ps", "input", "telemetry", "throttled"), 0)
    assert found == (None if expected is None else {**parts, **expected})


# Logs that are not ours


def test_timings_of_the_thesis_count_from_the_first_line(tmp_path: Path) -> None:
    lines = [thesis(0, step, step, 2 + step / 100) for step in range(1, 402)]
    run = run_of(tmp_path, [*lines, b"Accuracy at local step 400: 0.93"], fmt=THESIS, steps=401, started=STARTED)
    timings = run.timings()
    assert (timings["train_seconds"], timings["startup_seconds"]) == (4.0, 2.01)
    assert (timings["global_steps"], timings["accuracy"], timings["start_global_step"]) == (401, 0.93, None)
    assert timings["steps_per_second"] == pytest.approx(100)
    assert timings["steady_steps_per_second"] == pytest.approx(100)
    assert run.errors == ["no start line: train_seconds counts from the first line, step 1"]


def test_timings_of_the_thesis_stop_at_the_target(tmp_path: Path) -> None:
    lines = [thesis(0, 1, 0, 1.0), thesis(0, 2, 10, 2.0), thesis(0, 3, 11, 99.0)]
    assert run_of(tmp_path, lines, fmt=THESIS, steps=10).timings()["train_seconds"] == 1.0


def test_timings_believe_the_elapsed_time_of_the_thesis(tmp_path: Path) -> None:
    lines = [thesis(0, 1, 0, 1.0), thesis(0, 2, 100, 2.0), b"Training elapsed time: 0.8 s"]
    run = run_of(tmp_path, lines, fmt=THESIS, steps=100)
    assert (run.timings()["train_seconds"], run.timings()["steps_per_second"]) == (0.8, 125.0)
    assert run.errors == []


def test_timings_of_the_thesis_need_no_time_beside_the_elapsed_one(tmp_path: Path) -> None:
    run = run_of(tmp_path, [b"Training elapsed time: 0.8 s"], fmt=THESIS)
    assert run.timings()["train_seconds"] == 0.8
    assert run.errors == []


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "0", "x"])
def test_timings_do_not_believe_an_impossible_elapsed_time(tmp_path: Path, seconds: str) -> None:
    run = run_of(tmp_path, [f"Training elapsed time: {seconds} s".encode()], fmt=THESIS)
    assert run.timings()["train_seconds"] is None


def test_timings_by_a_users_expression(tmp_path: Path) -> None:
    lines = [b"t=0 step 0", b"t=1 step 10 loss=0.5", b"t=2 step 50", b"t=11 step 100 loss=0.25 acc=0.9"]
    run = run_of(tmp_path, lines, fmt=TIMED, steps=100)
    timings = run.timings()
    assert (timings["train_seconds"], timings["steps_per_second"], timings["steady_steps_per_second"]) == (
        11.0,
        9.090909,
        9.0,
    )
    assert (timings["loss"], timings["accuracy"]) == (0.25, 0.9)
    assert run.errors == ["no start line: train_seconds counts from the first line, step 0"]


def test_timings_without_a_time_say_so(tmp_path: Path) -> None:
    run = run_of(tmp_path, [b"step 0", b"step 100"], fmt=UNTIMED, steps=100, started=STARTED)
    assert {key: value for key, value in run.timings().items() if value is not None} == {"global_steps": 100}
    assert run.errors == [r"worker-0.log tells no time: training_log_format step (?P<step>\d+) has no group time"]


# Logs as people have them

BAR = LogFormat.of(r"(?P<step>[0-9]+)/200 .*? t: (?P<time>[0-9.]+) - loss: (?P<loss>[0-9.]+)")
KEYED = LogFormat.of(r"^time=(?P<time>[\d.]+) step=(?P<step>\d+) loss=(?P<loss>\S+)$")


def redraw(step: int, end: bytes) -> bytes:
    return b"%4d/200 [%s%s] - t: %.2f - loss: %.3f" % (step, b"=" * 30, b"." * 300, step / 100, 2 / step) + end


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"\r", b""),
        (b"", b"\r"),
        (b"\b" * 360 + b"\r", b""),
        (b"\x1b[2K\x1b[1G\x1b[32m", b"\x1b[0m"),
        (b"", b"\b" * 400),
        (b"\r", b"\r"),
        (b"", b"\n"),
        (b"", b"\r\n"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b""])
def test_timings_of_a_bar_that_is_redrawn_see_each_step(
    tmp_path: Path, before: bytes, behind: bytes, end: bytes
) -> None:
    # 200 redraws make one line of more than 64 KiB.
    content = b"".join(before + redraw(step, behind) for step in range(1, 201)) + end
    (tmp_path / "worker-0.log").write_bytes(content)
    run = read_run(tmp_path, BAR, 200)
    assert run.chief.events == 200
    timings = run.timings()
    assert (timings["train_seconds"], timings["global_steps"], timings["loss"]) == (1.99, 200, 0.01)
    assert run.errors == ["no start line: train_seconds counts from the first line, step 1"]


@pytest.mark.parametrize(
    "drawing",
    [
        b"%s\r",
        b"\x1b[32m%s\x1b[0m",
        b"\x1b]0;training\x07%s",
        b"\x1b[2K%s\x1b[K\r",
        b"\xef\xbb\xbf%s",
        b"\xc2\x9b32m%s\xc2\x9b0m",
        b"\0%s\0",
    ],
)
def test_timings_of_lines_as_a_terminal_has_them(tmp_path: Path, drawing: bytes) -> None:
    lines = [b"time=1000.0 step=0 loss=2.30", b"time=1001.0 step=50 loss=1.5", b"time=1002.0 step=100 loss=0.31"]
    run = run_of(tmp_path, [drawing % one for one in lines], fmt=KEYED, steps=100)
    assert (run.timings()["train_seconds"], run.timings()["loss"], run.chief.events) == (2.0, 0.31, 3)
    ours = run_of(tmp_path, [drawing % one for one in worker_log()])
    assert (ours.timings()["train_seconds"], ours.errors) == (4.0, [])


@pytest.mark.parametrize("said", ["0.31,", "0,31", "31%", "0.31s", "none", "1.#QNAN", "0.3.1"])
@pytest.mark.parametrize("name", ["loss", "acc"])
def test_read_run_notes_a_number_that_cannot_be_read(tmp_path: Path, said: str, name: str) -> None:
    lines = [b"t=0 step 0", f"t=2 step 100 {name}={said}".encode()]
    run = run_of(tmp_path, lines, fmt=TIMED, steps=100)
    assert (run.timings()["loss"], run.timings()["accuracy"], run.timings()["train_seconds"]) == (None, None, 2.0)
    word = "accuracy" if name == "acc" else "loss"
    assert run.errors[0] == f"worker-0.log line 2 has the {word} '{said}', which is not a number"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"loss": "0.31"}, "the loss '0.31'"),
        ({"accuracy": [0.3]}, "the accuracy 'a list'"),
        ({"global_step": "100"}, "the global_step '100'"),
        ({"global_step": 100.0}, "the global_step '100.0'"),
        ({"loss": True}, "the loss 'True'"),
        ({"mono": "1.5"}, "the mono '1.5'"),
    ],
)
def test_read_run_notes_a_number_of_ours_that_is_none(tmp_path: Path, fields: dict[str, Any], told: str) -> None:
    run = run_of(tmp_path, [*worker_log(), line("progress", at=6.0, **fields)])
    assert run.errors == [f"worker-0.log line {len(worker_log()) + 1} has {told}, which is not a number"]


def test_read_run_numbers_the_lines_of_the_file_not_its_redraws(tmp_path: Path) -> None:
    lines = [b"t=0 step 0", b"\rt=1 step 1\rt=2 step 2\b3", b"t=3 step 9 loss=x\r", b"\x1b[1mt=4 step 100 loss=y"]
    run = run_of(tmp_path, lines, fmt=TIMED, steps=100)
    assert [note.split(" has")[0] for note in run.errors[:2]] == ["worker-0.log line 3", "worker-0.log line 4"]


def lines_with(*steps: int, at: float = 0.0) -> list[bytes]:
    return [b"t=%.1f step %d loss=%.2f" % (at + place, step, 1 / (1 + step)) for place, step in enumerate(steps)]


def two_trainings(kind: str, done: int) -> tuple[LogFormat, list[bytes]]:
    if kind == "thesis":
        steps = [thesis(0, step, step, step / 10) for step in range(1, done + 1)]
        elapsed = [b"Training elapsed time: 58.03 s"] if done == 200 else []
        second = [thesis(0, step, done + step, 90 + step / 10) for step in range(1, 9)]
        return THESIS, [*steps, *elapsed, *second, b"Training elapsed time: 0.031 s", b"Accuracy at local step 8: 0.1"]
    if kind == "ours":
        first = [one for one in worker_log(steps=done) if done == 200 or b"target_reached" not in one]
        return OURS, first + worker_log(steps=200, seconds=1.0)
    return TIMED, [*lines_with(*range(0, done + 1, 10)), *lines_with(*range(0, 201, 50), at=500)]


@pytest.mark.parametrize(("kind", "seconds"), [("thesis", 58.03), ("ours", 4.0), ("regex", 20.0)])
def test_timings_of_two_trainings_in_one_log_are_those_of_the_first(tmp_path: Path, kind: str, seconds: float) -> None:
    fmt, lines = two_trainings(kind, 200)
    run = run_of(tmp_path, lines, fmt=fmt, steps=200)
    timings = run.timings()
    assert (timings["train_seconds"], timings["global_steps"]) == (seconds, 200)
    assert timings["accuracy"] != 0.1
    assert any("a second training begins in worker-0.log" in note for note in run.errors)


@pytest.mark.parametrize("kind", ["thesis", "ours", "regex"])
def test_timings_of_a_training_that_began_anew_are_none(tmp_path: Path, kind: str) -> None:
    fmt, lines = two_trainings(kind, 120)
    run = run_of(tmp_path, lines, fmt=fmt, steps=200)
    assert run.timings()["global_steps"] == 120
    assert run.shortfall().startswith("a second training begins")


def test_timings_bear_threads_that_write_side_by_side(tmp_path: Path) -> None:
    run = run_of(tmp_path, lines_with(1, 0, 3, 2, 50, 48, 100, 99), fmt=TIMED, steps=100)
    assert (run.timings()["train_seconds"], run.chief.second) == (6.0, "")
    assert "the step of worker 0 went back by 2" in run.errors


@pytest.mark.parametrize(
    ("at", "note"),
    [
        (STARTED, ""),
        (STARTED + 50_000, ""),
        (STARTED + 864_000, "10 days off"),
        (STARTED - 864_000, "10 days off"),
        (7.0, ""),
    ],
)
def test_read_run_notes_the_time_of_another_day(tmp_path: Path, at: float, note: str) -> None:
    run = run_of(tmp_path, lines_with(0, 100, at=at), fmt=TIMED, steps=100, started=STARTED, ended=STARTED + 6)
    assert any("days off" in one for one in run.errors) is bool(note)
    assert note in " ".join(run.errors)


def test_read_run_of_a_reason_that_acts_on_a_terminal_keeps_its_text(tmp_path: Path) -> None:
    said = line("error", reason="no\udcff room\x1b[31m\r\n[host] ok\u202e")
    assert run_of(tmp_path, [said]).chief.error == "no\ufffd room [host] ok"


# Folders


@pytest.mark.parametrize("folder", ["", "none", "worker-0.log/x"])
def test_read_run_of_no_logs_tells_that_there_is_no_chief(tmp_path: Path, folder: str) -> None:
    run = read_run(tmp_path / folder, OURS, 2000)
    assert run.errors == ["there is no worker-0.log: without the chief there is no time"]
    assert set(run.timings()) == KEYS
    assert set(run.timings().values()) == {None}


@pytest.mark.parametrize("fmt", [OURS, THESIS, TIMED], ids=lambda fmt: fmt.name[:8])
def test_read_run_of_a_log_without_a_line_of_the_format_says_so(tmp_path: Path, fmt: LogFormat) -> None:
    cause = f"no line of worker-0.log fits training_log_format {fmt.name}: its first line is 'hello'"
    assert run_of(tmp_path, [b"", b"\x1b[1mhello\x1b[0m", b""], fmt=fmt).errors == [cause]
    assert run_of(tmp_path, [b"", b" "], fmt=fmt).errors == [cause.partition(" its")[0] + " it is empty"]


def test_read_run_goes_on_behind_a_log_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "ps-0.log").mkdir()
    run = run_of(tmp_path, worker_log())
    assert run.errors == ["ps-0.log cannot be read: Is a directory"]
    assert run.timings()["train_seconds"] == 4.0


def test_replica_logs_are_sorted_by_number_and_others_left_alone(tmp_path: Path) -> None:
    for name in (
        "worker-10.log",
        "worker-2.log",
        "ps-0.log",
        "worker-x.log",
        "worker-1.log.1",
        "chief-0.log",
        "state.json",
    ):
        (tmp_path / name).touch()
    assert [path.name for _replica, _index, path in replica_logs(tmp_path)] == [
        "ps-0.log",
        "worker-2.log",
        "worker-10.log",
    ]


# Anything

NUMBERS = st.integers(-5, 3000) | st.floats(-1e9, 1e9) | st.sampled_from([float("nan"), float("inf"), 10**400, 2**63])
VALUES = NUMBERS | st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
EVENTS = [
    "imported",
    "session_ready",
    "start_line",
    "progress",
    "target_reached",
    "eval",
    "summary",
    "error",
    "exit",
    "?",
]
FIELDS = (
    *("v", "replica", "index", "wall", "mono", "global_step", "loss", "accuracy", "cpu_seconds"),
    *("rss_peak_bytes", "wait_seconds", "reason", "tensorflow", "seconds"),
)
SAID = st.fixed_dictionaries(
    {"event": st.sampled_from(EVENTS)},
    optional=dict.fromkeys(FIELDS, VALUES),
).map(lambda said: b":::TFSCALE " + json.dumps({"v": 1, "replica": "worker", "index": 0, **said}).encode())
THESIS_LINES = st.builds(thesis, *[st.integers(0, 9), st.integers(0, 9), st.integers(0, 3000), st.floats(-1e9, 1e9)])
TIMED_LINES = st.builds(lambda time, step, loss: f"t={time} step {step} loss={loss}".encode(), *[NUMBERS] * 3)
LOGS = st.lists(SAID | THESIS_LINES | TIMED_LINES | st.binary(max_size=20), max_size=15)


@pytest.mark.parametrize("fmt", [OURS, THESIS, TIMED, UNTIMED], ids=lambda fmt: fmt.name[:8])
@settings(max_examples=60)
@given(chief=LOGS, other=LOGS, steps=st.sampled_from([0, 1, 2000]), started=st.none() | st.floats(-1e9, 1e9))
def test_timings_of_anything_are_strict_json(
    tmp_path_factory: pytest.TempPathFactory,
    fmt: LogFormat,
    chief: list[bytes],
    other: list[bytes],
    steps: int,
    started: float | None,
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    write_log(folder, "worker-0", chief)
    write_log(folder, "worker-1", other)
    timings, errors = timings_of(folder, fmt, steps, started)
    json.dumps([timings, errors], allow_nan=False)
    assert set(timings) == KEYS
    assert all(value is None or value >= 0 for key, value in timings.items() if key in NEVER_NEGATIVE)


HUGE = [1.7e308, -1.7e308, 1e200, 17 * 10**307, 5e-324, -5e-324, 0.0, 1e-7]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(HUGE), st.sampled_from(HUGE)), min_size=4, max_size=9)
)
def test_timings_of_huge_and_tiny_numbers_are_strict_json(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    usage = ("cpu_seconds", "rss_peak_bytes", "wait_seconds", "seconds", "loss", "accuracy")
    for index in range(3):
        lines = [
            {
                "event": event,
                "mono": clock,
                "wall": clock,
                "global_step": 2**63 - 1 - 7 * place,
                **dict.fromkeys(usage, number),
                **({"seconds": {"compute": number, "ps": number}} if event == "summary" else {}),
            }
            for place, (event, clock, number) in enumerate(said[index:])
        ]
        head = {"v": 1, "replica": "worker", "index": index}
        write_log(folder, f"worker-{index}", [b":::TFSCALE " + json.dumps({**head, **one}).encode() for one in lines])
    run = read_run(folder, OURS, 2000, 0.0, 1.7e308)
    json.dumps([run.timings(), run.errors, run.chief.clock_back], allow_nan=False)
    assert run.timings()["train_seconds"] != 0


def test_timings_of_huge_integers_can_be_summed(tmp_path: Path) -> None:
    for index, size in enumerate((17 * 10**307, 17 * 10**307, 0.5)):
        write_log(tmp_path, f"worker-{index}", [line("summary", index=index, rss_peak_bytes=size)])
    assert read_run(tmp_path, OURS, 2000).timings()["rss_peak_bytes"] == 0.5


def test_read_run_does_not_keep_the_names_of_unknown_events(tmp_path: Path) -> None:
    assert run_of(tmp_path, [line(f"name-{number}") for number in range(1000)]).chief.walls == {}
