# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer for programs: it keeps its schema, agrees with the report, and is the same every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import answer, document
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, space, void

SCHEMA = json.loads((Path(__file__).resolve().parents[5] / "docs/answer.schema.json").read_text())
NODE = {"name": "n", "machine_type": "e2"}
EVIL = "</script>\x1b[31m\u202e\ud800"


def document_of(records: list[dict[str, Any]], **given: Any) -> dict[str, Any]:
    study = model.study_of(records, "folder", **given)
    made = document.document_of(study, answer.answers(study))
    text = document.written(made)
    assert text.isascii()
    assert json.loads(text) == made
    jsonschema.Draft202012Validator(SCHEMA).validate(made)
    return made


def cells_of(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["label"]: cell for group in made["groups"] for cell in group["cells"]}


def all_void() -> list[dict[str, Any]]:
    return [void({**SPEC, "workers": workers}, block, "killed") for workers in (1, 2) for block in (1, 2)]


VARIANTS = [{**SPEC, "variant": name, "batch_size": size} for name, size in (("before", 20), ("after", 40))]
STUDIES: dict[str, list[dict[str, Any]]] = {
    "realistic": ledgers.mnist(),
    "nothing": [],
    "all void": all_void(),
    "one cell": ledgers.study([SPEC]),
    "one run": [record(SPEC, 1, seconds=4.0)],
    "two blocks": ledgers.study(space(workers=[1, 2]), blocks=2),
    "many blocks": ledgers.study(space(ps=[1, 2], workers=[1, 2, 4]), blocks=12),
    "variants": ledgers.study(VARIANTS),
    "to an accuracy": ledgers.to_accuracy(),
    "to an accuracy that nobody reaches": [
        ledgers.targeted({**SPEC, "workers": n}, block, seconds=4.0, steps=None)
        for n in (1, 2)
        for block in range(1, 5)
    ],
    "clusters": ledgers.study(space(cluster=["a", "b"], workers=[1, 2])),
    "a failed cell": [*ledgers.study([SPEC]), *all_void()[2:]],
    "equal times": [record({**SPEC, "workers": n}, block, seconds=4.0) for n in (1, 2) for block in range(1, 5)],
    "far apart": [
        record({**SPEC, "workers": n}, block, seconds=10.0 ** (280 * n - 420)) for n in (1, 2) for block in (1, 2, 3)
    ],
    "laws": ledgers.study(space(nodes=[8], ps=[1, 2], workers=[1, 2, 4, 8])),
    "laws refused": ledgers.study(space(workers=[1, 2, 4, 8])),
    "four sizes far apart": [
        record({**SPEC, "workers": n}, block, seconds=10.0 ** (50 * n - 120))
        for n in (1, 2, 3, 4)
        for block in (1, 2, 3)
    ],
    "four sizes of equal times": [
        record({**SPEC, "workers": n}, block, seconds=4.0) for n in (1, 2, 3, 4) for block in (1, 2, 3)
    ],
    "no figures": [{**record(SPEC, 1, seconds=4.0), "timings": {}, "provenance": {}}],
    "evil": [record({**SPEC, "cluster": EVIL}, block, seconds=4.0, study=EVIL) for block in (1, 2, 3)],
    "not a record": [{}, {"spec": 3}],
}


@pytest.mark.parametrize("name", STUDIES)
def test_document_of_every_kind_of_study_keeps_its_schema_and_is_the_same_every_time(name: str) -> None:
    made = document_of(STUDIES[name])
    assert document.written(made) == document.written(document_of(STUDIES[name]))
    recorded = {one["cell_id"] for one in STUDIES[name] if "cell_id" in one}
    assert recorded <= {cell["cell_id"] for cell in cells_of(made).values()}


def test_document_tells_the_time_to_accuracy_and_its_factors() -> None:
    found = cells_of(document_of(ledgers.to_accuracy()))
    two, eight = (found[f"ps=1 workers={n}"] for n in (2, 8))
    assert (two["verdict"], two["to_accuracy"]["ratio_at_least"]) == ("fastest", None)
    told = {key: two["to_accuracy"][key]["center"] for key in ("seconds", "steps", "seconds_per_step")}
    assert told["seconds"] == pytest.approx(told["steps"] * told["seconds_per_step"], rel=0.05)
    assert (eight["verdict"], eight["ratio_to_fastest"]) == ("not always reached", None)
    assert {key: eight["to_accuracy"][key] for key in ("target", "reached", "censored")} == {
        "target": 0.95, "reached": 3, "censored": 2
    }  # fmt: skip
    assert eight["to_accuracy"]["ratio_at_least"] > 1.2
    [other] = cells_of(document_of(ledgers.study([SPEC]))).values()
    assert other["to_accuracy"] is None


def test_document_agrees_with_the_answer() -> None:
    made = document_of(ledgers.mnist())
    [group] = made["groups"]
    assert made["answer"] == group["answer"]
    cells = cells_of(made)
    fastest = [cell for cell in cells.values() if cell["verdict"] == "fastest"]
    assert [cell["ratio_to_fastest"] for cell in fastest] == [None]
    for cell in cells.values():
        if cell["verdict"] == "slower":
            assert cell["ratio_to_fastest"]["low"] > 1.0
        if cell["verdict"] == "as fast":
            assert cell["ratio_to_fastest"]["high"] < 1.0 + made["design"]["margin"]
    assert cells[group["recommended"]["label"]]["cell_id"] == group["recommended"]["cell_id"]
    assert cells[group["recommended"]["label"]]["verdict"] in ("fastest", "as fast", "not significantly different")


