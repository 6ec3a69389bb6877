# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long-running training in a cluster: its objects as they are and as they are wanted. PRIVATE, can break at any time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._common.errors import InputError
from .._kubernetes.api import Api, ApiError
from .._kubernetes.labels import MANAGED, REPLICA, TRAINING
from .._kubernetes.ownership import Document, check_owner, labels_of, path_of, places, read, told
from .upgrade_plan import GROUPS

# Of these it consists.
KINDS = ("ConfigMap", "Service", "PersistentVolumeClaim", "NetworkPolicy", "Deployment", "StatefulSet")
# A claim has data, a StatefulSet is the training, and ConfigMaps are those of former versions.
DISPENSABLE = ("Deployment", "Service")
REVISION_LABEL = "controller-revision-hash"
# What the server and its controllers write, so that it tells nothing about what is wanted.
OF_THE_SERVER = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink", "namespace")


class LongRunningTraining:
    """One training by its name. Objects are replaced as wholes: what is no longer wanted goes, whoever has put it there."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self.name = name
        self.namespace = namespace
        self.api = api
        self.owner = {**MANAGED, TRAINING: name}
        self.selector = ",".join(f"{key}={value}" for key, value in self.owner.items())

    def path(self, kind: str, name: str = "") -> str:
        return path_of(kind, self.namespace, name)

    @property
    def pods_path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        """Whatever is changed or taken away by its name is read before; what is not the training's raises InputError."""
        live = read(self.api, self.path(kind, name))
        if live is not None:
            check_owner(live, self.owner, f"{kind} {self.namespace}/{name}")
        return live

    def groups(self) -> dict[str, dict[str, Any]]:
        """The StatefulSets that are there, by ps and worker."""
        found = {group: self.read("StatefulSet", f"{self.name}-{group}") for group in GROUPS}
        return {group: live for group, live in found.items() if live is not None}

    def put(self, wanted: Document, *, try_only: bool = False) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """The object before and after; with `try_only` the server says what would become of it."""
        kind, name = wanted["kind"], wanted["metadata"]["name"]
        query = {"dryRun": "All"} if try_only else {}
        live = self.read(kind, name)
        if live is None:
            return None, self.api.create(self.path(kind), wanted, **query)
        return live, self.api.replace(self.path(kind, name), merged(live, wanted), **query)

    def surplus(self, definition: Iterable[Document]) -> list[dict[str, Any]]:
        """Objects of the training that are no longer wanted, such as a TensorBoard."""
        wanted = {told(one) for one in definition}
        found = []
        for kind in DISPENSABLE:
            items, _version = self.api.list(self.path(kind), labelSelector=self.selector)
            version = places()[kind][0].removeprefix("/apis/").removeprefix("/api/")
            # A list does not say of what.
            found += [{**one, "apiVersion": version, "kind": kind} for one in items]
        return [one for one in found if told(one) not in wanted]

    def delete(self, kind: str, name: str) -> None:
        try:
            self.api.delete(self.path(kind, name))
        except ApiError as error:
            if error.status != 404:
                raise

    def delete_pod(self, pod: Document) -> None:
        """This very pod: its successor has the same name."""
        meta = pod["metadata"]
        try:
            self.api.delete(f"{self.pods_path}/{meta['name']}", {"preconditions": {"uid": meta["uid"]}})
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    def config_maps(self) -> list[str]:
        """Names of those that pods read."""
        found, _version = self.api.list(self.path("ConfigMap"), labelSelector=self.selector)
        return [one["metadata"]["name"] for one in found]


def checked(definition: Sequence[Any], name: str) -> list[dict[str, Any]]:
    """The manifests, or InputError for what is no whole training of this name."""
    for number, one in enumerate(definition):
        where = f"definition[{number}]"
        if not isinstance(one, Mapping) or one.get("kind") not in KINDS or not (one.get("metadata") or {}).get("name"):
            given = one.get("kind") if isinstance(one, Mapping) else one
            raise InputError(f"{where} is {given!r}: give manifests of {', '.join(KINDS)}, each with a name")
        for key, value in {**MANAGED, TRAINING: name}.items():
            if (has := labels_of(one).get(key)) != value:
                raise InputError(f"{where} ({told(one)}) has {has!r} for the label {key}: give {value!r}")
    found = {one["metadata"]["name"] for one in definition if one["kind"] == "StatefulSet"}
    allowed = {f"{name}-{group}" for group in GROUPS}
    if f"{name}-worker" not in found or found - allowed:
        raise InputError(
            f"definition has the StatefulSets {', '.join(sorted(found)) or 'none'}: give {name}-worker and, unless the"
            f" training needs none, {name}-ps"
        )
    return [dict(one) for one in definition]


