# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/predict.yml on a ledger that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import ledgers
from tests.fixtures.playbook import Playbook


@pytest.mark.parametrize(
    ("predict", "code", "told"),
    [
        # As a survey of AWX gives it.
        ("[{workers: 16}, {workers: 64}]", 0, ["ps=1 workers=16: ", "by the USL", "workers is 64", "up to 32"]),
        pytest.param([{"workers": 0}], 2, ["predict[0].workers is 0"], marks=pytest.mark.full),
        pytest.param([], 2, ["predict is []", "[{workers: 16, ps: 2}]"], marks=pytest.mark.full),
    ],
)
def test_predict(tmp_path: Path, predict: object, code: int, told: list[str]) -> None:
    ledgers.write(tmp_path / "x", ledgers.study(ledgers.space(workers=[1, 2, 4, 8], nodes=[8]), blocks=5))
    result = Playbook(tmp_path, {"report_results_dir": str(tmp_path), "report_study": "x"}).run(
        "predict", predict=predict
    )
    assert result.returncode == code, result.stdout + result.stderr
    assert [word for word in told if word not in result.stdout + result.stderr] == []
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["ledger.jsonl"]


def test_predict_in_the_language_of_the_report(tmp_path: Path) -> None:
    ledgers.write(tmp_path / "x", ledgers.study(ledgers.space(workers=[1, 2, 4, 8], nodes=[8]), blocks=5))
    given = {"report_results_dir": str(tmp_path), "report_study": "x", "report_language": "pl"}
    result = Playbook(tmp_path, given).run("predict", predict=[{"workers": 16}])
    assert result.returncode == 0, result.stdout + result.stderr
    assert "według prawa USL" in result.stdout
