# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the ledger of a search to the plan for a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._steps import (
    autosize_plan_info,
    study_compare_info,
    study_report,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import laws, model

from tests.fixtures import ledgers
from tests.fixtures.node_objects import node, pod
from tests.fixtures.objects import Store
from tests.fixtures.planted import FIXED, Planted
from tests.fixtures.searches import DEFAULTS, planted, result, usl

SCHEMA = json.loads((Path(__file__).parents[5] / "docs/autosize.schema.json").read_text())


def checked(study: Planted, **params: Any) -> dict[str, Any]:
    document: dict[str, Any] = result(study, **params)["document"]
    jsonschema.validate(json.loads(json.dumps(document)), SCHEMA)
    return document


def test_execute_names_the_size_and_all_that_a_person_reviews(tmp_path: Path) -> None:
    study, said = planted(tmp_path), list[str]()
    study.sweep()
    before = study.folder.joinpath("ledger.jsonl").read_bytes()
    told = result(study, said)
    document = checked(study)
    assert (told["changed"], told["complete"], said) == (False, True, [told["msg"]])
    assert document == told["document"]
    assert told["size"] == {"nodes": 1, "ps": 1, "workers": 6}
    assert document["train_seconds"]["low"] < 1 / 6 + 0.18 < document["train_seconds"]["high"]
    assert (document["stop"]["code"], document["kept"], document["undecided"]) == ("gain", "", [])
    assert document["next"]["size"]["workers"] == 8
    assert document["next"]["gain"]["high"] < 0.05
    assert [one["size"]["workers"] for one in document["tried"]][:4] == [1, 2, 4, 8]
    assert {one["size"]["workers"]: one["verdict"] for one in document["tried"]}[6] == "taken"
    assert told["msg"].startswith("Take 6 workers and 1 ps: ")
    assert "The search ended because more workers gain too little." in told["msg"]
    assert [path.name for path in study.folder.iterdir()] == ["ledger.jsonl"]
    assert study.folder.joinpath("ledger.jsonl").read_bytes() == before


