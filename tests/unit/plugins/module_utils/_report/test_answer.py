# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer: the decision first, then its reasons, in both languages."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import answer
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.decision import Goal

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


def sentence(records: list[dict[str, Any]], code: str = "en") -> str:
    say = Catalogue(code)
    return answer.sentence(answer.answers(model.study_of(records, "x"), say=say), say)


def test_answer_takes_a_cell_and_says_why() -> None:
    records = [
        with_usage(one, busy=0.98, own=0.95) for one in runs({(2, 2): 4.0, (2, 4): 4.06, (2, 1): 5.24, (1, 1): 9.0})
    ]
    assert sentence(records) == (
        "Take 2 workers and 2 ps: 4.00 s (3.94-4.08). 4 workers are not significantly faster (0.97-1.06 times as long). "
        "1 worker is 31 % slower (27-35 %). 1 worker and 1 ps take 2.25 times as long (2.17-2.31). "
        "The two processors are full (98 %). A bigger machine helps, more workers do not."
    )
    assert sentence(records, "pl") == (
        "Wybierz konfigurację z 2 workerami i 2 ps: 4,00 s (3,94–4,08). Konfiguracja z 4 workerami nie jest istotnie szybsza "
        "(0,97–1,06 czasu najszybszej). Konfiguracja z 1 workerem jest wolniejsza o 31% (27–35%). Konfiguracja z 1 workerem i 1 ps "
        "potrzebuje 2,25 raza tyle czasu (2,17–2,31). W pełni obciążone są 2 procesory (98%). Pomoże większa maszyna, a nie więcej "
        "workerów."
    )


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("en", ["Take 2 processes: ", "1 process is 31 % slower", "A bigger machine helps, more processes do not."]),
        ("pl", ["z 2 procesami: ", "z 1 procesem jest wolniejsza o 31%", "a nie więcej procesów."]),
    ],
)
def test_answer_speaks_of_processes_where_a_framework_has_no_ps(code: str, facts: list[str]) -> None:
    made = runs({(0, 2): 4.0, (0, 1): 5.24}, framework="jax", command="train")
    told = sentence([with_usage(one, busy=0.98, own=0.95) for one in made], code)
    assert [fact for fact in facts if fact not in told] == []
    assert "worker" not in told


def test_answer_counts_what_it_does_not_name() -> None:
    times = {(1, 1): 4.0} | {(1, n): 4.0 * n for n in (2, 3, 4, 5, 6)}
    assert sentence(runs(times)).endswith("2 more cells take 5.0-6.0 times as long.")
    assert "5 workers take 5.0 times" in sentence(runs({cell: of for cell, of in times.items() if cell != (1, 6)}))
    as_fast = sentence(runs({(2, 6): 4.0} | {(2, n): 4.01 for n in range(1, 6)}, wobbles=0.002))
    assert as_fast.startswith("Take 1 worker and 2 ps: ")
    assert "smaller than the fastest, 6 workers" in as_fast
    assert "4 other cells are as fast within 5 %" in as_fast


@pytest.mark.parametrize(
    ("young", "clause"),
    [
        ([(2, 4)], "4 workers and 2 ps have too few valid runs to tell"),
        ([(1, 4), (2, 4)], "ps=1 workers=4 and ps=2 workers=4 have too few valid runs to tell"),
        ([(3, n) for n in (1, 2, 3, 4)], "4 other cells have too few valid runs to tell"),
    ],
)
def test_answer_says_which_cells_are_too_young(young: list[tuple[int, int]], clause: str) -> None:
    said = sentence(runs({(1, 1): 4.0}) + runs(dict.fromkeys(young, 2.0), {1: 1.0}))
    assert said.startswith("Take 1 worker and 1 ps: 4.00 s")
    assert clause in said


@pytest.mark.parametrize(
    ("records", "facts"),
    [
        ([], ["no run has been recorded"]),
        ([void(SPEC, 1, "ps 0 was killed")], ["the only run is void", "ps 0 was killed"]),
        ([void(SPEC, 1, "a"), void(SPEC, 2, "b")], ["all 2 runs are void", "the last: b"]),
        (
            runs({(1, 1): 4.0, (1, 2): 3.0}, {1: 1.0, 2: 1.1}),
            ["no cell has 3 valid runs", "3.13 s", "2 workers", "(2 runs)"],
        ),
        (runs({(1, 1): 4.0}, {1: 1.0}), ["no cell has 3 valid runs", "1 worker and 1 ps (1 run)"]),
    ],
    ids=["nothing", "one void", "all void", "two runs", "one run"],
)
def test_answer_may_be_that_nobody_can_tell(records: list[dict[str, Any]], facts: list[str]) -> None:
    said = sentence(records)
    assert said.startswith("Cannot tell")
    assert [fact for fact in facts if fact not in said] == []
    assert sentence(records, "pl")[:4] in ("Nie ", "Jesz")


