# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every carrier of replicas tells of a run, and how the run's outcome follows. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class ReplicaState:
    """One replica as last seen.

    `state` is pending (not started yet), running, succeeded, failed or stopped (ended because the run was over).
    """

    replica: str
    index: int
    state: str
    host: str
    log: str
    exit_code: int | None
    signal: int | None
    # None where nobody has measured it from outside.
    cpu_seconds: float | None
    rss_peak_bytes: int | None
    started_wall: float | None
    ended_wall: float | None
    # What became of it where no exit code tells, as said after its name ("was evicted"), and why.
    fate: str = ""
    reason: str = ""
    restarts: int = 0
    node: str | None = None
    image_id: str | None = None
    # Seconds from its creation until it was scheduled, initialized and started.
    phases: Mapping[str, float] | None = None

    @property
    def ending(self) -> str:
        if self.fate:
            return f"{self.replica} {self.index} {self.fate}"
        if self.signal is not None:
            return f"{self.replica} {self.index} was killed by signal {self.signal}"
        return f"{self.replica} {self.index} exited with code {self.exit_code}"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """All replicas of a run at one moment."""

    replicas: tuple[ReplicaState, ...]
    # When its clock began; None while it waits for that.
    started_wall: float | None
    ended_wall: float | None
    first_failure: ReplicaState | None
    # Why nothing more will be heard of a run that has not ended; empty as long as somebody looks after it.
    lost: str
    evidence: Mapping[str, Any]
    # What a run waits for before its clock begins ("quota in queue x"), and why; empty once it has begun.
    waits_for: str = ""
    because: str = ""
    # Whether the chief alone decides: the other workers are servers that never end by themselves.
    ends_with_chief: bool = False

    def of(self, kind: str) -> list[ReplicaState]:
        return [replica for replica in self.replicas if replica.replica == kind]

    @property
    def deciding(self) -> list[ReplicaState]:
        """The workers that must succeed."""
        return deciding(self.replicas, ends_with_chief=self.ends_with_chief)


def deciding(replicas: Sequence[ReplicaState], *, ends_with_chief: bool) -> list[ReplicaState]:
    workers = [one for one in replicas if one.replica == "worker"]
    return [one for one in workers if one.index == 0] if ends_with_chief else workers


class Backend(Protocol):
    """Tells of the replicas of one run; `observe` raises BackendError where there is no run."""

    def observe(self) -> Observation: ...

    def log_of(self, replica: str, index: int) -> Path: ...

    def finish(self, seen: Observation) -> Observation:
        """The run is not looked at any more: whatever a removal would destroy is saved now."""


def outcome(seen: Observation) -> str | None:
    """succeeded, failed, or None as long as the run goes on or its last processes are being ended."""
    if seen.ended_wall is None and not seen.lost:
        return None
    succeeded = seen.first_failure is None and all(worker.state == "succeeded" for worker in seen.deciding)
    return "succeeded" if succeeded else "failed"
