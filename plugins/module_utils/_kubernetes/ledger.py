# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger and the lock of a study in the cluster itself, for controllers without a lasting disk. PRIVATE, can break at any time.

A record is an immutable ConfigMap whose name follows from study, run and attempt: the API server itself lets nobody record an
attempt twice. The lock is a Lease that its owner renews, because a dead owner on another host cannot be seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from .._common.errors import InputError, LedgerError
from .._common.format import readable
from .._common.process import process_space, start_time
from .._study.design.inputs import STUDY_NAME
from .._study.records import ledger, sealed
from .._study.records.lock import moment
from .api import Api, ApiError
from .labels import ATTEMPT, MANAGED, RECORD, RUN, STUDY
from .ownership import check_owner

# What the API server takes in one ConfigMap.
LARGEST = 1 << 20
NOTES_KEPT = 20
LEASE_SECONDS = 120
# How often somebody may be faster than we before we give up.
TRIES = 5
T = TypeVar("T")
_OWNER = re.compile(r"(?P<host>[^/]+)/(?P<pid>\d+)/(?P<start>\d+)/(?P<space>[^/]+)")


def prefix(study: str) -> str:
    """Of every name: a study may be called what no object may."""
    return f"tfscale-{hashlib.sha256(study.encode()).hexdigest()[:10]}"


def check_study(study: str) -> str:
    if not STUDY_NAME.match(study):
        raise LedgerError(
            f"study_dir ends in {study!r}, which cannot name a study in the cluster: give a folder whose name is at most"
            " 63 lower-case letters, digits, dots, dashes and underscores"
        )
    return study


@contextlib.contextmanager
def _telling(namespace: str) -> Iterator[None]:
    """Steps tell of a ledger's troubles in one way, wherever it is kept."""
    try:
        yield
    except ApiError as error:
        if error.status == 404 and error.message.startswith("namespaces "):
            raise LedgerError(
                f"namespace {namespace} is not there: make it first, or give another cluster_namespace"
            ) from error
        raise LedgerError(str(error)) from error


class ClusterLedger:
    """A ledger of ConfigMaps in one namespace. The name of each is its attempt's, so none is there twice."""

    warnings: Sequence[str] = ()

    def __init__(self, api: Api, namespace: str, study: str) -> None:
        self._api = api
        self._namespace = namespace
        self._study = check_study(study)
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"

    def records(self) -> Iterator[dict[str, Any]]:
        """In the order of the API server's clock, which all controllers share; within its seconds in that of their own."""
        with _telling(self._namespace):
            items, _version = self._api.list(self._path, labelSelector=f"{RECORD}=true,{STUDY}={self._study}")
        found = []
        while items:
            # Each is dropped when it is read: thousands need not be held twice.
            item = items.pop()
            found.append((item["metadata"]["creationTimestamp"], self._record_of(item)))
        found.sort(key=lambda pair: (pair[0], _recorded(pair[1]), pair[1]["run_id"]))
        yield from (sealed.record(record) for _created, record in found)

    def find(self, run_id: str, attempt: int) -> dict[str, Any] | None:
        try:
            return self._record_of(self._api.get(f"{self._path}/{self._name(run_id, attempt)}"))
        except ApiError as error:
            if error.status == 404:
                return None
            raise LedgerError(str(error)) from error

    def append(self, record: Mapping[str, Any]) -> str | None:
        line, warning = _fitting(record)
        name = self._name(record["run_id"], record["attempt"])
        document = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "labels": {**MANAGED, STUDY: self._study, RECORD: "true"},
                # Not labels: what removes the objects of a run by their labels must never meet its record.
                "annotations": {
                    RUN: record["run_id"],
                    ATTEMPT: str(record["attempt"]),
                },
            },
            "immutable": True,
            "data": {"record": line},
        }
        with _telling(self._namespace):
            try:
                self._api.create(self._path, document)
            except ApiError as error:
                if error.status != 409:
                    raise
                self._check_same(name, line)
        return warning

    def repair(self) -> str | None:
        """The API server takes a whole record or none."""
        return None

    def _name(self, run_id: str, attempt: int) -> str:
        return f"{prefix(self._study)}-{run_id}-{attempt}"

    def _check_same(self, name: str, line: str) -> None:
        """A request whose answer was lost was sent again: then what is there already is our own record."""
        there = self._api.get(f"{self._path}/{name}")
        if there.get("data", {}).get("record") != line:
            raise LedgerError(
                f"ConfigMap {self._namespace}/{name} is there already: another controller has recorded this attempt;"
                " let one controller run the study"
            )

    def _record_of(self, item: Mapping[str, Any]) -> dict[str, Any]:
        name = item["metadata"]["name"]
        record = ledger.decode((item.get("data") or {}).get("record", "").encode("utf-8", "surrogatepass"))
        if record is None or name != self._name(record["run_id"], record.get("attempt", 0)):
            raise LedgerError(
                f"ConfigMap {self._namespace}/{name} is not a record of study {self._study}: delete it, or take its label"
                f" {RECORD} away, or choose another sweep_study"
            )
        return record


