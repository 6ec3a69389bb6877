# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptive studies and budgets: whole studies on paper, from an empty ledger to the last decision."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.sequential import FIRST

from tests.fixtures import ledgers
from tests.fixtures.planted import FIXED, Planted, flat

PODS = {**FIXED, "provider": "existing", "backend": "job", "image": "trainer:1"}
PRICES = {"big": 3.6, "small": 1.8}


def runs_of(done: list[dict[str, Any]]) -> Counter[int]:
    return Counter(run["spec"]["workers"] for run in done)


def test_auto_first_blocks_have_all_cells_and_the_later_ones_those_that_are_open(tmp_path: Path) -> None:
    study = Planted(tmp_path)
    done = study.sweep()
    first = [run for run in done if run["block"] <= FIRST]
    assert runs_of(first) == {1: FIRST, 2: FIRST, 4: FIRST}
    # Times of Amdahl lie far apart: nobody needs a fixed study's 20 blocks.
    assert len(done) < 30
    result = study.plan()
    assert (result["complete"], result["runs"], result["counts"]["open"]) == (True, [], 0)
    assert result["counts"]["done"] == result["counts"]["runs"] == result["counts"]["most"] == len(done)
    assert f"decided after {len(done)} runs" in result["lines"][0]


def test_auto_announces_how_many_runs_there_may_be(tmp_path: Path) -> None:
    result = Planted(tmp_path).plan()
    assert "3 cells x 4 to 20 blocks = 12 to 60 runs" in result["lines"][0]
    assert (result["counts"]["runs"], result["counts"]["most"], result["counts"]["missing"]) == (12, 60, 12)
    assert [run["number"] for run in result["runs"]] == [1, 2, 3]
    assert {run["total"] for run in result["runs"]} == {12}
    assert result["forecast"]["low"] < result["forecast"]["seconds"] < result["forecast"]["high"]


def test_auto_tells_before_a_block_what_is_open_and_what_has_stopped(tmp_path: Path) -> None:
    study = Planted(tmp_path, law=lambda spec: 40.0 if spec["workers"] == 1 else 4.0, spread=0.05)
    said: list[str] = []
    while runs := study.plan(quiet=True, said=said)["runs"]:
        for run in runs:
            study.record(run)
    assert said[0] == "block 1: all 3 cells open"
    assert said[1].startswith("block 2: all 3 cells open; about ")
    stop = next(line for line in said if "workers=1 stopped after block" in line)
    assert "times as long (" in stop
    assert any(line.startswith("block 5: 2 of 3 cells open: 2 and 4 workers with ps=1") for line in said)
    assert said[-1].startswith("decided after ")
    stopped = [line for line in said if " stopped after block " in line]
    assert len(stopped) == 3
    assert [line for line in stopped if line.endswith(": the fastest")]
    assert [line for line in stopped if line.endswith("as fast as the fastest within 5 %") or "% slower (" in line]


def test_auto_says_nothing_again_of_a_block_that_goes_on(tmp_path: Path) -> None:
    study = Planted(tmp_path)
    study.sweep(most=1)
    said: list[str] = []
    study.plan(quiet=True, said=said)
    assert said == []


@pytest.mark.parametrize("killed_after", [5, 13, 17])
def test_auto_killed_and_called_again_does_what_it_had_done_unharmed(tmp_path: Path, killed_after: int) -> None:
    # A spread that leaves cells open for many blocks.
    whole, parts = (Planted(tmp_path / name, law=flat, spread=0.05) for name in ("whole", "parts"))
    expected = [run["run_id"] for run in whole.sweep()]
    assert len(expected) > 20
    done = [*parts.sweep(most=killed_after), *parts.sweep()]
    assert [run["run_id"] for run in done] == expected
    assert parts.plan()["lines"] == whole.plan()["lines"]


def test_auto_ends_at_its_last_block_and_names_what_is_open(tmp_path: Path) -> None:
    study = Planted(tmp_path, law=flat, spread=0.15, params={"max_repeats": 6})
    done = study.sweep()
    assert max(run["block"] for run in done) == 6
    told = study.plan()["told"][-1]
    assert "sweep_max_repeats is 6" in told
    assert "cells open" in told
    # A higher number goes on from there.
    assert {run["block"] for run in study.plan(max_repeats=7)["runs"]} == {7}


