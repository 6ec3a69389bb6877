# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster lacks for a backend is said before the first run, with the way to get it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import extensions
from ansible_collections.tfscale.study.plugins.module_utils._study.design.workloads import workload

from tests.fixtures.objects import Store

JOBSETS = {"/apis/jobset.x-k8s.io/v1alpha2": {"jobsets"}}
TRAINER = {"/apis/trainer.kubeflow.org/v1alpha1": {"trainjobs", "trainingruntimes", "clustertrainingruntimes"}}
RUNTIMES = "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes"


@pytest.fixture
def store() -> Store:
    return Store()


def refused(store: Store, backend: str, variable: str = "training_backend") -> str:
    with pytest.raises(InputError) as caught:
        extensions.check_backend(store, variable, backend)
    return str(caught.value)


@pytest.mark.parametrize(("backend", "apis"), [("jobset", JOBSETS), ("trainjob", {**JOBSETS, **TRAINER})])
def test_check_backend_of_an_extension_that_is_installed(store: Store, backend: str, apis: dict[str, set[str]]) -> None:
    store.apis |= apis
    extensions.check_backend(store, "training_backend", backend)


@pytest.mark.parametrize(
    ("backend", "apis", "kind", "version"),
    [
        ("jobset", {}, "JobSet", "download/v0.10.1/"),
        ("trainjob", JOBSETS, "TrainJob", "ref=v2.2.0"),
        # Kubeflow Trainer makes JobSets.
        ("trainjob", TRAINER, "JobSet", "download/v0.10.1/"),
    ],
)
def test_check_backend_names_a_missing_extension_and_its_manifest(
    store: Store, backend: str, apis: dict[str, set[str]], kind: str, version: str
) -> None:
    store.apis |= apis
    told = refused(store, backend, "sweep_backends")
    assert told.startswith(f"sweep_backends has '{backend}', which needs {kind} (")
    assert f"does not know {kind}" in told
    assert version in told
    assert ", or give job" in told


def test_check_backend_names_both_versions(store: Store) -> None:
    store.apis["/apis/jobset.x-k8s.io/v1"] = {"jobsets"}
    told = refused(store, "jobset")
    assert "JobSet (jobset.x-k8s.io/v1alpha2)" in told
    assert "serves jobset.x-k8s.io in v1 only" in told


def test_is_known_where_nobody_may_look(store: Store) -> None:
    store.refuse("GET", workload("jobset").api, 403)
    assert extensions.is_known(store, workload("jobset"))


@pytest.mark.parametrize(
    ("backend", "fields", "runtimes", "queue", "told"),
    [
        ("trainjob", {"podSpecOverrides"}, ["torch"], "", ""),
        ("trainjob", {"runtimePatches"}, [], "team", ""),
        ("trainjob", {"podSpecOverrides"}, [], "", ""),
        # The server does not tell.
        ("trainjob", set(), ["torch"], "team", ""),
        ("jobset", {"podSpecOverrides"}, [], "team", ""),
        ("trainjob", {"runtimePatches"}, ["torch"], "team", ""),
        (
            "trainjob",
            {"trainer"},
            ["torch"],
            "",
            "training_runtime is 'torch'.*podSpecOverrides.*runtimePatches.*v2.2.0",
        ),
        ("trainjob", {"podSpecOverrides"}, [], "team", "training_queue is 'team'.*podSpecOverrides.*v2.2.0"),
    ],
)
def test_check_fields_of_train_jobs(
    store: Store, backend: str, fields: set[str], runtimes: list[str], queue: str, told: str
) -> None:
    store.schemas["TrainJob"] = fields
    if not told:
        extensions.check_fields(store, backend, runtimes, queue)
    else:
        with pytest.raises(InputError, match=told):
            extensions.check_fields(store, backend, runtimes, queue)


def runtime(*jobs: str, step: str = "trainer", container: str = "node") -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": step}},
        "spec": {"template": {"spec": {"containers": [{"name": container}]}}},
    }
    replicated = [{"name": name, "template": template} for name in jobs]
    return {"metadata": {"name": "x"}, "spec": {"template": {"spec": {"replicatedJobs": replicated}}}}


def test_check_runtime_of_one_that_is_there(store: Store) -> None:
    store.objects[f"{RUNTIMES}/torch-distributed"] = runtime("node")
    extensions.check_runtime(store, "torch-distributed")


@pytest.mark.parametrize(("names", "told"), [(["a", "torch"], "give a, torch or nothing"), ([], "give nothing")])
def test_check_runtime_lists_those_that_are_there(store: Store, names: list[str], told: str) -> None:
    store.objects |= {f"{RUNTIMES}/{name}": {**runtime("node"), "metadata": {"name": name}} for name in names}
    with pytest.raises(InputError, match=rf"training_runtime is 'torhc'.*{told}"):
        extensions.check_runtime(store, "torhc")


@pytest.mark.parametrize(
    "found",
    [
        runtime("launcher", "node"),
        runtime("workers"),
        runtime("node", step="model-initializer"),
        runtime("node", container="c"),
    ],
)
def test_check_runtime_refuses_one_that_a_train_job_does_not_reach(store: Store, found: dict[str, Any]) -> None:
    store.objects[f"{RUNTIMES}/mpi"] = found
    with pytest.raises(InputError, match=r"training_runtime is 'mpi'.*`node`"):
        extensions.check_runtime(store, "mpi")


def test_check_runtime_where_nobody_may_look(store: Store) -> None:
    store.refuse("GET", f"{RUNTIMES}/torch", 403)
    extensions.check_runtime(store, "torch")
    store.refuse("LIST", RUNTIMES, 403)
    with pytest.raises(InputError, match="give one that is there or nothing"):
        extensions.check_runtime(store, "torhc")
