# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a run void or suspect, and the words for it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import parse, read_run
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.replica_log import ReplicaLog, RunLog
from ansible_collections.tfscale.study.plugins.module_utils._study.records.validity import (
    ROWS,
    Case,
    Thresholds,
    Verdict,
    judge,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.ledgers import SPEC
from tests.fixtures.reasons import fits, row_of
from tests.fixtures.runs import STARTED, ended, failed, line, worker_log, write_log, write_logs

ROOT = Path(__file__).resolve().parents[6]
THRESHOLDS = Thresholds(max_steal_share=0.1, max_foreign_share=0.25)


def read(folder: Path, *, steps: int = 2000, log_format: str = "tfscale", target: float | None = None) -> RunLog:
    return read_run(folder, LogFormat.of(log_format), steps, STARTED, STARTED + 6.0, target)


def verdict_of(log: RunLog, wait: dict[str, Any] | None = None, workers: int = 2) -> Verdict:
    return judge(Case(wait=wait or ended(), log=log, workers=workers, thresholds=THRESHOLDS))


def host(**shares: Any) -> dict[str, Any]:
    return ended(evidence={"host": {"steal_share": 0.0, "foreign_share": 0.0, **shares}, "restarts": 0})


def test_judge_good_run_is_valid(tmp_path: Path) -> None:
    assert verdict_of(read(write_logs(tmp_path))) == Verdict("valid", ())


@pytest.mark.parametrize("evidence", [None, {}, {"host": None}, {"host": {"steal_share": "much"}}, {"restarts": None}])
def test_judge_without_evidence_trusts_the_logs(tmp_path: Path, evidence: Any) -> None:
    assert verdict_of(read(write_logs(tmp_path)), ended(evidence=evidence)).verdict == "valid"


@pytest.mark.parametrize(
    ("shares", "reasons"),
    [
        ({"steal_share": 0.1}, ()),
        ({"foreign_share": 0.25}, ()),
        ({"steal_share": 0.14}, ("CPU steal was 14 % of the machine, more than 10 %",)),
        ({"foreign_share": 0.4}, ("foreign load took 40 % of the machine, more than 25 %",)),
        (
            {"steal_share": 0.2, "foreign_share": 0.5},
            (
                "CPU steal was 20 % of the machine, more than 10 %",
                "foreign load took 50 % of the machine, more than 25 %",
            ),
        ),
    ],
)
def test_judge_disturbed_machine_is_suspect(tmp_path: Path, shares: dict[str, float], reasons: tuple[str, ...]) -> None:
    expected = Verdict("suspect" if reasons else "valid", reasons)
    assert verdict_of(read(write_logs(tmp_path)), host(**shares)) == expected


def test_judge_clock_that_went_back_is_suspect(tmp_path: Path) -> None:
    write_logs(tmp_path)
    lines = worker_log()
    lines.insert(6, line("progress", at=0.5, global_step=900))
    write_log(tmp_path, "worker-0", lines)
    verdict = verdict_of(read(tmp_path))
    assert verdict.verdict == "suspect"
    assert verdict.reasons[0].startswith("the clock of worker 0 went back by 3 s")


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ({"signal": 9}, "worker 1 was killed by signal 9 after step 2000"),
        (
            {"exit_code": 1, "reason": "the disk is full"},
            "worker 1 exited with code 1 after step 2000: the disk is full",
        ),
        (
            {"exit_code": 1, "reason": "worker 1 exited with code 1: the disk is full"},
            "worker 1 exited with code 1 after step 2000: the disk is full",
        ),
        ({"exit_code": 1, "reason": None}, "worker 1 exited with code 1 after step 2000"),
        ({"replica": "ps", "index": 0, "exit_code": 0}, "ps 0 exited with code 0 after step 2000"),
    ],
)
def test_judge_failed_replica_is_void_with_its_cause(tmp_path: Path, cause: dict[str, Any], reason: str) -> None:
    assert verdict_of(read(write_logs(tmp_path)), failed(**cause)) == Verdict("void", (reason,))


def test_judge_failure_before_the_first_step(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [line("process_start")])
    verdict = verdict_of(read(tmp_path), failed(exit_code=2, reason="no such dataset"))
    assert verdict.reasons == ("worker 1 exited with code 2: no such dataset",)


def test_judge_failed_replica_tells_its_own_error_not_that_of_another(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [line("error", reason="connection lost")])
    write_log(tmp_path, "worker-1", [line("error", index=1, reason="loss became nan at global step 10")])
    verdict = verdict_of(read(tmp_path), failed(exit_code=3, reason="a line of the log"))
    assert verdict.reasons == ("worker 1 exited with code 3: loss became nan at global step 10",)