def test_auto_goes_on_with_what_a_fixed_number_of_blocks_began_and_back(tmp_path: Path) -> None:
    study = Planted(tmp_path)
    assert len(study.sweep(repeats=1)) == 3
    assert min(run["block"] for run in study.sweep()) == 2
    recorded = study.plan()["counts"]["done"]
    assert study.plan(repeats=10)["counts"]["missing"] == 30 - recorded


def test_auto_comes_as_text_from_a_survey(tmp_path: Path) -> None:
    study = Planted(tmp_path, params={"max_repeats": "8", "margin": "0.1", "target_ci": "0.2", "budget_minutes": "60"})
    assert "12 to 24 runs" in study.plan(repeats="auto")["lines"][0]


def test_auto_one_cell_needs_the_first_blocks(tmp_path: Path) -> None:
    study = Planted(tmp_path, params={"workers": 2})
    assert len(study.sweep()) == FIRST
    assert any("no other cell to compare" in line for line in study.plan()["told"])


def test_auto_cells_of_other_work_are_not_compared(tmp_path: Path) -> None:
    """Two variants do different work: each has an answer of its own, and the slower one is no reason to stop the other."""
    variants = {"a": {"batch_size": 20}, "b": {"batch_size": 40}}
    study = Planted(tmp_path, params={"variants": variants, "workers": 2})
    done = study.sweep()
    assert len(done) == 2 * FIRST
    assert all("no other cell" in line for line in study.plan()["told"][:2])


def test_auto_a_cell_that_fails_in_every_block_is_left_out_and_named(tmp_path: Path) -> None:
    study = Planted(tmp_path, law=flat, spread=0.05, bad=lambda run: run["spec"]["workers"] == 4)
    said: list[str] = []
    tried: list[tuple[int, int]] = []
    while runs := study.plan(quiet=True, said=said)["runs"]:
        for run in runs:
            study.record(run)
            tried += [(run["block"], run["attempt"])] if run["spec"]["workers"] == 4 else []
    assert tried == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [
        line for line in said if "workers=4 stopped after block 2: it failed in 2 blocks in a row (worker 0" in line
    ]
    result = study.plan()
    assert [cell["label"] for cell in result["failed_cells"]] == ["ps=1 workers=4"]
    assert "1 of 3 cells failed" in result["msg"]
    # The others went on to their decision.
    assert result["complete"]
    assert result["counts"]["done"] > 2 * FIRST


def test_auto_a_cell_that_fails_once_goes_on(tmp_path: Path) -> None:
    study = Planted(tmp_path, bad=lambda run: run["spec"]["workers"] == 4 and run["block"] == 2)
    done = study.sweep()
    assert runs_of([run for run in done if run["block"] > 2])[4] >= FIRST - 1
    assert [cell["label"] for cell in study.plan()["failed_cells"]] == ["ps=1 workers=4"]


def test_auto_all_void_ends_after_two_blocks(tmp_path: Path) -> None:
    study = Planted(tmp_path, bad=lambda _run: True)
    done = study.sweep()
    assert {run["block"] for run in done} == {1, 2}
    result = study.plan()
    assert (result["complete"], len(result["failed_cells"]), result["counts"]["done"]) == (True, 3, 0)


def test_auto_runs_without_a_time_are_as_good_as_none(tmp_path: Path) -> None:
    study = Planted(tmp_path)
    cells = {cell["cell_id"] for cell in study.plan()["cells"]}
    records = [
        {**ledgers.record({**ledgers.SPEC, "workers": workers}, block, seconds=4.0), "timings": {"total_seconds": 7.0}}
        for workers in (1, 2, 4)
        for block in (1, 2)
    ]
    assert {record["cell_id"] for record in records} == cells
    ledgers.write(tmp_path, records)
    result = study.plan()
    assert result["complete"]
    assert {cell["reason"] for cell in result["failed_cells"]} == {"its runs have no training time"}


def test_auto_reads_records_of_mixed_versions(tmp_path: Path) -> None:
    """Of version 0.3, with resources as text; of a later one, with fields that are not known yet; and damaged ones."""
    resources = {"limits": {"memory": "768Mi"}}
    text = json.dumps(resources, sort_keys=True)
    spec = {**PODS, "ps_resources": resources, "worker_resources": resources}
    study = Planted(tmp_path, params={"spec": spec})
    cells = {cell["spec"]["workers"]: cell for cell in study.plan()["cells"]}
    records: list[dict[str, Any]] = []
    for block in range(1, FIRST + 1):
        for workers, cell in cells.items():
            one = ledgers.record(cell["spec"], block, seconds=10.0 / workers * (1 + 0.01 * (block % 2)))
            one |= {"cell_id": cell["cell_id"], "run_id": f"{cell['cell_id']}-{block}"}
            if block % 2:
                one["spec"] = {**cell["spec"], "ps_resources": text, "worker_resources": text}
            else:
                one |= {"schema": 2, "calibration": {"seconds": 0.2}}
            records.append(one)
    ledgers.write(tmp_path, [*records, {"schema": 1, "run_id": 7, "verdict": "valid"}])
    result = study.plan()
    assert (result["complete"], result["counts"]["open"], result["counts"]["done"]) == (True, 0, 12)


