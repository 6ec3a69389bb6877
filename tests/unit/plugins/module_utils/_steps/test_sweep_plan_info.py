# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner as a playbook sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import sweep_plan_info
from ansible_collections.tfscale.study.plugins.module_utils._study.design.cell import cell_id
from ansible_collections.tfscale.study.plugins.module_utils._study.records.ledger import FileLedger

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record

FIXED = {key: value for key, value in SPEC.items() if key not in ("nodes", "ps", "workers")}
DEFAULTS = {name: option.get("default") for name, option in sweep_plan_info.ARGUMENT_SPEC.items()}
GIB = 2**30


def plan(
    folder: Path, *, check_mode: bool = False, said: list[str] | None = None, cpus: int = 4, **params: Any
) -> dict[str, Any]:
    given = {**DEFAULTS, "study": "mnist", "study_dir": str(folder), "spec": FIXED, "workers": "1,2", "repeats": 2}
    lines: list[str] = [] if said is None else said
    return sweep_plan_info.execute(
        {**given, **params}, Context(check_mode=check_mode, say=lines.append), memory=lambda: 8 * GIB, cpus=lambda: cpus
    )


def keep(folder: Path, run: dict[str, Any], verdict: str = "valid", reason: str = "", seconds: float = 7.0) -> None:
    FileLedger(folder / "ledger.jsonl").append(
        {
            "schema": 1,
            **{key: run[key] for key in ("study", "run_id", "cell_id", "block", "attempt", "spec")},
            "fits": run["fits"],
            "timings": {"total_seconds": seconds},
            "verdict": {"verdict": verdict, "reasons": [reason] if reason else []},
        }
    )


