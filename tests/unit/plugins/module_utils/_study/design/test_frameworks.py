# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frameworks: what a program finds in its environment, how its processes start, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design import frameworks
from ansible_collections.tfscale.study.plugins.module_utils._study.design.frameworks import ENVIRONMENT, Program

from tests.fixtures.playbook import ROOT

SAY = 'echo "$LOCAL_RANK $RANK $JAX_PROCESS_ID $HOROVOD_LOCAL_RANK"'


def program(command: Any = ("train",), **spec: Any) -> Program:
    return Program(spec={"framework": "pytorch", "workers": 3, **spec}, command=list(command))


def environment(**spec: Any) -> dict[str, str]:
    return program(**spec).environment(chief_host="10.0.0.1", chief_port="2222", index="2")


def run(command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={"PATH": "/usr/bin:/bin", **env}, capture_output=True, text=True, timeout=20, check=False
    )


def sh(line: str) -> list[str]:
    return ["/bin/sh", "-c", line]


# The names that each framework's own sources read or set; the comment of ENVIRONMENT names the files.
READ = {
    "torch env:// and torchrun": "MASTER_ADDR MASTER_PORT RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE GROUP_RANK GROUP_WORLD_SIZE",
    "torchrun's options": "PET_NNODES PET_NPROC_PER_NODE PET_NODE_RANK PET_MASTER_ADDR PET_MASTER_PORT PET_MAX_RESTARTS",
    "lightning": "NODE_RANK",
    "jax": "JAX_COORDINATOR_ADDRESS JAX_COORDINATOR_PORT JAX_NUM_PROCESSES JAX_PROCESS_ID JAX_PROCESS_COUNT JAX_PROCESS_INDEX",
    "keras": "KERAS_DISTRIBUTION_JOB_ADDRESSES KERAS_DISTRIBUTION_NUM_PROCESSES KERAS_DISTRIBUTION_PROCESS_ID",
    "horovod": "HOROVOD_RANK HOROVOD_SIZE HOROVOD_LOCAL_RANK HOROVOD_LOCAL_SIZE HOROVOD_CROSS_RANK HOROVOD_CROSS_SIZE",
}


@pytest.mark.parametrize("whose", READ)
def test_environment_has_every_name_of_a_framework(whose: str) -> None:
    assert set(READ[whose].split()) <= set(ENVIRONMENT)


def test_environment_has_no_other_name() -> None:
    assert set(ENVIRONMENT) == {name for names in READ.values() for name in names.split()} | {"PYTHONUNBUFFERED"}


def test_documentation_shows_the_table() -> None:
    text = (ROOT / "docs/own-trainer.md").read_text()
    shown = {
        name for row in re.findall(r"^\| (`[A-Z_`, ]+) \|", text, re.MULTILINE) for name in re.findall(r"[A-Z_]+", row)
    }
    assert set(ENVIRONMENT) <= shown


def test_environment_of_one_process_a_worker() -> None:
    found = environment()
    assert (found["MASTER_ADDR"], found["MASTER_PORT"]) == ("10.0.0.1", "2222")
    assert (found["RANK"], found["WORLD_SIZE"], found["LOCAL_RANK"], found["LOCAL_WORLD_SIZE"]) == ("2", "3", "0", "1")
    assert (found["PET_NNODES"], found["PET_NODE_RANK"], found["PET_NPROC_PER_NODE"]) == ("3", "2", "1")
    assert found["JAX_COORDINATOR_ADDRESS"] == "10.0.0.1:2222"
    assert (found["JAX_NUM_PROCESSES"], found["JAX_PROCESS_ID"]) == ("3", "2")


def test_environment_of_several_processes_leaves_each_its_rank() -> None:
    found = environment(processes_per_worker=4)
    assert (found["WORLD_SIZE"], found["LOCAL_WORLD_SIZE"], found["GROUP_RANK"]) == ("12", "4", "2")
    assert not {"RANK", "LOCAL_RANK", "JAX_PROCESS_ID", "HOROVOD_RANK"} & set(found)


def test_environment_of_mpi_leaves_each_its_rank() -> None:
    assert not {"RANK", "LOCAL_RANK"} & set(environment(framework="mpi"))


def test_started_program_has_one_process_for_each_local_rank() -> None:
    ended = run(program(sh(SAY), processes_per_worker=3).started, TASK_INDEX="2")
    assert ended.returncode == 0
    assert sorted(ended.stdout.splitlines()) == ["0 6 6 0", "1 7 7 1", "2 8 8 2"]


