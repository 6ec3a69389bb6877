# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer, word for word."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import answer
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, void, with_usage

NOISE = {1: 0.99, 2: 1.0, 3: 1.02}


def runs(
    times: dict[tuple[int, int], float], blocks: dict[int, float] | None = None, wobbles: float = 0.01, **spec: Any
) -> list[dict[str, Any]]:
    """Cells (ps, workers) with a time each; every cell wobbles a little in its own way."""
    records = []
    for number, ((ps, workers), seconds) in enumerate(times.items()):
        for block, factor in (blocks or NOISE).items():
            wobble = factor * (1 + wobbles * math.sin(2.3 * number + 1.7 * block))
            made = record({**SPEC, "ps": ps, "workers": workers, **spec}, block, seconds=seconds * wobble)
            records.append(made)
    return records


def sentence(records: list[dict[str, Any]]) -> str:
    return answer.sentence(answer.answers(model.study_of(records, "x")))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (
            {(2, 2): 4.0, (2, 4): 4.06, (2, 1): 5.24},
            "With ps=2, 2 workers do it in 4.00 s (95 % CI 3.94-4.08); 4 workers are not significantly different from 2; "
            "1 worker is 31 % slower (27-36 %).",
        ),
        (
            {(1, 1): 4.0, (1, 2): 8.8},
            "With ps=1, 1 worker does it in 4.00 s (95 % CI 3.94-4.08); 2 workers take 2.2 times as long (2.1-2.3).",
        ),
        (
            {(1, 2): 4.0},
            "With ps=1, 2 workers do it in 4.00 s (95 % CI 3.94-4.08); there is no other cell to compare with.",
        ),
    ],
    ids=["design", "one worker is best", "alone"],
)
def test_answer_reads_like_a_sentence(times: dict[tuple[int, int], float], expected: str) -> None:
    assert sentence(runs(times)) == expected


def test_answer_counts_what_it_does_not_name() -> None:
    times = {(1, 1): 4.0} | {(1, n): 4.0 * n for n in (2, 3, 4, 5, 6)}
    said = sentence(runs(times))
    assert said.endswith("; 2 more cells take 5.0 to 6.0 times as long.")


def test_answer_names_one_more_cell_than_it_would_rather_than_count_it() -> None:
    said = sentence(runs({(1, 1): 4.0} | {(1, n): 4.0 * n for n in (2, 3, 4, 5)}))
    assert said.endswith("; 5 workers take 5.0 times as long (4.8-5.2).")


@pytest.mark.parametrize(
    ("times", "clauses"),
    [
        ({(1, 4): 4.0, (1, 2): 4.01}, ["2 workers are as fast as 4 within 5 % and take fewer replicas."]),
        (
            {(2, 4): 4.0, (1, 2): 4.01, (1, 8): 12.0},
            ["ps=1 workers=2 is as fast as it within 5 % and takes fewer replicas;", "ps=1 workers=8 takes 3.00 times"],
        ),
        (
            {(2, 5): 4.0} | {(2, n): 4.01 for n in (1, 2, 3, 4)},
            ["4 other cells are as fast as 5 within 5 %, the smallest of them is 1 worker."],
        ),
    ],
    ids=["fewer workers", "another ps", "many"],
)
def test_answer_names_the_smallest_cell_that_is_certain_to_be_as_fast(
    times: dict[tuple[int, int], float], clauses: list[str]
) -> None:
    said = sentence(runs(times, wobbles=0.002))
    assert [clause for clause in clauses if clause not in said] == []


def test_answer_does_not_take_a_smaller_cell_that_may_be_slower() -> None:
    records = runs({(1, 4): 4.0, (1, 1): 4.2}, wobbles=0.03)
    given = answer.answers(model.study_of(records, "x"))[0]
    assert given.smallest is given.best
    assert "1 worker is not significantly different from 4" in given.sentence


