# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as role cluster calls it, for what kubernetes.core is told of the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.tfscale.study.plugins.filter import current_context

from tests.fixtures.ansible_core import trust_as_template

ROOT = Path(__file__).parents[4]


def test_filters_names_the_filter_that_is_documented() -> None:
    filters = current_context.FilterModule().filters()
    assert list(filters) == [yaml.safe_load(current_context.DOCUMENTATION)["name"]]


@pytest.mark.parametrize(
    ("given", "auth"),
    [
        ({"cluster_kubeconfig": "{a}:{b}"}, {"kubeconfig": "{a}:{b}", "context": "a"}),
        ({"cluster_kubeconfig": "{b}:{a}"}, {"kubeconfig": "{b}:{a}", "context": "b"}),
        ({"cluster_kubeconfig": "{a}:{b}", "cluster_context": "b"}, {"kubeconfig": "{a}:{b}", "context": "b"}),
        ({"cluster_kubeconfig": "{a}"}, {"kubeconfig": "{a}"}),
        ({}, {}),
    ],
)
def test_all_tasks_take_the_first_current_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], auth: dict[str, Any]
) -> None:
    for name in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    files = {name: str(tmp_path / name) for name in ("a", "b")}
    for name, path in files.items():
        Path(path).write_text(yaml.safe_dump({"current-context": name}))
    expression = yaml.safe_load((ROOT / "roles/cluster/vars/main.yml").read_text())["cluster_auth"]
    empty = {"cluster_kubeconfig": "", "cluster_context": ""}
    variables = {**empty, **{key: value.format(**files) for key, value in given.items()}}
    found = Templar(loader=DataLoader(), variables=variables).template(trust_as_template(expression))
    assert found == {key: value.format(**files) for key, value in auth.items()}