def test_started_program_ends_with_the_first_process_that_fails() -> None:
    line = "if [ $LOCAL_RANK = 1 ]; then exit 7; fi; exec sleep 0.3"
    ended = run(program(sh(line), processes_per_worker=2).started, TASK_INDEX="0")
    assert ended.returncode == 1
    assert "process 1 exited with code 7" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["torchrun", "train.py"],
        ["/opt/x/bin/accelerate", "launch", "train.py"],
        ["/bin/sh", "-c", "cd /x && exec python3 -m torch.distributed.run train.py"],
    ],
)
def test_started_program_starts_its_processes_itself(command: list[str]) -> None:
    assert program(command, processes_per_worker=2).started == command


def test_started_program_is_the_command_alone() -> None:
    assert program(["python3", "train.py"]).started == ["python3", "train.py"]


def test_mpirun_starts_once_with_all_slots(tmp_path: Path) -> None:
    (tmp_path / "mpirun").write_text(
        '#!/bin/sh\ncat "$OMPI_MCA_orte_default_hostfile" "$PRTE_MCA_prte_default_hostfile"\n'
    )
    (tmp_path / "mpirun").chmod(0o755)
    mpi = program(["mpirun", "train"], framework="mpi", processes_per_worker=2)
    found = {
        index: run(mpi.started, TASK_INDEX=index, TFSCALE_RUN_DIR=str(tmp_path), PATH=f"{tmp_path}:/usr/bin:/bin")
        for index in "01"
    }
    assert found["0"].stdout.splitlines() == ["localhost slots=6"] * 2
    assert (found["1"].returncode, found["1"].stdout) == (0, "")


def test_mpi_without_mpirun_says_so(tmp_path: Path) -> None:
    ended = run(
        program(["mpirun", "x"], framework="mpi").started, TASK_INDEX="0", TFSCALE_RUN_DIR=str(tmp_path), PATH=""
    )
    assert ended.returncode == 127
    assert "training_framework is 'mpi', but there is no mpirun" in ended.stderr


def test_chief_of_a_pod_has_its_task() -> None:
    cluster = json.dumps(frameworks.with_chief({"ps": ["p:1"], "worker": ["a:1", "b:1", "c:1"]}))
    say = frameworks.behind_chief(sh('printf %s "$TF_CONFIG"'))
    found = [json.loads(run(say, TASK_INDEX=index, TF_CLUSTER=cluster).stdout) for index in "02"]
    assert found[0]["cluster"] == {"chief": ["a:1"], "ps": ["p:1"], "worker": ["b:1", "c:1"]}
    assert [one["task"] for one in found] == [{"type": "chief", "index": 0}, {"type": "worker", "index": 1}]


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"framework": "pytorch"}, ("training_framework is 'pytorch'", "training_command is empty")),
        ({"framework": "jax", "command": "x", "ps": 2}, ("sweep_ps", "2 ps", "'jax' has none")),
        ({"command": "x", "processes_per_worker": 2}, ("training_processes_per_worker is 2", "'tensorflow'")),
        ({"chief": True}, ("training_chief is true", "training_command is empty")),
        ({"chief": True, "command": "x", "framework": "jax"}, ("training_chief is true", "'jax'")),
        ({"framework": "mpi", "command": "exec mpirun x"}, ("training_framework is 'mpi'", "no mpirun")),
        (
            {"framework": "mpi", "command": "mpirun x", "backend": "job", "workers": 2},
            ("sweep_workers", "'mpi'", "give 1"),
        ),
    ],
)
def test_check_refuses(spec: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        frameworks.check({"ps": 0, "workers": 1, **spec}, "the cell", which=lambda _name: None)
    assert all(part in str(caught.value) for part in named), str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"framework": "pytorch", "command": "x", "processes_per_worker": 4},
        {"chief": True, "command": "x", "ps": 1},
        {"framework": "mpi", "command": "mpirun x", "env": {"PATH": "/opt/bin"}},
        {"framework": "mpi", "command": "mpirun x", "backend": "job", "processes_per_worker": 4},
    ],
)
def test_check_lets_through(spec: dict[str, Any]) -> None:
    frameworks.check({"ps": 0, "workers": 1, **spec}, "the cell", which=lambda _name: None)
