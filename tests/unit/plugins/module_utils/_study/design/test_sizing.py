# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches for a size through the planner, with planted times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.open_ledger import read
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.study_max_workers import StudyMaxWorkers
from ansible_collections.tfscale.study.plugins.module_utils._study.design import planner

from tests.fixtures.node_objects import node
from tests.fixtures.objects import Store
from tests.fixtures.planted import DEFAULTS, FIXED, Planted
from tests.fixtures.searches import planted, usl


def sizes(runs: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(run["block"], run["spec"]["workers"]) for run in runs]


def test_search_plans_block_after_block_and_says_why_it_ends(tmp_path: Path) -> None:
    study, said = planted(tmp_path), list[str]()
    first = study.plan(said=said)
    assert said == ["study mnist on cluster local: autosize of 1 to 8 workers for the goal time"]
    assert sorted(sizes(first["runs"])) == [(1, 1), (1, 2)]
    assert (first["complete"], first["counts"]["open"]) == (False, 2)
    said.clear()
    runs = []
    while planned := study.plan(quiet=True, said=said)["runs"]:
        for run in planned:
            study.record(run)
        runs += planned
    assert said[0] == "block 1: ps=1 workers=1 and ps=1 workers=2"
    assert said[-1] == "ended: more workers gain too little"
    last = study.plan()
    assert (last["complete"], last["runs"], last["failed_cells"]) == (True, [], [])
    assert last["msg"] == f"ended after {len(runs)} runs: more workers gain too little"
    assert {run["design"]["repeats"] for run in runs} == {"autosize"}
    assert {run["design"]["max_workers"] for run in runs} == {8}


def test_search_that_was_killed_within_a_block_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = planted(tmp_path / "whole")
    expected = sizes(whole.sweep())
    for killed in (1, 4, 9):
        study = planted(tmp_path / str(killed))
        runs = study.sweep(most=killed)
        assert sizes([*runs, *study.sweep()]) == expected


