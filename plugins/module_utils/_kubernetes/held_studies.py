# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether other controllers work with what is to be removed or changed. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .._common.errors import InputError, LedgerError
from .._study.records.lock import NAME, Lock, StudyLock
from .api import Api, ApiError
from .labels import MANAGED, RUN, STUDY, TRAINING
from .lease import LeaseLock
from .ledger import prefix
from .options import OWNER_ARG_SPEC
from .ownership import read

# Documented by the fragment `held`.
HELD_ARG_SPEC: dict[str, dict[str, Any]] = {
    "end_held": {"type": "bool", "default": False},
    **OWNER_ARG_SPEC,
    "results_dir": {"type": "path", "default": ""},
    "part": {"type": "str", "default": ""},
}
LEASES = "/apis/coordination.k8s.io/v1"


def check(params: Mapping[str, Any], what: str, *sources: Iterator[str], verb: str = "is removed") -> None:
    """InputError that names each study, who holds it and since when; `what` is what would be taken from under their hands."""
    if params["end_held"]:
        return
    if found := [one for source in sources for one in source]:
        raise InputError(
            f"{what} is left as it is, because others work with it: {'; '.join(found)}. With cluster_teardown_held: true"
            f" it {verb} all the same"
        )


def on_cluster(api: Api, params: Mapping[str, Any]) -> Iterator[str]:
    """Studies and trainings that another controller runs in any namespace; who may not see them all sees those of its own."""
    yield from in_folder(params)
    for look in (in_cluster, unclaimed):
        try:
            yield from list(look(api, params))
        except ApiError as error:
            if error.status != 403:
                raise
            if params["namespace"]:
                yield from look(api, params, params["namespace"])


def in_folder(params: Mapping[str, Any]) -> Iterator[str]:
    """Studies kept in files of results_dir that another controller runs, on the cluster `part` where that is given."""
    if params["results_dir"]:
        yield from _of(sorted(Path(params["results_dir"]).glob(f"*/{NAME}")), params)


def above(folders: Iterable[Path], params: Mapping[str, Any]) -> Iterator[str]:
    """Studies in whose folders these lie, and that another controller runs."""
    locks = {parent / NAME for folder in folders for parent in (folder, *folder.parents)}
    yield from _of(sorted(lock for lock in locks if lock.exists()), params)


def _of(locks: Iterable[Path], params: Mapping[str, Any]) -> Iterator[str]:
    for path in locks:
        lock = StudyLock(path.parent, _owner(params))
        try:
            held = lock.holder()
        except LedgerError:
            # No lock of ours tells of no controller of ours.
            continue
        if held is not None and params.get("part", "") in ("", *held["parts"]):
            yield from _told(lock)


def in_cluster(
    api: Api, params: Mapping[str, Any], namespace: str = "", labels: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """Studies and trainings that another controller holds there by a Lease; those with these labels where any are given."""
    wanted = {key: value for key, value in (labels or {}).items() if value is not None}
    try:
        leases = _listed(api, f"{LEASES}{_within(namespace)}/leases", {**MANAGED, **wanted})
    except ApiError as error:
        if error.status != 403:
            raise
        leases = _known(api, namespace, wanted)
    for lock in _locks(api, leases, namespace, _owner(params)):
        yield from _told(lock)


def unclaimed(api: Api, params: Mapping[str, Any], namespace: str = "") -> Iterator[str]:
    """Studies whose pods run there and of whose controller nothing is seen: neither a Lease nor a lock in results_dir, dead or alive.

    A controller with another folder has made them. One that was killed has left its lock.
    """
    pods = _listed(api, f"/api/v1{_within(namespace)}/pods", {**MANAGED, RUN: None}) if params["results_dir"] else []
    first = {one["labels"].get(STUDY, ""): one for one in reversed(pods) if not one.get("deletionTimestamp")}
    for study, pod in sorted(first.items()):
        where = pod.get("namespace") or namespace
        lease = f"{LEASES}/namespaces/{where}/leases/{prefix(study)}"
        if not Path(params["results_dir"], study, NAME).exists() and not _is_there(api, lease):
            yield (
                f"study {study} in namespace {where} has pods since {pod.get('creationTimestamp')}, such as {pod['name']}, and its"
                " controller is not known here"
            )


def _is_there(api: Api, path: str) -> bool:
    try:
        return read(api, path) is not None
    except ApiError as error:
        if error.status != 403:
            raise
        return False


def _known(api: Api, namespace: str, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who may not list Leases asks for the one of the study, or of all whose runs or records there are."""
    if wanted:
        return [{"labels": wanted}]
    found = _listed(api, f"/api/v1{_within(namespace)}/configmaps", {**MANAGED, STUDY: None})
    return [{"labels": {STUDY: study}} for study in sorted({one["labels"][STUDY] for one in found})]


def _listed(api: Api, path: str, labels: Mapping[str, Any]) -> list[dict[str, Any]]:
    selector = ",".join(key if value is None else f"{key}={value}" for key, value in labels.items())
    return [one["metadata"] for one in api.list(path, labelSelector=selector)[0]]


def _within(namespace: str) -> str:
    return f"/namespaces/{namespace}" if namespace else ""


def _locks(api: Api, leases: Iterable[Mapping[str, Any]], namespace: str, owner: int) -> Iterator[LeaseLock]:
    for meta in leases:
        for label in (STUDY, TRAINING):
            if subject := (meta.get("labels") or {}).get(label):
                # A name that no study can have is nobody's.
                with contextlib.suppress(LedgerError):
                    yield LeaseLock(api, meta.get("namespace") or namespace, subject, owner, label=label)


def _told(lock: Lock) -> Iterator[str]:
    try:
        lock.check()
    except LedgerError as error:
        if not isinstance(error.__cause__, ApiError) or error.__cause__.status != 403:
            yield str(error)


def _owner(params: Mapping[str, Any]) -> int:
    """Without one, whoever holds it is somebody else."""
    return params["owner_pid"] or -1
