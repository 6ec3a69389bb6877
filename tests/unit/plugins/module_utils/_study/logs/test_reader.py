# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From bytes to events in every format, whatever stands in a log."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.logs import reader as timing_log
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.events import Event
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.lines import LONGEST_LINE
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import Follower, parse
from hypothesis import example, given, settings
from hypothesis import strategies as st

OURS = LogFormat.of("tfscale")
THESIS = LogFormat.of("thesis")
REGEX = LogFormat.of(r"time=(?P<time>\S+) step (?P<step>\d+)(?: loss=(?P<loss>\S+))?")
FORMATS = [OURS, THESIS, REGEX]
SAID = {"v": 1, "event": "progress", "replica": "worker", "index": 0, "wall": 1.5, "mono": 2.5}


def line(**fields: Any) -> bytes:
    return b":::TFSCALE " + json.dumps({**SAID, **fields}).encode()


def only(raw: bytes, fmt: LogFormat, *, unread: bool = False) -> Event:
    events, errors = parse([raw], fmt)
    assert bool(errors) is unread
    assert len(events) == 1
    return events[0]


def complaint(raw: bytes, fmt: LogFormat = OURS) -> str:
    events, errors = parse([raw], fmt)
    assert events == []
    assert len(errors) == 1
    return errors[0].removeprefix("the log's line 1 ")


# The format tfscale


@pytest.mark.parametrize("before", [b"", b"I0000 tensorflow: ", b"\xff\x00", b"Epoch 1 42% "])
@pytest.mark.parametrize("after", [b"", b"\r", b"\n", b"  \r\n"])
def test_parse_reads_our_line_wherever_it_begins(before: bytes, after: bytes) -> None:
    event = only(before + line(global_step=100) + after, OURS)
    assert (event.event, event.replica, event.index, event.wall, event.mono) == ("progress", "worker", 0, 1.5, 2.5)
    assert event.fields["global_step"] == 100


@pytest.mark.parametrize("name", ["wall", "mono"])
@pytest.mark.parametrize("value", ["1.5", None, True, [], {}, float("nan"), float("inf"), 10**400])
def test_parse_takes_a_clock_that_is_no_number_for_none(name: str, value: Any) -> None:
    assert getattr(only(line(**{name: value}), OURS, unread=not (value is None or _is_number(value))), name) is None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b":::TFSCALE", "is half a line or no JSON"),
        (line()[:-1], "is half a line or no JSON"),
        (line()[:40], "is half a line or no JSON"),
        (b":::TFSCALE {'v': 1}", "is half a line or no JSON"),
        (b":::TFSCALE \xff\xfe", "is half a line or no JSON"),
        (b":::TFSCALE " + b"[" * 50_000, "is half a line or no JSON"),
        (b":::TFSCALE " + b'{"a":' * 10_000, "is half a line or no JSON"),
        (line(step=0).replace(b"0}", b"9" * 5000 + b"}"), "is half a line or no JSON"),
        (line() + line(), "has more behind its JSON"),
        (b":::TFSCALE 1", "has no event"),
        (b":::TFSCALE []", "has no event"),
        (b":::TFSCALE null", "has no event"),
        (b":::TFSCALE {}", "has no event"),
        (line(event=3), "has no event"),
        (line(event=["progress"]), "has no event"),
        (line(v=2), "has version 2, but only version 1 is known"),
        (line(v=None), "has version None, but only version 1 is known"),
        (line(v="1"), "has version 1, but only version 1 is known"),
        (line(v="x" * 5000), f"has version {'x' * 20}, but only version 1 is known"),
        (line(replica=None), "does not say which replica it comes from"),
        (line(index=-1), "does not say which replica it comes from"),
        (line(index="0"), "does not say which replica it comes from"),
        (line(index=True), "does not say which replica it comes from"),
        (line(index=0.0), "does not say which replica it comes from"),
    ],
)
def test_parse_tells_what_is_wrong_with_our_line(raw: bytes, told: str) -> None:
    assert complaint(raw) == told


@pytest.mark.parametrize("depth", [100, *range(900, 1000, 7)])
@pytest.mark.parametrize("key", ["v", "event", "replica", "index", "wall", "reason"])
def test_parse_survives_nesting_near_the_limit_of_the_interpreter(key: str, depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    events, errors = parse([line(**{key: "@"}).replace(b'"@"', nested)], OURS)
    assert 1 <= len(events) + len(errors) <= 2


@pytest.mark.parametrize("raw", [b"", b"\0", b"hello", b"::TFSCALE {}", b":::tfscale {}", b"\xff" * 100])
@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name[:8])
def test_parse_ignores_lines_of_others(raw: bytes, fmt: LogFormat) -> None:
    assert parse([raw], fmt) == ([], [])


