# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/autosize.yml through real processes, with a program whose times are planted."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.fixtures.laws import PROGRAM
from tests.fixtures.playbook import ROOT, Playbook, errors, hosts

STUDY = "sized"


def program(law: str, spread: str = "0.01") -> str:
    return f"exec {sys.executable} -I -S {PROGRAM} {law} 1 {spread}"


@pytest.fixture
def autosize(playbook: Playbook) -> Playbook:
    own = {name: value for name, value in playbook.variables.items() if not name.startswith("sweep_")}
    given = {
        "sweep_results_dir": str(playbook.results),
        "autosize_study": STUDY,
        "autosize_ps": 0,
        "autosize_max_workers": 4,
        "training_command": program("amdahl"),
        "training_steps": 10,
    }
    return replace(playbook, variables={**own, **given}, seconds=600)


def plan_of(playbook: Playbook) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((playbook.results / STUDY / "autosize.json").read_text())
    jsonschema.validate(found, json.loads((ROOT / "docs/autosize.schema.json").read_text()))
    return found


def sizes(playbook: Playbook) -> list[tuple[int, int]]:
    return [(record["block"], record["spec"]["workers"]) for record in playbook.records(STUDY)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "tried", "named"), [(2, [1, 2], {2}), pytest.param(4, [1, 2, 4], {3, 4}, marks=pytest.mark.full)]
)
def test_autosize_goes_on_after_a_kill_names_the_size_and_writes_it(
    autosize: Playbook, tmp_path: Path, most: int, tried: list[int], named: set[int]
) -> None:
    given = {"autosize_goal": "time", "autosize_max_workers": most, "autosize_write": str(tmp_path / "next.yml")}
    first = autosize.start("autosize", **given)
    deadline = time.monotonic() + 240
    while len(sizes(autosize)) < 6 and time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    before = sizes(autosize)
    result = autosize.run("autosize", **given)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sizes(autosize)[: len(before)] == before
    assert len(set(sizes(autosize))) == len(sizes(autosize))
    plan = plan_of(autosize)
    assert plan["size"]["workers"] in named
    assert plan["sentence"] in " ".join(result.stdout.split())
    assert [one["size"]["workers"] for one in plan["tried"]][: len(tried)] == tried
    assert yaml.safe_load((tmp_path / "next.yml").read_text()) == {
        "training_workers": plan["size"]["workers"],
        "training_ps": 0,
    }
    folder = autosize.results / STUDY
    assert (folder / "autosize.md").read_text().startswith(f"# Size of {STUDY}\n")
    assert "The path of the search" in (folder / "report.html").read_text()
    # A search that has ended runs nothing more.
    again = autosize.run("autosize", **given)
    assert again.returncode == 0, again.stdout + again.stderr
    assert plan_of(autosize) == plan


CASES: dict[str, tuple[dict[str, Any], set[int], set[str]]] = {
    "speed falls from the start": ({"training_command": program("slower")}, {1}, {"gain"}),
    "the deadline is kept": (
        {"autosize_goal": "deadline", "autosize_deadline_seconds": 0.19, "training_command": program("amdahl")},
        {2},
        {"met"},
    ),
    "no more than asked": ({"autosize_goal": "time", "autosize_max_workers": 2}, {2}, {"max"}),
    "the first size fails": ({"training_command": "exit 3"}, set(), {"first_fails"}),
    "the budget ends": (
        {"autosize_goal": "time", "autosize_budget_minutes": 0.08, "training_command": program("flat", "0.4")},
        {1},
        {"budget"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.full) for name in CASES])
def test_autosize_says_why_it_stops(autosize: Playbook, name: str) -> None:
    given, taken, codes = CASES[name]
    result = autosize.run("autosize", **given)
    plan = plan_of(autosize)
    assert plan["stop"]["code"] in codes, plan["sentence"]
    assert {plan["size"]["workers"]} <= taken if plan["size"] else taken == set()
    assert (result.returncode == 0) is bool(plan["size"]), result.stdout + result.stderr
    if not plan["size"]:
        assert "No size can be named: the first size fails." in " ".join(result.stderr.split())


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"autosize_min_gain": 0}, "autosize_min_gain is 0: give a share above 0 and below 1"),
    ({"autosize_min_gain": 1}, "autosize_min_gain is 1: give a share above 0 and below 1"),
    ({"autosize_min_gain": "ten"}, "autosize_min_gain is 'ten': give a share above 0 and below 1"),
    (
        {"autosize_workers": 4, "autosize_max_workers": 2},
        "autosize_max_workers is 2, but the search starts from autosize_workers 4: give at least 4",
    ),
    ({"autosize_goal": "best"}, "autosize_goal is 'best': give knee, time, cost or deadline"),
    ({"autosize_goal": "deadline"}, "autosize_deadline_seconds is ''"),
    ({"autosize_goal": "cost"}, "autosize_goal is 'cost', but report_prices is empty"),
    ({"autosize_max_repeats": 3}, "autosize_max_repeats is 3: give a whole number from 4"),
    ({"autosize_apply": True}, "autosize_apply is true, but training_backend is 'processes'"),
    ({"autosize_max_workers": "all"}, "autosize_max_workers is 'all': give a whole number from 1 to 1000, or fit"),
]


def test_autosize_refuses_bad_input_before_anything_is_started(autosize: Playbook, tmp_path: Path) -> None:
    each = {f"slip-{number}": given for number, (given, _words) in enumerate(BAD_INPUT)}
    changed = {key for given, _words in BAD_INPUT for key in given}
    usual = {key: value for key, value in autosize.variables.items() if key in changed}
    common = {key: value for key, value in autosize.variables.items() if key not in changed}
    many = hosts(tmp_path / "inventory", {host: {**usual, **given} for host, given in each.items()})
    told = errors(replace(autosize, variables=common, inventory=many).run("autosize"))
    for host, (_given, words) in zip(each, BAD_INPUT, strict=True):
        assert words in told[host]
    assert not (autosize.results / STUDY).exists()


def test_autosize_searches_on_one_cluster_at_a_time(autosize: Playbook, tmp_path: Path) -> None:
    """Two hosts would write one plan."""
    many = hosts(tmp_path / "inventory", {"one": {}, "two": {}})
    told = errors(replace(autosize, inventory=many).run("autosize"))
    assert set(told) == {"one", "two"}
    for sentence in told.values():
        assert "the play has 2 hosts (one, two): give one of them with --limit" in sentence
    assert autosize.records(STUDY) == []


@pytest.mark.parametrize(
    "name", ["autosize.json", *(pytest.param(name, marks=pytest.mark.full) for name in ("autosize.md", "next.yml"))]
)
def test_autosize_leaves_files_of_others(autosize: Playbook, tmp_path: Path, name: str) -> None:
    folder = autosize.results / STUDY if name != "next.yml" else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("theirs: 1\n")
    result = autosize.run("autosize", autosize_write=str(tmp_path / "next.yml"))
    assert result.returncode != 0
    assert "was not written by autosize" in " ".join(result.stderr.split())
    assert (folder / name).read_text() == "theirs: 1\n"
    assert autosize.records(STUDY) == []
