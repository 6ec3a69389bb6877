# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies on a real cluster, as a user starts them: ansible-playbook with the inventory of Kind."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._report import cause_words
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import ENGLISH
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import causes
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record

from tests.e2e.infra.cluster import Cluster
from tests.fixtures.playbook import ROOT, Playbook

SCHEMA = json.loads((ROOT / "docs/record.schema.json").read_text())
# A busy machine takes minutes for what an idle one does in seconds.
PATIENCE = 600.0


def wait_until(condition: Callable[[], bool], *, seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.5)
    return condition()


def last_line(result: Any) -> str:
    lines: list[str] = (result.stdout + (result.stderr or "")).strip().splitlines()
    return lines[-1]


def leftovers(cluster: Cluster) -> str:
    """What there is of the test's study, in any namespace."""
    kinds = "pods,jobs,statefulsets,services,configmaps,networkpolicies,leases"
    words = ("get", kinds, "--all-namespaces", "--selector=tfscale.study/study=tiny", "--output=name")
    return cluster.kubectl(*words).strip()


def pods(cluster: Cluster, namespace: str, replica: str) -> list[dict[str, Any]]:
    selector = f"--selector=tfscale.study/replica={replica}"
    found = json.loads(cluster.kubectl("get", "pods", "--namespace", namespace, selector, "--output=json"))
    items: list[dict[str, Any]] = found["items"]
    return items


def is_training(playbook: Playbook) -> bool:
    """Whether the chief of some run has made a step."""
    return any('"event":"progress"' in log.read_text() for log in playbook.results.glob("tiny/logs/*/*/worker-0.log"))


def test_sweep_two_numbers_of_nodes_both_backends_one_report(playbook: Playbook, cluster: Cluster) -> None:
    space = [{"nodes": [1, 2], "ps": [1], "workers": [1, 2]}]
    for backend in ("job", "statefulset"):
        result = playbook.run("sweep", sweep_series=space, training_backend=backend)
        assert result.returncode == 0, result.stdout + result.stderr
    records = playbook.records()
    assert sorted((r["spec"]["backend"], r["spec"]["nodes"], r["spec"]["workers"]) for r in records) == sorted(
        (backend, nodes, workers) for backend in ("job", "statefulset") for nodes in (1, 2) for workers in (1, 2)
    )
    assert {record["verdict"]["verdict"] for record in records} == {"valid"}, [record["verdict"] for record in records]
    for record in records:
        jsonschema.Draft202012Validator(SCHEMA).validate(record)
        active = set(record["evidence"]["active_nodes"])
        used = {replica["node"] for replica in record["evidence"]["replicas"]}
        assert len(active) == record["spec"]["nodes"]
        assert used <= active
        assert len({replica["image_id"] for replica in record["evidence"]["replicas"]}) == 1
        assert record["evidence"]["restarts"] == 0
        # Nodes of Kind are containers of one machine.
        (boot,) = {node["boot_id"] for node in record["provenance"]["nodes"]}
        assert boot
    report = (playbook.results / "tiny/report.md").read_text()
    assert "job" in report
    assert "statefulset" in report

    again = playbook.run("sweep", sweep_series=space)
    assert "changed=0" in again.stdout, again.stdout
    assert playbook.records() == records

    teardown = playbook.run("teardown")
    assert teardown.returncode == 0, teardown.stdout + teardown.stderr
    assert leftovers(cluster) == ""


@pytest.mark.full
def test_sweep_strategies_of_tensorflow_2_on_two_nodes(playbook: Playbook) -> None:
    space = [{"nodes": [2], "ps": [1, 2], "workers": [2]}]
    result = playbook.run("sweep", sweep_series=space, sweep_strategies="tf2_ps,mirrored")
    assert result.returncode == 0, result.stdout + result.stderr
    records = playbook.records()
    assert sorted((r["spec"]["strategy"], r["spec"]["ps"]) for r in records) == [
        ("mirrored", 0),
        ("tf2_ps", 1),
        ("tf2_ps", 2),
    ]
    assert {record["verdict"]["verdict"] for record in records} == {"valid"}, [record["verdict"] for record in records]
    assert {record["timings"]["global_steps"] for record in records} == {400}
    # Their replicas speak from node to node.
    assert all(len({one["node"] for one in record["evidence"]["replicas"]}) == 2 for record in records)