def split(definition: Iterable[Document]) -> tuple[list[Document], dict[str, Document]]:
    """What pods need, and the groups of pods."""
    others = [one for one in definition if one["kind"] != "StatefulSet"]
    groups = {one["metadata"]["name"].rpartition("-")[2]: one for one in definition if one["kind"] == "StatefulSet"}
    return others, groups


def merged(live: Document, wanted: Document) -> dict[str, Any]:
    """The live object with all that is wanted: the parts of its spec as wholes, and labels of others left alone."""
    result = {key: value for key, value in live.items() if key != "status"}
    for key, value in wanted.items():
        if key == "metadata":
            both = {
                part: {**(live["metadata"].get(part) or {}), **(value.get(part) or {})}
                for part in ("labels", "annotations")
            }
            kept = {
                name: one for name, one in live["metadata"].items() if name not in ("managedFields", "resourceVersion")
            }
            result["metadata"] = {**kept, **{part: one for part, one in both.items() if one}}
        elif key == "spec":
            result["spec"] = {**(live.get("spec") or {}), **value}
        else:
            result[key] = value
    return result


def essence(document: Document | None) -> dict[str, Any]:
    """An object without what the server and its controllers write."""
    if document is None:
        return {}
    rest = {key: value for key, value in document.items() if key != "status"}
    meta = {key: value for key, value in document["metadata"].items() if key not in OF_THE_SERVER}
    notes = {
        key: value for key, value in (meta.get("annotations") or {}).items() if not key.startswith("deployment.kubern")
    }
    meta.pop("annotations", None)
    if rest.get("kind") == "Service":
        rest["spec"] = _unallocated(rest["spec"])
    return {**rest, "metadata": {**meta, **({"annotations": notes} if notes else {})}}


def _unallocated(service: Document) -> dict[str, Any]:
    """A Service's spec without addresses that the server has dealt out: one that is made again gets others."""
    if service.get("clusterIP") == "None":
        return dict(service)
    return {key: value for key, value in service.items() if key not in ("clusterIP", "clusterIPs")}


def is_same(one: Document | None, other: Document | None) -> bool:
    return essence(one) == essence(other)


def revision_of(pod: Document) -> str:
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL) or "")


def index_of(pod: Document) -> int:
    """A StatefulSet's pod ends in its number, also where the server is too old for a label with it."""
    return int(pod["metadata"]["name"].rpartition("-")[2])


def group_of(pod: Document) -> str:
    return str((pod["metadata"].get("labels") or {}).get(REPLICA) or "")


def config_maps_of(statefulset: Document) -> Iterator[str]:
    """Those from which its containers have their environment."""
    for container in statefulset["spec"]["template"]["spec"]["containers"]:
        for source in container.get("envFrom") or ():
            if name := (source.get("configMapRef") or {}).get("name"):
                yield str(name)


def state_of(live: Document, pods: Iterable[Document]) -> dict[str, Any]:
    """What a user wants to know of a group."""
    status, spec = live.get("status") or {}, live["spec"]
    container = spec["template"]["spec"]["containers"][0]
    return {
        "replicas": int(spec.get("replicas", 1)),
        "ready": sum(is_ready(pod) for pod in pods),
        "revision": str(status.get("updateRevision") or ""),
        "image": str(container.get("image") or ""),
        "command": [*(container.get("command") or ()), *(container.get("args") or ())],
        "resources": json.loads(json.dumps(container.get("resources") or {})),
    }


def is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return not pod["metadata"].get("deletionTimestamp") and any(
        one["type"] == "Ready" and one["status"] == "True" for one in conditions
    )
