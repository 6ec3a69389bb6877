"""Sweeps through real ansible-playbook and the local launcher, with a trainer that takes milliseconds."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.playbook import Playbook, errors, hosts

from .conftest import NO_NETWORK, tiny_command, tiny_study


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


@pytest.mark.slow
def test_sweep_completes_and_then_does_nothing(playbook: Playbook) -> None:
    first = playbook.run("sweep", training_network="loopback", training_link_mbit=940.5)
    assert first.returncode == 0, first.stdout + first.stderr
    records = playbook.records()
    assert len(records) == 4
    assert {record["verdict"]["verdict"] for record in records} == {"valid"}
    assert {record["evidence"]["network"] for record in records} == {"loopback"}
    assert {record["provenance"]["link_mbit"] for record in records} == {940.5}
    assert NO_NETWORK not in first.stdout + first.stderr
    assert "study tiny on cluster local: 2 cells x 2 blocks = 4 runs" in first.stdout
    assert "run 4/4" in first.stdout
    for name in ("answer.json", "report.html", "report.md", "cells.csv", "runs.csv"):
        assert (playbook.results / "tiny" / name).stat().st_size > 0

    second = playbook.run("sweep", training_network="loopback")
    assert second.returncode == 0
    assert "changed=0" in second.stdout
    assert playbook.records() == records


def test_sweep_check_mode_announces_and_starts_nothing(playbook: Playbook) -> None:
    result = playbook.run("sweep", "--check")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 cells x 2 blocks = 4 runs, about" in result.stdout
    assert "ps=1 workers=2" in result.stdout
    assert not (playbook.results / "tiny").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "signum", [signal.SIGKILL, *(pytest.param(one, marks=pytest.mark.full) for one in (signal.SIGINT, signal.SIGTERM))]
)
def test_sweep_killed_goes_on_where_it_was(playbook: Playbook, living: Any, signum: int) -> None:
    slow = {"training_command": tiny_command(steps=20, pace=0.02)}
    controller = playbook.start("sweep", **slow)
    assert wait_until(lambda: len(playbook.records()) >= 1)
    controller.send_signal(signum)
    controller.communicate(timeout=60)
    before = playbook.records()
    assert 1 <= len(before) < 4
    assert wait_until(lambda: not living(playbook.results))

    after = playbook.run("sweep", **slow)
    assert after.returncode == 0, after.stdout + after.stderr
    records = playbook.records()
    assert records[: len(before)] == before
    assert len({record["run_id"] for record in records}) == 4
    assert len(records) == 4


def test_sweep_failing_cells_are_named_and_the_others_run(playbook: Playbook) -> None:
    # The last worker of two fails, that of three learns nothing; one worker alone does neither.
    faults = f"*,*,*) {tiny_command(fault='nan')};; *,*) {tiny_command(fault='exit')};; *) {tiny_command()};;"
    result = playbook.run(
        "sweep",
        training_command=f'case "$WORKER_HOSTS" in {faults} esac',
        sweep_series=[{"ps": [1], "workers": [1, 2, 3]}],
        sweep_repeats=1,
    )
    assert result.returncode != 0
    verdicts: dict[int, list[Any]] = {1: [], 2: [], 3: []}
    for record in playbook.records():
        verdicts[record["spec"]["workers"]].append(record["verdict"])
    assert {count: [one["verdict"] for one in found] for count, found in verdicts.items()} == {
        1: ["valid"],
        2: ["void", "void"],
        3: ["void", "void"],
    }
    assert any("worker 1 exited with code 1" in reason for reason in verdicts[2][0]["reasons"])
    assert "loss became nan at global step 10" in " ".join(verdicts[3][0]["reasons"])
    assert (playbook.results / "tiny/report.html").exists()
    last_line = (result.stdout + result.stderr).strip().splitlines()[-1]
    assert "ps=1 workers=2" in last_line
    assert "ps=1 workers=3" in last_line
    assert "the disk is full" in result.stdout + result.stderr


def test_sweep_run_that_hangs_ends_at_its_deadline(playbook: Playbook, living: Any) -> None:
    result = playbook.run(
        "sweep",
        training_command=tiny_command(fault="hang"),
        training_deadline=2,
        training_network="",
        sweep_series=[{"ps": [1], "workers": [1]}],
        sweep_repeats=1,
        sweep_attempts=1,
    )
    assert result.returncode != 0
    (record,) = playbook.records()
    assert record["verdict"]["verdict"] == "void"
    assert "deadline" in " ".join(record["verdict"]["reasons"])
    assert record["evidence"]["network"] == "host"
    assert not living(playbook.results)


def test_sweep_to_an_accuracy_that_no_run_reaches_says_so(playbook: Playbook) -> None:
    # The program's only evaluation, after its last step, is 0.95.
    result = playbook.run("sweep", training_target_accuracy=0.96, sweep_repeats=1)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {record["verdict"]["verdict"] for record in playbook.records()} == {"valid"}
    assert {record["timings"]["seconds_to_accuracy"] for record in playbook.records()} == {None}
    assert "did not reach the accuracy 0.96 in 20 steps" in result.stdout
    answer = json.loads((playbook.results / "tiny/answer.json").read_text())
    assert "no cell reached the target accuracy" in answer["answer"]
    assert [cell["verdict"] for cell in answer["groups"][0]["cells"]] == ["not always reached"] * 2


BAD_INPUT: list[tuple[dict[str, Any], str, str]] = [
    ({"sweep_series": [{"ps": [1], "workers": [0]}]}, "workers", "0"),
    ({"sweep_series": [], "sweep_workers": "two"}, "sweep_workers", "two"),
    ({"sweep_series": [], "sweep_ps": -1}, "sweep_ps", "-1"),
    ({"sweep_repeats": "two"}, "sweep_repeats", "two"),
    ({"sweep_study": "../up"}, "sweep_study", "../up"),
    ({"training_strategy": "magic"}, "training_strategy", "magic"),
    ({"training_dataset": "cifar"}, "training_dataset", "cifar"),
    ({"training_preset": "turbo"}, "training_preset", "turbo"),
    ({"training_steps": 0, "training_deadline": 0}, "training_steps", "0"),
    ({"training_deadline": "soon"}, "training_deadline", "soon"),
    ({"training_log_format": "(?P<when>x)"}, "training_log_format", "(?P<when>x)"),
    ({"cluster_provider": "moon"}, "cluster_provider", "moon"),
    ({"training_backend": "pigeons"}, "training_backend", "pigeons"),
    ({"sweep_series": [{"ps": [1], "workers": [100000]}]}, "workers", "fit"),
    ({"training_long_running": True}, "training_long_running", "restores nothing"),
    ({"training_port_range": "9-1"}, "training_port_range", "9-1"),
    ({"training_command": [], "training_python": "/nowhere/python"}, "training_python", "make setup-trainer"),
    ({"training_gpus": "all"}, "training_gpus", "all"),
    ({"training_target_accuracy": "95 %"}, "training_target_accuracy", "95 %"),
    ({"training_target_accuracy": None}, "training_target_accuracy", "null"),
    ({"training_target_accuracy": 0.9, "training_eval_every": 0}, "training_eval_every", "0"),
    ({"training_target_accuracy": 0.9, "training_command": []}, "training_eval_every is 100", "training_steps is 20"),
    (
        {"sweep_variants": {"a": {}, "b": {"target_accuracy": 0.9}}, "training_command": []},
        "sweep_variants.b.eval_every is 100",
        "training_steps is 20",
    ),
    (
        {"training_target_accuracy": 0.9, "training_log_format": r"(?P<step>\d+)"},
        "training_target_accuracy",
        "no evaluation",
    ),
    ({"training_command": [], "training_preset": "thesis", "sweep_strategies": "mirrored"}, "thesis", "mirrored"),
    ({"sweep_results_dir": "/proc/results"}, "/proc/results", "writ"),
]


def test_sweep_bad_input_gets_a_sentence_before_anything_starts(tmp_path: Path) -> None:
    each: dict[str, dict[str, Any]] = {
        f"slip-{number}": given for number, (given, _name, _value) in enumerate(BAD_INPUT)
    }
    many = hosts(tmp_path / "inventory", each, **tiny_study(tmp_path / "results"))
    result = Playbook(tmp_path, {}, many).run("sweep")
    told = errors(result)
    for host, (given, name, value) in zip(each, BAD_INPUT, strict=True):
        assert name in told[host], (given, told[host])
        assert value in told[host], (given, told[host])
    assert not (tmp_path / "results").exists()
    # The last thing on the screen.
    assert result.stderr.strip().splitlines()[-1].startswith("ERROR [slip-")


@pytest.mark.full
def test_sweep_names_the_gpus_that_tensorflow_does_not_see(playbook: Playbook) -> None:
    told = errors(playbook.run("sweep", training_command=[], training_gpus=1))["local"]
    assert {"training_gpus is 1", "sees 0 here"} <= set(re.findall("training_gpus is 1|sees 0 here", told)), told
    assert not playbook.records()


def test_sweep_with_processes_names_the_system_that_is_not_linux(playbook: Playbook, tmp_path: Path) -> None:
    program = tmp_path / "bin/uname"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho Darwin\n")
    program.chmod(0o755)
    env = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    told = errors(replace(playbook, env=env).run("sweep"))["local"]
    assert "cluster_provider is 'local', but this machine runs Darwin" in told
    assert not playbook.records()


def test_sweep_ledger_that_is_not_ours_is_left_alone(playbook: Playbook) -> None:
    ledger = playbook.results / "tiny/ledger.jsonl"
    ledger.parent.mkdir()
    ledger.write_text("dear diary\nnothing to see\n")
    result = playbook.run("sweep")
    assert result.returncode != 0
    assert str(ledger.name) in (result.stdout + result.stderr).strip().splitlines()[-1]
    assert ledger.read_text() == "dear diary\nnothing to see\n"


@pytest.mark.slow
def test_sweep_second_controller_is_kept_apart(playbook: Playbook) -> None:
    # The first study lasts until the second call has been refused, however long that takes.
    refused = playbook.results / "refused"
    waiting = f"until [ -e {refused} ]; do sleep 0.05; done; {tiny_command(steps=20)}"
    first = playbook.start("sweep", training_command=waiting, sweep_repeats=1)
    assert wait_until((playbook.results / "tiny/ledger.lock").exists)
    second = playbook.run("sweep")
    refused.touch()
    assert second.returncode != 0
    assert str(first.pid) in (second.stdout + second.stderr).strip().splitlines()[-1]
    output, _errors = first.communicate(timeout=120)
    assert first.returncode == 0, output
    assert len(playbook.records()) == 2


@pytest.mark.slow
@pytest.mark.full
def test_train_adds_a_run_each_time(playbook: Playbook) -> None:
    # What is given on the command line would win over the playbook's own study.
    own = {name: value for name, value in playbook.variables.items() if name not in ("sweep_study", "sweep_series")}
    del own["sweep_repeats"]
    for count in (1, 2):
        result = replace(playbook, variables=own).run("train", training_workers=2)
        assert result.returncode == 0, result.stdout + result.stderr
        assert [record["spec"]["workers"] for record in playbook.records("train")] == [2] * count


def test_teardown_ends_a_study_that_runs_only_where_that_is_asked_for(playbook: Playbook, living: Any) -> None:
    controller = playbook.start("sweep", training_command=tiny_command(steps=20, pace=1))
    try:
        assert wait_until(lambda: bool(living(playbook.results)))
        refused = playbook.run("teardown")
        assert refused.returncode != 0
        assert f"tiny is held by process {controller.pid} on host" in " ".join(refused.stderr.split())
        assert living(playbook.results)
        result = playbook.run("teardown", cluster_teardown_held=True)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "changed=0" not in result.stdout
    finally:
        controller.kill()
        controller.communicate(timeout=60)
    assert wait_until(lambda: not living(playbook.results))


def test_sweep_trains_with_tensorflow(playbook: Playbook) -> None:
    """The one test here with the real trainer: MNIST, parameter servers and workers of TensorFlow, up to an accuracy."""
    target = {"training_target_accuracy": 0.9, "training_eval_every": 50}
    result = playbook.run(
        "sweep",
        training_command=[],
        training_steps=5000,
        sweep_series=[{"ps": [2], "workers": [2]}],
        sweep_repeats=1,
        **target,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (record,) = playbook.records()
    assert record["verdict"] == {"verdict": "valid", "reasons": []}
    timings, evaluations = record["timings"], record["evaluations"]
    assert timings["steps_to_accuracy"] <= timings["global_steps"] < 5000
    assert 0 < timings["seconds_to_accuracy"] <= timings["train_seconds"]
    # On a busy machine the first evaluation may reach the target; after the one that does, a run evaluates once more, at its end.
    reaching = next(one for one in evaluations if one["accuracy"] >= 0.9)
    assert reaching["global_step"] == timings["steps_to_accuracy"]
    assert len(evaluations) >= 2
    assert "reached the accuracy 0.9 in" in result.stdout
    assert record["provenance"]["packages"]["tensorflow"].startswith("2.")


@pytest.mark.full
def test_thesis_ends_with_findings_on_its_claims(playbook: Playbook) -> None:
    figures = {"thesis_nodes": 1, "thesis_workers": "1,2", "thesis_ps": "1,2", "thesis_steps": 20, "thesis_repeats": 3}
    done = playbook.run("thesis", thesis_study="tiny", **figures)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads((playbook.results / "tiny" / "answer.json").read_text())
    found = {one["claim"]: one["finding"] for one in answer["claims"]}
    assert found["up_to_three_nodes"] == "not measured"
    assert found["hyperbolic"] in ("confirmed", "refuted", "cannot tell")
    assert all(one["words"] in done.stdout for one in answer["claims"])