def test_judge_failed_replica_that_was_taken_away_tells_by_whom_and_not_what_it_said_then(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-1", [line("error", index=1, reason="Socket closed")])
    ending = "worker 1 was preempted by Kueue"
    verdict = verdict_of(
        read(tmp_path), failed(ending=ending, exit_code=1, reason="Preempted to accommodate a workload")
    )
    assert verdict.reasons == (f"{ending}: Preempted to accommodate a workload",)


def test_judge_non_finite_loss_is_told_once(tmp_path: Path) -> None:
    progress = (
        b':::TFSCALE {"v":1,"event":"progress","replica":"worker","index":1,"mono":1,"global_step":10,"loss":NaN}'
    )
    write_log(tmp_path, "worker-1", [progress, line("error", index=1, reason="loss became nan at global step 10")])
    verdict = verdict_of(read(tmp_path), failed(exit_code=3))
    assert verdict.reasons == ("worker 1 exited with code 3 after step 10: loss became nan at global step 10",)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_judge_non_finite_loss_of_a_run_that_went_on_is_void(tmp_path: Path, number: bytes) -> None:
    write_logs(tmp_path)
    bad = (
        b':::TFSCALE {"v":1,"event":"progress","replica":"worker","index":1,"mono":103,"global_step":10,"loss":'
        + number
        + b"}"
    )
    write_log(tmp_path, "worker-1", [*worker_log(index=1), bad])
    verdict = verdict_of(read(tmp_path))
    assert verdict.verdict == "void"
    assert verdict.reasons[0].startswith("loss became ")
    assert verdict.reasons[0].endswith(" at global step 10")


def test_judge_failure_without_a_replica_has_the_words_of_the_wait(tmp_path: Path) -> None:
    wait = ended(outcome="failed", msg="the run lost its launcher after step 640")
    assert verdict_of(read(write_logs(tmp_path)), wait).reasons == ("the run lost its launcher after step 640",)


@pytest.mark.parametrize("wait", [{}, {"outcome": None}, {"outcome": "skipped", "msg": ""}])
def test_judge_unknown_outcome_is_void(tmp_path: Path, wait: dict[str, Any]) -> None:
    log = read(write_logs(tmp_path))
    assert judge(Case(wait=wait, log=log, workers=2)) == Verdict("void", ("the run failed",))


def test_judge_deadline_is_void_with_what_was_reached(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", worker_log()[:6])
    verdict = verdict_of(read(tmp_path), ended(outcome="deadline", duration=600.0))
    assert verdict == Verdict("void", ("the deadline passed after step 1000, 10 min after the start",))


def test_judge_deadline_counts_no_time_in_a_queue(tmp_path: Path) -> None:
    queue = {"name": "team", "cluster_queue": None, "seconds": 540.0}
    wait = ended(outcome="deadline", duration=600.0, evidence={"queue": queue})
    assert verdict_of(read(tmp_path), wait).reasons == ("the deadline passed, 60 s after the start",)


def test_judge_deadline_without_a_step(tmp_path: Path) -> None:
    assert verdict_of(read(tmp_path), ended(outcome="deadline", duration=None)).reasons == ("the deadline passed",)


def test_judge_deadline_is_the_end_of_a_training_without_end(tmp_path: Path) -> None:
    for index in range(2):
        write_log(tmp_path, f"worker-{index}", worker_log(index=index)[:8])
    log = read(tmp_path, steps=0)
    assert verdict_of(log, ended(outcome="deadline")) == Verdict("valid")
    assert log.timings()["train_seconds"] == pytest.approx(4.0)


def test_judge_restart_is_void_not_fast(tmp_path: Path) -> None:
    wait = ended(evidence={"restarts": 2})
    assert verdict_of(read(write_logs(tmp_path)), wait) == Verdict("void", ("2 restarts of replicas",))


@pytest.mark.parametrize(
    ("evidence", "reasons"),
    [
        ({"nodes": ["a", "b"], "active_nodes": ["a", "b", "c"], "images": ["sha256:1"]}, ()),
        ({"nodes": ["a"], "active_nodes": [], "images": []}, ()),
        ({"nodes": None, "active_nodes": "a", "images": 3}, ()),
        (
            {"nodes": ["a", "c"], "active_nodes": ["a", "b"]},
            ("pods ran on c, which is not among the active nodes a, b",),
        ),
        (
            {"images": ["sha256:1", "sha256:2"], "restarts": 1},
            ("1 restart of replicas", "the replicas ran 2 different images: sha256:1, sha256:2"),
        ),
    ],
)
def test_judge_pods_in_the_wrong_place_are_void(
    tmp_path: Path, evidence: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    expected = Verdict("void" if reasons else "valid", reasons)
    assert verdict_of(read(write_logs(tmp_path)), ended(evidence=evidence)) == expected


def test_judge_pod_that_did_not_end_by_itself_is_void_with_its_fate(tmp_path: Path) -> None:
    wait = failed(ending="worker 1 was evicted", reason="node a ran out of memory")
    verdict = verdict_of(read(write_logs(tmp_path)), wait)
    assert verdict.reasons == ("worker 1 was evicted after step 2000: node a ran out of memory",)


def test_judge_wrong_start_step_is_void(tmp_path: Path) -> None:
    write_logs(tmp_path)
    lines = worker_log()
    lines[3] = line("start_line", at=1.5, global_step=700)
    write_log(tmp_path, "worker-0", lines)
    assert verdict_of(read(tmp_path)) == Verdict(
        "void", ("training began at step 700, not at 0: an old checkpoint was found",)
    )


def test_judge_wrong_start_step_of_any_worker_is_void(tmp_path: Path) -> None:
    write_logs(tmp_path)
    write_log(tmp_path, "worker-1", [*worker_log(index=1)[:3], line("start_line", index=1, at=2.0, global_step=3)])
    assert verdict_of(read(tmp_path)).verdict == "void"


@pytest.mark.parametrize(("workers", "words"), [(3, "only 2 of 3 workers"), (9, "only 2 of 9 workers")])
def test_judge_missing_start_line_is_void(tmp_path: Path, workers: int, words: str) -> None:
    verdict = verdict_of(read(write_logs(tmp_path)), workers=workers)
    assert verdict == Verdict("void", (f"{words} reported the start line",))


def test_judge_target_not_reached_is_void(tmp_path: Path) -> None:
    verdict = verdict_of(read(write_logs(tmp_path, steps=1600)))
    assert verdict.reasons == ("training ended at step 1600 of 2000",)


def test_judge_target_not_seen_by_the_chief_is_void(tmp_path: Path) -> None:
    write_logs(tmp_path)
    write_log(tmp_path, "worker-0", [one for one in worker_log() if b"target_reached" not in one])
    assert verdict_of(read(tmp_path)).reasons == (
        "the chief's log gives no training time: no step at the target was seen",
    )


def test_judge_no_logs_at_all_is_void(tmp_path: Path) -> None:
    assert verdict_of(read(tmp_path / "none")).reasons == (
        "there is no worker-0.log: without the chief there is no time",
    )


REGEX = r"time=(?P<time>[\d.]+) step (?P<step>\d+)"


def test_judge_own_trainer_needs_no_start_lines(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [b"time=1.0 step 0", b"time=5.0 step 2000"])
    assert verdict_of(read(tmp_path, log_format=REGEX)) == Verdict("valid")


def test_judge_own_trainer_without_times_is_void(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [b"step 0", b"step 2000"])
    verdict = verdict_of(read(tmp_path, log_format=r"step (?P<step>\d+)"))
    assert verdict.verdict == "void"
    assert "tells no time" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("lines", "log_format", "told"),
    [
        ([b"10.0 step=5", b"11.0 step=10"], REGEX, ("no line of worker-0.log fits", REGEX, "'10.0 step=5'")),
        ([], REGEX, ("no line of worker-0.log fits", "it is empty")),
        ([b"hello"], "tfscale", ("no line of worker-0.log fits training_log_format tfscale", "'hello'")),
        (
            [b"2024-03-01T10:00:00.%dZ step=%d" % (step % 10, step) for step in range(2001)],
            r"(?P<time>[\d.]+)\S* step=(?P<step>\d+)",
            ("the clock never moved: it is 2024 in every line",),
        ),
        ([b"time=1 step 5", b"time=2 step 5"], REGEX, ("step 5 of 2000", "the step never grew: it is 5 in every line")),
        ([b"time=1 step 2000", b"time=2 step 2000"], REGEX, ("the step never grew: it is 2000 in every line",)),
        ([b"time=1 step 7", b"time= step 9"], REGEX, ("step 7 of 2000", "only one line of worker-0.log fits", REGEX)),
        (
            [b"step 5", b"step 2000"],
            r"(?:time=(?P<time>\S+) )?step (?P<step>\d+)",
            ("tells no time", "finds it in no line"),
        ),
        ([b"step 5", b"step 2000"], r"step (?P<step>\d+)", ("tells no time", "has no group time")),
        ([b"acc=0.5", b"acc=0.6"], r"acc=(?P<accuracy>\S+)", ("tells no step", "has no group step")),
        ([b"acc=0.5"], r"acc=(?P<accuracy>\S+)(?: step (?P<step>\d+))?", ("tells no step", "finds it in no line")),
        (
            [b"time=%d step %d" % (at, at % 200) for at in range(2000)],
            REGEX,
            ("training ended at step 199 of 2000", "the step went back by 199"),
        ),
    ],
)
def test_judge_names_the_cause(tmp_path: Path, lines: list[bytes], log_format: str, told: tuple[str, ...]) -> None:
    write_log(tmp_path, "worker-0", lines)
    verdict = verdict_of(read(tmp_path, log_format=log_format), workers=1)
    assert verdict.verdict == "void"
    assert len(verdict.reasons) == 1
    for words in told:
        assert words in verdict.reasons[0]


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ((0.0, 5.5), None),
        ((STARTED, STARTED + 5.5), None),
        ((2e9, 2e9 + 7.0), None),
        ((STARTED * 1e3, STARTED * 1e3 + 201), "the log's clock says 201 s, but the run took 6 s"),
        ((STARTED * 1e6, STARTED * 1e6 + 201_000), "the log's clock says 201000 s, but the run took 6 s"),
        ((0.0, 9.0), "the log's clock says 9 s, but the run took 6 s"),
    ],
)
def test_judge_holds_the_clock_against_the_run(tmp_path: Path, times: tuple[float, float], reason: str | None) -> None:
    write_log(
        tmp_path, "worker-0", [b"time=%.6f step %d" % (at, step) for at, step in zip(times, (0, 2000), strict=True)]
    )
    verdict = verdict_of(read(tmp_path, log_format=REGEX))
    assert verdict.verdict == ("suspect" if reason else "valid")
    assert (reason or "") in "".join(verdict.reasons)