@pytest.mark.parametrize(
    ("young", "clause"),
    [
        ([(2, 4)], "ps=2 workers=4 has too few valid runs to tell"),
        ([(1, 4), (2, 4)], "ps=2 workers=4 and 4 workers have too few valid runs to tell"),
        ([(3, n) for n in (1, 2, 3, 4)], "4 cells have too few valid runs to tell"),
    ],
)
def test_answer_says_which_cells_are_too_young(young: list[tuple[int, int]], clause: str) -> None:
    said = sentence(runs({(1, 1): 4.0}) + runs(dict.fromkeys(young, 2.0), {1: 1.0}))
    assert said.startswith("With ps=1, 1 worker does it")
    assert clause in said


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "Cannot tell: no run has been recorded."),
        ([void(SPEC, 1, "ps 0 was killed")], "Cannot tell: the only run is void (the last: ps 0 was killed)."),
        (
            [void(SPEC, 1, "a"), void(SPEC, 2, "b")],
            "Cannot tell: all 2 runs are void (the last: b).",
        ),
        (
            runs({(1, 1): 4.0, (1, 2): 3.0}, {1: 1.0, 2: 1.1}),
            "Cannot tell yet: no cell has 3 valid runs; the lowest time so far is 3.13 s, with ps=1 workers=2 (2 runs).",
        ),
        (
            runs({(1, 1): 4.0}, {1: 1.0}),
            "Cannot tell yet: no cell has 3 valid runs; the lowest time so far is 4.04 s, with ps=1 workers=1 (1 run).",
        ),
    ],
    ids=["nothing", "one void", "all void", "two runs", "one run"],
)
def test_answer_may_be_that_nobody_can_tell(records: list[dict[str, Any]], expected: str) -> None:
    assert sentence(records) == expected


def test_answer_does_not_depend_on_the_drift_of_the_machine() -> None:
    drifting = sentence(runs({(1, 1): 6.0, (1, 2): 4.0}, {1: 1.0, 2: 1.5, 3: 0.7}))
    assert "1 worker is 50 % slower" in drifting


def test_answers_are_given_for_each_cluster_by_name() -> None:
    there = runs({(1, 1): 8.0, (1, 2): 4.0}, cluster="kind", provider="kind")
    said = sentence(runs({(1, 1): 4.0, (1, 2): 8.0}) + there)
    assert "cluster=local: With ps=1, 1 worker does it" in said
    assert "cluster=kind: With ps=1, 2 workers do it" in said


def test_answers_of_variants_stand_side_by_side() -> None:
    """The gate compares them, with an interval that knows when it stopped."""
    said = sentence(runs({(1, 1): 4.0}, variant="before") + runs({(1, 1): 8.0}, variant="after"))
    assert "no other cell" not in said
    assert said == (
        "variant=after: With ps=1, 1 worker does it in 8.0 s (95 % CI 7.9-8.2)."
        " variant=before: With ps=1, 1 worker does it in 4.00 s (95 % CI 3.94-4.08)."
    )


def test_answer_ends_with_the_cause_of_the_fastest_and_its_remedy() -> None:
    used = [with_usage(one, busy=0.98, own=0.95) for one in runs({(1, 1): 4.0, (1, 2): 8.8})]
    assert sentence(used) == (
        "With ps=1, 1 worker does it in 4.00 s (95 % CI 3.94-4.08); 2 workers take 2.2 times as long (2.1-2.3). The two processors are"
        " full (98 %): more workers cannot help here, a bigger machine does."
    )


def test_answer_of_runs_without_counters_names_no_cause() -> None:
    records = runs({(1, 1): 4.0, (1, 2): 8.8})
    assert sentence(records).endswith("2 workers take 2.2 times as long (2.1-2.3).")


def test_answer_names_nodes_when_they_vary() -> None:
    said = sentence(runs({(1, 2): 8.0}, nodes=1) + runs({(1, 2): 4.0}, nodes=2))
    assert said.startswith("With nodes=2 ps=1, 2 workers do it in 4.00 s")
    assert "nodes=1 ps=1 workers=2 takes 2.00 times as long" in said


def test_answer_never_compares_runs_of_unlike_length() -> None:
    found = answer.answers(model.study_of(runs({(1, 1): 4.0}) + runs({(1, 1): 0.4}, train_steps=200), "x"))
    assert {given.group for given in found} == {"train_steps=2000", "train_steps=200"}
    assert all("no other cell" in given.sentence for given in found)


