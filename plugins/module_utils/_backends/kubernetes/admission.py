# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kueue says of a run's objects: whether they wait, since when they may run, why they had to stop. PRIVATE, can break at any time.

Kueue keeps a Workload for each object. https://github.com/kubernetes-sigs/kueue/blob/v0.17.0/apis/kueue/v1beta2/workload_types.go
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._common.format import duration
from ..._kubernetes.api import Api, ApiError
from ..._kubernetes.queues import API, QUEUE
from ..._kubernetes.readiness import condition_of
from .pod_status import seconds, short

# Of a Workload: the UID of the object that it is about.
OWNER = "kueue.x-k8s.io/job-uid"
LOOK_SECONDS = 1.0
# Kueue sees an object within a second, unless it is busy or does not manage such objects.
UNSEEN_SECONDS = 30.0
# By the reason of the condition Evicted; any other is an eviction.
FATES = {"Preempted": "was preempted by Kueue", "Deactivated": "was deactivated by Kueue"}
EVICTED = "was evicted by Kueue"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What one Workload says."""

    cluster_queue: str = ""
    # Seconds since 1970; None while its pods may not run.
    admitted_wall: float | None = None
    # What it waits for, in Kueue's words.
    message: str = ""
    # Why it will not be admitted however long one waits.
    refusal: str = ""
    # Of the last eviction: what became of its pods, why, and when the condition came to say so.
    fate: str = ""
    reason: str = ""
    evicted_wall: float = 0.0
    is_evicted: bool = False


def admission_of(workload: Document) -> Admission:
    status = workload.get("status") or {}
    evicted, admitted = condition_of(status, "Evicted"), condition_of(status, "Admitted")
    is_evicted = evicted.get("status") == "True"
    is_admitted = admitted.get("status") == "True" and not is_evicted
    cause = str(evicted.get("reason") or "")
    return Admission(
        cluster_queue=str((status.get("admission") or {}).get("clusterQueue") or ""),
        admitted_wall=seconds(admitted.get("lastTransitionTime")) if is_admitted else None,
        message="" if is_admitted else _waits(status),
        refusal=_refusal(status, evicted if is_evicted else {}),
        # Of one that was admitted once more only the message is left.
        fate=FATES.get(cause, EVICTED) if is_evicted else EVICTED,
        reason=short(evicted.get("message")) + (f" ({cause})" if is_evicted and cause not in FATES else ""),
        evicted_wall=seconds(evicted.get("lastTransitionTime")) or 0.0,
        is_evicted=is_evicted,
    )


def _waits(status: Document) -> str:
    reserved = condition_of(status, "QuotaReserved")
    if reserved.get("status") != "True":
        return short(reserved.get("message"))
    checks = [one for one in status.get("admissionChecks") or () if one.get("state") != "Ready"]
    told = (
        f"admission check {one.get('name')} is {one.get('state')}: {one.get('message') or 'no message'}"
        for one in checks
    )
    return short(next(told, condition_of(status, "Admitted").get("message")))


def _refusal(status: Document, evicted: Document) -> str:
    if evicted.get("reason") == "Deactivated":
        return short(evicted.get("message"))
    finished = condition_of(status, "Finished")
    return short(finished.get("message")) if finished.get("reason") in ("FailedToStart", "OutOfSync") else ""


class Queue:
    """The waiting of one run, whose objects Kueue admits each for itself.

    `objects` has the replicas of each object ("ps", "worker", "ps and worker") by its UID.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        objects: Mapping[str, str],
        *,
        created_wall: float,
        limit: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        # Since when all may run.
        self.admitted_wall: float | None = None
        # Why nothing will come of it.
        self.lost = ""
        self._api, self._namespace, self._objects = api, namespace, objects
        self._created_wall, self._limit = created_wall, limit
        self._clock = clock
        self._begun = self._look_at = clock()
        self._found: dict[str, Admission] = {}

    def look(self) -> None:
        """At most once a second, until all are admitted."""
        now = self._clock()
        if now < self._look_at or self.admitted_wall is not None or self.lost:
            return
        self._look_at = now + LOOK_SECONDS
        self._read()
        moments = [one.admitted_wall for one in self._found.values() if one.admitted_wall is not None]
        if len(moments) == len(self._objects):
            self.admitted_wall = max(moments)
            return
        self.lost = self.lost or self._hopeless(now - self._begun)

    def _hopeless(self, waited: float) -> str:
        if refusal := next((one.refusal for one in self._found.values() if one.refusal), ""):
            return f"Kueue will not admit the run to queue {self.name}: {refusal}"
        if not self._found and waited >= UNSEEN_SECONDS:
            return (
                f"Kueue has not taken notice of the run within {duration(waited)} (queue {self.name}): it does not run, or"
                " its integrations.frameworks lack this kind of object"
            )
        if self._limit and waited >= self._limit:
            told = f"the run waited {duration(waited)} for {self.waits_for} (training_queue_deadline)"
            return told + (f": {self.because}" if self.because else "")
        return ""

    @property
    def waits_for(self) -> str:
        """`quota in queue x (worker; ps is admitted)`; empty once all may run."""
        if self.admitted_wall is not None:
            return ""
        waiting, admitted = self._parted()
        parts = ", ".join(waiting) + (f"; {', '.join(admitted)} is admitted" if admitted else "")
        return f"quota in queue {self.name}" + (f" ({parts})" if len(self._objects) > 1 else "")

    @property
    def because(self) -> str:
        return next((one.message for one in self._found.values() if one.message), "")

    def eviction(self) -> tuple[str, str, str] | None:
        """Of a run that failed: the replicas that Kueue stopped, what became of them, and why."""
        known = {uid: one.admitted_wall or 0.0 for uid, one in self._found.items()}
        self._read()
        for uid, one in self._found.items():
            # Kueue may have admitted it again by now.
            if one.is_evicted or one.evicted_wall > known.get(uid, 0.0) > 0.0:
                return self._objects[uid], one.fate, one.reason.removeprefix("Previously: ")
        return None

    def evidence(self) -> dict[str, Any]:
        queue = next((one.cluster_queue for one in self._found.values() if one.cluster_queue), None)
        waited = None if self.admitted_wall is None else max(0.0, self.admitted_wall - self._created_wall)
        return {"name": self.name, "cluster_queue": queue, "seconds": waited}

    def _parted(self) -> tuple[list[str], list[str]]:
        admitted = {uid for uid, one in self._found.items() if one.admitted_wall is not None}
        return (
            [kinds for uid, kinds in self._objects.items() if uid not in admitted],
            [kinds for uid, kinds in self._objects.items() if uid in admitted],
        )

    def _read(self) -> None:
        """What cannot be read just now is read a second later; the watch of the pods tells of a server that is gone."""
        try:
            found, _version = self._api.list(
                f"{API}/namespaces/{self._namespace}/workloads",
                labelSelector=f"{OWNER} in ({','.join(self._objects)})",
            )
        except ApiError as error:
            if not error.is_transient:
                self.lost = f"queue {self.name} cannot be watched: {error}"
            return
        of = {str((one["metadata"].get("labels") or {}).get(OWNER)): admission_of(one) for one in found}
        self._found = {uid: of[uid] for uid in self._objects if uid in of}


def queue_of(objects: Sequence[Document]) -> str:
    """Name of the queue that a run's objects were given, by us or by Kueue (its queue `default`); empty without one."""
    return next((str(name) for one in objects if (name := (one["metadata"].get("labels") or {}).get(QUEUE))), "")
