# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frameworks of programs: their words for a process's place, their threads, and what they cannot do. PRIVATE, can break at any time.

The table of docs/own-trainer.md is this one; a contract test compares them.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ..._common.errors import InputError
from ..._common.format import shown

TENSORFLOW, MPI = "tensorflow", "mpi"


@dataclass(frozen=True, kw_only=True)
class Framework:
    name: str
    # Variables that limit its threads to training_threads.
    threads: tuple[str, ...] = ()

    @property
    def has_ps(self) -> bool:
        return self.name == TENSORFLOW

    def limits(self, threads: int) -> dict[str, str]:
        return dict.fromkeys(self.threads, str(threads)) if threads else {}


FRAMEWORKS: dict[str, Framework] = {
    one.name: one
    for one in (
        # A pod template that differs restarts the pods of a long-running training: the order of these is kept.
        Framework(
            name=TENSORFLOW,
            threads=(
                *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
                *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
            ),
        ),
        Framework(name="pytorch", threads=("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")),
        # XLA sizes the thread pools of the CPU client by PJRT_NPROC (xla/pjrt/utils.cc, DefaultThreadPoolSize).
        Framework(name="jax", threads=("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC")),
        Framework(name=MPI, threads=("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")),
        Framework(name="none"),
    )
}

# Of every worker that runs a program of the user's own, beside TF_CONFIG and its companions. A chief is worker 0 and its address.
# Sources: torch/distributed/elastic/agent/server/local_elastic_agent.py, torch/distributed/argparse_util.py (PET_*: options of torchrun),
# kubeflow/trainer pkg/constants/constants.go, jax/_src/distributed.py and jax/_src/clusters/cluster.py,
# keras/src/distribution/distribution_lib.py, horovod/runner/gloo_run.py.
ENVIRONMENT: dict[str, str] = {
    "MASTER_ADDR": "{chief_host}",
    "MASTER_PORT": "{chief_port}",
    "WORLD_SIZE": "{world}",
    "RANK": "{rank}",
    "LOCAL_WORLD_SIZE": "{processes}",
    "LOCAL_RANK": "{local_rank}",
    "GROUP_WORLD_SIZE": "{workers}",
    "GROUP_RANK": "{index}",
    "NODE_RANK": "{index}",
    "PET_NNODES": "{workers}",
    "PET_NPROC_PER_NODE": "{processes}",
    "PET_NODE_RANK": "{index}",
    "PET_MASTER_ADDR": "{chief_host}",
    "PET_MASTER_PORT": "{chief_port}",
    # torchrun would start failed processes again: a run with a restart is no measurement, and nobody else would see it.
    "PET_MAX_RESTARTS": "0",
    "JAX_COORDINATOR_ADDRESS": "{chief_host}:{chief_port}",
    "JAX_COORDINATOR_PORT": "{chief_port}",
    "JAX_NUM_PROCESSES": "{world}",
    "JAX_PROCESS_COUNT": "{world}",
    "JAX_PROCESS_ID": "{rank}",
    "JAX_PROCESS_INDEX": "{rank}",
    "KERAS_DISTRIBUTION_JOB_ADDRESSES": "{chief_host}:{chief_port}",
    "KERAS_DISTRIBUTION_NUM_PROCESSES": "{world}",
    "KERAS_DISTRIBUTION_PROCESS_ID": "{rank}",
    "HOROVOD_SIZE": "{world}",
    "HOROVOD_RANK": "{rank}",
    "HOROVOD_LOCAL_SIZE": "{processes}",
    "HOROVOD_LOCAL_RANK": "{local_rank}",
    "HOROVOD_CROSS_SIZE": "{workers}",
    "HOROVOD_CROSS_RANK": "{index}",
    # A log that comes late has wrong times.
    "PYTHONUNBUFFERED": "1",
}
OF_PROCESS = ("{rank}", "{local_rank}")
# Programs that start the processes of a worker themselves; they read their number in the environment or in the hosts file.
STARTERS = frozenset(("torchrun", "accelerate", "deepspeed", "horovodrun", "mpirun", "mpiexec"))
STARTER_MODULES = frozenset(("torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch"))


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program of the user's own and the processes of a run that execute it; `spec` is a cell's."""

    spec: Mapping[str, Any]
    command: Sequence[str]

    @property
    def framework(self) -> Framework:
        return framework_of(self.spec)

    @property
    def processes(self) -> int:
        return processes_of(self.spec)

    @property
    def started(self) -> list[str]:
        """The command with what starts all processes of a worker, where the program does not."""
        if self.framework.name == MPI:
            return _behind(_MPI.format(slots=self.processes * int(self.spec["workers"])), self.command)
        if self.processes == 1 or starts_processes(self.command):
            return list(self.command)
        own = {name: value for name, value in ENVIRONMENT.items() if value in OF_PROCESS}
        exports = " ".join(
            f"{name}={value.format(rank='$rank', local_rank='$local_rank')}" for name, value in own.items()
        )
        return _behind(_PROCESSES.format(processes=self.processes, exports=exports), self.command)

    def environment(self, **carried: str) -> dict[str, str]:
        """The table of one worker. A carrier knows chief_host, chief_port and index, as values or as names for them."""
        processes, workers = self.processes, int(self.spec["workers"])
        # Of several processes each gets a rank of its own from the script that starts it.
        rank = carried["index"] if processes == 1 else ""
        known = {"processes": processes, "workers": workers, "world": processes * workers}
        return {
            name: value.format(**known, rank=rank, local_rank="0", **carried)
            for name, value in ENVIRONMENT.items()
            if (processes == 1 and self.framework.name != MPI) or value not in OF_PROCESS
        }


def _behind(script: str, command: Sequence[str]) -> list[str]:
    return ["/bin/sh", "-c", script, "tfscale", *command]


# The first process that fails ends its worker; the others end with the worker's process group or container.
_PROCESSES = """\
trap 'exit 1' USR1
trap 'trap "" TERM; wait; exit 143' TERM
local_rank=0
while [ $local_rank -lt {processes} ]; do
  rank=$((TASK_INDEX * {processes} + local_rank))
  (
    trap - TERM
    export {exports}
    "$@"
    code=$?
    [ $code -eq 0 ] || {{ echo "process $rank exited with code $code" >&2; kill -USR1 $$; }}
  ) &
  local_rank=$((local_rank + 1))