@pytest.mark.parametrize("code", ["en", "pl"])
@pytest.mark.parametrize(
    "goal",
    [
        Goal(kind="cost"),
        Goal(kind="knee"),
        Goal(max_seconds=5.0),
        Goal(max_seconds=1.0),
        Goal(max_cost=0.005),
        Goal(max_cost=0.00001),
        Goal(max_cost=0.01, max_seconds=9.0),
        Goal(max_cost=0.00001, max_seconds=9.0),
        Goal(kind="cost", max_seconds=9.0),
        Goal(kind="cost", max_cost=0.01, max_seconds=9.0),
        Goal(kind="cost", max_cost=0.01),
    ],
    ids=str,
)
def test_every_goal_has_its_sentences(goal: Goal, code: str) -> None:
    records = priced({1: ["a"], 2: ["a", "a", "a"]})
    study = model.study_of(records, "x", prices={"a": 0.9}, currency="EUR")
    [given] = answer.answers(study, goal, Catalogue(code))
    assert (given.taken is None) == given.why.startswith(("No cell", "Żadna"))
    numbers = [of for of in (goal.max_seconds, goal.max_cost) if of]
    written = [Catalogue(code).count(of) for of in numbers if of >= 0.001]
    assert [of for of in written if of.rstrip("0") not in given.sentence] == []


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        (
            "en",
            [
                "Take 2 workers and 1 ps: 2.60 s (2.56-2.64) to the accuracy 0.95. It takes 1,590 steps of 1.63 ms each.",
                "1 worker is 54 % slower",
                "8 workers did not reach 0.95 within 2000 steps in 4 of 8 runs, and took at least 1.38 times as long in the others.",
            ],
        ),
        (
            "pl",
            ["do dokładności 0,95", "nie osiągnęła 0,95 w 2000 krokach w 4 z 8 przebiegów", "co najmniej 1,38 raza"],
        ),
    ],
)
def test_answer_to_an_accuracy_tells_factors_and_who_missed_it(code: str, facts: list[str]) -> None:
    said = sentence(ledgers.to_accuracy(8), code)
    assert [fact for fact in facts if fact not in said] == []


def test_answer_about_a_target_that_no_cell_always_reaches_says_so() -> None:
    records = [
        ledgers.targeted({**SPEC, "workers": n}, block, seconds=4.0, steps=None)
        for n in range(1, 7)
        for block in (1, 2, 3)
    ]
    said = sentence(records)
    assert said.startswith("Cannot tell: no cell reached the target accuracy in every run.")
    assert "training_steps" in said
    assert said.count("did not reach 0.95 within 2000 steps in 3 of 3 runs") == 3
    assert "3 more cells did not reach it in every run" in said


def test_answer_does_not_depend_on_the_drift_of_the_machine() -> None:
    drifting = sentence(runs({(1, 1): 6.0, (1, 2): 4.0}, {1: 1.0, 2: 1.5, 3: 0.7}))
    assert "1 worker is 50 % slower" in drifting


def test_answers_are_given_for_each_cluster_by_name() -> None:
    there = runs({(1, 1): 8.0, (1, 2): 4.0}, cluster="kind", provider="kind")
    said = sentence(runs({(1, 1): 4.0, (1, 2): 8.0}) + there)
    assert "cluster=local: Take 1 worker and 1 ps:" in said
    assert "cluster=kind: Take 2 workers and 1 ps:" in said


def test_answers_of_variants_stand_side_by_side() -> None:
    """The gate compares them, with an interval that knows when it stopped."""
    said = sentence(runs({(1, 1): 4.0}, variant="before") + runs({(1, 1): 8.0}, variant="after"))
    assert "no other cell" not in said
    assert said == (
        "variant=after: Take 1 worker and 1 ps: 8.0 s (7.9-8.2). variant=before: Take 1 worker and 1 ps: 4.00 s (3.94-4.08)."
    )


def test_answer_of_runs_without_counters_names_no_cause() -> None:
    records = runs({(1, 1): 4.0, (1, 2): 8.8})
    assert sentence(records).endswith("2 workers take 2.2 times as long (2.1-2.3).")


def test_answer_names_nodes_when_they_vary() -> None:
    said = sentence(runs({(1, 2): 8.0}, nodes=1) + runs({(1, 2): 4.0}, nodes=2))
    assert said.startswith("Take 2 workers, 1 ps and 2 nodes: 4.00 s")
    assert "2 workers, 1 ps and 1 node take 2.00 times as long" in said