SIZES = {"minutes": 60.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}


def clock_of(folder: Path, begin: float, seconds: float, size: float, whole: float, log_format: str = REGEX) -> Verdict:
    """Of a log whose clock counts `size` seconds as one, in a run of `whole` seconds."""
    lines = [(begin / size, 0), ((begin + seconds) / size, 2000)]
    write_log(folder, "worker-0", [b"time=%.9f step %d" % one for one in lines])
    return verdict_of(read_run(folder, LogFormat.of(log_format), 2000, STARTED, STARTED + whole))


@pytest.mark.parametrize("unit", SIZES)
@pytest.mark.parametrize(
    ("begin", "seconds", "whole"),
    [
        (STARTED + 1.0, 5.0, 6.0),
        (STARTED + 50.0, 3.0, 60.0),
        (STARTED - 3600.0, 3.0, 6.0),
        (0.0, 55.0, 60.0),
        (12.5, 35.0, 60.0),
        (1e5, 3300.0, 3600.0),
    ],
    ids=["time of day", "long start", "an hour off", "from the start", "later", "from the boot"],
)
def test_judge_names_what_the_clock_counts(
    tmp_path: Path, unit: str, begin: float, seconds: float, whole: float
) -> None:
    verdict = clock_of(tmp_path, begin, seconds, SIZES[unit], whole)
    assert verdict.verdict == "suspect"
    [reason] = verdict.reasons
    facts = [f"the run took {whole:.0f} s", f"it counts {unit}", "training_log_format", "in seconds"]
    assert [fact for fact in facts if fact not in reason] == []