@pytest.mark.full
def test_sweep_compares_pods_beside_each_other_with_pods_apart(playbook: Playbook) -> None:
    space = [{"nodes": [2], "ps": [1], "workers": [3], "spreads": ["DoNotSchedule", "PodAffinity"]}]
    result = playbook.run("sweep", sweep_series=space)
    assert result.returncode == 0, result.stdout + result.stderr
    used = {
        record["spec"].get("spread"): len({one["node"] for one in record["evidence"]["replicas"]})
        for record in playbook.records()
    }
    assert used == {None: 2, "PodAffinity": 1}
    assert "PodAffinity" in (playbook.results / "tiny/report.md").read_text()


@pytest.mark.full
def test_sweep_throttled_workers_are_recorded_and_named(playbook: Playbook) -> None:
    """Workers with a tenth of a processor each; their ps has no limit."""
    limited = {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"cpu": "100m", "memory": "1536Mi"}}
    space = [{"nodes": [1], "ps": [1], "workers": [2]}]
    # Large batches: the workers compute for most of a step.
    given = {"training_steps": 200, "training_batch_size": 200, "training_worker_resources": limited}
    result = playbook.run("sweep", sweep_series=space, **given)
    assert result.returncode == 0, result.stdout + result.stderr
    (record,) = playbook.records()
    jsonschema.Draft202012Validator(SCHEMA).validate(record)
    used = {(one["replica"], one["index"]): one["trained"] for one in record["evidence"]["replicas"]}
    assert used["ps", 0]["cpu_limit"] is None
    assert used["ps", 0]["cpu_seconds"] > 0
    for worker in (("worker", 0), ("worker", 1)):
        assert used[worker]["cpu_limit"] == 0.1
        assert used[worker]["throttled_seconds"] > 0
    (node,) = record["evidence"]["processors"]
    assert node["own_seconds"] > 0
    found = causes.cause_of([Record.of(record)])
    stations = {one.kind: one for one in found.stations}
    assert stations[causes.WORKERS].utilisation >= causes.FULL
    # The nodes' processors are this machine's, which other programs may use meanwhile.
    if stations[causes.PROCESSORS].utilisation < causes.FULL:
        words = cause_words.said(found, ENGLISH)
        assert words.startswith("The workers are throttled by their CPU limit (")
        # One run is no answer; its cause stands in the table of cells.
        assert "| workers' CPU limit " in (playbook.results / "tiny/report.md").read_text()


@pytest.mark.full
@pytest.mark.parametrize("backend", ["job", "statefulset"])
def test_sweep_throttled_program_of_ones_own_is_recorded_and_named(
    playbook: Playbook, toolbox: str, backend: str
) -> None:
    """A shell that counts, with a tenth of a processor, and a ps that only waits: neither prints a counter."""
    count = """
    [ "$JOB_NAME" = ps ] && exec sleep 1000000
    step=0
    while [ "$step" -le 100 ]; do
      read -r now rest </proc/uptime
      echo "time=$now step=$step"
      i=0; while [ "$i" -lt 25000 ]; do i=$((i + 1)); done
      step=$((step + 1))
    done
    exit 0
    """
    limited = {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"cpu": "100m"}}
    given = {"training_image": toolbox, "training_run_as_user": 10001, "training_steps": 100}
    given |= {"training_log_format": r"time=(?P<time>[\d.]+) step=(?P<step>\d+)", "training_backend": backend}
    result = playbook.run("sweep", training_command=count, training_worker_resources=limited, **given)
    assert result.returncode == 0, result.stdout + result.stderr
    (record,) = playbook.records()
    jsonschema.Draft202012Validator(SCHEMA).validate(record)
    used = {one["replica"]: one["trained"] for one in record["evidence"]["replicas"]}
    seconds, held = record["timings"]["train_seconds"], record["evidence"]["checks"]["throttled_share"]
    assert used["worker"]["cpu_limit"] == 0.1
    assert 0 < used["worker"]["cpu_seconds"] / seconds < 0.13
    assert used["worker"]["throttled_seconds"] > 0
    assert used["ps"]["cpu_seconds"] / seconds < 0.05
    # A machine that is full with other programs lets the worker reach its limit less often.
    assert held > 0
    named = [reason for reason in record["verdict"]["reasons"] if "worker 0 was held back by its CPU limit" in reason]
    assert len(named) == (held > 0.1)
    stations = {one.kind: one for one in causes.cause_of([Record.of(record)]).stations}
    assert stations[causes.WORKERS].utilisation > 0.5


