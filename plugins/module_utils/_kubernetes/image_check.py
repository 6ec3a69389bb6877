# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod of an image on every node, and what those pods tell of it. PRIVATE, can break at any time."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._common.format import readable
from .._common.process import identity, process_space
from .._common.words import words
from .labels import MANAGED, STUDY

CHECK = "tfscale.study/image-check"
# The process that waits for the answers.
ASKER = "tfscale.study/asker"
# What does not get better by itself; a pull that failed once (ErrImagePull) is tried again.
FINAL = ("ErrImageNeverPull", "InvalidImageName", "ImagePullBackOff", "CreateContainerConfigError")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One node: the image that its pod has, or why it has none, or neither yet."""

    node: str
    image_id: str
    reason: str
    message: str

    @property
    def is_final(self) -> bool:
        return bool(self.image_id) or self.reason in FINAL

    @property
    def digest(self) -> str:
        return digest_of(self.image_id)


def check_id(image: str) -> str:
    return hashlib.sha256(image.encode()).hexdigest()[:10]


def document(params: Mapping[str, Any]) -> dict[str, Any]:
    """The command need not be there: a container that cannot start has reported its image."""
    image = params["image"]
    labels = {**MANAGED, CHECK: check_id(image)} | ({STUDY: params["study"]} if params["study"] else {})
    container = {
        "name": "image",
        "image": image,
        "imagePullPolicy": params["pull_policy"],
        "command": ["sleep", "3600"],
        "resources": {kind: {"cpu": "10m", "memory": "32Mi"} for kind in ("requests", "limits")},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": words(params["node_selector"]),
        "tolerations": list(params["tolerations"]),
        "imagePullSecrets": [{"name": name} for name in params["pull_secrets"]],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": params["run_as_user"],
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": f"tf-image-{check_id(image)}", "labels": labels, "annotations": {ASKER: asker()}},
        "spec": {
            "selector": {"matchLabels": {CHECK: check_id(image)}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def asker() -> str:
    return f"{socket.gethostname()}/{identity(os.getpid())}/{process_space()}"


def asker_of(daemon_set: Mapping[str, Any]) -> str:
    return readable((daemon_set["metadata"].get("annotations") or {}).get(ASKER, ""))


def is_asked_for(daemon_set: Mapping[str, Any]) -> bool | None:
    """Whether somebody waits for its answers; None where that cannot be seen from here."""
    host, _slash, rest = asker_of(daemon_set).partition("/")
    process, _slash, space = rest.partition("/")
    if not space:
        return False
    if (host, space) != (socket.gethostname(), process_space()):
        return None
    pid = process.partition(":")[0]
    # We ask once at a time: what bears our own name was left when the server was away.
    return process != identity(os.getpid()) and pid.isdecimal() and identity(int(pid)) == process


def expected(daemon_set: Mapping[str, Any]) -> int | None:
    """Of how many nodes a pod is to come; None as long as the controller has not looked."""
    status = daemon_set.get("status") or {}
    if status.get("observedGeneration", 0) < daemon_set["metadata"]["generation"]:
        return None
    return int(status.get("desiredNumberScheduled", 0))


def read(pod: Mapping[str, Any]) -> Seen:
    status = pod.get("status") or {}
    container: Mapping[str, Any] = next(iter(status.get("containerStatuses") or []), {})
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if not container:
        # Without a place there is no container to tell anything.
        for condition in status.get("conditions") or []:
            if condition["type"] == "PodScheduled":
                reason, message = condition.get("reason", ""), condition.get("message", "")
    image_id, reason, message = map(readable, (container.get("imageID") or "", reason, message))
    return Seen(node=_node_of(pod), image_id=image_id, reason=reason, message=message)


def digest_of(image_id: str) -> str:
    """Runtimes write sha256:..., name@sha256:... or docker-pullable://name@sha256:..."""
    return image_id.rpartition("@")[2].rpartition("://")[2]


def problem(image: str, seen: Sequence[Seen]) -> str:
    """The sentence for the nodes that will never have the image; empty when there are none."""
    for reasons, text in (
        (
            ("ErrImageNeverPull",),
            "image {image} is not on {nodes}: put it there (image_delivery kind or push), or let the nodes"
            " pull it (training_image_pull_policy IfNotPresent)",
        ),
        (
            ("InvalidImageName",),
            "image {image} is not the name of an image ({message}): correct image_ref or training_image",
        ),
        (
            ("ImagePullBackOff", "ErrImagePull"),
            "{nodes} cannot pull image {image} ({message}): check its name, the registry and"
            " training_image_pull_secrets",
        ),
        (
            ("CreateContainerConfigError",),
            "image {image} cannot run on {nodes} ({message}): give it a USER that is a number"
            " other than 0, because pods must not run as root",
        ),
    ):
        nodes = [one for one in seen if one.reason in reasons and not one.image_id]
        if nodes:
            return text.format(image=image, nodes=_nodes(nodes, len(seen)), message=nodes[0].message)
    return ""


def disagreement(image: str, seen: Sequence[Seen], digest: str) -> str:
    """The sentence for nodes that have something else under the same name; empty when all agree."""
    if len({one.digest for one in seen} | ({digest} if digest else set())) <= 1:
        return ""
    told = ", ".join(f"{one.node} {one.digest[:19]}" for one in seen)
    wanted = f" instead of {digest[:19]}" if digest else ""
    return (
        f"nodes have different images under the name {image} ({told}{wanted}): deliver it again under a tag of its own,"
        " or by its digest"
    )


def _nodes(seen: Sequence[Seen], all_nodes: int) -> str:
    names = ", ".join(one.node for one in seen)
    return f"node {names}" if len(seen) == 1 else f"nodes {names}" if len(seen) < all_nodes else f"any node ({names})"


def _node_of(pod: Mapping[str, Any]) -> str:
    """A DaemonSet's pod is meant for one node, by its affinity, before it is there."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or []
    return next((str(field["values"][0]) for term in terms for field in term.get("matchFields") or []), "unknown")
