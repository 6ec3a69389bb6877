# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the old chart, as its default file and its users' have them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.plugin_utils.helm_values import role_variables

# Listing 5.14.
DEFAULTS = """
worker:
  number: 2
  podManagementPolicy: Parallel
  image: {repository: dysproz/distributed-tf, tag: 1.6.0, pullPolicy: IfNotPresent}
  port: 9000
ps:
  number: 2
  podManagementPolicy: Parallel
  image: {repository: dysproz/distributed-tf, tag: 1.6.0, pullPolicy: IfNotPresent}
  port: 8000
hyperparams: {batchsize: 20, learningrate: 0.001, trainsteps: 0}
"""
EXPECTED = {
    "training_ps": 2,
    "training_workers": 2,
    "training_ports": {"ps": 8000, "worker": 9000},
    "training_pod_management": {"ps": "Parallel", "worker": "Parallel"},
    "training_ps_env": {},
    "training_worker_env": {},
    "training_volumes": [],
    "training_volume_mounts": [],
    "training_batch_size": 20,
    "training_learning_rate": 0.001,
    "training_steps": 0,
}
# The values of 0.1.4, https://github.com/Dysproz/distributed-tensorflow-helm, and what its templates read beside them.
LIMITED = """
worker:
  number: 2
  port: 9000
  gpuCount: 0
  limit: {memory: 512Mi, cpu: 250m}
ps:
  number: 1
  port: 8000
  gpuCount: 0
  limit: {memory: 128Mi}
hyperparams: {batchsize: 20, learningrate: 0.001, trainsteps: 200, hiddenunits: 50, datadir: /tmp/data, logdir: /tmp/mnist-log}
volumes:
  - name: logs-volume
    hostPath: {path: /tmp/mnist}
volumeMounts:
  - name: logs-volume
    mountPath: /tmp/mnist-log
"""
MINE = {"repository": "registry.example.com/mine", "tag": "7", "pullPolicy": "Always"}


@pytest.mark.parametrize("text", [DEFAULTS, "", "{}", "worker: {}\nps:\n"])
def test_defaults_are_those_of_the_chart_with_our_trainer(text: str) -> None:
    assert role_variables(yaml.safe_load(text)) == EXPECTED


def test_values_of_0_1_4_have_limits_and_what_its_program_was_told() -> None:
    ps, worker = {"memory": "128Mi"}, {"memory": "512Mi", "cpu": "250m"}
    assert role_variables(yaml.safe_load(LIMITED)) == {
        **EXPECTED,
        "training_ps": 1,
        "training_steps": 200,
        "training_hidden_units": 50,
        "training_data_dir": "/tmp/data",
        "training_log_dir": "/tmp/mnist-log",
        "training_ps_resources": {"requests": ps, "limits": ps},
        "training_worker_resources": {"requests": worker, "limits": worker},
        "training_volumes": [{"name": "logs-volume", "hostPath": {"path": "/tmp/mnist"}}],
        "training_volume_mounts": [{"name": "logs-volume", "mountPath": "/tmp/mnist-log"}],
    }


def test_images_of_others_are_told_what_0_1_4_told_them() -> None:
    hyper = {"hiddenunits": "50", "datadir": "/d", "logdir": "/l", "learningrate": 0.00123456789}
    values = {"worker": {"image": MINE}, "ps": {"image": MINE}, "hyperparams": hyper}
    assert role_variables(values)["training_command"] == [
        *("python", "train_distributed.py", "--learning_rate", "0.00123456789", "--batch_size", "20"),
        *("--data_dir", "/d", "--log_dir", "/l", "--hidden_units", "50"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "worker: {number: , port: , gpuCount: , podManagementPolicy: , env: , limit: }",
        "ps: {image: {repository: , tag: , pullPolicy: }, resources: , privileged: , gpuCount: }",
        "ps: {image: , limit: {memory: , cpu: }}",
        "hyperparams: {batchsize: , learningrate: , trainsteps: , hiddenunits: , datadir: , logdir: }",
        "hyperparams: {hiddenunits: '', datadir: '', logdir: ''}",
        "{worker: , ps: , hyperparams: , volumes: , volumeMounts: , nameOverride: , fullnameOverride: ''}",
    ],
)
def test_a_key_without_a_value_is_none(text: str) -> None:
    assert role_variables(yaml.safe_load(text)) == EXPECTED