@pytest.mark.parametrize(
    ("begin", "seconds", "whole"),
    [
        (STARTED + 59.0, 0.9, 60.0),  # tells the time of day: nearly all of the run was its start
        (0.0, 20.0, 60.0),
        (0.0, 59.0, 60.0),
        (0.0, 0.09, 6.0),  # too short to be sure
        (0.0, 0.2, 60.0),  # in minutes, too, it would be little of the run
        (1e5, 3.0, 3600.0),
    ],
)
def test_judge_takes_a_clock_of_seconds_as_it_is(tmp_path: Path, begin: float, seconds: float, whole: float) -> None:
    assert clock_of(tmp_path, begin, seconds, 1.0, whole) == Verdict("valid", ())


def test_judge_holds_an_elapsed_time_against_the_run(tmp_path: Path) -> None:
    step = b"Worker 0: training step 2000 done (global step: 2000)"
    write_log(tmp_path, "worker-0", [step, b"Training elapsed time: 201 s"])
    verdict = verdict_of(read(tmp_path, log_format="thesis"))
    assert (verdict.verdict, "the log's clock says 201 s" in verdict.reasons[0]) == ("suspect", True)


# The rows that need no more than a log and a wait: what is planted, and what the reason says.


def case_of(folder: Path, **given: Any) -> Case:
    """A run of two workers of our trainer, well ended unless something else is given."""
    wait = given.pop("wait", None) or ended()
    log = given.pop("log", None) or read(folder)
    return Case(wait=wait, log=log, workers=2, spec={**SPEC, "workers": 2, **given.pop("spec", {})}, **given)


def logs_of(folder: Path, one: list[bytes], other: list[bytes] | None = None) -> RunLog:
    write_log(folder, "worker-0", one)
    if other:
        write_log(folder, "worker-1", other)
    return read(folder)


