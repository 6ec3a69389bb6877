# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study cannot ask of a backend or a runtime, in a sentence that names the variable, its value and the cell."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design import backends

PODS = {"provider": "kind", "backend": "trainjob", "ps": 0, "workers": 2, "command": "exec torchrun train.py"}
RUNTIME = {**PODS, "runtime": "torch-distributed"}


@pytest.mark.parametrize("spec", [{}, PODS, RUNTIME, {**PODS, "backend": "jobset", "ps": 1}])
def test_check_takes_what_can_run(spec: dict[str, Any]) -> None:
    backends.check(spec, "ps=0 workers=2")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            {**PODS, "backend": "processes"},
            ["sweep_backends", "'processes'", "cluster_provider is 'kind'", "give job,"],
        ),
        ({**PODS, "provider": "local"}, ["'trainjob'", "cluster_provider is 'local'", "give processes"]),
        ({**RUNTIME, "ps": 2}, ["sweep_ps asks for 2 ps", "'torch-distributed'", "give 0"]),
        ({**RUNTIME, "command": ""}, ["training_runtime is 'torch-distributed'", "training_command is empty"]),
        ({**RUNTIME, "spread": "PodAffinity"}, ["training_spread is 'PodAffinity'"]),
    ],
)
def test_check_refuses_with_a_sentence(spec: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        backends.check(spec, "workers=2")
    assert [part for part in told if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("name", "value", "nothing"),
    [
        ("training_env_from", [{"secret": "s"}], []),
        ("training_image_pull_secrets", ["registry"], []),
        ("training_priority_class", "high", ""),
        ("training_run_as_user", 10001, ""),
    ],
)
def test_variables_that_a_train_job_cannot_tell_a_runtime(name: str, value: Any, nothing: Any) -> None:
    given = {"training_runtime": "torch-distributed", name: value}
    with pytest.raises(InputError, match=rf"training_runtime is 'torch-distributed', but {name} is "):
        backends.check_variables(given)
    backends.check_variables({**given, name: nothing})
    backends.check_variables({**given, "training_runtime": ""})


def test_check_names_the_variables_of_a_search() -> None:
    with pytest.raises(InputError, match="autosize_ps asks for 1 ps"):
        backends.check({**RUNTIME, "ps": 1}, "workers=2", "autosize")


def test_runtime_that_no_cell_has_is_refused() -> None:
    spec = {**RUNTIME, "backend": "job"}
    with pytest.raises(
        InputError, match=r"'torch-distributed'.*training_backend is 'job'.*give trainjob, or no runtime"
    ):
        backends.check_runtime_is_used(spec, [PODS])
    backends.check_runtime_is_used(spec, [PODS, RUNTIME])
    backends.check_runtime_is_used(PODS, [PODS])