def test_a_limit_of_one_kind_is_no_limit_of_the_other() -> None:
    given = role_variables({"worker": {"limit": {"cpu": 0.5, "memory": None}}})
    assert given["training_worker_resources"] == {"requests": {"cpu": 0.5}, "limits": {"cpu": 0.5}}
    assert "training_ps_resources" not in given


@pytest.mark.parametrize(
    ("value", "number"), [(2, 2), ("2", 2), (2.0, 2), (2e1, 20)], ids=["whole", "text", "2.0", "2e1"]
)
def test_a_whole_number_may_be_written_otherwise(value: Any, number: int) -> None:
    given = role_variables({"worker": {"number": value}, "hyperparams": {"trainsteps": value, "hiddenunits": value}})
    assert (given["training_workers"], given["training_steps"], given["training_hidden_units"]) == (number,) * 3


def test_images_of_others_keep_their_program_and_its_flags() -> None:
    worker = {"number": "3", "image": MINE, "gpuCount": 2, "env": {"A": 1, "EMPTY": None}, "port": 2222}
    values = {
        "worker": worker,
        "ps": {"image": {**MINE, "tag": 8}, "podManagementPolicy": "OrderedReady", "resources": {"limits": {"cpu": 1}}},
        "hyperparams": {"batchsize": 50, "learningrate": "0.01", "trainsteps": 10000},
        "volumes": [{"name": "logs", "emptyDir": {}}],
        "volumeMounts": [{"name": "logs", "mountPath": "/logs"}],
    }
    assert role_variables(values) == {
        "training_ps": 2,
        "training_workers": 3,
        "training_ports": {"ps": 8000, "worker": 2222},
        "training_pod_management": {"ps": "OrderedReady", "worker": "Parallel"},
        "training_ps_env": {},
        "training_worker_env": {"A": "1", "EMPTY": ""},
        "training_volumes": [{"name": "logs", "emptyDir": {}}],
        "training_volume_mounts": [{"name": "logs", "mountPath": "/logs"}],
        "training_batch_size": 50,
        "training_learning_rate": 0.01,
        "training_steps": 10000,
        "training_image": "registry.example.com/mine:7",
        "training_ps_image": "registry.example.com/mine:8",
        "training_image_pull_policy": "Always",
        "training_command": [
            *("python", "train_distributed.py", "--num_gpus", "2", "--learning_rate", "0.01"),
            *("--batch_size", "50", "--train_steps", "10000"),
        ],
        "training_ps_resources": {"limits": {"cpu": 1}},
        "training_gpus": 2,
    }


