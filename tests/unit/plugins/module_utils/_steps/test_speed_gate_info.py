# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate as a playbook sees it: which runs it takes, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import speed_gate_info

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, void

BEFORE, AFTER = ({**SPEC, "variant": name} for name in ("before", "after"))
DEFAULTS = {name: option.get("default") for name, option in speed_gate_info.ARGUMENT_SPEC.items()}


def judge(folder: Path, *, said: list[str] | None = None, **params: Any) -> dict[str, Any]:
    given = {**DEFAULTS, "study_dir": str(folder), "max_slowdown": "0.05", **params}
    lines: list[str] = [] if said is None else said
    return speed_gate_info.execute(given, Context(say=lines.append))


def measured(*ratios: float, first: int = 1, after: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    records = []
    for block, ratio in enumerate(ratios, start=first):
        records += [record(BEFORE, block, seconds=4.0), record(after or AFTER, block, seconds=4.0 * ratio)]
    return records


@pytest.mark.parametrize(
    ("ratios", "verdict", "sentence"),
    [
        (
            (1.15, 1.16, 1.14, 1.15),
            "slower",
            "after is 15 % slower (95 % CI 11-19 %, 4 blocks): slower than the 5 % that upgrade_max_slowdown allows",
        ),
        (
            (1.001, 1.0, 0.999, 1.0),
            "same",
            "after is as fast as before (95 % CI 0.4 % faster to 0.4 % slower, 4 blocks): no slower than the 5 % that"
            " upgrade_max_slowdown allows",
        ),
        ((0.9, 0.901, 0.899, 0.9), "faster", "after is 10 % faster (95 % CI 9.6-10 %, 4 blocks)"),
        (
            (1.2, 0.9, 1.1, 0.95),
            "cannot tell",
            "after is 3.1 % slower (95 % CI 48 % faster to 102 % slower, 4 blocks): it is undecided whether that is more"
            " than the 5 % that upgrade_max_slowdown allows",
        ),
        (
            (1.02, 1.02),
            "cannot tell",
            "after is 2 % slower (2 blocks): it is undecided whether that is more than the 5 % that upgrade_max_slowdown"
            " allows",
        ),
    ],
)
def test_execute_says_what_it_found(tmp_path: Path, ratios: tuple[float, ...], verdict: str, sentence: str) -> None:
    ledgers.write(tmp_path, measured(*ratios))
    said: list[str] = []
    result = judge(tmp_path, said=said)
    assert (result["verdict"], result["msg"], said) == (verdict, sentence, [f"Gate: {sentence}"])
    assert (result["blocks"], result["runs"]) == (len(ratios), 2 * len(ratios))
    assert result["changed"] is False
    assert result["wanted"] == (verdict == "cannot tell")


def test_execute_without_records_wants_blocks(tmp_path: Path) -> None:
    result = judge(tmp_path / "none")
    assert (result["verdict"], result["wanted"], result["ratio"], result["runs"]) == ("cannot tell", True, None, 0)
    assert result["msg"] == ("it is undecided whether after is slower: no block has a run of both versions that counts")
    assert list(tmp_path.iterdir()) == []


def test_execute_wants_no_more_than_the_budget(tmp_path: Path) -> None:
    ledgers.write(tmp_path, measured(1.2, 0.9, 1.1, 0.95))
    assert judge(tmp_path, blocks="5")["wanted"] is True
    assert judge(tmp_path, blocks=4)["wanted"] is False


def test_execute_suspect_runs_count_and_void_ones_do_not(tmp_path: Path) -> None:
    records = measured(1.15, 1.16, 1.14, 1.15)
    records[0]["verdict"] = {"verdict": "suspect", "reasons": ["CPU steal was 14 %"]}
    ledgers.write(tmp_path, [*records, record(BEFORE, 5, seconds=4.0), void(AFTER, 5, "worker 0 was killed")])
    result = judge(tmp_path)
    assert (result["verdict"], result["blocks"], result["runs"]) == ("slower", 4, 10)


def test_execute_version_without_a_run_that_counts_is_named(tmp_path: Path) -> None:
    failed = [void(AFTER, 1, "worker 0 exited with code 1: no such file"), void(AFTER, 1, "the deadline came")]
    ledgers.write(tmp_path, [record(BEFORE, 1, seconds=4.0), *failed])
    result = judge(tmp_path)
    assert (result["verdict"], result["wanted"]) == ("cannot tell", False)
    assert result["msg"] == (
        "it is undecided whether after is slower: no run of after counts (the last: the deadline came)"
    )


def test_execute_takes_the_cells_that_are_given(tmp_path: Path) -> None:
    """A ledger may hold an earlier gate of the same name with other settings."""
    other = {**AFTER, "batch_size": 40}
    ledgers.write(tmp_path, measured(1.3, 1.31, 1.29, 1.3, after=other) + measured(1.0, 1.0, 1.0, 1.0, first=5))
    with pytest.raises(StepError, match=r"^2 cells are of the variant after: give two cells, one of each variant"):
        judge(tmp_path)
    cells = [{"cell_id": ledgers.cell_id(spec), "spec": spec} for spec in (BEFORE, AFTER)]
    assert judge(tmp_path, cells=cells)["verdict"] == "same"


def test_execute_cells_that_are_no_variants_are_nothing(tmp_path: Path) -> None:
    ledgers.write(tmp_path, [record(SPEC, 1, seconds=4.0), *measured(1.15, 1.16, 1.14, 1.15)])
    assert judge(tmp_path)["runs"] == 8


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"max_slowdown": ""}, "upgrade_max_slowdown is nothing: give the slowdown to allow, such as 0.05 for 5 %"),
        ({"max_slowdown": 5}, "upgrade_max_slowdown is 5: give a share below 1, such as 0.05 for 5 %, or nothing"),
        ({"blocks": 3}, "upgrade_gate_blocks is 3: give a whole number from 4"),
        ({"blocks": "many"}, "upgrade_gate_blocks is 'many': give a whole number from 4"),
    ],
)
def test_execute_bad_input_gets_a_sentence(tmp_path: Path, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StepError) as caught:
        judge(tmp_path, **params)
    assert str(caught.value) == sentence


def test_execute_ledger_that_is_none_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("dear diary\nnothing to see\n")
    with pytest.raises(StepError, match=r"ledger\.jsonl"):
        judge(tmp_path)
