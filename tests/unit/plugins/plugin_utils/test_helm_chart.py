# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a training's objects becomes a value, and what stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.plugin_utils.helm_chart import Repeated, Template, chart, repeated

from tests.fixtures.long_running import LABELS, NAME, manifests


def live(**given: Any) -> list[dict[str, Any]]:
    """As an API server returns objects."""
    found = manifests(**given)
    for one in found:
        one["metadata"] |= {"uid": "1", "resourceVersion": "2", "namespace": "tfscale"}
        one["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "yes"}
        one["status"] = {"replicas": 1}
    found[0]["data"] = {
        "PS_HOSTS": "mnist-ps-0:8000",
        "WORKER_HOSTS": "mnist-worker-0:9000,mnist-worker-1:9000",
        "TF_CLUSTER": '{"ps": ["a"], "worker": ["b"]}',
    }
    return found


def service(address: str) -> dict[str, Any]:
    spec = {"clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"], "ports": [{"port": 1}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "labels": LABELS}, "spec": spec}


def address(pod: str) -> dict[str, Any]:
    """A replica's own."""
    made = service("10.0.0.1")
    made["metadata"]["name"] = pod
    made["spec"]["selector"] = {"statefulset.kubernetes.io/pod-name": pod}
    return made


def claim() -> dict[str, Any]:
    meta = {"name": NAME, "labels": LABELS, "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
    spec = {"volumeName": "pvc-1", "accessModes": ["ReadWriteOnce"]}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def test_values_are_what_a_user_changes() -> None:
    assert chart(NAME, live(workers=3, rate="0.5"))["values.yaml"] == {
        "ps": {"number": 1, "image": "trainer:1", "pullPolicy": "IfNotPresent", "resources": {}},
        "worker": {"number": 3, "image": "trainer:1", "pullPolicy": "IfNotPresent", "resources": {}},
        "hyperparams": {"learning_rate": "0.5"},
    }


def test_every_object_has_a_template() -> None:
    files = chart(NAME, [*live(), service("None"), claim()])
    assert sorted(files) == [
        "Chart.yaml",
        "templates/_helpers.tpl",
        "templates/configmap.yaml",
        "templates/persistentvolumeclaim-mnist.yaml",
        "templates/service-s.yaml",
        "templates/statefulset-ps.yaml",
        "templates/statefulset-worker.yaml",
        "values.yaml",
    ]
    assert files["Chart.yaml"]["apiVersion"] == "v2"
    assert files["Chart.yaml"]["annotations"] == {"tfscale.study/training": NAME}


def test_templates_are_without_what_the_server_wrote() -> None:
    files = chart(NAME, [*live(), claim()])
    for path in ("templates/statefulset-ps.yaml", "templates/configmap.yaml"):
        assert set(files[path]["metadata"]) == {"name", "labels", "annotations"}
        assert files[path]["metadata"]["annotations"] == {"mine": "yes"}
        assert "status" not in files[path]
    kept = files["templates/persistentvolumeclaim-mnist.yaml"]
    assert kept == {**claim(), "metadata": {"name": NAME, "labels": LABELS}, "spec": {"accessModes": ["ReadWriteOnce"]}}


@pytest.mark.parametrize(("address", "left"), [("None", {"clusterIP": "None"}), ("10.0.0.1", {})])
def test_a_service_keeps_only_an_address_that_was_asked_for(address: str, left: dict[str, str]) -> None:
    made = chart(NAME, [*live(), service(address)])["templates/service-s.yaml"]
    assert made["spec"] == {**left, "ports": [{"port": 1}]}


def test_addresses_are_as_many_as_there_are_replicas() -> None:
    files = chart(NAME, [*live(), *(address(f"mnist-worker-{index}") for index in range(2)), address("mnist-ps-0")])
    made = files["templates/addresses-worker.yaml"]
    assert isinstance(made, Repeated)
    assert made.kind == "worker"
    assert made.document["metadata"]["name"] == "mnist-worker-{{ $index }}"
    assert isinstance(made.document["metadata"]["name"], Template)
    assert made.document["spec"] == {
        "selector": {"statefulset.kubernetes.io/pod-name": "mnist-worker-{{ $index }}"},
        "ports": [{"port": 1}],
    }
    assert sorted(path for path in files if "service" in path or "addresses" in path) == [
        "templates/addresses-ps.yaml",
        "templates/addresses-worker.yaml",
    ]
    assert repeated("ps", "kind: Service\n") == (
        "{{- range $index := until (int .Values.ps.number) }}\n---\nkind: Service\n{{- end }}\n"
    )


def test_hosts_follow_the_numbers_and_name_the_config() -> None:
    files = chart(NAME, live())
    helpers = files["templates/_helpers.tpl"]
    assert "mnist-worker-{{ $index }}:9000" in helpers
    assert "mnist-ps-{{ $index }}:8000" in helpers
    name = live()[0]["metadata"]["name"]
    present = "mnist-ps-0:8000 mnist-worker-0:9000,mnist-worker-1:9000"
    assert f'{{{{- if eq $hosts "{present}" -}}}}{name}{{{{- else -}}}}' in helpers
    config = files["templates/configmap.yaml"]
    assert config["metadata"]["name"] == '{{ include "training.config" . }}'
    assert config["data"]["WORKER_HOSTS"] == '{{ include "training.worker" . | quote }}'
    assert config["data"]["TF_CLUSTER"].startswith('{{ printf "{\\"ps\\": [\\"%s\\"], \\"worker\\": [\\"%s\\"]}"')
    source = files["templates/statefulset-worker.yaml"]["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    assert source == [{"configMapRef": {"name": '{{ include "training.config" . }}'}}]


def test_a_training_without_ps_has_none_in_its_chart() -> None:
    objects = [one for one in live() if one["metadata"]["name"] != f"{NAME}-ps"]
    files = chart(NAME, objects)
    assert "ps" not in files["values.yaml"]
    assert "training.ps" not in files["templates/_helpers.tpl"]


@pytest.mark.parametrize("rate", ["{{ .Values.x }}", "a b", "a #b", "yes: no", ""])
def test_a_flag_with_more_than_a_word_is_no_value(rate: str) -> None:
    files = chart(NAME, live(rate=rate))
    assert files["values.yaml"]["hyperparams"] == {}
    command = files["templates/statefulset-worker.yaml"]["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command == ["trainer", f"--learning_rate={rate}"]
    assert not any(isinstance(word, Template) for word in command)


def test_a_flag_with_another_value_than_the_workers_stays_as_it_is() -> None:
    objects = live(rate="0.5")
    ps, worker = (
        next(one for one in objects if one["metadata"]["name"] == f"{NAME}-{kind}")["spec"]["template"]["spec"]
        for kind in ("ps", "worker")
    )
    ps["containers"][0]["command"] = ["trainer", "--learning_rate=0.1", "--threads=1"]
    worker["containers"][0]["command"] = ["trainer", "--learning_rate=0.1", "--learning_rate=0.5"]
    files = chart(NAME, objects)
    assert files["values.yaml"]["hyperparams"] == {"learning_rate": "0.5"}
    commands = {
        kind: files[f"templates/statefulset-{kind}.yaml"]["spec"]["template"]["spec"]["containers"][0]["command"]
        for kind in ("ps", "worker")
    }
    assert commands["ps"] == ["trainer", "--learning_rate=0.1", "--threads=1"]
    given = "--learning_rate={{ .Values.hyperparams.learning_rate }}"
    assert commands["worker"] == ["trainer", "--learning_rate=0.1", given]


def test_hosts_that_somebody_changed_stay_texts() -> None:
    objects = live()
    objects[0]["data"] |= {"PS_HOSTS": 'mnist-ps-0:{{ fail "x" }}', "WORKER_HOSTS": 'a"b:1'}
    helpers = chart(NAME, objects)["templates/_helpers.tpl"]
    assert '$index }}:{{ "{{" }} fail "x" }}' in helpers
    assert r'if eq $hosts "mnist-ps-0:{{ fail \"x\" }} a\"b:1"' in helpers


def test_a_training_that_does_not_stand_is_named() -> None:
    with pytest.raises(InputError, match="training_name is 'mnist', but no such training stands there"):
        chart(NAME, live()[:2])
    with pytest.raises(InputError, match=r"the ConfigMap mnist-.* is not there: deploy the training anew"):
        chart(NAME, live()[1:])
