# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as templates call it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.filter import helm_values
from ansible_collections.tfscale.study.plugins.plugin_utils.helm_values import role_variables


def test_filters_names_the_filter_that_is_documented() -> None:
    filters = helm_values.FilterModule().filters()
    assert list(filters) == [yaml.safe_load(helm_values.DOCUMENTATION)["name"]]
    assert filters["helm_values"]({}) == role_variables({})


def test_values_that_cannot_be_had_fail_with_a_sentence() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^training_helm_values: ps has 'replicas', .* give number, .*\.$"):
        helm_values.helm_values({"ps": {"replicas": 2}})


# What Helm 3.19 prints for each in the chart's `value: "{{ $value }}"`.
ENV = """
worker:
  env:
    ALLOW: true
    USE: no
    SCALE: 1.0
    N: 012
    D: 2024-01-01
    E: 1e3
    T: 12:30:45
    BIG: 2000000
    X: ~
    EMPTY:
    QUOTED: "1.0"
    WORD: 'yes'
    on: y
"""


def test_text_of_a_file_is_read_as_helm_reads_it() -> None:
    assert helm_values.helm_values(ENV)["training_worker_env"] == {
        "ALLOW": "true",
        "USE": "false",
        "SCALE": "1",
        "N": "10",
        "D": "2024-01-01",
        "E": "1000",
        "T": "12:30:45",
        "BIG": "2e+06",
        "X": "",
        "EMPTY": "",
        "QUOTED": "1.0",
        "WORD": "yes",
        "on": "true",
    }


@pytest.mark.parametrize(
    ("text", "variable", "value"),
    [
        ("hyperparams: {learningrate: 1e-3}", "training_learning_rate", 0.001),
        ("hyperparams: {trainsteps: 2e6}", "training_steps", 2_000_000),
        ("worker: {number: 0x3}", "training_workers", 3),
        ("worker: &group {number: 3}\nps: {<<: *group, number: 1}", "training_ps", 1),
        ("worker: {image: &mine {repository: mine, tag: 2.0}}\nps: {image: *mine}", "training_image", "mine:2"),
        ("worker: {number: !!int '3'}", "training_workers", 3),
        ("", "training_workers", 2),
    ],
)
def test_numbers_are_helm_s(text: str, variable: str, value: Any) -> None:
    assert helm_values.helm_values(text)[variable] == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("worker: [", "line 1 is no YAML: "),
        ("worker:\n  number: 1\n number: 2\n", "line 3 is no YAML: "),
        ("a: 1\n---\nb: 2\n", "line 2 is no YAML: "),
        ("worker: !thing {}", "line 1 is no YAML: "),
        ("worker: \x00", "the file is no YAML; give the values file of a chart."),
        ("just text", "the values file is a text: give worker, ps, hyperparams"),
        ("worker: {env: {A: .inf}}", "worker.env.A is inf, which Helm cannot write"),
    ],
)
def test_what_is_no_values_file_fails_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        helm_values.helm_values(text)
    assert f"training_helm_values: {words}" in str(caught.value)
    assert "\n" not in str(caught.value)