def test_execute_first_plan_is_the_first_block(tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    result = plan(folder)
    assert result["counts"] == {
        "cells": 2,
        "open": 2,
        "blocks": 2,
        "runs": 4,
        "most": 4,
        "done": 0,
        "void": 0,
        "spared": 0,
        "missing": 4,
    }
    assert [run["number"] for run in result["runs"]] == [1, 2]
    assert result["changed"] is False
    assert result["complete"] is False
    assert result["failed_cells"] == []
    assert result["msg"] == "4 runs of 4 to go"
    assert not folder.exists()


RESOURCES = {"requests": {"memory": "384Mi", "cpu": "100m"}, "limits": {"memory": "768Mi"}}
PODS = {**FIXED, "provider": "kind", "backend": "job", "image": "trainer:1"}


def test_execute_goes_on_with_a_study_of_version_0_3(tmp_path: Path) -> None:
    """Its records have resources and environments as JSON text, over which their cells were named."""
    text = '{"limits": {"memory": "768Mi"}, "requests": {"cpu": "100m", "memory": "384Mi"}}'
    old = {**SPEC, **PODS, "ps_resources": text, "worker_resources": text}
    ledgers.write(tmp_path / "mnist", [record({**old, "workers": workers}, 1, seconds=4.0) for workers in (1, 2)])
    spec = {**PODS, "ps_resources": RESOURCES, "worker_resources": RESOURCES}
    result = plan(tmp_path / "mnist", spec=spec)
    assert (result["counts"]["done"], result["counts"]["missing"]) == (2, 2)
    assert [run["spec"]["ps_resources"] for run in result["runs"]] == [RESOURCES] * 2
    assert {run["cell_id"] for run in result["runs"]} == {ledgers.cell_id({**old, "workers": n}) for n in (1, 2)}
    # What the old runs took is known of their own cells, not of others.
    forecast = result["forecast"]
    assert forecast == plan(tmp_path / "mnist", spec={**spec, "ps_resources": text})["forecast"]
    other = plan(tmp_path / "mnist", spec={**spec, "ps_resources": {"requests": {"cpu": "200m"}}})
    assert other["counts"]["done"] == 0


def test_execute_variants_of_version_0_3_keep_their_cells(tmp_path: Path) -> None:
    text = '{"limits": {"memory": "1Gi"}}'
    spec = {**PODS, "ps_resources": RESOURCES, "worker_resources": RESOURCES}
    variants = {"before": {}, "after": {"worker_resources": {"limits": {"memory": "1Gi"}}, "env": {"A": "1"}}}
    cells = plan(tmp_path / "mnist", spec=spec, variants=variants, workers=1)["cells"]
    after = next(cell for cell in cells if cell["spec"]["variant"] == "after")
    whole = '{"limits": {"memory": "768Mi"}, "requests": {"cpu": "100m", "memory": "384Mi"}}'
    seal = after["spec"]["env"]
    assert seal.startswith("A sealed:")
    old = {**after["spec"], "ps_resources": whole, "worker_resources": text, "env": seal}
    assert after["cell_id"] == ledgers.cell_id(old)


def test_execute_run_carries_all_that_the_other_steps_need(tmp_path: Path) -> None:
    run = plan(tmp_path, workers=4, attempts="3", seed=20)["runs"][0]
    spec = {**SPEC, "workers": 4}
    assert run == {
        "run_id": f"{cell_id(spec)}-1",
        "cell_id": cell_id(spec),
        "block": 1,
        "attempt": 1,
        "attempts": 3,
        "number": 1,
        "total": 2,
        "label": "ps=1 workers=4",
        "seed": 21,
        "study": "mnist",
        "study_dir": str(tmp_path),
        "spec": spec,
        "log_dir": f"{tmp_path}/logs/{cell_id(spec)}-1/attempt-1",
        "fits": {},
        "design": {"repeats": 2, "by_nodes": False},
    }


def test_execute_run_tells_the_rules_of_adaptive_blocks(tmp_path: Path) -> None:
    run = plan(tmp_path, repeats="auto", margin=0.1, max_repeats=9)["runs"][0]
    rules = {"margin": 0.1, "target_ci": None, "max_repeats": 9, "attempts": 2}
    assert run["design"] == {"repeats": "auto", **rules, "by_nodes": False}


@pytest.mark.parametrize("by_nodes", [False, True])
def test_execute_groups_hold_the_runs_in_their_order(tmp_path: Path, by_nodes: bool) -> None:
    spec = {**FIXED, "provider": "kind", "backend": "job", "image": "trainer:1"}
    result = plan(tmp_path, spec=spec, nodes="1,2", by_nodes=by_nodes)
    assert [run for group in result["groups"] for run in group["runs"]] == result["runs"]
    assert sorted(group["nodes"] or 0 for group in result["groups"]) == ([1, 2] if by_nodes else [0])
    for group in result["groups"]:
        assert {run["spec"]["nodes"] for run in group["runs"]} == ({group["nodes"]} if by_nodes else {1, 2})


def test_execute_on_a_cluster_this_machine_s_memory_is_no_limit(tmp_path: Path) -> None:
    spec = {**FIXED, "provider": "existing", "backend": "statefulset", "image": "trainer:1"}
    assert plan(tmp_path, spec=spec, workers=1000, replica_memory_bytes=GIB)["counts"]["cells"] == 1
    with pytest.raises(StepError, match="fit"):
        plan(tmp_path, workers=1000, replica_memory_bytes=GIB)


def test_execute_result_is_json(tmp_path: Path) -> None:
    result = plan(tmp_path)
    assert json.loads(json.dumps(result)) == result


def test_execute_until_complete(tmp_path: Path) -> None:
    numbers = []
    while runs := plan(tmp_path)["runs"]:
        numbers += [run["number"] for run in runs]
        for run in runs:
            keep(tmp_path, run)
    assert numbers == [1, 2, 3, 4]
    result = plan(tmp_path)
    assert result["complete"] is True
    assert result["msg"] == "all 4 runs are there"
    assert result["forecast"] == {"seconds": 0.0, "low": 0.0, "high": 0.0, "price": None}
    assert result["lines"][0] == "study mnist on cluster local: 2 cells x 2 blocks = 4 runs, nothing is missing"


def test_execute_interrupted_study_goes_on(tmp_path: Path) -> None:
    first = plan(tmp_path)["runs"]
    keep(tmp_path, first[1])
    result = plan(tmp_path)
    assert result["runs"] == [first[0]]
    assert "; 1 of 4 runs are there, 3 to go, about " in result["lines"][0]


def test_execute_torn_ledger_counts_what_is_whole(tmp_path: Path) -> None:
    for run in plan(tmp_path)["runs"]:
        keep(tmp_path, run)
    ledger = tmp_path / "ledger.jsonl"
    torn = ledger.read_bytes()[:-9]
    ledger.write_bytes(torn)
    assert plan(tmp_path)["counts"]["done"] == 1
    assert ledger.read_bytes() == torn


def test_execute_void_run_is_planned_with_its_next_attempt(tmp_path: Path) -> None:
    run = plan(tmp_path)["runs"][0]
    keep(tmp_path, run, "void", "worker 1 was killed by signal 9")
    again = plan(tmp_path)["runs"][0]
    assert (again["run_id"], again["attempt"], again["number"]) == (run["run_id"], 2, run["number"])
    assert again["log_dir"].endswith("attempt-2")


def test_execute_failed_cell_is_named_in_the_message(tmp_path: Path) -> None:
    for _attempt in range(2):
        for run in plan(tmp_path, repeats=1)["runs"]:
            bad = run["spec"]["workers"] == 2
            keep(
                tmp_path,
                run,
                "void" if bad else "valid",
                "worker 1 exited with code 1: the disk is full" if bad else "",
            )
    result = plan(tmp_path, repeats=1)
    assert result["runs"] == []
    assert result["complete"] is True
    assert {name: result["counts"][name] for name in ("runs", "done", "void", "spared", "missing")} == {
        "runs": 2,
        "done": 1,
        "void": 1,
        "spared": 0,
        "missing": 0,
    }
    assert [cell["label"] for cell in result["failed_cells"]] == ["ps=1 workers=2"]
    assert result["msg"] == (
        "1 of 2 cells failed: ps=1 workers=2 (worker 1 exited with code 1: the disk is full);"
        f" the logs are in {tmp_path}/logs"
    )


def test_execute_again_adds_a_block_to_a_complete_study_only(tmp_path: Path) -> None:
    assert plan(tmp_path, repeats=1, again=True)["counts"]["blocks"] == 1
    for run in plan(tmp_path, repeats=1)["runs"]:
        keep(tmp_path, run)
    result = plan(tmp_path, repeats=1, again=True)
    assert result["counts"]["blocks"] == 2
    assert [run["block"] for run in result["runs"]] == [2, 2]
    # The role fixes the number of blocks that the first call found.
    assert plan(tmp_path, repeats=2)["runs"] == result["runs"]


def test_execute_says_one_line_and_in_check_mode_every_cell(tmp_path: Path) -> None:
    said: list[str] = []
    result = plan(tmp_path, said=said)
    assert said == ["study mnist on cluster local: 2 cells x 2 blocks = 4 runs, about 24 s (12 to 48)"]
    checked: list[str] = []
    assert plan(tmp_path, said=checked, check_mode=True) == result
    assert checked == result["lines"]
    assert checked[1:] == [f"  cell {cell['cell_id']}  {cell['label']}" for cell in result["cells"]]


def test_execute_quiet_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    plan(tmp_path, said=said, quiet=True)
    assert said == []


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({"workers": 1, "repeats": 1}, "1 cell x 1 block = 1 run,"),
        (
            {"series": [{"ps": [2], "workers": [1, 2, 4]}, {"ps": [1, 2, 3], "workers": [4]}], "repeats": 3},
            "5 cells x 3 blocks = 15 runs,",
        ),
        ({"strategies": ["async_ps", "sync_ps"]}, "4 cells x 2 blocks = 8 runs,"),
        ({"series": '[{"workers": "1,2,3"}]'}, "3 cells x 2 blocks = 6 runs,"),
    ],
)
def test_execute_counts_the_space(tmp_path: Path, params: dict[str, Any], size: str) -> None:
    assert size in plan(tmp_path, **params)["lines"][0]


