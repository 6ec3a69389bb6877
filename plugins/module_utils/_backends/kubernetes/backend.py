# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas as pods of a Kubernetes cluster: one watch, one log that is followed. PRIVATE, can break at any time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..._common.errors import BackendError
from ..._common.format import counted, duration, listed, readable
from ..._kubernetes.api import GARBLED, Api, ApiError
from ..._kubernetes.labels import ATTEMPT, ENDS, RUN
from ..._kubernetes.readiness import condition_of
from ..._study.design.workloads import Workload, chain, workload
from ..base import Observation, ReplicaState, deciding, outcome
from .admission import Queue, queue_of
from .pod_logs import ChiefLog, PodLogs, ProgramOutput, claim, save
from .pod_status import UNSCHEDULABLE_SECONDS, refusal_of, seconds, trouble_of
from .replica_tracker import ReplicaTracker

KINDS = ("ps", "worker")
WATCH_SECONDS = 600
PAUSE_SECONDS = 0.5
# An API server that restarts is back in 20 s, a control plane that moves in a minute or two.
LOST_SECONDS = 120.0
# One that has just started refuses what it allows a moment later, for it does not know its own roles yet.
REFUSED_SECONDS = 30.0
# Pods come within a second; when they do not, the events tell why. Then seldom: each look is a request.
MISSING_SECONDS = 3.0
# Their controllers may be busy, but not for so long.
ABSENT_SECONDS = 120.0
# An extension's controller takes an object up within a second, if it runs at all.
IDLE_SECONDS = 20.0
# After a replica that only exited: the one that brought it down may be reported a moment later.
SETTLE_SECONDS = 1.0


def start_thread(target: Callable[[], None]) -> None:
    """It ends with its process: a read that nobody answers must not hold up the end."""
    threading.Thread(target=target, daemon=True).start()


@dataclass(frozen=True, kw_only=True)
class Run:
    """Which run this is, and where."""

    namespace: str
    run_id: str
    attempt: int
    # A name of _study/design/workloads.py.
    workload: str

    @property
    def selector(self) -> str:
        return f"{RUN}={self.run_id},{ATTEMPT}={self.attempt}"

    def path(self, api: str, resource: str) -> str:
        return f"{api}/namespaces/{self.namespace}/{resource}"


