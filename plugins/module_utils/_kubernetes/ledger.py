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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._common.errors import LedgerError
from .._study.design.inputs import STUDY_NAME
from .._study.records import ledger, sealed
from .._study.records.record import Record
from .api import Api, ApiError
from .labels import ATTEMPT, MANAGED, RECORD, RUN, STUDY

# What the API server takes in one ConfigMap.
LARGEST = 1 << 20
NOTES_KEPT = 20
RECENT = 200


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
def telling(namespace: str) -> Iterator[None]:
    """Steps tell of a ledger's troubles in one way, wherever it is kept."""
    try:
        yield
    except ApiError as error:
        if error.status == 404 and error.message.startswith("namespaces "):
            raise LedgerError(
                f"namespace {namespace} does not exist: create it first, or give another cluster_namespace"
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
        with telling(self._namespace):
            items, _version = self._api.list(self._path, labelSelector=f"{RECORD}=true,{STUDY}={self._study}")
        found = []
        while items:
            # Each is dropped when it is read: thousands need not be held twice.
            item = items.pop()
            found.append((item["metadata"]["creationTimestamp"], self._record_of(item)))
        found.sort(key=lambda pair: (pair[0], Record.of(pair[1]).recorded or 0.0, pair[1]["run_id"]))
        yield from (sealed.record(record) for _created, record in found)

    def find(self, run_id: str, attempt: int) -> dict[str, Any] | None:
        try:
            return self._record_of(self._api.get(f"{self._path}/{self._name(run_id, attempt)}"))
        except ApiError as error:
            if error.status == 404:
                return None
            raise LedgerError(str(error)) from error

    def recent(self) -> list[dict[str, Any]]:
        """As many as any: only runs that are processes of this machine ask, and few of their ledgers are in a cluster."""
        return list(self.records())[-RECENT:]

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
        with telling(self._namespace):
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
