"""Programs of other frameworks, through the playbook: a stand-in in every run of the tests, the real ones where they are asked for."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.fixtures.playbook import ROOT, Playbook

EXAMPLES = ROOT / "docs/examples"
STAND_IN = ROOT / "tests/integration/files/rendezvous.py"
# Made by `make setup-examples`.
PYTHON = ROOT / ".venv-examples/bin/python"


def study(program: str, steps: int, framework: str, **more: Any) -> dict[str, Any]:
    return {
        "sweep_series": [],
        "sweep_ps": "auto",
        "training_framework": framework,
        "training_command": f"exec {program}",
        "training_env": {"PYTHONPATH": str(EXAMPLES)},
        "training_log_format": "auto",
        "training_steps": steps,
        "training_max_foreign_share": 1.0,
        **more,
    }


def test_sweep_of_processes_that_meet_by_their_environment(playbook: Playbook) -> None:
    given = study(f"{sys.executable} -S {STAND_IN} 10", 10, "pytorch", sweep_workers=[1, 2])
    done = playbook.run("sweep", **given, sweep_repeats=1, sweep_processes_per_worker=[1, 2])
    assert done.returncode == 0, done.stdout
    records = playbook.records()
    assert [record["verdict"]["verdict"] for record in records if record["verdict"]["verdict"] == "void"] == []
    sizes = sorted((one["spec"]["workers"], one["spec"].get("processes_per_worker", 1)) for one in records)
    assert sizes == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(one["spec"]["ps"] == 0 and one["spec"]["framework"] == "pytorch" for one in records)
    assert all(one["timings"]["cpu_seconds"] > 0 for one in records)


@pytest.mark.full
@pytest.mark.parametrize(
    ("framework", "program", "steps"),
    [
        ("jax", "jax_mnist.py --steps 300", 300),
        ("none", "lightgbm_distributed.py --rounds 100", 100),
    ],
)
def test_real_program(playbook: Playbook, framework: str, program: str, steps: int) -> None:
    given = study(f"{PYTHON} {EXAMPLES}/{program}", steps, framework, sweep_workers=[1, 2, 4])
    done = playbook.run("sweep", **given, sweep_repeats=1)
    assert done.returncode == 0, done.stdout
    records = playbook.records()
    assert [one["spec"]["workers"] for one in sorted(records, key=lambda one: one["spec"]["workers"])] == [1, 2, 4]
    assert all(one["timings"]["train_seconds"] > 0 and one["timings"]["global_steps"] == steps for one in records)
    if framework != "none":
        assert all(one["timings"]["accuracy"] > 0.5 for one in records)


@pytest.mark.full
def test_keras_fit_with_its_bar(playbook: Playbook) -> None:
    given = study(f"{PYTHON} {EXAMPLES}/keras_fit.py --epochs 2 --steps 100", 200, "jax", sweep_workers=[1, 2])
    done = playbook.run("sweep", **{**given, "training_env": {"KERAS_BACKEND": "jax"}}, sweep_repeats=1)
    assert done.returncode == 0, done.stdout
    for record in playbook.records():
        assert record["verdict"]["verdict"] != "void", record["verdict"]
        assert record["timings"]["global_steps"] == 200
        assert record["timings"]["train_seconds"] > 0
        assert any("auto is keras" in note for note in record["evidence"]["notes"])


@pytest.mark.full
def test_chief_of_tensorflow_whose_servers_never_end(playbook: Playbook) -> None:
    python = ROOT / ".venv-trainer/bin/python"
    given = study(f"{python} {EXAMPLES}/chief.py --steps 200", 200, "tensorflow", sweep_workers=[2], sweep_ps=[1])
    done = playbook.run("sweep", **given, sweep_repeats=1, training_chief=True)
    assert done.returncode == 0, done.stdout
    [record] = playbook.records()
    assert record["spec"]["chief"] is True
    assert (record["timings"]["global_steps"], record["verdict"]["verdict"] == "void") == (200, False)
