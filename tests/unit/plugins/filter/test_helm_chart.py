# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as templates call it; tests/e2e/test_helm.py has Helm itself render what it writes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.filter import helm_chart
from ansible_collections.tfscale.study.plugins.filter.helm_values import HelmLoader

from tests.fixtures.long_running import NAME, manifests


def test_filters_names_the_filter_that_is_documented() -> None:
    filters = helm_chart.FilterModule().filters()
    assert list(filters) == [yaml.safe_load(helm_chart.DOCUMENTATION)["name"]]


def test_helm_chart_gives_the_text_of_every_file() -> None:
    files = helm_chart.helm_chart(manifests(), name=NAME)
    assert yaml.safe_load(files["Chart.yaml"])["name"] == NAME
    assert yaml.safe_load(files["values.yaml"])["worker"]["image"] == "trainer:1"
    worker = files["templates/statefulset-worker.yaml"]
    assert "replicas: {{ .Values.worker.number }}\n" in worker
    assert "image: {{ .Values.worker.image | quote }}\n" in worker
    assert "- --learning_rate={{ .Values.hyperparams.learning_rate }}\n" in worker


def test_helm_chart_of_nothing_fails_with_a_sentence() -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"^training_name is 'mnist', but no such training stands there: .*\.$"
    ):
        helm_chart.helm_chart([], name=NAME)


# What users write into an environment, an argument or an annotation.
TEXTS = [
    *("<<.Values.worker.number>>", "'<<.Values.x | quote>>'", '<<include "training.config" .>>', "<<>>"),
    *("{{ .Values.worker.image }}", "{{", "{{{", "{{{{", "{{- x -}}", "a {{/* b */}} c", "}}", "{{ `", '{{ "', "\\{{"),
    *(
        "<no value>",
        "a <no value> {{ b",
        "template0n",
        "$index",
        "{\\x7b",
        "%s",
        "{{\n}}\n",
        "a: {{b}}",
        "{}",
        "[{{}}]",
    ),
    *("1e3", "y", "N", "on", "0o14", "08", "0x1F", "1_000", "1.0", "12:30:45", "2024-01-01", "~", "", "null", ".inf"),
    *(
        "=",
        "- a",
        "# a",
        "a #b",
        "a: b",
        " a",
        "a ",
        "'",
        '"',
        "\t",
        "a\nb",
        "a\u2028b\u0085",
        "\x07",
        "ż 😀",
        "*a",
        "!a",
        "%a",
    ),
]


def named(name: str, text: str) -> list[dict[str, Any]]:
    objects = manifests()
    container = objects[-1]["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": name, "value": text}]
    container["command"] += [text, f"--learning_rate={text}"]
    objects[-1]["metadata"] = {**objects[-1]["metadata"], "annotations": {"note": text}}
    return objects


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_a_user_comes_out_of_helm_as_it_went_in(text: str) -> None:
    """What Helm evaluates are our templates only, and what it reads afterwards is the text; tests/e2e asks Helm itself."""
    worker = helm_chart.helm_chart(named("GREETING", text), name=NAME)["templates/statefulset-worker.yaml"]
    assert set(re.findall(r"\{\{.*?\}\}", worker)) <= {
        "{{ .Values.worker.number }}",
        "{{ .Values.worker.image | quote }}",
        "{{ .Values.worker.pullPolicy }}",
        "{{ toJson .Values.worker.resources }}",
        '{{ include "training.config" . }}',
        "{{ .Values.hyperparams.learning_rate }}",
    }
    assert "<no value>" not in worker
    read = yaml.load(re.sub(r"\{\{.*?\}\}", "0", worker), HelmLoader)
    container = read["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "GREETING", "value": text}]
    assert container["command"][2] == text
    assert container["command"][3] in (f"--learning_rate={text}", "--learning_rate=0")
    assert read["metadata"]["annotations"] == {"note": text}


def test_values_are_texts_to_helm() -> None:
    """Helm would read 1e3 as a number, and y as a truth."""
    objects = manifests(rate="1e3", image="y")
    read = yaml.load(helm_chart.helm_chart(objects, name=NAME)["values.yaml"], HelmLoader)
    assert read["hyperparams"] == {"learning_rate": "1e3"}
    assert read["worker"]["image"] == "y"
