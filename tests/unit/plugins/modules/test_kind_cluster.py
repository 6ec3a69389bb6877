# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._providers import kind as backend
from ansible_collections.tfscale.study.plugins.module_utils._steps import kind_cluster as step
from ansible_collections.tfscale.study.plugins.modules import kind_cluster

from tests.fixtures.engine import Engine
from tests.fixtures.modules import run


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(step, "Kind", lambda name, program: backend.Kind(name, program, run=made))
    return made


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    return {"name": "one", "kubeconfig": str(tmp_path / "one")}


def test_main_in_check_mode_returns_what_is_documented(
    place: dict[str, str], capsys: pytest.CaptureFixture[str], engine: Engine
) -> None:
    result = run(kind_cluster.main, capsys, **place, nodes=2, _ansible_check_mode=True)
    assert result["changed"] is True
    assert set(yaml.safe_load(kind_cluster.RETURN)) == set(result) - {"changed", "diff", "invocation"}
    assert engine.containers == {}


def test_main_returns_the_nodes_that_are_documented(
    place: dict[str, str], capsys: pytest.CaptureFixture[str], engine: Engine
) -> None:
    engine.add("one-control-plane", "control-plane", image="i")
    engine.add("one-worker", "worker", image="i")
    result = run(kind_cluster.main, capsys, **place, _ansible_check_mode=True)
    documented = yaml.safe_load(kind_cluster.RETURN)["nodes"]["contains"]
    assert all(set(documented) == set(one) for one in result["nodes"])
    assert len(result["nodes"]) == 2


def test_main_absent_finds_nothing_to_do(place: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    result = run(kind_cluster.main, capsys, **place, state="absent")
    assert (result["changed"], result["msg"]) == (False, "Kind cluster one does not exist.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"nodes": 0}, "cluster_nodes is 0: give a whole number from 1"),
        ({"nodes": "two"}, "argument 'nodes' is of type"),
        ({"engine": "rkt"}, "value of engine must be one of: docker, podman, got: rkt"),
        ({"nodes": 9, "node_cpus": 2}, "cluster_node_cpus asks for 18 CPUs (9 nodes with 2), but this host has 4"),
    ],
)
def test_main_fails_with_a_sentence(
    place: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], sentence: str
) -> None:
    result = run(kind_cluster.main, capsys, **place, **arguments)
    assert result["failed"] is True
    assert sentence in result["msg"]