@pytest.mark.parametrize("replica", ["worker", pytest.param("ps", marks=pytest.mark.full)])
@pytest.mark.parametrize("backend", ["job", pytest.param("statefulset", marks=pytest.mark.full)])
def test_sweep_killed_replica_is_void_and_run_again(
    playbook: Playbook, cluster: Cluster, namespace: str, backend: str, replica: str
) -> None:
    sweep = playbook.start("sweep", training_backend=backend, training_steps=5000, training_telemetry_every=20)
    assert wait_until(lambda: is_training(playbook) or sweep.poll() is not None)
    victim = pods(cluster, namespace, replica)[0]["metadata"]["name"]
    cluster.kubectl("delete", "pod", victim, "--namespace", namespace, "--grace-period=0", "--force")
    output, _errors = sweep.communicate(timeout=3 * PATIENCE)
    assert sweep.returncode == 0, output
    first, second = playbook.records()
    assert (first["verdict"]["verdict"], second["verdict"]["verdict"]) == ("void", "valid"), output
    assert first["run_id"] == second["run_id"]
    assert f"{replica} 0" in first["verdict"]["reasons"][0]
    assert "will be run again" in output
    assert leftovers(cluster) == ""


@pytest.mark.parametrize("signum", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.full)])
def test_sweep_killed_controller_leaves_an_orphan_that_the_next_removes(
    playbook: Playbook, cluster: Cluster, namespace: str, signum: int
) -> None:
    long = {"training_steps": 100000, "training_telemetry_every": 20}
    controller = playbook.start("sweep", **long)
    assert wait_until(lambda: is_training(playbook) or controller.poll() is not None)
    controller.send_signal(signum)
    controller.communicate(timeout=PATIENCE)
    assert len(pods(cluster, namespace, "worker")) == 1
    result = playbook.run("sweep")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [record["verdict"]["verdict"] for record in playbook.records()] == ["valid"]
    assert leftovers(cluster) == ""


@pytest.mark.full
def test_sweep_ledger_in_the_cluster_outlives_the_controller(
    playbook: Playbook, cluster: Cluster, tmp_path: Path
) -> None:
    there = replace(playbook, variables={**playbook.variables, "sweep_ledger": "cluster"})
    first = there.run("sweep", sweep_results_dir=str(tmp_path / "one"))
    assert first.returncode == 0, first.stdout + first.stderr
    second = there.run("sweep", sweep_results_dir=str(tmp_path / "two"), sweep_repeats=2)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "1 of 2 runs are there, 1 to go" in second.stdout
    third = there.run("sweep", sweep_results_dir=str(tmp_path / "three"), sweep_repeats=2)
    assert "nothing is missing" in third.stdout
    assert "changed=2" in third.stdout  # the records and the report, which this folder did not have
    assert (tmp_path / "three/tiny/report.html").exists()
    assert leftovers(cluster).count("configmap/") == 2


@pytest.mark.full
def test_sweep_with_an_image_and_a_program_of_ones_own(playbook: Playbook, cluster: Cluster, toolbox: str) -> None:
    """docs/examples/own-image.yml as it is, but for the image: the tests reach no registry."""
    example = yaml.safe_load((ROOT / "docs/examples/own-image.yml").read_text())
    mine = {key: value for key, value in playbook.variables.items() if not key.startswith(("sweep_s", "training_"))}
    given = {**mine, **example, "training_image": toolbox, "training_image_pull_policy": "Never"}
    own = replace(playbook, variables=given)
    result = own.run("sweep")
    assert result.returncode == 0, result.stdout + result.stderr
    one, two = sorted(own.records("own-image"), key=lambda record: int(record["spec"]["workers"]))
    assert one["verdict"] == two["verdict"] == {"verdict": "valid", "reasons": []}
    assert one["timings"]["train_seconds"] > two["timings"]["train_seconds"] > 0
    assert one["evidence"]["replicas"][0]["image_id"]
