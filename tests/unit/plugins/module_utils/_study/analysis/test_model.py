# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger says, also one that says it badly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, space, void


def study(records: list[dict[str, Any]]) -> model.Study:
    return model.study_of(records, "folder")


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        (space(), ("ps", "workers")),
        (space(ps=[1, 2], workers=[1, 2]), ("ps", "workers")),
        (space(workers=[1, 2], nodes=[1, 3]), ("nodes", "ps", "workers")),
        (space(strategy=["sync_ps", "async_ps"], workers=[1, 2]), ("strategy", "ps", "workers")),
        (space(batch_size=[20, 100], preset=["fast", "thesis"]), ("preset", "batch_size", "ps", "workers")),
        (space(threads=[1, 2], nodes=[1, 2]), ("threads", "nodes", "ps", "workers")),
    ],
    ids=["nothing", "ps and workers", "nodes", "strategy", "two kinds of work", "one that is not known here"],
)
def test_factors_of_names_what_varies_in_order(specs: list[dict[str, Any]], expected: tuple[str, ...]) -> None:
    assert model.factors_of(specs) == expected


def test_factors_of_leaves_out_what_another_factor_decides() -> None:
    kind = {**SPEC, "cluster": "kind", "provider": "kind", "backend": "job"}
    assert model.factors_of([SPEC, kind]) == ("cluster", "ps", "workers")


@pytest.mark.parametrize("workers", [None, [], "two", {}, ...])
def test_cell_whose_first_record_lost_its_workers_is_known_by_a_measured_one(workers: Any) -> None:
    records = ledgers.study(space(workers=[1, 2]), blocks=3)
    damaged = records[0]
    lost = damaged["spec"]["workers"]
    damaged["spec"] = {key: value for key, value in damaged["spec"].items() if key != "workers"}
    if workers is not ...:
        damaged["spec"]["workers"] = workers
    found = study(records)
    assert {cell.spec["workers"]: len(cell.measured) for cell in found.cells} == {1: 3, 2: 3} | {lost: 2}
    assert all(found.scaling(cell) for cell in found.cells)


def variants(**change: Any) -> list[dict[str, Any]]:
    both = space(variant=["before", "after"], workers=[1, 2])
    return [{**spec, **(change if spec["variant"] == "after" else {})} for spec in both]


@pytest.mark.parametrize("change", [{}, {"batch_size": 40, "image": "trainer:2"}], ids=["equal", "different"])
def test_factors_of_variants_is_their_name(change: dict[str, Any]) -> None:
    assert model.factors_of(variants(**change)) == ("variant", "ps", "workers")


def test_study_of_variants_are_never_one_cell_nor_one_group() -> None:
    found = study(ledgers.study(variants(), blocks=3))
    assert len(found.cells) == 4
    assert [name for name, _cells in found.groups()] == ["variant=after", "variant=before"]
    for cell in found.cells:
        scaling = found.scaling(cell)
        assert scaling
        assert scaling.reference.spec["variant"] == cell.spec["variant"]


def test_factors_of_keeps_counts_that_happen_to_go_together() -> None:
    assert model.factors_of([{**SPEC, "ps": n, "workers": n, "nodes": n} for n in (1, 2)]) == ("nodes", "ps", "workers")


def test_factors_of_sees_a_key_that_some_cells_lack() -> None:
    assert model.factors_of([SPEC, {**SPEC, "command": "python own.py"}]) == ("command", "ps", "workers")


def test_study_of_records_of_two_versions_has_one_cell_with_text_for_its_resources() -> None:
    text, other = '{"limits": {"memory": "1Gi"}}', '{"limits": {"memory": "2Gi"}}'
    old = [record({**SPEC, "ps_resources": one}, 1, seconds=4.0) for one in (text, other)]
    new = {**record({**SPEC, "ps_resources": json.loads(text)}, 2, seconds=4.0), "cell_id": old[0]["cell_id"]}
    found = study([*old, {**new, "run_id": f"{old[0]['cell_id']}-2"}])
    assert [(cell.label, len(cell.runs)) for cell in found.cells] == [
        (f"ps_resources={text} ps=1 workers=1", 2),
        (f"ps_resources={other} ps=1 workers=1", 1),
    ]


def test_study_of_orders_cells_by_number_and_not_by_letter() -> None:
    cells = study(ledgers.study(space(workers=[10, 2, 1]), blocks=1)).cells
    assert [cell.label for cell in cells] == ["ps=1 workers=1", "ps=1 workers=2", "ps=1 workers=10"]


