# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as templates call it."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.filter import helm_values
from ansible_collections.tfscale.study.plugins.module_utils._study.helm_values import role_variables


def test_filters_names_the_filter_that_is_documented() -> None:
    filters = helm_values.FilterModule().filters()
    assert list(filters) == [yaml.safe_load(helm_values.DOCUMENTATION)["name"]]
    assert filters["helm_values"]({}) == role_variables({})


def test_values_that_cannot_be_had_fail_with_a_sentence() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^training_helm_values: ps has 'replicas', .* give number, .*\.$"):
        helm_values.helm_values({"ps": {"replicas": 2}})
