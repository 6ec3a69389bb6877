# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for, of whom, and what the refusal says (tests/e2e/test_preflight.py: of a real server)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import permissions
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.permissions import Right
from ansible_collections.tfscale.study.plugins.module_utils._study.design import workloads

from tests.fixtures.objects import Store

RBAC = Path(__file__).resolve().parents[5] / "docs/examples/rbac.yml"


def granted() -> set[Right]:
    rules = [rule for item in yaml.safe_load(RBAC.read_text())["items"] for rule in item.get("rules", ())]
    return {
        Right(verb, group, resource)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_needed_is_what_the_documented_role_gives() -> None:
    assert set(permissions.needed(nodes=True, leases=True, queues=True)) <= granted()


@pytest.mark.parametrize("backend", workloads.names())
def test_needed_of_a_backend_is_a_part_of_it(backend: str) -> None:
    everything = permissions.needed(nodes=True, leases=True)
    assert set(permissions.needed(nodes=True, leases=True, backends=[backend])) < set(everything)


@pytest.mark.parametrize(("nodes", "leases"), [(True, False), (False, True), (False, False)])
def test_needed_asks_for_no_more_than_is_used(nodes: bool, leases: bool) -> None:
    resources = {right.resource for right in permissions.needed(nodes=nodes, leases=leases)}
    assert ("nodes" in resources, "leases" in resources, "localqueues" in resources) == (nodes, leases, False)
    assert {"pods", "pods/log", "jobs", "configmaps"} <= resources


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ({"verb": "get", "resource": "pods"}, Right("get", "", "pods")),
        ({"verb": "get", "group": None, "resource": "pods/log"}, Right("get", "", "pods/log")),
        ({"verb": "create", "group": "batch", "resource": "jobs"}, Right("create", "batch", "jobs")),
    ],
)
def test_right_of_what_a_user_gives(given: Any, right: Right) -> None:
    assert Right.of(given) == right


@pytest.mark.parametrize(
    "given", [{}, {"verb": "get"}, {"resource": "pods"}, {"verb": "get", "resource": "pods", "x": 1}]
)
def test_right_of_bad_input_gets_a_sentence(given: Any) -> None:
    with pytest.raises(InputError, match=r"needs has {.*: give verb, resource and, unless it is the core, group"):
        Right.of(given)


def test_missing_names_what_is_denied_in_the_order_asked() -> None:
    store = Store()
    store.denied = {"create jobs.batch", "get pods/log", "patch nodes -A", "list pods -A"}
    lacking = permissions.missing(store, permissions.needed(nodes=True, leases=True), "tfscale")
    assert [f"{right.verb} {right.target}" for right in lacking] == ["get pods/log", "create jobs.batch", "patch nodes"]


def test_missing_asks_once_for_each_right() -> None:
    store, wanted = Store(), permissions.needed(nodes=True, leases=True)
    assert permissions.missing(store, wanted, "tfscale") == []
    assert store.requests == len(wanted)


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        ([Right("get", "", "pods/log")], "user eve may not get pods/log in namespace tfscale: give"),
        ([Right("patch", "", "nodes")], "user eve may not patch nodes in the cluster: give"),
        (
            [Right("create", "batch", "jobs"), Right("patch", "", "nodes"), Right("patch", "batch", "jobs")],
            "user eve may not create, patch jobs.batch in namespace tfscale, and not patch nodes in the cluster: give",
        ),
        (
            [Right("list", "", "events"), Right("get", "apps", "statefulsets")],
            "user eve may not list events; get statefulsets.apps in namespace tfscale: give",
        ),
    ],
)
def test_refusal_is_one_sentence(lacking: list[Right], sentence: str) -> None:
    told = permissions.refusal(Store(), lacking, "tfscale")
    assert told == f"{sentence} these rights (docs/examples/rbac.yml has all that are needed)"


def test_refusal_of_a_server_that_does_not_say_who_we_are() -> None:
    store = Store()
    store.refuse("POST", permissions.WHO, 404)
    assert permissions.refusal(store, [Right("list", "", "events")], "a").startswith(
        "the user of this kubeconfig may not list"
    )