def test_study_of_sorts_cells_with_a_missing_factor_last() -> None:
    without = {key: value for key, value in SPEC.items() if key != "nodes"}
    cells = study([record(without, 1, seconds=4.0), record(SPEC, 1, seconds=4.0)]).cells
    assert [cell.spec.get("nodes") for cell in cells] == [1, None]


def test_study_of_takes_its_name_from_the_records() -> None:
    assert study([record(SPEC, 1, seconds=4.0)]).name == "mnist"


def test_study_of_a_record_that_lacks_everything_is_a_failed_cell() -> None:
    assert study([{}]).failed[0].label == "unknown"


def test_study_of_nothing_is_named_after_its_folder() -> None:
    nothing = study([])
    assert nothing.name == "folder"
    assert nothing.cells == ()
    assert nothing.fixed() == {}
    assert nothing.groups() == []


@pytest.mark.parametrize(("values", "expected"), [([], None), ([3.0], 3.0), ([1.0, 9.0, 2.0], 2.0), ([1.0, 2.0], 1.5)])
def test_middle(values: list[float], expected: float | None) -> None:
    assert model.middle(values) == expected


def test_cell_keeps_void_runs_apart() -> None:
    found = study(ledgers.mnist())
    cell = next(cell for cell in found.cells if cell.label == "ps=1 workers=4")
    assert len(cell.runs) == 5
    assert len(cell.measured) == 4
    assert sorted(cell.by_block()) == [1, 2, 3, 4]


def test_cell_by_block_takes_the_later_of_two_measured_runs() -> None:
    cell = study([record(SPEC, 1, seconds=4.0), record(SPEC, 1, seconds=5.0, attempt=2)]).cells[0]
    assert cell.by_block() == {1: 5.0}


@pytest.mark.parametrize(("key", "expected"), [("train_seconds", 5.0), ("accuracy", 0.9456), ("no_such_thing", None)])
def test_cell_center_is_the_median(key: str, expected: float | None) -> None:
    cell = study([record(SPEC, block, seconds=seconds) for block, seconds in enumerate((5.0, 4.0, 9.0), 1)]).cells[0]
    assert cell.center(key) == pytest.approx(expected, abs=3e-4)


def test_failed_cells_are_those_never_measured() -> None:
    found = study(ledgers.mnist())
    assert [cell.label for cell in found.failed] == ["ps=4 workers=4"]
    assert len(found.measured) == 5


def test_fixed_is_what_every_cell_shares() -> None:
    fixed = study(ledgers.study(space(workers=[1, 2]), blocks=1)).fixed()
    assert fixed == {key: value for key, value in SPEC.items() if key != "workers"}


@pytest.mark.parametrize(
    ("specs", "groups"),
    [
        (space(ps=[1, 2], workers=[1, 2]), {"": 4}),
        (space(train_steps=[200, 2000], workers=[1, 2]), {"train_steps=200": 2, "train_steps=2000": 2}),
        (space(cluster=["local", "kind"], nodes=[1, 2]), {"cluster=local": 2, "cluster=kind": 2}),
        (space(threads=[1, 2]), {"": 2}),
        (space(strategy=["async_ps", "tf2_ps"]), {"": 2}),
        (space(backend=["job", "jobset", "statefulset"]), {"": 3}),
        (
            space(strategy=["async_ps", "mirrored", "sync_ps", "tf2_ps"]),
            {"strategy=async_ps/tf2_ps": 2, "strategy=mirrored/sync_ps": 2},
        ),
    ],
    ids=[
        "counts",
        "work",
        "clusters",
        "resources",
        "one meaning of a step",
        "forms of the same pods",
        "two meanings of a step",
    ],
)
def test_groups_hold_only_cells_that_do_the_same_work(specs: list[dict[str, Any]], groups: dict[str, int]) -> None:
    found = study([record(spec, 1, seconds=4.0) for spec in specs]).groups()
    assert {name: len(cells) for name, cells in found} == groups


def scaling(times: dict[int, float], workers: int) -> model.Scaling | None:
    found = study([record({**SPEC, "workers": n}, block, seconds=s) for n, s in times.items() for block in (1, 2, 3)])
    return found.scaling(next(cell for cell in found.cells if cell.spec["workers"] == workers))