def changed(lines: list[bytes], event: str, **fields: Any) -> list[bytes]:
    """The log with other fields in every line of the event; None leaves a field out."""
    found = []
    for one in lines:
        said = json.loads(one.removeprefix(b":::TFSCALE "))
        said |= fields if said["event"] == event else {}
        told = {key: value for key, value in said.items() if value is not None}
        found.append(b":::TFSCALE " + json.dumps(told).encode())
    return found


def later(lines: list[bytes], seconds: float, *clocks: str) -> list[bytes]:
    found = []
    for one in lines:
        said = json.loads(one.removeprefix(b":::TFSCALE "))
        found.append(
            b":::TFSCALE " + json.dumps({**said, **{clock: said[clock] + seconds for clock in clocks}}).encode()
        )
    return found


def test_table_in_the_documentation_is_the_codes() -> None:
    page = (ROOT / "docs/validity.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| (void|suspect) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    assert [(evidence, verdict) for evidence, verdict, _reason, _remedy in rows] == [
        (r.evidence, r.verdict) for r in ROWS
    ]
    for row, (_evidence, verdict, reason, _remedy) in zip(ROWS, rows, strict=True):
        assert fits(row, reason), row
        assert row_of(verdict, reason) == row.evidence


def test_documentation_names_the_tests_of_every_row() -> None:
    page = (ROOT / "docs/validity.md").read_text().partition("## How each row is tested")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)[1:]
    assert [evidence for evidence, _tests in rows] == [row.evidence for row in ROWS]
    defined = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    faults = (ROOT / "tests/integration/test_faults.py").read_text()
    for _evidence, tests in rows:
        named = set(re.findall(r"`(test_\w+)`", tests))
        planted = [fault for listed in re.findall(r"`P` \(([^)]+)\)", tests) for fault in listed.split(", ")]
        assert named or planted
        assert named <= defined
        assert [fault for fault in planted if f'("{fault}", ' not in faults and f'"{fault}",\n' not in faults] == []


def test_every_threshold_is_a_variable_of_the_role_with_its_default() -> None:
    defaults = yaml.safe_load((ROOT / "roles/training/defaults/main.yml").read_text())
    assert {name: defaults[f"training_{name}"] for name in vars(Thresholds())} == vars(Thresholds())


def summaries(throttled: float, **fields: Any) -> dict[str, Any]:
    parts = {"compute": 2.0 - throttled, "ps": 2.0, "input": 0.0, "telemetry": 0.0, "throttled": throttled}
    return {"seconds": parts, **fields}


@pytest.mark.parametrize(("throttled", "is_suspect"), [(0.4, False), (0.41, True), (1.6, True)])
def test_judge_throttled_replica_is_suspect(tmp_path: Path, throttled: float, is_suspect: bool) -> None:
    log = logs_of(tmp_path, worker_log(), changed(worker_log(index=1), "summary", **summaries(throttled)))
    verdict = judge(case_of(tmp_path, log=log))
    assert (verdict.verdict == "suspect") == is_suspect
    assert all("worker 1 was held back" in reason and "more than 10 %" in reason for reason in verdict.reasons)


def test_judge_takes_the_throttling_of_a_ps_that_the_chief_has_read(tmp_path: Path) -> None:
    told = {"trained": {"seconds": 4.0}, "ps": [{"throttled_seconds": 0.1}, {"throttled_seconds": 1.0}, {}, 3]}
    case = case_of(tmp_path, log=logs_of(tmp_path, changed(worker_log(), "summary", **told), worker_log(index=1)))
    assert judge(case).reasons == ("ps 1 was held back by its CPU limit for 25 % of its training, more than 10 %",)
    assert case.measures()["throttled_share"] == 0.25


def test_judge_takes_the_throttling_of_a_container_without_a_breakdown(tmp_path: Path) -> None:
    told = {"seconds": None, "trained": {"seconds": 4.0, "throttled_seconds": 2.0}}
    case = case_of(tmp_path, log=logs_of(tmp_path, worker_log(), changed(worker_log(index=1), "summary", **told)))
    assert "worker 1 was held back by its CPU limit for 50 %" in judge(case).reasons[0]


def test_judge_takes_the_throttling_that_a_backend_saw(tmp_path: Path) -> None:
    logs = [changed(worker_log(index=index), "summary", seconds=None) for index in range(2)]
    replicas = [{"replica": "ps", "index": 0, "throttled_seconds": 2.0}, {"replica": "worker", "index": 0}]
    verdict = judge(case_of(tmp_path, log=logs_of(tmp_path, *logs), wait=ended(replicas=replicas)))
    assert "ps 0 was held back by its CPU limit for 50 %" in verdict.reasons[0]


