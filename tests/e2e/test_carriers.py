# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies of JobSets, of TrainJobs and in queues of Kueue, with the real controllers of all three."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps import (
    cluster_preflight_info,
    training_cleanup,
    training_deploy,
)

from tests.e2e.infra.base import run
from tests.e2e.infra.cluster import Cluster
from tests.e2e.infra.images import copy_jax
from tests.e2e.infra.trainer_image import base_images
from tests.e2e.queues import QUEUE, Queue
from tests.e2e.steps import execute, failure
from tests.e2e.test_ownership import OF_EXTENSIONS
from tests.e2e.test_preflight import DEFAULTS, RESOURCES, eventually
from tests.e2e.test_sweep import SCHEMA, is_training, leftovers, wait_until
from tests.fixtures.manifests import manifests
from tests.fixtures.playbook import ROOT, Playbook

pytestmark = pytest.mark.full
EXAMPLES, RENDEZVOUS = ROOT / "docs/examples", ROOT / "tests/integration/files/rendezvous.py"
EXTENSIONS = "jobset", "trainjob"
CELL = {"nodes": 1, "ps": 0, "workers": 2, "label": "workers=2"}
# How long a run waits in a queue, longer than its start-up takes.
HELD_SECONDS = 30.0


@pytest.fixture
def queue(carriers: Cluster, namespace: str, toolbox: str) -> Iterator[Queue]:
    """None is made yet."""
    made = Queue(carriers, namespace, toolbox)
    try:
        yield made
    finally:
        made.remove()


def refusal(cluster: Cluster, namespace: str, **given: Any) -> str:
    where = {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace}
    params = {**DEFAULTS, **where, "cells": [CELL], "resources": RESOURCES, **given}
    with pytest.raises(StepError) as caught:
        cluster_preflight_info.execute(params, Context())
    print(caught.value)
    return str(caught.value)


# The tests of a cluster without the extensions stand before the first that installs them.


@pytest.mark.parametrize(("backend", "kind"), [("jobset", "JobSet"), ("trainjob", "TrainJob")])
def test_preflight_names_an_extension_that_is_not_installed(
    cluster: Cluster, namespace: str, backend: str, kind: str
) -> None:
    said = refusal(cluster, namespace, backend=backend)
    assert f"training_backend is {backend!r}, which needs {kind} (" in said
    assert f"the cluster does not know {kind}" in said


def test_preflight_names_a_kueue_that_is_not_installed(cluster: Cluster, namespace: str) -> None:
    said = refusal(cluster, namespace, backend="job", queue=QUEUE)
    assert f"training_queue is {QUEUE!r}, but the cluster does not know LocalQueue" in said


@pytest.mark.parametrize("kind", ["job_set", "train_job"])
def test_a_queue_lets_in_one_at_a_time_and_the_urgent_first(queue: Queue, kind: str) -> None:
    """Without the collection: what its other tests stand on."""
    make = getattr(queue, kind)
    queue.make(pods=2)
    queue.apply(queue.training_runtime())
    queue.apply(make("first"))
    eventually(lambda: running(queue, "first") == 2)
    queue.apply(make("second"))
    waiting = eventually(lambda: queue.conditions("second").get("QuotaReserved"))
    assert (waiting["status"], waiting["reason"]) == ("False", "Pending")
    assert "insufficient unused quota for pods" in waiting["message"]
    assert running(queue, "second") == 0
    queue.kubectl("delete", f"{kind.replace('_', '')}/first")
    eventually(lambda: running(queue, "second") == 2)
    queue.apply(make("urgent", urgent=True))
    eventually(lambda: running(queue, "urgent") == 2)
    evicted = queue.conditions("second")["Evicted"]
    assert (evicted["status"], evicted["reason"]) == ("True", "Preempted")
    assert queue.conditions("second")["Preempted"]["reason"] == "InClusterQueue"
    assert running(queue, "second") == 0