def test_markdown_has_the_sizes_in_the_order_tried(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.sweep()
    page = result(study)["markdown"]
    assert page.startswith("# Size of mnist\n")
    order = [line.split("workers=")[1].split()[0] for line in page.splitlines() if line.startswith("| ps=")]
    assert order[:4] == ["1", "2", "4", "8"]
    assert "## Not tried" in page


def test_search_that_goes_on_has_a_preliminary_plan(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.sweep(most=7)
    told = result(study)
    assert (told["complete"], checked(study)["stop"]["code"]) == (False, "open")


def test_speed_that_falls_from_the_start_stays_at_one_worker(tmp_path: Path) -> None:
    study = planted(tmp_path, lambda spec: 1.0 + 0.5 * spec["workers"], goal="knee")
    study.sweep()
    document = checked(study)
    assert (document["size"]["workers"], document["stop"]["code"]) == (1, "gain")
    assert document["next"]["gain"]["high"] < 0
    [left] = document["not_tried"]
    assert (left["axis"], left["least"], left["most"], left["why"]) == ("workers", 3, 8, "gain")


def test_first_size_that_fails_gives_no_size(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.bad = lambda run: run["spec"]["workers"] == 1
    study.sweep()
    document = checked(study)
    assert (document["size"], document["stop"]["code"]) == (None, "first_fails")
    assert document["tried"][0]["reason"] == "worker 0 exited with code 1"
    assert document["sentence"] == "No size can be named: the first size fails."


def test_noise_that_hides_all_within_the_budget_gives_the_smallest_of_the_undecided(tmp_path: Path) -> None:
    study = planted(tmp_path, lambda _spec: 4.0)
    study.spread = 0.6
    study.params["budget_minutes"] = 1.5
    study.sweep()
    document = checked(study)
    assert document["stop"]["code"] == "budget"
    assert document["size"]["workers"] == min(size["workers"] for size in document["undecided"]) == 1
    assert "It is not decided which of" in document["sentence"]
    assert any(left["why"] == "budget" for left in document["not_tried"])


@pytest.mark.parametrize(
    ("memory", "taken", "kept"), [(100, 6, ""), (5, 4, "no_room"), (2, 1, "no_room"), (1, None, "no_room")]
)
def test_size_that_finds_no_room_now_is_not_named(tmp_path: Path, memory: int, taken: int | None, kept: str) -> None:
    study = planted(tmp_path)
    study.params["replica_memory_bytes"] = 1
    study.sweep()
    given = {**DEFAULTS, "study": "mnist", "study_dir": str(study.folder), "spec": FIXED, **study.params}
    told = autosize_plan_info.execute(given, Context(check_mode=False), memory=lambda: memory)
    document = told["document"]
    assert (document["size"] and document["size"]["workers"], document["kept"]) == (taken, kept)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    there = Store()
    there.objects["/api/v1/nodes/n1"] = node("n1")
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: there)
    return there


NODES = [{"name": "n1", "machine_type": "a"}]


@pytest.mark.parametrize(("limit", "taken", "kept"), [("", 6, ""), (100.0, 6, ""), (0.0001, None, "too_dear")])
def test_price_is_a_constraint(store: Store, tmp_path: Path, limit: Any, taken: int | None, kept: str) -> None:
    study = planted(tmp_path)
    assert store.objects
    study.params |= {"prices": {"a": 3.6}, "spec": {**FIXED, "backend": "job", "provider": "existing", "image": "x:1"}}
    study.nodes = NODES
    study.sweep()
    document = checked(study, max_cost=limit)
    assert (document["size"] and document["size"]["workers"], document["kept"]) == (taken, kept)
    assert all(one["price"]["currency"] == "USD" for one in document["tried"])


def test_deadline_that_no_size_keeps_is_said(tmp_path: Path) -> None:
    study = planted(tmp_path, goal="deadline", deadline_seconds=0.2)
    study.sweep()
    document = checked(study)
    assert (document["kept"], document["stop"]["code"]) == ("late", "gain")
    assert "No size is certain to keep autosize_deadline_seconds." in document["sentence"]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"max_cost": "much"}, ["autosize_max_cost is 'much'"]),
        ({"search": {"goal": "best"}}, ["autosize_goal is 'best'", "knee"]),
    ],
)
def test_bad_input_gets_a_sentence(tmp_path: Path, params: dict[str, Any], named: list[str]) -> None:
    study = planted(tmp_path)
    study.sweep(most=2)
    with pytest.raises(StepError) as caught:
        result(study, **params)
    assert [word for word in named if word not in str(caught.value)] == []


# --- the study of a search is an ordinary one -------------------------------------------------------------------------


def report_of(study: Planted, **more: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in study_report.ARGUMENT_SPEC.items()}
    return study_report.execute({**defaults, "study_dir": str(study.folder), **more}, Context(check_mode=False))


