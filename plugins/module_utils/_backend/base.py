# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every carrier of replicas tells and does, and how a run's outcome follows. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class ReplicaState:
    """One replica as last seen; `state` is running, succeeded, failed or stopped (ended because the run was over)."""

    replica: str
    index: int
    state: str
    host: str = ""
    log: str = ""
    pid: int = 0
    exit_code: int | None = None
    signal: int | None = None
    cpu_seconds: float = 0.0
    rss_peak_bytes: int = 0
    started_wall: float | None = None
    ended_wall: float | None = None

    @property
    def name(self) -> str:
        return f"{self.replica} {self.index}"

    @property
    def ending(self) -> str:
        if self.signal is not None:
            return f"{self.name} was killed by signal {self.signal}"
        return f"{self.name} exited with code {self.exit_code}"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """All replicas of a run at one moment."""

    replicas: tuple[ReplicaState, ...]
    started_wall: float
    ended_wall: float | None = None
    first_failure: ReplicaState | None = None
    # Why nothing more will be heard of a run that has not ended.
    lost: str = ""
    evidence: Mapping[str, Any]

    @property
    def workers(self) -> list[ReplicaState]:
        return [replica for replica in self.replicas if replica.replica == "worker"]


class Backend(Protocol):
    """Carries the replicas of one run."""

    def observe(self) -> Observation | None:
        """The run as it is now; None when there is none."""

    def log_of(self, replica: str, index: int) -> Path:
        """Where the log of a replica is, or will be."""

    def remove(self) -> bool:
        """End whatever runs and return when nothing is left; whether there was anything."""


def outcome(seen: Observation) -> str | None:
    """succeeded, failed, or None as long as the run goes on or its last processes are being ended."""
    if all(worker.state == "succeeded" for worker in seen.workers) and (seen.ended_wall is not None or seen.lost):
        return "succeeded"
    if seen.ended_wall is not None or seen.lost:
        return "failed"
    return None
