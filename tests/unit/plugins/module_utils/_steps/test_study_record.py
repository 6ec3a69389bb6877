# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the logs of a run and how it ended to a line of the ledger."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_lock, study_record

from tests.fixtures import ledgers, runs

ROOT = Path(__file__).resolve().parents[5]
SCHEMA = json.loads((ROOT / "docs/record.schema.json").read_text(encoding="utf-8"))
NOW = 1_790_000_007.25
REPLICA = {"state": "succeeded", "exit_code": 0, "signal": None, "cpu_seconds": 1.5, "rss_peak_bytes": 1000}
REPLICAS = [
    {"replica": replica, "index": index, **REPLICA, "pid": 7, "log": "x"}
    for replica, index in [("ps", 0), ("worker", 0)]
]


def check(record: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(record)


class Study:
    """A folder with the logs of one run; `record` is the step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = runs.planned_run(folder)
        self.said: list[str] = []
        runs.write_logs(Path(self.run["log_dir"]))

    def record(self, *, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        usual = {name: option["default"] for name, option in study_record.ARGUMENT_SPEC.items() if "default" in option}
        which = {
            "study_dir": str(self.folder),
            "run": self.run,
            "wait": runs.ended(),
            "owner_pid": None,
            "ledger": "files",
        }
        return study_record.execute(
            {**usual, **which, **given}, Context(check_mode=check_mode, say=self.said.append, wall=lambda: NOW)
        )

    @property
    def recorded(self) -> list[dict[str, Any]]:
        path = self.folder / "ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path / "mnist")


def test_execute_records_a_valid_run(study: Study) -> None:
    result = study.record()
    assert (result["changed"], result["verdict"]) == (True, "valid")
    assert result["msg"] == "valid: 2000 steps in 4 s (500 steps/s), accuracy 0.948"
    assert study.said == [f"run 4/15  ps=1 workers=2   {result['msg']}"]
    assert study.recorded == [result["record"]]
    check(result["record"])
    assert "warnings" not in result


@pytest.mark.parametrize(
    ("target", "words", "seconds"),
    [
        (
            0.94,
            "valid: reached the accuracy 0.94 in 4.1 s, at step 2000; 2000 steps in 4 s (500 steps/s), accuracy 0.948",
            4.1,
        ),
        (0.95, "valid: did not reach the accuracy 0.95 in 2000 steps in 4 s (500 steps/s), accuracy 0.948", None),
    ],
)
def test_execute_records_the_time_to_the_target_or_that_it_is_censored(
    study: Study, target: float, words: str, seconds: float | None
) -> None:
    study.run["spec"] |= {"target_accuracy": target, "eval_every": 100}
    result = study.record()
    assert result["msg"] == words
    check(result["record"])
    assert result["record"]["timings"]["seconds_to_accuracy"] == (None if seconds is None else pytest.approx(seconds))
    assert [one["accuracy"] for one in result["record"]["evaluations"]] == [0.948]


def test_execute_records_mappings_and_lists_of_the_spec_as_they_are(study: Study) -> None:
    own = {
        "ps_resources": {"limits": {"memory": "1Gi"}},
        "worker_resources": {},
        "env_from": [{"secret": "s"}],
        "env": {},
    }
    study.run["spec"] |= own
    study.record()
    (record,) = study.recorded
    check(record)
    assert {key: record["spec"][key] for key in own} == own


def test_execute_tells_what_the_logs_told(study: Study) -> None:
    record = study.record(wait=runs.ended(replicas=REPLICAS))["record"]
    expected = {
        "train_seconds": 4.0,
        "startup_seconds": 1.5,
        "total_seconds": 6.0,
        "global_steps": 2000,
        "accuracy": 0.948,
    }
    assert {key: record["timings"][key] for key in expected} == pytest.approx(expected)
    # The backend saw the processes to their end; the logs, which say 5.0, did not.
    assert record["timings"]["cpu_seconds"] == 3.0
    kept = [{"replica": one["replica"], "index": one["index"], **REPLICA} for one in REPLICAS]
    assert record["evidence"]["replicas"] == kept
    assert record["evidence"]["host"] == runs.ended()["evidence"]["host"]
    assert record["evidence"]["log_dir"] == "logs/0123456789ab-1/attempt-1"
    assert record["evidence"]["notes"] == []
    assert record["provenance"]["recorded_wall"] == NOW
    assert record["provenance"]["seed"] == 2
    shares = {"max_steal_share": 0.1, "max_foreign_share": 0.25, "max_throttled_share": 0.1}
    shares |= {"max_drift_share": 0.15, "max_skew_share": 0.05, "max_rise_share": 0.1}
    assert record["provenance"]["thresholds"] == shares
    assert record["provenance"]["packages"]["tensorflow"] == "2.21.0"


@pytest.mark.parametrize(("seconds", "told"), [(12.0, 12.0), (None, None)])
def test_execute_keeps_how_long_a_queue_let_the_run_wait(study: Study, seconds: Any, told: Any) -> None:
    queue = {"name": "team", "cluster_queue": "team-cq", "seconds": seconds}
    record = study.record(wait=runs.ended(evidence={"restarts": 0, "queue": queue}))["record"]
    check(record)
    assert record["evidence"]["queue"] == queue
    assert record["timings"].get("queue_seconds") == told


def test_execute_tells_what_pods_told(study: Study) -> None:
    told = {**REPLICA, "cpu_seconds": None, "rss_peak_bytes": None}
    pod = {"node": "a", "image_id": "x@sha256:1", "restarts": 0, "phases": {"scheduled": 0.0, "started": 1.0}}
    replica = {"replica": "worker", "index": 0, **told, **pod, "fate": "", "reason": ""}
    evidence = {
        "restarts": 0,
        "nodes": ["a"],
        "active_nodes": ["a"],
        "images": ["sha256:1"],
        "notes": ["a log is missing"],
    }
    record = study.record(wait=runs.ended(replicas=[replica], evidence=evidence))["record"]
    check(record)
    assert record["verdict"]["verdict"] == "valid"
    assert record["evidence"]["replicas"] == [{"replica": "worker", "index": 0, **told, **pod}]
    assert record["evidence"]["notes"] == ["a log is missing"]
    # Nobody has measured the pods from outside: their own words count.
    assert record["timings"]["cpu_seconds"] == 5.0


def test_execute_takes_cpu_seconds_from_the_logs_without_a_backend_that_tells(study: Study) -> None:
    assert study.record()["record"]["timings"]["cpu_seconds"] == 5.0


def test_execute_takes_further_provenance(study: Study) -> None:
    facts = study.record(provenance={"site": "lab", "packages": {"numpy": "2.4.6"}})["record"]["provenance"]
    assert facts["site"] == "lab"
    assert facts["packages"].keys() >= {"numpy", "tensorflow", "ansible-core"}


def test_execute_twice_records_once(study: Study) -> None:
    first, second = study.record(), study.record(wait=runs.failed(signal=9))
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["record"] == first["record"]
    assert second["msg"] == first["msg"]
    assert len(study.recorded) == 1


def test_execute_records_each_attempt(study: Study) -> None:
    study.record(wait=runs.failed(signal=9))
    study.run = {**study.run, "attempt": 2}
    study.record()
    assert [(one["attempt"], one["verdict"]["verdict"]) for one in study.recorded] == [(1, "void"), (2, "valid")]


def test_execute_in_check_mode_writes_nothing(study: Study) -> None:
    result = study.record(check_mode=True)
    assert (result["changed"], result["verdict"]) == (True, "valid")
    assert study.recorded == []


@pytest.mark.parametrize(("attempt", "end"), [(1, "will be run again"), (2, "no attempt is left")])
def test_execute_says_whether_a_void_run_is_run_again(study: Study, attempt: int, end: str) -> None:
    study.run["attempt"] = attempt
    result = study.record(wait=runs.failed(signal=9))
    assert result["msg"] == f"void: worker 1 was killed by signal 9 after step 2000; {end}"
    assert result["verdict"] == "void"
    check(result["record"])


def test_execute_says_why_a_run_is_suspect(study: Study) -> None:
    result = study.record(wait=runs.ended(evidence={"host": {"foreign_share": 0.31}, "restarts": 0}))
    assert result["msg"] == (
        "suspect: foreign load took 31 % of the machine, more than 25 %; 2000 steps in 4 s (500 steps/s), accuracy 0.948"
    )
    check(result["record"])


@pytest.mark.parametrize("wait", [{}, {"outcome": "deadline"}, {"outcome": "failed", "replicas": "x", "evidence": 3}])
def test_execute_records_a_run_without_logs_as_void(study: Study, wait: dict[str, Any]) -> None:
    shutil.rmtree(study.run["log_dir"])
    result = study.record(wait=wait)
    assert result["verdict"] == "void"
    assert result["record"]["timings"]["train_seconds"] is None
    check(result["record"])


def test_execute_writes_strict_json(study: Study) -> None:
    evidence = {"host": {"steal_share": math.nan, "foreign_share": 0.0}, "restarts": 0, "list": [math.inf, 1]}
    result = study.record(wait=runs.ended(evidence=evidence))
    assert result["record"]["evidence"]["host"]["steal_share"] is None
    assert result["record"]["evidence"]["list"] == [None, 1]
    assert "NaN" not in (study.folder / "ledger.jsonl").read_text()
    check(result["record"])


def test_execute_records_a_loss_that_is_no_number_as_void(study: Study) -> None:
    log = [
        *runs.worker_log()[:5],
        runs.line("progress", at=3.0, global_step=1000, loss=math.nan),
        *runs.worker_log()[6:],
    ]
    runs.write_log(Path(study.run["log_dir"]), "worker-0", log)
    result = study.record()
    assert result["msg"] == "void: loss became nan at global step 1000; will be run again"
    check(result["record"])


def test_execute_warns_of_a_repaired_ledger(study: Study) -> None:
    path = ledgers.write(study.folder, ledgers.mnist()[:1])
    with path.open("ab") as file:
        file.write(b'{"schema":1,"study":"mn')
    assert study.record()["warnings"] == [
        f"{path} ended in half a record (23 bytes), as after a crash: moved to ledger.jsonl.torn"
    ]
    assert len(study.recorded) == 2


@pytest.mark.parametrize(("owner", "refused"), [("another", True), ("holder", False), (None, False)])
def test_execute_refuses_a_study_that_another_holds(study: Study, owner: str | None, refused: bool) -> None:
    pids = {"another": os.getpid(), "holder": os.getppid(), None: None}
    hold = {"study_dir": str(study.folder), "state": "present", "owner_pid": os.getppid(), "ledger": "files"}
    study_lock.execute(hold, Context(say=study.said.append))
    if refused:
        with pytest.raises(StepError, match=f"is held by process {os.getppid()} on host .*the run's logs are kept in"):
            study.record(owner_pid=pids[owner])
    else:
        assert study.record(owner_pid=pids[owner])["changed"]
    assert len(study.recorded) == (not refused)


def test_execute_refuses_a_foreign_ledger(study: Study) -> None:
    (study.folder / "ledger.jsonl").write_text("name,seconds\n")
    with pytest.raises(StepError, match="not a ledger of ours: line 1 is not a record"):
        study.record()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cell_id": None}, "cell_id"),
        ({"attempts": None}, "attempts"),
        ({"spec": "x"}, "spec"),
        ({"spec": {"workers": 2}}, r"spec\.train_steps"),
        ({"spec": {"workers": "two", "train_steps": 1}}, r"spec\.workers"),
    ],
)
def test_execute_names_what_a_run_lacks(study: Study, change: dict[str, Any], named: str) -> None:
    changed = {**study.run, **change}
    study.run = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(StepError, match=f"run has no {named}: give one of the runs that sweep_plan_info returns"):
        study.record()


def test_execute_refuses_a_log_format_that_is_none(study: Study) -> None:
    with pytest.raises(StepError, match="training_log_format is '\\(', which is no regular expression"):
        study.record(log_format="(")


def test_execute_reads_a_log_without_accuracy_and_start_line(study: Study) -> None:
    lines = [b"t=%d step %d" % (second, 500 * second) for second in range(5)]
    runs.write_log(Path(study.run["log_dir"]), "worker-0", lines)
    result = study.record(log_format=r"t=(?P<time>\d+) step (?P<step>\d+)")
    assert result["msg"] == "valid: 2000 steps in 4 s (500 steps/s)"
    assert result["record"]["evidence"]["notes"] != []
    check(result["record"])


@pytest.mark.parametrize(
    "records", [ledgers.mnist(), ledgers.to_accuracy(), ledgers.study(ledgers.space(workers=[1, 2, 4]))]
)
def test_schema_fits_the_records_that_the_report_is_tested_with(records: list[dict[str, Any]]) -> None:
    for record in records:
        check(record)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"run_id": "a-1"},
        {"attempt": 0},
        {"spec": {"ps": 1}},
        {"timings": {"train_seconds": -1}},
        {"verdict": {"verdict": "good", "reasons": []}},
        {"verdict": {"verdict": "void", "reasons": []}},
        {"verdict": {"verdict": "valid", "reasons": ["why"]}},
        {"provenance": {}},
    ],
)
def test_schema_refuses_what_is_no_record(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check({**ledgers.mnist()[0], **change})


@pytest.mark.parametrize(
    "wait",
    [
        runs.ended(),
        runs.ended(evidence={"host": {"steal_share": 0.3, "foreign_share": 0.3, "cpus": 2}, "restarts": 0}),
        runs.ended(outcome="deadline", ended_wall=None),
        runs.failed(signal=9),
        runs.failed(exit_code=1, reason="the disk is full"),
    ],
)
def test_execute_record_meets_the_schema_however_the_run_ended(study: Study, wait: dict[str, Any]) -> None:
    study.record(wait=wait)
    for record in study.recorded:
        check(record)


def test_execute_keeps_no_environment_and_no_log_lines(study: Study) -> None:
    wait = runs.failed(exit_code=1, log_tail=["password=a-secret-of-the-test"])
    wait["replicas"] = [{"replica": "worker", "index": 0, "env": {"TOKEN": "a-secret-of-the-test"}}]
    study.record(wait=wait)
    assert "a-secret-of-the-test" not in json.dumps(study.recorded)


def test_execute_lets_the_thresholds_decide(study: Study) -> None:
    wait = runs.ended(evidence={"host": {"steal_share": 0.14, "foreign_share": 0.3}, "restarts": 0})
    assert study.record(wait=wait, max_steal_share=0.2, max_foreign_share=0.5)["verdict"] == "valid"


def test_execute_that_cannot_write_says_where_the_logs_are(study: Study) -> None:
    (study.folder / "ledger.jsonl").mkdir()
    with pytest.raises(StepError) as caught:
        study.record()
    assert str(study.folder / "ledger.jsonl") in str(caught.value)
    assert str(caught.value).endswith(f"the run's logs are kept in {study.run['log_dir']}")


@pytest.mark.parametrize("spec", [{}, {"workers": 2}, {"workers": "2", "train_steps": 1}])
def test_execute_names_the_numbers_that_a_specification_lacks(study: Study, spec: dict[str, Any]) -> None:
    study.run["spec"] = spec
    with pytest.raises(StepError, match=r"^run has no spec\."):
        study.record()


KERNEL = {"kernel": "integers-1 on Python 3.11.7", "seconds": 0.2}


def test_execute_holds_the_kernel_against_the_studys_earlier_ones(study: Study) -> None:
    wait = runs.ended()
    drifts, verdicts = [], []
    for block, seconds in enumerate([0.2, 0.21, 0.19, 0.2, 0.2, 0.21, 0.27], start=1):
        study.run |= {"run_id": f"0123456789ab-{block}", "block": block}
        evidence = {**wait["evidence"], "calibration": {**KERNEL, "seconds": seconds}}
        result = study.record(wait={**wait, "evidence": evidence})
        check(result["record"])
        drifts.append(result["record"]["evidence"]["checks"]["calibration_drift_share"])
        verdicts.append(result["verdict"])
    assert drifts == [None] * 5 + [pytest.approx(0.05), pytest.approx(0.35)]
    assert verdicts == ["valid"] * 6 + ["suspect"]


def test_execute_records_what_was_held_against_a_threshold(study: Study) -> None:
    checks = study.record()["record"]["evidence"]["checks"]
    assert checks == {
        "throttled_share": 0.0,
        "start_skew_seconds": 0.0,
        "speed_rise_share": pytest.approx(0.0, abs=1e-6),
        "local_steps": None,
        "clock_gap_seconds": 0.0,
        "clock_jump_seconds": 0.0,
        "accuracy_floor": 0.9,
        "calibration_drift_share": None,
    }