def test_auto_again_is_one_further_block_of_all_cells(tmp_path: Path) -> None:
    study = Planted(tmp_path)
    done = study.sweep()
    last = max(run["block"] for run in done)
    first = study.plan(again=True)
    assert (first["extra_block"], first["complete"]) == (last + 1, False)
    assert runs_of(first["runs"]) == {1: 1, 2: 1, 4: 1}
    assert first["told"] == [f"block {last + 1}: all cells once more"]
    # The role keeps which block it is.
    more = study.sweep(extra_block=first["extra_block"])
    assert [run["run_id"] for run in more] == [run["run_id"] for run in first["runs"]]
    assert study.plan()["complete"]
    assert study.plan(again=True)["extra_block"] == last + 2


def test_auto_again_of_a_study_that_goes_on_adds_nothing(tmp_path: Path) -> None:
    study = Planted(tmp_path)
    study.sweep(most=4)
    assert study.plan(again=True)["extra_block"] == 0


def test_auto_by_nodes_visits_a_number_of_nodes_only_while_it_has_an_open_cell(tmp_path: Path) -> None:
    def law(spec: Any) -> float:
        return 40.0 if spec["nodes"] == 2 else 4.0

    study = Planted(tmp_path, law=law, params={"spec": PODS, "nodes": "1,2", "workers": "1,2", "by_nodes": True})
    visited: dict[int, list[int]] = {}
    while (result := study.plan())["runs"]:
        visited[result["runs"][0]["block"]] = [group["nodes"] for group in result["groups"]]
        for run in result["runs"]:
            study.record(run)
    assert [sorted(visited[block]) for block in range(1, FIRST + 1)] == [[1, 2]] * FIRST
    later = [nodes for block, nodes in visited.items() if block > FIRST + 3]
    assert all(nodes == [1] for nodes in later)


def test_auto_gate_has_the_last_block_as_its_budget(tmp_path: Path) -> None:
    given = {"variants": {"before": {}, "after": {"batch_size": 40}}, "workers": 1, "max_slowdown": 0.05}
    study = Planted(tmp_path, law=flat, params={**given, "max_repeats": 6})
    assert "2 cells x 6 blocks = 12 runs at most" in study.plan()["lines"][0]
    fixed = Planted(tmp_path, law=flat, params={**given, "repeats": 6})
    assert study.plan()["runs"] == fixed.plan()["runs"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"max_repeats": FIRST - 1}, ["sweep_max_repeats", "3", "from 4"]),
        ({"max_repeats": 5000}, ["sweep_max_repeats", "5000", "to 1000"]),
        ({"margin": 0}, ["sweep_margin", "0", "above 0 and below 1"]),
        ({"margin": 1}, ["sweep_margin", "1", "above 0 and below 1"]),
        ({"margin": "small"}, ["sweep_margin", "small"]),
        ({"target_ci": 0}, ["sweep_target_ci", "0", "above 0 and below 1"]),
        ({"repeats": "often"}, ["sweep_repeats", "often", "or auto"]),
        ({"repeats": 0}, ["sweep_repeats", "0", "or auto"]),
        ({"budget_minutes": 0}, ["sweep_budget_minutes", "0", "greater than 0"]),
        ({"budget_minutes": "an hour"}, ["sweep_budget_minutes", "an hour"]),
        ({"budget_minutes": 0.01}, ["sweep_budget_minutes", "0.01", "first block"]),
        ({"budget_cost": 5, "spec": PODS}, ["sweep_budget_cost", "5", "report_prices"]),
        ({"budget_cost": 5, "prices": PRICES}, ["sweep_budget_cost", "5", "processes", "sweep_budget_minutes"]),
        ({"budget_cost": 0.001, "prices": PRICES, "spec": PODS}, ["sweep_budget_cost", "0.001", "first block"]),
        ({"budget_cost": -1, "prices": PRICES, "spec": PODS}, ["sweep_budget_cost", "-1", "from 0"]),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_auto_bad_input_gets_a_sentence(
    tmp_path: Path, params: dict[str, Any], words: list[str], check_mode: bool
) -> None:
    with pytest.raises(StepError) as caught:
        Planted(tmp_path / "mnist").plan(check_mode=check_mode, **params)
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_forecast_is_no_longer_than_the_budget(tmp_path: Path) -> None:
    study = Planted(tmp_path, law=flat, spread=0.1, params={"max_repeats": 20})
    for run in study.plan()["runs"]:
        study.record(run)
    used = sum(json.loads(line)["timings"]["total_seconds"] for line in (tmp_path / "ledger.jsonl").open())
    free, held = study.plan()["forecast"], study.plan(budget_minutes=1.5)["forecast"]
    assert held["high"] == pytest.approx(90 - used)
    assert free["high"] > held["high"] >= held["seconds"] >= held["low"] > 0


