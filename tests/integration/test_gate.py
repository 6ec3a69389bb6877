# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates through real ansible-playbook and processes, with a program whose times are planted: the machine has no say in them."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import compared_studies, ledgers
from tests.fixtures.laws import PROGRAM
from tests.fixtures.playbook import Playbook, errors, hosts

STEPS = 10


def program(law: str = "flat") -> str:
    return f"exec {sys.executable} -I -S {PROGRAM} {law} 1 0.01"


def paced(times: float = 1.0) -> dict[str, str]:
    """The environment of a version that takes so many times as long."""
    return {"TIMES": str(times)}


@pytest.fixture
def gate(playbook: Playbook) -> Playbook:
    own = {name: value for name, value in playbook.variables.items() if not name.startswith("sweep_")}
    return replace(
        playbook,
        variables={
            **own,
            "sweep_results_dir": str(playbook.results),
            "training_command": program(),
            "training_env": paced(),
            "training_ps": 0,
            "training_workers": 1,
            "upgrade_gate_steps": STEPS,
            "upgrade_gate_blocks": 8,
        },
        seconds=600,
    )


def records(playbook: Playbook) -> list[dict[str, Any]]:
    (folder,) = playbook.results.glob("*/ledger.jsonl")
    return [json.loads(line) for line in folder.read_text().splitlines()]


def said(output: str) -> str:
    return next(line for line in output.splitlines() if "Gate: " in line)


@pytest.mark.slow
def test_compare_planted_slowdown_is_caught_and_told_the_second_time_without_a_run(gate: Playbook) -> None:
    slower = {"upgrade_after": {"env": paced(1.3)}}
    result = gate.run("compare", **slower)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "slower than the 5 % that upgrade_max_slowdown allows" in said(result.stdout), result.stdout
    runs = records(gate)
    assert len(runs) == 8
    told = {run["spec"]["variant"]: str(run["spec"].get("env")) for run in runs}
    # Names and a digest; no value is kept.
    assert all(re.fullmatch("TIMES sealed:[0-9a-f]{16}", env) for env in told.values()), told
    assert told["before"] != told["after"]
    (report,) = Path(gate.results).glob("compare-*/report.md")
    assert "variant=after" in report.read_text()

    again = gate.run("compare", **slower)
    assert said(again.stdout) == said(result.stdout)
    assert f"decided after {len(runs)}" in again.stdout
    assert "changed=0" in again.stdout
    assert records(gate) == runs


@pytest.mark.full
def test_compare_equal_versions_raise_no_alarm(gate: Playbook) -> None:
    result = gate.run("compare")
    assert result.returncode == 0, result.stdout + result.stderr
    assert ": slower than" not in said(result.stdout)
    assert {run["spec"]["variant"] for run in records(gate)} == {"before", "after"}


@pytest.mark.full
def test_compare_program_that_is_given_as_a_list(gate: Playbook) -> None:
    before = {"command": program("amdahl").removeprefix("exec ").split()}
    result = gate.run("compare", upgrade_before=before, upgrade_after={"command": program("flat")})
    assert result.returncode == 0, result.stdout + result.stderr
    assert said(result.stdout).endswith(" 4 blocks)"), result.stdout
    assert " % faster (95 % CI " in said(result.stdout)


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize(("rule", "passed"), [("roll_back", False), ("keep", True)])
def test_gate_exports_what_a_role_decides_by(gate: Playbook, rule: str, passed: bool) -> None:
    """The second comparison of a play is no worse for the first; its version ends at once and never counts."""
    broken = {"command": "exit 3"}
    result = gate.run(
        "../tests/integration/files/gate",
        gates=[{"env": paced(0.5)}, broken],
        upgrade_max_slowdown=0.05,
        upgrade_cannot_tell=rule,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    first, second = (line for line in result.stdout.splitlines() if "Gate: " in line)
    assert " % faster (95 % CI " in first
    assert "no run of after counts (the last: " in second
    assert "exited with code 3" in second
    assert f"passed={passed} verdict=cannot tell study=upgrade-training-" in result.stdout


BAD_INPUT: list[tuple[dict[str, Any], str, str]] = [
    ({}, "upgrade_max_slowdown", "''"),
    ({"upgrade_cannot_tell": "hope"}, "upgrade_cannot_tell", "hope"),
    ({"upgrade_gate_blocks": 2}, "upgrade_gate_blocks", "2"),
    ({"upgrade_after": {"gpus": 1}}, "upgrade_after", "gpus"),
]


def test_compare_bad_input_gets_a_sentence_before_anything_starts(gate: Playbook) -> None:
    each = {f"slip-{number}": {**gate.variables, **given} for number, (given, _name, _value) in enumerate(BAD_INPUT)}
    many = hosts(gate.results / "inventory", each)
    # Wins over the playbook's own, as only words of the command line do; a slip of any other kind is found before.
    told = errors(replace(gate, variables={"upgrade_max_slowdown": ""}, inventory=many).run("compare"))
    for host, (given, name, value) in zip(each, BAD_INPUT, strict=True):
        assert name in told[host], (given, told[host])
        assert value in told[host], (given, told[host])
    assert not list(gate.results.glob("*/ledger.jsonl"))


@pytest.mark.full
@pytest.mark.parametrize(("fails", "code"), [(False, 0), (True, 2)])
def test_a_slower_study_fails_the_playbook_where_that_is_asked(playbook: Playbook, *, fails: bool, code: int) -> None:
    """Two ledgers with planted times; nothing is measured."""
    for name, seconds in (("mine", [4.4, 3.0]), ("release", [4.0, 3.0])):
        made = [{**one, "study": name} for one in compared_studies.records(seconds, spread=0.01)]
        ledgers.write(playbook.results / name, made)
    given = {"report_results_dir": str(playbook.results), "report_study": "mine", "report_fail_on_slower": fails}
    written = playbook.results / "mine/comparison.json"
    if fails:
        written.write_text('{"format": "of somebody else"}')
        refused = errors(playbook.run("compare_studies", report_baseline="release", **given))["local"]
        assert "report_study is 'mine', whose comparison.json" in refused
        assert written.read_text() == '{"format": "of somebody else"}'
        written.unlink()
    result = playbook.run("compare_studies", report_baseline="release", **given)
    assert result.returncode == code, result.stdout + result.stderr
    told = json.loads(written.read_text())
    assert (told["verdict"], told["counts"]["slower"], told["counts"]["same"]) == ("slower", 1, 1)
    assert "ps=1 workers=1: slower" in result.stdout
    # The file is ours now.
    assert playbook.run("compare_studies", report_baseline="release", **given).returncode == code
