# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Lease keeps two controllers off one study or one training. PRIVATE, can break at any time."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from .._common.errors import InputError, LedgerError
from .._common.format import readable
from .._common.process import process_space, start_time
from .._study.records.lock import moment
from .api import Api, ApiError
from .labels import MANAGED, STUDY
from .ledger import check_study, prefix, telling
from .ownership import check_owner

T = TypeVar("T")
LEASE_SECONDS = 120
# How often somebody may be faster than we before we give up.
TRIES = 5
_OWNER = re.compile(r"(?P<host>[^/]+)/(?P<pid>\d+)/(?P<start>\d+)/(?P<space>[^/]+)")


class LeaseLock:
    """The lock of one study, or of a long-running training, as a Lease as one owner sees it."""

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
        with telling(self._namespace):
            lease = self._read()
            return None if lease is None else self._judged(lease)

    def renew(self) -> dict[str, Any] | None:
        return self._retried(self._renew)

    def _retried(self, act: Callable[[], T]) -> T:
        """Every write names the version it was decided on (409 when that is gone), so of two controllers one wins."""
        for left in reversed(range(TRIES)):
            with telling(self._namespace):
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
        raise LedgerError(f"{told}; if that controller is dead, its lock expires in {max(1, round(left))} s")

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