def test_search_takes_runs_of_a_sweep_into_account(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.sweep(search={}, workers="1,2", repeats=3)
    runs = study.plan()["runs"]
    # The first block is there; of the second one only 4 workers are missing.
    assert sizes(runs) == [(2, 4)]
    study.sweep()
    more = study.plan(search={}, workers="1,2,4", repeats=4)
    assert {workers for _block, workers in sizes(more["runs"])} <= {1, 2, 4}


def test_void_run_is_tried_again_and_a_size_that_fails_twice_ends_the_doubling(tmp_path: Path) -> None:
    study = planted(tmp_path, lambda spec: 8.0 / spec["workers"])
    study.bad = lambda run: run["spec"]["workers"] > 4
    runs = study.sweep()
    tried = [run["attempt"] for run in runs if run["spec"]["workers"] == 8]
    assert tried == [1, 2, 1, 2]
    last = study.plan()
    assert last["msg"].endswith("the next size fails")
    assert {cell["label"] for cell in last["failed_cells"]} >= {"ps=1 workers=8"}


def test_first_size_that_fails_ends_the_search(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.bad = lambda run: run["spec"]["workers"] == 1
    study.sweep()
    last = study.plan()
    assert last["complete"] is True
    assert "failed: ps=1 workers=1 (worker 0 exited with code 1)" in last["msg"]


def test_budget_ends_the_search_before_the_next_block(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.params["budget_minutes"] = 0.5
    runs = study.sweep()
    assert 2 <= len(runs) < 12
    assert "the budget of 0.5 min (autosize_budget_minutes) is spent" in study.plan()["msg"]


def test_fit_is_the_number_of_processors_and_stays(tmp_path: Path) -> None:
    study = planted(tmp_path, max_workers="fit")
    study.params["replica_memory_bytes"] = 1
    first = study.plan()
    assert "1 to " in first["lines"][0] or "workers 1 " in first["lines"][0]
    assert first["fits"]


@pytest.mark.parametrize(
    ("search", "named"),
    [
        ({"min_gain": 0}, ["autosize_min_gain is 0", "above 0 and below 1", "0.1 for 10 %"]),
        ({"min_gain": 1}, ["autosize_min_gain is 1", "above 0 and below 1"]),
        ({"min_gain": "ten"}, ["autosize_min_gain is 'ten'", "above 0 and below 1"]),
        ({"workers": 4, "max_workers": 2}, ["autosize_max_workers is 2", "autosize_workers 4", "at least 4"]),
        ({"max_workers": "many"}, ["autosize_max_workers is 'many'", "fit"]),
        ({"max_nodes": 2}, ["autosize_max_nodes is 2", "the provider local has one node"]),
        ({"goal": "deadline"}, ["autosize_deadline_seconds is ''"]),
        ({"deadline_seconds": 5}, ["autosize_deadline_seconds is 5", "autosize_goal is 'time'"]),
        ({"ps": 0, "max_ps": 2}, ["autosize_max_ps is 2", "autosize_ps is 0"]),
        ({"speed": 1}, ["'speed'", "variables of role autosize"]),
    ],
)
def test_search_bad_input_gets_a_sentence(tmp_path: Path, search: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(StepError) as caught:
        planted(tmp_path, usl, **search).plan()
    assert [word for word in named if word not in str(caught.value)] == []


PYTORCH = {**FIXED, "framework": "pytorch", "command": "exec torchrun train.py"}


@pytest.mark.parametrize(
    ("search", "spec", "ps"),
    [
        ({"ps": "auto"}, FIXED, 1),
        ({"ps": "auto"}, PYTORCH, 0),
        # Of a survey, whatever the framework is.
        ({"ps": "auto", "max_ps": 2}, PYTORCH, 0),
    ],
)
def test_search_starts_from_the_ps_that_a_framework_has(
    tmp_path: Path, search: dict[str, Any], spec: dict[str, Any], ps: int
) -> None:
    runs = planted(tmp_path, usl, **search).plan(spec=spec)["runs"]
    assert {(run["spec"]["ps"], run["spec"]["workers"]) for run in runs} == {(ps, 1), (ps, 2)}


@pytest.mark.parametrize(
    ("search", "given", "named"),
    [
        ({"ps": 1}, {"spec": PYTORCH}, ["autosize_ps asks for 1 ps", "'pytorch'", "leave autosize_ps out"]),
        ({"ps": 0}, {}, ["autosize_ps asks for", "ps from 1"]),
        ({}, {"budget_cost": 5, "prices": {"*": 1}}, ["autosize_budget_cost is 5", "give autosize_budget_minutes"]),
        ({}, {"budget_minutes": "an hour"}, ["autosize_budget_minutes is 'an hour'"]),
    ],
)
def test_refusal_of_a_search_names_the_variables_of_autosize(
    tmp_path: Path, search: dict[str, Any], given: dict[str, Any], named: list[str]
) -> None:
    with pytest.raises(StepError) as caught:
        planted(tmp_path, usl, **search).plan(**given)
    assert [word for word in named if word not in str(caught.value)] == []
    assert "sweep_" not in str(caught.value)


def test_search_of_nodes_grows_a_cluster_that_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A node of two processors carries two workers; the pool has one of three at first."""
    there = Store()
    there.objects["/api/v1/nodes/n1"] = node("n1", cpu="2")
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    study = planted(tmp_path, lambda spec: 8.0 / spec["workers"], max_nodes=3, max_workers="fit", ps=0)
    study.params |= {
        "spec": {**FIXED, "provider": "gke", "backend": "job", "image": "x:1", "command": "train"},
        "by_nodes": True,
        "placement": {"resources": {"worker": {"cpu": 1}}, "nodes_method": "resize"},
    }
    first = study.plan()
    assert first["lines"][0].endswith("autosize of 1 to 6 workers and 1 to 3 nodes for the goal time")
    runs, groups = [], []
    while planned := study.plan(quiet=True):
        if not planned["runs"]:
            break
        groups += [(group["nodes"], len(group["runs"])) for group in planned["groups"]]
        for run in planned["runs"]:
            study.record(run)
            runs.append((run["spec"]["nodes"], run["spec"]["workers"]))
    assert {nodes for nodes, _workers in runs} == {1, 2, 3}
    assert all(workers <= 2 * nodes for nodes, workers in runs)
    assert {nodes for nodes, _runs in groups} == {1, 2, 3}
    assert study.plan()["cells"][0]["label"] == "nodes=1 ps=0 workers=1"


def test_announcement_has_no_line_for_each_size(tmp_path: Path) -> None:
    """In check mode it has, because no run will show them."""
    study = planted(tmp_path)
    study.params["replica_memory_bytes"] = 1
    said: list[str] = []
    study.plan(said=said)
    assert len(said) == 1
    said.clear()
    study.plan(said=said, check_mode=True)
    assert [line for line in said if "workers=2" in line and "cell" in line]


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ({}, "autosize of 1 to 8 workers for the goal time"),
        ({"max_ps": 2}, "autosize of 1 to 8 workers and 1 to 2 ps for the goal time"),
        ({"max_workers": 1, "max_ps": 4}, "autosize of 1 worker and 1 to 4 ps for the goal time"),
        ({"goal": "knee", "workers": 2}, "autosize of 2 to 8 workers for the goal knee"),
    ],
)
def test_head_names_the_axes_and_the_goal(tmp_path: Path, search: dict[str, Any], words: str) -> None:
    assert planted(tmp_path, usl, **search).plan()["lines"][0].endswith(words)


def test_search_of_other_settings_is_another_search(tmp_path: Path) -> None:
    """Records of other cells of the study count for nothing."""
    study = planted(tmp_path)
    study.sweep()
    other = study.plan(spec={**FIXED, "batch_size": 77})
    assert sorted(sizes(other["runs"])) == [(1, 1), (1, 2)]


# --- for what comes of it ---------------------------------------------------------------------------------------------


def searched(study: Planted, **params: Any) -> planner.Searched:
    given = {**DEFAULTS, "study": "mnist", "study_dir": str(study.folder), "spec": FIXED, **study.params, **params}

    def max_workers(spec: Mapping[str, Any], records: Callable[[], planner.Records]) -> StudyMaxWorkers:
        return StudyMaxWorkers(given, spec, records=records, memory=lambda: None, cpus=lambda: 4)

    return planner.searched(given, read=lambda: read(given), max_workers=max_workers)


def test_searched_says_whether_the_search_has_ended_and_why(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.sweep(most=6)
    going = searched(study)
    assert (going.ended, going.shortage, len(going.records)) == ("", "", 6)
    study.sweep()
    ended = searched(study)
    assert (ended.ended, ended.shortage) == ("more workers gain too little", "")
    taken = ended.sizing.search.taken()
    assert taken
    assert ended.sizing.cells[taken].label == "ps=1 workers=6"


def test_searched_with_a_budget_says_what_is_spent(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.params["budget_minutes"] = 0.5
    study.sweep()
    found = searched(study)
    assert found.shortage == found.ended
    assert "the budget of 0.5 min (autosize_budget_minutes) is spent" in found.shortage


def test_searched_counts_the_records_of_its_cluster_alone(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.sweep(most=4)
    other = searched(study, spec={**FIXED, "cluster": "another"})
    assert other.records == []
    assert [size.workers for size in other.sizing.step.asked] == [1, 2]


def test_first_block_that_the_budget_does_not_hold_is_refused(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.params["budget_minutes"] = 0.001
    with pytest.raises(StepError) as caught:
        study.plan()
    assert "autosize_budget_minutes is 0.001 min, but the first block takes about" in str(caught.value)
