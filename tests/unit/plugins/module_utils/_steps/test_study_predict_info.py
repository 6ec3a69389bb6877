# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a ledger on disk to predictions in sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_predict_info

from tests.fixtures import ledgers

SPECS = ledgers.space(workers=[1, 2, 4, 8], nodes=[8])


def execute(folder: Path, predict: Any, said: list[str] | None = None, language: str = "en") -> dict[str, Any]:
    params = {"study_dir": str(folder), "ledger": "files", "prices": {}, "currency": "USD", "select": ""}
    say = [] if said is None else said
    return study_predict_info.execute({**params, "predict": predict, "language": language}, Context(say=say.append))


def test_execute_says_each_prediction_and_writes_nothing(tmp_path: Path) -> None:
    ledgers.write(tmp_path, ledgers.study(SPECS, blocks=5))
    said: list[str] = []
    result = execute(tmp_path, [{"workers": 16}, {"workers": 100, "ps": 1}], said)
    told, refused = result["predictions"]
    assert (result["changed"], result["refused"], result["msg"]) == (False, 1, " ".join(said))
    assert said == [told["words"], refused["words"]]
    assert re.fullmatch(
        r"ps=1 workers=16: [\d.]+ s \([\d.]+-[\d.]+\), [\d,]+ steps/s \([\d,]+-[\d,]+\), by the USL\.", said[0]
    )
    assert told["train_seconds"]["low"] < told["train_seconds"]["center"] < told["train_seconds"]["high"]
    assert (told["refusal"], told["laws"], told["measured_seconds"], told["price"]) == (None, ["usl"], None, None)
    assert (refused["refusal"]["code"], refused["train_seconds"]) == ("beyond", None)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.jsonl"]


def test_a_number_of_nodes_that_tells_curves_apart_is_said_once(tmp_path: Path) -> None:
    specs = ledgers.space(workers=[1, 2, 4, 8], nodes=[4, 8])
    ledgers.write(tmp_path, ledgers.study(specs, blocks=5))
    (told,) = execute(tmp_path, [{"workers": 8, "nodes": 8}])["predictions"]
    assert told["words"].startswith("nodes=8 ps=1 workers=8: ")


def test_execute_says_predictions_and_refusals_in_polish(tmp_path: Path) -> None:
    ledgers.write(tmp_path, ledgers.study(SPECS, blocks=5))
    known, refused = execute(tmp_path, [{"workers": 8}, {"workers": 100}], language="pl")["predictions"]
    assert re.fullmatch(
        r"ps=1 workers=8: \d,\d+ s \([\d,]+\u2013[\d,]+\), \d+ krok(|i|ów|u)/s \([\d,]+\u2013[\d,]+\), zmierzono \d,\d\d s,"
        r" według prawa USL\.",
        known["words"],
    )
    assert refused["refusal"]["words"] in refused["words"]
    assert ("sięgają do 32" in refused["words"], refused["refusal"]["code"]) == (True, "beyond")


@pytest.mark.parametrize(
    ("predict", "records", "named"),
    [
        ([{"workers": 0}], ledgers.study(SPECS), ["predict[0].workers is 0", "give a whole number from 1"]),
        ([{"workers": 8}], None, ["study_dir is ", "no ledger", "run the sweep"]),
        (
            [{"workers": 8}],
            ledgers.study([{**one, "target_accuracy": 0.9} for one in SPECS]),
            ["training_target_accuracy", "fixed number of steps"],
        ),
        ([{"workers": 8}], [ledgers.void(SPECS[0], 1, "killed")], ["no run that counts", "run its sweep"]),
        ([{"workers": 8}], ledgers.to_accuracy(), ["trains to the accuracy 0.95", "training_target_accuracy"]),
    ],
)
def test_execute_of_bad_input(tmp_path: Path, predict: Any, records: Any, named: list[str]) -> None:
    if records is not None:
        ledgers.write(tmp_path, records)
    with pytest.raises(StepError) as error:
        execute(tmp_path, predict)
    assert [part for part in named if part not in str(error.value)] == []
