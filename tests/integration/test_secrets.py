# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be a secret goes to the replicas and nowhere else, whatever -vvv shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.playbook import Playbook, errors, hosts

from .conftest import tiny_command, tiny_study

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


@pytest.mark.slow
def test_sweep_shows_no_secret_anywhere(playbook: Playbook) -> None:
    done = playbook.run("sweep", "-vvv", "--diff", **secret_study())
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    records = playbook.records()
    assert [record["verdict"]["verdict"] for record in records] == ["valid", "valid"]
    told = {record["spec"]["variant"]: record["spec"]["env"] for record in records}
    assert {one[:13] for one in told.values()} == {"TOKEN sealed:"}
    assert told["before"] != told["after"]
    assert all("KEY=sealed:" in record["spec"]["command"] for record in records)
    assert CANARY not in done.stdout + done.stderr
    files = [path for path in playbook.results.rglob("*") if path.is_file()]
    assert {"ledger.jsonl", "runs.csv", "cells.csv", "report.html", "report.md"} <= {path.name for path in files}
    assert [str(path) for path in files if CANARY.encode() in path.read_bytes()] == []

    # The same values are the same cells; another one is another cell.
    other = {**VARIANTS, "other": {"env": {"TOKEN": f"{CANARY}-33"}}}
    usual = {"TOKEN": f"{CANARY}-22"}
    plan = playbook.run("sweep", "--check", **secret_study(sweep_variants=other, training_env=usual))
    assert "1 of 3 runs are there" in plan.stdout

    # As an older version has left it: the study goes on, and is shown without its secrets.
    ledger = playbook.results / "tiny" / "ledger.jsonl"
    for record in records:
        record["spec"]["command"] = secret_study()["training_command"]
        # Of version 0.3, which did not know that training_env makes another cell.
        del record["spec"]["env"]
        if record["spec"]["variant"] == "after":
            record["spec"]["env"] = json.dumps(VARIANTS["after"]["env"])
        record |= {"cell_id": f"old{record['spec']['variant']}", "run_id": f"old{record['spec']['variant']}-1"}
    ledger.write_text("".join(json.dumps(record) + "\n" for record in records))
    older = playbook.run("sweep", "-vvv", **secret_study())
    assert "1 of 2 runs are there, 1 to go" in older.stdout
    assert len(playbook.records()) == 3
    assert CANARY not in older.stdout + older.stderr
    folder = playbook.results / "tiny"
    assert [path.name for path in folder.iterdir() if path.is_file() and CANARY in path.read_text()] == ["ledger.jsonl"]


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"training_env": {"A": {"secret": "s", "key": "k"}}}, "training_env.A"),
    ({"training_env_from": [{"secret": "s"}]}, "training_env_from"),
    ({"sweep_variants": {"a": {"env": {"A": {"configmap": "c", "key": "k"}}}}}, "sweep_variants.a.env.A"),
    ({"training_env": {"A": [CANARY]}}, "training_env.A is a list"),
    ({"training_env": CANARY}, "training_env is a text"),
    ({"sweep_variants": {"a": {"command": [[CANARY]]}}}, "sweep_variants.a.command is a list"),
    ({"training_env": {"A": CANARY, "B": "{{ nowhere }}"}}, "training_env cannot be read"),
]


def test_refusals_name_the_variable_and_show_no_value(tmp_path: Path) -> None:
    each = {f"slip-{number}": given for number, (given, _name) in enumerate(REFUSALS)}
    many = hosts(tmp_path / "inventory", each, **tiny_study(tmp_path / "results"))
    done = Playbook(tmp_path, {}, many).run("sweep", "-vvv", "--check")
    told = errors(done)
    for host, (given, name) in zip(each, REFUSALS, strict=True):
        assert name in told[host], (given, told[host])
    assert CANARY not in done.stdout + done.stderr
