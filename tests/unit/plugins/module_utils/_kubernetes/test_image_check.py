# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod on every node tells of an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.image_check import (
    CHECK,
    Seen,
    digest_of,
    disagreement,
    document,
    expected,
    problem,
    read,
)

PODS = Path(__file__).parents[4] / "fixtures" / "pods"
PARAMS: dict[str, Any] = {
    "image": "team/mnist:7",
    "pull_policy": "Never",
    "pull_secrets": ["registry"],
    "run_as_user": 10001,
    "node_selector": {"pool": 1},
    "tolerations": [{"key": "gpu"}],
    "study": "mnist",
}


def pod(name: str) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((PODS / f"{name}.json").read_text())
    return recorded["items"][0] if "items" in recorded else recorded


def seen(node: str, image_id: str = "", reason: str = "", message: str = "") -> Seen:
    return Seen(node=node, image_id=image_id, reason=reason, message=message)


def test_document_is_what_the_restricted_standard_admits() -> None:
    made = document(PARAMS)
    spec = made["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["securityContext"] == security
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert (container["image"], container["imagePullPolicy"]) == ("team/mnist:7", "Never")
    assert spec["nodeSelector"] == {"pool": "1"}
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["tolerations"] == [{"key": "gpu"}]


def test_document_carries_the_labels_of_a_study() -> None:
    made = document(PARAMS)
    labels = made["metadata"]["labels"]
    assert labels == made["spec"]["template"]["metadata"]["labels"]
    assert made["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert labels["tfscale.study/study"] == "mnist"
    assert labels["app.kubernetes.io/managed-by"] == "tfscale.study"
    assert made["metadata"]["name"] == f"tf-image-{labels[CHECK]}"
    assert "tfscale.study/study" not in document({**PARAMS, "study": ""})["metadata"]["labels"]
    assert document({**PARAMS, "image": "other"})["metadata"]["name"] != made["metadata"]["name"]


@pytest.mark.parametrize(
    ("status", "generation", "count"),
    [
        ({}, 1, None),
        ({"observedGeneration": 1, "desiredNumberScheduled": 2}, 2, None),
        ({"observedGeneration": 1, "desiredNumberScheduled": 2}, 1, 2),
        ({"observedGeneration": 1}, 1, 0),
    ],
)
def test_expected_once_the_controller_has_looked(status: dict[str, int], generation: int, count: int | None) -> None:
    assert expected({"metadata": {"generation": generation}, "status": status}) == count


@pytest.mark.parametrize(
    ("name", "has_image", "reason", "final"),
    [
        ("running", True, "", True),
        ("completed", True, "", True),
        ("CrashLoopBackOff", True, "CrashLoopBackOff", True),
        ("ErrImageNeverPull", False, "ErrImageNeverPull", True),
        ("ErrImagePull", False, "ErrImagePull", False),
        ("Unschedulable", False, "Unschedulable", False),
    ],
)
def test_read_recorded_pods(name: str, has_image: bool, reason: str, final: bool) -> None:
    found = read(pod(name))
    assert bool(found.image_id) is has_image
    assert found.digest.startswith("sha256:") is has_image
    assert found.reason == reason
    assert found.is_final is final


def test_read_text_that_acts_on_a_terminal_is_only_text() -> None:
    waiting = {"waiting": {"reason": "Err\x1b[1m", "message": "\x1b]0;owned\x07no\r\nroom\u202e"}}
    status = {"containerStatuses": [{"imageID": "a@sha256:\x1b[8m1", "state": waiting}]}
    found = read({"spec": {"nodeName": "w1"}, "status": status})
    assert found == seen("w1", image_id="a@sha256:1", reason="Err", message="no room")


def test_read_pod_without_a_place_knows_for_which_node_it_is() -> None:
    field = {"key": "metadata.name", "operator": "In", "values": ["w2"]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    condition = {"type": "PodScheduled", "reason": "Unschedulable", "message": "1 Insufficient cpu"}
    found = read({"spec": {"affinity": affinity}, "status": {"conditions": [condition]}})
    assert found == seen("w2", reason="Unschedulable", message="1 Insufficient cpu")
    assert read({"spec": {}}) == seen("unknown")


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        ("sha256:abc", "sha256:abc"),
        ("docker.io/library/import-2026-11-24@sha256:abc", "sha256:abc"),
        ("docker-pullable://team/mnist@sha256:abc", "sha256:abc"),
        ("docker://sha256:abc", "sha256:abc"),
        ("", ""),
    ],
)
def test_digest_of_what_runtimes_write(image_id: str, digest: str) -> None:
    assert digest_of(image_id) == digest


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ([seen("a", "sha256:1"), seen("b", "sha256:1", "CrashLoopBackOff")], ""),
        ([seen("a"), seen("b", reason="ContainerCreating")], ""),
        (
            [seen("a", "sha256:1"), seen("b", reason="ErrImageNeverPull")],
            "image x:1 is not on node b: put it there (image_delivery kind or push), or let the nodes pull it"
            " (training_image_pull_policy IfNotPresent)",
        ),
        (
            [seen("a", reason="ErrImageNeverPull"), seen("b", reason="ErrImageNeverPull"), seen("c", "sha256:1")],
            "image x:1 is not on nodes a, b: put",
        ),
        ([seen(name, reason="ErrImageNeverPull") for name in "ab"], "image x:1 is not on any node (a, b): put"),
        (
            [seen("a", reason="ImagePullBackOff", message="unauthorized"), seen("b", "sha256:1")],
            "node a cannot pull image x:1 (unauthorized): check its name, the registry and training_image_pull_secrets",
        ),
        (
            [seen("a", reason="CreateContainerConfigError", message="image will run as root")],
            "image x:1 cannot run on node a (image will run as root): give it a USER that is a number other than 0, because pods"
            " must not run as root",
        ),
        (
            [seen("a", reason="InvalidImageName", message="invalid reference format")],
            "image x:1 is not the name of an image (invalid reference format): correct image_ref or training_image",
        ),
    ],
)
def test_problem_names_nodes_and_what_to_do(nodes: list[Seen], sentence: str) -> None:
    found = problem("x:1", nodes)
    assert found.startswith(sentence)
    assert bool(found) is bool(sentence)


@pytest.mark.parametrize(
    ("ids", "digest", "told"),
    [
        (["a@sha256:1", "b@sha256:1"], "", ""),
        (["a@sha256:1"], "sha256:1", ""),
        (
            ["sha256:1", "sha256:2"],
            "",
            "nodes have different images under the name x:1 (n0 sha256:1, n1 sha256:2): deliver",
        ),
        (
            ["sha256:1"],
            "sha256:2",
            "nodes have different images under the name x:1 (n0 sha256:1 instead of sha256:2): deliver",
        ),
    ],
)
def test_disagreement_compares_digests(ids: list[str], digest: str, told: str) -> None:
    found = disagreement("x:1", [seen(f"n{number}", one) for number, one in enumerate(ids)], digest)
    assert found.startswith(told)
    assert bool(found) is bool(told)