# The format thesis


@pytest.mark.parametrize(
    ("raw", "wall", "index", "local", "step"),
    [
        (b"1580000000.25: Worker 1: training step 7 done (global step: 12)", 1580000000.25, 1, 7, 12),
        (b"1580000000.25: Worker_1:_training_step_7_done_(global_step:_12)", 1580000000.25, 1, 7, 12),
        (b"1580000000.25:_Worker_1:_training_step_7_done_(global_step:12)", 1580000000.25, 1, 7, 12),
        (b"1580000000: Worker 0: training step 1 done (global step: 0)\r", 1580000000.0, 0, 1, 0),
        (b"Worker 0: training step 1 done (global step: 0)", None, 0, 1, 0),
        (b"worker-0 | 15.5: Worker 0: training step 1 done (global step: 0) ", 15.5, 0, 1, 0),
    ],
)
def test_parse_reads_the_steps_of_the_thesis(raw: bytes, wall: float | None, index: int, local: int, step: int) -> None:
    expected = Event("progress", "worker", index, wall, None, {"global_step": step, "local_step": local})
    assert only(raw, THESIS) == expected


@pytest.mark.parametrize(
    ("raw", "event", "fields"),
    [
        (b"Accuracy at local step 10: 0.91", "eval", {"accuracy": 0.91}),
        (b"Accuracy_at_local_step_10:_0.91", "eval", {"accuracy": 0.91}),
        (b"Accuracy at local step 10: much", "eval", {"accuracy": None}),
        (b"Training elapsed time: 12.5 s", "elapsed", {"seconds": 12.5}),
        (b"Training_elapsed_time:_12.5_s", "elapsed", {"seconds": 12.5}),
        (b"Training elapsed time: 1.2.5 s", "elapsed", {"seconds": None}),
    ],
)
def test_parse_reads_the_results_of_the_thesis(raw: bytes, event: str, fields: dict[str, Any]) -> None:
    unread = None in fields.values()
    assert only(raw, THESIS, unread=unread) == Event(event, "worker", 0, None, None, fields)


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 5000])
def test_parse_does_not_believe_steps_beyond_what_tensorflow_counts(digits: str) -> None:
    raw = f"1.5: Worker 0: training step 1 done (global step: {digits})".encode()
    assert only(raw, THESIS, unread=True).fields["global_step"] is None
    assert only(f"time=1 step {digits}".encode(), REGEX, unread=True).fields["global_step"] is None


def test_parse_takes_a_time_without_end_for_none() -> None:
    assert only(b"9" * 400 + b": Worker 0: training step 1 done (global step: 1)", THESIS).wall is None


# Without a bound these take minutes: hundreds of such lines would hold a sweep for ever.
@pytest.mark.parametrize(
    "tail", [b"", b": Worker 0: training step", b": Worker 0: training step 1 done (global step: 7)"]
)
def test_parse_of_a_long_row_of_digits_is_quick(tail: bytes) -> None:
    raw = b"9" * (LONGEST_LINE - len(tail)) + tail
    started = time.process_time()
    events, errors = parse([raw] * 5, THESIS)
    # Two orders of magnitude from both sides: no measurement, only the difference between seconds and minutes.
    assert time.process_time() - started < 5
    assert (len(events), errors) == (5 if tail.endswith(b"7)") else 0, [])


# A user's regular expression


def test_parse_reads_with_a_users_expression() -> None:
    assert only(b"time=1.5 step 7 loss=0.25", REGEX) == Event(
        "progress", "worker", 0, 1.5, None, {"global_step": 7, "loss": 0.25}
    )


@pytest.mark.parametrize(
    ("expression", "raw", "expected"),
    [
        (r"step (?P<step>\d+)", b"step 7", Event("progress", "worker", 0, None, None, {"global_step": 7})),
        (r"acc (?P<accuracy>\S+)", b"acc 0.5", Event("eval", "worker", 0, None, None, {"accuracy": 0.5})),
        (r"acc (?P<accuracy>\S+)", b"acc x", Event("eval", "worker", 0, None, None, {"accuracy": None})),
        (r"(?P<step>\d+)?;(?P<accuracy>\S+)", b";1", Event("eval", "worker", 0, None, None, {"accuracy": 1.0})),
        (r"é (?P<step>\d+)", "é 7".encode(), Event("progress", "worker", 0, None, None, {"global_step": 7})),
        (r"(?P<step>\w+)", b"x", Event("progress", "worker", 0, None, None, {"global_step": None})),
    ],
)
def test_parse_reads_with_the_groups_that_an_expression_has(expression: str, raw: bytes, expected: Event) -> None:
    assert only(raw, LogFormat.of(expression), unread=None in expected.fields.values()) == expected


