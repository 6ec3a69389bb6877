# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes what runs have left in a cluster. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .._common.context import Context
from .._common.errors import BackendError, InputError, StepError
from .._common.format import counted, duration
from .._kubernetes import held_studies as held
from .._kubernetes.api import PAUSE_SECONDS, READ_SECONDS, Api, ApiError, connect
from .._kubernetes.labels import ATTEMPT, MANAGED, RECORD, REPLICA, RUN, STUDY, TRAINING
from .._kubernetes.options import AUTH_ARG_SPEC, RUN_ARG_SPEC
from .._study.design import inputs, workloads

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    **held.HELD_ARG_SPEC,
    **RUN_ARG_SPEC,
    "state": {"type": "str", "choices": ["absent"], "default": "absent"},
    "namespace": {"type": "str", "required": True},
    "study": {"type": "str"},
    "training": {"type": "str"},
    "volume_claims": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 120.0},
}
STATEFULSETS = ("/apis/apps/v1", "statefulsets")
DAEMONSETS = ("/apis/apps/v1", "daemonsets")
# Only a long-running training has these.
DEPLOYMENTS = ("/apis/apps/v1", "deployments")
PODS = ("/api/v1", "pods")
OTHERS = (
    ("/api/v1", "services"),
    ("/api/v1", "configmaps"),
    ("/apis/networking.k8s.io/v1", "networkpolicies"),
)
CLAIMS = ("/api/v1", "persistentvolumeclaims")
# A ledger in the cluster carries the study's label too, and is what all the runs were for.
KEPT = f"!{RECORD}"
WATCH_SECONDS = 30
MOST_NAMES = 5


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        inputs.number("timeout", params["timeout"])
        _check(params)
        start = context.clock()
        api, whose = connect(params), _whose(params)
        labels = {STUDY: params["study"], TRAINING: params["training"]}
        leases = held.in_cluster(api, params, params["namespace"], labels)
        others = held.unclaimed(api, params, params["namespace"])
        held.check(params, f"{whose} in namespace {params['namespace']}", held.in_folder(params), leases, others)
        there = Remains(api, params["namespace"], selector_of(params), params["timeout"], resources_of(params))
        names = there.names()
        if not names:
            return _result([], [], f"Nothing of {whose} is in namespace {params['namespace']}.")
        objects = f"{counted(len(names), 'object')} of {whose}"
        if context.check_mode:
            return _result(names, [], f"{objects} would be removed from namespace {params['namespace']}.")
        if params["training"] is not None:
            _stop_workers(api, params, there, start + params["timeout"], context)
        there.remove()
        left = there.wait(start + params["timeout"], context)
    except (InputError, BackendError) as error:
        raise StepError(f"{error}.") from error
    if left:
        raise StepError(
            f"{counted(len(left), 'pod')} of {whose} did not end within {duration(params['timeout'])} (timeout):"
            f" {_some(left)}; look whether their nodes answer.",
            **_result(names, [f"pods/{name}" for name in left]),
        )
    return _result(names, [], f"{objects} were removed in {duration(context.clock() - start)}.")


def _check(params: Mapping[str, Any]) -> None:
    if params["attempt"] is not None and params["run_id"] is None:
        raise InputError(f"attempt is {params['attempt']}, but run_id is not given: give the run, too")
    if params["training"] is not None and (params["study"] or params["run_id"]):
        raise InputError(
            f"training is {params['training']!r}, which belongs to no study: give neither study nor run_id"
        )
    if params["volume_claims"] and params["training"] is None:
        raise InputError("volume_claims is true, but training is not given: only a long-running training has claims")


def _stop_workers(api: Api, params: Mapping[str, Any], there: Remains, end: float, context: Context) -> None:
    """The chief saves its last checkpoint while the ps are still there."""
    if there.delete_one(STATEFULSETS, f"{params['training']}-worker"):
        selector = f"{selector_of(params)},{REPLICA}=worker"
        workers = Remains(api, params["namespace"], selector, params["timeout"], (PODS,))
        workers.names()
        workers.wait(end, context)


def selector_of(params: Mapping[str, Any]) -> str:
    wanted = {
        **MANAGED,
        STUDY: params["study"],
        RUN: params["run_id"],
        ATTEMPT: params["attempt"],
        TRAINING: params["training"],
    }
    # Without a study all studies are meant, and a long-running training is none of theirs.
    others = [f"!{TRAINING}", KEPT] if params["training"] is None else [KEPT]
    return ",".join([*(f"{label}={value}" for label, value in wanted.items() if value is not None), *others])