@pytest.mark.parametrize(
    ("times", "workers", "gain", "efficiency", "serial"),
    [
        ({1: 8.0, 2: 4.0}, 2, 2.0, 1.0, 0.0),
        ({1: 8.0, 4: 4.0}, 4, 2.0, 0.5, 1 / 3),
        ({2: 8.0, 4: 5.0, 8: 4.0}, 8, 2.0, 0.5, 1 / 3),
        ({1: 4.0, 2: 8.0}, 2, 0.5, 0.25, 3.0),
        ({1: 4.0, 2: 8.0}, 1, 1.0, 1.0, None),
    ],
)
def test_scaling_against_the_fewest_workers(
    times: dict[int, float], workers: int, gain: float, efficiency: float, serial: float | None
) -> None:
    found = scaling(times, workers)
    assert found is not None
    assert found.gain == pytest.approx(gain)
    assert found.efficiency == pytest.approx(efficiency)
    assert found.serial == (None if serial is None else pytest.approx(serial, abs=1e-12))
    assert found.bounds == pytest.approx((efficiency, efficiency))


def test_scaling_needs_two_numbers_of_workers() -> None:
    assert scaling({2: 4.0}, 2) is None


def test_scaling_has_no_bounds_with_too_few_runs() -> None:
    found = study([record({**SPEC, "workers": n}, 1, seconds=4.0) for n in (1, 2)])
    few = found.scaling(found.cells[1])
    assert few is not None
    assert few.bounds is None


def test_scaling_of_a_cell_that_failed_is_none() -> None:
    found = study([record(SPEC, 1, seconds=4.0), void({**SPEC, "workers": 2}, 1, "killed")])
    assert found.scaling(found.cells[1]) is None


def test_scaling_compares_only_cells_alike_in_everything_else() -> None:
    found = study(ledgers.study(space(ps=[1], workers=[1, 2]) + space(ps=[2], workers=[2, 4]), blocks=3))
    references = {cell.label: found.scaling(cell) for cell in found.cells}
    assert {name: s.reference.label for name, s in references.items() if s} == {
        "ps=1 workers=1": "ps=1 workers=1",
        "ps=1 workers=2": "ps=1 workers=1",
        "ps=2 workers=2": "ps=2 workers=2",
        "ps=2 workers=4": "ps=2 workers=2",
    }


def priced(types: list[str | None], prices: dict[str, float], **changes: Any) -> float | None:
    nodes = [{"name": str(number), "machine_type": kind} for number, kind in enumerate(types)]
    timings = {"train_seconds": 90.0, "total_seconds": 120.0}
    records = [record(SPEC, 1, seconds=4.0, **{"timings": timings, "provenance": {"nodes": nodes}, **changes})]
    return model.study_of(records, "x", prices=prices, currency="USD").cells[0].cost


@pytest.mark.parametrize(
    ("types", "prices", "cost"),
    [
        (["a", "a", "b"], {"a": 0.3, "b": 0.6}, (0.3 + 0.3 + 0.6) / 30),
        (["a", None], {"a": 0.3, "*": 0.9}, 1.2 / 30),
        (["a", "c"], {"a": 0.3}, None),
        ([], {"a": 0.3}, None),
        (["a"], {}, None),
        (["a"], {"a": 0}, 0.0),
    ],
)
def test_cost_of_a_run_is_that_of_its_nodes_for_all_its_time(
    types: list[str | None], prices: dict[str, float], cost: float | None
) -> None:
    assert priced(types, prices) == (None if cost is None else pytest.approx(cost))


def test_cost_of_a_run_without_a_time_is_not_known() -> None:
    assert priced(["a"], {"a": 1.0}, timings={"train_seconds": 90.0}) is None
    assert priced(["a"], {"a": 1.0}, provenance={}) is None


def test_cause_of_many_runs_is_that_of_some_of_them_from_first_to_last() -> None:
    """The processors are full in the first half of the runs and in a few more: half of some would not tell by their order."""
    busy = [0.95 if block <= 600 else 0.4 for block in range(1, 1001)]
    made = [
        ledgers.with_usage(record({**SPEC, "workers": 2}, block, seconds=4.0), busy=used)
        for block, used in enumerate(busy, start=1)
    ]
    [cell] = model.study_of(made, "x").cells
    assert (len(cell.measured), cell.cause.kind) == (1000, "processors")
    [few] = model.study_of(made[600:800], "x").cells
    assert few.cause.kind != "processors"
