# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the namespace of a study, or removes it if it was made here. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.words import words
from .._kubernetes import api as kubernetes_api
from .._kubernetes import held_studies as held
from .._kubernetes.api import Api, ApiError
from .._kubernetes.labels import MANAGED, RECORD, STUDY, TRAINING
from .._kubernetes.open_ledger import NAMESPACE
from .._kubernetes.options import AUTH_ARG_SPEC
from .._study.design import workloads

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    **held.HELD_ARG_SPEC,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "labels": {"type": "dict", "default": {}},
    "timeout": {"type": "float", "default": 180.0},
}
NAMESPACES = "/api/v1/namespaces"
# Of these a long-running training consists; a claim alone holds its checkpoints.
LASTING = (
    ("/apis/apps/v1", "statefulsets", TRAINING),
    ("/api/v1", "persistentvolumeclaims", TRAINING),
    ("/api/v1", "configmaps", RECORD),
)
# What people put into a namespace beside workloads, whoever has made it.
CONTENTS = (
    *((("/api/v1", name)) for name in ("pods", "services", "configmaps", "secrets", "persistentvolumeclaims")),
    *((("/apis/apps/v1", name)) for name in ("deployments", "daemonsets")),
    ("/apis/batch/v1", "cronjobs"),
    *((("/apis/networking.k8s.io/v1", name)) for name in ("ingresses", "networkpolicies")),
    ("/apis/coordination.k8s.io/v1", "leases"),
    ("/api/v1", "serviceaccounts"),
    *((("/apis/rbac.authorization.k8s.io/v1", name)) for name in ("roles", "rolebindings")),
)
NOT_OURS = ",".join(f"{key}!={value}" for key, value in MANAGED.items())
# What Kubernetes and OpenShift put into every namespace.
USUAL = re.compile(
    r"default|builder|deployer|kube-root-ca\.crt|openshift-service-ca\.crt|system:.*|(default|builder|deployer)-(token|dockercfg)-.*"
)
PAUSE_SECONDS = 0.2


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    name = params["name"]
    labels = words(params["labels"])
    try:
        if not NAMESPACE.match(name):
            raise InputError(f"cluster_namespace is {name!r}: give up to 63 lower-case letters, digits and dashes")
        api = kubernetes_api.connect(params)
        wait = _Wait(api, context.clock() + params["timeout"], context)
        found = _find(api, name)
        if params["state"] == "present":
            return _present(api, params, {**labels, **MANAGED}, found, wait, check_mode=context.check_mode)
        return _absent(api, params, found, wait, check_mode=context.check_mode)
    except (InputError, ApiError) as error:
        raise StepError(f"{error}.") from error


def _find(api: Api, name: str) -> Mapping[str, Any] | None:
    """Empty when we may not look: who has rights within a namespace alone is not shown the namespace."""
    try:
        return api.get(f"{NAMESPACES}/{name}")
    except ApiError as error:
        if error.status == 403:
            return {}
        if error.status == 404:
            return None
        raise


def _check_free(api: Api, params: Mapping[str, Any], verb: str) -> None:
    """Its labels decide which pods are admitted, and with it goes all that is in it."""
    name = params["name"]
    sources = held.in_folder(params), held.in_cluster(api, params, name), held.unclaimed(api, params, name)
    held.check(params, f"Namespace {name}", *sources, verb=verb)


def _present(
    api: Api,
    params: Mapping[str, Any],
    labels: Mapping[str, str],
    found: Mapping[str, Any] | None,
    wait: _Wait,
    *,
    check_mode: bool,
) -> dict[str, Any]:
    name = params["name"]
    if found is None:
        if not check_mode:
            _create(api, name, labels)
            # No pod is admitted before the namespace has this.
            wait.until_there(f"{NAMESPACES}/{name}/serviceaccounts/default")
        return _result(None, labels, f"Namespace {name} {'would be' if check_mode else 'was'} made.")
    if found.get("metadata", {}).get("deletionTimestamp"):
        raise InputError(f"namespace {name} is being deleted: wait until it is gone, or give another cluster_namespace")
    have = _labels(found)
    if not _is_ours(found):
        seen = "is there" if found else "is taken to be there: we may not look at namespaces"
        return _result(have, have, f"Namespace {name} {seen}.")
    after = {**have, **labels}
    if after != have:
        _check_free(api, params, "is changed")
        if not check_mode:
            api.patch(f"{NAMESPACES}/{name}", {"metadata": {"labels": labels}})
    return _result(have, after, f"Namespace {name} is there.")