@pytest.mark.parametrize(("late", "seconds", "is_suspect"), [(0.19, 4.0, False), (0.3, 4.0, True), (0.3, 0.5, False)])
def test_judge_workers_that_start_apart_are_suspect(
    tmp_path: Path, late: float, seconds: float, is_suspect: bool
) -> None:
    other = worker_log(index=1, seconds=seconds)
    other[3] = line("start_line", index=1, at=1.5 + late, global_step=0)
    verdict = judge(case_of(tmp_path, log=logs_of(tmp_path, worker_log(seconds=seconds), other)))
    assert verdict.verdict == ("suspect" if is_suspect else "valid")
    assert all("start lines lie 0.3 s apart, 7.5 %" in reason for reason in verdict.reasons)


def paced(*times: float) -> list[bytes]:
    """The chief's log with its quarters of 500 steps at these times after the start line."""
    lines = worker_log()
    for quarter, at in enumerate(times, start=1):
        step = 500 * quarter
        lines[3 + quarter] = line("progress", at=1.5 + at, global_step=step, local_step=step, loss=0.1)
    return [one for one in lines if b"target_reached" not in one] + [
        line("target_reached", at=1.5 + times[-1], global_step=2000)
    ]


@pytest.mark.parametrize(
    ("times", "rise"),
    [
        ((1.0, 2.0, 3.0, 4.0), 0.0),
        ((2.0, 3.2, 4.2, 5.0), 0.2),  # 417, 500, 625 steps/s
        ((0.8, 2.8, 3.6, 4.4), 0.0),  # one slow quarter
        ((1.0, 2.0, 3.0, 3.5), 0.0),
        ((0.1, 0.19, 0.26, 0.31), None),  # too short to tell
    ],
)
def test_judge_speed_that_still_rises_is_suspect(tmp_path: Path, times: tuple[float, ...], rise: float | None) -> None:
    case = case_of(tmp_path, log=logs_of(tmp_path, paced(*times), worker_log(index=1)))
    assert case.measures()["speed_rise_share"] == (None if rise is None else pytest.approx(rise, abs=1e-6))
    verdict = judge(case)
    assert any("no steady state" in reason for reason in verdict.reasons) == bool(rise)


def test_judge_speed_that_rose_as_other_programs_ended_has_their_reason(tmp_path: Path) -> None:
    log = logs_of(tmp_path, paced(2.0, 3.2, 4.2, 5.0), worker_log(index=1))
    verdict = judge(case_of(tmp_path, log=log, wait=host(foreign_share=0.4)))
    assert verdict.reasons[0] == "foreign load took 40 % of the machine, more than 25 %"
    assert not any("steady state" in reason for reason in verdict.reasons)


def test_judge_speed_of_a_training_without_end_is_not_known(tmp_path: Path) -> None:
    for index in range(2):
        write_log(tmp_path, f"worker-{index}", worker_log(index=index)[:8])
    case = case_of(tmp_path, log=read(tmp_path, steps=0))
    assert case.measures()["speed_rise_share"] is None


@pytest.mark.parametrize(
    ("strategy", "own", "fault"),
    [
        ("async_ps", (1000, 1000), ""),
        ("async_ps", (1010, 1010), ""),
        ("tf2_ps", (1500, 500), ""),
        ("sync_ps", (2000, 2000), ""),
        ("mirrored", (2000, 2000), ""),
        (
            "async_ps",
            (500, 500),
            "the workers made 1000 steps, but the global steps ask for 2000: steps were counted twice",
        ),
        ("async_ps", (2000, 2000), "the workers made 4000 steps, but the global steps ask for 2000: steps were lost"),
        ("mirrored", (2000, 1900), "counted twice"),
        ("magic", (1, 1), ""),
    ],
)
def test_judge_steps_that_do_not_add_up_are_void(
    tmp_path: Path, strategy: str, own: tuple[int, int], fault: str
) -> None:
    logs = [changed(worker_log(index=index), "summary", local_steps=steps) for index, steps in enumerate(own)]
    verdict = judge(case_of(tmp_path, log=logs_of(tmp_path, *logs), spec={"strategy": strategy}))
    assert verdict.verdict == ("void" if fault else "valid")
    assert fault in "".join(verdict.reasons)


@pytest.mark.parametrize("spec", [{"command": "train.sh"}, {"strategy": None}])
def test_judge_steps_of_another_program_are_not_known(tmp_path: Path, spec: dict[str, Any]) -> None:
    logs = [changed(worker_log(index=index), "summary", local_steps=7) for index in range(2)]
    case = case_of(tmp_path, log=logs_of(tmp_path, *logs), spec=spec)
    assert (judge(case).verdict, case.measures()["local_steps"]) == ("valid", None)


