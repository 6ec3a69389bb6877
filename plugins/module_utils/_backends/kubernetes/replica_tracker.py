# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All pods of a run as lists and watches tell of them: what comes first decides. PRIVATE, can break at any time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..base import ReplicaState
from .pod_status import FINAL, UNSCHEDULABLE_SECONDS, PodStatus, deleted, pod_status_of

Key = tuple[str, int]


class ReplicaTracker:
    """The replicas that a run should have, and their pods. One thread tells it what happens, others look."""

    def __init__(
        self,
        *,
        expected: Mapping[str, int],
        run_dir: Path,
        node_seconds: float = UNSCHEDULABLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._run_dir = run_dir
        self._node_seconds = node_seconds
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._statuses: dict[Key, PodStatus] = {}
        self._replicas = {
            (kind, index): self._absent(kind, index)
            for kind in sorted(expected, key=("ps", "worker").index)
            for index in range(expected[kind])
        }
        # In the order in which they were seen to fail.
        self._failures: list[Key] = []
        # Until when what looks like a failure may still pass.
        self._suspects: dict[Key, float] = {}

    def replace(self, pods: Iterable[Mapping[str, Any]]) -> None:
        """A new list: what is not in it has vanished."""
        seen = [status for pod in pods if (status := self._see(pod))]
        # What ended by itself first; what was deleted because of it last.
        seen.sort(key=lambda one: (one.is_deletion, one.replica.ended_wall or math.inf))
        with self._lock:
            for status in seen:
                self._store(status)
            for key in self._statuses.keys() - {status.key for status in seen}:
                self._lose(self._statuses[key])

    def take(self, kind: str, pod: Mapping[str, Any]) -> None:
        """One event of a watch."""
        status = self._see(pod)
        if status is None or kind not in ("ADDED", "MODIFIED", "DELETED"):
            return
        with self._lock:
            known = self._statuses.get(status.key)
            if kind != "DELETED":
                self._store(status)
            elif known is not None and known.uid == status.uid:
                self._store(status)
                self._lose(self._statuses[status.key])

    def refuse(self, kind: str, reason: str) -> None:
        """Pods of this kind that are not there will not come."""
        with self._lock:
            for key in self._missing():
                if key[0] == kind:
                    self._set(key, replace(self._replicas[key], state="failed", fate="was not created", reason=reason))

    def missing(self) -> list[Key]:
        """Replicas that have had no pod yet."""
        with self._lock:
            return self._missing()

    def statuses(self) -> list[PodStatus]:
        with self._lock:
            return list(self._statuses.values())

    def status(self, kind: str, index: int) -> PodStatus | None:
        with self._lock:
            return self._statuses.get((kind, index))

    def look(self) -> tuple[tuple[ReplicaState, ...], ReplicaState | None]:
        """All replicas, and the one that failed first."""
        with self._lock:
            now = self._clock()
            for key in [key for key, until in self._suspects.items() if now >= until]:
                self._set(key, replace(self._replicas[key], state="failed", ended_wall=self._wall()))
            return tuple(self._replicas.values()), self._first_failure()

    def _first_failure(self) -> ReplicaState | None:
        """A replica that only exited may have missed another one, whose end and cause are reported a moment later."""
        failed = [self._replicas[key] for key in self._failures]
        if not failed:
            return None
        named = (
            one
            for key, one in zip(self._failures, failed, strict=True)
            if one.reason and not (key in self._statuses and self._statuses[key].is_deletion)
        )
        return failed[0] if failed[0].reason else next(named, failed[0])

    def _see(self, pod: Mapping[str, Any]) -> PodStatus | None:
        status = pod_status_of(pod, run_dir=self._run_dir, now=self._wall(), node_seconds=self._node_seconds)
        return status if status is not None and status.key in self._replicas else None

    def _missing(self) -> list[Key]:
        return [key for key, one in self._replicas.items() if key not in self._statuses and one.state not in FINAL]

    def _store(self, status: PodStatus) -> None:
        key, known = status.key, self._statuses.get(status.key)
        before = self._replicas[key]
        if known is not None and known.uid != status.uid:
            self._take_another(known, status)
        elif before.state in FINAL:
            # The first end counts; the number of later starts is reported all the same.
            self._statuses[key] = replace(status, replica=before)
            self._replicas[key] = replace(before, restarts=max(before.restarts, status.replica.restarts))
        else:
            self._statuses[key] = status
            self._set(key, status.replica, grace=status.grace)

    def _take_another(self, known: PodStatus, status: PodStatus) -> None:
        """Another pod in the place of one that has ended, or was lost while nobody looked."""
        before = self._replicas[known.key]
        if before.state in FINAL:
            # Its log is the known one's; one more pod of the same name is a restart, once.
            self._replicas[known.key] = replace(before, restarts=max(1, before.restarts))
            return
        self._statuses[known.key] = status
        why = f"its pod {known.name} is gone and another one has taken its place"
        self._set(known.key, replace(status.replica, state="failed", fate="was replaced", reason=why, restarts=1))

    def _lose(self, status: PodStatus) -> None:
        if self._replicas[status.key].state in FINAL:
            return
        fate = deleted(status.name)
        self._statuses[status.key] = replace(status, is_deletion=True)
        self._set(status.key, replace(status.replica, state="failed", fate=fate.fate, reason=fate.reason))

    def _set(self, key: Key, replica: ReplicaState, *, grace: float | None = None) -> None:
        if replica.state == "failed":
            replica = replace(replica, ended_wall=replica.ended_wall or self._wall())
            self._failures.append(key)
        if grace is None:
            self._suspects.pop(key, None)
        else:
            self._suspects.setdefault(key, self._clock() + grace)
        self._replicas[key] = replica

    def _absent(self, kind: str, index: int) -> ReplicaState:
        return ReplicaState(
            replica=kind,
            index=index,
            state="pending",
            host="",
            log=str(self._run_dir / f"{kind}-{index}.log"),
            exit_code=None,
            signal=None,
            cpu_seconds=None,
            rss_peak_bytes=None,
            started_wall=None,
            ended_wall=None,
        )