def test_execute_forecast_learns_from_the_ledger(tmp_path: Path) -> None:
    guess = plan(tmp_path)["forecast"]["seconds"]
    for run in plan(tmp_path)["runs"]:
        keep(tmp_path, run, seconds=100.0)
    learned = plan(tmp_path)["forecast"]
    assert learned["seconds"] == pytest.approx(200.0, rel=0.02)
    assert learned["low"] < 200.0 < learned["high"]
    assert guess != 400.0


def test_execute_own_trainer_may_do_without_parameter_servers(tmp_path: Path) -> None:
    assert plan(tmp_path, spec={**FIXED, "command": "train"}, ps=0)["cells"][0]["label"] == "ps=0 workers=1"


def labels(result: dict[str, Any]) -> list[str]:
    return [cell["label"] for cell in result["cells"]]


def test_execute_fit_is_announced_and_stays_what_it_was(tmp_path: Path) -> None:
    said: list[str] = []
    first = plan(tmp_path, workers="1,fit", said=said)
    assert labels(first) == ["ps=1 workers=1", "ps=1 workers=4"]
    assert said[1:] == ["  fit: workers=4 with nodes=1 ps=1, the limit is this machine's processors"]
    # Nothing is recorded yet: the caller keeps the number.
    assert labels(plan(tmp_path, workers="1,fit", cpus=2, fits=first["fits"])) == labels(first)
    assert labels(plan(tmp_path, workers="1,fit", cpus=2)) == ["ps=1 workers=1", "ps=1 workers=2"]
    # Any record of the study tells it, also that of another cell.
    keep(tmp_path, next(run for run in first["runs"] if run["spec"]["workers"] == 1), "void", "it was killed")
    again = plan(tmp_path, workers="1,fit", cpus=2)
    assert labels(again) == labels(first)
    assert again["fits"] == first["fits"]