@pytest.mark.parametrize(
    ("seconds", "clocks", "words"),
    [
        (0.9, ("wall",), ()),
        (1.2, ("wall",), ("the clock of worker 1 is 1.2 s before that of worker 0",)),
        (-2.5, ("wall",), ("the clock of worker 1 is 2.5 s behind that of worker 0",)),
        # The same clocks, and a worker that is late from its first line to its last.
        (0.4, ("wall", "mono"), ("the workers' start lines lie 0.4 s apart, 10 % of the training, more than 5 %",)),
    ],
)
def test_judge_workers_whose_clocks_disagree_are_suspect(
    tmp_path: Path, seconds: float, clocks: tuple[str, ...], words: tuple[str, ...]
) -> None:
    log = logs_of(tmp_path, worker_log(), later(worker_log(index=1), seconds, *clocks))
    assert judge(case_of(tmp_path, log=log)).reasons == words


@pytest.mark.parametrize(("moved", "is_suspect"), [(0.4, False), (0.6, True), (-40.0, True)])
def test_judge_clock_that_was_set_is_suspect(tmp_path: Path, moved: float, is_suspect: bool) -> None:
    lines = worker_log(index=1)
    log = logs_of(tmp_path, worker_log(), lines[:6] + later(lines[6:], moved, "wall"))
    verdict = judge(case_of(tmp_path, log=log))
    assert any("the clocks of worker 1 disagree" in reason for reason in verdict.reasons) == is_suspect


@pytest.mark.parametrize(("off", "is_suspect"), [(2.9, False), (40.0, True), (-40.0, True)])
def test_judge_clock_outside_of_the_run_is_suspect(tmp_path: Path, off: float, is_suspect: bool) -> None:
    log = logs_of(tmp_path, later(worker_log(), off, "wall"), later(worker_log(index=1), off, "wall"))
    verdict = judge(case_of(tmp_path, log=log))
    assert (
        any(re.search("the clock of worker [01] is .* off that of the run", one) for one in verdict.reasons)
        == is_suspect
    )


@pytest.mark.parametrize(
    ("accuracy", "spec", "is_suspect"),
    [
        (0.91, {}, False),
        (0.89, {}, True),
        (0.86, {"train_steps": 1999}, False),
        (0.84, {"train_steps": 1999}, True),
        (0.1, {"train_steps": 999}, False),
        (0.1, {"command": "train.sh"}, False),
        (0.90, {"model": "cnn"}, True),
        (0.92, {"model": "cnn"}, False),
        (0.1, {"model": "cnn", "train_steps": 999}, False),
        (0.76, {"dataset": "fashion_mnist"}, True),
        (0.78, {"dataset": "fashion_mnist"}, False),
        (0.77, {"dataset": "fashion_mnist", "model": "cnn"}, True),
        (0.79, {"dataset": "fashion_mnist", "model": "cnn"}, False),
        (0.1, {"dataset": "synthetic"}, False),
        (0.1, {"learning_rate": 0.1}, False),
        (0.1, {"batch_size": 1}, False),
        (0.1, {"hidden_units": 2}, False),
    ],
)
def test_judge_accuracy_under_the_floor_is_suspect(
    tmp_path: Path, accuracy: float, spec: dict[str, Any], is_suspect: bool
) -> None:
    log = logs_of(tmp_path, changed(worker_log(), "eval", accuracy=accuracy), worker_log(index=1))
    verdict = judge(case_of(tmp_path, log=log, spec=spec))
    assert verdict.verdict == ("suspect" if is_suspect else "valid")
    trained = f"{spec.get('model', 'mlp')} on {spec.get('dataset', 'mnist')}"
    assert all(f"{trained} reaches 0." in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("accuracies", "steps", "verdict", "reason"),
    [
        # The last line of the fixture's log is step 2000.
        ([0.5, 0.96], 2000, "valid", ""),
        # It reached the target and ended early: neither too short nor under the floor of more steps.
        ([0.5, 0.96], 9000, "valid", ""),
        # It made all its steps without reaching the target: censored, and valid.
        ([0.91, 0.93], 2000, "valid", ""),
        ([0.91, 0.93], 9000, "void", "training ended at step 2000 of 9000"),
        ([], 2000, "void", "worker-0.log tells no evaluation"),
        ([96.0], 2000, "void", "worker-0.log tells no evaluation"),
    ],
)
def test_judge_run_with_a_target_accuracy(
    tmp_path: Path, accuracies: list[float], steps: int, verdict: str, reason: str
) -> None:
    lines = [one for one in worker_log() if b'"eval"' not in one]
    told = [line("eval", at=5.9, global_step=900 + n, accuracy=one) for n, one in enumerate(accuracies)]
    write_log(tmp_path, "worker-0", lines + told)
    write_log(tmp_path, "worker-1", worker_log(index=1))
    log = read(tmp_path, steps=steps, target=0.95)
    found = judge(case_of(tmp_path, log=log, spec={"train_steps": steps, "target_accuracy": 0.95}))
    assert (found.verdict, any(one.startswith(reason) for one in found.reasons)) == (verdict, bool(reason))


