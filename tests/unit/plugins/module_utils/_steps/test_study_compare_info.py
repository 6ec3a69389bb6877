# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From two ledgers to verdicts and sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_compare_info

from tests.fixtures import ledgers
from tests.fixtures.compared_studies import records


def execute(folder: Path, baseline: Any, said: list[str] | None = None, **more: Any) -> dict[str, Any]:
    usual = {name: option.get("default") for name, option in study_compare_info.ARGUMENT_SPEC.items()}
    say = [] if said is None else said
    return study_compare_info.execute(
        {**usual, "study_dir": str(folder), "baseline": baseline, **more}, Context(say=say.append)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, seconds in (("mine", [4.4, 3.0]), ("release", [4.0, 3.0]), ("other", [4.4, 3.0])):
        ledgers.write(tmp_path / name, [{**one, "study": name} for one in records(seconds, spread=0.01)])
    return tmp_path / "mine"


@pytest.mark.parametrize("form", ["release", "{}/release", "{}/release/ledger.jsonl"])
def test_execute_takes_a_study_s_name_a_folder_or_a_ledger_file(folder: Path, form: str) -> None:
    said: list[str] = []
    name = form.format(folder.parent)
    result = execute(folder, name, said)
    assert (result["changed"], result["verdict"]) == (False, "slower")
    (one,) = result["document"]["baselines"]
    assert [cell["verdict"] for cell in one["cells"]] == ["slower", "same"]
    assert one["cells"][0]["ratio"]["low"] > 1.0
    assert said == [*(cell["words"] for cell in one["cells"]), result["msg"]]
    assert result["msg"] == f"mine against {name}: 1 slower, 1 same (same: within 5 %)"
    assert json.loads(json.dumps(result["document"])) == result["document"]


def test_execute_says_the_comparison_in_polish_with_the_same_codes(folder: Path) -> None:
    result = execute(folder, "release", language="pl")
    (one,) = result["document"]["baselines"]
    assert (result["document"]["language"], [cell["verdict"] for cell in one["cells"]]) == ("pl", ["slower", "same"])
    assert all(word in one["cells"][0]["words"] for word in ("wolniejsza", "czasu z badania release", "5 przebiegów"))
    assert result["msg"] == "mine względem release: 1 wolniejsza, 1 równie szybka (równie szybka: w granicach 5%)"


@pytest.mark.parametrize(
    ("language", "named"),
    [("en", "in 0 of 5 runs here and in 2 of 5 there"), ("pl", "w 0 z 5 przebiegów tutaj i w 2 z 5 tam")],
)
def test_execute_refuses_a_cell_that_missed_its_target_in_words(tmp_path: Path, language: str, named: str) -> None:
    def runs(study: str, missed: int) -> list[dict[str, Any]]:
        return [
            ledgers.targeted(
                {**ledgers.SPEC, "workers": n},
                block,
                seconds=4.0,
                steps=None if n == 2 and block <= missed else 1200,
                study=study,
            )
            for n in (1, 2)
            for block in range(1, 6)
        ]

    for name, missed in (("mine", 0), ("other", 2)):
        ledgers.write(tmp_path / name, runs(name, missed))
    result = execute(tmp_path / "mine", "other", language=language)
    (refused,) = result["document"]["baselines"][0]["refused"]
    assert (refused["field"], refused["there"]) == ("target_accuracy", "not reached in 2 of 5 runs")
    assert named in refused["words"]


def test_execute_compares_with_several_and_names_what_is_refused(folder: Path) -> None:
    strange = [{**one, "study": "strange"} for one in records([4.0], batch_size=40) + records([4.0, 3.0])[1::2]]
    ledgers.write(folder.parent / "strange", strange)
    result = execute(folder, ["other", "strange"])
    assert result["document"]["counts"] == {"slower": 0, "cannot tell": 0, "same": 3, "faster": 0}
    (refused,) = result["document"]["baselines"][1]["refused"]
    assert (refused["field"], refused["here"], refused["there"]) == ("batch_size", "20", "40")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"baseline": ""}, ["report_baseline is ''", "the name of a study or a ledger file"]),
        ({"baseline": []}, ["report_baseline is []", "the name of a study or a ledger file"]),
        ({"baseline": ["release", 3]}, ["report_baseline[1] is 3", "the name of a study or a ledger file"]),
        ({"baseline": "nowhere"}, ["report_baseline is 'nowhere'", "there is no "]),
        ({"baseline": "empty"}, ["report_baseline is 'empty'", "has no ledger.jsonl"]),
        ({"baseline": "text"}, ["report_baseline is 'text'", "which is no ledger", "line 1"]),
        ({"baseline": "mine"}, ["report_baseline is 'mine'", "the study itself"]),
        ({"baseline": "failed"}, ["report_baseline is 'failed'", "no run that counts"]),
        (
            {"baseline": "large"},
            ["report_baseline is 'large'", "no cell of a size", "ps=1 workers=1", "ps=3 workers=1"],
        ),
        ({"baseline": "unlike"}, ["report_baseline is 'unlike'", "batch_size 20 here and 40 there"]),
        ({"baseline": "release", "margin": "wide"}, ["report_margin is 'wide'"]),
        ({"baseline": "release", "margin": 1}, ["report_margin is 1"]),
        ({"baseline": "release", "margin": 0}, ["report_margin is 0"]),
    ],
    ids=str,
)
def test_execute_of_bad_input(folder: Path, given: dict[str, Any], named: list[str]) -> None:
    results = folder.parent
    (results / "empty").mkdir()
    (results / "text").mkdir()
    (results / "text/ledger.jsonl").write_text("hello\n")
    ledgers.write(results / "failed", [ledgers.void(ledgers.SPEC, 1, "killed")])
    ledgers.write(results / "large", records([4.0], ps=3))
    ledgers.write(results / "unlike", records([4.0, 3.0], batch_size=40))
    with pytest.raises(StepError) as error:
        execute(folder, **given)
    assert [part for part in named if part not in str(error.value)] == []
    assert str(error.value).count("\n") == 0