done
wait
"""
# One mpirun starts all processes. The other workers are its slots, so they have nothing to do. Bound to a core each, there could not be more
# processes than cores.
_MPI = """\
[ "$TASK_INDEX" = 0 ] || exit 0
hostfile=${{TFSCALE_RUN_DIR:-/tmp}}/hostfile
echo "localhost slots={slots}" >"$hostfile"
export OMPI_MCA_orte_default_hostfile="$hostfile" PRTE_MCA_prte_default_hostfile="$hostfile"
: "${{OMPI_MCA_hwloc_base_binding_policy:=none}}" "${{PRTE_MCA_hwloc_default_binding_policy:=none}}"
export OMPI_MCA_hwloc_base_binding_policy PRTE_MCA_hwloc_default_binding_policy
command -v mpirun >/dev/null || {{
  echo "training_framework is 'mpi', but there is no mpirun: give an image with Open MPI, or a PATH in training_env" >&2
  exit 127
}}
exec "$@"
"""
# In pods, where one template serves all workers.
CHIEF = """\
case $TASK_INDEX in
  0) task='{"type": "chief", "index": 0}' ;;
  *) task='{"type": "worker", "index": '$((TASK_INDEX - 1))'}' ;;
esac
export TF_CONFIG='{"cluster": '"$TF_CLUSTER"', "task": '"$task"'}'
exec "$@"
"""


def with_chief(cluster: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The same cluster of TF_CONFIG with worker 0 as its chief."""
    chief, *others = cluster["worker"]
    workers = {"worker": others} if others else {}
    return {"chief": [chief], **{kind: list(hosts) for kind, hosts in cluster.items() if kind != "worker"}, **workers}


def behind_chief(command: Sequence[str]) -> list[str]:
    return _behind(CHIEF, command)


def framework_of(spec: Mapping[str, Any]) -> Framework:
    return FRAMEWORKS[spec.get("framework", TENSORFLOW)]


def processes_of(spec: Mapping[str, Any]) -> int:
    return int(spec.get("processes_per_worker", 1))


def usual_ps(spec: Mapping[str, Any]) -> int:
    """Their number where nobody gives one: none for a framework or strategy without ps, else one."""
    mirrors = spec.get("strategy") == "mirrored" and not spec.get("command")
    return 0 if mirrors or spec.get("runtime") or not framework_of(spec).has_ps else 1


def words_of(command: str | Sequence[str]) -> list[str]:
    try:
        return [word for part in ([command] if isinstance(command, str) else command) for word in shlex.split(part)]
    except ValueError:
        return str(command).split()


def starts_processes(command: str | Sequence[str]) -> bool:
    words = words_of(command)
    return any(PurePath(word).name in STARTERS or word in STARTER_MODULES for word in words)


def check(
    spec: Mapping[str, Any], label: str, role: str = "sweep", *, which: Callable[[str], str | None] = shutil.which
) -> None:
    """What a cell's framework cannot do."""
    name, processes, command = framework_of(spec).name, processes_of(spec), spec.get("command")
    if not command and name != TENSORFLOW:
        raise InputError(
            f"training_framework is {name!r}, but training_command is empty: give the program, such as"
            f" {_EXAMPLES.get(name, 'exec python3 train.py')!r}"
        )
    if spec.get("ps") and not FRAMEWORKS[name].has_ps:
        raise InputError(
            f"{role}_ps asks for {shown(spec['ps'])} ps ({label}), but training_framework {name!r} has none: give 0, or leave"
            f" {role}_ps out"
        )
    if processes > 1 and name == TENSORFLOW:
        raise InputError(
            f"training_processes_per_worker is {processes}, but training_framework is {name!r}, whose TF_CONFIG has an address"
            " for each process: give 1 and more workers, or another framework"
        )
    if spec.get("chief") and not (command and name == TENSORFLOW):
        raise InputError(
            "training_chief is true, but "
            + ("training_command is empty" if not command else f"training_framework is {name!r}")
            + ": give a TensorFlow program with a chief, or false"
        )
    if name == MPI:
        _check_mpi(spec, label, role, which)


_EXAMPLES = {"pytorch": "exec torchrun train.py", MPI: "exec mpirun python3 train.py"}


def _check_mpi(spec: Mapping[str, Any], label: str, role: str, which: Callable[[str], str | None]) -> None:
    if spec.get("backend", "processes") == "processes":
        given = [word for word in words_of(spec["command"]) if PurePath(word).name == "mpirun"]
        environment = spec.get("env")
        has_path = isinstance(environment, Mapping) and "PATH" in environment
        if given and not has_path and not which(given[0]):
            raise InputError(
                f"training_framework is 'mpi', but there is no {given[0]} on this machine: install Open MPI, or give its path"
            )
    elif spec.get("workers") != 1:
        raise InputError(
            f"{role}_workers asks for {label}, but with training_framework 'mpi' one pod holds all processes, because mpirun"
            " reaches no other: give 1, and training_processes_per_worker"
        )
