# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renews the replicas of a long-running training phase by phase, and says whether each came up. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._backends.base import ReplicaState
from .._backends.kubernetes import pod_status
from .._common.context import Context
from .._common.format import counted, duration
from .objects import LongRunningTraining, group_of, index_of, is_ready, revision_of
from .upgrade_plan import Phase

Document = Mapping[str, Any]

# A list a time, which bears a server that restarts; an upgrade takes minutes, of which nobody misses half a second.
POLL_SECONDS = 0.5
# A replica may end once or twice while others come and go; one that ends again and again does not work.
RESTARTS = 2
# Until a pod that was not created is asked for: the quota counts one that has just gone for a moment longer.
MISSING_SECONDS = 20.0
# Events are kept for an hour; what was refused then may be granted now.
RECENT_SECONDS = 120.0


class NotReadyError(Exception):
    """A phase did not come to its end; the text is a part of a sentence that says which replica, and why."""


class Rollout:
    """Carries phases out. `keep` is called while it waits; `min_ready_seconds` is how long a replica must stay ready."""

    def __init__(
        self,
        training: LongRunningTraining,
        *,
        timeout: float,
        min_ready_seconds: float,
        keep: Callable[[], None],
        context: Context,
    ) -> None:
        self._training = training
        self._timeout = timeout
        self._min_ready = min_ready_seconds
        self._keep = keep
        self.context = context

    def carry_out(self, phase: Phase, wanted: Document) -> str:
        """`wanted` is the group's StatefulSet as it shall be; returns what was done as a part of a sentence."""
        begun = self.context.clock()
        name = f"{self._training.name}-{phase.group}"
        if phase.do == "stop":
            self._set(name, {"spec": {"replicas": 0}})
            self._until(lambda: self._left(phase.group), "did not end")
            return f"{phase.group} stopped in {duration(self.context.clock() - begun)}"
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": phase.down_to}}
        self._training.put({**wanted, "spec": {**wanted["spec"], "updateStrategy": strategy}})
        self.wait(phase, wanted)
        which = f"{phase.group} {phase.down_to}" if phase.do == "roll" else phase.group
        return f"{which} ready in {duration(self.context.clock() - begun)}"

    def wait(self, phase: Phase, wanted: Document) -> None:
        """Until the replicas of the phase are ready and as `wanted`, which has been put before."""
        revision = self._revision(f"{self._training.name}-{phase.group}")
        watch = _Watch(self, phase, revision, int(wanted["spec"].get("replicas", 1)))
        self._until(watch.look, "did not get ready")

    def _set(self, name: str, patch: Document) -> None:
        self._training.api.patch(self._training.path("StatefulSet", name), patch)

    def pods(self, group: str) -> list[dict[str, Any]]:
        found, _version = self._training.api.list(self._training.pods_path, labelSelector=self._training.selector)
        return [pod for pod in found if group_of(pod) == group]

    def _left(self, group: str) -> str:
        left = self.pods(group)
        return f"{counted(len(left), 'pod')} of {group}" if left else ""

    def _revision(self, name: str) -> str:
        """The one that the controller has made of what was put last."""
        found: list[str] = []

        def look() -> str:
            live = self._training.read("StatefulSet", name)
            status = (live or {}).get("status") or {}
            if live is None:
                raise NotReadyError(f"StatefulSet {name} was deleted from outside")
            if int(status.get("observedGeneration") or 0) < int(live["metadata"].get("generation") or 0):
                return f"StatefulSet {name}"
            found.append(str(status.get("updateRevision") or ""))
            return ""

        self._until(look, "was not taken up by its controller")
        return found[-1]

    def _until(self, look: Callable[[], str], trouble: str) -> None:
        """Until nothing is missing; what is, is named when the time is over."""
        end = self.context.clock() + self._timeout
        while True:
            missing = look()
            if not missing:
                return
            if self.context.clock() >= end:
                raise NotReadyError(f"{missing} {trouble} within {duration(self._timeout)}")
            self._keep()
            self.context.sleep(POLL_SECONDS)


class _Watch:
    """The replicas of one phase over time."""

    def __init__(self, rollout: Rollout, phase: Phase, revision: str, replicas: int) -> None:
        self._rollout = rollout
        self._phase = phase
        self._revision = revision
        self._wanted = range(phase.down_to, replicas)
        self._begun = rollout.context.clock()
        self._ready_since: dict[str, float] = {}
        self._trouble_since: dict[str, float] = {}

    def look(self) -> str:
        """What is missing; raises NotReadyError for what will not come."""
        now = self._rollout.context.clock()
        pods = {index_of(pod): pod for pod in self._rollout.pods(self._phase.group)}
        missing = [index for index in self._wanted if not self._is_good(pods.get(index), now)]
        if self._phase.do == "start":
            # Those beyond the size that is wanted go by themselves, and hold what others may need until then.
            missing += [index for index in pods if index not in self._wanted]
        if any(index not in pods for index in missing) and now - self._begun > MISSING_SECONDS:
            self._seek()
        return f"{self._phase.group} {', '.join(map(str, missing))}" if missing else ""

    def _is_good(self, pod: Document | None, now: float) -> bool:
        if pod is None:
            return False
        uid = pod["metadata"]["uid"]
        if revision_of(pod) != self._revision:
            if not is_ready(pod) and not pod["metadata"].get("deletionTimestamp"):
                # The controller may wait for ever until it gets ready: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
                self._rollout._training.delete_pod(pod)
            return False
        if not is_ready(pod):
            self._ready_since.pop(uid, None)
            self._judge(pod, now)
            return False
        return now - self._ready_since.setdefault(uid, now) >= self._rollout._min_ready

    def _judge(self, pod: Document, now: float) -> None:
        status = pod_status.pod_status_of(pod, run_dir=Path(), now=self._rollout.context.wall())
        if status is None or status.is_deletion:
            return
        replica, uid = status.replica, pod["metadata"]["uid"]
        if replica.exit_code is not None or replica.signal is not None:
            if status.restart_count >= RESTARTS:
                raise NotReadyError(f"{replace(replica, fate='').ending} again and again{_why(replica)}")
        elif replica.state == "failed" or (
            status.grace is not None and now - self._trouble_since.setdefault(uid, now) > status.grace
        ):
            raise NotReadyError(f"{replica.ending}{_why(replica)}")

    def _seek(self) -> None:
        training = self._rollout._training
        name = f"{training.name}-{self._phase.group}"
        events, _version = training.api.list(
            f"/api/v1/namespaces/{training.namespace}/events", fieldSelector=f"involvedObject.name={name}"
        )
        recent = [
            one
            for one in events
            if (pod_status.seconds(one.get("lastTimestamp")) or 0) > self._rollout.context.wall() - RECENT_SECONDS
        ]
        if reason := pod_status.refusal_of(recent, name):
            raise NotReadyError(f"a pod of {self._phase.group} was not created: {reason}")


def _why(replica: ReplicaState) -> str:
    return f": {replica.reason}" if replica.reason else ""