def _recorded(record: Mapping[str, Any]) -> float:
    provenance = record.get("provenance")
    wall = provenance.get("recorded_wall") if isinstance(provenance, Mapping) else None
    return float(wall) if isinstance(wall, (int, float)) else 0.0


def _fitting(record: Mapping[str, Any]) -> tuple[str, str | None]:
    """The line of a record. What logs complained of is the one part without an end, and the one that can be spared."""
    line = ledger.encode(record).decode()
    if len(line) <= LARGEST - len("record"):
        return line, None
    evidence = record.get("evidence") or {}
    notes = evidence.get("notes") or []
    left = f"{max(0, len(notes) - NOTES_KEPT)} more were left out, because a ConfigMap takes 1 MiB"
    spared = {**record, "evidence": {**evidence, "notes": [*notes[:NOTES_KEPT], left]}}
    short = ledger.encode(spared).decode()
    if len(short) > LARGEST - len("record"):
        raise LedgerError(
            f"the record of run {record['run_id']} has {len(short)} bytes, but a ConfigMap takes {LARGEST}: keep this"
            " study with sweep_ledger=files"
        )
    return short, f"the record of run {record['run_id']} was too long for a ConfigMap: {left} of its notes"


class LeaseLock:
    """The lock of one study, or of a training that stands, as a Lease as one owner sees it."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        study: str,
        owner_pid: int,
        *,
        label: str = STUDY,
        host: str | None = None,
        space: str | None = None,
        now: Callable[[], float] = time.time,
        started: Callable[[int], int | None] = start_time,
    ) -> None:
        kind = label.rpartition("/")[2]
        self.name = prefix(check_study(study)) if label == STUDY else f"{study}-{kind}"
        self.study = f"{study} in namespace {namespace}"
        self._subject = f"{kind} {self.study}"
        self._api = api
        self._namespace = namespace
        self._labels = {**MANAGED, label: study}
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._pid = owner_pid
        self._host = host or socket.gethostname()
        self._space = space or process_space()
        self._now = now
        self._started = started

    def acquire(self, *, check_mode: bool = False) -> tuple[dict[str, Any], bool]:
        return self._retried(lambda: self._acquire(check_mode))

    def release(self, *, check_mode: bool = False) -> tuple[dict[str, Any] | None, bool]:
        return self._retried(lambda: self._release(check_mode))

    def check(self) -> dict[str, Any] | None:
        with _telling(self._namespace):
            lease = self._read()
            return None if lease is None else self._judged(lease)

    def renew(self) -> dict[str, Any] | None:
        return self._retried(self._renew)

    def _retried(self, act: Callable[[], T]) -> T:
        """Every write names the version it was decided on (409 when that is gone), so of two controllers one wins."""
        for left in reversed(range(TRIES)):
            with _telling(self._namespace):
                try:
                    return act()
                except ApiError as error:
                    gone = error.status == 404 and error.message.startswith("leases.")
                    if not left or not (gone or error.status == 409):
                        raise
        raise AssertionError

    def _acquire(self, check_mode: bool) -> tuple[dict[str, Any], bool]:
        lease = self._read()
        held = None if lease is None else self._judged(lease)
        mine = held or self._mine()
        if check_mode:
            pass
        elif lease is None:
            self._api.create(self._path, self._document({}, since=mine["since"]))
        else:
            self._api.replace(f"{self._path}/{self.name}", self._document(lease, since=mine["since"]))
        return mine, held is None

    def _renew(self) -> dict[str, Any] | None:
        lease = self._read()
        held = None if lease is None else self._judged(lease)
        if lease is not None and held is not None:
            self._api.replace(f"{self._path}/{self.name}", self._document(lease, since=held["since"]))
        return held

    def _release(self, check_mode: bool) -> tuple[dict[str, Any] | None, bool]:
        lease = self._read()
        held = None if lease is None else self._holder(lease)
        if lease is None or held is None or not self._is_mine(held):
            return held and _shown(held), False
        if not check_mode:
            about = lease["metadata"]
            conditions = {"uid": about["uid"], "resourceVersion": about["resourceVersion"]}
            self._api.delete(f"{self._path}/{self.name}", {"preconditions": conditions})
        return _shown(held), True

    def _read(self) -> dict[str, Any] | None:
        try:
            lease = self._api.get(f"{self._path}/{self.name}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        try:
            check_owner(lease, self._labels, f"Lease {self._namespace}/{self.name}")
        except InputError as error:
            raise LedgerError(str(error)) from error
        return lease

    def _judged(self, lease: Mapping[str, Any]) -> dict[str, Any] | None:
        """Our own lock, None when it is free; raises LedgerError when somebody else holds it."""
        held = self._holder(lease)
        if held is None or self._is_mine(held):
            return held and _shown(held)
        if self._is_here(held) and self._started(held["pid"]) != held["start_time"]:
            return None
        left = lease["spec"].get("leaseDurationSeconds", LEASE_SECONDS) - self._age(lease)
        if left <= 0:
            return None
        told = (
            f"{self._subject} is held by process {held['pid']} on host {held['host']} since {moment(held['since'])};"
            " wait for it, or stop it"
        )
        if self._is_here(held):
            raise LedgerError(told)
        raise LedgerError(f"{told}; a controller that is gone lets go in {max(1, round(left))} s")

    def _holder(self, lease: Mapping[str, Any]) -> dict[str, Any] | None:
        spec = lease.get("spec") or {}
        if not spec.get("holderIdentity"):
            return None
        owner = _OWNER.fullmatch(spec["holderIdentity"])
        if owner is None or not spec.get("acquireTime") or not spec.get("renewTime"):
            raise LedgerError(f"Lease {self._namespace}/{self.name} is not a lock of ours; delete it if no sweep runs")
        return {
            "pid": int(owner["pid"]),
            "start_time": int(owner["start"]),
            "host": readable(owner["host"]),
            "since": _wall(spec["acquireTime"]),
            "space": owner["space"],
        }

    def _age(self, lease: Mapping[str, Any]) -> float:
        """Seconds since the last renewal by the server's clock alone: those of two controllers need not agree.

        A creation that is only tried out tells what time the server has.
        """
        changes = [one["time"] for one in lease["metadata"].get("managedFields") or () if one.get("time")]
        if not changes:
            return self._now() - _wall(lease["spec"]["renewTime"])
        trial = {"apiVersion": lease["apiVersion"], "kind": "Lease", "metadata": {"generateName": f"{self.name}-"}}
        tried = self._api.create(self._path, trial, dryRun="All")
        return _wall(tried["metadata"]["creationTimestamp"]) - max(map(_wall, changes))

    def _is_here(self, held: Mapping[str, Any]) -> bool:
        return bool(held["host"] == self._host and held["space"] == self._space)

    def _is_mine(self, held: Mapping[str, Any]) -> bool:
        return self._is_here(held) and held["pid"] == self._pid and held["start_time"] == self._start()

    def _start(self) -> int:
        return self._started(self._pid) or 0

    def _mine(self) -> dict[str, Any]:
        return {"pid": self._pid, "start_time": self._start(), "host": self._host, "since": round(self._now(), 6)}

    def _document(self, lease: Mapping[str, Any], *, since: float) -> dict[str, Any]:
        """A new Lease, or the next version of one."""
        identity = f"{self._host}/{self._pid}/{self._start()}/{self._space}"
        before = lease.get("spec") or {}
        taken = int(before.get("holderIdentity") not in (None, identity))
        spec = {
            "holderIdentity": identity,
            "leaseDurationSeconds": LEASE_SECONDS,
            "acquireTime": _stamp(since),
            "renewTime": _stamp(self._now()),
            "leaseTransitions": before.get("leaseTransitions", 0) + taken,
        }
        metadata = {"name": self.name, "labels": self._labels}
        if lease:
            metadata["resourceVersion"] = lease["metadata"]["resourceVersion"]
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _shown(held: Mapping[str, Any]) -> dict[str, Any]:
    return {key: held[key] for key in ("pid", "start_time", "host", "since")}


def _stamp(wall: float) -> str:
    """Kubernetes' MicroTime."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _wall(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
