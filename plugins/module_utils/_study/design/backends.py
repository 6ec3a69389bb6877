# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cell's backend cannot do where it is an axis, and what a runtime of the cluster cannot. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._common.errors import InputError
from ..._common.format import shown
from . import workloads
from .inputs import one_of

Spec = Mapping[str, Any]

# Parts of a pod that a TrainJob of Kubeflow Trainer v2.0.0 has no field for.
NO_FIELD = ("training_env_from", "training_image_pull_secrets", "training_priority_class", "training_run_as_user")


def check(spec: Spec, label: str, role: str = "sweep") -> None:
    provider, backend = spec.get("provider", "local"), spec.get("backend", "processes")
    if (provider == "local") != (backend == "processes"):
        fitting = "processes" if provider == "local" else one_of(workloads.names())
        raise InputError(
            f"{role}_backends asks for {backend!r} ({label}), but cluster_provider is {provider!r}: give {fitting}, because a study"
            " has either processes of this machine or pods of a cluster"
        )
    if spec.get("runtime"):
        _check_runtime(spec, label, role)


def _check_runtime(spec: Spec, label: str, role: str) -> None:
    runtime = f"training_runtime is {spec['runtime']!r}"
    if spec["ps"]:
        raise InputError(
            f"{role}_ps asks for {shown(spec['ps'])} ps ({label}), but {runtime}, whose pods are all workers: give 0, or no runtime"
        )
    if not spec.get("command"):
        raise InputError(
            f"{runtime}, but training_command is empty: give the program, such as [torchrun, train.py], or no runtime"
        )
    if "spread" in spec:
        raise _untold(spec["runtime"], "training_spread", spec["spread"])


def check_variables(given: Mapping[str, Any]) -> None:
    """Of role training, before anything else is read."""
    for name in NO_FIELD if given.get("training_runtime") else ():
        if given.get(name) not in (None, "", []):
            raise _untold(given["training_runtime"], name, given[name])


def _untold(runtime: str, name: str, value: Any) -> InputError:
    return InputError(
        f"training_runtime is {runtime!r}, but {name} is {shown(value)}, which a TrainJob cannot tell a runtime: leave it out, or give"
        " no runtime"
    )


def check_runtime_is_used(spec: Spec, cells: Iterable[Spec]) -> None:
    """`spec` is that of all cells."""
    if spec.get("runtime") and not any("runtime" in cell for cell in cells):
        raise InputError(
            f"training_runtime is {spec['runtime']!r}, but training_backend is {spec.get('backend')!r}, which has no runtimes: give"
            f" {one_of([one.name for one in workloads.WORKLOADS if one.has_runtimes])}, or no runtime"
        )