def test_execute_fit_that_is_also_given_as_a_number_is_one_cell(tmp_path: Path) -> None:
    assert labels(plan(tmp_path, workers=[2, "fit"], cpus=2)) == ["ps=1 workers=2"]
    assert labels(plan(tmp_path, series=[{"ps": [1, 2], "workers": "fit"}])) == ["ps=1 workers=4", "ps=2 workers=4"]


JAX = {**FIXED, "framework": "jax", "command": "exec train"}


def test_execute_variants_of_several_frameworks_are_one_study(tmp_path: Path) -> None:
    variants: dict[str, Any] = {
        "ps": {"framework": "tensorflow"},
        "mirrored": {"strategy": "mirrored"},
        "jax": {"framework": "jax", "command": ["python3", "train.py"], "ps": 0},
    }
    found = plan(tmp_path, ps="1,2", workers=2, variants=variants)
    assert labels(found) == [
        "variant=ps strategy=async_ps ps=1 workers=2",
        "variant=mirrored strategy=mirrored ps=0 workers=2",
        "variant=jax ps=0 workers=2",
        "variant=ps strategy=async_ps ps=2 workers=2",
    ]
    assert [cell["spec"].get("framework") for cell in found["cells"]] == [None, None, "jax", None]
    with pytest.raises(StepError, match="training_framework is 'jax', but training_command is empty"):
        plan(tmp_path, workers=2, variants={"a": {}, "b": {"framework": "jax", "ps": 0}})


def test_execute_ps_auto_is_none_where_a_framework_has_none(tmp_path: Path) -> None:
    assert labels(plan(tmp_path, ps="auto", workers=2)) == ["ps=1 workers=2"]
    assert labels(plan(tmp_path, ps="auto", workers=2, spec={**FIXED, "command": "exec train"})) == ["ps=1 workers=2"]
    assert labels(plan(tmp_path, ps="auto", workers=2, spec={**FIXED, "strategy": "mirrored"})) == ["ps=0 workers=2"]
    assert labels(plan(tmp_path, ps="auto", workers=2, spec=JAX)) == ["ps=0 workers=2"]


def test_execute_processes_of_a_worker_are_an_axis(tmp_path: Path) -> None:
    found = plan(tmp_path, ps=0, workers=2, spec=JAX, processes_per_worker="1,2")
    assert labels(found) == ["ps=0 workers=2 processes_per_worker=1", "ps=0 workers=2 processes_per_worker=2"]
    # A cell with one process a worker is that of a study without such an axis.
    [plain] = plan(tmp_path, ps=0, workers=2, spec=JAX)["cells"]
    assert plain["cell_id"] == found["cells"][0]["cell_id"]
    assert [cell["spec"].get("processes_per_worker") for cell in found["cells"]] == [None, 2]