def test_report_reads_the_ledger_of_a_search(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.sweep()
    told = report_of(study)
    assert told["answer"].startswith("Take 6 workers")
    assert told["document"]["design"]["rules"]["repeats"] == "autosize"
    assert "a search for a size (autosize)" in told["markdown"]
    assert any(path.endswith("search-path.svg") for path in told["paths"]["figures"])


def with_plan(study: Planted, verdicts: Mapping[int, str]) -> dict[str, Any]:
    """The study's report beside a plan with these verdicts by the number of workers."""
    document = result(study)["document"]
    for one in document["tried"]:
        one["verdict"] = verdicts.get(one["size"]["workers"], "certainly worse")
    (study.folder / "autosize.json").write_text(json.dumps(document))
    [group] = report_of(study)["document"]["groups"]
    return dict(group)


def test_report_takes_the_size_of_the_plan(tmp_path: Path) -> None:
    """Two pages of one search must not name two sizes."""
    study = planted(tmp_path)
    study.sweep()
    group = with_plan(study, {8: "taken"})
    assert group["answer"].startswith("Take 8 workers")
    assert "the size for the goal time (autosize)" in group["answer"]
    assert [one["code"] for one in group["reasons"]] == ["searched"]
    key_figures = (study.folder / "report.md").read_text().partition("\n## ")[0]
    assert "| recommended | " in key_figures
    assert "| fastest | " not in key_figures


def test_report_says_which_sizes_may_be_better_than_that_of_the_plan(tmp_path: Path) -> None:
    study = planted(tmp_path)
    study.sweep()
    group = with_plan(study, {4: "undecided", 6: "taken", 8: "undecided"})
    assert "not decided whether 4 workers and 8 workers are better" in group["answer"]
    assert [one["code"] for one in group["reasons"]] == ["searched", "maybe_better", "more_blocks"]
    assert report_of(study, language="pl")["answer"].startswith("Wybierz konfigurację z 6 workerami")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "tfscale.study autosize"}', '{"tried": 1}'])
def test_report_without_a_plan_of_ours_decides_by_itself(tmp_path: Path, text: str) -> None:
    study = planted(tmp_path)
    study.sweep()
    (study.folder / "autosize.json").write_text(text)
    assert report_of(study)["answer"].startswith("Take 6 workers")


def test_report_names_the_variable_that_gives_a_search_more_blocks(tmp_path: Path) -> None:
    study = planted(tmp_path, lambda spec: 4.0 + 0.02 * spec["workers"])
    study.spread = 0.2
    study.sweep()
    told = report_of(study)
    assert "autosize_max_repeats" in told["answer"]
    assert "sweep_max_repeats" not in told["answer"]


def test_laws_of_a_search_may_speak(tmp_path: Path) -> None:
    """Every size has three runs or more, as laws need."""
    study = planted(tmp_path)
    study.sweep()
    records = [json.loads(line) for line in study.folder.joinpath("ledger.jsonl").read_text().splitlines()]
    [curve] = laws.curves_of(model.study_of(records, "x").measured, resamples=500)
    assert curve.refusal is None
    band = curve.band(10)
    assert band
    assert band.low < 0.1 + 0.3 < band.high


def test_compare_reads_the_ledger_of_a_search(tmp_path: Path) -> None:
    study, other = planted(tmp_path / "one"), planted(tmp_path / "other", lambda spec: 2.0 * usl(spec))
    study.sweep()
    other.sweep()
    defaults = {name: option.get("default") for name, option in study_compare_info.ARGUMENT_SPEC.items()}
    given = {**defaults, "study_dir": str(study.folder), "baseline": [str(other.folder / "ledger.jsonl")]}
    assert study_compare_info.execute(given, Context(check_mode=False))["verdict"] == "faster"


# --- in a cluster -----------------------------------------------------------------------------------------------------

PODS = {**FIXED, "backend": "job", "provider": "existing", "image": "x:1", "command": "train"}


def in_pods(folder: Path, method: str = "label", **search: Any) -> Planted:
    """Nodes of two processors, each for a worker."""
    study = planted(folder, lambda spec: 8.0 / spec["workers"], ps=0, **{"max_workers": "fit", **search})
    placement = {"resources": {"worker": {"cpu": 1}}, "nodes_method": method}
    study.params |= {"spec": PODS, "placement": placement}
    return study


def test_search_ends_where_no_more_workers_find_room(store: Store, tmp_path: Path) -> None:
    store.objects["/api/v1/nodes/n2"] = node("n2")
    study = in_pods(tmp_path, max_nodes=2)
    study.sweep()
    document = checked(study)
    assert document["size"] == {"nodes": 2, "ps": 0, "workers": 4}
    assert {(one["size"]["nodes"], one["size"]["workers"]) for one in document["tried"]} >= {(1, 1), (1, 2), (2, 4)}