def running(queue: Queue, owner: str) -> int:
    """A pod that is being deleted has its phase until its end, but Kueue takes it for gone: the next ones run beside it."""
    pods = [pod for pod in queue.items("pods") if pod["metadata"]["labels"]["jobset.sigs.k8s.io/jobset-name"] == owner]
    return sum(pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"] for pod in pods)


def test_preflight_names_a_queue_that_is_not_there_and_those_that_are(queue: Queue) -> None:
    queue.make(pods=2)
    said = refusal(queue.cluster, queue.namespace, backend="job", queue="team")
    assert f"training_queue is 'team', which namespace {queue.namespace} does not have: give {QUEUE}" in said


@pytest.mark.parametrize("policy", ["Hold", "HoldAndDrain"])
def test_preflight_names_a_queue_that_is_stopped(queue: Queue, policy: str) -> None:
    queue.make(pods=2, stop=policy)
    said = refusal(queue.cluster, queue.namespace, backend="job", queue=QUEUE)
    assert f"LocalQueue {QUEUE} is stopped (stopPolicy {policy})" in said


def test_preflight_names_a_cell_that_no_quota_ever_has_room_for(queue: Queue) -> None:
    queue.make(pods=1)
    said = refusal(queue.cluster, queue.namespace, backend="job", queue=QUEUE)
    assert "cell workers=2 can never be admitted" in said
    assert "2 pods" in said


def test_sweep_compares_carriers_in_one_report(playbook: Playbook, carriers: Cluster) -> None:
    backends = ["job", "jobset", "trainjob"]
    space = [{"nodes": [1], "ps": [1], "workers": [2]}]
    done = playbook.run("sweep", sweep_backends=backends, sweep_series=space)
    assert done.returncode == 0, done.stdout + done.stderr
    records = {one["spec"]["backend"]: one for one in playbook.records()}
    assert sorted(records) == backends
    for backend, record in records.items():
        jsonschema.Draft202012Validator(SCHEMA).validate(record)
        assert record["verdict"]["verdict"] == "valid", record["verdict"]
        assert record["evidence"]["restarts"] == 0
        assert len(record["evidence"]["replicas"]) == 3
        print(f"{backend}: start-up {record['timings']['startup_seconds']:.1f} s")
    report = (playbook.results / "tiny/report.md").read_text()
    assert all(backend in report for backend in backends)
    assert left_of(carriers) == ""


def left_of(cluster: Cluster) -> str:
    words = ("get", "jobsets,trainjobs,trainingruntimes", "--all-namespaces", "--output=name")
    return leftovers(cluster) + cluster.kubectl(*words, "--selector=tfscale.study/study=tiny").strip()


def test_objects_of_others_that_bear_our_names_stay(carriers: Cluster, namespace: str) -> None:
    auth: dict[str, Any] = {"kubeconfig": str(carriers.kubeconfig), "namespace": namespace}
    for backend in EXTENSIONS:
        # A trainer's image that no node has: nothing starts.
        documents = [one for one in manifests(backend) if one["kind"] in OF_EXTENSIONS]
        for one in documents:
            one["metadata"]["namespace"] = namespace
        execute(training_deploy, **auth, definition=documents)
        for one in documents:
            name = f"{one['kind'].lower()}/{one['metadata']['name']}"
            words = ("--namespace", namespace)
            carriers.kubectl("label", name, *words, "app.kubernetes.io/managed-by-")
            uid = carriers.kubectl("get", name, *words, "--output=jsonpath={.metadata.uid}")
            told = failure(training_deploy, **auth, definition=documents)
            assert told.startswith(f"{one['kind']} {namespace}/{one['metadata']['name']} is there and is not ours")
            execute(training_cleanup, **auth)
            assert carriers.kubectl("get", name, *words, "--output=jsonpath={.metadata.uid}") == uid
            carriers.kubectl("delete", name, *words)
            execute(training_cleanup, **auth)
            execute(training_deploy, **auth, definition=documents)
        execute(training_cleanup, **auth)
        assert left_of(carriers) == ""


def pending(queue: Queue) -> bool:
    """Whether a run of ours waits for its admission."""
    for one in queue.items("workloads"):
        owners = [owner["name"] for owner in one["metadata"].get("ownerReferences", ())]
        conditions = {condition["type"]: condition for condition in one.get("status", {}).get("conditions", ())}
        if owners and owners[0].startswith("tf-") and conditions.get("QuotaReserved", {}).get("status") == "False":
            return True
    return False


# The ps and the workers of a job or a statefulset are two objects; without a gang they are admitted one by one.
QUEUED = pytest.mark.parametrize("backend", ["job", "statefulset", "jobset", "trainjob"])


@QUEUED
def test_sweep_waits_for_quota_and_no_time_has_it(playbook: Playbook, queue: Queue, backend: str) -> None:
    queue.make(pods=2)
    queue.apply(queue.job_set("other"))
    eventually(lambda: queue.is_admitted("other"))
    began = time.monotonic()
    sweep = playbook.start("sweep", training_backend=backend, training_queue=QUEUE, training_gang=backend in EXTENSIONS)
    assert wait_until(lambda: pending(queue) or sweep.poll() is not None)
    time.sleep(HELD_SECONDS)
    queue.kubectl("delete", "jobset/other")
    output, _errors = sweep.communicate(timeout=playbook.seconds)
    seconds = time.monotonic() - began
    assert sweep.returncode == 0, output
    assert f"waiting for quota in queue {QUEUE}" in output
    (record,) = playbook.records()
    jsonschema.Draft202012Validator(SCHEMA).validate(record)
    assert record["verdict"]["verdict"] == "valid", record["verdict"]
    assert record["evidence"]["queue"]["name"] == QUEUE
    assert record["evidence"]["queue"]["cluster_queue"] == queue.namespace
    timings = record["timings"]
    assert timings["queue_seconds"] >= HELD_SECONDS
    assert timings["startup_seconds"] <= timings["total_seconds"] <= seconds - timings["queue_seconds"]
    assert left_of(queue.cluster) == ""


@QUEUED
def test_sweep_preempted_run_is_void_and_run_again(playbook: Playbook, queue: Queue, backend: str) -> None:
    queue.make(pods=2)
    given = {"training_backend": backend, "training_queue": QUEUE, "training_gang": backend in EXTENSIONS}
    sweep = playbook.start("sweep", **given, training_steps=5000, training_telemetry_every=20)
    assert wait_until(lambda: is_training(playbook) or sweep.poll() is not None)
    queue.apply(queue.job_set("urgent", urgent=True))
    eventually(lambda: queue.is_admitted("urgent"))
    queue.kubectl("delete", "jobset/urgent")
    output, _errors = sweep.communicate(timeout=playbook.seconds)
    assert sweep.returncode == 0, output
    first, second = playbook.records()
    assert (first["verdict"]["verdict"], second["verdict"]["verdict"]) == ("void", "valid"), output
    assert first["run_id"] == second["run_id"]
    (reason,) = first["verdict"]["reasons"]
    assert "was preempted by Kueue after step" in reason
    assert "Preempted to accommodate a workload" in reason
    assert left_of(queue.cluster) == ""


def test_sweep_run_that_is_never_admitted_is_void_with_kueues_words(playbook: Playbook, queue: Queue) -> None:
    queue.make(pods=2)
    queue.apply(queue.job_set("other"))
    eventually(lambda: queue.is_admitted("other"))
    given = {"training_backend": "jobset", "training_queue": QUEUE, "training_queue_deadline": 10}
    done = playbook.run("sweep", **given, sweep_attempts=1)
    (record,) = playbook.records()
    assert record["verdict"]["verdict"] == "void", done.stdout
    (reason, *_others) = record["verdict"]["reasons"]
    assert f"for quota in queue {QUEUE} (training_queue_deadline)" in reason
    assert "insufficient unused quota for pods" in reason
    assert record["evidence"]["queue"]["seconds"] is None
    assert left_of(queue.cluster) == ""


@pytest.fixture
def programs_of(queue: Queue) -> dict[str, Any]:
    """The examples and a stand-in, mounted into a run's pods."""
    files = [EXAMPLES / "jax_mnist.py", EXAMPLES / "tfscale_log.py", RENDEZVOUS]
    data = {file.name: file.read_text() for file in files}
    queue.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "programs"}, "data": data})
    return {
        "training_volumes": [{"name": "programs", "configMap": {"name": "programs"}}],
        "training_volume_mounts": [{"name": "programs", "mountPath": "/opt/programs"}],
        "training_log_format": "auto",
        "sweep_series": [{"nodes": [1], "workers": [2]}],
        "sweep_ps": "auto",
    }


