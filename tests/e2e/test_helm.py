# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a values file of the old chart to a long-running training, and from there to a chart that Helm itself renders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.plugin_utils.helm_chart import _clean

from tests.e2e.infra.base import run
from tests.e2e.infra.cluster import Cluster
from tests.e2e.infra.programs import HELM_PROGRAM, programs
from tests.fixtures.playbook import Playbook

VALUES = """
worker:
  number: 2
  image: {repository: dysproz/distributed-tf, tag: 1.7.0, pullPolicy: IfNotPresent}
  port: 9000
  env:
    GREETING: 'a {{ brace }}'
    MARK: '<<.Values.worker.number>>'
    NOTHING: 'a <no value>'
    NUMBER: '1e3'
    LETTER: 'y'
    ALLOW: true
ps:
  number: 1
  podManagementPolicy: OrderedReady
  port: 8000
hyperparams: {batchsize: 30, learningrate: 0.002, trainsteps: 2000000}
volumes: [{name: scratch, emptyDir: {}}]
volumeMounts: [{name: scratch, mountPath: /scratch}]
"""
KINDS = "configmaps,services,networkpolicies,statefulsets,persistentvolumeclaims,deployments"


@pytest.mark.full
def test_values_of_the_old_chart_become_a_training_and_a_chart_again(
    cluster: Cluster, namespace: str, trainer_image: str, tmp_path: Path
) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    variables = {
        "cluster_provider": "existing",
        "cluster_kubeconfig": str(cluster.kubeconfig),
        "cluster_namespace": namespace,
        "image_delivery": "none",
        "training_image": trainer_image,
        "training_image_pull_policy": "Never",
        "training_name": "old",
        "training_helm_values": str(tmp_path / "values.yaml"),
        "training_volume": {"size": "100Mi", "keep": False},
        "training_ready_seconds": 600,
        "sweep_results_dir": str(tmp_path),
    }
    playbook = Playbook(tmp_path, variables, "inventories/kind", cluster.environment(), seconds=1800)

    def play(name: str, **more: Any) -> None:
        result = playbook.run(name, **more)
        assert result.returncode == 0, result.stdout + result.stderr

    play("deploy")
    play("export_chart")
    selector = "--selector=tfscale.study/training=old"
    listed = cluster.kubectl("--namespace", namespace, "get", KINDS, selector, "--output=json")
    live = {(one["kind"], one["metadata"]["name"]): _clean(one) for one in json.loads(listed)["items"]}
    worker = live["StatefulSet", "old-worker"]["spec"]
    assert (worker["replicas"], worker["podManagementPolicy"]) == (2, "Parallel")
    container = worker["template"]["spec"]["containers"][0]
    assert container["ports"][0]["containerPort"] == 9000
    assert {"--batch_size=30", "--learning_rate=0.002", "--train_steps=2000000"} <= set(container["command"])
    assert {"name": "scratch", "mountPath": "/scratch"} in container["volumeMounts"]
    assert {"name": "ALLOW", "value": "true"} in container["env"]
    assert live["StatefulSet", "old-ps"]["spec"]["podManagementPolicy"] == "OrderedReady"

    helm, folder = programs(HELM_PROGRAM) / HELM_PROGRAM, tmp_path / "charts" / "old"
    run(helm, "lint", folder)

    def rendered(*words: str) -> dict[tuple[str, str], Any]:
        text = run(helm, "template", "old", folder, *words)
        return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}

    assert rendered() == live
    wider = rendered("--set", "worker.number=3", "--set", "hyperparams.learning_rate=0.1")
    assert wider["StatefulSet", "old-worker"]["spec"]["replicas"] == 3
    [config] = [one for kind, one in wider.items() if kind[0] == "ConfigMap"]
    assert config["data"]["WORKER_HOSTS"].count("old-worker-") == 3
    assert json.loads(config["data"]["TF_CLUSTER"])["worker"] == config["data"]["WORKER_HOSTS"].split(",")
    assert ("ConfigMap", config["metadata"]["name"]) not in live
    assert (
        "--learning_rate=0.1"
        in wider["StatefulSet", "old-worker"]["spec"]["template"]["spec"]["containers"][0]["command"]
    )
    play("deploy", training_state="absent")
    assert cluster.kubectl("--namespace", namespace, "get", KINDS, selector, "--output=name") == ""