def test_number_beyond_the_capacity_ends_the_search_at_the_capacity(store: Store, tmp_path: Path) -> None:
    assert store.objects
    study = in_pods(tmp_path, max_workers=50)
    study.sweep()
    document = checked(study)
    assert (document["size"]["workers"], document["stop"]["code"]) == (2, "capacity")
    assert document["stop"]["words"] == "no more workers than 2 find room"
    [left] = [one for one in document["not_tried"] if one["least"] == 3]
    assert (left["most"], left["why"], left["words"]) == (50, "capacity", "they find no room")


def test_size_that_has_lost_its_room_gives_way_to_one_that_fits(store: Store, tmp_path: Path) -> None:
    study = in_pods(tmp_path)
    study.sweep()
    assert checked(study)["size"]["workers"] == 2
    store.objects["/api/v1/namespaces/kube-system/pods/p"] = pod("p", "n1", cpu="1")
    document = checked(study)
    # The search itself goes on as it began.
    assert (document["size"]["workers"], document["kept"], document["stop"]["code"]) == (1, "no_room", "max")
    assert "The best size does not fit now." in document["sentence"]


def test_cluster_that_can_grow_is_no_limit_for_the_plan(store: Store, tmp_path: Path) -> None:
    study = in_pods(tmp_path, "resize", max_nodes=2)
    study.params["spec"] = {**PODS, "provider": "gke"}
    study.sweep()
    store.objects["/api/v1/namespaces/kube-system/pods/p"] = pod("p", "n1", cpu="2")
    document = checked(study)
    assert (document["size"], document["kept"]) == ({"nodes": 2, "ps": 0, "workers": 4}, "")


def test_nothing_that_fits_gets_a_sentence(store: Store, tmp_path: Path) -> None:
    assert store.objects
    study = in_pods(tmp_path)
    study.params["placement"] = {"resources": {"worker": {"cpu": 64}}}
    with pytest.raises(StepError) as caught:
        study.plan()
    assert "autosize_max_workers asks for fit, but no worker fits with nodes=1 ps=0" in str(caught.value)
    assert not study.folder.exists()


# --- time to accuracy -------------------------------------------------------------------------------------------------


def to_accuracy(folder: Path, reaches: Callable[[int], bool]) -> Planted:
    """Seconds to accuracy, which runs of some sizes do not reach within their steps."""
    study = planted(folder, lambda spec: 8.0 / spec["workers"])
    study.params["spec"] = {**FIXED, "target_accuracy": 0.95, "eval_every": 100}
    runs = study.folder / "ledger.jsonl"

    def record(run: Mapping[str, Any]) -> None:
        workers = run["spec"]["workers"]
        steps = 1200 if reaches(workers) else None
        seconds = 8.0 / workers * (1 + 0.01 * ((run["block"] + workers) % 3))
        one = ledgers.targeted(dict(run["spec"]), run["block"], seconds=seconds, steps=steps)
        study.folder.mkdir(parents=True, exist_ok=True)
        with runs.open("a") as ledger:
            ledger.write(json.dumps({**one, "run_id": run["run_id"], "cell_id": run["cell_id"]}) + "\n")

    study.record = record  # type: ignore[method-assign]
    return study


def test_search_compares_the_time_to_accuracy(tmp_path: Path) -> None:
    study = to_accuracy(tmp_path, lambda _workers: True)
    study.sweep()
    document = checked(study)
    assert (document["size"]["workers"], document["stop"]["code"]) == (8, "max")
    assert document["train_seconds"]["center"] == pytest.approx(1.0, rel=0.05)


def test_size_that_does_not_reach_the_accuracy_is_never_taken(tmp_path: Path) -> None:
    """More asynchronous workers make steps staler."""
    study = to_accuracy(tmp_path, lambda workers: workers <= 4)
    study.sweep()
    document = checked(study)
    assert (document["size"]["workers"], document["stop"]["code"]) == (4, "fails")
    assert {one["size"]["workers"]: one["verdict"] for one in document["tried"]}[8] == "failed"