@pytest.mark.parametrize("said", ["noon", "nan", "inf", "1e999", "1:30"])
def test_parse_tells_of_a_time_that_is_no_number(said: str) -> None:
    assert (
        complaint(f"time={said} step 7".encode(), REGEX) == f"has the time {said!r}, which is not a number of seconds"
    )


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("(", "which is no regular expression"),
        ("(?P<step>", "which is no regular expression"),
        ("a{99999999999999999999}", "which is no regular expression"),
        ("(" * 5000, "which is no regular expression"),
        (r"\d+", "which has neither a group step nor a group accuracy"),
        (r"(?P<time>\d+)", "which has neither a group step nor a group accuracy"),
        (r"(?P<step>\d+) (?P<epoch>\d+)", "whose group 'epoch' is not known"),
        (None, "which is no regular expression"),
        (3, "which is no regular expression"),
        (["tfscale"], "which is no regular expression"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_of_refuses_an_expression_with_a_sentence(expression: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        LogFormat.of(expression)
    assert str(caught.value).startswith("training_log_format is ")
    assert told in str(caught.value)
    assert "give auto, tfscale, thesis, keras" in str(caught.value)


@pytest.mark.parametrize(("name", "expected"), [("tfscale", "tfscale"), ("", "tfscale"), ("thesis", "thesis")])
def test_of_knows_the_formats_by_name(name: str, expected: str) -> None:
    assert LogFormat.of(name).name == expected
    assert LogFormat.of(name).is_ours == (expected == "tfscale")


# Many lines


def test_parse_numbers_lines_from_one_and_goes_on() -> None:
    events, errors = parse([b"noise", line(), b":::TFSCALE {", line()], OURS)
    assert len(events) == 2
    assert errors == ["the log's line 3 is half a line or no JSON"]


def test_parse_tells_the_first_errors_and_counts_the_others() -> None:
    errors = parse([b":::TFSCALE {"] * 1000, OURS)[1]
    assert len(errors) == timing_log.MOST_ERRORS + 1
    assert errors[-1] == f"and {1000 - timing_log.MOST_ERRORS} more like these"


def test_parse_skips_a_line_that_is_too_long() -> None:
    events, errors = parse([line(x="a" * LONGEST_LINE), line()], OURS)
    assert len(events) == 1
    assert errors == ["the log's line 1 is longer than 64 KiB and was skipped"]


@pytest.mark.parametrize("filling", ["zeros", "ends of lines", "digits"])
def test_read_run_of_100_megabytes_of_rubbish_needs_little_memory(tmp_path: Path, filling: str) -> None:
    with (tmp_path / "worker-0.log").open("wb") as file:
        if filling == "zeros":
            file.truncate(100_000_000)
        else:
            block = (b"\n" if filling == "ends of lines" else b"7") * 1_000_000
            # Each end of a line is a line: a hundredth of them is enough work.
            for _count in range(2 if filling == "ends of lines" else 100):
                file.write(block)
        file.seek(0, io.SEEK_END)
        file.write(b"\n" + line(event="eval", accuracy=0.9) + b"\n:::TFSCALE {\n")
    tracemalloc.start()
    run = timing_log.read_run(tmp_path, OURS, 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert run.chief.accuracy == 0.9
    assert peak < 2_000_000
    if filling != "ends of lines":
        assert run.errors[:2] == [
            "worker-0.log line 1 is longer than 64 KiB and was skipped",
            "worker-0.log line 3 is half a line or no JSON",
        ]


def test_read_run_of_many_lines_needs_no_more_memory_than_of_few(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 20_000):
        content = b"\n".join(line(global_step=step, mono=float(step)) for step in range(count))
        (tmp_path / "worker-0.log").write_bytes(content)
        tracemalloc.start()
        assert timing_log.read_run(tmp_path, OURS, count).chief.events == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


# Anything


PIECES = st.sampled_from(
    [
        *[b"\n", b"\r", b"\0", b"\xff", b" ", b"_", b"{", b"}", b"[", b'"', b",", b":", b")", b"9" * 4301],
        *[b":::TFSCALE ", b'"v":1', b'"event":"progress"', b'"replica":"worker"', b'"index":0', b'"wall":'],
        *[b"NaN", b"1e999", b"-1", line(), line(event="target_reached", global_step=5)],
        *[b"1.5: ", b"Worker 0: training step ", b" done (global step: ", b"Accuracy at local step 1: "],
        *[b"Training elapsed time: ", b" s", b"time=", b"step 7"],
    ]
)
RUBBISH = st.binary(max_size=300) | st.lists(PIECES | st.binary(max_size=4), max_size=30).map(b"".join)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name[:8])
@given(RUBBISH)
@example(b":::TFSCALE NaN")
# Pieces seldom make a whole line: one of each format, so that there is an event to look at.
@example(line() + b"\n1.5: Worker 0: training step 1 done (global step: 1)\ntime=1.5 step 7\n:::TFSCALE {")
def test_parse_of_anything_never_raises(fmt: LogFormat, content: bytes) -> None:
    events, errors = parse(content.split(b"\n"), fmt)
    assert all(isinstance(event, Event) for event in events)
    assert all(isinstance(error, str) and len(error) < 200 for error in errors)


# A growing log


def progress(step: int) -> bytes:
    return line(global_step=step) + b"\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker-0.log"


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def step_of(event: Event | None) -> Any:
    return None if event is None else event.fields.get("global_step")


def test_poll_waits_for_a_file_that_is_not_there_yet(log: Path) -> None:
    follower = Follower(log, OURS)
    assert follower.poll() is None
    append(log, progress(1))
    assert step_of(follower.poll()) == 1


def test_poll_gives_the_newest_event_once(log: Path) -> None:
    follower = Follower(log, OURS)
    append(log, progress(1) + progress(2) + progress(3))
    assert step_of(follower.poll()) == 3
    assert follower.poll() is None


def test_poll_waits_for_the_end_of_a_half_line(log: Path) -> None:
    follower = Follower(log, OURS)
    first, second = progress(1), progress(2)
    append(log, first + second[:30])
    assert step_of(follower.poll()) == 1
    append(log, second[30:-1])
    assert follower.poll() is None
    append(log, second[-1:])
    assert step_of(follower.poll()) == 2


@pytest.mark.parametrize(
    ("event", "shown"), [("start_line", True), ("progress", True), ("eval", True), ("exit", False)]
)
def test_poll_shows_what_moves(log: Path, event: str, shown: bool) -> None:
    append(log, line(event=event) + b"\n")
    assert (Follower(log, OURS).poll() is not None) == shown


def test_poll_begins_again_when_the_file_was_replaced_by_a_shorter_one(log: Path) -> None:
    follower = Follower(log, OURS)
    append(log, progress(100) + progress(200))
    follower.poll()
    log.write_bytes(progress(1))
    assert step_of(follower.poll()) == 1


def test_poll_reads_no_more_than_the_end_of_what_is_new(log: Path) -> None:
    with log.open("wb") as file:
        file.truncate(100_000_000)
    append(log, b"\n" + progress(7))
    follower = Follower(log, OURS)
    tracemalloc.start()
    assert step_of(follower.poll()) == 7
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_poll_goes_on_behind_a_line_that_is_too_long(log: Path) -> None:
    follower = Follower(log, OURS)
    for _count in range(5):
        append(log, b"x" * LONGEST_LINE)
        assert follower.poll() is None
    append(log, b"\n" + progress(7))
    assert step_of(follower.poll()) == 7


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name[:8])
def test_poll_of_a_folder_shows_nothing(tmp_path: Path, fmt: LogFormat) -> None:
    assert Follower(tmp_path, fmt).poll() is None


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name[:8])
@settings(max_examples=50)
@given(parts=st.lists(RUBBISH, max_size=5))
def test_poll_of_anything_never_raises(
    tmp_path_factory: pytest.TempPathFactory, fmt: LogFormat, parts: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("log") / "worker-0.log"
    follower = Follower(path, fmt)
    for part in parts:
        append(path, part)
        assert isinstance(follower.poll(), Event | None)


@given(st.lists(st.integers(1, 60), max_size=30))
@settings(max_examples=50)
def test_poll_misses_no_step_however_the_file_grows(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    path = tmp_path_factory.mktemp("log") / "worker-0.log"
    content, follower, written = b"".join(progress(step) for step in range(12)), Follower(path, OURS), 0
    for size in [*sizes, len(content)]:
        append(path, content[written : written + size])
        finished = content[: written + size].count(b"\n") - content[:written].count(b"\n")
        newest = content[: written + size].count(b"\n") - 1
        assert step_of(follower.poll()) == (newest if finished else None)
        written += size