class Watcher:
    """Tells a ReplicaTracker what happens, over broken connections and forgotten versions."""

    def __init__(
        self,
        api: Api,
        run: Run,
        pods: ReplicaTracker,
        *,
        selector: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._run = run
        self._pods = pods
        self._selector = selector
        self._clock = clock
        self._sleep = sleep
        self._since = ""
        self._away_since: float | None = None
        self._stopped = False
        self._was_let_in = False
        self.breaks = 0
        # Why nothing more will be heard.
        self.lost = ""

    def run(self) -> None:
        while not self._stopped and not self.lost:
            try:
                self._listen()
            except ApiError as error:
                self._bear(error)
            except Exception as error:
                # A document that is no pod's, or an error of ours: a thread's is seen by nobody.
                told = f"the pods cannot be watched: {type(error).__name__}: {readable(error)}"
                self._bear(ApiError(told, reason=GARBLED))

    def stop(self) -> None:
        self._stopped = True

    def _listen(self) -> None:
        path, selector = self._run.path("/api/v1", "pods"), self._selector
        if not self._since:
            pods, self._since = self._api.list(path, labelSelector=selector)
            self._pods.replace(pods)
            self._away_since = None
        begun = self._clock()
        for event in self._api.watch(
            path, since=self._since, seconds=WATCH_SECONDS, opened=self._hear, labelSelector=selector
        ):
            if self._stopped:
                return
            self._since = event["object"]["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self._pods.take(event["type"], event["object"])
        if self._clock() - begun < PAUSE_SECONDS:
            # A server that is going down ends each watch at once.
            self._sleep(PAUSE_SECONDS)

    def _hear(self) -> None:
        self._away_since = None
        self._was_let_in = True

    def _bear(self, error: ApiError) -> None:
        if error.status == 410 or error.reason == GARBLED:
            self._since = ""
        if error.status == 410:
            self._sleep(PAUSE_SECONDS)
            return
        self.breaks += 1
        if self._away_since is None:
            self._away_since = self._clock()
        silent = self._clock() - self._away_since
        if not error.is_transient and (silent >= REFUSED_SECONDS or not self._was_let_in):
            self.lost = str(error)
        elif silent >= LOST_SECONDS:
            self.lost = f"nothing was heard of the run for {duration(silent)}: {error}"
        else:
            self._sleep(PAUSE_SECONDS)


class KubernetesBackend:
    """The run of these labels; looking again costs next to nothing while no event has come."""

    def __init__(
        self,
        api: Api,
        run: Run,
        *,
        run_dir: str | Path,
        nodes: Sequence[str] = (),
        stall_seconds: float = 0.0,
        start_seconds: float = 0.0,
        queue_deadline: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        start: Callable[[Callable[[], None]], None] = start_thread,
    ) -> None:
        self._api = api
        self._run = run
        self._run_dir = Path(run_dir)
        self._nodes = list(nodes)
        self._stall_seconds = stall_seconds
        self._start_seconds = start_seconds
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._logs = PodLogs(api, run.namespace)
        self._workload = workload(run.workload)
        groups = self._groups()
        self._ends_with_chief = any(
            one["metadata"].get("labels", {}).get(ENDS) == "chief" for one, _size in groups.values()
        )
        self._names = {kind: one["metadata"]["name"] for kind, (one, _size) in groups.items()}
        created = [one["metadata"]["creationTimestamp"] for one, _size in groups.values()]
        self._started_wall: float | None = min(seconds(stamp) or wall() for stamp in created)
        self._queue = self._queue_of(groups, queue_deadline)
        self._pods = ReplicaTracker(
            expected={kind: size for kind, (_one, size) in groups.items()},
            run_dir=self._run_dir,
            node_seconds=math.inf if start_seconds else UNSCHEDULABLE_SECONDS,
            clock=clock,
            wall=wall,
        )
        name_label = self._workload.name_label
        # By its own label, or by that of its object where ours do not reach all pods.
        self._mark = (name_label, self._names["worker"]) if name_label else (RUN, run.run_id)
        selector = "=".join(self._mark) if name_label else run.selector
        self._watcher = Watcher(api, run, self._pods, selector=selector, clock=clock, sleep=sleep)
        self._chief = ChiefLog(
            self._logs, self.log_of("worker", 0), lambda: self._pods.status("worker", 0), clock=clock, sleep=sleep
        )
        self._said = ProgramOutput(self.log_of("worker", 0))
        self._lost = ""
        self._begin()
        claim(self._run_dir, {"namespace": run.namespace, "run_id": run.run_id, "attempt": run.attempt})
        start(self._watcher.run)
        start(self._chief.run)

    def _begin(self) -> None:
        """From here all waiting counts."""
        self._begun = self._moved = self._clock()
        self._missing_at = self._begun + MISSING_SECONDS
        self._start_at = self._begun + self._start_seconds if self._start_seconds else math.inf

    def observe(self) -> Observation:
        if self._queue and self._queue.waits_for:
            self._queue.look()
            if self._queue.waits_for:
                return self._observation()
            self._begin()
        if self._clock() >= self._missing_at:
            self._seek_missing()
        if self._clock() >= self._start_at:
            self._look_at_starts()
        if self._stall_seconds:
            self._look_at_progress()
        return self._observation()

    def log_of(self, replica: str, index: int) -> Path:
        return self._run_dir / f"{replica}-{index}.log"

    def finish(self, seen: Observation) -> Observation:
        """Save all logs, then tell what is known in the end."""
        if seen.first_failure and not seen.first_failure.reason:
            self._sleep(SETTLE_SECONDS)
        self._watcher.stop()
        self._chief.stop()
        statuses = self._pods.statuses()
        if self._chief.is_complete and not self._watcher.breaks:
            statuses = [status for status in statuses if status.key != ("worker", 0)]
        notes = save(self._logs, statuses, clock=self._clock, sleep=self._sleep)
        last = self._observation()
        if outcome(last) is None:
            last = replace(last, replicas=self._with_trouble(last.replicas))
        if self._queue and last.first_failure:
            last = replace(last, first_failure=self._stopped_by(self._queue, last.replicas) or last.first_failure)
        return replace(last, evidence=self._evidence(last.replicas, notes))

    # --- what is looked at -----------------------------------------------------------------------------------------

    def _groups(self) -> dict[str, tuple[Mapping[str, Any], int]]:
        """The object that has the replicas of each kind, and how many."""
        run = self._run
        found, _version = self._api.list(run.path(*self._workload.place), labelSelector=run.selector)
        groups = {kind: (one, size) for one in found for kind, size in self._workload.sizes(one).items()}
        if "worker" not in groups:
            raise BackendError(
                f"run {run.run_id} (attempt {run.attempt}) has no {run.workload} of workers in namespace {run.namespace}:"
                " deploy it first"
            )
        return {kind: groups[kind] for kind in KINDS if kind in groups}

    def _queue_of(self, groups: Mapping[str, tuple[Mapping[str, Any], int]], deadline: float) -> Queue | None:
        objects: dict[str, str] = {}
        for kind, (one, _size) in groups.items():
            uid = str(one["metadata"].get("uid"))
            objects[uid] = f"{objects[uid]} and {kind}" if uid in objects else kind
        name = queue_of([one for one, _size in groups.values()])
        if not name:
            return None
        created, self._started_wall = self._started_wall or self._wall(), None
        return Queue(
            self._api, self._run.namespace, name, objects, created_wall=created, limit=deadline, clock=self._clock
        )

    def _observation(self) -> Observation:
        queue, (replicas, first) = self._queue, self._pods.look()
        workers = deciding(replicas, ends_with_chief=self._ends_with_chief)
        ended = None
        if all(one.state == "succeeded" for one in workers):
            ended = max((one.ended_wall for one in workers if one.ended_wall is not None), default=self._wall())
            replicas = tuple(_stopped(one, ended) for one in replicas)
            first = first if first in replicas else None
        if first is not None:
            ended = first.ended_wall
        return Observation(
            replicas=replicas,
            started_wall=queue.admitted_wall if queue else self._started_wall,
            ended_wall=ended,
            first_failure=first,
            lost="" if ended is not None else self._watcher.lost or (queue.lost if queue else "") or self._lost,
            evidence={"restarts": 0},
            waits_for=queue.waits_for if queue else "",
            because=queue.because if queue else "",
            ends_with_chief=self._ends_with_chief,
        )

    def _seek_missing(self) -> None:
        """Pods that do not come were refused, as only their controller's events tell."""
        missing = self._pods.missing()
        waited = self._clock() - self._begun
        self._missing_at = self._begun + 2 * waited
        if not missing:
            return
        events = self._events()
        for kind, name in self._names.items():
            why = refusal_of(events, self._workload.controller(name, kind))
            if why and any(key[0] == kind for key in missing):
                self._pods.refuse(kind, f"the cluster refuses its pod: {why}")
        if self._queue and (found := self._queue.eviction()):
            self._lost = f"the run {found[1]}: {found[2]}"
        if not self._lost and not self._pods.statuses():
            self._lost = self._absence(events, waited)

    def _absence(self, events: Iterable[Mapping[str, Any]], waited: float) -> str:
        """Why no pod is to be expected of a run that has none; empty as long as one may come."""
        none = f"no pod of run {self._run.run_id} came within {duration(waited)}"
        name = self._names["worker"]
        if waited >= IDLE_SECONDS and self._is_suspended(name):
            advice = "look what Kueue's manager logs" if self._queue else "if Kueue does that, give training_queue"
            return f"{none}, because {self._workload.kind} {name} is suspended: {advice}"
        if waited >= IDLE_SECONDS and (idle := self._idle(name)):
            why = trouble_of(events, name) or f"look whether {idle.controller_program} runs, and what it logs"
            return f"{none}, because nothing was made of {idle.kind} {name}: {why}"
        return none if waited >= ABSENT_SECONDS else ""

    def _idle(self, name: str) -> Workload | None:
        """The extension whose controller has not taken up the run's object of this name; None where that cannot be told."""
        maker, made = None, {}
        try:
            for one in chain(self._workload) if self._workload.install else ():
                # Who runs studies may list every kind, but not get it.
                found, _version = self._api.list(self._run.path(*one.place), fieldSelector=f"metadata.name={name}")
                if not found:
                    return maker
                maker, made = one, found[0]
        except ApiError:
            return None
        return None if made.get("status") else maker

    def _is_suspended(self, name: str) -> bool:
        """Although Kueue has admitted it, or nobody was told to admit it."""
        try:
            found = self._api.get(f"{self._run.path(*self._workload.place)}/{name}")
        except ApiError:
            return False
        return bool((found.get("spec") or {}).get("suspend"))

    def _look_at_starts(self) -> None:
        """A run of which a part never starts would train with fewer replicas than it says, or wait at the start line."""
        self._start_at = math.inf
        waiting = [one for one in self._with_trouble(self._pods.look()[0]) if one.state == "pending"]
        if not waiting:
            return
        why: dict[str, list[str]] = {}
        for one in waiting:
            why.setdefault(one.reason or "no cause is known", []).append(f"{one.replica} {one.index}")
        told = "; ".join(f"{listed(names)}: {reason}" for reason, names in why.items())
        within = duration(self._start_seconds)
        self._lost = (
            f"{counted(len(waiting), 'replica')} did not start within {within} (training_start_seconds): {told}"
        )

    def _events(self) -> list[dict[str, Any]]:
        """Warnings of the namespace; none where they cannot be read: they only name a cause."""
        try:
            return self._api.list(self._run.path("/api/v1", "events"), fieldSelector="type=Warning")[0]
        except ApiError:
            return []

    def _look_at_progress(self) -> None:
        if self._said.has_grown():
            self._moved = self._clock()
        silent = self._clock() - self._moved
        if silent >= self._stall_seconds and not self._lost:
            self._lost = f"worker 0 has said nothing for {duration(silent)}" + self._silent_node()

    def _silent_node(self) -> str:
        """Which of the run's nodes does not answer, where we may ask."""
        for name in self._used_nodes(self._pods.look()[0]):
            try:
                status = self._api.get(f"/api/v1/nodes/{name}").get("status") or {}
            except ApiError:
                return ""
            if condition_of(status, "Ready").get("status", "True") != "True":
                return f" and node {name} is not ready"
        return ""

    @staticmethod
    def _stopped_by(queue: Queue, replicas: Sequence[ReplicaState]) -> ReplicaState | None:
        """Kueue takes the pods of a run away as anybody could; only its own document tells that it was Kueue, and why."""
        found = queue.eviction()
        if found is None:
            return None
        kinds, fate, reason = found
        concerned = [one for one in replicas if one.replica in kinds.split(" and ")]
        first = next((one for one in concerned if one.state == "failed"), concerned[0])
        return replace(first, fate=fate, reason=reason)

    # --- results --------------------------------------------------------------------------------------------------

    def _with_trouble(self, replicas: tuple[ReplicaState, ...]) -> tuple[ReplicaState, ...]:
        """At the deadline: what those that have not started wait for."""
        waiting = [one for one in replicas if one.state == "pending" and not one.reason]
        events = self._events() if waiting else []
        names = {status.key: status.name for status in self._pods.statuses()}
        told = {id(one): trouble_of(events, names.get((one.replica, one.index), "")) for one in waiting}
        return tuple(replace(one, reason=told[id(one)]) if told.get(id(one)) else one for one in replicas)

    def _evidence(self, replicas: Sequence[ReplicaState], notes: list[str]) -> dict[str, Any]:
        nodes = self._used_nodes(replicas)
        foreign = self._foreign_pods(nodes)
        return {
            "restarts": sum(one.restarts for one in replicas),
            "nodes": nodes,
            "active_nodes": self._nodes,
            "images": sorted({one.image_id.rpartition("@")[2] for one in replicas if one.image_id}),
            "foreign_pods": foreign,
            "api_requests": self._api.requests,
            **({"queue": self._queue.evidence()} if self._queue else {}),
            "notes": notes
            + (
                [f"the watch of the pods broke {counted(self._watcher.breaks, 'time')}"] if self._watcher.breaks else []
            ),
        }

    @staticmethod
    def _used_nodes(replicas: Sequence[ReplicaState]) -> list[str]:
        return sorted({one.node for one in replicas if one.node})

    def _foreign_pods(self, nodes: Sequence[str]) -> int | None:
        """Others that ran on the run's nodes, without what runs on every node; None where we may not see them."""
        if not nodes:
            return None
        fields = ["status.phase=Running"] + ([f"spec.nodeName={nodes[0]}"] if len(nodes) == 1 else [])
        try:
            # From the server's cache: the newest version is not worth its price.
            pods, _version = self._api.list(
                "/api/v1/pods",
                labelSelector="!=".join(self._mark),
                fieldSelector=",".join(fields),
                resourceVersion="0",
            )
        except ApiError:
            return None
        return sum((pod.get("spec") or {}).get("nodeName") in nodes and not _is_of_node(pod) for pod in pods)


def _stopped(replica: ReplicaState, ended: float) -> ReplicaState:
    """What fails after the end of a run is no part of it: a JobSet's controller takes away what still runs then."""
    if replica.state != "failed" or replica.ended_wall is None or replica.ended_wall < ended:
        return replica
    return replace(replica, state="stopped", fate="", reason="")


def _is_of_node(pod: Mapping[str, Any]) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") in ("DaemonSet", "Node") for owner in owners)