def test_execute_spread_of_the_pods_is_an_axis(tmp_path: Path) -> None:
    found = plan(tmp_path, workers=2, spec=PODS, spreads="DoNotSchedule,PodAffinity")
    assert labels(found) == ["ps=1 workers=2 spread=DoNotSchedule", "ps=1 workers=2 spread=PodAffinity"]
    # A cell of the usual spread is that of a study without such an axis.
    [plain] = plan(tmp_path, workers=2, spec=PODS)["cells"]
    assert plain["cell_id"] == found["cells"][0]["cell_id"]
    assert [cell["spec"].get("spread") for cell in found["cells"]] == [None, "PodAffinity"]
    apart = {**PODS, "spread": "ScheduleAnyway"}
    assert labels(plan(tmp_path, workers=2, spec=apart, spreads=["", "DoNotSchedule"])) == [
        "ps=1 workers=2 spread=''",
        "ps=1 workers=2 spread=DoNotSchedule",
    ]
    assert plan(tmp_path, workers=2, spec=apart)["cells"][0]["spec"]["spread"] == "ScheduleAnyway"
    series = [{"spreads": ["PodAffinity"]}, {"workers": [4]}]
    assert labels(plan(tmp_path, workers=2, spec=PODS, series=series)) == [
        "ps=1 workers=2 spread=PodAffinity",
        "ps=1 workers=4 spread=DoNotSchedule",
    ]


def test_execute_backends_are_an_axis(tmp_path: Path) -> None:
    found = plan(tmp_path, workers=2, spec=PODS, backends="job,jobset,trainjob")
    assert labels(found) == [f"backend={name} ps=1 workers=2" for name in ("job", "jobset", "trainjob")]
    # A cell of the training's own backend is that of a study without such an axis.
    [plain] = plan(tmp_path, workers=2, spec=PODS)["cells"]
    assert plain["cell_id"] == found["cells"][0]["cell_id"]
    series = [{"backends": ["jobset"]}, {"workers": [4]}]
    assert labels(plan(tmp_path, workers=2, spec=PODS, series=series)) == [
        "backend=jobset ps=1 workers=2",
        "backend=job ps=1 workers=4",
    ]


def test_execute_runtime_is_of_train_jobs_alone(tmp_path: Path) -> None:
    spec = {**PODS, "command": "exec torchrun x", "framework": "pytorch", "runtime": "torch-distributed"}
    found = plan(tmp_path, ps="auto", workers=2, spec=spec, backends=["job", "trainjob"])
    assert [one["spec"].get("runtime") for one in found["cells"]] == [None, "torch-distributed"]
    own = plan(tmp_path, ps=0, workers=2, spec={**spec, "runtime": ""}, backends=["trainjob"])
    assert own["cells"][0]["cell_id"] != found["cells"][1]["cell_id"]