@pytest.mark.parametrize(
    ("counts", "expected"), [({"nodes": 3, "ps": 1, "workers": 4}, (3, 5, 4)), ({"ps": 2, "workers": 1}, (0, 3, 1))]
)
def test_replicas_counts_nodes_first(counts: dict[str, int], expected: tuple[int, ...]) -> None:
    assert answer.replicas(model.Cell("x", counts, "x", (), {})) == expected


def test_answer_of_the_realistic_study() -> None:
    given = answer.answers(model.study_of(ledgers.mnist(), "x"))[0]
    assert given.best is not None
    assert given.smallest is not None
    assert (given.best.label, given.smallest.label) == ("ps=2 workers=2", "ps=2 workers=2")
    assert len(given.comparison.slower) == 2


def test_answer_of_a_suspect_run_counts_it() -> None:
    records = runs({(1, 1): 4.0})
    records[0]["verdict"] = {"verdict": "suspect", "reasons": ["CPU steal"]}
    assert sentence(records).startswith("With ps=1, 1 worker does it in 4.00 s (95 % CI 3.94-4.08)")


def test_answer_leaves_void_runs_out() -> None:
    lucky = [void({**SPEC, "workers": 8}, block, "restarted", timings={"train_seconds": 0.1}) for block in (1, 2, 3)]
    assert "workers=8" not in sentence(runs({(1, 1): 4.0, (1, 2): 8.8}) + lucky)
    assert "8 workers" not in sentence(runs({(1, 1): 4.0, (1, 2): 8.8}) + lucky)


def test_answer_of_a_group_that_failed_stands_beside_the_others() -> None:
    broken = [void({**SPEC, "cluster": "gke", "provider": "gke"}, 1, "no quota")]
    said = sentence(runs({(1, 1): 4.0}) + broken)
    assert "cluster=gke: Cannot tell: the only run is void (the last: no quota)." in said
    assert "cluster=local: With ps=1, 1 worker does it" in said


@pytest.mark.parametrize("strategy", ["async_ps", "sync_ps"])
def test_answer_never_compares_strategies_whose_steps_differ(strategy: str) -> None:
    other = runs({(1, 2): 2.0}, strategy="sync_ps" if strategy == "async_ps" else "async_ps")
    found = answer.answers(model.study_of(runs({(1, 2): 4.0}, strategy=strategy) + other, "x"))
    assert {given.group for given in found} == {"strategy=async_ps", "strategy=sync_ps"}
    assert all(given.comparison.ratios == {} for given in found)


def test_answer_compares_resources_that_leave_the_work_alike() -> None:
    said = sentence(runs({(1, 2): 8.0}, threads=1) + runs({(1, 2): 4.0}, threads=2))
    assert said.startswith("With threads=2 ps=1, 2 workers do it in 4.00 s")
    assert "threads=1 ps=1 workers=2 takes 2.00 times as long" in said


def costs(types: dict[int, list[str]], prices: dict[str, float]) -> str:
    """One cell for each number of workers, on nodes of these types."""
    times = {1: 8.0, 2: 4.0}
    records = []
    for workers, kinds in types.items():
        nodes = {"nodes": [{"name": str(number), "machine_type": kind} for number, kind in enumerate(kinds)]}
        for block, noise in NOISE.items():
            timings = {"train_seconds": times[workers] * noise, "total_seconds": 2 * times[workers]}
            spec = {**SPEC, "workers": workers, "nodes": len(kinds)}
            records.append(record(spec, block, seconds=1.0, timings=timings, provenance=nodes))
    found = answer.answers(model.study_of(records, "x", prices=prices, currency="EUR"))
    return answer.sentence(found)


def test_sentence_tells_the_cost_of_the_fastest_and_what_costs_least() -> None:
    two_nodes = {1: ["a"], 2: ["a", "a", "a"]}
    assert costs(two_nodes, {"a": 0.9}).endswith(
        "; a run there costs 0.0060 EUR, and 0.0040 EUR with nodes=1 ps=1 workers=1, the least of all."
    )
    assert costs({1: ["a"], 2: ["a"]}, {"a": 0.9}).endswith("; a run there costs 0.0020 EUR, the least of all.")


def test_sentence_without_a_price_tells_no_cost() -> None:
    assert "cost" not in costs({1: ["a"], 2: ["a"]}, {})
    assert "cost" not in costs({1: ["a"], 2: ["b"]}, {"a": 0.9})