@pytest.fixture
def jax_image(cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """The trainer's base image with what .venv-examples (`make setup-examples`) has of JAX."""
    base = base_images()
    version = copy_jax(tmp_path / "packages")
    if version != base["IMAGE_PYTHON"]:
        pytest.skip(f".venv-examples is of Python {version}, the image has {base['IMAGE_PYTHON']}")
    lines = (f"FROM {base['BASE_IMAGE']}", "COPY packages /opt/packages", "ENV PYTHONPATH=/opt/packages", "USER 10001")
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    image = "tfscale.test/jax:1"
    run("docker", "build", "--quiet", "--tag", image, tmp_path, env=cluster.environment())
    try:
        cluster.kind("load", "docker-image", image)
        yield image
    finally:
        run("docker", "rmi", "--force", image, env=cluster.environment())


def valid_run(playbook: Playbook, steps: int, **given: Any) -> dict[str, Any]:
    """The record of a study's only run."""
    done = playbook.run("sweep", training_steps=steps, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = playbook.records()
    assert record["verdict"]["verdict"] == "valid", record["verdict"]
    assert record["timings"]["global_steps"] == steps
    return record


def test_sweep_of_jax_in_a_job_set(playbook: Playbook, programs_of: dict[str, Any], jax_image: str) -> None:
    given = {"training_image": jax_image, "training_framework": "jax", "training_backend": "jobset"}
    command = "PYTHONPATH=$PYTHONPATH:/opt/programs exec python3 /opt/programs/jax_mnist.py --steps 300"
    record = valid_run(playbook, 300, training_command=command, **programs_of, **given)
    assert record["timings"]["accuracy"] > 0.5


@pytest.mark.parametrize("runtime", ["", "torch-distributed"])
def test_sweep_of_torchs_words_in_a_train_job(
    playbook: Playbook, programs_of: dict[str, Any], queue: Queue, runtime: str
) -> None:
    """A stand-in meets by the environment, which with a runtime of the cluster is partly the runtime's."""
    queue.cluster.kubectl("label", "namespace", queue.namespace, "pod-security.kubernetes.io/enforce-")
    given = {"training_framework": "pytorch", "training_backend": "trainjob", "training_runtime": runtime}
    command = "PYTHONPATH=/opt/programs exec python3 /opt/programs/rendezvous.py 100"
    valid_run(playbook, 100, training_command=command, **programs_of, **given)
    assert left_of(queue.cluster) == ""