BAD_INPUT = [
    ({"spec": PODS, "backends": "job,processes"}, "sweep_backends asks for 'processes'"),
    ({"backends": "job"}, "sweep_backends asks for 'job'"),
    ({"spec": PODS, "backends": "cronjob"}, "sweep_backends is 'cronjob': give processes, job"),
    (
        {"spec": {**PODS, "runtime": "torch", "command": "x"}},
        "training_runtime is 'torch', but training_backend is 'job'",
    ),
    (
        {"spec": {**PODS, "spread": "Pack"}},
        "training_spread is 'Pack': give DoNotSchedule, ScheduleAnyway, PodAffinity or nothing",
    ),
    ({"spec": PODS, "spreads": "Pack"}, "sweep_spreads is 'Pack': give DoNotSchedule"),
    ({"spreads": ["PodAffinity"]}, "sweep_spreads asks for ps=1 workers=1, but training_backend is 'processes'"),
    (
        {"spec": {**FIXED, "framework": "torch"}},
        "training_framework is 'torch': give tensorflow, pytorch, jax, mpi or none",
    ),
    ({"spec": {**FIXED, "framework": "jax"}, "ps": 0}, "training_framework is 'jax', but training_command is empty"),
    ({"spec": JAX, "ps": "2"}, "sweep_ps asks for 2 ps (ps=2 workers=1), but training_framework 'jax' has none"),
    ({"processes_per_worker": "1,2"}, "training_processes_per_worker is 2, but training_framework is 'tensorflow'"),
    ({"processes_per_worker": "0"}, "sweep_processes_per_worker is '0': give whole numbers from 1"),
    ({"study": "../up"}, "sweep_study is '../up': give a name"),
    ({"workers": "two"}, "sweep_workers is 'two': give whole numbers from 1, such as 4 or \"1,2,4\", or fit"),
    ({"ps": "fit"}, "sweep_ps is 'fit': give whole numbers from 1, such as 4 or \"1,2,4\""),
    ({"workers": "fit", "ps": 9, "replica_memory_bytes": GIB}, "sweep_workers asks for fit, but no worker fits with"),
    ({"workers": 0}, "sweep_workers is 0: give whole numbers from 1"),
    ({"workers": []}, "sweep_workers is []: give whole numbers from 1"),
    ({"ps": -1}, "sweep_ps is -1: give whole numbers from 1"),
    ({"ps": 0}, "sweep_ps is 0: give whole numbers from 1"),
    ({"nodes": 1.5}, "sweep_nodes is 1.5: give whole numbers from 1"),
    ({"nodes": "1,2"}, "sweep_nodes is 2: give 1, because the provider local has one node"),
    ({"series": [{"ps": [1], "workers": [0]}]}, "sweep_series[0].workers is [0]: give"),
    ({"series": "all"}, "sweep_series is 'all': give a list such as"),
    ({"strategies": "magic"}, "sweep_strategies is 'magic': give async_ps, sync_ps, tf2_ps or mirrored"),
    ({"repeats": "two"}, "sweep_repeats is 'two': give a whole number from 1"),
    ({"attempts": 0}, "sweep_attempts is 0: give a whole number from 1"),
    ({"seed": "x"}, "sweep_seed is 'x': give a whole number from 0"),
    ({"deadline": "soon"}, "training_deadline is 'soon': give a number from 0"),
    ({"spec": {**FIXED, "train_steps": 0}}, "training_steps is 0, which trains without end"),
    ({"spec": {**FIXED, "provider": "moon"}}, "cluster_provider is 'moon': give local"),
    ({"spec": {**FIXED, "log_format": "("}}, "training_log_format is '(', which is no regular expression"),
    ({"study_dir": "/proc/results/mnist"}, "study_dir is '/proc/results/mnist', which cannot be written"),
    (
        {"workers": 100_000, "replica_memory_bytes": GIB},
        "sweep_workers asks for ps=1 workers=100000, which needs about 100001 GiB for 100001 replicas, but 8 GiB are free;"
        " 8 replicas fit",
    ),
]


@pytest.mark.parametrize(("params", "sentence"), BAD_INPUT)
@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_bad_input_gets_a_sentence(
    tmp_path: Path, params: dict[str, Any], sentence: str, check_mode: bool
) -> None:
    with pytest.raises(StepError) as caught:
        plan(tmp_path / "mnist", check_mode=check_mode, **params)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_execute_ledger_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("dear diary\n")
    with pytest.raises(StepError, match=r"ledger\.jsonl is not a ledger"):
        plan(tmp_path)
    assert (tmp_path / "ledger.jsonl").read_text() == "dear diary\n"


GATE: dict[str, Any] = {
    "variants": {"before": {}, "after": {"batch_size": 40}},
    "workers": 1,
    "repeats": 10,
    "max_slowdown": "0.05",
}


def measure(folder: Path, run: dict[str, Any], *, slowdown: float, verdict: str = "valid") -> None:
    """Like `keep`, with a training time that has a little noise."""
    seconds = 4.0 * (1 + 0.01 * (run["number"] % 3)) * (1 + slowdown if run["spec"]["variant"] == "after" else 1.0)
    FileLedger(folder / "ledger.jsonl").append(
        {
            "schema": 1,
            **{key: run[key] for key in ("study", "run_id", "cell_id", "block", "attempt", "spec")},
            "timings": {"total_seconds": seconds + 3, "train_seconds": seconds},
            "verdict": {"verdict": verdict, "reasons": [] if verdict == "valid" else ["worker 0 exited with code 1"]},
        }
    )