KERNEL = {"kernel": "integers-1 on Python 3.11.7", "seconds": 0.2}


@pytest.mark.parametrize(
    ("seconds", "earlier", "drift", "is_suspect"),
    [
        (0.2, [0.2] * 5, 0.0, False),
        (0.228, [0.1, 0.2, 0.2, 0.2, 0.9], 0.14, False),
        (0.232, [0.2] * 5, 0.16, True),
        (0.17, [0.2] * 5, -0.15, True),
        (0.9, [0.2] * 4, None, False),
        (0.9, [], None, False),
        (None, [0.2] * 9, None, False),
        (-1.0, [0.2] * 9, None, False),
        (0.9, [0.0] * 9, None, False),
    ],
)
def test_judge_kernel_that_drifted_is_suspect(
    tmp_path: Path, seconds: float | None, earlier: list[float], drift: float | None, is_suspect: bool
) -> None:
    write_logs(tmp_path)
    wait = ended(evidence={"calibration": {**KERNEL, "seconds": seconds}})
    case = case_of(tmp_path, wait=wait, kernels=lambda _told: earlier)
    assert case.measures()["calibration_drift_share"] == (None if drift is None else pytest.approx(drift))
    assert judge(case).verdict == ("suspect" if is_suspect else "valid")


def test_measures_of_a_program_of_ones_own_are_not_known(tmp_path: Path) -> None:
    write_log(tmp_path, "worker-0", [b"time=1.0 step 0", b"time=5.0 step 2000"])
    case = case_of(tmp_path, log=read(tmp_path, log_format=REGEX), spec={"command": "train.sh"})
    assert set(case.measures().values()) == {None}


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("{replica}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
EVIDENCE = ("restarts", "active_nodes", "nodes", "images", "host", "calibration")
FACTS = ("replica", "index", "signal", "exit_code", "ending", "reason")
WAITS = ("outcome", "failed_replica", "replicas", "evidence", "duration", "msg")
EVENTS = ("start_line", "progress", "target_reached", "eval", "summary", "error", "imported", "exit")
SAID = (
    "wall",
    "mono",
    "global_step",
    "local_step",
    "loss",
    "accuracy",
    "seconds",
    "local_steps",
    "reason",
    "ps",
    "trained",
)
OUTCOMES = st.sampled_from(["succeeded", "failed", "deadline"]) | JUNK


def some(keys: tuple[str, ...], **better: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={key: better.get(key, JUNK) for key in keys})


@given(
    wait=some(
        WAITS,
        outcome=OUTCOMES,
        failed_replica=some(FACTS) | JUNK,
        evidence=some(EVIDENCE, host=some(("steal_share", "foreign_share")), calibration=some(("seconds", "kernel")))
        | JUNK,
        replicas=st.lists(some(("replica", "index", "throttled_seconds")), max_size=3) | JUNK,
    ),
    events=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(EVENTS), some(SAID)), max_size=12),
    spec=some(
        ("strategy", "model", "dataset", "command", "learning_rate", "batch_size", "hidden_units", "train_steps")
    ),
    kernels=st.lists(st.floats(allow_nan=False), max_size=8),
    steps=st.integers(0, 3000),
)
@settings(max_examples=100, deadline=None)
def test_judge_never_raises(
    wait: Any, events: list[tuple[int, str, dict[str, Any]]], spec: Any, kernels: list[float], steps: int
) -> None:
    fmt = LogFormat.of("tfscale")
    logs = {("worker", index): ReplicaLog(fmt=fmt, train_steps=steps) for index in range(2)}
    for index, event, said in events:
        document = {"v": 1, "event": event, "replica": "worker", "index": index, **said}
        found, _errors = parse([b":::TFSCALE " + json.dumps(document).encode()], fmt)
        for one in found:
            logs.setdefault(("worker", index), ReplicaLog(fmt=fmt, train_steps=steps)).take(one)
    log = RunLog(logs=logs, fmt=fmt, train_steps=steps, started_wall=STARTED, ended_wall=STARTED + 6.0)
    case = Case(wait=wait, log=log, workers=2, spec=spec, kernels=lambda _told: kernels)
    verdict = judge(case)
    assert bool(verdict.reasons) == (verdict.verdict != "valid")
    assert all(isinstance(reason, str) and reason for reason in verdict.reasons)
    assert len(case.measures()) == 8
