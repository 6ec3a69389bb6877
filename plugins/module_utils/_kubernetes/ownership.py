# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the objects of a run or a training are, and whose one is that bears the name of ours. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._common.errors import InputError
from .._study.design import workloads
from .api import Api, ApiError
from .labels import ATTEMPT, MANAGED, RUN, STUDY, TRAINING

Document = Mapping[str, Any]

# Of objects beside the workloads of the table and what belongs to these.
_PLACES = {
    "ConfigMap": ("/api/v1", "configmaps"),
    "Service": ("/api/v1", "services"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Deployment": ("/apis/apps/v1", "deployments"),
}
# By these it is known whose an object is; the others say what it is for.
OWNERS = (*MANAGED, STUDY, RUN, ATTEMPT, TRAINING)


def places() -> dict[str, tuple[str, str]]:
    """API and collection of each kind that a manifest of ours may have."""
    return {**_PLACES, **{one.kind: one.place for one in workloads.kinds()}}


def path_of(kind: str, namespace: str, name: str = "") -> str:
    api, resource = places()[kind]
    return f"{api}/namespaces/{namespace}/{resource}" + (f"/{name}" if name else "")


def told(document: Document) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def labels_of(document: Document) -> dict[str, str]:
    return dict(document["metadata"].get("labels") or {})


def owner_of(document: Document) -> dict[str, str]:
    """Those of its labels that say whose it is; a manifest of ours has them all."""
    return {key: str(value) for key, value in labels_of(document).items() if key in OWNERS}


def check_owner(live: Document, owner: Mapping[str, Any], what: str) -> None:
    """InputError for an object without these labels: it bears a name of ours and is none of ours."""
    have = labels_of(live)
    lacking = [f"{key}={value}" for key, value in owner.items() if have.get(key) != str(value)]
    if lacking:
        raise InputError(
            f"{what} is there and is not ours (it has no label {', '.join(lacking)}), so it is left alone: give another name"
            " or cluster_namespace, or delete it if it is yours"
        )


def read(api: Api, path: str) -> dict[str, Any] | None:
    """None when there is no such object; without its namespace there is nothing to say about objects."""
    try:
        return api.get(path)
    except ApiError as error:
        if error.status != 404 or error.message.startswith("namespaces "):
            raise
        return None