def test_execute_variants_are_cells(tmp_path: Path) -> None:
    result = plan(tmp_path, variants='{"before": {}, "after": {"batch_size": "40"}}')
    assert [cell["label"] for cell in result["cells"]][:2] == [
        "variant=before ps=1 workers=1",
        "variant=after ps=1 workers=1",
    ]
    assert [cell["spec"]["batch_size"] for cell in result["cells"]][:2] == [20, 40]
    assert {run["block"] for run in result["runs"]} == {1}
    assert {run["spec"]["variant"] for run in result["runs"]} == {"before", "after"}


def test_execute_variants_have_targets_of_their_own(tmp_path: Path) -> None:
    """Only cells with a target say how often they evaluate, so that the others keep their names."""
    variants = {"none": {}, "low": {"target_accuracy": "0.9"}, "high": {"target_accuracy": 0.95, "eval_every": 50}}
    cells = plan(tmp_path, spec={**FIXED, "eval_every": 100}, variants=variants, workers=1)["cells"]
    told = {
        cell["spec"]["variant"]: [cell["spec"].get(key) for key in ("target_accuracy", "eval_every")] for cell in cells
    }
    assert told == {"none": [None, None], "low": [0.9, 100], "high": [0.95, 50]}
    plain = plan(tmp_path, variants={"none": {}}, workers=1)["cells"]
    assert plain[0]["cell_id"] == cells[0]["cell_id"]


@pytest.mark.parametrize(
    ("variant", "spec", "sentence"),
    [
        (
            {"target_accuracy": 0.9, "eval_every": 10**6},
            {},
            "sweep_variants.a.eval_every is 1000000, but training_steps is",
        ),
        (
            {"target_accuracy": 0.9},
            {"command": "x", "log_format": r"(?P<step>\d+)"},
            "sweep_variants.a.target_accuracy is 0.9, but training_log_format",
        ),
    ],
)
def test_execute_target_of_a_variant_that_cannot_be(
    tmp_path: Path, variant: dict[str, Any], spec: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(StepError) as caught:
        plan(tmp_path, spec={**FIXED, **spec}, variants={"a": variant})
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(("slowdown", "runs"), [(0.3, 8), (0.0, 8), (0.05, 20)])
def test_execute_gate_plans_no_further_run_once_it_is_told(tmp_path: Path, slowdown: float, runs: int) -> None:
    done = 0
    while planned := plan(tmp_path, **GATE)["runs"]:
        assert len(planned) == 2
        for run in planned:
            measure(tmp_path, run, slowdown=slowdown)
            done += 1
    assert done == runs
    result = plan(tmp_path, **GATE)
    assert result["complete"] is True
    assert result["counts"]["spared"] == 20 - runs
    assert result["counts"]["void"] == 0
    # The budget decides how much error each look may spend; it must not shrink.
    assert result["counts"]["blocks"] == 10
    assert result["msg"] == ("decided after 8 of 20 runs" if runs == 8 else "all 20 runs are there")
    assert result["lines"][0].startswith("study mnist on cluster local: 2 cells x 10 blocks = 20 runs at most, ")


@pytest.mark.parametrize("attempts", [1, 2])
def test_execute_gate_of_a_version_that_never_runs_ends_after_its_attempts(tmp_path: Path, attempts: int) -> None:
    tried: list[str] = []
    while planned := plan(tmp_path, **GATE, attempts=attempts)["runs"]:
        for run in planned:
            tried.append(run["spec"]["variant"])
            measure(tmp_path, run, slowdown=0.0, verdict="void" if tried[-1] == "after" else "valid")
    assert sorted(tried) == ["after"] * attempts + ["before"]
    result = plan(tmp_path, **GATE, attempts=attempts)
    assert [cell["label"] for cell in result["failed_cells"]] == ["variant=after ps=1 workers=1"]


def test_execute_gate_goes_on_after_a_block_that_failed(tmp_path: Path) -> None:
    blocks = 0
    while planned := plan(tmp_path, **GATE, attempts=1)["runs"]:
        blocks += 1
        for run in planned:
            bad = blocks == 2 and run["spec"]["variant"] == "before"
            measure(tmp_path, run, slowdown=0.3, verdict="void" if bad else "valid")
    assert blocks == 5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_slowdown": 5}, "sweep_max_slowdown is 5: give a share below 1, such as 0.05 for 5 %, or nothing"),
        ({"max_slowdown": "much"}, "sweep_max_slowdown is 'much': give a number from 0"),
        ({"max_slowdown": -0.1}, "sweep_max_slowdown is -0.1: give a number from 0"),
        ({"max_slowdown": None}, "sweep_max_slowdown is null: give a number from 0"),
        ({"variants": {}}, "sweep_max_slowdown is 0.05: give sweep_variants with before and after, and one number of"),
        ({"variants": {"before": {}, "later": {}}}, "sweep_max_slowdown is 0.05: give sweep_variants with before"),
        (
            {"workers": "1,2"},
            "sweep_max_slowdown is 0.05: give sweep_variants with before and after, and one number of",
        ),
        ({"repeats": 3}, "sweep_repeats is 3: give a whole number from 4 with sweep_max_slowdown, which needs so many"),
        (
            {"spec": {**FIXED, "target_accuracy": 0.95}},
            "sweep_max_slowdown is 0.05, which judges the speed of equally many steps, but training_target_accuracy is 0.95",
        ),
        (
            {"variants": {"before": {}, "after": {"target_accuracy": 0.95}}},
            "sweep_max_slowdown is 0.05, which judges the speed of equally many steps, but"
            " sweep_variants.after.target_accuracy is 0.95",
        ),
        ({"variants": {"before": {"gpus": 1}}}, "sweep_variants.before has 'gpus': give batch_size, command"),
        (
            {"variants": {"before": {}, "after": {"ps": 0}}},
            "sweep_variants asks for variant=after ps=0 workers=1: give ps from 1",
        ),
    ],
)
def test_execute_gate_bad_input_gets_a_sentence(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StepError) as caught:
        plan(tmp_path, **{**GATE, **changes})
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("nothing", ["", 0, "0"])
def test_execute_without_a_margin_is_a_study_as_any_other(tmp_path: Path, nothing: Any) -> None:
    assert plan(tmp_path, max_slowdown=nothing) == plan(tmp_path)