def resources_of(params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    beside = tuple(kind.place for one in workloads.WORKLOADS for kind in one.others)
    if params["training"] is None:
        return (*makers(), PODS, *OTHERS, *beside)
    return (DEPLOYMENTS, *makers(), PODS, *OTHERS, *beside, *([CLAIMS] if params["volume_claims"] else []))


def makers() -> tuple[tuple[str, str], ...]:
    """Kinds whose controllers make pods."""
    return (*(one.place for one in workloads.WORKLOADS), DAEMONSETS)


class Remains:
    """All objects of a namespace that carry the labels."""

    def __init__(
        self, api: Api, namespace: str, selector: str, timeout: float, resources: Sequence[tuple[str, str]]
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._selector = selector
        self._timeout = timeout
        self._resources = resources
        self._found: dict[str, list[str]] = {}
        # Selectors of their pods that our labels may not reach.
        self._unlabelled: list[str] = []
        self._version = ""

    def names(self) -> list[str]:
        """jobs/tf-x-1-worker and so on."""
        with ThreadPoolExecutor(len(self._resources)) as pool:
            lists = pool.map(self._list, self._resources)
            listed = dict(zip((resource for _api, resource in self._resources), lists, strict=True))
        self._version = listed["pods"][1]
        self._found = {resource: names for resource, (names, _version) in listed.items() if names}
        self._unlabelled = [
            f"{one.name_label} in ({','.join(self._found[one.resource])})"
            for one in workloads.WORKLOADS
            if one.name_label and one.resource in self._found
        ]
        return [f"{resource}/{name}" for resource, names in self._found.items() for name in names]

    def remove(self) -> None:
        """All of a kind in one request."""
        found = [one for one in self._resources if one[1] in self._found]
        with ThreadPoolExecutor(len(self._resources)) as pool:
            # First what makes pods, else they come again.
            first = [one for one in found if one in (DEPLOYMENTS, *makers())]
            list(pool.map(self._delete, first))
            list(pool.map(self._delete, [one for one in found if one not in first]))

    def delete_one(self, resource: tuple[str, str], name: str) -> bool:
        """Before all others, if it is one of those that carry the labels."""
        if name not in self._found.get(resource[1], ()):
            return False
        self._api.delete(f"{self._path(resource)}/{name}", {"propagationPolicy": "Background"})
        return True

    def wait(self, end: float, context: Context) -> list[str]:
        """Names of the pods that are left at the end."""
        left = set(self._found.get("pods", ()))
        while left and context.clock() < end:
            try:
                if not self._version:
                    names, self._version = self._list(PODS)
                    left = set(names)
                else:
                    self._watch(left, end - context.clock())
            except ApiError as error:
                if error.status != 410 and not error.is_transient:
                    raise
                # Only a list shows which objects are gone meanwhile.
                self._version = ""
                context.sleep(PAUSE_SECONDS)
        return sorted(left | self._wait_for_unlabelled(end, context))

    def _wait_for_unlabelled(self, end: float, context: Context) -> set[str]:
        """The cluster removes them with their object."""
        while True:
            left = {name for selector in self._unlabelled for name in self._list(PODS, selector)[0]}
            if not left or context.clock() >= end:
                return left
            context.sleep(PAUSE_SECONDS)

    def _watch(self, left: set[str], most: float) -> None:
        seconds = max(1, min(WATCH_SECONDS, int(most)))
        path = self._path(PODS)
        for event in self._api.watch(path, since=self._version, seconds=seconds, labelSelector=self._selector):
            meta = event["object"]["metadata"]
            self._version = meta["resourceVersion"]
            if event["type"] == "DELETED":
                left.discard(str(meta.get("name")))
            elif event["type"] == "ADDED":
                # Its maker was faster.
                left.add(str(meta.get("name")))
            if not left:
                return

    def _list(self, resource: tuple[str, str], selector: str = "") -> tuple[list[str], str]:
        try:
            found, version = self._api.list(self._path(resource), labelSelector=selector or self._selector)
        except ApiError as error:
            if not self._is_unknown(resource, error):
                raise
            return [], ""
        return [one["metadata"]["name"] for one in found], version

    def _is_unknown(self, resource: tuple[str, str], error: ApiError) -> bool:
        """Whether it was refused because the extension that brings this kind is not installed: who may do little hears 403 of that."""
        api, name = resource
        if error.status not in (403, 404) or resource not in (DAEMONSETS, *(one.place for one in workloads.kinds())):
            return False
        return error.status == 404 or name not in self._api.collections(api)

    def _delete(self, resource: tuple[str, str]) -> None:
        options = {"propagationPolicy": "Background"}
        # A thousand pods take the server a while.
        self._api.delete(
            self._path(resource), options, read_seconds=max(READ_SECONDS, self._timeout), labelSelector=self._selector
        )

    def _path(self, resource: tuple[str, str]) -> str:
        api, name = resource
        return f"{api}/namespaces/{self._namespace}/{name}"


def _whose(params: Mapping[str, Any]) -> str:
    if params["training"] is not None:
        return f"training {params['training']}"
    if params["run_id"] is None:
        return "all studies" if params["study"] is None else f"study {params['study']}"
    attempt = "" if params["attempt"] is None else f" (attempt {params['attempt']})"
    return f"run {params['run_id']}{attempt}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _result(before: Sequence[str], after: Sequence[str], msg: str = "") -> dict[str, Any]:
    result = {
        "changed": bool(before),
        "removed": [name for name in before if name not in after],
        "diff": {"before": {"objects": list(before)}, "after": {"objects": list(after)}},
    }
    return {**result, "msg": msg} if msg else result
