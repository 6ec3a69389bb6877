# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as templates call it; tests/e2e/test_helm.py has Helm itself render what it writes."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.filter import helm_chart

from tests.fixtures.standing import NAME, manifests


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