def test_answer_never_compares_runs_of_unlike_length() -> None:
    found = answer.answers(model.study_of(runs({(1, 1): 4.0}) + runs({(1, 1): 0.4}, train_steps=200), "x"))
    assert {given.group for given in found} == {"train_steps=2000", "train_steps=200"}
    assert all("no other cell" in given.sentence for given in found)


def test_answer_of_the_realistic_study() -> None:
    given = answer.answers(model.study_of(ledgers.mnist(), "x"))[0]
    assert given.best is not None
    assert given.taken is not None
    assert (given.best.label, given.taken.label) == ("ps=2 workers=2", "ps=2 workers=2")
    assert len(given.comparison.slower) == 2


def test_answer_of_a_suspect_run_counts_it() -> None:
    records = runs({(1, 1): 4.0})
    records[0]["verdict"] = {"verdict": "suspect", "reasons": ["CPU steal"]}
    assert sentence(records).startswith("Take 1 worker and 1 ps: 4.00 s (3.94-4.08)")


def test_answer_leaves_void_runs_out() -> None:
    lucky = [void({**SPEC, "workers": 8}, block, "restarted", timings={"train_seconds": 0.1}) for block in (1, 2, 3)]
    assert "workers=8" not in sentence(runs({(1, 1): 4.0, (1, 2): 8.8}) + lucky)
    assert "8 workers" not in sentence(runs({(1, 1): 4.0, (1, 2): 8.8}) + lucky)


def test_answer_of_a_group_that_failed_stands_beside_the_others() -> None:
    broken = [void({**SPEC, "cluster": "gke", "provider": "gke"}, 1, "no quota")]
    said = sentence(runs({(1, 1): 4.0}) + broken)
    assert "cluster=gke: Cannot tell: the only run is void (the last: no quota)." in said
    assert "cluster=local: Take 1 worker and 1 ps:" in said


@pytest.mark.parametrize("strategy", ["async_ps", "sync_ps"])
def test_answer_never_compares_strategies_whose_steps_differ(strategy: str) -> None:
    other = runs({(1, 2): 2.0}, strategy="sync_ps" if strategy == "async_ps" else "async_ps")
    found = answer.answers(model.study_of(runs({(1, 2): 4.0}, strategy=strategy) + other, "x"))
    assert {given.group for given in found} == {"strategy=async_ps", "strategy=sync_ps"}
    assert all(given.comparison.ratios == {} for given in found)


def test_answer_compares_resources_that_leave_the_work_alike() -> None:
    said = sentence(runs({(1, 2): 8.0}, threads=1) + runs({(1, 2): 4.0}, threads=2))
    assert said.startswith("Take threads=2 ps=1 workers=2: 4.00 s")
    assert "threads=1 ps=1 workers=2 takes 2.00 times as long" in said


def priced(types: dict[int, list[str]]) -> list[dict[str, Any]]:
    """One cell for each number of workers, on nodes of these types."""
    times = {1: 8.0, 2: 4.0}
    records = []
    for workers, kinds in types.items():
        nodes = {"nodes": [{"name": str(number), "machine_type": kind} for number, kind in enumerate(kinds)]}
        for block, noise in NOISE.items():
            timings = {"train_seconds": times[workers] * noise, "total_seconds": 2 * times[workers]}
            spec = {**SPEC, "workers": workers, "nodes": len(kinds)}
            records.append(record(spec, block, seconds=1.0, timings=timings, provenance=nodes))
    return records


def costs(types: dict[int, list[str]], prices: dict[str, float]) -> str:
    return answer.sentence(answer.answers(model.study_of(priced(types), "x", prices=prices, currency="EUR")))


def test_sentence_tells_the_cost_of_the_taken_cell_and_of_the_cheapest() -> None:
    two_nodes = costs({1: ["a"], 2: ["a", "a", "a"]}, {"a": 0.9})
    assert "s (3.9-4.2), 0.0060 EUR a run. " in two_nodes
    assert two_nodes.endswith("The cheapest, 1 worker, 1 ps and 1 node, costs 0.0040 EUR a run.")
    assert costs({1: ["a"], 2: ["a"]}, {"a": 0.9}).endswith("It is the cheapest cell.")


def test_sentence_without_a_price_tells_no_cost() -> None:
    for types, prices in (({1: ["a"], 2: ["a"]}, {}), ({1: ["a"], 2: ["b"]}, {"a": 0.9})):
        assert "EUR" not in costs(types, prices)
