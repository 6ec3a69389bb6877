# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as templates call it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.filter import pod_env


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"A": True, "B": None}, [{"name": "A", "value": "true"}, {"name": "B", "value": ""}]),
        (
            {"A": {"secret": "s", "key": "k"}},
            [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        ),
        (
            {"A": {"key": "k", "configmap": "c"}},
            [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
        ),
        ([{"secret": "s"}, {"configmap": "c"}], [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}]),
        ({}, []),
    ],
)
def test_filter_writes_what_a_container_has(given: Any, expected: Any) -> None:
    filters = pod_env.FilterModule().filters()
    assert filters[yaml.safe_load(pod_env.DOCUMENTATION)["name"]](given) == expected
