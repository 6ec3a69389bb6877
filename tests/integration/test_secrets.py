# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be a secret goes to the replicas and nowhere else, whatever -vvv shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fixtures.playbook import Playbook

from .conftest import tiny_command

CANARY = "canary-0f7e5a"
VARIANTS = {"before": {}, "after": {"env": {"TOKEN": f"{CANARY}-3"}}}
# The replica proves that the value reached it without writing it down.
PROVEN = 'case "$TOKEN" in *-[23]) ;; *) exit 9;; esac; case "$KEY" in *-1) ;; *) exit 8;; esac'


def secret_study(**given: Any) -> dict[str, Any]:
    return {
        "training_command": f"KEY={CANARY}-1; {PROVEN}; {tiny_command()} # --api-key {CANARY}-4 https://me:{CANARY}-5@host",
        "training_env": {"TOKEN": f"{CANARY}-2"},
        "sweep_variants": VARIANTS,
        "sweep_series": [{"ps": [1], "workers": [1]}],
        "sweep_repeats": 1,
        **given,
    }


def test_sweep_shows_no_secret_anywhere(playbook: Playbook) -> None:
    done = playbook.run("sweep", "-vvv", "--diff", **secret_study())
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    records = playbook.records()
    assert [record["verdict"]["verdict"] for record in records] == ["valid", "valid"]
    assert {record["spec"].get("env", "")[:13] for record in records} == {"", "TOKEN sealed:"}
    assert all("KEY=sealed:" in record["spec"]["command"] for record in records)
    assert CANARY not in done.stdout + done.stderr
    files = [path for path in playbook.results.rglob("*") if path.is_file()]
    assert {"ledger.jsonl", "runs.csv", "cells.csv", "report.html", "report.md"} <= {path.name for path in files}
    assert [str(path) for path in files if CANARY.encode() in path.read_bytes()] == []

    # The same values are the same study; another one is another cell.
    again = playbook.run("sweep", **secret_study())
    assert "nothing is missing" in again.stdout
    other = {**VARIANTS, "after": {"env": {"TOKEN": f"{CANARY}-33"}}}
    plan = playbook.run("sweep", "--check", **secret_study(sweep_variants=other))
    assert "1 of 2 runs are there" in plan.stdout


def test_study_of_an_older_version_goes_on_and_is_shown_without_its_secrets(playbook: Playbook) -> None:
    done = playbook.run("sweep", **secret_study())
    assert done.returncode == 0, done.stdout + done.stderr
    ledger = playbook.results / "tiny" / "ledger.jsonl"
    records = playbook.records()
    for record in records:
        record["spec"]["command"] = secret_study()["training_command"]
        if record["spec"]["variant"] == "after":
            record["spec"]["env"] = json.dumps(VARIANTS["after"]["env"])
        record |= {"cell_id": f"old{record['spec']['variant']}", "run_id": f"old{record['spec']['variant']}-1"}
    ledger.write_text("".join(json.dumps(record) + "\n" for record in records))
    done = playbook.run("sweep", "-vvv", **secret_study())
    assert "nothing is missing" in done.stdout
    assert CANARY not in done.stdout + done.stderr
    folder = playbook.results / "tiny"
    assert [path.name for path in folder.iterdir() if path.is_file() and CANARY in path.read_text()] == ["ledger.jsonl"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"training_env": {"A": {"secret": "s", "key": "k"}}}, "training_env.A"),
        ({"training_env_from": [{"secret": "s"}]}, "training_env_from"),
        ({"sweep_variants": {"a": {"env": {"A": {"configmap": "c", "key": "k"}}}}}, "sweep_variants.a.env.A"),
        ({"training_env": {"A": [CANARY]}}, "training_env.A is a list"),
        ({"training_env": CANARY}, "training_env is a text"),
        ({"sweep_variants": {"a": {"command": [[CANARY]]}}}, "sweep_variants.a.command is a list"),
        ({"training_env": {"A": CANARY, "B": "{{ nowhere }}"}}, "training_env cannot be read"),
    ],
)
def test_refusals_name_the_variable_and_show_no_value(playbook: Playbook, given: dict[str, Any], name: str) -> None:
    done = playbook.run("sweep", "-vvv", "--check", **given)
    assert done.returncode != 0
    assert name in done.stdout + done.stderr
    assert CANARY not in done.stdout + done.stderr