def test_budget_of_minutes_ends_a_study_before_the_block_that_does_not_fit(tmp_path: Path) -> None:
    study = Planted(tmp_path, law=flat, spread=0.1, params={"budget_minutes": 2.5})
    done = study.sweep()
    # 150 s hold seven blocks of three runs of 7 s.
    assert max(run["block"] for run in done) in (6, 7)
    result = study.plan()
    assert (result["complete"], result["runs"]) == (True, [])
    assert "sweep_budget_minutes" in result["told"][-1]
    assert "cells open" in result["told"][-1]
    assert result["counts"]["done"] + result["counts"]["spared"] == result["counts"]["runs"]
    # More of it goes on from there.
    assert study.plan(budget_minutes=10)["runs"]


def test_budget_also_ends_a_fixed_number_of_blocks(tmp_path: Path) -> None:
    study = Planted(tmp_path, law=flat, params={"repeats": 10, "budget_minutes": "1"})
    done = study.sweep()
    assert len(done) in (6, 9)
    result = study.plan()
    assert result["complete"]
    assert f"ended after {len(done)} runs" in result["lines"][0]
    assert "sweep_budget_minutes" in result["lines"][0]


@pytest.mark.parametrize("killed_after", [7, 8])
def test_budget_a_block_that_has_begun_is_finished(tmp_path: Path, killed_after: int) -> None:
    """The runs of block 3 take longer than was forecast, and the budget is spent in the middle of it."""
    params = {"budget_minutes": 1.2}
    whole, parts = (Planted(tmp_path / name, flat, pace={3: 10.0}, params=params) for name in ("whole", "parts"))
    expected = [run["run_id"] for run in whole.sweep()]
    assert len(expected) == 9
    done = [*parts.sweep(most=killed_after), *parts.sweep()]
    assert [run["run_id"] for run in done] == expected


def test_budget_of_cost_counts_what_nodes_have_cost(tmp_path: Path) -> None:
    nodes = [{"name": "n1", "machine_type": "big"}]
    params = {"spec": PODS, "budget_cost": 0.15, "prices": PRICES, "currency": "EUR"}
    study = Planted(tmp_path, law=flat, spread=0.1, nodes=nodes, params=params)
    done = study.sweep()
    # A second costs 0.001: 150 s hold seven blocks of three runs of 7 s.
    assert max(run["block"] for run in done) in (6, 7)
    told = study.plan()["told"][-1]
    assert "sweep_budget_cost" in told
    assert "EUR" in told


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([{"machine_type": "odd"}], ["odd", "report_prices", "sweep_budget_cost"]),
        ([], ["sweep_budget_cost", "names no nodes"]),
    ],
)
def test_budget_of_cost_that_cannot_be_counted_is_refused(
    tmp_path: Path, nodes: list[dict[str, str]], words: list[str]
) -> None:
    study = Planted(tmp_path, nodes=nodes, params={"spec": PODS})
    study.sweep(most=1)
    with pytest.raises(StepError) as caught:
        study.plan(budget_cost=5, prices=PRICES)
    assert [word for word in words if word not in str(caught.value)] == []


def test_budget_is_of_a_cluster(tmp_path: Path) -> None:
    """A ledger may hold the runs of several: what another cluster has run takes nothing from this one."""
    params = {"budget_minutes": 1.2}
    Planted(tmp_path, params={"spec": {**FIXED, "cluster": "other"}, "repeats": 10}).sweep()
    assert Planted(tmp_path, law=flat, params=params).plan()["runs"]