def _create(api: Api, name: str, labels: Mapping[str, str]) -> None:
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}
    try:
        api.create(NAMESPACES, document)
    except ApiError as error:
        if error.status == 403:
            raise InputError(
                f"namespace {name} is missing, and {error}; or ask an administrator for one and give its name as cluster_namespace"
            ) from error
        if error.status != 409:
            raise


def _absent(
    api: Api, params: Mapping[str, Any], found: Mapping[str, Any] | None, wait: _Wait, *, check_mode: bool
) -> dict[str, Any]:
    name = params["name"]
    if found is None:
        return _result(None, None, f"Namespace {name} does not exist.")
    have = _labels(found)
    if not _is_ours(found):
        return _result(have, have, f"Namespace {name} stays: tfscale.study did not create it.")
    if kept := _kept(api, name):
        return _result(have, have, f"Namespace {name} stays: it contains {kept}.")
    _check_free(api, params, "is removed")
    if not check_mode:
        api.delete(f"{NAMESPACES}/{name}")
        wait.until_gone(f"{NAMESPACES}/{name}")
    return _result(have, None, f"Namespace {name} {'would be' if check_mode else 'was'} removed.")


def _kept(api: Api, name: str) -> str:
    """The first thing there that outlives studies or is none of ours, and what to do with it; empty when there is no such."""
    for group, resource, label in LASTING:
        found, _version = api.list(f"{group}/namespaces/{name}/{resource}", labelSelector=label)
        if found:
            meta = found[0]["metadata"]
            if label == RECORD:
                return f"records of study {meta['labels'].get(STUDY)}, such as {resource}/{meta['name']}; delete it yourself if none is needed"
            return f"{resource}/{meta['name']} of training {meta['labels'][TRAINING]}; remove it first (training_state: absent)"
    for group, resource in (*CONTENTS, *(one.place for one in workloads.kinds())):
        for one in _others(api, f"{group}/namespaces/{name}/{resource}"):
            return f"{resource}/{one['metadata']['name']}, which is not ours"
    return ""


def _others(api: Api, path: str) -> Iterator[Mapping[str, Any]]:
    """Objects without our label. What another object owns goes with that; a kind that we may not see, or that is not known there, has none."""
    try:
        found, _version = api.list(path, labelSelector=NOT_OURS)
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return
    yield from (
        one
        for one in found
        if not one["metadata"].get("ownerReferences") and not USUAL.fullmatch(one["metadata"]["name"])
    )


class _Wait:
    """Asks for one object until it is there or gone."""

    def __init__(self, api: Api, end: float, context: Context) -> None:
        self._api = api
        self._end = end
        self._context = context

    def until_there(self, path: str) -> None:
        self._until(path, there=True)

    def until_gone(self, path: str) -> None:
        self._until(path, there=False)

    def _until(self, path: str, *, there: bool) -> None:
        while self._is_there(path) is not there:
            if self._context.clock() >= self._end:
                wanted = "appear" if there else "go"
                raise InputError(
                    f"{path.removeprefix('/api/v1/')} did not {wanted} in time: look at the load of the cluster"
                )
            self._context.sleep(PAUSE_SECONDS)

    def _is_there(self, path: str) -> bool:
        try:
            self._api.get(path)
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True


def _labels(found: Mapping[str, Any]) -> dict[str, str]:
    return dict(found.get("metadata", {}).get("labels") or {})


def _is_ours(found: Mapping[str, Any]) -> bool:
    return MANAGED.items() <= _labels(found).items()


def _result(before: Mapping[str, str] | None, after: Mapping[str, str] | None, msg: str) -> dict[str, Any]:
    sides = {"before": before, "after": after}
    return {
        "changed": before != after,
        "diff": {side: {} if labels is None else {"labels": dict(labels)} for side, labels in sides.items()},
        "msg": msg,
    }