def test_cells_that_are_equal_are_as_fast_and_the_smaller_is_recommended() -> None:
    made = document_of(STUDIES["equal times"])
    assert sorted(cell["verdict"] for cell in cells_of(made).values()) == ["as fast", "fastest"]
    assert made["groups"][0]["recommended"]["label"] == "ps=1 workers=1"


def test_cells_without_enough_runs_are_undecided_or_unmeasured() -> None:
    assert {cell["verdict"] for cell in cells_of(document_of(STUDIES["two blocks"])).values()} == {"undecided"}
    made = document_of(STUDIES["all void"])
    assert {cell["verdict"] for cell in cells_of(made).values()} == {"unmeasured"}
    assert (made["groups"][0]["recommended"], made["forecast"], made["runs"]["void"]) == (None, None, 4)
    assert "killed" in cells_of(made)["ps=1 workers=1"]["words"]


def test_each_cluster_has_its_own_answer() -> None:
    groups = document_of(STUDIES["clusters"])["groups"]
    assert [group["group"] for group in groups] == ["cluster=a", "cluster=b"]
    assert all(group["recommended"] for group in groups)


def test_forecast_is_that_of_another_block() -> None:
    records = [record({**SPEC, "workers": n}, block, seconds=4.0) for n in (1, 2) for block in range(1, 9)]
    seconds = [one["timings"]["total_seconds"] for one in records]
    made = document_of([{**one, "provenance": {}} for one in records])["forecast"]
    assert made["runs"] == 2
    assert made["seconds"]["low"] < 2 * sum(seconds) / len(seconds) < made["seconds"]["high"]
    assert made["price"] is None


def test_prices_come_with_their_currency() -> None:
    records = [{**record(SPEC, block, seconds=4.0), "provenance": {"nodes": [NODE]}} for block in (1, 2, 3)]
    made = document_of(records, prices={"e2": 3600.0}, currency="EUR")
    [cell] = cells_of(made).values()
    assert cell["price"] == {
        "amount": pytest.approx(records[0]["timings"]["total_seconds"], rel=1e-3),
        "currency": "EUR",
    }
    assert made["forecast"]["price"]["currency"] == "EUR"
    assert made["forecast"]["price"]["likely"] == pytest.approx(made["forecast"]["seconds"]["likely"], rel=1e-3)


@pytest.mark.parametrize(("seeds", "seed"), [((8, 9, 10), 7), ((8, 8, 8), None), ((None, None, None), None)])
def test_design_has_the_seed_of_the_study(seeds: tuple[int | None, ...], seed: int | None) -> None:
    records = [
        {**record(SPEC, block, seconds=4.0), "provenance": {"seed": given, "recorded_wall": 1790000000.0 + block}}
        for block, given in enumerate(seeds, 1)
    ]
    made = document_of(records, selected="[?block]")
    assert (made["design"]["seed"], made["design"]["selected"]) == (seed, "[?block]")
    assert made["provenance"]["recorded_wall"] == [1790000001.0, 1790000003.0]


@pytest.mark.parametrize(
    ("given", "margin"),
    [({"repeats": "auto", "margin": 0.3, "max_repeats": 20}, 0.3), ({"repeats": 4}, 0.05), (3, 0.05)],
)
def test_design_has_the_rules_and_the_margin_of_the_records(given: Any, margin: float) -> None:
    records = [{**one, "design": given} for one in ledgers.study(space(ps=[1, 2], workers=[2]), blocks=6)]
    made = document_of(records)
    assert made["design"]["margin"] == margin
    assert made["design"]["rules"] == (given if isinstance(given, dict) else None)
    # 3 % apart, with a spread of 2 %.
    assert ("as fast" in {cell["verdict"] for cell in cells_of(made).values()}) is (margin == 0.3)


def test_provenance_has_every_value_once() -> None:
    versions = ("2.20", "2.21", "2.20")
    records = [
        {**record(SPEC, block, seconds=4.0), "provenance": {"packages": {"tensorflow": version}}}
        for block, version in enumerate(versions, 1)
    ]
    found = document_of(records)["provenance"]
    assert [values for key, values in found.items() if "tensorflow" in key] == [["2.20", "2.21"]]


def test_cause_has_the_utilisation_of_each_station() -> None:
    found = {label: cell["cause"] for label, cell in cells_of(document_of(ledgers.mnist())).items()}
    study = model.study_of(ledgers.mnist(), "x")
    for cell in study.measured:
        cause = found[cell.label]
        assert cause["kind"] == cell.cause.kind
        told = {station["kind"]: station["utilisation"] for station in cause["stations"]}
        assert told == pytest.approx({one.kind: one.utilisation for one in cell.cause.stations}, rel=1e-4)
    assert any(cause and cause["stations"] for cause in found.values())


def test_cause_of_records_that_do_not_tell_is_null() -> None:
    assert {cell["cause"] for cell in cells_of(document_of(STUDIES["all void"])).values()} == {None}