def test_execute_mirrored_is_one_cell_for_all_numbers_of_ps(tmp_path: Path) -> None:
    result = plan(tmp_path, strategies="tf2_ps,mirrored", ps="1,2", workers=2)
    assert labels(result) == [
        "strategy=tf2_ps ps=1 workers=2",
        "strategy=tf2_ps ps=2 workers=2",
        "strategy=mirrored ps=0 workers=2",
    ]
    assert [cell["spec"]["ps"] for cell in result["cells"]] == [1, 2, 0]


@pytest.mark.parametrize("ps", ["0", 1, "1,2"])
def test_execute_mirrored_alone_needs_no_ps(tmp_path: Path, ps: Any) -> None:
    assert labels(plan(tmp_path, spec={**FIXED, "strategy": "mirrored"}, ps=ps, workers=2)) == ["ps=0 workers=2"]


def test_execute_leaves_a_program_its_ps_whatever_the_strategy(tmp_path: Path) -> None:
    spec = {**FIXED, "strategy": "mirrored", "command": "python mine.py"}
    assert labels(plan(tmp_path, spec=spec, ps=2, workers=2)) == ["ps=2 workers=2"]


@pytest.mark.parametrize(
    ("changes", "params", "sentence"),
    [
        (
            {"preset": "thesis"},
            {"strategies": "async_ps,mirrored"},
            "training_preset is 'thesis', a loop for async_ps and sync_ps, but the strategy of strategy=mirrored ps=0 workers=1"
            " is 'mirrored': give fast",
        ),
        (
            {"gpus": 1},
            {"strategies": "tf2_ps"},
            "training_gpus is 1, but tf2_ps trains on processors (ps=1 workers=1): give 0, or another strategy",
        ),
        ({"gpus": "one"}, {}, "training_gpus is 'one': give a whole number from 0"),
        ({}, {"ps": 0}, "sweep_ps is 0: give whole numbers from 1"),
        ({}, {"ps": 0, "strategies": "mirrored,sync_ps"}, "sweep_ps is 0: give whole numbers from 1"),
    ],
)
def test_execute_refuses_what_a_strategy_cannot_do(
    tmp_path: Path, changes: dict[str, Any], params: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(StepError) as caught:
        plan(tmp_path, spec={**FIXED, **changes}, **params)
    assert str(caught.value).startswith(sentence)