def test_a_program_that_knows_no_trainsteps_is_given_none() -> None:
    values = {"worker": {"image": MINE}, "ps": {"image": MINE}, "hyperparams": {"batchsize": 20}}
    assert "--train_steps" not in role_variables(values)["training_command"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "the values file is []: give worker, ps, hyperparams, volumes, volumeMounts"),
        ({"worker": 2}, "worker is a number: give number, podManagementPolicy, image, port, env, gpuCount"),
        ({"workers": {}}, "the values file has 'workers', which chart 0.1.x does not know: give worker, ps, "),
        ({"ps": {"gpuCount": 1}}, "ps.gpuCount is 1: workers alone train on GPUs; give 0"),
        ({"worker": {"resources": {}}}, "worker has 'resources', which chart 0.1.x does not know: give number, "),
        (
            {"worker": {"limit": {"disk": 1}}},
            "worker.limit has 'disk', which chart 0.1.x does not know: give memory, cpu",
        ),
        ({"worker": {"limit": {"memory": "lots"}}}, "worker.limit.memory is 'lots': give an amount such as 512Mi"),
        ({"ps": {"limit": {"cpu": True}}}, "ps.limit.cpu is True: give an amount such as 250m"),
        ({"ps": {"limit": "1Gi"}}, "ps.limit is a text: give memory, cpu"),
        (
            {"ps": {"limit": {"cpu": 1}, "resources": {"limits": {"cpu": 1}}}},
            "ps has limit and resources, which are of two versions of the chart: give one of them",
        ),
        ({"worker": {"env": {"A": float("inf")}}}, "worker.env.A is inf, which Helm cannot write: give it in quotes"),
        ({"worker": ""}, "worker is '': give number, podManagementPolicy, image"),
        ({"hyperparams": {"hiddenunits": 0}}, "hyperparams.hiddenunits is 0: give a whole number from 1"),
        ({"hyperparams": {"logdir": 7}}, "hyperparams.logdir is 7: give a folder"),
        ({"hyperparams": {"datadir": ["/d"]}}, "hyperparams.datadir is ['/d']: give a folder"),
        ({"worker": {"image": {"name": "x"}}}, "worker.image has 'name'"),
        ({"hyperparams": {"steps": 1}}, "hyperparams has 'steps', which chart 0.1.x does not know: give batchsize, "),
        ({"fullnameOverride": "x"}, "fullnameOverride is 'x': objects are named after training_name; leave it out"),
        ({"worker": {"number": 0}}, "worker.number is 0: give a whole number from 1"),
        ({"worker": {"number": True}}, "worker.number is True: give a whole number from 1"),
        ({"ps": {"number": "two"}}, "ps.number is 'two': give a whole number from 1"),
        ({"ps": {"port": 80}}, "ps.port is 80: give a whole number from 1024 to 65535"),
        ({"ps": {"podManagementPolicy": "Any"}}, "ps.podManagementPolicy is 'Any': give Parallel or OrderedReady"),
        ({"ps": {"privileged": True}}, "ps.privileged is true: pods of the standard `restricted` are never privileged"),
        ({"ps": {"resources": {"cpu": 1}}}, "ps.resources is {'cpu': 1}: give requests and limits as in a pod"),
        ({"ps": {"env": ["A=1"]}}, "ps.env is a list: give names and their values"),
        ({"worker": {"env": {"A": {}}}}, "worker.env.A is {}: give a text or number"),
        (
            {"worker": {"gpuCount": 1}},
            "worker.gpuCount is 1, but our image, which takes the place of the chart's, has TensorFlow for",
        ),
        ({"worker": {"gpuCount": -1}}, "worker.gpuCount is -1: give a whole number from 0"),
        (
            {"worker": {"image": MINE}},
            "ps.image is the chart's own, whose place our trainer takes, but the other one is yours",
        ),
        (
            {"worker": {"image": MINE}, "ps": {"image": {**MINE, "pullPolicy": "Never"}}},
            "worker.image.pullPolicy is Always and ps.image.pullPolicy Never: give the same for both",
        ),
        ({"worker": {"image": {"pullPolicy": "Often"}}}, "worker.image.pullPolicy is 'Often': give Never, "),
        ({"worker": {"image": {"repository": 7}}}, "worker.image.repository is 7: give the name of an image"),
        ({"volumes": {}}, "volumes is {}: give a list as in a pod"),
        ({"volumeMounts": ["x"]}, "volumeMounts[0] is a text: give a mapping as in a pod"),
        ({"hyperparams": {"learningrate": "fast"}}, "hyperparams.learningrate is 'fast': give a number above 0"),
        ({"hyperparams": {"learningrate": 0}}, "hyperparams.learningrate is 0: give a number above 0"),
        ({"hyperparams": {"batchsize": 0}}, "hyperparams.batchsize is 0: give a whole number from 1"),
        ({"hyperparams": {"trainsteps": 1.5}}, "hyperparams.trainsteps is 1.5: give a whole number from 0"),
    ],
)
def test_what_cannot_be_had_is_named(values: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        role_variables(values)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_privileged_that_is_off_is_nothing() -> None:
    given: dict[str, Any] = {"ps": {"privileged": False, "env": "", "resources": None}, "volumes": None}
    assert role_variables(given) == EXPECTED
