# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the documents of a pod and its events to what became of a replica, and why. Pure. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..._common.format import readable
from ..._common.quantity import amount
from ..._kubernetes.readiness import condition_of
from ..._study.design.workloads import containers, group_of, index_of
from ..base import ReplicaState

FINAL = frozenset({"succeeded", "failed"})
# The pods of the run before may still be leaving their node.
UNSCHEDULABLE_SECONDS = 30.0
# A kubelet that got no processor time for a while comes back.
NODE_LOST_SECONDS = 30.0
# What a pod refers to may come a moment after it.
WAITING_SECONDS = 10.0
# The exit code of a program that a signal ended is 128 + the signal.
SIGNALLED = 128
LAST_SIGNAL = 64
# What our trainer was seen to need; with less it is killed or only thrashes.
NEEDED_MEBIBYTES = {"worker": 768, "ps": 384}
LONGEST_MESSAGE = 400
# `Error creating: pods "x" is forbidden: ...`, `create Pod x in StatefulSet y failed error: pods "x" is forbidden: ...`
_REFUSED = re.compile(
    r"^.*?(?:Error creating|failed error): (?:pods? \"[^\"]*\" is (?:forbidden|invalid): )?", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOutcome:
    """What a pod's status amounts to; with `grace` it is a failure only after so many seconds."""

    state: str
    fate: str = ""
    reason: str = ""
    grace: float | None = None
    # Deleted by somebody: what a controller does to the others after a failure, too.
    is_deletion: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStatus:
    """What matters of a pod as last seen; a thousand of them take little memory."""

    name: str
    uid: str
    container: str
    replica: ReplicaState
    grace: float | None
    is_deletion: bool
    restart_count: int
    # Its controller starts the container again whatever its exit code is.
    restarts_always: bool
    has_started: bool

    @property
    def key(self) -> tuple[str, int]:
        return self.replica.replica, self.replica.index


def pod_status_of(
    pod: Mapping[str, Any], *, run_dir: Path, now: float, node_seconds: float = UNSCHEDULABLE_SECONDS
) -> PodStatus | None:
    """None for a pod that is no replica. `now` is seconds since 1970 at which it was seen so; it may be without a node for `node_seconds`."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    key = _key(meta, spec)
    if key is None:
        return None
    container = _of_trainer(status.get("containerStatuses") or ())
    end = _first_end(container)
    restarts = int(container.get("restartCount") or 0)
    always = spec.get("restartPolicy", "Always") == "Always"
    found = _fate(pod, container, end, node_seconds)
    return PodStatus(
        name=meta["name"],
        uid=meta["uid"],
        container=_of_trainer(spec.get("containers") or ()).get("name", ""),
        grace=found.grace,
        is_deletion=found.is_deletion,
        restart_count=restarts,
        restarts_always=always,
        has_started=bool(end) or "running" in (container.get("state") or {}),
        replica=ReplicaState(
            replica=key[0],
            index=key[1],
            state=found.state,
            host=str(status.get("podIP") or ""),
            log=str(run_dir / f"{key[0]}-{key[1]}.log"),
            **_exit(end),
            cpu_seconds=None,
            rss_peak_bytes=None,
            started_wall=_started(container, end),
            ended_wall=_within_second(end.get("finishedAt"), now) if end else None,
            fate=found.fate,
            reason=readable(found.reason),
            # A finished replica of a StatefulSet is started once more, to sleep.
            restarts=max(0, restarts - 1) if always and end else restarts,
            node=spec.get("nodeName"),
            image_id=readable(container.get("imageID") or "") or None,
            phases=_phases(meta, status, container, end),
        ),
    )


def _key(meta: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[str, int] | None:
    labels = meta.get("labels") or {}
    index = index_of(labels)
    if index is None:
        found = re.search(r"-([0-9]+)\Z", str(spec.get("hostname") or meta["name"]))
        index = found[1] if found else ""
    kind = group_of(labels)
    return (kind, int(index)) if kind in NEEDED_MEBIBYTES and str(index).isdigit() else None


def _of_trainer(listed: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """By its name, else the first: a mesh or a cloud may have put others beside it."""
    named = list(listed)
    return next((one for one in named if one.get("name") in containers()), named[0] if named else {})


def _first_end(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """The container's first end counts: one that was started again moves it from `state` to `lastState`."""
    for where in ("lastState", "state"):
        if end := (container.get(where) or {}).get("terminated"):
            return dict(end)
    return {}


def _exit(end: Mapping[str, Any]) -> dict[str, int | None]:
    code = end.get("exitCode")
    if code is not None and SIGNALLED < code <= SIGNALLED + LAST_SIGNAL:
        return {"exit_code": None, "signal": code - SIGNALLED}
    return {"exit_code": code, "signal": None}


def _started(container: Mapping[str, Any], end: Mapping[str, Any]) -> float | None:
    return seconds(end.get("startedAt") or ((container.get("state") or {}).get("running") or {}).get("startedAt"))


def _phases(
    meta: Mapping[str, Any], status: Mapping[str, Any], container: Mapping[str, Any], end: Mapping[str, Any]
) -> dict[str, float]:
    created = seconds(meta.get("creationTimestamp"))
    moments = {"started": _started(container, end)}
    for condition, name in (("Initialized", "initialized"), ("PodScheduled", "scheduled")):
        found = condition_of(status, condition)
        moments[name] = seconds(found.get("lastTransitionTime")) if found.get("status") == "True" else None
    return {name: at - created for name, at in reversed(moments.items()) if at is not None and created is not None}


def _within_second(stamp: Any, now: float) -> float | None:
    """Kubernetes rounds times down to seconds; an observation within that second is more exact if the clocks agree."""
    at = seconds(stamp)
    return None if at is None else min(max(now, at), at + 1)


def seconds(stamp: Any) -> float | None:
    """2026-11-24T19:35:38Z as seconds since 1970."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (TypeError, ValueError):
        return None


# --- what became of it ----------------------------------------------------------------------------------------------


def _fate(
    pod: Mapping[str, Any], container: Mapping[str, Any], end: Mapping[str, Any], node_seconds: float
) -> PodOutcome:
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    kind = group_of(meta.get("labels") or {})
    has_succeeded = end.get("exitCode") == 0 if end else status.get("phase") == "Succeeded"
    if has_succeeded and kind == "worker":
        return PodOutcome(state="succeeded")
    disrupted = _disruption(meta, spec, status)
    if disrupted and not (end and end.get("reason") == "OOMKilled"):
        return disrupted
    if end:
        return _ended(kind, pod, container, end)
    if status.get("phase") == "Failed":
        message = short(status.get("message"))
        why = f"{status.get('reason') or 'no reason is given'}" + (f": {message}" if message else "")
        return PodOutcome(
            state="failed", fate="was refused by its node", reason=f"node {spec.get('nodeName')} says {why}"
        )
    return _not_ended(spec, status, container, node_seconds)


def _disruption(meta: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> PodOutcome | None:
    """Somebody takes the pod away; https://kubernetes.io/docs/concepts/workloads/pods/disruptions/"""
    condition = condition_of(status, "DisruptionTarget")
    cause = condition.get("reason") if condition.get("status") == "True" else status.get("reason")
    node = f"node {spec.get('nodeName')}"
    told = DISRUPTIONS.get(str(cause))
    if told:
        message = short(condition.get("message") or status.get("message"))
        what, why = told
        return PodOutcome(
            state="failed", fate=what, reason=f"{why.format(node=node)} ({cause})" + _after(": ", message)
        )
    if meta.get("deletionTimestamp"):
        return deleted(meta["name"])
    return None


# https://github.com/kubernetes/kubernetes/blob/v1.34.4/pkg/apis/core/types.go (PodReasonTerminationByKubelet and others)
DISRUPTIONS = {
    "Evicted": ("was evicted", "{node} ran out of a resource"),
    "TerminationByKubelet": ("was evicted", "{node} ran out of a resource or is being shut down"),
    "EvictionByEvictionAPI": ("was evicted", "{node} is being drained, or somebody asked for it"),
    "PreemptionByScheduler": ("was preempted", "a pod of higher priority took its place on {node}"),
    "Preempting": ("was preempted", "a pod of higher priority took its place on {node}"),
    "DeletionByTaintManager": ("was lost", "{node} is tainted or does not answer"),
    "DeletionByPodGC": ("was lost", "{node} is gone"),
    "NodeLost": ("was lost", "{node} does not answer"),
    "NodeShutdown": ("was stopped", "{node} is being shut down"),
    "Terminated": ("was stopped", "{node} is being shut down"),
    "DeadlineExceeded": ("was stopped", "the time that its Job or pod may take (activeDeadlineSeconds) has passed"),
}


def deleted(name: str) -> PodOutcome:
    return PodOutcome(
        state="failed", fate="was deleted", reason=f"its pod {name} was deleted from outside", is_deletion=True
    )


def _ended(kind: Any, pod: Mapping[str, Any], container: Mapping[str, Any], end: Mapping[str, Any]) -> PodOutcome:
    reason, node = end.get("reason"), f"node {pod['spec'].get('nodeName')}"
    if reason == "OOMKilled":
        limit = _memory_limit(pod["spec"])
        return PodOutcome(state="failed", reason=_out_of_memory(str(kind), limit, node))
    if reason in ("StartError", "ContainerCannotRun"):
        return PodOutcome(state="failed", fate="did not start", reason=f"{reason}: {short(end.get('message'))}")
    if reason == "ContainerStatusUnknown":
        return PodOutcome(state="failed", fate="was lost", reason=f"{node} has lost its state")
    if (container.get("state") or {}).get("waiting", {}).get("reason") == "CrashLoopBackOff":
        code = end.get("exitCode")
        return PodOutcome(state="failed", fate=f"exited with code {code} again and again (CrashLoopBackOff)")
    return PodOutcome(state="failed")


def _not_ended(
    spec: Mapping[str, Any], status: Mapping[str, Any], container: Mapping[str, Any], node_seconds: float
) -> PodOutcome:
    state = container.get("state") or {}
    node = f"node {spec.get('nodeName')}"
    if "running" in state:
        ready = condition_of(status, "Ready")
        # Only the node controller contradicts a container that its kubelet called ready.
        if ready.get("status") == "False" and container.get("ready") and not ready.get("reason"):
            why = f"{node} does not answer (NotReady)"
            return PodOutcome(state="running", fate="was lost", reason=why, grace=NODE_LOST_SECONDS)
        return PodOutcome(state="running")
    waiting = state.get("waiting") or {}
    cause, message = str(waiting.get("reason") or ""), short(waiting.get("message"))
    if cause in IMAGE_CAUSES:
        image = _of_trainer(spec.get("containers") or ()).get("image")
        why = IMAGE_CAUSES[cause].format(image=image, node=node)
        return PodOutcome(
            state="failed", fate="did not start", reason=why + ("" if cause in PLAIN else _after(": ", message))
        )
    if cause and cause not in BUSY:
        return PodOutcome(
            state="pending",
            fate="did not start",
            reason=f"{node} says {cause}" + _after(": ", message),
            grace=WAITING_SECONDS,
        )
    scheduled = condition_of(status, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        why = f"no node can take it (Unschedulable): {short(scheduled.get('message'))}"
        return PodOutcome(state="pending", fate="was not scheduled", reason=why, grace=node_seconds)
    return PodOutcome(state="pending")


BUSY = frozenset({"ContainerCreating", "PodInitializing"})
PULL = "image {image} cannot be pulled on {node} ({cause})"
IMAGE_CAUSES = {
    "ErrImageNeverPull": "image {image} is not on {node} (ErrImageNeverPull): load it onto every node (role image)",
    "InvalidImageName": "image {image} is no name of an image (InvalidImageName): set training_image to a valid one",
    "ImageInspectError": "image {image} on {node} is broken (ImageInspectError)",
    **{cause: PULL.replace("{cause}", cause) for cause in ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")},
}
# Their messages repeat what was said.
PLAIN = frozenset({"ErrImageNeverPull", "InvalidImageName"})


def _memory_limit(spec: Mapping[str, Any]) -> str:
    limits = (_of_trainer(spec.get("containers") or ()).get("resources") or {}).get("limits") or {}
    return str(limits.get("memory") or "")


def _out_of_memory(kind: str, limit: str, node: str) -> str:
    if not limit:
        return f"{node} ran out of memory (OOMKilled): set a memory request, or use a node with more"
    need = NEEDED_MEBIBYTES[kind]
    advice = f"our trainer's {kind} wants {need}Mi" if 0 < (amount(limit) or 0) < need * 2**20 else "give it more"
    return f"it took more than its memory limit of {limit} (OOMKilled): {advice}"


# --- events ---------------------------------------------------------------------------------------------------------


def refusal_of(events: Iterable[Mapping[str, Any]], name: str) -> str:
    """Why a controller of this name gets no pods; empty as long as none was refused."""
    told = _newest(events, lambda event: event.get("reason") == "FailedCreate" and _about(event) == name)
    return short(_REFUSED.sub("", told, count=1)) if told else ""


def trouble_of(events: Iterable[Mapping[str, Any]], pod: str) -> str:
    """The newest warning about a pod."""
    return short(_newest(events, lambda event: event.get("type") == "Warning" and _about(event) == pod))


def _about(event: Mapping[str, Any]) -> str:
    return str((event.get("involvedObject") or {}).get("name") or "")


def _newest(events: Iterable[Mapping[str, Any]], wanted: Callable[[Mapping[str, Any]], bool]) -> str:
    def moment(event: Mapping[str, Any]) -> str:
        return str(event.get("lastTimestamp") or event.get("eventTime") or "")

    found = max(filter(wanted, events), key=moment, default=None)
    return str(found.get("message") or "") if found else ""


def short(message: Any) -> str:
    """One line without its full stop."""
    return readable(readable(message or "").rstrip("."), LONGEST_MESSAGE)


def _after(mark: str, text: str) -> str:
    return f"{mark}{text}" if text else ""
